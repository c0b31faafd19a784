"""``moodcast models micro transfer``: is a start from macro-expressions worth more than a random one?"""

import argparse
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models import json_output
from models.clips.cutting import preparing
from models.inference.face_stage import FaceStage
from models.micro.figures import TITLES, percent
from models.training import recipe
from models.zoo import networks


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models micro transfer``; ``faces`` finds faces in clips."""
    parser.description = (
        "Trains a network of the apex frame twice for each fold and seed, from a run on macro-expressions and from a "
        "random start, and compares what both say of people that neither has learned from (docs/micro.md). A study "
        "that was stopped goes on where it was when the command is given again."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the clips, as the recipe says")
    parser.add_argument(
        "--start",
        type=Path,
        required=True,
        metavar="RUN",
        help="such as a run of micro-attention-macro, or a file of weights",
    )
    parser.add_argument(
        "--config", default="micro-transfer", metavar="CONFIG", help="recipe of both trainings (default: %(default)s)"
    )
    parser.add_argument(
        "--seeds",
        type=int,
        choices=range(1, 21),
        default=3,
        metavar="N",
        help="how often each fold is trained, 1 to 20 times (default: %(default)s)",
    )
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("runs/micro-transfer"),
        metavar="RUN",
        help="folder of what is done so far (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=functools.partial(_perform, faces))


def _perform(faces: FaceStage, options: argparse.Namespace) -> int:
    if options.json:
        json_output.check(options.json)
    how = recipe.load(recipe.find(options.config))
    networks.need_torch("models micro transfer")
    from models.micro import transfer_study

    prepare = preparing(faces, "models micro transfer")
    found = transfer_study.study(how, options.folder, options.start, options.seeds, options.run, prepare)
    if options.json != "-":
        print("\n".join(lines(found)))
    if options.json:
        json_output.write(found, options.json)
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures for people, a line each start."""
    yield (
        f"{found['network']} at {found['size']} px: {found['clips']} clips of {found['people']} people not learned "
        f"from, {found['folds']} folds, {found['seeds']} seeds; 95 % intervals over people"
    )
    yield f"always the largest class: WAR {100 * found['largest_class']:.1f}"
    for title, key, sign in (("macro", "macro", ""), ("random", "random", ""), ("gain", "macro_over_random", "+")):
        yield f"{title:8}" + ", ".join(f"{name} {percent(found[key][of], sign)}" for of, name in TITLES.items())
