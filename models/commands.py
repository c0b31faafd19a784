"""``moodcast models``: its actions. What recognises needs no torch; what trains says so where torch is missing."""

import argparse
import contextlib
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from models import convert, json_output
from models.audio_visual import commands as audio_visual
from models.clips.cutting import preparing
from models.clips.source import ClipSource
from models.compared import commands as compared
from models.errors import DatasetError
from models.inference import bar, registry
from models.inference.contract import CropSpec
from models.inference.face_stage import FaceStage
from models.micro import commands as micro
from models.personal import commands as personal
from models.training import recipe
from models.training.recipe import Recipe
from models.zoo import networks


def add_arguments(parser: argparse.ArgumentParser, faces: FaceStage) -> None:
    """The actions and their options, on the parser of ``moodcast models``; ``faces`` is for those that find faces."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the registered files, which of them are here, and the networks")
    listing.set_defaults(perform=show_list)
    fetching = actions.add_parser("fetch", help="fetch what is missing, checked by sha256")
    fetching.add_argument("names", nargs="*", metavar="NAME", help="default: all that agent and demo need")
    fetching.add_argument(
        "--browser", action="store_true", help="what a relay needs, so that viewers' browsers can read faces"
    )
    fetching.set_defaults(perform=fetch_files)
    assets = actions.add_parser(
        "assets", help="fetch and compress what browsers read faces with, as a relay does by itself"
    )
    assets.add_argument(
        "folder", nargs="?", type=Path, metavar="DIR", help="also write it there, for the static host of --assets-url"
    )
    assets.set_defaults(perform=make_assets)
    _add_training(
        actions.add_parser("train", help="train a network as a recipe says, or go on with a stopped training"), faces
    )
    _add_evaluating(actions.add_parser("evaluate", help="measure a classifier on a split (docs/evaluation.md)"), faces)
    _add_synthesising(
        actions.add_parser("synth", help="make a set of synthetic clips from portraits (docs/clips.md)"), faces
    )
    _add_listing_clips(
        actions.add_parser("clips", help="what a folder of clips holds, and its faces (docs/clips.md)"), faces
    )
    scoring = actions.add_parser("score", help="figures of merit of a CSV file with the columns label and pred")
    scoring.add_argument("file", type=Path, metavar="FILE.csv", help="class numbers from 0 up")
    scoring.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    scoring.set_defaults(perform=score_file)
    personal.add_training(
        actions.add_parser("personal-train", help="a head over a frozen face network, of many people"), faces
    )
    personal.add_adapting(actions.add_parser("personal-adapt", help="that head, gone on with one person"), faces)
    personal.add_arguments(
        actions.add_parser("personal-report", help="what learning one person is worth (docs/personal.md)"), faces
    )
    micro.add_actions(actions, faces)
    audio_visual.add_actions(actions, faces)
    compared.add_actions(actions, faces)
    _add_converting(
        actions.add_parser("convert", help="an official checkpoint, as weights of our network of that name")
    )
    _add_distilling(actions.add_parser("distil", help="teach moodnet-clip on clips made of still faces"))
    _add_exporting(actions.add_parser("export", help="a trained network as an ONNX file that the agent loads"), faces)


def _add_training(training: argparse.ArgumentParser, faces: FaceStage) -> None:
    training.add_argument(
        "config", metavar="CONFIG", help=f"recipe file (docs/recipes.md), or one of {', '.join(recipe.shipped())}"
    )
    training.add_argument(
        "--data", type=Path, default=Path("fer2013"), help="FER2013, or the recipe's clips (default: %(default)s)"
    )
    training.add_argument(
        "--run", dest="run_folder", type=Path, metavar="DIR", help="run folder (default: runs/ and the recipe's name)"
    )
    training.set_defaults(perform=functools.partial(train_network, faces))


def _add_distilling(distilling: argparse.ArgumentParser) -> None:
    distilling.add_argument("config", metavar="CONFIG", nargs="?", default="moodnet-clip", help="recipe file or name")
    distilling.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 folder (default: %(default)s)")
    distilling.add_argument(
        "--run", dest="run_folder", type=Path, metavar="DIR", help="run folder (default: runs/ and the recipe's name)"
    )
    distilling.set_defaults(perform=distil_network)


def _add_exporting(exporting: argparse.ArgumentParser, faces: FaceStage) -> None:
    exporting.add_argument("run_folder", type=Path, metavar="RUN", help="run folder of models train or models distil")
    exporting.add_argument("out", type=Path, metavar="FILE.onnx", help="the file to write")
    exporting.add_argument(
        "--weights", choices=("float32", "float16", "int8"), default="float32", help="default: %(default)s"
    )
    exporting.add_argument(
        "--data",
        type=Path,
        default=Path("fer2013"),
        help="FER2013, on whose validation faces moodnets are calibrated and checked (default: %(default)s)",
    )
    exporting.add_argument(
        "--clips",
        type=Path,
        metavar="DIR",
        help="folder CLASS/CLIP.mp4, to measure what smaller weights change in other networks; for a network that "
        "hears, the clips that it was trained on: those held out choose its temperature",
    )
    exporting.add_argument("--aligned", action="store_true", help="the clips of --clips are faces already: only scale")
    exporting.set_defaults(perform=functools.partial(export_network, faces))


def _add_evaluating(evaluating: argparse.ArgumentParser, faces: FaceStage) -> None:
    evaluating.add_argument(
        "name",
        metavar="NAME",
        help="a registered classifier of faces, the ONNX file of one, or a run folder",
    )
    evaluating.add_argument(
        "--data", type=Path, default=Path("fer2013"), help="FER2013, or a run's clips (default: %(default)s)"
    )
    evaluating.add_argument("--split", default="PublicTest", help="which of its splits (default: %(default)s)")
    evaluating.add_argument("--json", metavar="FILE", help="write all figures to this file (-: standard output)")
    evaluating.add_argument("--portraits", type=Path, metavar="DIR", help="also the London portraits in this folder")
    evaluating.add_argument("--probe", action="store_true", help="judge a run's features by a linear classifier")
    evaluating.set_defaults(perform=functools.partial(evaluate_classifier, faces))


def _add_synthesising(making: argparse.ArgumentParser, faces: FaceStage) -> None:
    making.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder")
    making.add_argument(
        "--portraits", type=Path, metavar="DIR", help="folder of pictures, a face each (default: the fetched portrait)"
    )
    making.add_argument("--clips", type=_count, default=500, metavar="N", help="how many (default: %(default)s)")
    making.add_argument("--seed", type=int, default=0, metavar="N", help="of all chance (default: %(default)s)")
    making.add_argument(
        "--size", type=_even, default=112, metavar="PX", help="side of the pictures (default: %(default)s)"
    )
    making.add_argument("--pictures", action="store_true", help="write folders of PNG files in place of MP4 files")
    making.add_argument(
        "--styles", action="store_true", help="everybody moves in a way of their own, and has a resting face"
    )
    making.add_argument(
        "--speech", action="store_true", help="they also say a sentence as the expression has it; needs espeak-ng"
    )
    making.add_argument(
        "--micro", action="store_true", help="micro-expressions: --clips short clips of one, in OUT/short"
    )
    making.add_argument(
        "--long",
        type=_count,
        metavar="N",
        help="with --micro: and N long ones, in OUT/long (default: none)",
    )
    making.add_argument("--rate", type=int, choices=(60, 120, 200), help="with --micro: frames a second (default: 60)")
    making.set_defaults(perform=functools.partial(make_clips, faces))


def _add_listing_clips(listing: argparse.ArgumentParser, faces: FaceStage) -> None:
    listing.add_argument("folder", type=Path, metavar="DIR", help="the data set")
    listing.add_argument(
        "--layout", default="plain", metavar="NAME", help="its folder layout (default: %(default)s; - lists them)"
    )
    listing.add_argument("--seven", action="store_true", help="under Moodcast's expressions, without other classes")
    listing.add_argument(
        "--faces", type=_even, metavar="PX", help="also find and cut all faces, this large, and keep them"
    )
    listing.add_argument("--aligned", action="store_true", help="the clips are faces that are cut already: only scale")
    listing.add_argument("--sound", action="store_true", help="also read the sound of all clips, and keep it")
    listing.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where faces and sound are kept (default: .moodcast-faces in the data set)",
    )
    listing.set_defaults(perform=functools.partial(list_clips, faces))


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected a number from 0, got {text}")
    return number


def _even(text: str) -> int:
    number = int(text)
    if number < 32 or number % 2:
        raise argparse.ArgumentTypeError(f"expected an even number of pixels from 32, got {text}")
    return number


def _add_converting(converting: argparse.ArgumentParser) -> None:
    converting.add_argument("name", metavar="NAME", help=f"one of {', '.join(convert.CONVERTERS)}")
    converting.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="as the authors' program stored it")
    converting.add_argument("out", type=Path, metavar="OUT", help="the state dict to write")
    converting.set_defaults(perform=convert_checkpoint)


def run(options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code."""
    code: int = options.perform(options)
    return code


