"""Frames as a camera sees them, made of portraits: ``python -m benchmarks.portrait_frames --portraits DIR --out DIR``.

There is one picture of each person's resting face. Its mesh is moved (``models.clips.warp``) as a face moves that shows
no feeling: somebody talks, yawns, squints, raises the brows, blinks, sways. Light changes and a sensor's noise come on
top. Nothing of it is a recording: what is read in such frames tells how a rule bears them, not how people look.

``--out`` gets a sheet of each kind, to be looked at; printed is what the face landmarker tells of the frames.
"""

import argparse
import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent import face_stage
from benchmarks.blendshapes import BlendshapeReader
from models.clips import motions, synth, video, warp
from models.clips.warp import MESH, FaceMesh, Picture
from models.inference import boxes, registry
from models.inference.blendshapes import BLENDSHAPES
from models.inference.face_stage import FindFaces

SIDE, MARGIN = 384, 2.0
"""Of a frame in pixels, and relative to the tile of ``models.inference.align``: a face is half as high as its frame."""
FPS = 5
Times = NDArray[np.float64]
"""Seconds, (N,)."""
Strengths = Mapping[str, Times]
"""How strongly each action of ``models.clips.motions`` pulls in each frame; ``shut`` is how far the lids are."""


def load(folder: Path, find: FindFaces, kind: str = "neutral") -> dict[str, FaceMesh]:
    """People by their number in a folder as ``models.evaluation.portraits`` reads it, ``ID_neutral.jpg`` and so on."""
    people = {}
    for file in sorted(folder.glob(f"*_{kind}.jpg")):
        picture = video.read_picture(file)
        landmarks = max(find(picture), key=boxes.area, default=None)
        if landmarks is not None:
            people[file.stem.partition("_")[0]] = warp.portrait(picture, landmarks, SIDE, MARGIN)
    return people


def sway(times: Times, most: float, periods_s: tuple[float, float], rng: np.random.Generator) -> Times:
    """Something that never stands still and never repeats within minutes: (N,) in -most..most."""
    waves = [np.sin(rng.uniform(0, 2 * math.pi) + 2 * math.pi * times / rng.uniform(*periods_s)) for _ in range(3)]
    swaying: Times = most * np.mean(waves, 0)
    return swaying


def again(times: Times, every_s: float, held: float, rng: np.random.Generator) -> Times:
    """Something done again and again, 0 to 1 (N,): ``held`` is the share of the time that it is done wholly.

    It comes and goes over a sixth of ``every_s`` each.
    """
    phase = (times / every_s + rng.random()) % 1
    rise = np.minimum(phase, held + 2 / 6 - phase) * 6
    shown = np.clip(rise, 0, 1)
    smooth: Times = shown * shown * (3 - 2 * shown)
    return smooth


def still(times: Times, rng: np.random.Generator) -> Strengths:
    return {}


def talking(times: Times, rng: np.random.Generator) -> Strengths:
    """Phrases of some seconds, four to five syllables a second, each of its own strength and shape of the lips."""
    syllables = times * rng.uniform(4, 5)
    number, phase = np.floor(syllables).astype(int), syllables % 1
    voice = np.random.default_rng(rng.integers(2**32))
    loud, wide, round_ = voice.uniform(0.15, 1, (3, int(number.max(initial=0)) + 1))
    said = again(times, rng.uniform(3, 5), 0.55, rng) * np.sin(math.pi * phase)
    return {
        "jaw drop": 0.45 * said * loud[number],
        "lips part": 0.6 * said * loud[number],
        "lip stretcher": said * (0.5 * wide[number] - 0.7 * round_[number]),
        "upper lip raiser": 0.25 * said * wide[number],
        "inner brow raiser": 0.3 * np.clip(sway(times, 1, (1, 4), rng), 0, 1),
    }


def yawning(times: Times, rng: np.random.Generator) -> Strengths:
    wide = again(times, 6, 0.45, rng)
    return {
        "jaw drop": 1.4 * wide,
        "lips part": wide,
        "upper lip raiser": 0.4 * wide,
        "nose wrinkler": 0.4 * wide,
        "lid tightener": 0.6 * wide,
        "inner brow raiser": 0.4 * wide,
        "shut": 0.8 * wide**2,
    }


def squinting(times: Times, rng: np.random.Generator) -> Strengths:
    narrow = again(times, 5, 0.55, rng)
    return {"lid tightener": 1.3 * narrow, "cheek raiser": 0.7 * narrow, "brow lowerer": 0.8 * narrow}


def raised_brows(times: Times, rng: np.random.Generator) -> Strengths:
    high = again(times, 5, 0.55, rng)
    return {"inner brow raiser": 1.1 * high, "outer brow raiser": 1.1 * high, "upper lid raiser": 0.6 * high}


ACTS: Mapping[str, Callable[[Times, np.random.Generator], Strengths]] = {
    "still": still,
    "talking": talking,
    "yawning": yawning,
    "squinting": squinting,
    "raised brows": raised_brows,
}
"""What somebody does who feels nothing in particular."""


