"""Values in the user's own part of Windows' registry."""

import contextlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Value(NamedTuple):
    """A text, below HKEY_CURRENT_USER. An empty ``name`` is the key's own value."""

    key: str
    name: str
    text: str


def command_line(words: Sequence[str]) -> str:
    """As Windows starts programs, without a console where Python brings a program for that."""
    first = Path(words[0])
    quiet = first.with_name("pythonw.exe")
    if first.name.lower() == "python.exe" and quiet.exists():
        first = quiet
    return subprocess.list2cmdline([str(first), *words[1:]])


if sys.platform == "win32":
    import winreg

    def write(values: Iterable[Value]) -> None:
        """Raises OSError."""
        for value in values:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, value.key) as key:
                winreg.SetValueEx(key, value.name, 0, winreg.REG_SZ, value.text)

    def has(value: Value) -> bool:
        """Whether there is a value of that name."""
        with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_CURRENT_USER, value.key) as key:
            winreg.QueryValueEx(key, value.name)
            return True
        return False

    def remove_value(value: Value) -> None:
        """Raises OSError."""
        access = winreg.KEY_SET_VALUE
        with (
            contextlib.suppress(FileNotFoundError),
            winreg.OpenKey(winreg.HKEY_CURRENT_USER, value.key, 0, access) as key,
        ):
            winreg.DeleteValue(key, value.name)

    def remove_keys(values: Iterable[Value]) -> None:
        """The keys of these values, the last first. Raises OSError."""
        for key in reversed(dict.fromkeys(value.key for value in values)):
            with contextlib.suppress(FileNotFoundError):
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key)
