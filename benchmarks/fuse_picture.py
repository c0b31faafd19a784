"""Draw late fusion: ``python -m benchmarks.fuse_picture FIGURES.json --out FILE.webp``.

FIGURES.json is what ``moodcast models fuse DIR --json FIGURES.json`` writes. Beside the confusion figures of the
published fusion stand the confidences of the speech alone, before and after its temperatures.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from docs import figures
from models.audio_visual.fusion_methods import FUSION, GRADED

SPEECH = list(GRADED)[2]
HEAD = 28


def draw(found: dict[str, Any]) -> Image.Image:
    """Three pictures in a row, each with its title."""
    methods = {method["name"]: method for method in found["methods"]}
    fusion, speech = methods[FUSION], methods[SPEECH]
    parts = {
        f"Fusion: {fusion['accuracy']:.2f} % are right": figures.confusion(
            {"recall": found["emotions"], "confusion": fusion["confusion"]}
        ),
        "Speech alone, as it is": _reliability(speech, "before", "ece"),
        f"with temperatures of {min(speech['temperatures'])} to {max(speech['temperatures'])}": _reliability(
            speech, "after", "ece_calibrated"
        ),
    }
    size = sum(part.width for part in parts.values()), HEAD + max(part.height for part in parts.values())
    picture = Image.new("RGB", size, figures.PAPER)
    pen, left = ImageDraw.Draw(picture), 0
    for title, part in parts.items():
        picture.paste(part, (left, HEAD))
        pen.text((left + part.width / 2, 8), title, figures.INK, ImageFont.load_default(18), anchor="mt")
        left += part.width
    return picture


def _reliability(method: dict[str, Any], when: str, error: str) -> Image.Image:
    return figures.reliability({"reliability": method["reliability"][when], "ece": method[error] / 100})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuse_picture", description=__doc__.split("\n")[0])
    parser.add_argument("figures", type=Path, metavar="FIGURES.json")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    draw(json.loads(args.figures.read_text())).save(args.out, lossless=True)


if __name__ == "__main__":
    main()
