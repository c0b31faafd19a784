"""Where things lie on a streamer's machine: the user's folder of Moodcast, and those of OBS Studio."""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FLATPAK = "com.obsproject.Studio"


class Machine(NamedTuple):
    """A machine and its user. ``system``: ``linux``, ``windows`` or ``macos``; ``root``: of absolute paths."""

    system: str
    home: Path
    environ: Mapping[str, str]
    root: Path = Path("/")


class Place(NamedTuple):
    """An OBS that may be on the machine.

    ``program``: what is there if it is installed. ``config``: its folder of settings. ``plugins``: folders of plugins.
    """

    kind: str
    program: Path
    config: Path
    plugins: tuple[Path, ...]


def this_machine() -> Machine:
    """The one that this runs on."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    return Machine(system, Path.home(), os.environ)


def data_folder(machine: Machine) -> Path:
    """The user's folder for the installed script and overlay."""
    if machine.system == "windows":
        return _variable(machine, "LOCALAPPDATA", machine.home / "AppData" / "Local") / "Moodcast" / "obs"
    if machine.system == "macos":
        return machine.home / "Library" / "Application Support" / "Moodcast" / "obs"
    return _variable(machine, "XDG_DATA_HOME", machine.home / ".local" / "share") / "moodcast" / "obs"


def snap_folder(machine: Machine) -> Path:
    """The same for an OBS from a snap, which sees no hidden folders of the home."""
    return machine.home / "snap" / "obs-studio" / "common" / "moodcast" / "obs"


def studios(machine: Machine, registered: str = "") -> list[Place]:
    """The places where an OBS may be, the likeliest first. ``registered``: by Windows' registry."""
    if machine.system == "windows":
        return _on_windows(machine, registered)
    if machine.system == "macos":
        support = machine.home / "Library" / "Application Support" / "obs-studio"
        folders = (machine.root / "Applications", machine.home / "Applications")
        return [
            Place("program", folder / "OBS.app", support, (folder / "OBS.app/Contents/PlugIns", support / "plugins"))
            for folder in folders
        ]
    config = _variable(machine, "XDG_CONFIG_HOME", machine.home / ".config") / "obs-studio"
    found = [Path(folder) / "obs" for folder in machine.environ.get("PATH", "").split(os.pathsep) if folder]
    programs = [program for program in found if is_there(program) and program.is_file() and "snap" not in program.parts]
    libraries = [folder for name in ("lib", "lib64") for folder in _libraries(machine.root / "usr" / name)]
    places = [
        Place("program", program, config, (*(one / "obs-plugins" for one in libraries), config / "plugins"))
        for program in programs[:1]
    ]
    for folder in (machine.root / "var/lib/flatpak", machine.home / ".local/share/flatpak"):
        program = folder / "app" / _FLATPAK
        own = machine.home / ".var" / "app" / _FLATPAK / "config" / "obs-studio"
        places.append(
            Place("flatpak", program, own, (program / "current/active/files/lib/obs-plugins", own / "plugins"))
        )
    own = machine.home / "snap/obs-studio/current/.config/obs-studio"
    snapped = _libraries(machine.root / "snap/obs-studio/current/usr/lib")
    places.append(
        Place(
            "snap", machine.root / "snap/obs-studio", own, (*(one / "obs-plugins" for one in snapped), own / "plugins")
        )
    )
    return places


def is_there(path: Path) -> bool:
    """Whether this user can see something there; False for what can be no path."""
    with contextlib.suppress(OSError, ValueError):
        return path.exists()
    return False


def matching(folder: Path, pattern: str) -> list[Path]:
    """What matches in a folder, sorted; nothing where there is none that this user may look into."""
    with contextlib.suppress(OSError, ValueError):
        return sorted(folder.glob(pattern))
    return []


def _on_windows(machine: Machine, registered: str) -> list[Place]:
    config = _variable(machine, "APPDATA", machine.home / "AppData" / "Roaming") / "obs-studio"
    shared = _variable(machine, "PROGRAMDATA", machine.root / "ProgramData") / "obs-studio" / "plugins"
    programs = _variable(machine, "PROGRAMFILES", machine.root / "Program Files") / "obs-studio"
    steam = _variable(machine, "PROGRAMFILES(X86)", machine.root / "Program Files (x86)")
    folders = [Path(registered)] if registered else []
    folders += [programs, steam / "Steam/steamapps/common/OBS Studio"]
    places = []
    for folder in dict.fromkeys(folders):
        portable = folder / "config" / "obs-studio"
        own = portable if is_there(portable) else config
        plugins = (folder / "obs-plugins" / "64bit", shared, own / "plugins")
        places.append(Place("program", folder / "bin" / "64bit" / "obs64.exe", own, plugins))
    return places


def _libraries(folder: Path) -> list[Path]:
    """A folder of libraries, and those of the machine's kinds in it, as in lib/x86_64-linux-gnu."""
    return [folder, *matching(folder, "*-linux-gnu*")]


def _variable(machine: Machine, name: str, otherwise: Path) -> Path:
    given = Path(machine.environ.get(name, ""))
    return given if given.is_absolute() else otherwise  # a relative one means nothing, says its specification
