"""``moodcast relay --processes N``: starts the workers that are one relay together, and starts again who dies.

It takes no clients itself. What is to happen once is its own, or it tells one worker to do it: the port, the database's
claim, the Redis that the workers share, the tunnel, the channel's keys.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from typing import NoReturn

import msgspec

from relay.common import ourselves
from relay.common.deadline import end, within
from relay.config import RelaySettings
from relay.core.tunnels import PROGRAMS, Tunnel
from relay.errors import OutputError, ReaderGoneError, SettingsError, WorkersError
from relay.store.claim import claim_database
from relay.tunnel import keeper
from relay.tunnel.keeper import Keeper, TunnelOpen
from relay.workers import cores, local_redis, orders, ports
from relay.workers.local_redis import LocalRedis
from relay.workers.orders import BeginWork, TunnelTold
from relay.workers.restarts import Restarts
from relay.workers.seat import bus_of

log = logging.getLogger(__name__)

_LATE_S = 10.0
"""After a drain, or at once where there is none, a worker has so long to end by itself."""


def count_of(settings: RelaySettings) -> int:
    """How many workers ``--processes`` asks for.

    Raises:
        SettingsError: several, where the system has no port for them.
    """
    if settings.processes == "auto":
        return cores.usable() if ports.SPREADS else 1
    count = int(settings.processes)
    if count > 1 and not ports.SPREADS:
        raise SettingsError(
            f"--processes {count}: several processes share a port on Linux alone, where the system spreads the "
            "connections among them. Leave it out here, or run several relays with --cluster behind a proxy, each with "
            "its own --port."
        )
    return count


def run(settings: RelaySettings, count: int) -> int:
    """Run a relay of ``count`` workers until SIGINT, or until SIGTERM and all clients are sent away; returns the exit
    code: 0, or that of a worker which could not start and has said why.

    Raises:
        PortInUseError, AddressError: the relay can't listen.
        DataFolderError, DatabaseServerError, DatabaseInUseError: the database can't be used, or no folder made.
        SettingsError: no Redis can be started, or there is no program for the tunnel.
        WorkersError: no worker stays alive.
    """
    return asyncio.run(_Supervisor(settings, count).run())


class _Worker:
    """A process of the relay."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._process, self._reader, self._writer = process, reader, writer
        self.ready = False

    @classmethod
    async def start(cls, begin: BeginWork) -> "_Worker":
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # In a session of its own: a terminal's Ctrl-C comes to the supervisor, and from there.
                process = await asyncio.create_subprocess_exec(
                    *ourselves.command("worker"), stdin=theirs.fileno(), start_new_session=True
                )
            except BaseException:
                ours.close()
                raise
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(orders.line(begin))
        return cls(process, reader, writer)

    async def until_ready(self) -> bool:
        """Whether it becomes ready; else it has ended, or is about to."""
        with contextlib.suppress(OSError):
            self.ready = await self._reader.readline() == orders.READY
        return self.ready

    async def wait(self) -> int:
        """Until it has ended; its exit code, negative for a signal."""
        code = await self._process.wait()
        self.ready = False
        self._writer.close()
        return code

    def tell(self, told: TunnelTold) -> None:
        self._writer.write(orders.line(told))

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


