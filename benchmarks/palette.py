"""How the expressions' colours differ for every kind of colour vision: ``python -m benchmarks.palette``.

The least difference (CIEDE2000) of any two, the least contrast of two neighbours on the bar (WCAG), and the pairs that
differ least. ``--search SECONDS`` looks for colours near the present ones that keep to ``LEAST`` and
``LEAST_CONTRAST``: steps by chance, each kept where it breaks the rules less or lies nearer.
"""

import argparse
import json
import random
import time
from itertools import pairwise
from pathlib import Path

from benchmarks.colour_vision import VISIONS, contrast, difference, lab, linear, pairs, seen

PALETTE = Path(__file__).parents[1] / "overlay" / "palette.json"
LEAST, LEAST_CONTRAST = 15.0, 1.25


def neighbours(palette: dict[str, str], vision: str) -> dict[tuple[str, str], float]:
    """The contrast of each two expressions that lie side by side on a bar that has them all."""
    rgb = {name: seen(linear(colour), vision) for name, colour in palette.items()}
    return {(one, other): contrast(rgb[one], rgb[other]) for one, other in pairwise(palette)}


def broken(palette: dict[str, str]) -> float:
    """How far a palette is from keeping both rules; 0 where it does."""
    too_alike = sum(max(0.0, LEAST - pair.difference) for pair in pairs(palette))
    return too_alike + 10 * sum(
        max(0.0, LEAST_CONTRAST - found) for vision in VISIONS for found in neighbours(palette, vision).values()
    )


def search(wanted: dict[str, str], seconds: float, chance: random.Random) -> dict[str, str]:
    """A palette that keeps both rules, or comes nearest to it, and looks as much like the wanted one as may be."""
    aims = {name: lab(linear(colour)) for name, colour in wanted.items()}

    def cost(palette: dict[str, str]) -> float:
        away = sum(difference(lab(linear(colour)), aims[name]) ** 1.5 for name, colour in palette.items())
        return 20 * broken(palette) + away

    best, least, end = wanted, cost(wanted), time.monotonic() + seconds
    while time.monotonic() < end:
        name, step = chance.choice(list(wanted)), chance.choice((3, 10, 30))
        channels = (int(best[name][at : at + 2], 16) for at in (1, 3, 5))
        moved = (min(255, max(0, round(chance.gauss(value, step)))) for value in channels)
        tried = best | {name: "#" + "".join(f"{value:02x}" for value in moved)}
        if (found := cost(tried)) < least:
            best, least = tried, found
    return best


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.palette", description=__doc__.split("\n")[0])
    parser.add_argument("--search", type=float, metavar="SECONDS", help="look for one, from the present one on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("colours", nargs="*", metavar="NAME=#rrggbb", help="in place of those of palette.json")
    asked = parser.parse_args()
    palette: dict[str, str] = json.loads(PALETTE.read_text("utf-8"))
    palette |= dict(pair.split("=") for pair in asked.colours)
    if asked.search:
        palette = search(palette, asked.search, random.Random(asked.seed))
        print(json.dumps(palette, indent=2))
    found = pairs(palette)
    print("| vision | least difference | of | least contrast of neighbours | of |\n|---|---|---|---|---|")
    for vision in VISIONS:
        nearest = next(pair for pair in found if pair.vision == vision)
        (one, other), least = min(neighbours(palette, vision).items(), key=lambda item: item[1])
        pair = f"{nearest.one}, {nearest.other}"
        print(f"| {vision} | {nearest.difference:.1f} | {pair} | {least:.2f} | {one}, {other} |")


if __name__ == "__main__":
    main()
