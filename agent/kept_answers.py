"""``moodcast agent --personal-export FILE`` and ``--personal-delete``: what was learned of a face, without a camera."""

import sys
from pathlib import Path

from agent.config import AgentSettings
from agent.errors import AnswersError
from agent.outset import at_once
from agent.personal.key import DesktopVault
from agent.personal.store import Store, StoreError, usual_folder

_STOPPED = "\nmoodcast: stopped before it was done; give the command again\n"


def run(settings: AgentSettings) -> int:
    """Do what was asked for, say what became of it; returns the exit code 0.

    Raises:
        AnswersError: nothing is kept, the file exists already, the key is lost, ...
        MissingLibraryError: what encrypts is not installed.
    """
    store = Store(usual_folder(), DesktopVault(usual_folder()))
    with at_once(_STOPPED):  # a keyring may wait for its user's password
        try:
            done = store.delete() if settings.personal_delete else store.export(Path(settings.personal_export))
        except StoreError as error:
            raise AnswersError(str(error)) from error
    sys.stdout.write(f"{done}\n")
    return 0
