"""Draw what `moodcast models synth --micro` makes: ``python -m benchmarks.micro_picture FILE.webp``.

One person, the packaged portrait, at the onset and at the apex of a micro-expression, how much the two differ, and the
same apex as if everything had moved several times as far.
"""

import argparse
import dataclasses
from pathlib import Path

import cv2
import numpy as np

from agent import face_stage
from models.clips import micro_synth, synth
from models.clips.micro_synth import MicroExpression, MicroScene
from models.inference import registry

SIZE, RATE, HEAD = 208, 60, 26
EVENT = MicroExpression("angry", 0.25, 15, 24, 36)
FARTHER, BRIGHTER = 4, 6
SEED = 2


def titled(cell: synth.Frame, title: str) -> synth.Frame:
    """A cell (SIZE, SIZE, 3) below its title."""
    head = np.full((HEAD, SIZE, 3), (246, 248, 250), np.uint8)
    (width, _), _ = cv2.getTextSize(title, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    place = (SIZE - width) // 2, HEAD - 8
    cv2.putText(head, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (46, 52, 60), 1, cv2.LINE_AA)
    return np.vstack([head, cell])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro_picture", description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    with face_stage.finding("benchmarks.micro_picture") as find:
        who = synth.load_portraits({"somebody": registry.path("portrait")}, find, SIZE)["somebody"]
    films = []
    for event in (EVENT, dataclasses.replace(EVENT, intensity=FARTHER * EVENT.intensity)):
        scene = MicroScene("somebody", 0.85, 51, (event,), ())
        films.append(list(micro_synth.perform(who, scene, RATE, SIZE, np.random.default_rng(SEED))))
    onset, apex, farther = films[0][EVENT.onset], films[0][EVENT.apex], films[1][EVENT.apex]
    differing = np.clip(BRIGHTER * cv2.absdiff(onset, apex).astype(int), 0, 255).astype(np.uint8)
    milliseconds = 1000 * (EVENT.apex - EVENT.onset) / RATE
    cells = [
        titled(onset, "onset"),
        titled(apex, f"apex, {milliseconds:.0f} ms later"),
        titled(differing, f"difference, times {BRIGHTER}"),
        titled(farther, f"apex, moved {FARTHER} times as far"),
    ]
    cv2.imwrite(str(args.out), cv2.cvtColor(np.hstack(cells), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 90])


if __name__ == "__main__":
    main()
