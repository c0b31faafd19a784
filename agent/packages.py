"""The packages of the extras ``agent``, ``personal`` and ``voice``, without which a command may be asked for."""

import contextlib
from collections.abc import Iterator

from agent.errors import MissingLibraryError

_AGENT_PACKAGES = ("cv2", "dbus_fast", "filelock", "keyring", "mediapipe", "mss", "onnxruntime", "pystray", "sv_ttk")
"""What the extra ``agent`` installs; the relay does without."""
_EXTRAS = {**dict.fromkeys(_AGENT_PACKAGES, "agent"), "cryptography": "agent,personal", "sounddevice": "agent,voice"}
"""What to install for each package."""


@contextlib.contextmanager
def needed_by(command: str) -> Iterator[None]:
    """While that runs, or is loaded, which the user asked for with the ``command``.

    Raises:
        MissingLibraryError: it needs one of the agent's packages, which is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "")
        if extra is None:
            raise
        raise MissingLibraryError(
            f"{command} needs the package {error.name}, which is not installed. In Moodcast's folder: "
            f"pipx install --force '.[{extra}]' (or pip install '.[{extra}]')"
        ) from error
