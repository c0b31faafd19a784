"""How far away a face is found and followed, and what looking costs: ``python -m benchmarks.distance --portraits DIR``.

Portraits (the format of ``models.evaluation.portraits``) are put at random places into rooms made of soft shapes and
noise, so small that the face has a given height, forehead to chin in pixels, and looked at for ``WITHIN_S`` at 5 frames
a second, with a sensor's noise in each. "before" is what the agent did until 2026-11-27: a landmarker that looks for
two faces in the whole of every frame, without blendshapes. "followed" are the frames in which a face that was found is
still there while it moves on, by three times its height. "label kept" compares what the default classifier says of the
small face with what it says of the portrait.

Rooms without anybody, plain noise and what is beside the face in ``--video`` tell false faces. Costs are the processor
time of the face stage in a minute at 5 frames a second; a loop over the same frames for both, in turn.
"""

import argparse
import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from agent import face_stage, sources
from agent.face import FaceFinder, FilmFaceFinder
from agent.search import others_s
from benchmarks import machine
from models.evaluation import KINDS, portraits
from models.evaluation.portraits import Portrait
from models.inference import boxes, registry
from models.inference.align import aligned_face
from models.inference.boxes import Points
from models.inference.infer import Classifier, load_still

FPS, WITHIN_S = 5, 2.6
FRAMES = round(FPS * WITHIN_S)
FOREHEAD, CHIN = 10, 152
"""Landmarks that a face's height is between."""
SIZES = {"webcam": (640, 480), "screen": (1920, 1080)}
HEIGHTS = {"webcam": (100, 80, 60, 50, 40, 30, 24), "screen": (200, 148, 100, 66, 50)}
STEPS, STEP, FOLLOWED = 30, 0.1, 4
"""Frames in which a found face moves on, by how many of its heights in each, and of how many portraits one does."""
ROOMS, EMPTY_ROOMS = 24, 60
OFF = 0.25
"""So many heights off, what was found is another face."""
RUNS = 3

Picture = NDArray[np.uint8]
Find = Callable[[Picture, int], Points | None]


class Placed(NamedTuple):
    """A small portrait in a room."""

    picture: Picture
    landmarks: Points


class Watched(NamedTuple):
    """Of one portrait: whether it was found in time, where the face is in that frame, and the share of frames after."""

    face: Points | None
    scene: Placed
    followed: float


