"""``moodcast models micro rates``: what a second frame rate is worth in recognising micro-expressions."""

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
    """On the parser of ``moodcast models micro rates``; ``faces`` finds faces in clips."""
    parser.description = (
        "Trains DTSCNN on optical flow at 60 frames a second, at 120, at both, and at both with the 120 made of the "
        "60, each with a support vector machine on top; beside them LBP-TOP with one. People who are asked about are "
        "not learned from (docs/micro.md). Trains for minutes to hours; a run that was stopped goes on where it was "
        "when the command is given again."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the clips, laid out as the recipe says")
    parser.add_argument(
        "--config",
        default="dtscnn",
        metavar="CONFIG",
        help="recipe file of dtscnn (default: %(default)s)",
    )
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder where the trainings go")
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=functools.partial(report, faces))


def report(faces: FaceStage, options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    networks.need_torch("models micro rates")
    if options.json:
        json_output.check(options.json)
    from models.micro.two_rates_study import study

    wanted = recipe.load(recipe.find(options.config))
    found = study(wanted, options.folder, options.run, preparing(faces, "models micro rates"))
    if options.json:
        json_output.write(found, options.json)
    if options.json != "-":
        print("\n".join(lines(found)))
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures for people."""
    recorded = ", ".join(f"{fps:g}" for fps in found["recorded_at"])
    classes = sum(map(any, found["rows"][0]["confusion"]))
    yield (
        f"{found['set']}: {found['clips']} clips of {found['people']} people at {recorded} frames a second, {classes} "
        f"classes; {found['folds']} folds, {found['epochs']} epochs; 95 % intervals over people"
    )
    if found["left_out"]:
        yield f"{len(found['left_out'])} clips are left out, such as: {found['left_out'][0]}"
    yield f"{'':18}{'invented':>9}" + "".join(f"{title:>24}" for title in TITLES.values())
    for row in found["rows"]:
        yield f"{row['name']:18}{row['invented']:>9.1%}" + "".join(f"{percent(row[name]):>24}" for name in TITLES)
    if held := max(row["held_still"] for row in found["rows"]):
        yield f"Clips are shorter than the windows: {held:.1%} of these are held still."
    for name, gain in found["gain_of_both"].items():
        yield f"both over {name}: UAR {percent(gain['uar'], '+')} points"
