"""``moodcast models spot``: the micro-expressions of videos as a table, CSV or JSON, and their curves as a picture."""

import argparse
import contextlib
import functools
import math
import sys
from pathlib import Path

from tqdm import tqdm

from models import json_output
from models.errors import DatasetError, EvaluationError
from models.inference.face_stage import FaceStage
from models.zoo import networks

PLAIN = ("peak", "flow")
"""The methods that need no network (``models.micro.methods``)."""


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models spot``; ``faces`` finds faces in videos."""
    parser.description = (
        "Says when faces in videos show micro-expressions. Research: on published sets no method finds more than a "
        "fraction of them (docs/micro.md), and nobody should be judged by it."
    )
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="video files, or folders of pictures")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--network", type=Path, metavar="RUN", help="run folder of a trained spot-cnn")
    how.add_argument("--method", choices=PLAIN, help="a plain method: the largest difference or motion")
    parser.add_argument("--recogniser", type=Path, metavar="RUN", help="run of a clip network, to name what is spotted")
    parser.add_argument("--aligned", action="store_true", help="the videos are faces that are cut already: only scale")
    parser.add_argument(
        "--fps",
        type=float,
        default=math.nan,
        metavar="N",
        help="frames a second (default: what the video's header says)",
    )
    parser.add_argument("--csv", metavar="FILE", help="write the intervals to this file (-: standard output)")
    parser.add_argument("--json", metavar="FILE", help="intervals and curves to this file (-: standard output)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the curves")
    parser.set_defaults(perform=functools.partial(perform, faces))


def perform(faces: FaceStage, options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code. Videos that can't be used are told and left out."""
    if options.csv == options.json == "-":
        raise EvaluationError("expected --csv or --json on standard output, got both: name a file for one of them")
    for target in filter(None, (options.csv, options.json, options.plot)):
        json_output.check(target)
    if options.network or options.recogniser:
        networks.need_torch("models spot --network and --recogniser")
    from models.micro import curve_picture, methods, recogniser, spot_videos
    from models.micro.spot_videos import Looked

    method = methods.of_network(options.network) if options.network else methods.PLAIN[options.method]
    knows = recogniser.load(options.recogniser) if options.recogniser else None
    looked: list[Looked] = []
    broken: list[DatasetError] = []
    with contextlib.nullcontext() if options.aligned else faces.tracking("models spot") as look:
        for path in tqdm(options.videos, desc="videos", unit="video", disable=None):
            try:
                looked.append(spot_videos.look_at(path, options.fps, method, look, knows))
            except DatasetError as error:
                broken.append(error)
    last = None if looked else broken.pop()  # it is told as the command's own error
    for sentence in (*map(str, broken), *(remark for one in looked for remark in one.remarks)):
        print(sentence, file=sys.stderr)
    if last:
        raise last
    if "-" not in (options.csv, options.json):  # first: a file may not get written
        print(spot_videos.describe(looked))
    if options.plot:
        curve_picture.save([spot_videos.panel(one, method) for one in looked], Path(options.plot))
    if options.csv:
        json_output.write_text(spot_videos.as_csv(looked), options.csv)
    if options.json:
        json_output.write(spot_videos.as_json(looked, method.name), options.json)
    return 0
