"""The one command, ``moodcast``."""

from agent.outset import INTERRUPTED, at_once

with at_once():
    import argparse
    import functools
    import sys
    from collections.abc import Callable

    import msgspec

    from agent import packages, trial
    from agent.config import AgentSettings, WindowSettings
    from demo.config import DemoSettings
    from relay import settings
    from relay.assets import AssetStore
    from relay.common import ourselves, streams
    from relay.common.printable import escaped_lines
    from relay.common.release import RELEASE
    from relay.config import RelaySettings
    from relay.errors import MoodcastError, ReaderGoneError

PROGRAMS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "demo": (DemoSettings, "the main job on this machine: relay, one real agent, a simulated crowd"),
    "relay": (RelaySettings, "take viewers' labels, tell subscribers the mood"),
    "window": (WindowSettings, "the viewer's agent in a window and in the tray; `moodcast` alone is the same"),
    "agent": (AgentSettings, "watch a face and share its expression as labels, in the terminal"),
}
"""Name, settings table, help."""


def parser(command: str = "") -> argparse.ArgumentParser:
    """The command line, from the settings tables; ``command`` is the one that is given, if it is known.

    Those of the models and of OBS import what a program that runs for days would hold for nothing. So their options
    are left out where another is given.
    """
    main_parser = argparse.ArgumentParser(
        prog="moodcast",
        description="A live audience's mood on the broadcast. Pictures stay with the viewer; only labels travel.",
        epilog="Without a command the viewer's window opens. To see all: `moodcast demo`. Each has its own --help.",
    )
    main_parser.add_argument("--version", action="version", version=f"moodcast {RELEASE}")
    commands = main_parser.add_subparsers(dest="command", metavar="COMMAND")
    main_parser.set_defaults(command="window")
    for name, (table, text) in PROGRAMS.items():
        settings.add_arguments(commands.add_parser(name, help=text, description=table.__doc__), table)
    obs = commands.add_parser("obs", help="the OBS script: where it is, install it, find faults")
    models = commands.add_parser("models", help="list, fetch and train models")
    if command not in PROGRAMS:
        from agent import face_stage
        from models import commands as models_commands
        from obs_plugin import commands as obs_commands

        obs_commands.add_arguments(obs)
        models_commands.add_arguments(models, face_stage)
    return main_parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors for the user become a sentence on stderr."""
    with streams.guarded():
        try:
            return run(arguments)
        except ReaderGoneError as error:
            return error.exit_code
        except MoodcastError as error:
            with at_once(""):  # the terminal may be held, and there is nothing left to put in order
                tell(str(error))
            return error.exit_code
        except KeyboardInterrupt:
            return INTERRUPTED


def run(arguments: list[str] | None) -> int:
    """The command, and all that it prints."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["eyes"]:  # the agent's window starts itself so
        from agent.app import eyes

        eyes.run()
    if given == ["worker"]:  # so does a relay of several processes
        from relay import program as relay_program

        return relay_program.run_worker(trial.recogniser, browser_files())
    try:
        with at_once():
            options = parser(given[0] if given else "window").parse_args(given)
        code = execute(options)
    except SystemExit:  # of the parser: --help, --version, or an option that does not exist
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return code


def tell(sentence: str) -> None:
    """Say something to the user beside what a command prints. What strangers wrote in it can't steer the terminal."""
    print(f"moodcast: {escaped_lines(sentence)}", file=sys.stderr)


def execute(options: argparse.Namespace) -> int:
    if options.command == "obs":
        from obs_plugin import commands as obs_commands

        return led_relay(options) if options.action == "relay" else obs_commands.run(options)
    if options.command == "models":
        from models import commands as models_commands

        with packages.needed_by(f"models {options.action}"):
            return models_commands.run(options)
    table, _ = PROGRAMS[options.command]
    with packages.needed_by(options.command):
        with at_once():
            values = settings.load(table, options, note=tell)
            if isinstance(values, RelaySettings) and values.check:
                from relay import check

                return check.run(values, settings.origins(table, options))
            program = load(values)
        return program()


def load(values: msgspec.Struct) -> Callable[[], int]:
    """The program that these are the settings of. Only what is asked for is imported."""
    if isinstance(values, RelaySettings) and values.backup:
        from relay.store import backup

        return functools.partial(backup.run, values.data, values.database, values.backup)
    if isinstance(values, RelaySettings):
        from relay import program as relay_program

        # The relay itself recognises nothing: its page /try does, for who runs it on their own machine, and browsers.
        return functools.partial(relay_program.run, values, trial.recogniser, assets=browser_files())
    if isinstance(values, WindowSettings):
        from agent import program

        return functools.partial(program.run, values)
    if isinstance(values, AgentSettings):
        from agent import program

        return functools.partial(program.run_alone, values)
    assert isinstance(values, DemoSettings)
    from demo import run as demo_run

    return functools.partial(demo_run.run, values)


def led_relay(options: argparse.Namespace) -> int:
    """The relay that a program starts beside itself: set by the environment alone, as ``moodcast relay`` is."""
    with at_once():
        # A new channel's keys would be printed where nobody reads them.
        given = settings.load(RelaySettings, options, note=tell)
        values = msgspec.structs.replace(given, channel="", check=False, backup="")
        from relay import program as relay_program
    return relay_program.run(values, trial.recogniser, led=True, assets=browser_files())


def browser_files() -> AssetStore:
    """What a relay gives to browsers that read faces."""
    from models.inference.assets import BrowserFiles

    return BrowserFiles(ourselves.command("models", "assets"))


if __name__ == "__main__":
    sys.exit(main())
