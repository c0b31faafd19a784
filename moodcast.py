"""The one command, ``moodcast``."""

import argparse
import functools
import importlib
import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from agent.config import AgentSettings
from agent.errors import AgentError, MissingLibraryError
from demo.config import DemoSettings
from demo.errors import DemoError
from models import fetch, networks, registry
from models.errors import EvaluationError, MissingTorchError, ModelError
from models.training import recipe
from obs_plugin import SCRIPT
from relay import settings
from relay.config import RelaySettings
from relay.errors import RelayError

PROGRAMS: dict[str, tuple[str, type[msgspec.Struct], str]] = {
    "demo": ("demo.run", DemoSettings, "the main job on this machine: relay, one real agent, a simulated crowd"),
    "relay": ("relay.app", RelaySettings, "take viewers' labels, tell subscribers the mood"),
    "agent": ("agent.main", AgentSettings, "watch a face and share its expression as labels"),
}
"""Name, the module whose ``run(settings)`` does the work (imported only when asked for), settings table, help."""

AGENT_PACKAGES = ("cv2", "mediapipe", "mss", "onnxruntime")
"""What the extra ``agent`` installs; the relay does without."""


def parser() -> argparse.ArgumentParser:
    """The whole command line, from the settings tables."""
    main_parser = argparse.ArgumentParser(
        prog="moodcast",
        description="A live audience's mood on the broadcast. Pictures stay with the viewer; only labels travel.",
        epilog="Start with `moodcast demo`. Each command has its own --help.",
    )
    main_parser.add_argument("--version", action="version", version=f"moodcast {own_version()}")
    commands = main_parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, table, text) in PROGRAMS.items():
        settings.add_arguments(commands.add_parser(name, help=text, description=table.__doc__), table)
    commands.add_parser("obs", help="where the OBS script is, and how to add it")
    models = commands.add_parser("models", help="list, fetch and train models")
    actions = models.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the registered files, which of them are here, and the networks")
    fetching = actions.add_parser("fetch", help="fetch what is missing, checked by sha256")
    fetching.add_argument("names", nargs="*", metavar="NAME", help="default: all but the optional ones")
    training = actions.add_parser("train", help="train a network as a recipe says, or go on with a stopped training")
    training.add_argument(
        "config", metavar="CONFIG", help=f"recipe file (docs/recipes.md), or one of {', '.join(recipe.shipped())}"
    )
    training.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 folder (default: %(default)s)")
    training.add_argument("--run", type=Path, metavar="DIR", help="run folder (default: runs/ and the recipe's name)")
    evaluating = actions.add_parser("evaluate", help="measure a classifier on a split of FER2013 (docs/evaluation.md)")
    evaluating.add_argument("name", metavar="NAME", help="a registered classifier, or an ONNX file like moodnet's")
    evaluating.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 folder (default: %(default)s)")
    evaluating.add_argument("--split", default="PublicTest", help="which of its splits (default: %(default)s)")
    evaluating.add_argument("--json", metavar="FILE", help="write all figures to this file (-: standard output)")
    evaluating.add_argument("--portraits", type=Path, metavar="DIR", help="also the London portraits in this folder")
    evaluating.add_argument("--yardsticks", type=Path, metavar="DIR", help="also the published networks in this folder")
    evaluating.add_argument("--card", type=Path, metavar="DIR", help="write the model card into this folder")
    scoring = actions.add_parser("score", help="figures of merit of a CSV file with the columns label and pred")
    scoring.add_argument("file", type=Path, metavar="FILE.csv", help="class numbers from 0 up")
    scoring.add_argument("--json", metavar="FILE", help="write the figures to this file (-: standard output)")
    return main_parser