def show_list(options: argparse.Namespace) -> int:
    for entry in registry.WEIGHTS.values():
        missing = "optional" if entry.optional else "for browsers" if entry.for_browsers else "not fetched"
        state = "here" if registry.location(entry).is_file() else missing
        print(f"{entry.name:<22} {entry.megabytes:>9}  {state:<12} {entry.licence:<20} {entry.description}")
    print("\nNetworks that can be trained:")
    for network in networks.listed().values():
        print(f"{network.name:<22} {network.params / 1e6:6.2f} M   {network.sees:<16} {network.paper}")
    if not networks.can_build():
        print("Training them needs torch, which is not installed: pip install '.[train]' in Moodcast's folder.")
    return 0


def fetch_files(options: argparse.Namespace) -> int:
    everyday = [entry.name for entry in registry.WEIGHTS.values() if not entry.optional and not entry.for_browsers]
    browsers = list(registry.BROWSER.values()) if options.browser else []
    for entry in [registry.get(name) for name in options.names + browsers or everyday]:
        print(f"{entry.name}: {bar.fetched(entry.name)}")
    return 0


def make_assets(options: argparse.Namespace) -> int:
    from models.inference import assets

    for name in registry.BROWSER.values():
        bar.fetched(name)
    assets.compress_all(lambda coding: print(f"compressed: {coding}", flush=True))  # a line, and a relay looks again
    if options.folder:
        print(assets.export(options.folder))
    return 0


