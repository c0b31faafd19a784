"""Who opens moodcast:// links, and how the program is found in the desktop's menu, when the viewer wishes it.

A link only ever opens the window, which shows relay and channel and asks. On macOS the application's bundle says which
links are its own (docs/agent.md), so there is nothing to write.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from agent.desktop import folders, pictures, registry
from agent.desktop.entry import entry
from agent.files import write_whole
from relay.common.ourselves import command

_ENTRY = "moodcast.desktop"
_TYPE = "x-scheme-handler/moodcast"
_SECTION = "[Default Applications]"
_KEY = r"Software\Classes\moodcast"
_ICON_SIZE = 256
_CAN_REGISTER = sys.platform != "darwin"


def register() -> None:
    """Links are opened here from now on. Raises OSError where that can't be written."""
    if sys.platform == "win32":
        registry.write(values())
    elif _CAN_REGISTER:
        for file, data in (
            (_icon_file(), pictures.png("sharing", _ICON_SIZE)),
            (_entry_file(), _desktop_entry().encode()),
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(data, file, 0o644)
        _choose(with_default)


def unregister() -> None:
    """No more, and nothing is left. Raises OSError where that can't be written."""
    if sys.platform == "win32":
        registry.remove_keys(values())
    elif _CAN_REGISTER:
        for file in (_icon_file(), _entry_file()):
            file.unlink(missing_ok=True)
        _choose(without_default)


def is_registered() -> bool:
    """Whether it was said here, though another program may have been chosen since."""
    if sys.platform == "win32":
        return registry.has(values()[0])
    return _entry_file().exists()


def _desktop_entry() -> str:
    """Of Linux desktops: in the menu of applications it starts the window, with a link behind it opens that."""
    more = {
        "Comment": "Share the mood of your face with the stream you watch",
        "Icon": str(_icon_file()),
        "Categories": "AudioVideo;",
        "MimeType": f"{_TYPE};",
        "StartupWMClass": "Moodcast",
    }
    return entry("Moodcast", command("window", "--invitation="), more, link=True)


def with_default(text: str) -> str:
    """``mimeapps.list`` with us as the program for our links; all else in it stays as it is."""
    lines = without_default(text).splitlines()
    if _SECTION not in lines:
        lines += [_SECTION]
    at = lines.index(_SECTION) + 1
    return "\n".join([*lines[:at], f"{_TYPE}={_ENTRY}", *lines[at:], ""])


def without_default(text: str) -> str:
    """The same without anybody for our links."""
    return "".join(line for line in text.splitlines(keepends=True) if line.partition("=")[0].strip() != _TYPE)


def values() -> list[registry.Value]:
    """Of Windows."""
    opened = [
        registry.Value(rf"{_KEY}\shell", "", ""),
        registry.Value(rf"{_KEY}\shell\open", "", ""),
        # What Windows puts in the place of %1 is a link, in which browsers escape quotes and blanks.
        registry.Value(
            rf"{_KEY}\shell\open\command", "", f'{registry.command_line(command("window"))} "--invitation=%1"'
        ),
    ]
    return [registry.Value(_KEY, "", "URL:Moodcast"), registry.Value(_KEY, "URL Protocol", ""), *opened]


def _choose(changed: Callable[[str], str]) -> None:
    """Change what the user chose for all kinds of links and files; other programs' lines stay, byte for byte."""
    file = (folders.config_home() / "mimeapps.list").resolve()
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.read_text("utf-8", errors="surrogateescape") if file.exists() else ""
    if changed(before) != before:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
        write_whole(changed(before).encode("utf-8", errors="surrogateescape"), file, mode)


def _entry_file() -> Path:
    return folders.data_home() / "applications" / _ENTRY


def _icon_file() -> Path:
    return folders.data_home() / "icons" / "hicolor" / f"{_ICON_SIZE}x{_ICON_SIZE}" / "apps" / "moodcast.png"