class Watcher:
    """Finds the largest face of one frame after the other, ``FPS`` a second, whatever they are of."""

    def __init__(self, find: Find) -> None:
        self._find, self._frames = find, 0

    def look(self, frame: Picture) -> Points | None:
        self._frames += 1
        return self._find(frame, 1000 * self._frames // FPS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distance", description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True, help="the Face Research Lab London Set")
    parser.add_argument("--video", type=Path, help="a film of one person who stays in place")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth portrait; default: all")
    args = parser.parse_args()
    sources.set_opencv_up()
    print(f"Machine: {machine.describe()}")
    with face_stage.describing("benchmarks.distance") as find:
        people = [one for one in portraits.load(args.portraits, find) if one.landmarks is not None][:: args.every]
    film = read(args.video) if args.video else []
    with contextlib.ExitStack() as opened:
        before, now, screen = watchers(opened)
        print_found("webcam", people, before, now)
        print_found("screen", people, before, screen)
        print_false(film, before, now)
        print_costs(people, film, before, now, screen)


def watchers(opened: contextlib.ExitStack) -> tuple[Watcher, Watcher, Watcher]:
    """The face stage of before, of now before a webcam, and on a screen."""
    model = registry.path("face_landmarker")
    films = opened.enter_context(contextlib.closing(FilmFaceFinder(model)))
    now = opened.enter_context(contextlib.closing(FaceFinder(model)))
    screen = opened.enter_context(contextlib.closing(FaceFinder(model, others_s("screen"))))

    def one(finder: FaceFinder) -> Find:
        def find(frame: Picture, time_ms: int) -> Points | None:
            face = finder.find(frame, time_ms)
            return None if face is None else face.points

        return find

    def before(frame: Picture, time_ms: int) -> Points | None:
        return max((one.points for one in films.find(frame, time_ms)), key=boxes.area, default=None)

    return Watcher(before), Watcher(one(now)), Watcher(one(screen))


def print_found(kind: str, people: Sequence[Portrait], before: Watcher, now: Watcher) -> None:
    """A row for each height."""
    size, classifier = SIZES[kind], load_still(registry.DEFAULT)
    own = [label(classifier, one.picture, one.landmarks) for one in people if one.landmarks is not None]
    backgrounds = [room(size, np.random.default_rng(i)) for i in range(ROOMS)]
    print(f"\n{kind}, {size[0]}x{size[1]}: {len(people)} portraits\n")
    print("| face, px | found before | found now | followed now | label kept: smiling | neutral |")
    print("|---|---|---|---|---|---|")
    for height in HEIGHTS[kind]:
        chance = np.random.default_rng(height)
        counts, shares, kept = [0, 0], [], dict.fromkeys(KINDS, 0)
        for number, one in enumerate(people):
            person, background, seed = small(one, height), backgrounds[number % ROOMS], int(chance.integers(1 << 30))
            for which, watcher in enumerate((before, now)):
                outcome = watched(
                    watcher,
                    person,
                    background,
                    np.random.default_rng(seed),
                    follow=which == 1 and number % FOLLOWED == 0,
                )
                counts[which] += outcome.face is not None
            if outcome.face is not None:
                shares += [outcome.followed] * (number % FOLLOWED == 0)
                kept[one.kind] += label(classifier, outcome.scene.picture, outcome.face) == own[number]
        every = len(people)
        told = [f"{count}/{every} ({count / every:.0%})" for count in counts]
        labels = [f"{kept[which]}/{sum(one.kind == which for one in people)}" for which in ("happy", "neutral")]
        print(f"| {height} | {' | '.join(told)} | {np.mean(shares or [0]):.1%} | {' | '.join(labels)} |", flush=True)


def label(classifier: Classifier, picture: Picture, landmarks: Points) -> int:
    """What the network says of a face, without what the agent makes of it."""
    return int(classifier.probabilities(aligned_face(picture, landmarks, classifier.network.contract.crop)).argmax())


def print_false(film: Sequence[Picture], before: Watcher, now: Watcher) -> None:
    """Faces seen where there is none, each picture for as long as the windows need for a turn."""
    chance = np.random.default_rng(0)
    width, height = SIZES["webcam"]
    empty = {
        "rooms": [room(SIZES["webcam"], chance) for _ in range(EMPTY_ROOMS)],
        "noise": [chance.integers(0, 256, (height, width, 3)).astype(np.uint8) for _ in range(EMPTY_ROOMS // 3)],
        "blots": [blots(chance) for _ in range(EMPTY_ROOMS)],
        "beside the film's face": [part for frame in film[:: max(1, len(film) // 20)] for part in beside(frame, now)],
    }
    print("\n| without a face | pictures | faces before | faces now |\n|---|---|---|---|")
    for name, pictures in empty.items():
        seen = [0, 0]
        for picture in pictures:
            for which, watcher in enumerate((before, now)):
                looks = [watcher.look(noisy(picture, chance)) for _ in range(FRAMES)]
                seen[which] += any(face is not None for face in looks)
        print(f"| {name} | {len(pictures)} | {seen[0]} | {seen[1]} |", flush=True)


def print_costs(
    people: Sequence[Portrait], film: Sequence[Picture], before: Watcher, now: Watcher, screen: Watcher
) -> None:
    """The medians of ``RUNS``, in which the two take turns."""
    chance = np.random.default_rng(0)
    size = SIZES["webcam"]
    near, far = (
        placed(small(people[0], tall), room(size, chance), left, 0).picture for tall, left in ((180, 60), (60, 300))
    )
    rooms = [room(size, chance) for _ in range(ROOMS)]
    wide = [room(SIZES["screen"], chance) for _ in range(3)]
    sets = {
        "a portrait, its face 180 px high": (shaken([near] * 100, chance), now),
        "the same, 60 px (before: mostly missed)": (shaken([far] * 100, chance), now),
        "the film": (film, now),
        "rooms without anybody": (shaken([one for one in rooms for _ in range(FRAMES)], chance), now),
        "a black picture": ([np.zeros_like(near)] * 100, now),
        "a screen without anybody": (shaken([one for one in wide for _ in range(FRAMES)], chance), screen),
    }
    print("\n| CPU seconds a minute of the face stage, 5 frames a second | before | now |\n|---|---|---|")
    for name, (frames, watcher) in sets.items():
        if frames:
            spent = [[minute(one, frames) for one in (before, watcher)] for _ in range(RUNS)]
            middle = np.median(spent, 0)
            print(f"| {name} | {middle[0]:.2f} | {middle[1]:.2f} |", flush=True)


def minute(watcher: Watcher, frames: Sequence[Picture]) -> float:
    """Processor seconds for a minute of such frames."""
    began = time.process_time()
    for frame in frames:
        watcher.look(frame)
    return (time.process_time() - began) / len(frames) * 60 * FPS


def room(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Soft light, furniture that is out of focus, and texture: nothing of it is a face."""
    width, height = size
    picture = np.tile(rng.uniform(60, 200, 3), (height, width, 1)).astype(np.float32)
    picture += np.linspace(-30, 30, width)[None, :, None] * rng.uniform(-1, 1)
    picture += np.linspace(-30, 30, height)[:, None, None] * rng.uniform(-1, 1)
    for _ in range(rng.integers(6, 14)):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        across, down = int(rng.integers(width // 20, width // 3)), int(rng.integers(height // 20, height // 2))
        colour = rng.uniform(20, 235, 3).tolist()
        if rng.random() < 0.7:
            cv2.rectangle(picture, (x, y), (x + across, y + down), colour, -1)
        else:
            turned = float(rng.uniform(0, 180))
            cv2.ellipse(picture, (x, y), (across // 2 + 1, down // 2 + 1), turned, 0, 360, colour, -1)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 4)) * width / 640), np.float32)
    for coarse in (1, 3, 5):
        grain = rng.normal(0, 6, (height >> coarse, width >> coarse)).astype(np.float32)
        picture += cv2.resize(grain, size, interpolation=cv2.INTER_CUBIC)[..., None]
    return picture.clip(0, 255).astype(np.uint8)


def small(portrait: Portrait, height: float) -> Placed:
    """A portrait whose face is so high, in pixels."""
    assert portrait.landmarks is not None
    scale = height / float(np.linalg.norm(portrait.landmarks[CHIN] - portrait.landmarks[FOREHEAD]))
    picture = cv2.resize(portrait.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Placed(np.asarray(picture, np.uint8), portrait.landmarks * scale)


def placed(scene: Placed, background: Picture, x: int, y: int) -> Placed:
    """The portrait in a room, its left upper corner at (x, y), with a soft edge; what is outside is cut off."""
    height, width = background.shape[:2]
    tall, wide = scene.picture.shape[:2]
    edge = max(1, round(0.06 * min(tall, wide)))
    mask = np.zeros((tall, wide), np.float32)
    mask[edge:, edge:-edge] = 1  # the shoulders go on below
    share = cv2.blur(mask, (edge, edge))[..., None]
    top, left, bottom, right = max(0, y), max(0, x), min(height, y + tall), min(width, x + wide)
    here, there = np.s_[top:bottom, left:right], np.s_[top - y : bottom - y, left - x : right - x]
    picture = background.copy()
    picture[here] = (scene.picture[there] * share[there] + picture[here] * (1 - share[there])).round()
    return Placed(picture, scene.landmarks + np.array([x, y]))


def noisy(picture: Picture, rng: np.random.Generator) -> Picture:
    """As a sensor has it, differently in each frame."""
    grain = _grains(picture.shape[0], picture.shape[1])
    return np.asarray(cv2.add(picture, grain[int(rng.integers(len(grain)))], dtype=cv2.CV_8U), np.uint8)


@functools.lru_cache(4)
def _grains(height: int, width: int) -> NDArray[np.int16]:
    return np.random.default_rng(0).integers(-4, 5, (8, height, width, 3), np.int16)


def shaken(pictures: Sequence[Picture], rng: np.random.Generator) -> list[Picture]:
    return [noisy(one, rng) for one in pictures]


def blots(rng: np.random.Generator) -> Picture:
    """Clouds of colour, coarse and fine."""
    width, height = SIZES["webcam"]
    picture = np.full((height, width, 3), 128, np.float32)
    for coarse in (4, 8, 16, 32, 64):
        grain = rng.normal(0, 25, (height // coarse, width // coarse, 3)).astype(np.float32)
        picture += cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture.clip(0, 255), np.uint8)


def beside(frame: Picture, watcher: Watcher) -> list[Picture]:
    """What is left and right of the face with some room for its hair, as wide as a webcam's picture."""
    face = watcher.look(frame)
    if face is None:
        return []
    (left, _), (right, _) = face.min(0), face.max(0)
    room_for_hair = right - left
    strips = [frame[:, : max(0, int(left - room_for_hair))], frame[:, int(right + room_for_hair) :]]
    wide = [np.ascontiguousarray(strip) for strip in strips if strip.shape[1] >= frame.shape[0] // 4]
    size = SIZES["webcam"]
    return [np.asarray(cv2.resize(strip[: strip.shape[1] * size[1] // size[0]], size), np.uint8) for strip in wide]


def read(film: Path) -> list[Picture]:
    """``FPS`` frames a second of a film."""
    capture = cv2.VideoCapture(str(film))
    rate, frames, number = capture.get(cv2.CAP_PROP_FPS), [], 0
    while capture.grab():
        if number * FPS % rate < FPS:
            frames.append(np.asarray(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB), np.uint8))
        number += 1
    capture.release()
    return frames


def watched(watcher: Watcher, person: Placed, background: Picture, rng: np.random.Generator, follow: bool) -> Watched:
    """A portrait that is there of a sudden, in a room that was empty for a while, and that moves on if ``follow``."""
    height = float(np.linalg.norm(person.landmarks[CHIN] - person.landmarks[FOREHEAD]))
    low, high = np.ceil(4 - person.landmarks.min(0)), np.array(background.shape[1::-1]) - 4 - person.landmarks.max(0)
    x, y = (int(place) for place in rng.integers(low, np.floor(high)))
    for _ in range(3):
        watcher.look(noisy(background, rng))
    first = placed(person, background, x, y)
    scene = first
    for _ in range(FRAMES):
        scene = Placed(noisy(first.picture, rng), first.landmarks)
        face = watcher.look(scene.picture)
        if face is not None and is_it(face, scene, height):
            break
    else:
        return Watched(None, scene, 0)
    seen, towards = 0, 1 if 2 * x < low[0] + high[0] else -1
    for step in range(STEPS * follow):
        moved = placed(person, background, int(np.clip(x + towards * STEP * height * step, low[0], high[0])), y)
        now = watcher.look(noisy(moved.picture, rng))
        seen += now is not None and is_it(now, moved, height)
    return Watched(face, scene, seen / STEPS)


def is_it(face: Points, scene: Placed, height: float) -> bool:
    return bool(np.linalg.norm(face.mean(0) - scene.landmarks.mean(0)) < OFF * height)


if __name__ == "__main__":
    main()
