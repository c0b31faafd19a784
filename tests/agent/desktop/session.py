"""Buses of D-Bus and a panel of a desktop, for one test alone."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={folder}</listen><standard_session_servicedirs/>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""


def need(*programs: str) -> None:
    """Skips the test where the machine lacks a program."""
    lacking = [program for program in programs if shutil.which(program) is None]
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")


def homed(folder: Path) -> dict[str, str]:
    """An environment with its home in a folder: what the bus starts writes nothing into the user's."""
    return {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}


@contextlib.contextmanager
def bus(folder: Path) -> Iterator[str]:
    """A session's bus; its address."""
    need("dbus-daemon")
    config = folder / "bus.conf"
    config.write_text(_BUS.format(folder=folder))
    process = subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--print-address", "--nofork"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=homed(folder),
    )  # fmt: skip
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@contextlib.contextmanager
def screen(size: str = "640x480") -> Iterator[str]:
    """A display of X without a window manager, by its name."""
    need("Xvfb")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as said:
            yield f":{said.readline().strip()}"
    finally:
        server.terminate()
        server.wait(30)


async def xdotool(display: str, *arguments: str) -> str:
    """What a user's hands do; of what is looked for, the windows, one a line: there may be none."""
    need("xdotool")
    looks = arguments[0] in ("search", "getactivewindow")
    while True:
        process = await asyncio.create_subprocess_exec(
            "xdotool", *arguments, env={**os.environ, "DISPLAY": display},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, said = await asyncio.wait_for(process.communicate(), 60)
        # A window that goes while all are looked through ends the search: then nothing was found out.
        if not (looks and b"BadWindow" in said):
            break
    assert process.returncode == 0 or looks, f"xdotool did not do {arguments}: {said.decode()}"
    return out.decode().strip()
