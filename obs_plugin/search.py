"""What there is of OBS on this machine, for ``obs_plugin.doctor``. It reads, and changes nothing."""

import configparser
import contextlib
import errno
import http.client
import json
import os
import plistlib
import re
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from obs_plugin import SCRIPT, install, moodcast_core, moodcast_relay, places
from obs_plugin.doctor import Answer, Collection, Facts, LoadedScript, Python, Studio, Version
from relay.common.release import RELEASE

_ASK_S = 10
"""``obs --version`` answers in this time or not at all."""
_MACHINES = {0x014C: 32, 0x8664: 64, 0xAA64: 64}
"""Of a Windows program's header (IMAGE_FILE_MACHINE): x86, x64, ARM64."""
_MOST_BYTES = 64 << 20
"""A larger file is none of OBS's settings."""
_KEYS = ("key", "admin", "display_key", "admin_key")


def examine(machine: places.Machine, relay: str = "", registered: str | None = None) -> Facts:
    """Look at everything. ``relay``: to ask, in place of those that the script has; ``registered``: OBS's folder, as
    Windows' registry has it, which is looked up where it isn't given.
    """
    there = places.studios(machine, _registered() if registered is None else registered)
    studios = tuple(_studio(machine, place) for place in there if places.is_there(place.program))
    collections = tuple(_collections([place.config for place in there]))
    relays = [relay] if relay else [script.relay for one in collections if one.current for script in one.scripts]
    installed = install.target(machine) / install.SCRIPT_FOLDER / "moodcast_obs.py"
    return Facts(
        system=machine.system,
        release=RELEASE,
        script=str(installed if places.is_there(installed) else SCRIPT),
        studios=studios,
        collections=collections,
        answers=tuple(_ask(one) for one in dict.fromkeys(relays) if one),
    )


