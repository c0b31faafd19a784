"""The one command, ``moodcast``."""

import argparse
import importlib
import sys
from importlib.metadata import PackageNotFoundError, version

import msgspec

from agent import trial
from agent.config import AgentSettings
from agent.errors import AgentError, MissingLibraryError
from demo.config import DemoSettings
from demo.errors import DemoError
from models import fetch, networks, registry
from models.errors import ModelError
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
    models = commands.add_parser("models", help="list models, fetch their files")
    actions = models.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the registered files, which of them are here, and the networks")
    fetching = actions.add_parser("fetch", help="fetch what is missing, checked by sha256")
    fetching.add_argument("names", nargs="*", metavar="NAME", help="default: all but the optional ones")
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
        return list_models() if options.action == "list" else fetch_models(options.names)
    module, table, _ = PROGRAMS[options.command]
    values = settings.load(table, options)
    if isinstance(values, RelaySettings) and values.check:
        from relay import check  # only here: it needs all of the relay

        return check.run(values, settings.origins(table, options))
    try:
        program = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in AGENT_PACKAGES:
            raise
        raise MissingLibraryError(
            f"{options.command} needs the package {error.name}, which is not installed. In Moodcast's folder: "
            "pipx install --force '.[agent]' (or pip install '.[agent]')"
        ) from error
    # The relay itself recognises nothing: its page /try does, for who runs it on their own machine.
    code: int = program.run(values, trial.recogniser) if options.command == "relay" else program.run(values)
    return code


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


if __name__ == "__main__":
    sys.exit(main())
