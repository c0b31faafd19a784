"""``moodcast models micro across``: ATNet trained on one set of micro-expressions and tested on another."""

import argparse
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models import json_output
from models.clips.cutting import preparing
from models.errors import EvaluationError
from models.inference.face_stage import FaceStage
from models.micro.figures import TITLES, percent
from models.training import recipe
from models.zoo import networks

_SMALLEST = 32


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models micro across``; ``faces`` finds faces in clips."""
    parser.description = (
        "Trains ATNet, its apex branch alone and its sequence branch alone on each of two sets of micro-expressions, "
        "and tests each on the other set (docs/micro.md). Trains for minutes to hours; a run that was stopped goes on "
        "where it was when the command is given again."
    )
    parser.add_argument("folders", nargs=2, type=Path, metavar="DIR", help="the two sets")
    parser.add_argument(
        "--layout",
        action="append",
        required=True,
        metavar="NAME",
        help="how they are laid out, such as casme2-3; twice where they differ (moodcast models clips DIR --layout -)",
    )
    parser.add_argument(
        "--config", default="atnet", metavar="CONFIG", help="recipe file of a training of atnet (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        type=_side,
        metavar="PX",
        help="side of the faces (default: the network's 224); half of it takes a quarter of the apex branch's time",
    )
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder where the trainings go")
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=functools.partial(report, faces))


def _side(text: str) -> int:
    if not text.isdecimal() or int(text) < _SMALLEST:
        raise argparse.ArgumentTypeError(f"expected a number of pixels from {_SMALLEST}, got {text}")
    return int(text)


def report(faces: FaceStage, options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    networks.need_torch("models micro across")
    if options.json:
        json_output.check(options.json)
    if len(options.layout) > 2:
        raise EvaluationError(f"expected one --layout for both sets or one for each, got {len(options.layout)}")
    from models.micro.across_study import NETWORK, across

    found = across(
        recipe.load(recipe.find(options.config)),
        options.folders,
        [options.layout[0], options.layout[-1]],
        options.size or networks.get(NETWORK).size,
        options.run,
        preparing(faces, "models micro across"),
    )
    if options.json:
        json_output.write(found, options.json)
    if options.json != "-":
        print("\n".join(lines(found)))
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures for people: a table a direction."""
    yield f"{found['network']} at {found['size']} px, {found['epochs']} epochs; 95 % intervals over people"
    for direction in found["directions"]:
        learn, test = direction["learn"], direction["test"]
        yield ""
        yield f"trained on {learn['name']}: {_size(learn)}"
        yield f"tested on {test['name']}: {_size(test)}"
        yield f"{'':10}" + "".join(f"{title:>24}" for title in TITLES.values())
        for branches, figures in direction["branches"].items():
            yield f"{branches:10}" + "".join(f"{percent(figures[name]):>24}" for name in TITLES)
        for branches, gains in direction["over_apex"].items():
            yield f"{branches} over apex: UAR {percent(gains['uar'], '+')} points"


def _size(described: Mapping[str, Any]) -> str:
    clips = ", ".join(f"{count} {name}" for name, count in described["clips"].items())
    return f"{clips}; {described['subjects']} people"
