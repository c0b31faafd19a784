"""Are action units seen? ``python -m benchmarks.action_units [--portraits DIR]``; results: docs/audio-visual.md.

Portraits (by default the fetched one) move one unit at a time by known strengths (``models.clips.warp``): half a second
at rest, then up to the full strength and back. The real face stage follows each film, and ``models.clips.action_units``
tells its units. The table has the rank correlation (Spearman) of the strength and of what is told of the moved unit: of
a head that keeps still, and of one that sways, turns and is filmed with noise. And how strongly the unit is told at
full strength, 0 to 5, and which others are told with it. Below it stand the blendshapes that never moved.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from benchmarks import machine
from models.clips import action_units, motions, synth
from models.clips.action_units import UNITS, UNITS_BY_NUMBER
from models.clips.motions import ACTIONS, INNER_LOWER, INNER_UPPER, Pull
from models.clips.synth import Pose
from models.clips.video import Frame
from models.clips.warp import FaceMesh
from models.inference import boxes, registry
from models.inference.blendshapes import BLENDSHAPES
from models.inference.face_stage import TrackFaces

SIZE = 224
RESTING, RISING = 30, 20
"""Frames at rest, and from there to the full strength; as many back."""
FRAME_MS = 40
ENOUGH = 0.9
"""Rank correlation from which on a unit counts as seen."""
MOVED = 0.01
"""What a blendshape that moves at all reaches."""
TOLD = 1.0
"""Mean intensity from which on another unit counts as told with it."""
_UPPER_EDGE, _LOWER_EDGE = (185, 40, 39, 37, 0, 267, 269, 270, 409), (146, 91, 181, 84, 17, 314, 405, 321, 375)
_CORNERS = (INNER_UPPER[0], INNER_UPPER[-1], 61, 291)
_OWN: Mapping[str, tuple[Pull, ...]] = MappingProxyType(
    {
        "dimpler": (Pull(_CORNERS, -0.03, -0.01, 0.03),),
        "lip tightener": (
            Pull(_UPPER_EDGE, 0, 0.016, 0.012, "above"),
            Pull(_LOWER_EDGE, 0, -0.016, 0.012, "below"),
            Pull(_CORNERS, -0.01, 0, 0.03),
        ),
        "lip suck": (
            Pull(_UPPER_EDGE, 0, 0.028, 0.018, "above"),
            Pull((*_LOWER_EDGE, *INNER_LOWER[4:7]), 0, -0.03, 0.018, "below"),
        ),
    }
)
"""Of units that no expression of the synthetic set has. The skin's folds at a dimpler's corners are not pictured."""

Film = Iterator[Frame]


class ToldUnits(NamedTuple):
    """``units`` (F, 18): intensities 0..5 less the running median. ``shapes`` (F, 52): the blendshapes."""

    units: NDArray[np.float32]
    shapes: NDArray[np.float32]


def course() -> NDArray[np.float64]:
    """The strength in each frame of a film, 0 to 1."""
    rise = np.arange(1, RISING + 1) / RISING
    return np.concatenate([np.zeros(RESTING), rise, rise[-2::-1], [0.0]])


def moved(who: FaceMesh, number: str, strength: float) -> motions.Points:
    """The mesh (468, 2) in tiles with a unit at a strength; a blink is for ``filmed``."""
    name = UNITS_BY_NUMBER[number].name
    if name == "blink":
        return who.face
    pulls = ACTIONS[name] if name in ACTIONS else _OWN[name]
    return who.face + strength * motions.pulled(who.face, pulls)


def filmed(who: FaceMesh, number: str, rng: np.random.Generator | None) -> Film:
    """A film in which one unit moves; with ``rng`` the head sways and turns, and the camera has noise."""
    strengths = course()
    poses = _swaying(len(strengths), rng)
    for strength, pose in zip(strengths, poses, strict=True):
        shut = strength if number == "AU45" else 0.0
        picture = synth.shot(who, moved(who, number, strength), shut, pose, SIZE)
        if rng is not None:
            picture = np.clip(np.rint(picture + rng.normal(0, 2, picture.shape)), 0, 255).astype(np.uint8)
        yield picture


def _swaying(frames: int, rng: np.random.Generator | None) -> list[Pose]:
    """A head's poses: as far as those of the synthetic set go, over a turn of each in the film."""
    if rng is None:
        return [Pose(0, 0, 1, 0, 0)] * frames
    most = np.array([0.10, 0.04, 0.03, 0.02, 0.02])
    phase, turns = rng.uniform(0, 2 * np.pi, (2, 5)) / [[1], [2 * np.pi]] + [[0], [0.5]]
    ways = most * np.sin(phase + 2 * np.pi * turns * np.arange(frames)[:, None] / frames)
    return [Pose(turn, roll, 1 + grow, x, y) for turn, roll, grow, x, y in ways.tolist()]


