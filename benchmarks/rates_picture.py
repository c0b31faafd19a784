"""Draw what a second frame rate is worth: ``python -m benchmarks.rates_picture FIGURES.json --out FILE.webp``.

FIGURES.json is what ``moodcast models micro rates DIR --run RUN --json FIGURES.json`` writes. A point is a row's UAR, a
line its 95 % interval over people, and the broken line is chance.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

INK, QUIET, GRID, PAPER = (34, 34, 34), (110, 110, 110), (228, 228, 228), (255, 255, 255)
NETWORK, TEXTURE = (0, 114, 178), (213, 94, 0)
FINE, SHOWN = 4, 2
"""Pixels that are drawn for each unit of length, and those that are left of them."""
WIDTH, RIGHT, TOP, ROW, BOTTOM = 640, 90, 16, 34, 44
MARK, LINE = 5, 3


def draw(found: dict[str, Any]) -> Image.Image:
    """A line for each row, from 0 to 100 % of UAR."""
    rows = found["rows"]
    height = TOP + ROW * len(rows) + BOTTOM
    picture = Image.new("RGB", (WIDTH * FINE, height * FINE), PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13 * FINE)
    left = 24 + max(pen.textlength(row["name"], font) for row in rows) / FINE

    def write(x: float, y: float, words: str, anchor: str, colour: tuple[int, int, int] = INK) -> None:
        pen.text((x * FINE, y * FINE), words, colour, font, anchor=anchor)

    def across(share: float) -> float:
        return left + share * (WIDTH - left - RIGHT)

    def line(x: float, top: float, x_end: float, bottom: float, colour: tuple[int, int, int], width: float) -> None:
        pen.line([x * FINE, top * FINE, x_end * FINE, bottom * FINE], colour, round(width * FINE))

    foot = TOP + ROW * len(rows)
    for tenth in range(0, 11, 2):
        line(across(tenth / 10), TOP, across(tenth / 10), foot, GRID, 1)
        write(across(tenth / 10), foot + 5, f"{10 * tenth}", "mt", QUIET)
    chance = across(1 / sum(map(any, rows[0]["confusion"])))  # of the classes that occur
    for y in range(TOP, foot, 6):
        line(chance, y, chance, y + 3, QUIET, 1)
    write(across(0.5), foot + 22, f"UAR in %, 95 % interval over {found['people']} people; broken: chance", "mt")
    for i, row in enumerate(rows):
        y, colour = TOP + (i + 0.5) * ROW, NETWORK if row["network"] else TEXTURE
        value, (low, high) = row["uar"]["value"], row["uar"]["interval"]
        write(left - 12, y, row["name"], "rm")
        line(across(low), y, across(high), y, colour, LINE)
        edges = [(across(value) - MARK) * FINE, (y - MARK) * FINE, (across(value) + MARK) * FINE, (y + MARK) * FINE]
        pen.ellipse(edges, colour, PAPER, FINE)
        write(WIDTH - RIGHT + 12, y, f"{100 * value:.1f}", "lm")
    return picture.resize((WIDTH * SHOWN, height * SHOWN), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rates_picture", description=__doc__.split("\n")[0])
    parser.add_argument("figures", type=Path, metavar="FIGURES.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    draw(json.loads(args.figures.read_text())).save(args.out, lossless=True)


if __name__ == "__main__":
    main()
