"""A synthetic set of micro-expressions: faint and short, among blinks, heads that move and light that flickers.

As in ``models.clips.synth`` the label is in the motion of mouth, brows and eyes, and everything else is drawn without
regard to it. Micro-expressions are hardly to be seen and last up to half a second, with an onset of up to 0.26 s (Yan,
Wu, Liang, Chen & Fu 2013, "How fast are the leaked facial expressions: the duration of micro-expressions"). Two kinds:

* ``short/CLASS/SUBJECT_NUMBER.mp4`` with ``clips.csv``, for recognition (layout ``plain``): one micro-expression each,
  with some frames of rest before and after;
* ``long/SUBJECT_NUMBER.mp4`` with ``events.csv``, for spotting (layout ``long-plain``): 3 to 10 s that are neutral but
  for up to three of them. Three in ten have none, but a blink.

Chance is drawn in seconds: one seed plays the same at every frame rate, but for moments that fall on its frames, and
for noise.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.clips import motions, synth, video
from models.clips.styles import SHARED, Style
from models.clips.synth import Pose
from models.clips.video import Frame
from models.clips.warp import FaceMesh
from relay.protocol import EXPRESSIONS

Row = tuple[object, ...]
"""Of a table."""

SHORT, LONG, _EVENTS = "short", "long", "events.csv"
_SHORT_COLUMNS = (*synth.COLUMNS, "fps", "blinks")
_LONG_COLUMNS = ("file", "subject", "fps", "onset", "apex", "offset", "label", "intensity", "frames", "blinks")
"""``blinks``: the frames in which the lids are shut most."""

SHOWN = tuple(name for name in EXPRESSIONS if name != "neutral")
_INTENSITY = (0.1, 0.3)
_LASTING_S = (0.2, 0.5)
_RISING = (0.3, 0.52)
"""From onset to apex, of the whole."""
SHORT_S, LONG_S = (1.1, 1.4), (3, 10)
REST_S = 0.2
"""At least so long a face is at rest before and after each micro-expression."""
_BLINK_S = (0.1, 0.4)
"""Schiffman 2001, "Sensation and perception": an ordinary blink lasts 0.1 to 0.4 s."""
_BLINKING_HZ, _BLINK_ONLY = 0.3, -1
_IN_LONG = (1, _BLINK_ONLY, 2, 0, 1, _BLINK_ONLY, 3, 1, _BLINK_ONLY, 2)
"""How many micro-expressions each of ten long clips has; where none, chance alone says whether there is a blink."""

_SWAY = (0.03, 0.012, 0.006, 0.006, 0.006)
_JOLT_HZ, _JOLT_S, _JOLT = 0.2, (0.15, 0.4), (0.03, 0.015, 0.008, 0.008, 0.008)
"""How far a head sways at most, and how often, how fast and how far it moves all of a sudden; order of ``Pose``."""
_MAINS_HZ, _MAINS_OFF_HZ = (50, 60), 0.05
_EXPOSURE = (0.3, 0.95)
"""For how much of the time between two frames the camera gathers light."""


@dataclass(frozen=True)
class MicroExpression:
    """``onset``, ``apex`` and ``offset`` are frames: the last at rest, the strongest, and the first at rest again."""

    expression: str
    intensity: float
    onset: int
    apex: int
    offset: int


@dataclass(frozen=True)
class Blink:
    """In seconds; ``depth`` is how far the lids shut, 0 to 1."""

    start: float
    lasting: float
    depth: float

    def shut(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the lids are shut at these times (F,), 0 to ``depth``: they fall faster than they rise."""
        return self.depth * _smooth(
            np.minimum(
                (times - self.start) / (0.35 * self.lasting),
                (self.start + self.lasting - times) / (0.55 * self.lasting),
            )
        )

    def middle(self, rate: int) -> int:
        """The frame in which the lids are shut."""
        return round((self.start + 0.4 * self.lasting) * rate)


@dataclass(frozen=True)
class MicroScene:
    """What one clip of so many ``seconds``, which are ``frames``, shows."""

    subject: str
    seconds: float
    frames: int
    events: tuple[MicroExpression, ...]
    blinks: tuple[Blink, ...]


