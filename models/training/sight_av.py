"""Faces and sound of the same time: what the audio-visual networks look at and listen to."""

import functools
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clips import heard, sampling
from models.clips.cache import MARGIN
from models.clips.source import ClipSource, Frames
from models.errors import TrainingError
from models.inference.infer import Classifier, load_still
from models.training.augment import beta
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.training.sight_pixels import Seen
from models.zoo.entry import Architecture

_READER = "moodnet"


class FacesAndSound(NamedTuple):
    """Frames as ``seen`` chooses them, and ``steps`` of what is heard (N, steps, ``heard.WIDTH``) over the whole clip.

    Networks standardise what is heard themselves.
    """

    seen: Seen
    steps: int

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "FacesAndSound":
        """Raises:
        TrainingError: the sampling is another than frames evenly over the clip.
        """
        _check_whole(entry, how)
        return cls(Seen.by(entry, how), entry.signals["mfcc"][0])

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """Frames (1, T * 3, S, S) in 0..255, chance choosing which of each part, and what is heard (1, steps, WIDTH).

        Raises:
            DatasetError: the clip can't be read, or has no sound.
        """
        return (*self.seen.views(source, index, rng), _told(source, index, self.steps))

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """Faces as all pictures; what is heard is mixed with them and else stays."""
        (faces,), kept = self.seen.varied(views[:1], how, generator)
        return (faces, kept * views[1] + (1 - kept) * views[1].flip(0)), kept

    def ready(self, views: Views) -> Views:
        return (*self.seen.ready(views[:1]), views[1])

    def mirrored(self, inputs: Views) -> Views:
        """A mirror image sounds the same."""
        return (*self.seen.mirrored(inputs[:1]), inputs[1])


class FeaturesAndSound(NamedTuple):
    """What moodnet, which is shipped, tells of each of ``frames`` (N, frames, 256), and sound as ``FacesAndSound``.

    It is asked once about twice as many frames, evenly over the clip, and that is kept: in training chance chooses of
    each two. Nothing is mirrored.
    """

    frames: int
    steps: int

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "FeaturesAndSound":
        """Raises:
        TrainingError: the sampling is another than frames evenly over the clip.
        """
        _check_whole(entry, how)
        return cls(entry.signals["features"][0], entry.signals["mfcc"][0])

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """Features (1, frames, 256), and what is heard (1, steps, WIDTH).

        Raises:
            DatasetError: the clip can't be read, or has no sound.
            ModelError: moodnet's file is damaged.
        """
        pairs = source.derived(index, f"{_READER}-v1-{2 * self.frames}", self._read)
        which = 2 * np.arange(self.frames) + (0 if rng is None else rng.integers(2, size=self.frames))
        return torch.from_numpy(pairs[which])[None], _told(source, index, self.steps)

    def _read(self, frames: Frames) -> NDArray[np.float32]:
        chosen = frames[sampling.segments(len(frames), 2 * self.frames)]
        features = _reader().read(np.stack([_tile(face) for face in chosen]))[1]
        assert features is not None
        return features

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """Mixed alike."""
        kept = beta(how.mixup_alpha, generator) if how.mixup_alpha else 1.0
        return tuple(kept * each + (1 - kept) * each.flip(0) for each in views), kept

    def ready(self, views: Views) -> Views:
        return views

    def mirrored(self, inputs: Views) -> Views:
        """The same: moodnet was asked about one side alone."""
        return inputs


def _check_whole(entry: Architecture, how: ClipsSection) -> None:
    """Raises:
    TrainingError: the sampling is another than frames evenly over the clip.
    """
    if how.sampling != "segments":
        raise TrainingError(
            f"clips.sampling: {entry.name} hears the whole clip, so it sees frames of all of it; expected 'segments', "
            f"got {how.sampling!r}"
        )


def _told(source: ClipSource, index: int, steps: int) -> Tensor:
    """What is heard of a clip (1, steps, WIDTH), computed once."""
    told = source.derived(
        index, f"heard-v{heard.VERSION}-{steps}", lambda _: heard.features(source.signal(index, "sound"), steps)
    )
    return torch.from_numpy(told)[None]


@functools.cache
def _reader() -> Classifier:
    return load_still(_READER)


def _tile(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A clip's face (S, S, 3) as moodnet takes it: grey, 48 px, without the margin that clips have."""
    size = _reader().network.contract.crop.size
    edge = round(len(face) * (1 - 1 / MARGIN) / 2)
    middle = cv2.cvtColor(face[edge : len(face) - edge, edge : len(face) - edge], cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
