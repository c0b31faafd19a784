"""Requests that read a channel's sessions: the list, all of one, its files, its peaks.

Who has the display key may ask for all of it at any time, so the answers are made in few threads, and sent part by part
as fast as they are taken.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import msgspec
from aiohttp import hdrs, web

from relay import protocol
from relay.core.limits import Ledger
from relay.core.peaks import Peak, find_peaks, highlights
from relay.core.timeline import AUDIENCE
from relay.http.accept import connection_of
from relay.http.requests import HUB, HTTPError, authorize, full, json_response, placed
from relay.http.unread import cut_off, limit_kernel
from relay.live.hub import Hub
from relay.live.websocket import transport_of
from relay.store import export
from relay.store.archive import Archive, GoneError
from relay.store.database import DatabaseError
from relay.store.history import Session

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Long answers of the relay, and ..."""
A_CHANNEL = 2
"""... of a channel; as many of its sessions may have their peaks looked for."""
COME_BACK_S = 2
_PIECE = 64 * 1024
"""Bytes that are read from the history before they are sent."""
PEAKS_S = 10.0
"""The peaks of a running session are as old as this at most; those of one that ended do not change."""
SHARE = 20
"""After a search for the peaks of a running session, so many times its duration pass before there is another."""
_KEPT_PEAKS = 64

Result = TypeVar("Result")


class Search(NamedTuple):
    """A session's peaks, as soon as they are found, and the seconds that it took."""

    ended: float | None
    """As of the session when it began."""
    since: float
    found: "asyncio.Task[tuple[list[Peak], float]]"

    def serves(self, session: Session, now: float) -> bool:
        """Whether its peaks are the session's still, or are about to be."""
        if not self.found.done():
            return True
        if self.ended is not None or session.ended is not None:
            return self.ended == session.ended
        return now - self.since < max(PEAKS_S, SHARE * self.found.result()[1])


class ReadingRoom:
    """Threads in which the history is read, places for those who ask, and the peaks that were found."""

    def __init__(self, archive: Archive, ledger: Ledger) -> None:
        self.archive = archive
        self._threads = ThreadPoolExecutor(2, "read")
        self._peaks_thread = ThreadPoolExecutor(1, "peaks")
        self._all, self._channels = ledger.places("reading", AT_ONCE), ledger.places("reading of a channel", A_CHANNEL)
        self._searching = ledger.places("searching", A_CHANNEL)
        self._searches: OrderedDict[tuple[str, int, float], Search] = OrderedDict()

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For aiohttp's ``cleanup_ctx``: the threads end with the relay."""
        yield
        self.archive.close()
        self._threads.shutdown(wait=False)
        self._peaks_thread.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do what blocks in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def place(self, channel: str) -> contextlib.AbstractContextManager[None]:
        """Room for a long answer.

        Raises:
            HTTPError: there is none.
        """
        return placed(
            COME_BACK_S,
            (self._channels, channel, f"{A_CHANNEL} sessions of {channel!r} are being read"),
            (self._all, "all", f"{AT_ONCE} sessions are being read from this relay"),
        )

    async def peaks(self, session: Session) -> list[Peak]:
        """The peaks of a stored session. Who asks for the same waits for the same search.

        Raises:
            HTTPError: those of too many other sessions of the channel are looked for.
            GoneError, DatabaseError: as ``Archive.slices``.
        """
        key, now = (session.channel, session.number, session.started), time.monotonic()
        search = self._searches.get(key)
        if search is None or not search.serves(session, now):
            search = self._searches[key] = Search(session.ended, now, self._search(session))
            while len(self._searches) > _KEPT_PEAKS:
                self._searches.popitem(last=False)
        self._searches.move_to_end(key)
        try:
            return (await asyncio.shield(search.found))[0]
        except Exception:
            self._searches.pop(key, None)
            raise

    def _search(self, session: Session) -> "asyncio.Task[tuple[list[Peak], float]]":
        if not self._searching.take(session.channel):
            words = f"The peaks of {A_CHANNEL} other sessions of {session.channel!r} are being looked for"
            raise full(words, COME_BACK_S)

        def work() -> tuple[list[Peak], float]:
            began = time.monotonic()
            return find_peaks(self.archive.slices(session, ("moments", "reactions"))), time.monotonic() - began

        async def search() -> tuple[list[Peak], float]:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._peaks_thread, work)
            finally:
                self._searching.free(session.channel)

        return asyncio.create_task(search())


READING = web.AppKey("reading", ReadingRoom)


async def listed(request: web.Request) -> web.Response:
    """The list of sessions."""
    channel, reading, hub = authorize(request), request.app[READING], request.app[HUB]
    sessions = [_as_it_runs(hub, stored) for stored in await reading.run(lambda: reading.archive.sessions(channel))]
    return json_response(
        {
            "sessions": [
                {
                    "number": session.number,
                    "name": session.name,
                    "started": session.started,
                    "ended": session.ended,
                    "seconds": round((session.ended or hub.clock.now()) - session.started, 1),
                }
                for session in sessions
            ]
        }
    )


def _as_it_runs(hub: Hub, stored: Session) -> Session:
    """A stored session; one that was taken up again has no end, also before anything more of it is stored."""
    running = hub.members.session(stored.channel)
    return msgspec.structs.replace(stored, ended=None) if running and running.number == stored.number else stored