def short_scene(number: int, subjects: Sequence[str], rate: int, rng: np.random.Generator) -> MicroScene:
    """One micro-expression; each as often as others, and everybody in each before anybody twice."""
    seconds = rng.uniform(*SHORT_S)
    frames = math.ceil(seconds * rate)
    event = _event(SHOWN[number % len(SHOWN)], (0, frames), rate, rng)
    return MicroScene(subjects[number // len(SHOWN) % len(subjects)], seconds, frames, (event,), _blinks(seconds, rng))


def long_scene(number: int, subjects: Sequence[str], rate: int, rng: np.random.Generator) -> MicroScene:
    """Up to three micro-expressions, or a blink and none; the shorter of the lengths are drawn more often."""
    shortest, longest = LONG_S
    seconds = shortest + (longest - shortest) * rng.uniform() ** 2
    frames = math.ceil(seconds * rate)
    turn, place = divmod(number, len(_IN_LONG))
    count = int(np.random.default_rng(turn).permutation(_IN_LONG)[place])  # mixed: not the same people always
    parts = np.linspace(0, frames, max(count, 0) + 1).astype(int).tolist()
    events = [_event(str(rng.choice(SHOWN)), part, rate, rng) for part in itertools.pairwise(parts)]
    blinks = _blinks(seconds, rng, int(count == _BLINK_ONLY))
    return MicroScene(subjects[number % len(subjects)], seconds, frames, tuple(events), blinks)


def _event(expression: str, within: tuple[int, int], rate: int, rng: np.random.Generator) -> MicroExpression:
    """Somewhere within these frames, and not at their ends."""
    lasting, rising, place = rng.uniform(*_LASTING_S), rng.uniform(*_RISING), rng.uniform()
    frames, margin = int(lasting * rate), math.ceil(REST_S * rate)
    onset = within[0] + margin + int(place * (within[1] - within[0] - 2 * margin - frames))
    intensity = round(float(rng.uniform(*_INTENSITY)), 3)
    return MicroExpression(expression, intensity, onset, onset + int(rising * frames), onset + frames)


def _blinks(seconds: float, rng: np.random.Generator, least: int = 0) -> tuple[Blink, ...]:
    found = []
    for _ in range(max(int(rng.poisson(_BLINKING_HZ * seconds)), least)):
        lasting = rng.uniform(*_BLINK_S)
        found.append(Blink(rng.uniform(0, seconds - lasting), lasting, rng.uniform(0.8, 1)))
    return tuple(sorted(found, key=lambda blink: blink.start))


def perform(
    who: FaceMesh, scene: MicroScene, rate: int, size: int, rng: np.random.Generator, style: Style = SHARED
) -> Iterator[Frame]:
    """The frames (size, size, 3) of a scene at ``rate`` frames a second."""
    face = who.face
    times = np.arange(scene.frames) / rate
    moving = [
        (
            synth.pulls(face, style.expressions[event.expression], rng, style.side),
            event.intensity * motions.course(scene.frames, event.onset, event.apex, event.apex, event.offset),
        )
        for event in scene.events
    ]
    for action in rng.choice(list(motions.ACTIONS), 2, replace=False):
        moving.append((synth.pulls(face, {str(action): 1.0}, rng), _sway(times, rng.uniform(0, 0.04), rng)))
    rest = synth.resting(face, style)
    lids = np.max([blink.shut(times) for blink in scene.blinks], 0, initial=0) * np.ones(scene.frames)
    head = _head(times, scene.seconds, rng)
    gain = rng.uniform(*synth.BRIGHTNESS) * (1 + _sway(times, rng.uniform(0, 0.04), rng) + _flicker(times, rate, rng))
    side, colour = synth.lamp(size, rng)
    light = (side * colour).astype(np.float32)
    grain = np.float32(rng.uniform(0, 3))
    for i in range(scene.frames):
        mesh = rest + sum(strength[i] * pull for pull, strength in moving)
        lit = synth.shot(who, mesh, float(lids[i]), head[i], size) * (light * np.float32(gain[i]))
        lit += grain * rng.standard_normal(lit.shape, np.float32)
        yield np.clip(np.rint(lit), 0, 255).astype(np.uint8)


def _smooth(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1, without a jolt at either."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _sway(times: NDArray[np.float64], most: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Something that goes slowly to and fro (F,) in -most..most, once in 2 to 8 s."""
    swaying: NDArray[np.float64] = most * np.sin(2 * math.pi * (times / rng.uniform(2, 8) + rng.uniform()))
    return swaying


def _head(times: NDArray[np.float64], seconds: float, rng: np.random.Generator) -> list[Pose]:
    """A head that is held still as well as people can: it sways, and now and then it moves all of a sudden."""
    ways = np.stack([rng.uniform(-m, m) + _sway(times, rng.uniform(0, m), rng) for m in _SWAY], 1)
    for _ in range(rng.poisson(_JOLT_HZ * seconds)):
        start, lasting, far = rng.uniform(0, seconds), rng.uniform(*_JOLT_S), rng.uniform(-1, 1, len(_JOLT))
        ways += _smooth((times - start) / lasting)[:, None] * far * _JOLT
    return [Pose(turn, roll, 1 + grow, x, y) for turn, roll, grow, x, y in ways.tolist()]


def _flicker(times: NDArray[np.float64], rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Of a lamp on the mains (F,), about 0: it flickers at twice their frequency, which the frame rate aliases.

    The mean of a wave over the time of exposure is its middle times a sinc.
    """
    hertz = 2 * (rng.choice(_MAINS_HZ) + rng.uniform(-_MAINS_OFF_HZ, _MAINS_OFF_HZ))
    depth = rng.uniform(0, 0.04) * np.sinc(hertz * rng.uniform(*_EXPOSURE) / rate)
    wave: NDArray[np.float64] = depth * np.cos(2 * math.pi * (hertz * times + rng.uniform()))
    return wave


def make(
    out: Path,
    people: Mapping[str, FaceMesh],
    counts: tuple[int, int],
    rate: int,
    seed: int,
    size: int,
    pictures: bool,
    own: Mapping[str, Style] = MappingProxyType({}),
) -> list[MicroScene]:
    """Write so many short and so many long clips with their tables into ``out``; the rest as ``synth.make``.

    Raises:
        DatasetError: ``out`` is not empty, or can't be written.
        MissingVideoError: MP4 files need PyAV.
    """
    wanted = [(kind, i) for kind, count in zip((SHORT, LONG), counts, strict=True) for i in range(count)]
    scenes: list[MicroScene] = []
    rows: dict[str, list[Row]] = {kind: [] for kind, _ in wanted}
    write = video.write_pictures if pictures else functools.partial(video.write_mp4, rate=rate)
    with synth.whole_set(out, SHORT, pictures) as place:
        for kind, i in tqdm(wanted, desc="synthetic clips", unit="clip", disable=None):
            rng = np.random.default_rng([seed, int(kind == LONG), i])
            scene = (long_scene if kind == LONG else short_scene)(i, list(people), rate, rng)
            name = f"{scene.subject}_{i:05}{'' if pictures else '.mp4'}"
            file = name if kind == LONG else f"{scene.events[0].expression}/{name}"
            (place / kind / file).parent.mkdir(parents=True, exist_ok=True)
            style = own.get(scene.subject, SHARED)
            write(perform(people[scene.subject], scene, rate, size, rng, style), place / kind / file)
            scenes.append(scene)
            rows[kind] += (_long_rows if kind == LONG else _short_rows)(file, scene, rate)
        for kind, lines in rows.items():
            table, columns = (_EVENTS, _LONG_COLUMNS) if kind == LONG else (synth.TABLE, _SHORT_COLUMNS)
            synth.write_table(place / kind / table, columns, lines)
        if own:
            synth.write_styles(place, own)
    return scenes


def _short_rows(file: str, scene: MicroScene, rate: int) -> list[Row]:
    (event,) = scene.events
    moments = (event.onset, event.apex, event.offset)
    return [(file, event.expression, scene.subject, event.intensity, *moments, scene.frames, rate, _shut(scene, rate))]


def _long_rows(file: str, scene: MicroScene, rate: int) -> list[Row]:
    """A row for each micro-expression; where there is none, one without moments."""
    told: list[Row] = [(e.onset, e.apex, e.offset, e.expression, e.intensity) for e in scene.events]
    return [(file, scene.subject, rate, *row, scene.frames, _shut(scene, rate)) for row in told or [("",) * 5]]


def _shut(scene: MicroScene, rate: int) -> str:
    return " ".join(str(blink.middle(rate)) for blink in scene.blinks)
