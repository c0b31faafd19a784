"""Draw what flow is worth across data sets: ``python -m benchmarks.across_picture FIGURES.json --out FILE.webp``.

FIGURES.json is what ``moodcast models micro across DIR DIR --layout NAME --run RUN --json FIGURES.json`` writes. It is
drawn as the picture of frame rates is; red is the apex alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.rates_picture import draw


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each direction and each of the network's branches."""
    return [
        {"name": f"{way['learn']['name']} to {way['test']['name']}, {branches}", "network": branches != "apex"}
        | figures
        for way in found["directions"]
        for branches, figures in way["branches"].items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.across_picture", description=__doc__.split("\n")[0])
    parser.add_argument("figures", type=Path, metavar="FIGURES.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    found = json.loads(args.figures.read_text())
    people = " and ".join(str(way["test"]["subjects"]) for way in found["directions"])
    draw({"rows": rows(found), "classes": found["classes"], "people": people}).save(args.out, lossless=True)


if __name__ == "__main__":
    main()
