"""Servers that are no relay, or a broken one: what each connection gets, and how often it asked."""

import asyncio
import contextlib
import random
from types import TracebackType

_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_CUT = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\n"
_DEEP = b"[" * 60_000
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\5\0\0\0\2\xd0"  # of 1280 x 720 pixels, so it says


def _event(kind: bytes, data: bytes) -> bytes:
    return b"event: " + kind + b"\ndata: " + data + b"\n\n"


def _mood(fields: bytes) -> bytes:
    return _event(b"mood", b'{"type":"mood","seq":1,"time":1,' + fields + b"}")


def _refusal(body: bytes, head: bytes = b"503 Busy") -> bytes:
    return b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


ONCE: dict[str, bytes] = {
    "nothing": b"",
    "random bytes": random.Random(1).randbytes(20_000),
    "a line without an end": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 200_000,
    "a status that is no number": b"HTTP/1.1 2o0 OK\r\n\r\n",
    "NUL bytes": b"\0" * 10_000,
    "NUL bytes in a refusal": _refusal(b'{"error":{"code":4429,"message":"wait\\u0000<b>now</b>\\u202e"}}'),
    "a refusal that never ends a word": _refusal(b'{"error":{"code":1e400,"message":"' + b"x" * 100_000 + b'"}}'),
    "a refusal deeper than any": _refusal(_DEEP),
    "a wait without end": b"HTTP/1.1 503 Busy\r\nRetry-After: 1e-400\r\nContent-Length: 0\r\n\r\n",
    "a body that is cut": _CUT + b"data",
    "chunks that are none": _CHUNKED + b"zz",
    "a picture that is none": b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 24\r\n\r\n" + _PNG,
    "wrong JSON": _STREAM
    + _event(b"mood", b"{")
    + _event(b"mood", b"null")
    + _event(b"mood", _DEEP)
    + _event(b"mood", b"9" * 60_000)
    + _event(b"\xff\xfe", b"\xff")
    + _mood(b'"viewers":NaN')
    + _mood(b'"viewers":1e999,"sharing":{},"counts":"x"')
    + _mood(b'"viewers":"<b>\\u0000","sharing":-1,"min_viewers":[],"visible":1,"counts":null,"crowd":{}'),
    "messages of other kinds": _STREAM
    + _event(b"mood", b'{"type":"bye"}')
    + _event(b"future", b'{"type":"future"}') * 99,
    "a bye of NUL bytes": _STREAM
    + _event(b"bye", b'{"type":"bye","code":{},"message":"\\u0000\\u0007","retry_after_s":"0"}'),
    "reactions without sense": _STREAM
    + _event(b"reaction", b'{"type":"reaction","name":"\\u0000","strength":[]}') * 500,
}  # fmt: skip
"""What is sent and ended; by what it is."""

ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 1000),
    "a hundred continues": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "an event without end": (_STREAM + b"data: ", b"x" * 60_000),
    "an event of endless lines": (_STREAM, b"data: x\n" * 8_000),
    "line ends without end": (_STREAM, b"\r\r\n\n" * 10_000),
    "moods without end": (_STREAM, _mood(b'"viewers":1') * 500),
}
"""What is sent once, and what again and again until enough was sent."""

TLS_ALERT = {"a TLS server's answer to what is no TLS": b"\x15\x03\x01\x00\x02\x02\x46"}

_ENDLESS_BYTES = 4 << 20


class GarbageServer:
    """``async with GarbageServer(port) as server``: each connection gets the next of all there is, in turn.

    ``asked`` counts the connections by what they asked for ("mood", "overlay.png", ...).

    Args:
        once: what is sent and ended.
        endless: what is sent once, and what after it again and again.
    """

    def __init__(
        self, port: int, once: dict[str, bytes] = ONCE, endless: dict[str, tuple[bytes, bytes]] = ENDLESS
    ) -> None:
        self.port = port
        self._answers = [*((answer, b"") for answer in once.values()), *endless.values()]
        self.asked: dict[str, int] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "GarbageServer":
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def rounds(self) -> int:
        """How often everything was sent to who asked for events."""
        return self.asked.get("mood", 0) // len(self._answers)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError, asyncio.TimeoutError):
            line = (await asyncio.wait_for(reader.readline(), 10)).split(b" ")
            what = line[1].partition(b"?")[0].rpartition(b"/")[2].decode("latin-1") if len(line) > 1 else ""
            turn = self.asked.get(what, 0)
            self.asked[what] = turn + 1
            first, again = self._answers[turn % len(self._answers)]
            writer.write(first)
            await writer.drain()
            for _ in range(_ENDLESS_BYTES // len(again) if again else 0):
                writer.write(again)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
