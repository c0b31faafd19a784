"""What happens before a request: each new TCP connection is counted, and has a while to say what it wants.

aiohttp takes a connection over once the head of its first request is here. Until then it costs a few hundred bytes.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

from aiohttp import web

from relay import protocol
from relay.core.limits import Places
from relay.http.lobby import Lobby
from relay.http.requests import error_body, error_response
from relay.http.unread import Watch
from relay.live.counters import Counters
from relay.live.masking import MaskedOnly
from relay.live.websocket import Socket

log = logging.getLogger(__name__)

MAX_HEAD = 32 * 1024
"""Bytes of a request's head: as much as common proxies take."""
_KEEP_ALIVE_S = 75.0
"""A connection may idle between two requests for this long: longer than common proxies keep theirs."""
_NO_HTTP = "Expected an HTTP request, and what came is none."
_LINGER_S = 2.0
"""After an answer, the rest of a request's body may come for this long."""
_HTTP_IS_OVER: dict[str, object] = {"_parser": None, "_messages": (), "_upgraded": True}
"""Attributes of aiohttp's side of a connection, as far as its version has them, once no request can come any more. Also
where the last one has a body, of which aiohttp else would ask the parser that it has no more."""


class Doorway:
    """Makes the protocol of each new connection, and has one go where there are too many."""

    def __init__(
        self,
        server: web.Server,
        *,
        places: Places,
        house_of: Callable[[str | None], str | None],
        head_s: float,
        stalled_s: float,
        counts: Counters,
        lobby: "Lobby[Visitor]",
        is_tunnel: bool = False,
    ) -> None:
        """``places``: so many connections a house. ``is_tunnel``: a tunnel ends here, and nobody else should come.

        ``head_s``: seconds that a request's head may take. ``stalled_s``: seconds after which who takes nothing of an
        answer is cut off.
        """
        self.server = server
        self.places = places
        self.house_of = house_of
        self.head_s = head_s
        self.stalled_s = stalled_s
        self.counts = counts
        self.lobby = lobby
        self.is_tunnel = is_tunnel
        self.fruitless = 0
        """Connections that were put out or turned away, or ended without having asked for anything."""

    def for_tunnel(self) -> "Doorway":
        """The one where a tunnel ends, with the same rooms behind it. It speaks for many, so it is no house itself."""
        return Doorway(
            self.server,
            places=self.places,
            house_of=lambda _: None,
            head_s=self.head_s,
            stalled_s=self.stalled_s,
            counts=self.counts,
            lobby=self.lobby,
            is_tunnel=True,
        )

    def __call__(self) -> asyncio.Protocol:
        return _Guest(self)

    def close(self) -> None:
        """Cut off everyone who has not asked for anything yet."""
        for one in self.lobby.idle():
            if isinstance(one, _Guest):
                one.put_out()

    def make_room(self, one: "Visitor | None") -> None:
        """Put out who must go, if anyone."""
        if one is not None:
            self.counts.put_out += 1
            self.fruitless += 1
            one.put_out()