def train_network(faces: FaceStage, options: argparse.Namespace) -> int:
    wanted, folder = _recipe_and_run(options)
    networks.need_torch("models train")
    from models.training.train import train

    train(wanted, options.data, folder, preparing(faces, "models train"))
    print(f"{folder}: trained")
    return 0


def distil_network(options: argparse.Namespace) -> int:
    wanted, folder = _recipe_and_run(options)
    networks.need_torch("models distil")
    from models.training.distil import distil

    distil(wanted, options.data, folder)
    print(f"{folder}: trained")
    return 0


def _recipe_and_run(options: argparse.Namespace) -> tuple[Recipe, Path]:
    """What to do, and the folder of the run."""
    file = recipe.find(options.config)
    return recipe.load(file), options.run_folder or Path("runs") / file.stem


def evaluate_clips(faces: FaceStage, options: argparse.Namespace) -> int:
    if options.json:
        json_output.check(options.json)
    from models.evaluation import clip_runs

    result = clip_runs.evaluate(Path(options.name), options.data, preparing(faces, "models evaluate"), options.probe)
    if options.json != "-":
        print(clip_runs.describe(result))
    if options.json:
        json_output.write(result, options.json)
    return 0


def evaluate_classifier(faces: FaceStage, options: argparse.Namespace) -> int:
    run, is_run = Path(options.name), Path(options.name).is_dir()
    if is_run:
        networks.need_torch("evaluating a run")
        from models.evaluation import face_runs

        if not face_runs.looks_at_faces(run):
            return evaluate_clips(faces, options)
    from models.evaluation import evaluate, summary

    if options.json:
        json_output.check(options.json)
    finding = faces.describing("models evaluate --portraits") if options.portraits else contextlib.nullcontext()
    with contextlib.ExitStack() as stack:
        tell = functools.partial(print, file=sys.stderr)
        network = (
            stack.enter_context(face_runs.exported(run, options.data, tell)) if is_run else evaluate.find(options.name)
        )
        find_faces = stack.enter_context(finding)
        result = evaluate.evaluate(network, options.data, options.split, options.portraits, find_faces)
    if options.json != "-":
        print(summary.summary(result))
    if options.json:
        json_output.write(result, options.json)
    return 0


