"""``moodcast models spot-report``: how well a trained spotter and the plain methods do on films that are annotated."""

import argparse
import functools
from pathlib import Path

from models import json_output
from models.clips.cutting import preparing
from models.inference.face_stage import FaceStage
from models.zoo import networks


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models spot-report``; ``faces`` finds faces in films."""
    parser.description = (
        "Spots the micro-expressions of a set of films and compares them with what is known of it: MEGC's F1, "
        "precision and recall at an overlap of one half, how far the apex is off, and what is found where nothing "
        "happens (docs/micro.md)."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the films")
    parser.add_argument("--layout", default="long-plain", metavar="NAME", help="how they lie (default: %(default)s)")
    parser.add_argument("--network", type=Path, metavar="RUN", help="run folder of a trained spot-cnn")
    parser.add_argument("--recogniser", type=Path, metavar="RUN", help="run of a clip network, for STRS")
    parser.add_argument("--aligned", action="store_true", help="the films are faces that are cut already: only scale")
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    parser.set_defaults(perform=functools.partial(perform, faces))


def perform(faces: FaceStage, options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    networks.need_torch("models spot-report")
    if options.json:
        json_output.check(options.json)
    from models.micro import methods, recogniser, spot_study

    known = [*([methods.of_network(options.network)] if options.network else []), *methods.PLAIN.values()]
    knows = recogniser.load(options.recogniser) if options.recogniser else None
    prepare = preparing(faces, "models spot-report")
    result = spot_study.study(options.folder, options.layout, known, knows, prepare, options.aligned)
    if options.json != "-":
        print(spot_study.describe(result))
    if options.json:
        json_output.write(result, options.json)
    return 0