async def one(request: web.Request) -> web.StreamResponse:
    """All of a session."""
    session, is_stored = await _found(request, authorize(request))
    return await _streamed(request, session, _json(request, session, is_stored), {})


async def as_json(request: web.Request) -> web.StreamResponse:
    """All of a session, as a file to keep."""
    session, is_stored = await _found(request, authorize(request))
    return await _streamed(request, session, _json(request, session, is_stored), _file(session, "json"))


async def as_csv(request: web.Request) -> web.StreamResponse:
    """All of a session, as a table to keep."""
    session, is_stored = await _found(request, authorize(request))
    headers = {hdrs.CONTENT_TYPE: "text/csv; charset=utf-8", **_file(session, "csv")}
    return await _streamed(request, session, _csv(request, session, is_stored), headers)


async def peaks(request: web.Request) -> web.Response:
    """The strongest moments of a session, or all of them."""
    channel = authorize(request)
    session, is_stored = await _found(request, channel)
    try:
        found = await request.app[READING].peaks(session) if is_stored else []
        return json_response({"peaks": found if request.query.get("all") == "1" else highlights(found)})
    except GoneError:
        raise no_session(channel, session.number) from None


def _json(request: web.Request, session: Session, is_stored: bool) -> Iterator[bytes]:
    archive = request.app[READING].archive
    parts = archive.parts(session) if is_stored else AUDIENCE
    yield from export.json_pieces(
        session, ((part, archive.slices(session, (part,)) if is_stored else iter(())) for part in parts)
    )


def _csv(request: web.Request, session: Session, is_stored: bool) -> Iterator[bytes]:
    archive = request.app[READING].archive
    parts = archive.parts(session) if is_stored else AUDIENCE
    yield from export.csv_pieces(session, archive.slices(session, parts) if is_stored else iter(()), parts)


def _file(session: Session, kind: str) -> dict[str, str]:
    # A channel's name has nothing that needs quoting.
    name = f"{session.channel}-session-{session.number}.{kind}"
    return {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}


async def _streamed(
    request: web.Request, session: Session, pieces: Iterator[bytes], headers: dict[str, str]
) -> web.StreamResponse:
    """An answer that is read from the history as fast as the client takes it. A short one is sent at once."""
    reading = request.app[READING]
    headers = {hdrs.CONTENT_TYPE: "application/json; charset=utf-8"} | headers
    with reading.place(session.channel):
        try:
            piece = await reading.run(lambda: _piece(pieces))
        except GoneError:
            raise no_session(session.channel, session.number) from None
        if len(piece) < _PIECE:
            return web.Response(body=piece, headers=headers)
        response = web.StreamResponse(headers=headers)
        writer = await response.prepare(request)
        assert writer is not None
        if request.method == hdrs.METH_HEAD:  # aiohttp would let a body through, as the next answer
            return response
        transport = transport_of(request)
        connection_of(request).stay()  # a key let it in, and there are few
        transport.set_write_buffer_limits(high=0)
        stalled, later = request.app[HUB].limits.stalled, asyncio.get_running_loop().call_later
        limit_kernel(transport, stalled)
        try:
            while piece:
                timer = later(stalled, cut_off, transport)
                try:
                    await response.write(piece)
                    await writer.drain()
                finally:
                    timer.cancel()
                piece = await reading.run(lambda: _piece(pieces))
        except BaseException as error:
            cut_off(transport)  # so that the client sees that it does not have the whole
            if not isinstance(error, DatabaseError | GoneError):
                raise
            log.warning(
                "A session could not be read to its end: %s", str(error) or "it was deleted, or the relay stops"
            )
            raise ConnectionResetError from None
    return response


def _piece(pieces: Iterator[bytes]) -> bytes:
    """The next ``_PIECE`` bytes or a little more; fewer at the end, where nothing follows."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) >= _PIECE:
            break
    return bytes(found)


async def _found(request: web.Request, channel: str) -> tuple[Session, bool]:
    """The session asked for, and whether it is stored: too few may have shared so far."""
    reading, number = request.app[READING], number_of(request, channel)
    stored = await reading.run(lambda: reading.archive.find(channel, number))
    if stored is not None:
        return _as_it_runs(request.app[HUB], stored), True
    running = request.app[HUB].members.session(channel)
    if running is not None and number == running.number:
        return running, False
    raise no_session(channel, number)


def no_session(channel: str, number: int) -> HTTPError:
    return HTTPError(protocol.NOT_FOUND, f"There is no session {number} of {channel!r}: look among its /sessions.")


def number_of(request: web.Request, channel: str) -> int:
    """The number of the session in the request's path.

    Raises:
        HTTPError: it is none, or no session runs.
    """
    wanted = request.match_info["number"]
    if wanted == "current":
        running = request.app[HUB].members.session(channel)
        if running is None:
            raise HTTPError(protocol.NOT_FOUND, f"No session of {channel!r} is running: look among its /sessions.")
        return running.number
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10:
        return int(wanted)
    raise HTTPError(protocol.NOT_FOUND, f"Expected a session's number or `current`, not {wanted!r}.")
