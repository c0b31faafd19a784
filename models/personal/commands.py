"""``moodcast models personal-report``: what a model that learns the person is worth."""

import argparse
from pathlib import Path

from models import json_output
from models.errors import EvaluationError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """On the parser of ``moodcast models personal-report``."""
    parser.add_argument("folder", nargs="?", metavar="DIR", help="the data")
    parser.add_argument(
        "--posteriors",
        nargs="?",
        const="",
        metavar="DIR",
        help="the folder holds the published posteriors of RAVDESS' clips (au_mlp, au_bilstm and wav2vec2); no torch",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=report)


def report(options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    folder = _folder(options)
    if options.json:
        json_output.check(options.json)
    if options.posteriors is None:
        raise EvaluationError("expected --posteriors: reports on clips are not there yet")
    return report_posteriors(folder, options.json)


def report_posteriors(folder: Path, json_file: str | None) -> int:
    from models.evaluation import posteriors
    from models.personal import posterior_study

    result = posterior_study.study(posteriors.read(folder))
    if json_file != "-":
        print(posterior_study.describe(result))
    if json_file:
        json_output.write(result.figures(), json_file)
    return 0


def _folder(options: argparse.Namespace) -> Path:
    """The one that is named, after ``--posteriors`` or alone."""
    named = [folder for folder in (options.folder, options.posteriors) if folder]
    if len(named) != 1:
        raise EvaluationError(f"expected one folder with the data, got {' and '.join(named) or 'none'}")
    return Path(named[0])
