"""``moodcast models local``: features of networks beside a bag of visual words, learned globally and locally."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models import json_output
from models.zoo import networks

_WORDS = 1000
_NEIGHBOURS = 200
"""Chosen here; on 800 validation faces 1,000 did neither better nor worse than chance would have it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """On the parser of ``moodcast models local``."""
    parser.description = (
        "Tells FER2013's faces by what networks see in them, by a bag of visual words (dense SIFT), and by both; and "
        "learns each by one support vector machine of all training faces, and by one of its own for each face that is "
        "asked about (Georgescu et al. 2019; docs/audio-visual.md)."
    )
    parser.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 folder (default: %(default)s)")
    parser.add_argument(
        "--split",
        default="PublicTest",
        help="which faces are asked about; `validation` are those of the training rows that networks do not learn from "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--network",
        action="append",
        metavar="NAME[=WEIGHTS]",
        help="a classifier of faces, or one to train with its weights, a run or a file of models convert (default: "
        "moodnet); again for more",
    )
    parser.add_argument(
        "--words", type=_count, default=_WORDS, metavar="N", help="size of the vocabulary (default: %(default)s)"
    )
    parser.add_argument(
        "--neighbours",
        type=_count,
        default=_NEIGHBOURS,
        metavar="N",
        help="training faces that a machine of one face learns from (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=report)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"expected a number from 2, got {text}")
    return int(text)


def report(options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    networks.need_torch("models local")
    if options.json:
        json_output.check(options.json)
    from models.compared.local_study import study

    named = [network.partition("=") for network in options.network or ["moodnet"]]
    chosen = [(name, Path(weights) if weights else None) for name, _, weights in named]
    found = study(options.data, options.split, chosen, options.words, options.neighbours)
    if options.json:
        json_output.write(found, options.json)
    if options.json != "-":
        print("\n".join(lines(found)))
    return 0


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures for people."""
    yield (
        f"{found['split']}: {found['asked']} faces; learned from {found['learned_from']}; {found['words']} words, "
        f"{found['neighbours']} neighbours; 95 % intervals"
    )
    if found["copies"]:
        yield f"Without copies: without the {found['copies']} faces that also stand among the training rows."
    yield f"{'features':40}{'learning':10}{'accuracy':>26}{'UAR':>8}{'without copies':>26}"
    for row in found["rows"]:
        both = "".join(f"{_interval(row[part]):>26}" for part in ("all", "without_copies"))
        yield f"{row['features']:40}{row['learning']:10}{both[:26]}{row['all']['uar']:>8.1%}{both[26:]}"


def _interval(part: Mapping[str, Any]) -> str:
    low, high = part["interval"]
    return f"{part['accuracy']:.2%} ({low:.1%} to {high:.1%})"
