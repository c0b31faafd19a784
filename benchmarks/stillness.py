"""How still a photograph is before a noisy camera, and how still people are: ``python -m benchmarks.stillness``.

Gives the constants of ``agent.readable`` for a face that does not move. What a photograph's landmarks do in a minute is
noise; what those of people do within seconds is the least of what a minute brings.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from agent.face import LARGEST_SIDE, FaceFinder, FoundFace
from agent.readable import movement
from benchmarks.spoilt_portraits import Picture
from models.clips import video
from models.inference import registry

_HEIGHTS, _NOISES, _FLICKER = (200, 100, 60), (0, 5, 10, 20), 0.01
"""Of the face in pixels of 640 by 480; of the noise in grey levels; of the light from frame to frame."""
_FPS, _MINUTE_S = 1, 60
_SETTLED = 10
"""Frames after which the landmarker follows the face that it found, and its mesh has come to rest."""
_WINDOWS_S = (2, 5, 10)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stillness", description=str(__doc__).partition(":")[0])
    parser.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="Face Research Lab London Set")
    parser.add_argument("--videos", type=Path, metavar="DIR", help="films of people")
    parser.add_argument("--people", type=int, default=4, help="how many portraits (default: %(default)s)")
    asked = parser.parse_args(arguments)
    files = sorted(asked.portraits.glob("*_happy.jpg"))
    chosen = files[:: max(1, len(files) // asked.people)][: asked.people]
    print("a photograph for a minute, largest movement, each of", len(chosen))
    for height in _HEIGHTS:
        for noise in _NOISES:
            found = [faces(photograph(video.read_picture(file), height, noise), _FPS) for file in chosen]
            most = [most_moved(seen[_SETTLED:]) for seen in found if len(seen) > _SETTLED + 1]
            shifts, blinks = " ".join(f"{m[0]:.4f}" for m in most), " ".join(f"{m[1]:.2f}" for m in most)
            print(f"face of about {height} px, noise {noise}: landmarks {shifts or 'not found'}; eyelids {blinks}")
    for file in sorted(asked.videos.iterdir()) if asked.videos else ():
        film = cv2.VideoCapture(str(file))
        step = max(1, round(film.get(cv2.CAP_PROP_FPS) / 5))
        fps = film.get(cv2.CAP_PROP_FPS) / step
        seen = faces(frames(film, step), fps)
        for seconds in _WINDOWS_S:
            length = round(seconds * fps)
            most = [most_moved(seen[i : i + length]) for i in range(len(seen) - length + 1)]
            if most:
                print(f"{file.name}: stillest {seconds} s: {min(most)[0]:.4f}; with eyelids {min(most)[1]:.2f}")
    return 0


def photograph(picture: Picture, height: int, noise: float) -> Iterator[Picture]:
    """A minute of a portrait on a wall, 640 by 480; the face of a London portrait is half as high as its picture."""
    scale, (rows, columns) = 2 * height / len(picture), picture.shape[:2]
    matrix = np.array([(scale, 0, 320 - scale * columns / 2), (0, scale, 240 - scale * rows / 2)])
    wall = cv2.warpAffine(picture, matrix, (640, 480), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    rng = np.random.default_rng(0)
    for _ in range(_FPS * _MINUTE_S):
        light = 1 + _FLICKER * (noise > 0) * rng.standard_normal()
        seen = wall * light + noise * rng.standard_normal(wall.shape, np.float32)
        yield np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def frames(film: cv2.VideoCapture, step: int) -> Iterator[Picture]:
    """Each ``step``-th frame, as large as the agent searches it."""
    while film.grab():
        if film.get(cv2.CAP_PROP_POS_FRAMES) % step == 0:
            frame = cv2.cvtColor(film.retrieve()[1], cv2.COLOR_BGR2RGB)
            scale = min(1.0, LARGEST_SIDE / max(frame.shape))
            yield np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def faces(pictures: Iterable[Picture], fps: float) -> list[FoundFace]:
    with contextlib.closing(FaceFinder(registry.path("face_landmarker"))) as finder:
        found = [finder.find(picture, round(1000 * i / fps)) for i, picture in enumerate(pictures)]
    return [face for face in found if face is not None]


def most_moved(seen: Sequence[FoundFace]) -> tuple[float, float]:
    """Against the first: of the landmarks and of the eyelids."""
    moves = [movement(seen[0], face) for face in seen[1:]]
    return max(move[0] for move in moves), max(move[1] for move in moves)


if __name__ == "__main__":
    sys.exit(main())
