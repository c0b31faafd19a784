"""The blendshape baseline: MediaPipe's 52 blendshapes of a face, and a logistic regression from them to expressions.

What the agent's face stage could tell without any network of ours. The regression (multinomial, standardised inputs,
L2) is fitted to FER2013's labels of some training tiles each time, which takes a minute or two: no weights are shipped.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent.face import load_landmarker, quiet_stderr
from models.inference.infer import softmax
from models.stills import fer2013
from relay.protocol import EXPRESSIONS

NAME = "blendshapes, logistic regression"
FITTED = 6000
"""Training tiles that it is fitted to."""
ENLARGED, BORDER = 192, 48
"""Pixels: MediaPipe finds faces in pictures, and a tile of 48 px is filled by its face."""
STEPS, RATE, DECAY = 800, 0.5, 1e-3

ReadBlendshapes = Callable[[NDArray[np.uint8]], NDArray[np.float32] | None]
"""The blendshapes (52,) in 0..1 of the largest face in an RGB picture (H, W, 3); None without one."""


class BlendshapeReader:
    """A landmarker that also tells MediaPipe's 52 blendshapes, for pictures of which each stands alone.

    Raises:
        MissingLibraryError: as ``agent.face.FaceFinder``.
    """

    def __init__(self, model: Path) -> None:
        with quiet_stderr():
            self._landmarker, self._image = load_landmarker(model, "IMAGE", 1)
            self.read(np.zeros((64, 64, 3), np.uint8))

    def read(self, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """The blendshapes (52,) in 0..1 of the face in ``picture`` (H, W, 3) RGB; None without one."""
        faces = self._landmarker.detect(self._image(picture)).face_blendshapes
        return np.array([shape.score for shape in faces[0]], np.float32) if faces else None

    def close(self) -> None:
        """Free the landmarker and its threads."""
        self._landmarker.close()


def as_picture(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A tile (48, 48) as an RGB picture in which a face can be found."""
    large = cv2.resize(tile, (ENLARGED, ENLARGED), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB), np.uint8)


def fit(read: ReadBlendshapes, faces: fer2013.LabelledFaces) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """From tiles (N, 48, 48) uint8 to probabilities (N, 7); where no face is found, the expressions' shares.

    ``faces`` are training rows, of which ``FITTED`` are taken, the same each time.
    """
    some = np.random.default_rng(0).permutation(len(faces.labels))[:FITTED]
    found = [read(as_picture(faces.pixels[i])) for i in tqdm(some, desc=NAME, unit="face", disable=None)]
    labels = np.array([faces.labels[i] for i, row in zip(some, found, strict=True) if row is not None], np.int64)
    seen = [row for row in found if row is not None]
    shares = np.bincount(faces.labels, minlength=len(EXPRESSIONS)) / max(1, len(faces.labels))
    if not seen:
        return lambda tiles: np.tile(shares.astype(np.float32), (len(tiles), 1))
    rows = np.array(seen, np.float32)
    mean, scale = rows.mean(0), rows.std(0) + 1e-3
    weights = regression((rows - mean) / scale, labels)

    def predict(tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers = np.tile(shares.astype(np.float32), (len(tiles), 1))
        for number, tile in enumerate(tiles):
            shapes = read(as_picture(tile))
            if shapes is not None:
                answers[number] = softmax(with_one(((shapes - mean) / scale)[None]) @ weights)[0]
        return answers

    return predict


def regression(rows: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weights (D + 1, 7), the last row the intercepts, by gradient descent with momentum on all of ``rows`` (N, D)."""
    inputs, wanted = with_one(rows), np.eye(len(EXPRESSIONS), dtype=np.float32)[labels]
    weights = np.zeros((inputs.shape[1], len(EXPRESSIONS)), np.float32)
    speed = np.zeros_like(weights)
    for _ in range(STEPS):
        gradient = inputs.T @ (softmax(inputs @ weights) - wanted) / len(inputs) + DECAY * weights
        speed = 0.9 * speed - RATE * gradient / 10
        weights += speed
    return weights


def with_one(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (N, D) with a column of ones behind, for the intercepts."""
    return np.hstack([rows, np.ones((len(rows), 1), np.float32)]).astype(np.float32)