def export_network(faces: FaceStage, options: argparse.Namespace) -> int:
    networks.need_torch("exporting")
    from models.clips import layouts
    from models.export.run import export
    from models.training import sets
    from models.training.inputs import architecture

    def cut(crop: CropSpec) -> ClipSource:
        cutting = preparing(faces, "models export", margin=crop.margin)
        return cutting(options.clips, layouts.find(options.clips), crop.size, options.aligned).source

    def open_set(made_by: Recipe) -> sets.Set:
        size = architecture(made_by).face_size
        return sets.opened(made_by, options.clips, size, preparing(faces, "models export"))

    given = (cut, open_set) if options.clips else (None, None)
    for line in export(options.run_folder, options.out, options.weights, options.data, *given):
        print(line)
    return 0


def score_file(options: argparse.Namespace) -> int:
    from models.evaluation import score

    figures = score.score(options.file)
    if options.json != "-":
        print(score.describe(figures))
    if options.json:
        json_output.write(figures, options.json)
    return 0


def make_clips(faces: FaceStage, options: argparse.Namespace) -> int:
    from models.clips import micro_synth, speaking, styles, synth

    if not options.micro and (options.long is not None or options.rate):
        raise DatasetError("--long and --rate are those of micro-expressions: give --micro with them")
    if options.micro and options.speech:
        raise DatasetError("expected --micro or --speech, got both: a mouth that speaks hides micro-expressions")
    if not options.clips + (options.long or 0):
        raise DatasetError("expected one clip or more, got --clips 0: nothing was made")
    folder = options.portraits
    files = synth.find_portraits(folder) if folder else {"portrait": registry.path("portrait")}
    with faces.finding("models synth") as find:
        people = synth.load_portraits(files, find, options.size)
    own = {subject: styles.draw(subject, options.seed) for subject in people} if options.styles else {}
    more = options.seed, options.size, options.pictures, own
    if options.micro:
        counts, rate = (options.clips, options.long or 0), options.rate or 60
        made: Sequence[micro_synth.MicroScene | synth.Role] = micro_synth.make(options.out, people, counts, rate, *more)
    else:
        made = (speaking if options.speech else synth).make(options.out, people, options.clips, *more)
    print(f"{options.out}: {len(made)} clips of {len({clip.subject for clip in made})} people")
    return 0


def convert_checkpoint(options: argparse.Namespace) -> int:
    networks.need_torch("converting")
    classes = convert.convert_file(options.name, options.checkpoint, options.out)
    print(f"{options.out}: {options.name}" + (f", {classes} classes" if classes else ""))
    return 0


def list_clips(faces: FaceStage, options: argparse.Namespace) -> int:
    from models.clips import layouts, report
    from models.clips.layouts import long
    from models.errors import DatasetError

    if options.layout == "-":
        print(report.describe_layouts())
        return 0
    if options.layout in long.LAYOUTS:
        if options.faces or options.seven or options.sound:
            raise DatasetError(
                f"expected neither --faces, --seven nor --sound with long videos (the layout {options.layout})"
            )
        print(report.describe_long(long.find(options.folder, options.layout)))
        return 0
    listing = layouts.find(options.folder, options.layout)
    if options.seven:
        listing = layouts.as_expressions(listing)
    print(report.describe(listing))
    cutting = preparing(faces, "models clips", cache=options.cache)
    if options.faces:
        print(report.describe_faces(cutting(options.folder, listing, options.faces, options.aligned)))
    if options.sound:
        print(report.describe_sound(cutting(options.folder, listing, 0, True)))  # faces need not be found
    return 0
