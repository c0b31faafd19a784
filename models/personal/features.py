"""Clips as what a face network makes of their frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError


@dataclass(frozen=True)
class FeatureClips:
    """N labelled clips: of each the features (T_i, D) float32 of its frames, T_i at least 1.

    ``labels`` (N,) int64 index ``classes``; ``subjects`` says who is seen, ``clips`` which clip it is, one entry each.
    """

    features: list[NDArray[np.float32]]
    labels: NDArray[np.int64]
    subjects: list[str]
    classes: tuple[str, ...]
    clips: list[str]

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.labels) == len(self.subjects) == len(self.clips) > 0:
            raise DatasetError(
                "expected one clip or more and as many labels, subjects and names, got "
                f"{len(self.features)}, {len(self.labels)}, {len(self.subjects)}, {len(self.clips)}"
            )

    @property
    def width(self) -> int:
        """D."""
        return int(self.features[0].shape[1])
