"""``moodcast obs``: where the script is, its installation, and what is wrong with it. OBS never loads this."""

import argparse

from obs_plugin import SCRIPT, doctor, install, places, search
from relay.common.printable import escaped


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and their options, on the parser of ``moodcast obs``."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("install", help="copy script and overlay to your folder, and tell what to click in OBS")
    examining = actions.add_parser("doctor", help="find OBS, its Python, the script and the relay; tell what is wrong")
    examining.add_argument("--relay", metavar="URL", default="", help="a relay to try (default: those of the script)")
    actions.add_parser(
        "relay", help="a relay that tells its address and ends when its standard input does: OBS starts it"
    )


def run(options: argparse.Namespace) -> int:
    """Do what the parsed command line says; returns the exit code.

    Raises:
        DataFolderError: the script can't be installed.
    """
    machine = places.this_machine()
    if options.action == "install":
        script = install.install(install.target(machine))
        print(f"{script}\n{install.clicks(machine, script)}")
        return 0
    if options.action == "doctor":
        findings = doctor.findings(search.examine(machine, options.relay))
        print("\n".join(f"  {finding.kind:<6} {escaped(finding.sentence, 4000)}" for finding in findings))
        return int(any(finding.kind == "wrong" for finding in findings))
    print(SCRIPT)
    print("In OBS: Tools > Scripts > + and choose this file; then paste the overlay's address.")
    print("moodcast obs install copies it to a folder that stays; moodcast obs doctor tells what is wrong.")
    return 0
