"""One file by HTTP, which goes on where it was cut. Whether it is the right one, its sha256 tells."""

import contextlib
import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

_TIMEOUT_S = 20
"""So long a server may say nothing."""
_CHUNK = 1 << 16
_AHEAD = 16
"""So many chunks are taken before the first of them is written."""
_LOOK_S = 0.1
_END_S = 0.5
"""For a connection to be closed, where its server is not silent."""
_CUTS = 5
"""So often a download is taken up again in one go, and only as long as something comes each time."""
_SLACK = 0.01
"""By so much more than registered a file may have: some sizes there are rounded."""


class CutError(OSError):
    """The connection ended before the file did. What has come is kept."""


class StoppedError(Exception):
    """Whoever wanted the file wants it no more. What has come is kept."""


def download(
    url: str, part: Path, size: int, tell: Callable[[int], None], stop: threading.Event, anywhere: bool = False
) -> bool:
    """Bring ``part``, which may have the beginning already, to its end; returns whether it had.

    A server that knows no ranges, or has less, sends all anew. One that never stops is left once the file is longer
    than ``size`` bytes. ``tell`` gets the bytes that are here. ``anywhere``: whoever set up that server chose it, so it
    may send on to another host.

    Raises:
        CutError: the connection ended too early, again and again.
        OSError: the server can't be reached or has no such file, or ``part`` can't be written.
        StoppedError: ``stop`` is set.
    """
    begun = _length(part)
    for last in [False] * _CUTS + [True]:
        before = _length(part)
        try:
            _go_on(_Listener(url, _length(part), anywhere), part, int(size * (1 + _SLACK)), tell, stop)
        except CutError:
            if last or _length(part) <= before:
                raise
        else:
            return begun > 0
    raise AssertionError("the last try either ends or raises")


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _go_on(listener: "_Listener", part: Path, most: int, tell: Callable[[int], None], stop: threading.Event) -> None:
    with contextlib.closing(listener) as server:
        begun, end = server.head(stop)
        with part.open("r+b" if begun else "wb") as file:
            file.seek(begun)
            tell(begun)
            while file.tell() <= most and (chunk := server.chunk(stop)):
                file.write(chunk)
                tell(file.tell())
            if end is not None and file.tell() < min(begun + end, most):
                raise CutError("the connection was cut")


_Head = tuple[int, int | None]
"""Where in the file an answer begins, and how many bytes come, where the server says it."""
_Came = _Head | bytes | Exception


class _Listener:
    """A thread that waits for the server, since whoever may stop the download can't wait for one that says nothing.

    A look-up of its name, a connection and a silence can't be broken off; the thread is left to its end, and writes
    nothing.
    """

    def __init__(self, url: str, begun: int, anywhere: bool) -> None:
        self._came: queue.Queue[_Came] = queue.Queue(_AHEAD)
        self._is_left = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(url, begun, anywhere), name="download", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Nobody waits for more."""
        self._is_left.set()
        with contextlib.suppress(queue.Empty):  # it may wait until there is room for what it has
            while True:
                self._came.get_nowait()
        self._thread.join(_END_S)

    def head(self, stop: threading.Event) -> _Head:
        """What comes first; raises as ``chunk``."""
        head = self._next(stop)
        assert isinstance(head, tuple)
        return head

    def chunk(self, stop: threading.Event) -> bytes:
        """What comes next; empty at the end.

        Raises:
            OSError: what ``_ask`` and ``_read`` raise, or it is no web server.
            StoppedError: ``stop`` is set.
        """
        chunk = self._next(stop)
        assert isinstance(chunk, bytes)
        return chunk

    def _next(self, stop: threading.Event) -> _Head | bytes:
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                came = self._came.get(timeout=_LOOK_S)
                if not isinstance(came, Exception):
                    return came
                try:
                    raise came
                finally:
                    del came  # else it holds itself, and with it a connection
        raise StoppedError

    def _listen(self, url: str, begun: int, anywhere: bool) -> None:
        try:
            with _ask(url, begun, _StillEncrypted if anywhere else _SameHost) as response:
                is_rest = response.status == http.HTTPStatus.PARTIAL_CONTENT
                self._put((begun if is_rest else 0, response.length))
                while self._put(chunk := _read(response)) and chunk:
                    pass
        except (http.client.HTTPException, ValueError) as error:  # ValueError: it redirects to what is no address
            self._put(OSError(f"it does not answer as a web server does ({type(error).__name__}: {error})"))
        except Exception as error:  # the one who waits raises it
            self._put(error)

    def _put(self, came: _Came) -> bool:
        """Whether somebody may still want it."""
        if not self._is_left.is_set():
            self._came.put(came)
        return not self._is_left.is_set()


def _ask(url: str, begun: int, redirects: type[urllib.request.HTTPRedirectHandler]) -> HTTPResponse:
    """The answer with the rest of the file, or all of it where the server has no such rest."""
    opener = urllib.request.build_opener(redirects)
    if begun:
        request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"})  # noqa: S310  # of our registry
        try:
            response: HTTPResponse = opener.open(request, timeout=_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            error.close()
        else:
            whole = response.status != http.HTTPStatus.PARTIAL_CONTENT
            if whole or response.headers.get("Content-Range", "").startswith(f"bytes {begun}-"):
                return response
            response.close()  # another part than was asked for
    whole_file: HTTPResponse = opener.open(url, timeout=_TIMEOUT_S)
    return whole_file


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (http.client.IncompleteRead, ConnectionError) as error:
        raise CutError("the connection was cut") from error
    except TimeoutError as error:
        raise CutError(f"the server sent nothing for {_TIMEOUT_S} seconds") from error


class _StillEncrypted(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but none from https to http.

    Others on the way would see and could change what is fetched. (The checksum would notice the change; who is watched
    and kept from the file would not.)
    """

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https://"):
            raise urllib.error.URLError(f"it redirects from https to {newurl.partition(':')[0]}, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _SameHost(_StillEncrypted):
    """And none to another host, since who agreed was told this one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if (host := urlsplit(newurl).hostname) != urlsplit(req.full_url).hostname:
            raise urllib.error.URLError(f"it redirects to another host, {host}, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