def told(film: Film, look: TrackFaces, clock: Iterator[int]) -> ToldUnits:
    """What is told of each frame.

    Raises:
        SystemExit: no face is found in a frame.
    """
    look(np.zeros((64, 64, 3), np.uint8), next(clock))  # a tracker forgets the film before
    seen = [max(look(frame, next(clock)), key=lambda face: boxes.area(face[0]), default=None) for frame in film]
    faces = [face for face in seen if face is not None]
    if len(faces) < len(seen):
        sys.exit(f"expected a face in each frame, found {len(faces)} in {len(seen)}: take larger portraits")
    points, shapes = (np.stack(part) for part in zip(*faces, strict=True))
    columns = dict(zip(UNITS, action_units.estimate(points, shapes).T, strict=True))
    found = action_units.strengths(points, shapes)
    more = 5 * (found - action_units.running_median(found))  # of AU28, which has no intensity
    units = np.stack([columns.get(f"{name}_r", more[:, i]) for i, name in enumerate(UNITS_BY_NUMBER)], 1)
    return ToldUnits(units, shapes)


def rank_correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Spearman's, ties at their mean rank; 0 where one of them never changes."""
    ranks = []
    for values in (one, other):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(count) - (count - 1) / 2)[place])
    if min(rank.std() for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(np.stack(ranks))[0, 1])


def judged(who: FaceMesh, number: str, look: TrackFaces, clock: Iterator[int], seed: int) -> dict[str, Any]:
    """``still`` and ``swaying``: the correlations; ``full`` (18,): what is told of all units at the full strength.

    ``shapes`` (52,): the most that is told of each blendshape.
    """
    strengths, place = course(), list(UNITS_BY_NUMBER).index(number)
    still = told(filmed(who, number, None), look, clock)
    swaying = told(filmed(who, number, np.random.default_rng(seed)), look, clock)
    ways = {"still": still.units, "swaying": swaying.units}
    correlations = {way: rank_correlation(strengths[RESTING:], found[RESTING:, place]) for way, found in ways.items()}
    full = still.units[RESTING + RISING - 1 : RESTING + RISING + 2].max(0)
    return {**correlations, "full": full, "shapes": np.maximum(still.shapes.max(0), swaying.shapes.max(0))}


def summed(rows: list[dict[str, Any]], number: str) -> dict[str, Any]:
    """A unit's row of the table, of what ``judged`` says of each person."""
    full = dict(zip(UNITS_BY_NUMBER, np.mean([row["full"] for row in rows], 0).tolist(), strict=True))
    ways = {way: [row[way] for row in rows] for way in ("still", "swaying")}
    return {
        **{way: {"mean": float(np.mean(found)), "least": min(found)} for way, found in ways.items()},
        "full": full[number],
        "others": {name: value for name, value in full.items() if name != number and value >= TOLD},
    }


def measure(
    people: Mapping[str, FaceMesh], numbers: list[str], look: TrackFaces, tell: Callable[[str], object]
) -> tuple[dict[str, Any], list[str]]:
    """A row for each unit, see ``summed``; and the blendshapes that stay below ``MOVED``."""
    clock = count(0, FRAME_MS)
    rows, most = {}, np.zeros(len(BLENDSHAPES))
    for number in tqdm(numbers, desc="units", disable=None):
        each = [judged(who, number, look, clock, seed) for seed, who in enumerate(people.values())]
        rows[number] = summed(each, number)
        most = np.maximum(most, np.max([row["shapes"] for row in each], 0))
        tell(line(number, rows[number]))
    return rows, [name for name, value in zip(BLENDSHAPES, most, strict=True) if value < MOVED]


def line(number: str, row: Mapping[str, Any]) -> str:
    ways = "  ".join(f"{way} {row[way]['mean']:.3f} (least {row[way]['least']:.3f})" for way in ("still", "swaying"))
    others = ", ".join(f"{name} {value:.1f}" for name, value in row["others"].items())
    return f"{number} {UNITS_BY_NUMBER[number].name:21} {ways}  full {row['full']:.1f}  with it: {others or '-'}"


def _unit(text: str) -> str:
    if text not in UNITS_BY_NUMBER:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(UNITS_BY_NUMBER)}, got {text}")
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.action_units", description=__doc__)
    parser.add_argument("units", nargs="*", type=_unit, metavar="UNIT", help="such as AU12 (default: all)")
    parser.add_argument(
        "--portraits", type=Path, metavar="DIR", help="a face a picture (default: the fetched portrait)"
    )
    parser.add_argument(
        "--skip", type=int, default=0, metavar="N", help="not the first N people (default: %(default)s)"
    )
    parser.add_argument("--people", type=int, metavar="N", help="so many of the others (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to this file")
    asked = parser.parse_args(arguments)
    files = synth.find_portraits(asked.portraits) if asked.portraits else {"portrait": registry.path("portrait")}
    chosen = dict(list(files.items())[asked.skip :][: asked.people])
    with face_stage.finding("benchmarks.action_units") as find:
        people = synth.load_portraits(chosen, find, SIZE)
    with face_stage.tracking("benchmarks.action_units") as look:
        rows, silent = measure(people, asked.units or list(UNITS_BY_NUMBER), look, tqdm.write)
    hidden = [number for number, row in rows.items() if row["still"]["mean"] < ENOUGH]
    print(f"{len(people)} people; not seen: {', '.join(hidden) or 'none'}")
    print(f"Blendshapes that stay below {MOVED}: {', '.join(silent) or 'none'}")
    if asked.json:
        found = {"machine": machine.describe(), "people": len(people), "rows": rows}
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
