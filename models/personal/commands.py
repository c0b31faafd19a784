"""``moodcast models personal-train``, ``-adapt``, ``-report``: heads that learn one person, and what that is worth."""

import argparse
import functools
from pathlib import Path

from models import json_output
from models.errors import EvaluationError
from models.inference.face_stage import FaceStage
from models.personal.heads import HEADS
from models.zoo import networks


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


def add_training(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models personal-train``; ``faces`` finds faces in clips."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the clips, as SUBJECT/EXPRESSION/CLIP.mp4")
    parser.add_argument(
        "--network",
        default="moodnet",
        metavar="NAME[=WEIGHTS]",
        help="whose features are learned from: a classifier of faces, or one to train with its weights, a run or a "
        "file of models convert (default: %(default)s)",
    )
    parser.add_argument("--head", choices=HEADS, default="self", help="default: %(default)s")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="a new folder, where the heads go")
    parser.add_argument(
        "--layout",
        default="people",
        metavar="NAME",
        help="of the clips, such as ravdess-song or plain (default: %(default)s; moodcast models clips DIR --layout -)",
    )
    parser.add_argument("--seven", action="store_true", help="under Moodcast's expressions, without other classes")
    parser.add_argument("--aligned", action="store_true", help="the clips are faces that are cut already: only scale")
    parser.add_argument(
        "--held-out", default="", metavar="NAME,NAME", help="who is not learned from (default: the first fifth by name)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all chance (default: %(default)s)")
    parser.set_defaults(perform=functools.partial(train, faces))


def add_adapting(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models personal-adapt``; ``faces`` finds faces in clips."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of models personal-train")
    parser.add_argument("--subject", required=True, metavar="NAME", help="whose head")
    parser.add_argument("--clips", type=_count, metavar="N", help="of each class (default: all but a fifth)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all chance (default: %(default)s)")
    parser.set_defaults(perform=functools.partial(adapt, faces))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {text}")
    return int(text)


def train(faces: FaceStage, options: argparse.Namespace) -> int:
    networks.need_torch("models personal-train")
    from models.personal import run

    name, _, weights = options.network.partition("=")
    setting = run.Setting(
        data=str(options.folder.resolve()),
        network=str(Path(name).resolve()) if Path(name).is_file() else name,
        head=options.head,
        layout=options.layout,
        weights=weights and str(Path(weights).resolve()),
        seven=options.seven,
        aligned=options.aligned,
        held_out=tuple(name for name in options.held_out.split(",") if name),
        seed=options.seed,
    )
    for sentence in run.train(options.run, setting, faces):
        print(sentence)
    return 0


def adapt(faces: FaceStage, options: argparse.Namespace) -> int:
    networks.need_torch("models personal-adapt")
    from models.personal import run

    for sentence in run.adapt(options.run, options.subject, options.clips, options.seed, faces):
        print(sentence)
    return 0


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