def own_version() -> str:
    try:
        return version("moodcast")
    except PackageNotFoundError:
        return "(not installed)"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors for the user become a sentence on stderr."""
    options = parser().parse_args(arguments)
    try:
        return execute(options)
    except (AgentError, DemoError, ModelError, RelayError) as error:
        print(f"moodcast: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def execute(options: argparse.Namespace) -> int:
    if options.command == "obs":
        return tell_obs()
    if options.command == "models":
        if options.action == "train":
            return train_model(options.config, options.data, options.run)
        if options.action == "evaluate":
            return evaluate_model(options)
        if options.action == "score":
            return score_file(options.file, options.json)
        return list_models() if options.action == "list" else fetch_models(options.names)
    module, table, _ = PROGRAMS[options.command]
    values = settings.load(table, options)
    if isinstance(values, RelaySettings) and values.check:
        from relay import check  # only here: it needs all of the relay

        return check.run(values, settings.origins(table, options))
    code: int = load_module(module, options.command).run(values)
    return code


def load_module(module: str, command: str) -> ModuleType:
    """A module that may need the agent's packages.

    Raises:
        MissingLibraryError: one of them is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in AGENT_PACKAGES:
            raise
        raise MissingLibraryError(
            f"{command} needs the package {error.name}, which is not installed. In Moodcast's folder: "
            "pipx install --force '.[agent]' (or pip install '.[agent]')"
        ) from error


def tell_obs() -> int:
    print(SCRIPT)
    print("In OBS: Tools > Scripts > + and choose this file; then fill in relay, channel and display key.")
    return 0


def list_models() -> int:
    for entry in registry.WEIGHTS.values():
        missing = "optional" if entry.optional else "not fetched"
        state = "here" if registry.location(entry).is_file() else missing
        print(f"{entry.name:<16} {entry.megabytes:>9}  {state:<12} {entry.licence:<20} {entry.description}")
    print("\nNetworks that can be trained:")
    for network in networks.NETWORKS.values():
        faces = f"{network.pixels.channels} x {network.size} px"
        print(f"{network.name:<16} {network.params / 1e6:6.2f} M   {faces:<12} {network.paper}")
    if not networks.can_build():
        print("Training them needs torch, which is not installed: pip install '.[train]' in Moodcast's folder.")
    return 0


def fetch_models(names: list[str]) -> int:
    needed = [name for name, entry in registry.WEIGHTS.items() if not entry.optional]
    for entry in [registry.get(name) for name in names or needed]:
        print(f"{entry.name}: {fetch.fetch(entry)}")
    return 0


def train_model(config: str, data: Path, run: Path | None) -> int:
    file = recipe.find(config)
    wanted = recipe.load(file)
    if not networks.can_build():
        raise MissingTorchError(
            "training needs torch, which is not installed. In Moodcast's folder: pip install '.[agent,train]'"
        )
    train = importlib.import_module("models.train")
    run = run or Path("runs") / file.stem
    train.train(wanted, data, run)
    print(f"{run}: trained")
    return 0


def evaluate_model(options: argparse.Namespace) -> int:
    evaluate, card = (load_module(f"models.{name}", "models evaluate") for name in ("evaluate", "evaluation.card"))
    network = evaluate.find(options.name)
    if options.json and not Path(options.json).parent.is_dir():  # better now than after minutes of work
        raise EvaluationError(f"can't write {options.json}: there is no folder {Path(options.json).parent}")
    find_face = None
    if options.portraits:
        face, landmarker = load_module("agent.face", "models evaluate --portraits"), registry.path("face_landmarker")
        find_face = functools.partial(face.find_in_picture, landmarker)
    result = evaluate.evaluate(network, options.data, options.split, options.portraits, find_face, options.yardsticks)
    if options.json != "-":
        print(card.summary(result))
    if options.json:
        write_json(result, options.json)
    if options.card:
        write_card(result, options.card)
    return 0


def write_card(result: dict[str, Any], folder: Path) -> None:
    """``NAME.md``, its two figures, and ``NAME.json`` with the numbers."""
    from models.evaluation import card, figures

    name, names = result["model"]["name"], card.figure_names(result)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.md").write_text(card.markdown(result))
        figures.confusion(result).save(folder / names["confusion"], optimize=True)
        figures.reliability(result).save(folder / names["reliability"], optimize=True)
    except OSError as error:
        raise EvaluationError(f"can't write the card into {folder}: {error.strerror or error}") from error
    write_json(result, str(folder / f"{name}.json"))


def score_file(file: Path, target: str | None) -> int:
    from models import score

    figures = score.score(file)
    if target != "-":
        print(score.describe(figures))
    if target:
        write_json(figures, target)
    return 0


def write_json(value: dict[str, Any], target: str) -> None:
    """To a file, or to standard output for ``-``."""
    text = json.dumps(value, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text)
    except OSError as error:
        raise EvaluationError(f"can't write {target}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())