class _Supervisor:
    """A run of the relay."""

    def __init__(self, settings: RelaySettings, count: int) -> None:
        self._settings, self._count = settings, count
        self._workers: dict[int, _Worker] = {}
        self._seats: list[asyncio.Task[None]] = []
        self._tunnel: Tunnel | None = None
        self._begun, self._drain, self._stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._over = asyncio.Event()
        """No worker can do it; see ``_error`` or ``_code``."""
        self._ending = asyncio.Event()
        self._error: WorkersError | None = None
        self._code = 0

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        for warning in self._settings.warnings():
            log.warning("%s", warning)
        async with contextlib.AsyncExitStack() as undo:
            begin = await self._prepare(undo)
            try:
                await self._work(begin, undo)
            finally:
                await self._end_workers()
        if self._error:
            raise self._error
        log.info("all workers have ended")
        return self._code

    def _terminate(self) -> None:
        (self._stop if self._drain.is_set() else self._drain).set()  # the second time: at once

    async def _prepare(self, undo: contextlib.AsyncExitStack) -> BeginWork:
        """What the workers need before the first of them starts. ``undo``: what to do after the last has ended."""
        settings = self._settings
        if program := PROGRAMS.get(settings.tunnel):
            keeper.find(program)
        redis = "" if settings.cluster else local_redis.find()
        kept = ports.reserve(settings.host, settings.port)
        undo.callback(kept.close)
        port, tunnel_port = kept.getsockname()[1], 0
        if program:
            inner = ports.reserve("127.0.0.1", 0)
            undo.callback(inner.close)
            self._tunnel, tunnel_port = Tunnel(program), inner.getsockname()[1]
        from relay.workers.folder import private_folder  # which Windows can't import

        folder = undo.enter_context(private_folder())
        if redis:
            # With --cluster each worker claims its part as any node does; here nobody else is to have one.
            claim = await asyncio.to_thread(claim_database, settings.data, settings.database, False, port)
            undo.push_async_callback(asyncio.to_thread, claim.release)
            own = LocalRedis(redis, folder)
            undo.push_async_callback(own.close)
            await own.start()
        bus = settings.cluster or bus_of(folder)
        settings = msgspec.structs.replace(settings, port=port, processes="1", cluster=bus)
        return BeginWork(settings=settings, number=0, of=self._count, folder=str(folder), tunnel_port=tunnel_port)

    async def _work(self, begin: BeginWork, undo: contextlib.AsyncExitStack) -> None:
        """Until the relay is to end."""
        # The first one alone: it brings the database up to date, and what is wrong is said once.
        self._seats.append(asyncio.create_task(self._keep(begin), name="worker 0"))
        await self._wait(self._begun)
        if not self._begun.is_set():
            return
        others = msgspec.structs.replace(begin.settings, retention_days=0)  # the first one deletes
        for number in range(1, self._count):
            order = msgspec.structs.replace(begin, settings=others, number=number)
            self._seats.append(asyncio.create_task(self._keep(order), name=f"worker {number}"))
        if self._tunnel:
            tunnel = Keeper(self._tunnel, keeper.find(self._tunnel.program), begin.tunnel_port)
            undo.push_async_callback(tunnel.close)  # after the workers: through it the last ones are told
            undo.push_async_callback(end, asyncio.create_task(self._follow(tunnel), name="tunnel news"))
        await self._wait()

    async def _wait(self, *events: asyncio.Event) -> None:
        """For one of these, or for the end."""
        waits = [asyncio.create_task(event.wait()) for event in (*events, self._drain, self._stop, self._over)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(*waits)

    async def _keep(self, begin: BeginWork) -> None:
        """Have a worker in this seat, one after the other."""
        restarts = Restarts()
        while not self._ending.is_set():
            began = time.monotonic()
            code = await self._run_worker(msgspec.structs.replace(begin, introduces=not self._begun.is_set()))
            if self._ending.is_set():
                return
            if not self._begun.is_set() and code > 0:  # it has said why
                self._code = code
                self._over.set()
                return
            pause = restarts.pause(time.monotonic() - began)
            log.warning("worker ended", extra={"worker": begin.number, "code": code, "again_in": pause})
            if restarts.hopeless and not any(worker.ready for worker in self._workers.values()):
                self._error = WorkersError(
                    f"The relay's workers end again and again (the last one with exit code {code}), and none is left: "
                    "their last words in the log say why. Without --processes the relay runs in one process."
                )
                self._over.set()
                return
            with contextlib.suppress(asyncio.TimeoutError):
                await within(pause, self._ending.wait())

    async def _run_worker(self, begin: BeginWork) -> int:
        """Run one from its start to its end; returns its exit code."""
        try:
            worker = self._workers[begin.number] = await _Worker.start(begin)
        except OSError as error:  # the system lets no process start
            log.warning("No worker can be started: %s", error)
            return WorkersError.exit_code
        if self._ending.is_set():
            worker.send_signal(signal.SIGTERM)
        if await worker.until_ready():
            if self._tunnel and self._tunnel.host:
                worker.tell(TunnelTold(host=self._tunnel.host))
            self._begun.set()
        return await worker.wait()

    async def _follow(self, tunnel: Keeper) -> NoReturn:
        """Tell the workers what becomes of the tunnel."""
        assert self._tunnel
        while True:
            news = await tunnel.news.get()
            told = TunnelTold(host=self._tunnel.host)
            if isinstance(news, TunnelOpen):
                log.info("tunnel opens", extra={"address": news.address})
                told = TunnelTold(host=self._tunnel.host, before=news.before, announce=True)
            else:
                log.warning("%s", news)
            for worker in self._workers.values():
                if worker.ready:
                    worker.tell(told)
                    told = msgspec.structs.replace(told, announce=False)

    async def _end_workers(self) -> None:
        """Send all clients away, where a drain was asked for, and end."""
        self._ending.set()
        if self._begun.is_set():
            with contextlib.suppress(OutputError, ReaderGoneError):  # nobody reads any more: the end goes on
                print("Stopping: saying goodbye to the viewers and writing the history.", flush=True)  # noqa: T201
        drains = self._drain.is_set() and not (self._stop.is_set() or self._over.is_set())
        for worker in self._workers.values():
            worker.send_signal(signal.SIGTERM if drains or not worker.ready else signal.SIGINT)
        ended = asyncio.create_task(self._seats_end())
        if drains:
            stop = asyncio.create_task(self._stop.wait())
            patience = self._settings.drain_seconds + _LATE_S
            await asyncio.wait({ended, stop}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            await end(stop)
            self._signal_all(signal.SIGINT)
        await asyncio.wait({ended}, timeout=_LATE_S)
        self._signal_all(signal.SIGKILL)
        await ended

    async def _seats_end(self) -> None:
        await asyncio.gather(*self._seats, return_exceptions=True)

    def _signal_all(self, number: int) -> None:
        for worker in self._workers.values():
            worker.send_signal(number)
