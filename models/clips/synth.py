"""A synthetic set: portraits that play the seven expressions, with labels, intensity and moments.

For training and testing clip networks where no recordings may be had. The label is in the motion of mouth, brows and
eyes; head, light, blinks, twitches and noise are drawn without regard to it. People move alike, or each in a style of
their own (``models.clips.styles``). Written as ``CLASS/SUBJECT_NUMBER.mp4`` (or a folder of pictures) with a table
beside them, which the layout ``plain`` reads. One seed, one set, byte for byte.
"""

import contextlib
import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models import atomic
from models.clips import cache, motions, video, warp
from models.clips.layouts.entry import SYNTHETIC
from models.clips.motions import Points
from models.clips.styles import SHARED, Strengths, Style
from models.clips.video import Frame
from models.clips.warp import MESH, FaceMesh
from models.errors import DatasetError
from models.inference import boxes
from models.inference.face_stage import FindFaces
from relay.protocol import EXPRESSIONS

TABLE, STYLES = "clips.csv", "styles.json"
COLUMNS = ("file", "label", "subject", "intensity", "onset", "apex", "offset", "frames")
FRAMES = (16, 24)
WEAKEST = 0.15
"""Intensity of the faintest expression; at 1.0 every action of its prototype is at full strength."""
BRIGHTNESS = (0.75, 1.2)
"""Of the light, relative to the portrait's."""
NEUTRAL = "_neutral"
_MARK = (
    "Made by `moodcast models synth`: faces that a program moves, and voices that it makes. No recordings of people.\n"
)


@dataclass(frozen=True)
class Role:
    """What one clip shows. ``onset``, ``apex``, ``release`` and ``offset`` are frames (see ``motions.course``)."""

    expression: str
    subject: str
    intensity: float
    frames: int
    onset: int
    apex: int
    release: int
    offset: int


@dataclass(frozen=True)
class Pose:
    """Of a head: ``turn`` and ``roll`` in radians, ``scale`` about 1, shift in tiles."""

    turn: float
    roll: float
    scale: float
    x: float
    y: float


