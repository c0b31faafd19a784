"""Cameras by number and by name, without opening one, nor loading what could."""

import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from agent.errors import CameraBusyError, NoCameraError
from relay.common.printable import is_printable

DEVICES = Path("/dev")
_NAMES = Path("/sys/class/video4linux")
"""Where Linux tells of each video device."""
_UNNAMED = 4
"""Elsewhere OpenCV opens cameras by their number alone, and nobody says how many there are: so many can be tried."""
_LONGEST_NAME = 80


class Device(NamedTuple):
    """A camera. ``source`` is for the ``source`` option; no two have the same ``name``."""

    source: str
    name: str


def number_of(name: str) -> int | None:
    """0 for ``webcam``, N for ``webcam:N``, None for anything else."""
    if name == "webcam":
        return 0
    kind, _, number = name.partition(":")
    return int(number) if kind == "webcam" and number.isascii() and number.isdigit() else None


def found() -> list[Device]:
    """The cameras that are there; where the system names none, the first numbers, which may not all be there."""
    if sys.platform != "linux":
        return [Device(f"webcam:{number}", f"Camera {number + 1}") for number in range(_UNNAMED)]
    return named(_NAMES)


def named(folder: Path) -> list[Device]:
    """The cameras that a folder as ``/sys/class/video4linux`` tells of, by number.

    A camera may have several devices: the one with the index 0 gives the pictures. Several cameras of one name are told
    apart by their devices.
    """
    paths = {int(path.name[5:]): path for path in folder.glob("video*") if re.fullmatch("video[0-9]{1,4}", path.name)}
    names = {
        number: _told(path / "name") or "Camera"
        for number, path in sorted(paths.items())
        if _told(path / "index") in ("", "0")
    }
    numbered = {number: f"{name} (video{number})" for number, name in names.items()}
    times = Counter(names.values())
    shown = {
        number: name if times[name] == 1 and name != "Camera" else numbered[number] for number, name in names.items()
    }
    if len(set(shown.values())) < len(shown):  # one is called as another with its number
        shown = numbered
    return [Device(f"webcam:{number}", name) for number, name in shown.items()]


def _told(file: Path) -> str:
    """One line of the system's; a device that is just being unplugged has none. Who made the camera wrote its name."""
    try:
        text = file.read_text("utf-8", "replace")[:_LONGEST_NAME].strip()
    except OSError:
        return ""
    return text if is_printable(text) else ""


def problem(number: int) -> NoCameraError | CameraBusyError | None:
    """What is wrong with a camera as far as its device file tells (Linux); None where nothing is, or can be told."""
    if sys.platform != "linux":
        return None
    device = DEVICES / f"video{number}"
    if not device.exists():
        others = sorted(path.name.removeprefix("video") for path in DEVICES.glob("video[0-9]*"))
        if others:
            hint = f"there is no {device}; choose one that is there: " + ", ".join(f"webcam:{n}" for n in others)
        else:
            hint = "no camera is connected (or this virtual machine or container was not given it)"
        return NoCameraError(f"no camera {number}: {hint}. Without one, a video file or the screen can be the source")
    if not os.access(device, os.R_OK | os.W_OK):
        return CameraBusyError(
            f"you may not open {device}: add yourself to its group (`sudo usermod -aG video $USER`) and log in again"
        )
    return None


def busy(number: int) -> CameraBusyError:
    """The error for a camera that is there but gives no pictures."""
    return CameraBusyError(
        f"camera {number} could not be opened or gives no pictures: close the program that uses it (a video call, OBS; "
        "OBS can pass it on as a virtual camera), allow camera access in the system's privacy settings, or choose "
        "another camera (webcam:N)"
    )
