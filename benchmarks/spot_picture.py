"""Draw how spotters see a film: ``python -m benchmarks.spot_picture SET/long FILM.mp4 --network RUN --out FILE.webp``.

FILM is one of a set of ``moodcast models synth --micro``. Its curves by the plain maximum, by flow and by the spotter
stand one below the other: bands and dots are what was spotted, the green bars what was there, and the red lines where
somebody blinked.
"""

import argparse
import csv
from pathlib import Path

from models.clips.layouts import long
from models.micro import curve_picture, methods
from models.micro.curve_picture import Panel
from models.micro.methods import Method
from models.micro.spot_videos import look_at

TITLES = {"peak": "Difference from the first frame, in grey levels", "flow": "Motion of brows and mouth, in pixels"}
SPOTTER = "spot-cnn: probability of a micro-expression"


def blinks(folder: Path, name: str) -> list[int]:
    """The frames in which somebody's eyes are shut."""
    with (folder / long.TABLE).open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["file"] == name)
    return [int(frame) for frame in row["blinks"].split()]


def panel(film: long.LongClip, method: Method, shut: list[int]) -> Panel:
    found = look_at(film.path, film.fps, method, None, None)
    true = [(event.onset, event.offset) for event in film.events if event.micro]
    title = TITLES.get(method.name, SPOTTER)
    return Panel(title, found.curve, film.fps, [named.spotted for named in found.named], method.most, true, shut)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spot_picture", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="SET/long", help="the long clips of a set")
    parser.add_argument("film", metavar="FILM.mp4")
    parser.add_argument("--network", type=Path, required=True, metavar="RUN", help="run folder of a trained spot-cnn")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    film = next(film for film in long.find(args.folder).clips if film.path.name == args.film)
    shut = blinks(args.folder, args.film)
    every = [*methods.PLAIN.values(), methods.of_network(args.network)]
    curve_picture.draw([panel(film, method, shut) for method in every]).save(args.out, lossless=True)


if __name__ == "__main__":
    main()
