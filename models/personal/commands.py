"""``moodcast models personal-train``, ``-adapt``, ``-report``: heads that learn one person, and what that is worth."""

import argparse
import functools
from pathlib import Path

from models import json_output
from models.errors import EvaluationError
from models.inference.face_stage import FaceStage
from models.personal.heads import HEADS
from models.zoo import networks


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """On the parser of ``moodcast models personal-report``; ``faces`` finds faces in clips."""
    parser.description = (
        "Holds some people out, teaches a universal head all others, and personal heads a few clips of each person who "
        "was held out; reports what that is worth beside one common head (docs/personal.md). Trains for minutes to "
        "hours; a run that was stopped goes on where it was when the command is given again."
    )
    parser.add_argument("folder", nargs="?", metavar="DIR", help="the clips, as SUBJECT/EXPRESSION/CLIP.mp4")
    parser.add_argument(
        "--posteriors",
        nargs="?",
        const="",
        metavar="DIR",
        help="the folder holds the published posteriors of RAVDESS' clips (au_mlp, au_bilstm and wav2vec2); no torch",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    _add_study(parser.add_argument_group("reports on clips"))
    parser.set_defaults(perform=functools.partial(report, faces))


def _add_study(group: "argparse._ArgumentGroup") -> None:
    _add_set(group)
    group.add_argument(
        "--network",
        action="append",
        metavar="NAME[=WEIGHTS]",
        help="whose features are learned from: a classifier of faces, or one to train with its weights (default: "
        "moodnet); again for more",
    )
    group.add_argument(
        "--head", action="append", choices=HEADS, help="default: linear and single; again for more, self is slow"
    )
    group.add_argument(
        "--held-out",
        default="",
        metavar="NAME,NAME",
        help="people who are asked about (default: the first fifth by name; of RAVDESS actors 1 to 5, as published)",
    )
    group.add_argument(
        "--draws",
        type=_count,
        default=3,
        metavar="N",
        help="how many times chance says which clips are learned from and asked about (default: %(default)s)",
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of all chance (default: %(default)s)")
    group.add_argument(
        "--out",
        type=Path,
        default=Path("personal-report"),
        metavar="REPORT",
        help="folder for page, pictures and what is done so far (default: %(default)s)",
    )


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
    _add_set(parser)
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
    parser.set_defaults(perform=functools.partial(_adapt, faces))


def _add_set(options: "argparse._ActionsContainer") -> None:
    """How the clips lie and what they show."""
    options.add_argument(
        "--layout",
        default="people",
        metavar="NAME",
        help="of the clips, such as ravdess-both or plain (default: %(default)s; moodcast models clips DIR --layout -)",
    )
    options.add_argument("--seven", action="store_true", help="under Moodcast's expressions, without other classes")
    options.add_argument("--aligned", action="store_true", help="the clips are faces that are cut already: only scale")


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


def _adapt(faces: FaceStage, options: argparse.Namespace) -> int:
    networks.need_torch("models personal-adapt")
    from models.personal import run

    for sentence in run.adapt(options.run, options.subject, options.clips, options.seed, faces):
        print(sentence)
    return 0


def report(faces: FaceStage, options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    folder = _folder(options)
    if options.json:
        json_output.check(options.json)
    if options.posteriors is None:
        return _report_clips(faces, folder, options)
    return _report_posteriors(folder, options.json)


def _report_clips(faces: FaceStage, folder: Path, options: argparse.Namespace) -> int:
    networks.need_torch("models personal-report on clips")
    from models.personal import page
    from models.personal.report import Wanted
    from models.personal.report import report as report_on

    wanted = Wanted(
        folder=folder,
        layout=options.layout,
        networks=tuple(options.network or ["moodnet"]),
        heads=tuple(dict.fromkeys(options.head or ["linear", "single"])),
        held_out=tuple(name for name in options.held_out.split(",") if name),
        draws=options.draws,
        seed=options.seed,
        seven=options.seven,
        aligned=options.aligned,
        out=options.out,
    )
    result = report_on(wanted, faces)
    if options.json != "-":
        print(page.describe(result))
        print(f"\n{options.out / 'report.md'}: the page, with pictures")
    if options.json:
        json_output.write(result, options.json)
    return 0


def _report_posteriors(folder: Path, json_file: str | None) -> int:
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