def _registered() -> str:
    """Where OBS's installer says that it is; empty elsewhere than on Windows."""
    if sys.platform == "win32":
        import winreg

        with contextlib.suppress(OSError):
            return str(winreg.QueryValue(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\OBS Studio"))
    return ""


# --- OBS --------------------------------------------------------------------------------------------------------------


def _studio(machine: places.Machine, place: places.Place) -> Studio:
    settings = _settings(place.config)
    folder = settings.get("python", {}).get("path64bit", "")
    pythons = _pythons_in(machine.system, Path(folder)) if folder else ()
    return Studio(
        kind=place.kind,
        where=str(place.program),
        version=_version(machine, place) or last_version(settings.get("general", {}).get("lastversion", "")),
        browser=any(places.matching(folder, "obs-browser*") for folder in place.plugins),
        # Flatpak and snap bring it along; a distribution may leave it out.
        scripting=place.kind != "program"
        or any(places.matching(one.parent, "obs-scripting/_obspython*") for one in place.plugins),
        python_folder=folder,
        pythons=pythons,
    )


def _version(machine: places.Machine, place: places.Place) -> Version | None:
    """As the program itself tells it, where that costs no window."""
    with contextlib.suppress(OSError, ValueError, ExpatError, subprocess.SubprocessError, AttributeError):
        if machine.system == "macos":
            information = plistlib.loads((place.program / "Contents" / "Info.plist").read_bytes())
            return version_in(str(information.get("CFBundleShortVersionString")))
        if machine.system == "linux" and place.kind == "program":
            command = [str(place.program), "--version"]
            done = subprocess.run(  # noqa: S603 (the user's own OBS)
                command, capture_output=True, text=True, timeout=_ASK_S, check=False
            )
            return version_in(done.stdout)
    return None


def version_in(text: str) -> Version | None:
    """The first number of three parts, as in ``OBS Studio - 29.0.2.1-1+b1 (linux)``."""
    match = re.search(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def last_version(text: str) -> Version | None:
    """What OBS wrote into its settings when it last ran: one number, of which the highest byte is the first part."""
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
        return None
    number = int(text)
    version = number >> 24, number >> 16 & 0xFF, number & 0xFFFF
    return version if 0 < version[0] < 256 else None


def _settings(config: Path) -> dict[str, dict[str, str]]:
    """OBS's settings of the user; since OBS 31 they lie in user.ini, which wins."""
    merged: dict[str, dict[str, str]] = {}
    for name in ("global.ini", "user.ini"):
        with contextlib.suppress(OSError, ValueError):
            for section, values in read_ini(_text_of(config / name)).items():
                merged.setdefault(section, {}).update(values)
    return merged


def _text_of(file: Path) -> str:
    """What is in a file that others write.

    Raises:
        OSError: it can't be read, is too large, or is no plain file, as a pipe, which might never end.
        ValueError: no file can have this name.
    """
    there = file.stat()
    if not stat.S_ISREG(there.st_mode) or there.st_size > _MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
    return file.read_text("utf-8-sig", "replace")


def read_ini(text: str) -> dict[str, dict[str, str]]:
    """Sections and their values, names in small letters; empty where the text is no such file."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    try:
        parser.read_string(text)
    except (configparser.Error, AttributeError):  # the latter where a name without a value has a line that goes on
        return {}
    return {name.lower(): {key: value or "" for key, value in parser.items(name)} for name in parser.sections()}


def _pythons_in(system: str, folder: Path) -> tuple[Python, ...]:
    """Those that OBS would look for in the folder that it was told."""
    found = []
    if system == "macos":
        for file in places.matching(folder, "Python.framework/Versions/3.*/lib/libpython3.*.dylib"):
            if match := re.fullmatch(r"libpython3\.(\d{1,3})\.dylib", file.name):
                found.append(Python(int(match[1])))
    else:
        for file in places.matching(folder, "*"):
            if match := re.fullmatch(r"python3(\d{1,3})\.dll", file.name, re.IGNORECASE):
                found.append(Python(int(match[1]), _bits(file)))
    return tuple(sorted(found))


def _bits(file: Path) -> int:
    """32 or 64, by the header of a Windows library; 0 where it has none that is known."""
    with contextlib.suppress(OSError, struct.error), file.open("rb") as library:
        head = library.read(4096)
        (at,) = struct.unpack_from("<I", head, 0x3C)
        if head[:2] == b"MZ" and head[at : at + 4] == b"PE\0\0":
            return _MACHINES.get(struct.unpack_from("<H", head, at + 4)[0], 0)
    return 0


# --- scene collections ------------------------------------------------------------------------------------------------


def _collections(configs: list[Path]) -> Iterator[Collection]:
    for config in dict.fromkeys(configs):
        settings = _settings(config)
        moved = settings.get("locations", {}).get("scenecollections", "")
        base = Path(moved) / "obs-studio" if moved else config
        current = settings.get("basic", {}).get("scenecollectionfile", "").removesuffix(".json")
        scenes = base / "basic" / "scenes"
        for file in places.matching(scenes, "*.json") + places.matching(scenes, "*.json.bak"):
            text = ""
            with contextlib.suppress(OSError):
                text = _text_of(file)
            found = collection_of(text, file, file.stem == current)
            yield found._replace(backup=file.suffix == ".bak")


def collection_of(text: str, file: Path, current: bool) -> Collection:
    """What a scene collection says of the script, whatever the file holds."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    scripts = []
    for entry in _list(_dict(_dict(content).get("modules")).get("scripts-tool")):
        path = _text(_dict(entry).get("path"))
        if re.split(r"[/\\]", path)[-1] == "moodcast_obs.py":
            scripts.append(_script(path, _dict(_dict(entry).get("settings"))))
    sources = [_dict(_dict(source).get("settings")) for source in _list(_dict(content).get("sources"))]
    pages = [_text(settings.get("url")) for settings in sources]
    return Collection(
        _text(_dict(content).get("name")) or file.stem,
        str(file),
        current,
        tuple(scripts),
        page_key=any(re.search(r"/overlay\b.*#key=.", url) for url in pages),
        readable=isinstance(content, dict),
        overlay=any(settings.get(moodcast_core.MARK) is True for settings in sources),
    )


def _script(path: str, settings: dict[str, Any]) -> LoadedScript:
    version, there = "", False
    with contextlib.suppress(OSError, ValueError, RecursionError):
        there = Path(path).is_file()
        note = _text_of(Path(path).parent / moodcast_relay.INSTALLED)
        version = _text(_dict(json.loads(note)).get("version"))
    relay = _text(settings.get("relay")) or moodcast_relay.ADDRESS
    has_key = any(_text(settings.get(name)) for name in _KEYS) or "#key=" in _text(settings.get("address"))
    return LoadedScript(path, there, relay, version, has_key)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


# --- the relay --------------------------------------------------------------------------------------------------------


def _ask(entered: str) -> Answer:
    relay = moodcast_core.Settings.entered(entered, "", "", 0, 0).relay
    settings = moodcast_core.Settings(relay, "none", "none", 0, 0)
    if problem := settings.problem():
        return Answer(relay, problem)
    try:
        status, fields = moodcast_relay.ask(moodcast_relay.wire_to(relay), relay, "GET", "/healthz")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(relay, moodcast_relay.trouble(relay, error))
    if status == 200 and fields.get("status") == "ok":
        return Answer(relay, "", moodcast_core.plain(_text(fields.get("version"))))
    return Answer(relay, f"What answers at {relay} is no Moodcast relay (HTTP {status}).")
