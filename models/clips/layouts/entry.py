"""What an adapter finds in a data set's folder. Nothing is decoded for it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from models.errors import DatasetError
from relay.protocol import EXPRESSIONS

Read = Callable[[Path], "Found"]

SYNTHETIC = "synthetic.txt"
"""In the folder of a set that a program made: its faces and voices are no recordings, whatever layout reads it."""


@dataclass(frozen=True)
class Clip:
    """A video file or a folder of pictures, or the frames from ``start`` to before ``stop`` of it (None: its end).

    A file of sound is a clip as well, for networks that only hear. ``sound`` is a file with the sound of pictures; its
    time begins as theirs does (``models.clips.sound``). Without it, a video's own track counts.

    ``label`` indexes the listing's classes. ``intensity``, the moments ``onset``, ``apex`` and ``offset``, counted from
    ``start``, and the frames a second, ``fps``, are as in ``models.clips.source``.
    """

    path: Path
    label: int
    subject: str
    intensity: float = math.nan
    start: int = 0
    stop: int | None = None
    onset: int = -1
    apex: int = -1
    offset: int = -1
    fps: float = math.nan
    sound: Path | None = None


@dataclass(frozen=True)
class OfficialFold:
    """Which clips to learn from and which to test on: indices into a listing's clips."""

    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True)
class Found:
    """An adapter's answer: clips, the official folds by name, and a sentence for each clip that is not there.

    ``remarks`` has one for each contradiction and for how it was settled.
    """

    clips: tuple[Clip, ...]
    folds: Mapping[str, OfficialFold] = field(default_factory=lambda: MappingProxyType({}))
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    """Only of layouts that leave the classes to the folder."""


@dataclass(frozen=True)
class Layout:
    """A data set's folder layout. ``expressions`` names Moodcast's expression of each class, None where it has none.

    ``steady``: heads hardly move and the motion is faint, so all frames are cut as the clip's first one is.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    expressions: tuple[str | None, ...]
    read: Read
    steady: bool = False


@dataclass(frozen=True)
class Listing:
    """The clips of a folder and their official folds (empty where there are none); else as ``Found``.

    ``recorded``: no file of the set says that a program made it (``SYNTHETIC``).
    """

    layout: Layout
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    folds: Mapping[str, OfficialFold]
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    recorded: bool = True

    def keep(self, indices: Sequence[int]) -> "Listing":
        """Only these clips; the folds follow."""
        place = {old: new for new, old in enumerate(indices)}
        folds = {
            name: OfficialFold(
                tuple(place[i] for i in fold.train if i in place), tuple(place[i] for i in fold.test if i in place)
            )
            for name, fold in self.folds.items()
        }
        return replace(self, clips=tuple(self.clips[i] for i in indices), folds=folds)


def as_expressions(listing: Listing) -> Listing:
    """The same under Moodcast's seven labels in their order; clips of a class without one are left out.

    Raises:
        DatasetError: no clip is of a class that has one.
    """
    names = listing.layout.expressions or tuple(expression_of(name) for name in listing.classes)
    kept = listing.keep([i for i, clip in enumerate(listing.clips) if names[clip.label] is not None])
    if not kept.clips:
        raise DatasetError(
            f"expected clips of classes that are among Moodcast's expressions ({', '.join(EXPRESSIONS)}), but of the "
            f"{len(listing.clips)} clips none is: take them without the seven labels"
        )
    clips = tuple(replace(clip, label=EXPRESSIONS.index(str(names[clip.label]))) for clip in kept.clips)
    return replace(kept, classes=EXPRESSIONS, clips=clips)


_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "angry": ("anger", "ang"),
        "disgust": ("disgusted", "dis"),
        "fear": ("fearful", "fea"),
        "happy": ("happiness", "hap"),
        "sad": ("sadness",),
        "surprise": ("surprised", "sur"),
        "neutral": ("neu",),
    }
)


def expression_of(word: str) -> str | None:
    """Moodcast's expression for a data set's word for it, None where it has none; case does not count."""
    word = word.strip().lower()
    return next((name for name, others in _WORDS.items() if word == name or word in others), None)
