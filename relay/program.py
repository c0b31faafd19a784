"""The relay as a program: it runs until it is told to stop, and says what its user has to know."""

import asyncio
import contextlib
import logging
import shutil
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

from relay import logs, machine
from relay.app import Relay, start
from relay.assets import AssetStore
from relay.common import leash
from relay.common.deadline import end
from relay.config import RelaySettings
from relay.core import qr
from relay.errors import OutputError, ReaderGoneError
from relay.live import patience
from relay.trial import Maker
from relay.tunnel.keeper import TunnelOpen
from relay.workers import orders, supervisor
from relay.workers.orders import BeginWork
from relay.workers.seat import Seat

log = logging.getLogger(__name__)


def run(
    settings: RelaySettings, recogniser: Maker | None = None, led: bool = False, assets: AssetStore | None = None
) -> int:
    """Run a relay until SIGINT, or until SIGTERM and all clients are sent away; returns the exit code.

    ``recogniser`` and ``assets``: as for ``start``. ``led``: by a program that started it and reads what it prints,
    which is its address alone; it ends when that does, see ``relay.common.leash``.

    Raises:
        RelayError: what ``start`` raises, or ``supervisor.run``.
    """
    logs.configure(settings.log_format)
    if not led and (count := supervisor.count_of(settings)) > 1:
        return supervisor.run(settings, count)
    with contextlib.suppress(KeyboardInterrupt):  # where the loop takes no signal handlers (Windows)
        patience.run(_run(settings, recogniser, led, assets))
    return 0


def run_worker(recogniser: Maker | None, assets: AssetStore | None) -> int:
    """Run one of the processes that are a relay together, as ``relay.workers.supervisor`` tells; returns the exit code.

    Raises:
        RelayError: what ``start`` raises.
    """
    if begin := orders.begin():
        logs.configure(begin.settings.log_format, begin.number)
        patience.run(_run_worker(begin, recogniser, assets))
    return 0


async def _run_worker(begin: BeginWork, recogniser: Maker | None, assets: AssetStore | None) -> None:
    drain, stop = _signals()
    settings = begin.settings
    seat = Seat(begin.number, begin.of, Path(begin.folder))
    relay = await start(settings, recogniser=recogniser, assets=assets, seat=seat, tunnel_port=begin.tunnel_port)
    machine.collect_rarely()

    def hear(line: bytes) -> None:
        if (told := orders.tunnel(line)) and relay.way_in:
            relay.way_in.host = told.host
            if told.announce:
                news = TunnelOpen(relay.way_in.program, relay.way_in.address, told.before)
                _tell_address(relay, settings.channel, news)

    supervised = asyncio.create_task(leash.let_go(orders.SUPERVISOR, hear), name="leash")
    supervised.add_done_callback(lambda _: stop.set())  # nobody would wait for a drain
    try:
        if begin.introduces:
            _introduce(relay, settings)
        orders.answer()
        await _first(stop.wait(), drain.wait())
        if not stop.is_set():
            await _first(stop.wait(), relay.drain(settings.drain_seconds))
    finally:
        await relay.stop()
        await end(supervised)
    log.info("relay ends")


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Set when all clients are to be sent away, and when the relay is to end at once."""
    drain, stop = asyncio.Event(), asyncio.Event()

    def terminate() -> None:
        (stop if drain.is_set() else drain).set()  # the second time: at once

    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    return drain, stop


async def _run(settings: RelaySettings, recogniser: Maker | None, led: bool, assets: AssetStore | None) -> None:
    drain, stop = _signals()
    relay = await start(settings, recogniser=recogniser, assets=assets)
    machine.collect_rarely()
    try:
        if led:
            _say(relay.url)
            await _first(stop.wait(), drain.wait(), leash.let_go(0), _tell_of_tunnel(relay, "", quiet=True))
            stop.set()  # who started it may be gone: nobody waits for a drain
        else:
            _introduce(relay, settings)
            await _first(stop.wait(), drain.wait(), _tell_of_tunnel(relay, settings.channel))
            _say("Stopping: saying goodbye to the viewers and writing the history.")
        if not stop.is_set():
            await _first(stop.wait(), relay.drain(settings.drain_seconds))
    finally:
        await relay.stop()
    log.info("relay ends")


async def _tell_of_tunnel(relay: Relay, channel: str, quiet: bool = False) -> NoReturn:
    """Say what becomes of the relay's tunnel, without end. ``quiet``: in the log alone."""
    while relay.tunnel:
        news = await relay.tunnel.news.get()
        if not isinstance(news, TunnelOpen):
            log.warning("%s", news)
            continue
        log.info("tunnel opens", extra={"address": news.address})
        if not quiet:
            with contextlib.suppress(OutputError, ReaderGoneError):  # nobody reads any more: no reason to end now
                _tell_address(relay, channel, news)
    await asyncio.Event().wait()
    raise AssertionError


def _tell_address(relay: Relay, channel: str, news: TunnelOpen) -> None:
    lines = [str(news)]
    if channel:
        link, notes = relay.invitation(channel)
        _show(link)
        lines += [f"  {'Invitation':<12} {link}", *notes]
    _say("\n".join(lines))


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Wait until one of them is done, and cancel the others."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


def _introduce(relay: Relay, settings: RelaySettings) -> None:
    introduction = _introduction(relay, settings)
    if settings.channel and not relay.base.note:
        _show(relay.invitation(settings.channel)[0])
    _say(introduction)


def _introduction(relay: Relay, settings: RelaySettings) -> str:
    rows = [("Dashboard", f"{relay.url}/dashboard")]
    notes = []
    if settings.channel and relay.has_channel(settings.channel):
        rows.append(("Channel", f"{settings.channel} (its keys were shown when it was made)"))
    elif settings.channel:
        keys = relay.create_channel(settings.channel)
        options = f"?channel={keys.channel}#key={keys.display_key}"
        rows = [
            ("Channel", keys.channel),
            ("Admin key", keys.admin_key),
            ("Display key", keys.display_key),
            ("Overlay", f"{relay.url}/overlay{options}"),
            ("Dashboard", f"{relay.url}/dashboard{options}"),
        ]
        notes = ["The channel is new, and its keys are shown only now: keep them."]
    if relay.way_in:
        rows.append(("Tunnel", f"{settings.tunnel} is being started: its address and the invitation follow"))
    elif settings.channel:
        link, told = relay.invitation(settings.channel)
        rows.append(("Invitation", link))
        notes += told
    lines = [f"  {name:<12} {value}" for name, value in rows]
    return "\n".join([f"Moodcast relay at {relay.url} (Ctrl-C stops it)", *lines, *notes])


def _show(link: str) -> None:
    """The link as a QR code, on a terminal that has room and signs for it; first, so that keys stay in sight."""
    lines = qr.terminal(link)
    if not sys.stdout.isatty() or shutil.get_terminal_size().columns < len(lines[0]):
        return
    try:
        lines[0].encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return
    _say("\n".join(lines))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (the program's own output)
