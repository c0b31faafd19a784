"""``moodcast models sight-and-sound``: what sight, time and sound are each worth, as recorded and disturbed."""

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

_SHOWN = ("uar", "war")


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models sight-and-sound``; ``faces`` finds faces in clips."""
    parser.description = (
        "Trains a network on single frames, on frames in their order, on sound, and on both, added or side by side, "
        "and puts a support vector machine on both. Asks each about people that it has not learned from: as recorded, "
        "in low light, with the head moving, with noise over the sound, and with sound that comes late "
        "(docs/audio-visual.md). Trains for minutes to hours; a run that was stopped goes on where it was when the "
        "command is given again."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="clips with sound, laid out as the recipe says")
    parser.add_argument(
        "--config",
        default="av-small",
        metavar="CONFIG",
        help="recipe file of av-small, av-gru, av-lstm or av-sum (default: %(default)s)",
    )
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder where the trainings go")
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=functools.partial(report, faces))


def report(faces: FaceStage, options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    networks.need_torch("models sight-and-sound")
    if options.json:
        json_output.check(options.json)
    from models.audio_visual.ablation_study import study

    wanted = recipe.load(recipe.find(options.config))
    found = study(wanted, options.folder, options.run, preparing(faces, "models sight-and-sound"))
    if options.json:
        json_output.write(found, options.json)
    if options.json != "-":
        print("\n".join(lines(found)))
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures for people: a table a figure, a column a condition."""
    yield (
        f"{found['set']}: {found['clips']} clips of {found['people']} people, {len(found['classes'])} classes; "
        f"{found['network']}, {found['frames']} frames, {found['folds']} folds, "
        f"{found['epochs']} epochs; 95 % intervals over people"
    )
    if found["left_out"]:
        yield f"{len(found['left_out'])} clips are left out, such as: {found['left_out'][0]}"
    for name, told in found["conditions"].items():
        if told:
            yield f"{name}: {told}"
    for figure in _SHOWN:
        yield ""
        yield f"{TITLES[figure]:20}" + "".join(f"{name:>22}" for name in found["conditions"])
        for row in found["rows"]:
            yield f"{row['name']:20}" + "".join(f"{percent(of[figure]):>22}" for of in row["conditions"].values())
    yield ""
    for name, gain in found["gain_of_sound"].items():
        yield f"both over frames alone, {name}: UAR {percent(gain['uar'], '+')} points"
