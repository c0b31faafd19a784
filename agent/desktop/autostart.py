"""Starting with the login, when the viewer wishes it: closed to the tray, paused, the camera shut.

On Linux a desktop entry in the autostart folder, on macOS a LaunchAgent, on Windows a value of the registry's Run key.
Nothing is there before it is asked for, and nothing stays once it no longer is.
"""

import plistlib
import sys
from pathlib import Path

from agent.desktop import folders, registry
from agent.desktop.entry import entry
from agent.files import write_whole
from relay.common.ourselves import command

_RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
_ARGUMENTS = ("window", "--background")


def enable() -> None:
    """Start at each login from now on. Raises OSError where that can't be written."""
    if sys.platform == "win32":
        registry.write([run_value()])
    else:
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(plist() if sys.platform == "darwin" else _desktop_entry().encode(), file, 0o644)


def disable() -> None:
    """No more. Raises OSError where that can't be written."""
    if sys.platform == "win32":
        registry.remove_value(run_value())
    else:
        _file().unlink(missing_ok=True)


def is_enabled() -> bool:
    """Whether it is started at login; the viewer, or the desktop's own settings, may have removed it."""
    if sys.platform == "win32":
        return registry.has(run_value())
    return _file().exists()


def _file() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / "org.moodcast.agent.plist"
    return folders.config_home() / "autostart" / "moodcast.desktop"


def _desktop_entry() -> str:
    """Of Linux desktops."""
    return entry("Moodcast", command(*_ARGUMENTS), {"Comment": "Begins in the tray, paused"})


def plist() -> bytes:
    """Of macOS. ``Interactive``: else the system slows down what it takes for a service."""
    values = {
        "Label": "org.moodcast.agent",
        "ProgramArguments": command(*_ARGUMENTS),
        "RunAtLoad": True,
        "ProcessType": "Interactive",
    }
    return plistlib.dumps(values)


def run_value() -> registry.Value:
    """Of Windows."""
    return registry.Value(_RUN, "Moodcast", registry.command_line(command(*_ARGUMENTS)))
