"""Draw each action unit: ``python -m benchmarks.action_units_picture FILE.webp``.

The fetched portrait, a picture in the public domain, at rest and with one unit after the other at full strength, and
the intensity that is told of it, 0 to 5.
"""

import argparse
import itertools
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent import face_stage
from benchmarks import action_units as motion
from models.clips import synth
from models.clips.action_units import UNITS_BY_NUMBER
from models.inference import registry

CELL, HEAD, COLUMNS = 128, 30, 7
INK, PAPER = (60, 52, 46), (250, 248, 246)
MIDDLE = motion.RESTING + motion.RISING - 1
"""The frame at full strength."""


def cell(face: NDArray[np.uint8], lines: tuple[str, str]) -> NDArray[np.uint8]:
    """A face (S, S, 3) RGB below two lines of text: (HEAD + CELL, CELL, 3) BGR."""
    shown = np.full((HEAD + CELL, CELL, 3), PAPER, np.uint8)
    small = cv2.resize(face[..., ::-1], (CELL - 4, CELL - 4), interpolation=cv2.INTER_AREA)
    shown[HEAD : HEAD + CELL - 4, 2 : CELL - 2] = small
    for row, text in enumerate(lines):
        cv2.putText(shown, text, (3, 12 + 13 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.35, INK, 1, cv2.LINE_AA)
    return shown


def main() -> None:
    what = "python -m benchmarks.action_units_picture"
    parser = argparse.ArgumentParser(prog=what, description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    with face_stage.finding("benchmarks.action_units_picture") as find:
        who = synth.load_portraits({"portrait": registry.path("portrait")}, find, motion.SIZE)["portrait"]
    cells = []
    with face_stage.tracking("benchmarks.action_units_picture") as look:
        clock = itertools.count(0, motion.FRAME_MS)
        for place, (number, unit) in enumerate(UNITS_BY_NUMBER.items()):
            film = list(motion.filmed(who, number, None))
            found = motion.told(iter(film), look, clock).units[MIDDLE, place]
            cells.append(cell(film[MIDDLE], (f"{number}  {found:.1f}", unit.name)))
    cells.insert(0, cell(film[0], ("", "at rest")))
    blank = np.full_like(cells[0], PAPER)
    cells += [blank] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    cv2.imwrite(str(args.out), np.vstack(rows), [cv2.IMWRITE_WEBP_QUALITY, 80])


if __name__ == "__main__":
    main()
