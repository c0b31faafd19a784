"""Draw what personal styles are: ``python -m benchmarks.style_picture --portraits DIR --out FILE.webp``.

Rows are people, columns expressions at their full intensity (``models.clips.styles``). The lines are those of the mean
face of all portraits: nobody's, so the picture may be shown anywhere.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from agent import face_stage
from models.clips import motions, styles, synth
from models.clips.motions import Points
from models.clips.styles import Style

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10,
)  # fmt: skip
LINES = (
    OVAL,
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7, 33),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249, 263),
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 70),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276, 300),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146, 61),
    (*motions.INNER_UPPER, *motions.INNER_LOWER[::-1]),
    (168, 6, 197, 195, 5, 4),
    (129, 98, 97, 2, 326, 327, 358),
)
"""Of the landmarker's mesh: the face's outline, eyes, brows, lips and nose."""
SUBJECTS = ("anna", "ben", "cleo", "dan")
SHOWN = ("neutral", "happy", "angry", "surprise", "sad")
CELL, SCALE, MIDDLE, HEAD = 150, 108, 0.56, 24
"""A face's square and its tile in pixels, where the tile's middle is less than half way down, and the line of names."""
FINER = 3
"""Drawn so many times larger."""
INK, PAPER = (60, 52, 46), (250, 248, 246)


def draw(face: Points, style: Style, expression: str) -> NDArray[np.uint8]:
    """A cell (CELL, CELL, 3), BGR."""
    shown = Style({}, style.side, style.expressions[expression])
    mesh = synth.resting(face, style) + synth.resting(face, shown) - face
    place = ((mesh - (0.5, MIDDLE)) * SCALE + CELL / 2) * FINER
    cell = np.full((CELL * FINER, CELL * FINER, 3), PAPER, np.uint8)
    lines = [np.rint(place[list(line)] * 16).astype(np.int32) for line in LINES]
    cv2.polylines(cell, lines, False, INK, FINER, cv2.LINE_AA, 4)
    return np.asarray(cv2.resize(cell, (CELL, CELL), interpolation=cv2.INTER_AREA), np.uint8)


def named(expression: str) -> NDArray[np.uint8]:
    """The head of a column."""
    cell = np.full((HEAD, CELL, 3), PAPER, np.uint8)
    (width, _), _ = cv2.getTextSize(expression, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    cv2.putText(cell, expression, ((CELL - width) // 2, HEAD - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
    return cell


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.style_picture", description=__doc__.split("\n")[0])
    parser.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="folder of pictures, a face each")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    with face_stage.finding("benchmarks.style_picture") as find:
        people = synth.load_portraits(synth.find_portraits(args.portraits), find, 112)
    face = np.mean([who.face for who in people.values()], 0)
    rows = [np.hstack([draw(face, styles.draw(who, 0), name) for name in SHOWN]) for who in SUBJECTS]
    cv2.imwrite(str(args.out), np.vstack([np.hstack([named(name) for name in SHOWN]), *rows]))


if __name__ == "__main__":
    main()
