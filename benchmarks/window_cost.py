"""What the agent of the window costs a viewer's machine: ``python -m benchmarks.window_cost``.

Starts a relay and, one after the other, the real ``moodcast window`` under Xvfb, with settings, a desktop's bus and a
file for the camera of its own, and the terminal's agent. Told of all processes of each together, once it has settled:

* their memory: proportional (PSS: a page that n processes share counts for each as an n-th), and resident (RSS), in
  which what two of them share counts twice;
* their processor time, as a share of one core;
* their priorities.

``--only NAME`` starts one of them; ``--maps`` adds which files and heaps of each process the memory is.
"""

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil
from dbus_fast import PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from agent import consent
from agent.app.settings import Consent, Remembered
from benchmarks import machine
from benchmarks.agent_cost import films
from relay import app
from relay.common.release import RELEASE
from relay.config import RelaySettings
from relay.core.limits import Limits
from relay.protocol import Welcome
from tests.agent.desktop.session import bus, screen

HERE = Path(__file__).parents[1]
CHANNEL = "bench"
WATCHER = "org.kde.StatusNotifierWatcher"
SETTLE_S = 10.0
PATIENCE_S = 60.0


class _Way(NamedTuple):
    """A way to run it. ``hidden``: closed to the tray; ``shares``: face, taps or paused."""

    hidden: bool
    shares: str
    picture: bool = False


WAYS = {
    "window open, sharing, own picture shown": _Way(False, "face", True),
    "window open, sharing": _Way(False, "face"),
    "closed to the tray, sharing": _Way(True, "face"),
    "closed to the tray, taps only": _Way(True, "taps"),
    "closed to the tray, paused": _Way(True, "paused"),
}
TERMINAL = "terminal"


class _Cost(NamedTuple):
    """Of a process: megabytes, megabytes, and seconds of a processor."""

    pss: float
    rss: float
    busy_s: float


def cost(process: psutil.Process) -> _Cost:
    memory, times = process.memory_full_info(), process.cpu_times()
    return _Cost(memory.pss / 1e6, memory.rss / 1e6, times.user + times.system)


def family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


async def measure(pid: int, seconds: float, maps: bool) -> None:
    """Say what a program's processes cost over so many seconds."""
    await asyncio.sleep(SETTLE_S)
    processes = family(pid)
    before = [cost(one) for one in processes]
    began = time.monotonic()
    await asyncio.sleep(seconds)
    passed = time.monotonic() - began
    after = [cost(one) for one in processes]
    busy = [(now.busy_s - then.busy_s) / passed for now, then in zip(after, before, strict=True)]
    for process, now, share in zip(processes, after, busy, strict=True):
        what = " ".join(process.cmdline()[1:4])
        print(f"    {now.pss:6.1f} PSS {now.rss:6.1f} RSS {share:7.2%} nice {process.nice():2}  {what}")
        if maps:
            tell_maps(process)
    pss, rss = sum(one.pss for one in after), sum(one.rss for one in after)
    print(f"    {pss:6.1f} MB PSS {rss:6.1f} MB RSS {sum(busy):7.2%} of one core, in all", flush=True)


def tell_maps(process: psutil.Process) -> None:
    sizes: Counter[str] = Counter()
    for part in process.memory_maps(grouped=True):
        sizes[re.sub(r"^.*/", "", part.path)] += part.pss
    for name, size in sizes.most_common(12):
        print(f"           {size / 1e6:6.1f} {name}")


def remember(folder: Path, url: str, way: _Way, film: Path) -> None:
    """Settings with which it joins by itself, and shares what it is to share."""
    promised = Welcome(channel=CHANNEL, viewer="", tick_ms=100, min_viewers=1, crowd="networks")
    agreed = Consent(
        relay=url, channel=CHANNEL, text=consent.digest(promised), at_once=way.shares != "paused", program=RELEASE
    )
    settings = Remembered(
        camera=str(film), relay=url, channel=CHANNEL, consents=(agreed,), taps_only=way.shares == "taps",
        show_picture=way.picture,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_bytes(msgspec.json.encode(settings))


@contextlib.asynccontextmanager
async def program(*arguments: str, **environment: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", *arguments, cwd=HERE, env=os.environ | environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT if arguments[0] == "agent" else signal.SIGTERM)
        await process.wait()


async def until_it_is_there(relay: app.Relay, pid: int, shares: str) -> None:
    """In the channel, and with its eyes open, where it shares a face."""
    until = time.monotonic() + PATIENCE_S
    while not relay.connections(CHANNEL)[0] or (shares == "face" and len(family(pid)) < 2):
        if time.monotonic() > until:
            raise SystemExit("it does not join the channel, or does not share: nothing was measured")
        await asyncio.sleep(0.1)


async def run(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        relay = await app.start(RelaySettings(port=0, data=name, min_viewers=1), Limits())
        relay.create_channel(CHANNEL)
        film = films(folder)[args.film]
        try:
            for what, way in WAYS.items():
                if args.only and args.only not in what:
                    continue
                print(f"{what}:", flush=True)
                remember(folder / "config" / "moodcast", relay.url, way, film)
                home = {"HOME": name, "XDG_CONFIG_HOME": str(folder / "config"), "XDG_RUNTIME_DIR": name}
                home["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
                with screen("1280x800") as shown, bus(folder) as address:
                    home |= {"DISPLAY": shown, "DBUS_SESSION_BUS_ADDRESS": address}
                    background = ["--background"] if way.hidden else []
                    async with panel(address), program("window", *background, **home) as pid:
                        await until_it_is_there(relay, pid, way.shares)
                        await measure(pid, args.seconds, args.maps)
            if args.only in TERMINAL:
                print(f"{TERMINAL}, sharing:", flush=True)
                options = ["--relay", relay.url, "--channel", CHANNEL, "--source", str(film), "--loop", "--yes"]
                async with program("agent", *options) as pid:
                    await until_it_is_there(relay, pid, "terminal")
                    await measure(pid, args.seconds, args.maps)
        finally:
            await relay.stop()


class _Panel(ServiceInterface):
    """What takes icons on a desktop: without one a hidden window comes back."""

    def __init__(self) -> None:
        super().__init__(WATCHER)

    @dbus_method()
    def RegisterStatusNotifierItem(self, service: DBusStr) -> None:  # noqa: N802
        pass

    @dbus_property(access=PropertyAccess.READ)
    def IsStatusNotifierHostRegistered(self) -> DBusBool:  # noqa: N802
        return True


@contextlib.asynccontextmanager
async def panel(address: str) -> AsyncIterator[None]:
    connection = await MessageBus(bus_address=address).connect()
    connection.export("/StatusNotifierWatcher", _Panel())
    await connection.request_name(WATCHER)
    try:
        yield
    finally:
        connection.disconnect()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.window_cost", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each (default: %(default)s)")
    parser.add_argument("--film", choices=["steady", "quiet", "away"], default="steady", help="see agent_cost")
    parser.add_argument("--only", default="", metavar="NAME", help="what has this in its name")
    parser.add_argument("--maps", action="store_true", help="add where the memory of each process is")
    args = parser.parse_args()
    for needed in ("Xvfb", "dbus-daemon"):
        if shutil.which(needed) is None:
            parser.error(f"needs {needed}")
    print(f"Machine: {machine.describe()}")
    asyncio.run(run(args))


if __name__ == "__main__":
    main()
