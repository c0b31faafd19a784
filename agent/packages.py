"""Modules that need the packages of the extra ``agent``, loaded when a command asks for them."""

import importlib
from types import ModuleType

from agent.errors import MissingLibraryError

AGENT_PACKAGES = ("cv2", "mediapipe", "mss", "onnxruntime")
"""What the extra ``agent`` installs; the relay does without."""


def load(module: str, command: str) -> ModuleType:
    """The module, for the ``command`` that the user typed.

    Raises:
        MissingLibraryError: it needs one of the agent's packages, which is not installed.
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