class _Guest(asyncio.Protocol):
    """A connection whose first request is not here yet."""

    __slots__ = ("_door", "_head", "_house", "_timer", "transport")

    def __init__(self, door: Doorway) -> None:
        self._door = door
        self._head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self._house = self._door.house_of(peer[0] if peer else None)
        self._timer = asyncio.get_running_loop().call_later(self._door.head_s, transport.abort)
        out = self._door.lobby.come(self)
        if not self._door.places.take(self._house):
            self._house = None
            self._turn_away(protocol.FULL, "Your network has as many connections as one may have: close another first.")
        elif out is self:
            self._turn_away(protocol.FULL, "The relay has as many connections as it can take: come back later.")
        else:
            self._door.make_room(out)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        start = max(0, len(self._head) - 3)
        self._head += data
        if not (self._head[:1].isalpha() or self._head[:1] in b"\r\n"):  # HTTP may begin with empty lines
            self._turn_away(protocol.BAD_MESSAGE, _NO_HTTP)
        elif self._head.find(b"\r\n\r\n", start) >= 0:
            self._hand_over()
        elif len(self._head) > MAX_HEAD:
            self._turn_away(protocol.TOO_LARGE, f"The head of a request has {MAX_HEAD} bytes at most.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._door.fruitless += 1
        self._door.lobby.leave(self)
        self._door.places.free(self._house)
        _let_go(self.transport)

    def put_out(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def _hand_over(self) -> None:
        self._timer.cancel()
        connection = _Connection(self._door, self._house)
        self._door.lobby.replace(self, by=connection)
        self.transport.set_protocol(connection)
        connection.connection_made(self.transport)
        connection.data_received(bytes(self._head))

    def _turn_away(self, code: protocol.Code, message: str) -> None:
        self._door.counts.requests_refused[code.number] += 1
        self._door.lobby.stay(self)  # it goes already
        body = error_body(code, message)
        status = HTTPStatus(code.http_status)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _Connection(web.RequestHandler):
    """aiohttp's side of a connection, which counts it out at the end and answers as the contract says."""

    __slots__ = ("_door", "_house", "_line", "_request", "_watch", "after", "frames", "on_lost", "socket")

    def __init__(self, door: Doorway, house: str | None) -> None:
        super().__init__(
            door.server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as web.AppRunner takes it
            keepalive_timeout=_KEEP_ALIVE_S,
            lingering_time=_LINGER_S,
        )
        self._door, self._house = door, house
        self._request: web.BaseRequest | None = None
        """Whose body may still be on its way."""
        self._watch: Watch | None = None
        self.socket: Socket | None = None
        """The WebSocket that it became, which learns whether the client reads."""
        self.frames: MaskedOnly | None = None
        """Where its frames come in; None once it is lost."""
        self.on_lost: Callable[[], object] | None = None
        self.after: Callable[[], Awaitable[None]] | None = None
        """What is left to do once the handler has returned: a viewer stays for hours, and the frames of handler and
        middleware took a kilobyte and a half of each."""

    @property
    def is_tunnelled(self) -> bool:
        """Whether it came in where a tunnel ends: a matter of the port, which nothing in a request changes."""
        return self._door.is_tunnel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._line = transport  # aiohttp forgets its own before it is lost, where it closes by itself

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.socket is not None:
            self.socket.ready(False)  # before the number of its file is another connection's
        self.socket = self.frames = None  # they know this connection, too
        _let_go(self._line)
        if self.on_lost is not None:
            self.on_lost()
        self._door.lobby.leave(self)
        self._door.places.free(self._house)

    def put_out(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    def work(self, request: web.BaseRequest) -> None:
        """A request's head is here, and is worked on as soon as its last byte is."""
        self._request = request
        request.content.on_eof(functools.partial(self._work, request))

    def _work(self, request: web.BaseRequest) -> None:
        if self._request is request and self.transport is not None:
            self._door.lobby.work(self)

    def stay(self) -> None:
        """Whoever it is was let in, and makes no room for others until its request is over."""
        self._request = None
        self._door.lobby.stay(self)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, or its end; then the connection is idle."""
        if self.after is not None:
            after, self.after = self.after, None
            await after()
            del after
        self._request = None
        if self._watch is not None:
            self._watch.cancel()
        watch = self._watch = Watch(self.transport, self._door.stalled_s) if self.transport is not None else None
        try:
            return await super().finish_response(request, resp, start_time)
        except RuntimeError:
            # asyncio says so where a file is to be sent and the client has just left; aiohttp would log all of it.
            if self.transport is not None and not self.transport.is_closing():
                raise
            raise ConnectionResetError from None
        finally:
            if watch is not None:
                watch.finish()
            if self.transport is not None:
                self._door.make_room(self._door.lobby.rest(self))

    def set_parser(self, parser: Any, *more: Any, **named: Any) -> None:
        """From here on the client speaks WebSocket, and what aiohttp has for HTTP would only take room."""
        self.frames = MaskedOnly(parser)
        super().set_parser(self.frames, *more, **named)  # type: ignore[arg-type]
        for name, value in _HTTP_IS_OVER.items():
            if hasattr(self, name):
                setattr(self, name, value)

    def pause_writing(self) -> None:
        """The client has not read all yet."""
        super().pause_writing()
        if self.socket is not None:
            self.socket.ready(False)

    def resume_writing(self) -> None:
        """Now it has."""
        super().resume_writing()
        if self.socket is not None:
            self.socket.ready(True)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, and what failed outside of any handler. aiohttp's own would log the address."""
        if request.writer.output_size > 0 or isinstance(exc, ConnectionError):
            raise ConnectionError("Nobody takes the answer any more, or it is on its way already.")
        if status < 500:
            self._door.counts.requests_refused[protocol.BAD_MESSAGE.number] += 1
            self._door.fruitless += 1
            response = error_response(protocol.BAD_MESSAGE, _NO_HTTP, status)
        else:
            log.error("A request failed", exc_info=exc)
            response = error_response(protocol.FAULT, "The relay failed to answer; its log says why.", status)
        response.force_close()
        return response


def _let_go(transport: asyncio.BaseTransport) -> None:
    """Break the circle in which asyncio leaves a transport that is lost: it keeps a method of its own.

    Else the garbage collector alone would free what thousands of connections leave, and it looks rarely
    (``relay.machine.collect_rarely``). Where Python keeps no such thing, there is nothing to break.
    """
    getattr(transport, "__dict__", {}).pop("_read_ready_cb", None)


Visitor = _Guest | _Connection
"""Of the doorway, before and after its first request."""


def connection_of(request: web.BaseRequest) -> _Connection:
    """The connection that a request came by."""
    assert isinstance(request.protocol, _Connection)
    return request.protocol


@contextlib.contextmanager
def cancelled_when_gone(request: web.BaseRequest) -> Iterator[None]:
    """Cancel what waits in the ``with`` block as soon as the client is gone, who waits for nothing any more.

    Raises:
        ConnectionResetError: it is gone already.
    """
    connection, task = connection_of(request), asyncio.current_task()
    assert task is not None
    if connection.transport is None:
        raise ConnectionResetError
    connection.on_lost = task.cancel
    try:
        yield
    finally:
        connection.on_lost = None
