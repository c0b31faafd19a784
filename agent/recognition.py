"""From a frame to seven probabilities: face, aligned crop, classifier. Everything stays in this process."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agent.face import FaceFinder
from models import registry
from models.align import aligned_face
from models.errors import ModelContractError


class Recogniser:
    """The pictures' way through the agent; use it from one thread at a time.

    Raises:
        models.errors.ModelError: unknown model, file missing, damaged, or not a classifier.
        MissingLibraryError: see ``FaceFinder``.
    """

    def __init__(self, model: str) -> None:
        from models.infer import Classifier  # imports ONNX Runtime

        weights = registry.get(model)
        if weights.crop is None:
            raise ModelContractError(f"the model {model!r} is no expression classifier: leave --model at its default")
        self._crop = weights.crop
        classifier, landmarker = registry.path(model), registry.path("face_landmarker")
        self._classifier = Classifier(classifier, weights)
        self._faces = FaceFinder(landmarker)
        self.seconds = {"face": 0.0, "classify": 0.0}
        """Time spent in each stage, summed over ``calls``."""
        self.calls = {"face": 0, "classify": 0}

    def probabilities(self, frame: NDArray[np.uint8], time_ms: int) -> Sequence[float] | None:
        """Seven probabilities in the order of ``EXPRESSIONS`` for the largest face; None without a face.

        ``frame`` is RGB (H, W, 3); ``time_ms`` grows from frame to frame of one video.
        """
        began = time.perf_counter()
        points = self._faces.find(frame, time_ms)
        found = time.perf_counter()
        self._count("face", found - began)
        if points is None:
            return None
        result: list[float] = self._classifier.probabilities(aligned_face(frame, points, self._crop)).tolist()
        self._count("classify", time.perf_counter() - found)
        return result

    def close(self) -> None:
        """Free the face landmarker."""
        self._faces.close()

    def _count(self, stage: str, seconds: float) -> None:
        self.seconds[stage] += seconds
        self.calls[stage] += 1
