"""Motion magnification of clips: Eulerian, linear (Wu et al. 2012, "Eulerian Video Magnification for Revealing Subtle
Changes in the World"). Pure.

What changes at a place is added to the frame once more, ``FACTOR`` times. To first order that is the same picture with
a motion 1 + ``FACTOR`` times as large (section 3.1). What changes is the difference from the clip's first frame: the
temporal filter that passes everything but what stands still. It needs no frame rate, which not every set tells, and
suits clips that are cut around an expression; a band of frequencies would also leave out slow drifts of the head.

The approximation holds where (1 + ``FACTOR``) times the motion stays below an eighth of a pattern's wavelength (eq.
14). Finer patterns are left out of the difference by a blur, and with them the camera's noise. A change of the whole
face at once is light, not motion, and is left out as well.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Greys = NDArray[np.float32]
"""Frames (F, S, S), 0..255."""

FACTOR = 8.0
"""By eq. 14, half a pixel of motion in a face of 128 px is still magnified in patterns from 36 px on, half a mouth's
width. It is not AKMNet's: its authors magnify phases (Wadhwa et al. 2013) and print no factor for that."""
_BLURS = 32
"""Standard deviations of the blur in a face's side: of patterns of a sixth of the side it passes half."""


def magnified(frames: Greys, factor: float = FACTOR) -> Greys:
    """The clip with its motion 1 + ``factor`` times as large; the first frame stays as it is."""
    changes = frames - frames[0]
    changes -= changes.mean((1, 2), keepdims=True)
    spread = frames.shape[1] / _BLURS
    smooth = np.stack([cv2.GaussianBlur(change, (0, 0), spread) for change in changes])
    larger: Greys = np.clip(frames + factor * smooth, 0, 255).astype(np.float32)
    return larger
