"""The user's folders on Linux desktops (XDG Base Directory Specification)."""

import os
from pathlib import Path


def config_home() -> Path:
    """XDG_CONFIG_HOME."""
    return _home("XDG_CONFIG_HOME", ".config")


def data_home() -> Path:
    """XDG_DATA_HOME."""
    return _home("XDG_DATA_HOME", ".local/share")


def _home(variable: str, usual: str) -> Path:
    given = Path(os.environ.get(variable, ""))
    return given if given.is_absolute() else Path.home() / usual  # the specification has relative ones ignored
