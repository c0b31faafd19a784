"""What cameras and rooms do to a face, on tiles: faces (N, S, S) uint8 in, the same shape out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from models.inference.align import EYES_APART, EYES_Y, MOUTH_Y
from models.inference.infer import Faces

_SEED = 20261121
_COVERED = 127
"""Grey of what covers mouth or eyes."""


@dataclass(frozen=True)
class Degradation:
    """One kind at one level; ``apply`` is deterministic."""

    kind: str
    level: str
    apply: Callable[[Faces], Faces]


def blur(faces: Faces, sigma: float) -> Faces:
    """Gaussian blur, ``sigma`` in pixels of the tile."""
    blurred: Faces = np.stack([cv2.GaussianBlur(face, (0, 0), sigma) for face in faces])
    return blurred


def _darken(faces: Faces, share: float) -> Faces:
    """Only ``share`` of the light reaches an 8-bit camera: shades merge."""
    dark: Faces = np.rint(faces * share).astype(np.uint8)
    return dark


def _add_noise(faces: Faces, sigma: float) -> Faces:
    """Gaussian noise of ``sigma`` grey levels on each pixel."""
    noise = np.random.default_rng(_SEED).normal(0, sigma, faces.shape)
    return np.clip(np.rint(faces + noise), 0, 255).astype(np.uint8)


def roll(faces: Faces, degrees: float) -> Faces:
    """Turned about the middle, one face to the left, the next to the right; the edge's pixels repeat."""
    side = faces.shape[1]
    middle = ((side - 1) / 2, (side - 1) / 2)
    matrices = [cv2.getRotationMatrix2D(middle, angle, 1.0) for angle in (degrees, -degrees)]
    turned = [
        np.asarray(cv2.warpAffine(face, matrices[i % 2], (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)
        for i, face in enumerate(faces)
    ]
    return np.stack(turned)


def shrink(faces: Faces, pixels: int) -> Faces:
    """As if the face had been ``pixels`` wide in the frame."""
    side = faces.shape[1]
    small = [cv2.resize(face, (pixels, pixels), interpolation=cv2.INTER_AREA) for face in faces]
    large: Faces = np.stack([cv2.resize(face, (side, side), interpolation=cv2.INTER_LINEAR) for face in small])
    return large


def _cover(faces: Faces, middle: float, height: float, width: float) -> Faces:
    """A grey rectangle at ``middle`` from the top, centred; all as shares of the side."""
    side = faces.shape[1]
    top, bottom = round((middle - height / 2) * side), round((middle + height / 2) * side)
    left, right = round((0.5 - width / 2) * side), round((0.5 + width / 2) * side)
    covered: Faces = faces.copy()
    covered[:, top:bottom, left:right] = _COVERED
    return covered


DEGRADATIONS = (
    *(Degradation("blur", f"sigma {sigma} px", partial(blur, sigma=sigma)) for sigma in (1, 2, 3)),
    *(
        Degradation("darkness", f"{share:.0%} of the light", partial(_darken, share=share))
        for share in (0.5, 0.25, 0.1)
    ),
    *(Degradation("noise", f"sigma {sigma} of 255", partial(_add_noise, sigma=sigma)) for sigma in (10, 20, 40)),
    *(Degradation("roll", f"{degrees} degrees", partial(roll, degrees=degrees)) for degrees in (10, 20)),
    Degradation("occlusion", "mouth covered", partial(_cover, middle=MOUTH_Y, height=0.3, width=0.6)),
    Degradation("occlusion", "eyes covered", partial(_cover, middle=EYES_Y, height=0.24, width=2 * EYES_APART)),
    *(Degradation("size", f"{pixels} px", partial(shrink, pixels=pixels)) for pixels in (36, 24, 16)),
)
"""Where mouth and eyes are in a tile is measured (``inference.align``). The agent's crop takes roll out beforehand."""
