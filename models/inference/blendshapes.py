"""The blendshapes that the face stage tells of each face: how far each of 52 movements of a face is made, 0..1.

They are ARKit's but for ``tongueOut``, with ``_neutral`` in front, in the order of MediaPipe's face landmarker
(https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker; model card "Blendshape V2"). ``Left`` and
``Right`` are the subject's.
"""

import numpy as np
from numpy.typing import NDArray

Shapes = NDArray[np.float32]
"""The blendshapes (52,) of a face, 0..1, in the order of ``BLENDSHAPES``."""

# fmt: off
BLENDSHAPES = (
    "_neutral",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight",
)
# fmt: on
"""The name of each; ``BLENDSHAPES.index(name)`` is its place."""
