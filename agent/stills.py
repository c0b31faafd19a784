"""Expressions in still pictures, for the relay's page /try. Everything stays in this process's memory."""

import time

import numpy as np
from numpy.typing import NDArray

from agent import covered, readable
from agent.face import FoundFace, StillFaceFinder
from models.errors import ModelError
from models.inference import registry, smile
from models.inference.align import aligned_face, crop_matrix
from models.inference.contract import CropSpec
from models.inference.infer import Classifier, load_still
from models.inference.smile import SmileRule
from relay.trial import BadPictureError, Choice, DecodedPicture, Findings, TriedFace, UnavailableError


class StillRecogniser:
    """A face finder, and the classifiers that were asked for, for still pictures (``relay.trial.PictureRecogniser``).

    Raises:
        ModuleNotFoundError: MediaPipe is not installed.
        agent.errors.MissingLibraryError: as ``FaceFinder``.
        models.errors.ModelError: the face finder's file is missing or damaged.
    """

    def __init__(self) -> None:
        self._faces = StillFaceFinder(registry.path(registry.LANDMARKER))
        self._loaded: dict[str, Classifier] = {}

    def choices(self) -> list[Choice]:
        """The classifiers whose files are here, the default first."""
        here = [entry for entry in registry.WEIGHTS.values() if entry.is_still and registry.location(entry).is_file()]
        here.sort(key=lambda entry: entry.name != registry.DEFAULT)
        return [Choice(name=entry.name, description=entry.description) for entry in here]

    def look(self, picture: DecodedPicture, model: str) -> Findings:
        """The faces of a picture, and what the classifier ``model`` (empty: the default) says of each.

        Raises:
            BadPictureError: there is no such classifier.
            UnavailableError: the classifier's file is missing or damaged.
        """
        times = [time.perf_counter()]
        model = model or registry.DEFAULT
        classifier, rule = self._load(model), registry.smile_rule(model)
        times.append(time.perf_counter())
        pixels = np.frombuffer(picture.rgb, np.uint8).reshape(picture.height, picture.width, 3)
        found = self._faces.find(pixels)
        times.append(time.perf_counter())
        faces = tuple(_read(pixels, face, classifier, rule) for face in found)
        times.append(time.perf_counter())
        spent = zip(("load", "find", "classify"), np.diff(times).tolist(), strict=True)
        return Findings(
            model=model,
            width=picture.width,
            height=picture.height,
            faces=faces,
            milliseconds={stage: round(1000 * seconds, 2) for stage, seconds in spent},
        )

    def close(self) -> None:
        """Free the face finder."""
        self._faces.close()

    def _load(self, model: str) -> Classifier:
        if model not in self._loaded:
            entry = registry.WEIGHTS.get(model)
            if entry is None or not entry.is_still:
                known = ", ".join(choice.name for choice in self.choices())
                raise BadPictureError(f"There is no classifier {model[:40]!r}: choose one of {known}.")
            try:
                self._loaded[model] = load_still(model)
            except ModelError as error:
                raise UnavailableError(error.sentence()) from error
        return self._loaded[model]


def _read(pixels: NDArray[np.uint8], face: FoundFace, classifier: Classifier, rule: SmileRule | None) -> TriedFace:
    """What the classifier and the rule say of a face of the picture, and whether the agent would send it."""
    crop = classifier.network.contract.crop
    answer = classifier.probabilities(aligned_face(pixels, face.points, crop))
    probabilities = smile.decided(rule, answer, face.shapes)
    unread = (
        readable.placed(face, pixels.shape[1], pixels.shape[0])
        or readable.uncovered(aligned_face(pixels, face.points, covered.CROP))
        or readable.unsure(answer.tolist())
    )
    return TriedFace(
        outline=outline(face.points, crop),
        probabilities=tuple(probabilities.tolist()),
        unread=unread.key if unread else "",
    )


def outline(points: NDArray[np.float64], crop: CropSpec) -> tuple[tuple[float, float], ...]:
    """The corners of the classifier's crop in the picture, in pixels, as ``relay.trial.TriedFace`` has them.

    ``points`` (478, 2) of a face in pixels.
    """
    matrix = crop_matrix(points, crop.size, crop.margin)
    low, high = -0.5, crop.size - 0.5  # the edges: pixel centres lie at whole numbers
    corners = np.array([(low, low), (high, low), (high, high), (low, high)])
    there = np.linalg.solve(matrix[:, :2], (corners - matrix[:, 2]).T).T
    return tuple((round(x, 1), round(y, 1)) for x, y in there.tolist())
