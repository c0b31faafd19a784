"""A bag of visual words: which small patterns a face has, and roughly where (Ionescu et al. 2013, "Local Learning to
Improve Bag of Visual Words Model for Facial Expression Recognition"; Georgescu et al. 2019 use the same).

SIFT (Lowe 2004) describes a grid of patches of several widths; each description is taken for the nearest word of a
vocabulary, which k-means finds. A face is told by the words it has in each cell of a spatial pyramid (Lazebnik et al.
2006), present or not: how often they occur helps less (Ionescu et al. 2013).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from tqdm import tqdm

from models.errors import DatasetError
from models.stills.fer2013 import TILE

_PATCHES = (12, 16, 24)
"""Widths of the patches in px, of faces of 48 px. Chosen here."""
_STEP = 4
"""From one patch to the next, px."""
_PYRAMID = (1, 2, 3)
"""Cells a side of each level."""
_BLUR = 0.7
"""Of SIFT, px. OpenCV's 1.6 is for larger pictures: on 800 validation faces it costs 2 to 7 points."""
_SAMPLE = 200_000
"""Descriptions, at most, that k-means is given."""
_MARGIN = _PATCHES[0] // 2
_SIFT_WIDTH = 6
"""A patch is so many times as wide as OpenCV's ``KeyPoint.size``: 4 cells of 3 times half of it."""

Faces = NDArray[np.uint8]
"""Grey faces (N, 48, 48)."""


def _centres() -> NDArray[np.int64]:
    """Of a width's patches, (P, 2): x and y."""
    line = np.arange(_MARGIN, TILE - _MARGIN + 1, _STEP)
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


def _patches() -> list[cv2.KeyPoint]:
    """Upright, width after width."""
    return [
        cv2.KeyPoint(float(x), float(y), width / _SIFT_WIDTH, 0.0)  # an angle of 0: not turned to its gradient
        for width in _PATCHES
        for x, y in _centres()
    ]


def _described(faces: Faces) -> Iterator[NDArray[np.float32]]:
    """SIFT of all patches of each face, (``len(_PATCHES)`` * P, 128), in 0..255."""
    sift, patches = cv2.SIFT.create(sigma=_BLUR), _patches()
    for face in faces:
        kept, found = sift.compute(face, patches)
        assert len(kept) == len(patches)
        yield np.asarray(found, np.float32)


@dataclass(frozen=True)
class Vocabulary:
    """``words`` (W, 128) float32."""

    words: NDArray[np.float32]

    @classmethod
    def of(cls, faces: Faces, size: int, seed: int) -> "Vocabulary":
        """``size`` words, by k-means of the descriptions of some of the faces.

        Raises:
            DatasetError: there are fewer descriptions than that.
        """
        from sklearn.cluster import MiniBatchKMeans

        rng = np.random.default_rng(seed)
        few = rng.permutation(len(faces))[: _SAMPLE // 64]
        each = -(-_SAMPLE // len(few))
        shown = tqdm(_described(faces[few]), desc="vocabulary", total=len(few), unit="face", disable=None)
        sample = np.concatenate([rng.permutation(found)[:each] for found in shown])
        if len(sample) < size:
            raise DatasetError(f"expected at most {len(sample)} words (--words) of {len(few)} faces, got {size}")
        means = MiniBatchKMeans(size, batch_size=4096, n_init=1, max_iter=50, random_state=seed).fit(sample)
        return cls(np.asarray(means.cluster_centers_, np.float32))

    def nearest(self, found: NDArray[np.float32]) -> NDArray[np.int64]:
        """The word of each description (P, 128), (P,)."""
        distances = (self.words**2).sum(1) - 2 * found @ self.words.T
        nearest: NDArray[np.int64] = distances.argmin(1)
        return nearest

    def present(self, faces: Faces) -> sparse.csr_matrix:
        """Which words each face has where: (N, W * cells) float32, of length 1 a face."""
        cells = np.tile(_cells(), (len(_PATCHES), 1))  # (patches, levels)
        columns, ends = [], [0]
        for found in tqdm(_described(faces), desc="words", total=len(faces), unit="face", disable=None):
            here = np.unique(cells * len(self.words) + self.nearest(found)[:, None])
            columns.append(here)
            ends.append(ends[-1] + len(here))
        lengths = np.diff(ends)
        values = np.repeat(1 / np.sqrt(lengths), lengths).astype(np.float32)
        width = len(self.words) * sum(side**2 for side in _PYRAMID)
        return sparse.csr_matrix((values, np.concatenate(columns), ends), (len(faces), width))


def _cells() -> NDArray[np.int64]:
    """Which cell of each level a patch's centre is in (P, levels), numbered through all levels."""
    centres, before, found = _centres(), 0, []
    for side in _PYRAMID:
        column, row = (centres * side // TILE).T
        found.append(before + row * side + column)
        before += side**2
    return np.stack(found, 1)
