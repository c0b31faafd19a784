"""A set of labelled clips, as training and evaluation of clip networks see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import DatasetError

Frames = NDArray[np.uint8]
"""One clip: aligned faces (F, S, S, 3), RGB."""
Make = Callable[[Frames], NDArray[Any]]
"""Computes something of a clip's frames, such as their optical flow."""
Derive = Callable[[int, str, Make], NDArray[Any]]
"""See ``ClipSource.derived``."""
Signal = Callable[[int, str], NDArray[np.float32]]
"""See ``ClipSource.signal``."""


class ClipSource(Protocol):
    """N labelled clips. All arrays are read-only to whoever is handed a source."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels, in the order of a network's outputs."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,), indices into ``classes``."""

    @property
    def subjects(self) -> Sequence[str]:
        """Who is seen, one entry a clip; the same string where it is the same person, for splits by subject."""

    @property
    def intensity(self) -> NDArray[np.float32]:
        """(N,), how strongly the expression is shown: above 0 up to 1, NaN where it is not known."""

    @property
    def moments(self) -> NDArray[np.int64]:
        """(N, 2), onset and apex as indices into the clip's frames, -1 where they are not known."""

    @property
    def offset(self) -> NDArray[np.int64]:
        """(N,), the last frame of the expression, as ``moments``."""

    @property
    def rate(self) -> NDArray[np.float32]:
        """(N,), frames a second, NaN where it is not known."""

    def __len__(self) -> int:
        """N."""

    def frames(self, index: int) -> Frames:
        """All frames (F, S, S, 3) uint8 RGB of a clip, F at least 1; S is the same for all clips of a source.

        Raises:
            DatasetError: the clip can't be read (any more).
        """

    def derived(self, index: int, name: str, make: Make) -> NDArray[Any]:
        """What ``make`` computes of a clip's frames, computed once: it is kept beside them under ``name``.

        ``name`` is that of a file, and says all that the result depends on but the frames.

        Raises:
            DatasetError: the clip can't be read (any more), or the result can't be kept.
        """

    def signal(self, index: int, name: str) -> NDArray[np.float32]:
        """What was recorded or found of a clip beside its faces.

        ``points``: the landmarks (F, 478, 2) in pixels of the recording's frames. ``shapes``: the blendshapes (F, 52),
        0..1, in the order of ``models.inference.blendshapes``. ``sound``: what was heard while the faces were seen,
        (n,) in -1..1, one channel of ``models.inference.sound.RATE`` samples a second.

        Raises:
            DatasetError: there is none of that name, or the clip can't be read (any more).
        """


@dataclass(frozen=True)
class Clips:
    """A ``ClipSource`` of arrays and functions; nothing is read before it is asked for."""

    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    subjects: tuple[str, ...]
    intensity: NDArray[np.float32]
    moments: NDArray[np.int64]
    offset: NDArray[np.int64]
    rate: NDArray[np.float32]
    read: Callable[[int], Frames]
    derive: Derive
    tell: Signal

    def __post_init__(self) -> None:
        lengths = {
            len(each) for each in (self.labels, self.subjects, self.intensity, self.moments, self.offset, self.rate)
        }
        if len(lengths) > 1:
            raise DatasetError(
                f"expected as many labels, subjects, intensities, moments, offsets and rates, got {sorted(lengths)}"
            )
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise DatasetError(
                f"expected labels from 0 to {len(self.classes) - 1}, got {self.labels.min()} to {self.labels.max()}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def frames(self, index: int) -> Frames:
        return self.read(index)

    def derived(self, index: int, name: str, make: Make) -> NDArray[Any]:
        return self.derive(index, name, make)

    def signal(self, index: int, name: str) -> NDArray[np.float32]:
        return self.tell(index, name)


@dataclass
class _Remember:
    """A ``Derive`` that keeps results in memory, for sources without a folder."""

    read: Callable[[int], Frames]
    made: dict[tuple[int, str], NDArray[Any]] = field(default_factory=dict)

    def __call__(self, index: int, name: str, make: Make) -> NDArray[Any]:
        if (index, name) not in self.made:
            self.made[index, name] = make(self.read(index))
        return self.made[index, name]


def in_memory(
    clips: Sequence[Frames],
    labels: Sequence[int] | NDArray[np.int64],
    classes: tuple[str, ...],
    subjects: Sequence[str] | None = None,
    intensity: Sequence[float] | NDArray[np.float32] | None = None,
    moments: Sequence[tuple[int, int]] | NDArray[np.int64] | None = None,
    rate: Sequence[float] | NDArray[np.float32] | None = None,
    offset: Sequence[int] | NDArray[np.int64] | None = None,
    signals: Sequence[Mapping[str, NDArray[np.float32]]] = (),
) -> Clips:
    """A source of clips that are there already; without ``subjects`` each clip is of somebody else.

    ``signals`` has those of each clip by name, if they are given.

    Raises:
        DatasetError: not one label a clip, or a label that is none of the classes.
    """
    if len(clips) != len(labels):
        raise DatasetError(f"expected a label for each of {len(clips)} clips, got {len(labels)}")

    def tell(index: int, name: str) -> NDArray[np.float32]:
        there = signals[index] if signals else {}
        if name not in there:
            raise DatasetError(f"expected clips with {name}, but clip {index} has none")
        return there[name]

    return lazy(clips.__getitem__, labels, classes, subjects, intensity, moments, rate, offset, tell=tell)


def lazy(
    read: Callable[[int], Frames],
    labels: Sequence[int] | NDArray[np.int64],
    classes: tuple[str, ...],
    subjects: Sequence[str] | None = None,
    intensity: Sequence[float] | NDArray[np.float32] | None = None,
    moments: Sequence[tuple[int, int]] | NDArray[np.int64] | None = None,
    rate: Sequence[float] | NDArray[np.float32] | None = None,
    offset: Sequence[int] | NDArray[np.int64] | None = None,
    derive: Derive | None = None,
    tell: Signal | None = None,
) -> Clips:
    """A source that calls ``read`` with a clip's index each time its frames are asked for; else as ``in_memory``.

    ``derive`` keeps what is derived from clips; without it that stays in memory. ``tell`` gives their signals; without
    it there are none.
    """
    count = len(labels)
    return Clips(
        classes,
        np.asarray(labels, np.int64).reshape(count),
        tuple(str(i) for i in range(count)) if subjects is None else tuple(subjects),
        np.full(count, np.nan, np.float32) if intensity is None else np.asarray(intensity, np.float32),
        np.full((count, 2), -1, np.int64) if moments is None else np.asarray(moments, np.int64).reshape(-1, 2),
        np.full(count, -1, np.int64) if offset is None else np.asarray(offset, np.int64),
        np.full(count, np.nan, np.float32) if rate is None else np.asarray(rate, np.float32),
        read,
        derive or _Remember(read),
        tell or _untold,
    )


def _untold(index: int, name: str) -> NDArray[np.float32]:
    raise DatasetError(f"expected clips with {name}, but clip {index} has nothing beside its faces")


def take(source: ClipSource, indices: Sequence[int] | NDArray[np.int64]) -> Clips:
    """The clips of these indices, in this order; they are still read from ``source``."""
    chosen = np.asarray(indices, np.int64)
    return Clips(
        source.classes,
        source.labels[chosen],
        tuple(source.subjects[i] for i in chosen),
        source.intensity[chosen],
        source.moments[chosen],
        source.offset[chosen],
        source.rate[chosen],
        lambda index: source.frames(int(chosen[index])),
        lambda index, name, make: source.derived(int(chosen[index]), name, make),
        lambda index, name: source.signal(int(chosen[index]), name),
    )