def blinks(times: Times, rng: np.random.Generator) -> Times:
    """How far the lids are shut (N,) by blinks, 15 a minute, of a fifth of a second."""
    length = float(times[-1] - times[0]) if len(times) else 0.0
    middles = times[0] + rng.uniform(0, length, rng.poisson(length / 4)) if length else np.zeros(0)
    near = np.abs(times[:, None] - middles[None]).min(1, initial=math.inf)
    shut: Times = np.clip(1.2 - near / 0.1, 0, 1)
    return shut


def play(who: FaceMesh, act: str, times: Times, rng: np.random.Generator) -> Iterator[Picture]:
    """Frames (SIDE, SIDE, 3) RGB of somebody who does one of ``ACTS`` at these times; no light, no noise yet."""
    face = who.face
    strengths = {"shut": np.zeros(len(times))} | dict(ACTS[act](times, rng))
    shut = np.maximum(strengths.pop("shut"), blinks(times, rng))
    pulled = {action: synth.pulls(face, {action: 1.0}, rng) for action in strengths}
    teeth = float(rng.uniform(0, 0.8))  # some speak without showing them, and they lie in the lips' shadow
    head = [sway(times, most, (2, 11), rng) for most in (0.12, 0.05, 0.04, 0.04, 0.03)]
    for i in range(len(times)):
        mesh = face + sum((strengths[action][i] * pull for action, pull in pulled.items()), np.zeros_like(face))
        moved = who.rest.copy()
        moved[:MESH] += (motions.close_eyes(mesh, float(shut[i])) - face) * who.tile
        turn, roll, grow, x, y = (float(way[i]) for way in head)
        yield warp.render(who, synth.moved_head(moved, who, synth.Pose(turn, roll, 1 + grow, x, y)), SIDE, teeth)


@dataclass(frozen=True)
class Camera:
    """A sensor and the light of a room, which changes slowly, and now and then at once, as a screen lights a face."""

    noise: float
    colour: NDArray[np.float64]
    gain: Times
    side: Times
    angle: float

    @classmethod
    def of(cls, times: Times, rng: np.random.Generator) -> "Camera":
        """One of those there are, for frames at these times."""
        screen = rng.uniform(0.9, 1.1, 1 + int((times.max(initial=0)) // 7))[(times // 7).astype(int)]
        return cls(
            noise=rng.uniform(1, 5),
            colour=rng.uniform(0.93, 1.07, 3),
            gain=rng.uniform(0.6, 1.15) * (1 + sway(times, 0.15, (5, 60), rng)) * screen,
            side=rng.uniform(0, 0.3) * (1 + sway(times, 0.5, (5, 60), rng)),
            angle=rng.uniform(0, 2 * math.pi),
        )

    def see(self, picture: Picture, number: int, rng: np.random.Generator) -> Picture:
        """Frame ``number``, counted from 0, as the camera tells it."""
        across = np.linspace(-1, 1, SIDE)
        slope = math.cos(self.angle) * across[None, :] + math.sin(self.angle) * across[:, None]
        light = self.gain[number] * (1 + self.side[number] * slope)[..., None] * self.colour
        noise = rng.standard_normal(picture.shape, np.float32) * np.float32(self.noise)
        seen: Picture = np.clip(np.rint(picture * light + noise), 0, 255).astype(np.uint8)
        return seen


def filmed(who: FaceMesh, act: str, times: Times, rng: np.random.Generator) -> Iterator[Picture]:
    """Frames (SIDE, SIDE, 3) RGB of an act at these times, through a camera of its own."""
    camera = Camera.of(times, rng)
    for number, picture in enumerate(play(who, act, times, rng)):
        yield camera.see(picture, number, rng)


TOLD = ("jawOpen", "eyeBlinkLeft", "eyeSquintLeft", "browInnerUp", "browDownLeft", "mouthStretchLeft", "mouthSmileLeft")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portrait_frames", description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True, help="the Face Research Lab London Set")
    parser.add_argument("--out", type=Path, help="folder for the sheets")
    parser.add_argument("--people", type=int, default=6, help="how many (default: %(default)s)")
    args = parser.parse_args()
    with face_stage.finding("benchmarks.portrait_frames") as find:
        people = load(args.portraits, find)
    chosen = list(people)[:: max(1, len(people) // args.people)][: args.people]
    with contextlib.closing(BlendshapeReader(registry.path("face_landmarker"))) as reader:
        for act in ACTS:
            rows, shapes = [], []
            for number, name in enumerate(chosen):
                times = np.arange(0, 8, 1 / FPS)
                frames = list(filmed(people[name], act, times, np.random.default_rng([7, number])))
                shapes += [found for frame in frames if (found := reader.read(frame)) is not None]
                rows.append(np.hstack(frames[::5]))
            if args.out:
                args.out.mkdir(parents=True, exist_ok=True)
                sheet = cv2.resize(np.vstack(rows), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
                cv2.imwrite(str(args.out / f"{act.replace(' ', '-')}.png"), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
            told = [np.quantile(np.array(shapes)[:, BLENDSHAPES.index(name)], (0.5, 0.9)) for name in TOLD]
            print(f"{act}: {len(shapes)} frames with a face; half and nine tenths of them are below:")
            print("  " + ", ".join(f"{name} {a:.2f} {b:.2f}" for name, (a, b) in zip(TOLD, told, strict=True)))


if __name__ == "__main__":
    main()
