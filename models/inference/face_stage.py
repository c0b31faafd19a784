"""What is asked of a face stage, to make data of faces and to measure networks with it. The agent has one.

This folder imports nothing of the agent's: whoever may import both hands the stage down.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.inference.blendshapes import Shapes
from models.inference.boxes import Points

FindFaces = Callable[[NDArray[np.uint8]], Sequence[Points]]
"""Landmarks (478, 2) in pixels of each face in an RGB picture (H, W, 3)."""
DescribeFaces = Callable[[NDArray[np.uint8]], Sequence[tuple[Points, Shapes]]]
"""The same, each with its blendshapes (52,)."""
TrackFaces = Callable[[NDArray[np.uint8], int], Sequence[tuple[Points, Shapes]]]
"""As ``DescribeFaces``, of a frame (H, W, 3) RGB at a time in ms; may track from call to call."""


class FaceStage(Protocol):
    """Each part is loaded when it is entered, and freed when it is left.

    ``command`` is what the user typed: if a package is missing, the error's sentence says what needs it. That error and
    that of a missing library are the stage's own; a ``ModelError`` is raised where the landmarker's file is missing or
    damaged.
    """

    def finding(self, command: str) -> AbstractContextManager[FindFaces]:
        """For pictures of which each stands alone."""

    def describing(self, command: str) -> AbstractContextManager[DescribeFaces]:
        """As ``finding``."""

    def tracking(self, command: str) -> AbstractContextManager[TrackFaces]:
        """For the frames of films."""
