"""The packages of the extra ``agent``, without which a command may be asked for."""

import contextlib
from collections.abc import Iterator

from agent.errors import MissingLibraryError

_AGENT_PACKAGES = ("cv2", "dbus_fast", "filelock", "keyring", "mediapipe", "mss", "onnxruntime", "pystray", "sv_ttk")
"""What the extra ``agent`` installs; the relay does without."""


@contextlib.contextmanager
def needed_by(command: str) -> Iterator[None]:
    """While that runs, or is loaded, which the user asked for with the ``command``.

    Raises:
        MissingLibraryError: it needs one of the agent's packages, which is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _AGENT_PACKAGES:
            raise
        raise MissingLibraryError(
            f"{command} needs the package {error.name}, which is not installed. In Moodcast's folder: "
            "pipx install --force '.[agent]' (or pip install '.[agent]')"
        ) from error