def cast(subjects: Sequence[str], count: int, rng: np.random.Generator) -> list[Role]:
    """``count`` roles: each expression equally often, and everybody in every expression before anybody twice."""
    roles = []
    for i in range(count):
        frames = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
        onset, apex, release, offset = (rng.uniform(*span) for span in ((0, 0.2), (0.35, 0.6), (0.6, 0.75), (0.8, 1.1)))
        roles.append(
            Role(
                EXPRESSIONS[i % len(EXPRESSIONS)],
                subjects[i // len(EXPRESSIONS) % len(subjects)],
                round(float(rng.uniform(WEAKEST, 1)), 3),
                frames,
                *(round(share * frames) for share in (onset, apex, release, offset)),
            )
        )
    return roles


def perform(
    who: FaceMesh,
    role: Role,
    size: int,
    rng: np.random.Generator,
    style: Style = SHARED,
    speaking: NDArray[np.float64] | None = None,
) -> Iterator[Frame]:
    """The frames (size, size, 3) of a role; ``speaking`` moves the mesh as well, (frames, 468, 2) in tiles."""
    face = who.face
    rest = resting(face, style)
    expression = pulls(face, style.expressions[role.expression], rng, style.side)
    twitches = [pulls(face, {str(action): 1.0}, rng) for action in rng.choice(list(motions.ACTIONS), 3, replace=False)]
    twitching = [_drift(role.frames, float(rng.uniform(0, 0.12)), rng) for _ in twitches]
    shown = role.intensity * motions.course(role.frames, role.onset, role.apex, role.release, role.offset)
    lids = _blinks(role.frames, rng)
    head = _head(role.frames, rng)
    light = _light(role.frames, size, rng)
    grain = float(rng.uniform(0, 3))
    for i in range(role.frames):
        mesh = rest + shown[i] * expression
        for twitch, strength in zip(twitches, twitching, strict=True):
            mesh = mesh + max(strength[i], 0) * twitch
        if speaking is not None:
            mesh = mesh + speaking[i]
        picture = shot(who, mesh, float(lids[i]), head[i], size)
        lit = picture * light[i] + rng.normal(0, grain, picture.shape)
        yield np.clip(np.rint(lit), 0, 255).astype(np.uint8)


def shot(who: FaceMesh, mesh: Points, shut: float, pose: Pose, size: int) -> Frame:
    """A picture (size, size, 3) of a face's mesh (468, 2) in tiles, its lids ``shut`` by this share, its head posed."""
    moved = who.rest.copy()
    moved[:MESH] += (motions.close_eyes(mesh, shut) - who.face) * who.tile
    return warp.render(who, moved_head(moved, who, pose), size)


def pulls(face: Points, strengths: Strengths, rng: np.random.Generator, side: Strengths = SHARED.side) -> Points:
    """Displacement (468, 2) of actions at these strengths, each by up to a quarter off and not the same on both sides.

    ``side`` is as in ``Style``. The left half of the face takes over from the right one over the width of the nose.
    """
    moved = np.zeros_like(face)
    for action, strength in strengths.items():
        lopsided = 1 + (side.get(action, 0) + rng.uniform(-0.15, 0.15)) * _half(face)
        moved += motions.displacement(face, action) * (strength * rng.uniform(0.75, 1.25) * lopsided)[:, None]
    return moved


def resting(face: Points, style: Style) -> Points:
    """The mesh (468, 2) of a face at rest with what a style holds always: the same in all clips."""
    held = np.array(face)
    for action, strength in style.rest.items():
        lopsided = 1 + style.side.get(action, 0) * _half(face)
        held += motions.displacement(face, action) * (strength * lopsided)[:, None]
    return held


def _half(face: Points) -> NDArray[np.float64]:
    """In which half of the face each point is: (468,), -1 left in the picture to 1 right."""
    return np.clip((face[:, 0] - 0.5) / 0.1, -1, 1)


def _drift(frames: int, most: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Something that sways: (frames,) in -most..most, half a turn to one and a half in a clip."""
    turns, phase = rng.uniform(0.5, 1.5), rng.uniform(0, 2 * math.pi)
    swaying: NDArray[np.float64] = most * np.sin(phase + 2 * math.pi * turns * np.arange(frames) / frames)
    return swaying


def _blinks(frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How far the lids are shut in each frame; every other clip has a blink, of three to five frames."""
    shut = np.zeros(frames)
    if rng.random() < 0.5:
        middle, width = rng.uniform(0, frames), rng.uniform(1.5, 2.5)
        shut = np.clip(1.2 - np.abs(np.arange(frames) - middle) / width, 0, 1)
    return shut


def _head(frames: int, rng: np.random.Generator) -> list[Pose]:
    """Small motion, as alignment leaves it: the swaying of each quantity around a bias of its own."""
    most = (0.10, 0.04, 0.03, 0.02, 0.02)
    ways = [_drift(frames, float(rng.uniform(0, m)), rng) + rng.uniform(-m / 2, m / 2) for m in most]
    return [Pose(turn, roll, 1 + grow, x, y) for turn, roll, grow, x, y in np.stack(ways, 1).tolist()]


def moved_head(mesh: Points, who: FaceMesh, pose: Pose) -> Points:
    """The mesh in another pose. The face turns as an ellipsoid does, what is around it stays."""
    middle = len(who.picture) / 2
    place = (mesh - middle) / who.tile
    depth = 0.55 * np.sqrt(np.clip(1 - (place[:, 0] / 0.55) ** 2 - ((place[:, 1] - 0.05) / 0.75) ** 2, 0, None))
    place[:, 0] += math.sin(pose.turn) * depth
    cos, sin = pose.scale * math.cos(pose.roll), pose.scale * math.sin(pose.roll)
    moved: Points = place @ np.array([[cos, sin], [-sin, cos]]) + (pose.x, pose.y)
    return moved * who.tile + middle


def _light(frames: int, size: int, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """What each pixel (size, size, 3) is multiplied by: brightness that changes, light from a side, a colour cast."""
    gain = rng.uniform(*BRIGHTNESS) + _drift(frames, float(rng.uniform(0, 0.08)), rng)
    side, colour = lamp(size, rng)
    return [g * side * colour for g in gain]


def lamp(size: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Light from a side (size, size, 1) and its colour (3,), both about 1."""
    angle, slope = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.25)
    across = np.linspace(-1, 1, size)
    side = 1 + slope * (np.cos(angle) * across[None, :] + np.sin(angle) * across[:, None]) / math.sqrt(2)
    return side[..., None], rng.uniform(0.94, 1.06, 3)


def find_portraits(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by their subject, the file's name without its ending.

    Where some are called ``SUBJECT_neutral``, only those count, since a portrait that smiles already can't begin to.

    Raises:
        DatasetError: there is no folder, or no picture in it.
    """
    if not folder.is_dir():
        raise DatasetError(f"expected a folder of portraits, but {folder} is none")
    files = video.pictures(folder)
    if not files:
        raise DatasetError(f"expected portraits ({', '.join(sorted(video.PICTURES))}) in {folder}, got none")
    neutral = [file for file in files if file.stem.endswith(NEUTRAL)]
    return {file.stem.removesuffix(NEUTRAL).replace("_", "-"): file for file in neutral or files}


def load_portraits(files: Mapping[str, Path], find: FindFaces, size: int) -> dict[str, FaceMesh]:
    """The largest face of each picture, ready to be moved; pictures without one are left out.

    Raises:
        DatasetError: a picture can't be read, or none shows a face.
    """
    found = {}
    for subject, file in tqdm(files.items(), desc="portraits", unit="face", disable=None):
        picture = video.read_picture(file)
        landmarks = max(find(picture), key=boxes.area, default=None)
        if landmarks is not None:
            found[subject] = warp.portrait(picture, landmarks, size, cache.MARGIN)
    if not found:
        raise DatasetError(f"expected faces in the {len(files)} pictures, found none")
    return found


def make(
    out: Path,
    people: Mapping[str, FaceMesh],
    count: int,
    seed: int,
    size: int,
    pictures: bool,
    own: Mapping[str, Style] = MappingProxyType({}),
) -> list[Role]:
    """Write ``count`` clips and their table into ``out``; ``pictures``: PNG folders in place of MP4 files.

    ``own`` are the styles of people who have one; they are written down, too. All of the set or nothing of it: half a
    set looks like a set of fewer clips.

    Raises:
        DatasetError: ``out`` is not empty, or can't be written.
        MissingVideoError: MP4 files need PyAV.
    """
    with whole_set(out, TABLE, pictures) as place:
        roles = cast(list(people), count, np.random.default_rng(seed))
        _write(place, people, roles, seed, size, pictures, own)
    return roles


@contextlib.contextmanager
def whole_set(out: Path, first: str, pictures: bool) -> Iterator[Path]:
    """A hidden folder for a set that moves up into ``out`` when it is whole, its entry ``first`` before the others.

    A file in it says that a program made it (``models.clips.layouts.entry.SYNTHETIC``).

    Raises:
        DatasetError: ``out`` is not empty, or can't be written; nothing is left of the set then.
        MissingVideoError: there are to be MP4 files, not ``pictures``, and PyAV is missing.
    """
    holds = min(out.iterdir(), default=None) if out.is_dir() else None
    if holds or (out.exists() and not out.is_dir()):
        # Named, since what a kill has left is hidden; it may also be of another program that is at work.
        why = f" (it holds {holds.name})" if holds else ""
        raise DatasetError(f"expected a new or an empty folder, but {out} is not{why}: delete it or choose another")
    if not pictures:
        video.load_av()
    try:
        # Without its table, what was moved so far would be a set; with it, the rest is known to be missing.
        with atomic.made_folder(out), atomic.filled_folder(out, first) as place:
            mark(place)
            yield place
    except (OSError, DatasetError) as error:
        trouble = f"can't write {out}: {error.strerror or error}" if isinstance(error, OSError) else error
        raise DatasetError(
            f"{trouble}; nothing is left of the set: make room, or choose another folder, and give the command again"
        ) from error


def mark(folder: Path) -> None:
    """Say in a folder that a program made what is in it (``models.clips.layouts.entry.SYNTHETIC``).

    Raises:
        OSError: it can't be written.
    """
    (folder / SYNTHETIC).write_text(_MARK, encoding="utf-8")


def _write(
    place: Path,
    people: Mapping[str, FaceMesh],
    roles: Sequence[Role],
    seed: int,
    size: int,
    pictures: bool,
    own: Mapping[str, Style],
) -> None:
    """The clips, the table, and the styles where there are some.

    Raises:
        OSError, DatasetError: one can't be written.
    """
    rows = []
    for i, role in enumerate(tqdm(roles, desc="synthetic clips", unit="clip", disable=None)):
        file = Path(role.expression) / f"{role.subject}_{i:05}{'' if pictures else '.mp4'}"
        chance = np.random.default_rng([seed, i])
        clip = perform(people[role.subject], role, size, chance, own.get(role.subject, SHARED))
        (place / file).parent.mkdir(exist_ok=True)
        (video.write_pictures if pictures else video.write_mp4)(clip, place / file)
        rows.append(row(file, role))
    write_table(place / TABLE, COLUMNS, rows)
    if own:
        write_styles(place, own)


def write_table(file: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    file.write_text(text.getvalue(), encoding="utf-8")


def write_styles(place: Path, own: Mapping[str, Style]) -> None:
    """Who moves how, as ``styles.json``."""
    (place / STYLES).write_text(json.dumps({name: vars(style) for name, style in own.items()}, indent=1) + "\n")


def row(file: Path, role: Role) -> tuple[object, ...]:
    """What the table says of a clip (``COLUMNS``).

    Moments are frames that there are; nobody is neutral to a degree, or at a moment.
    """
    moments = (role.intensity, role.onset, role.apex, min(role.offset, role.frames - 1))
    told = ("",) * 4 if role.expression == "neutral" else moments
    return (file.as_posix(), role.expression, role.subject, *told, role.frames)
