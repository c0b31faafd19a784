"""Draw what `moodcast models synth --speech` makes: ``python -m benchmarks.speaking_picture FILE.webp``.

One person, the packaged portrait, who says something with three expressions: frames of the clip, and below them its
sound (grey) and the pitch of what is voiced (blue, on one scale for all). Needs espeak-ng.
"""

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent import face_stage
from models.clips import layouts, sound, speaking, synth, video
from models.inference import registry
from models.inference.sound import RATE, pitch

SIZE, WAVE, GAP = 112, 72, 10
SHOWN = ("angry", "sad", "surprise")
FRAMES, SECONDS = 8, 1.5
SEED = 4
LOWEST, HIGHEST = 60, 400
"""Hz of the pitch's scale, whose steps are semitones."""
PAPER, INK, SOUND, PITCH = (250, 248, 246), (60, 52, 46), (190, 184, 178), (190, 90, 30)


def strip(file: Path) -> NDArray[np.uint8]:
    """Frames of a clip at even steps of the picture's time, those that there are, (SIZE, SIZE * FRAMES, 3) RGB."""
    film = list(video.frames(file))
    times = (np.arange(FRAMES) + 0.5) * SECONDS / FRAMES
    blank = np.full((SIZE, SIZE, 3), PAPER[::-1], np.uint8)
    places = [int(time * video.FPS) for time in times]
    return np.hstack([film[place] if place < len(film) else blank for place in places])


def drawn_sound(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The wave and its pitch, (WAVE, SIZE * FRAMES, 3) BGR."""
    width = SIZE * FRAMES
    picture = np.full((WAVE, width, 3), PAPER, np.uint8)
    columns = np.array_split(np.pad(samples, (0, max(round(SECONDS * RATE) - len(samples), 0))), width)
    for x, column in enumerate(columns):
        high = round(float(np.abs(column.astype(float)).max()) / 32768 * WAVE)
        cv2.line(picture, (x, (WAVE - high) // 2), (x, (WAVE + high) // 2), SOUND, 1)
    hertz = pitch(sound.as_float(samples))
    for i, found in enumerate(hertz):
        if found and np.abs(samples[i * 160 : i * 160 + 400]).max() > 1000:
            y = WAVE - round(WAVE * float(np.log(found / LOWEST) / np.log(HIGHEST / LOWEST)))
            cv2.circle(picture, (round(i * 160 / RATE / SECONDS * width), y), 2, PITCH, -1, cv2.LINE_AA)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speaking_picture", description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    with face_stage.finding("benchmarks.speaking_picture") as find:
        people = synth.load_portraits({"somebody": registry.path("portrait")}, find, SIZE)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "set"
        speaking.make(place, people, 7, SEED, SIZE, pictures=False)
        clips = {clip.label: clip.path for clip in layouts.find(place).clips}
        for name in SHOWN:
            file = clips[layouts.find(place).classes.index(name)]
            faces = cv2.cvtColor(strip(file), cv2.COLOR_RGB2BGR)
            wave = drawn_sound(sound.heard(file))
            cv2.putText(wave, name, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
            rows += [faces, wave, np.full((GAP, wave.shape[1], 3), PAPER, np.uint8)]
    cv2.imwrite(str(args.out), np.vstack(rows[:-1]), [cv2.IMWRITE_WEBP_QUALITY, 80])


if __name__ == "__main__":
    main()
