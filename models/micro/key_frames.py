"""``moodcast models micro key-frames``: what AKMNet's choice of frames is worth, and which ones it chooses."""

import argparse
import dataclasses
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from models import json_output
from models.clips.cutting import preparing
from models.inference.face_stage import FaceStage
from models.micro.figures import TITLES, percent
from models.training import recipe
from models.zoo import networks

_STRIP = 40
_SIDES = 32


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models micro key-frames``; ``faces`` finds faces in clips."""
    parser.description = (
        "Trains AKMNet, and beside it itself without each of the two losses of its choice of frames, with all frames, "
        "and with clips interpolated to one number of frames; tests them on all frames of the clips of other people, "
        "and tells which frames were chosen (docs/micro.md). Trains for minutes to days; a run that was stopped goes "
        "on where it was when the command is given again."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the clips")
    parser.add_argument(
        "--config",
        default="akmnet",
        metavar="CONFIG",
        help="recipe file of a training of akmnet (default: %(default)s)",
    )
    parser.add_argument(
        "--layout", metavar="NAME", help="how DIR is laid out, such as plain or ck-plus (default: as the recipe says)"
    )
    parser.add_argument(
        "--protocol",
        choices=("share", "official", "folds", "leave-one-out"),
        help="who is held out: one share of the people, or in turn the layout's folds, groups of people, or each "
        "(default: as the recipe says)",
    )
    parser.add_argument(
        "--size",
        type=_side,
        metavar="PX",
        help=f"side of the faces, a multiple of {_SIDES} (default: the network's 128); half of it takes a quarter of "
        "the time",
    )
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("runs/key-frames"),
        metavar="RUN",
        help="folder where the trainings go (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=functools.partial(report, faces))


def _side(text: str) -> int:
    if not text.isdecimal() or not int(text) or int(text) % _SIDES:
        raise argparse.ArgumentTypeError(f"expected a multiple of {_SIDES} pixels, got {text}")
    return int(text)


def report(faces: FaceStage, options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    networks.need_torch("models micro key-frames")
    if options.json:
        json_output.check(options.json)
    from models.micro.key_frames_study import NETWORK, study

    entry = networks.get(NETWORK)
    wanted = recipe.load(recipe.find(options.config))
    changes = {name: given for name in ("layout", "protocol") if (given := getattr(options, name))}
    found = study(
        msgspec.structs.replace(wanted, clips=msgspec.structs.replace(wanted.clips, **changes)),
        dataclasses.replace(entry, size=options.size or entry.size),
        options.folder,
        options.run,
        preparing(faces, "models micro key-frames"),
    )
    if options.json:
        json_output.write(found, options.json)
    if options.json != "-":
        print("\n".join(lines(found)))
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures for people: a row a variant, what was chosen, and a strip of each tested clip."""
    yield (
        f"{found['network']} at {found['size']} px, {found['epochs']} epochs on {found['layout']}, "
        f"{found['protocol']}: {found['clips']} clips of {found['subjects']} people; 95 % intervals over people"
    )
    yield f"{'':18}" + "".join(f"{title:>24}" for title in TITLES.values())
    for name, figures in found["variants"].items():
        yield f"{name:18}" + "".join(f"{percent(figures[figure]):>24}" for figure in TITLES)
    for name, gains in found["gains"].items():
        yield f"{found['network']} over {name}: UAR {percent(gains['uar'], '+')} points"
    for name, chosen in found["choices"].items():
        yield f"{name}: {_choice(chosen)}"
    yield "Frames of each clip, # chosen, . not; over them onset (<), apex (^) and offset (>); x: taken for another"
    for clip in found["key_frames"]:
        yield f"{'':34}{moments(clip)}"
        yield f"{clip['subject'][:16]:17}{clip['answer'][:14]:15}{'  ' if _right(clip) else 'x '}{strip(clip)}"


def _right(clip: Mapping[str, Any]) -> bool:
    return bool(clip["label"] == clip["answer"])


def _choice(chosen: Mapping[str, Any]) -> str:
    told = f"{chosen['share']:.0%} of frames chosen"
    if not chosen["clips"]:
        return told
    return (
        f"{told}; of them {chosen['within']:.0%} within the expression, of all frames {chosen['by_chance']:.0%}; "
        f"balanced accuracy of the choice {percent(chosen['balanced_accuracy'])}, chance 50"
    )


def strip(clip: Mapping[str, Any]) -> str:
    """A clip's frames as a line of characters, each for as many frames: ``#`` where one is chosen, else ``.``."""
    columns = min(_STRIP, clip["frames"])
    marks = ["."] * columns
    for frame in clip["chosen"]:
        marks[frame * columns // clip["frames"]] = "#"
    return "".join(marks)


def moments(clip: Mapping[str, Any]) -> str:
    """Onset, apex and offset over ``strip``, as far as they are known."""
    columns = min(_STRIP, clip["frames"])
    marks = [" "] * columns
    for name, mark in (("onset", "<"), ("offset", ">"), ("apex", "^")):
        if clip[name] >= 0:
            marks[clip[name] * columns // clip["frames"]] = mark
    return "".join(marks).rstrip()
