"""What the registry (``models.zoo.networks``) knows of a network. Reading it needs no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from models.inference.contract import Pixels
from relay.protocol import EXPRESSIONS

UNIT = Pixels((0.0,) * 3, (255.0,) * 3)
"""0 to 1."""
SYMMETRIC = Pixels((127.5,) * 3, (128.0,) * 3)
"""-1 to 1."""

_BESIDE_SIGNALS = 64
_OF_SOUND = frozenset(("sound", "mfcc"))
"""Signals that come from what is heard of a clip."""

Builder = Callable[..., Any]
"""To a network (``torch.nn.Module``): see ``Architecture``."""


@dataclass(frozen=True)
class Architecture:
    """One entry. It sees square faces of ``size`` px through ``pixels``, or clips of ``frames`` such faces.

    ``builder`` takes the number of classes. That of a head over another network of the registry, which is named in
    ``over``, also takes what builds that network for a number of classes, and how many channels it sees. ``params``
    counts ours, all of them alive. ``official`` counts the authors' own build where it was measured; what it has and
    ours lacks is in ``left_out``, part by part, so that ``params + sum(left_out) == official``. ``published`` is the
    number as the paper prints it. ``official_gmacs`` are 10^9 multiply-accumulates of one input in the authors' build;
    ``left_out_gmacs`` says which of them ours saves at no change of the answer. ``published_gmacs`` are as the paper
    prints them, and ``remark`` says why they are far off, where that is known. ``published_accuracy`` is a sentence:
    how well it recognises as printed, on what, and by which protocol. ``learning_rate`` is that of the study's transfer
    recipe, for networks whose trunk was trained on other pictures first. ``interval_s`` seconds lie between two frames
    of a clip in the agent: by default those of a stride of 4 at 25 frames a second. ``sight`` is what of a
    clip it sees (``models.training.sights``), which of clips whose rate is not known is nothing where it
    ``needs_rate``, and for which faces are cut ``finer`` than ``size`` by a factor. ``signals`` are the shapes of its
    inputs beside faces, by their names, without the batch; where ``size`` is 0 they are all that it knows of a clip.
    Networks for ``micro``-expressions are never the agent's: what they say is no claim about a viewer.
    """

    name: str
    builder: Builder
    paper: str
    size: int
    pixels: Pixels
    params: int
    classes: int = len(EXPRESSIONS)
    published: str = ""
    official: int | None = None
    left_out: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    learning_rate: float | None = None
    frames: int = 1
    interval_s: float = 0.16
    official_gmacs: float | None = None
    left_out_gmacs: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    published_gmacs: str = ""
    published_accuracy: str = ""
    remark: str = ""
    over: str = ""
    sight: str = "pixels"
    signals: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    micro: bool = False
    needs_rate: bool = False
    finer: int = 1

    @property
    def sees(self) -> str:
        """Its first input in a few characters: channels, frames of a clip, side; or a signal and its shape."""
        if not self.size:
            name, shape = next(iter(self.signals.items()))
            return f"{name}: {' x '.join(map(str, shape))}"
        frames = f"{self.frames} x " if self.frames > 1 else ""
        return f"{self.pixels.channels} x {frames}{self.size} px"

    @property
    def face_size(self) -> int:
        """Side of the faces that its sight looks at; where it looks at none, of those that signals are kept with.

        0 where it only hears.
        """
        only_hears = not self.size and _OF_SOUND.issuperset(self.signals)
        return 0 if only_hears else (self.size or _BESIDE_SIGNALS) * self.finer

    @property
    def hears(self) -> bool:
        """Whether it is told what is heard of a clip."""
        return not _OF_SOUND.isdisjoint(self.signals)

    @property
    def sees_faces(self) -> bool:
        """Whether a single face is all that it looks at."""
        return self.frames == 1 and not self.signals

    @property
    def for_research(self) -> bool:
        """Whether no agent takes it: of a viewer an agent has faces alone, and claims nothing of micro-expressions.

        Of a streamer it has the voice as well (``listens``).
        """
        return self.micro or bool(self.signals)

    @property
    def listens(self) -> bool:
        """Whether sound as it was recorded is all that it is given."""
        return not self.size and tuple(self.signals) == ("sound",)

    def shape(self, number: int) -> tuple[int, ...]:
        """Of ``number`` faces (number, channels, size, size), or clips (number, channels, frames, size, size).

        Without faces, that of the first signal.
        """
        if not self.size:
            return (number, *next(iter(self.signals.values())))
        frames = (self.frames,) if self.frames > 1 else ()
        return (number, self.pixels.channels, *frames, self.size, self.size)

    def inputs(self, number: int) -> dict[str, tuple[int, ...]]:
        """The shapes of all inputs by their names in an exported file, in their order; the first one's is ``shape``."""
        first = {"flow" if self.sight.startswith("flow") else "faces": self.shape(number)} if self.size else {}
        return first | {name: (number, *shape) for name, shape in self.signals.items()}
