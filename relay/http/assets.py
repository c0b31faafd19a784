"""Downloads of the files that a page reads faces with. All together they leave room for the stream."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import BinaryIO

from aiohttp import hdrs, web

from relay import protocol
from relay.assets import Asset, Encoded
from relay.config import RelaySettings
from relay.core import codings
from relay.core.limits import Ledger
from relay.http.accept import cancelled_when_gone
from relay.http.admission import GATE
from relay.http.requests import HUB, HTTPError, json_response, placed
from relay.http.shelf import Shelf
from relay.http.unread import cut_off, limit_kernel
from relay.live.websocket import transport_of

AT_ONCE = 48
"""Downloads of the relay, eight browsers by HTTP/1.1: with more at once, everybody would wait as long as the last. And
..."""
A_HOUSE = 18
"""... of a house: three browsers, which ask for six files at once by HTTP/1.1, or two, which ask for all by HTTP/2."""
COME_BACK_S = 5
_LEAST_PIECE, _MOST_PIECE = 16 * 1024, 256 * 1024
"""Bytes that are sent at once, ..."""
_PIECES_PER_S = 32
"""... about so often."""
_SLOWEST = 4_000
"""Bytes a second that a client takes of what is sent to it, ..."""
_PATIENCE_S = 30.0
"""... but for so long in all."""
_FOR_GOOD = "public, max-age=31536000, immutable"
"""An address has its file's sum in it, so what is there never changes."""


class Downloads:
    """The places for downloads, and the rate that they share."""

    def __init__(self, shelf: Shelf, settings: RelaySettings, ledger: Ledger) -> None:
        self.shelf, self.elsewhere = shelf, settings.assets_url
        self._all, self._houses = ledger.places("downloads", AT_ONCE), ledger.places("downloads of a house", A_HOUSE)
        rate = 1e6 * settings.asset_rate
        self._uplink, self._turn = ledger.uplink(rate) if rate else None, asyncio.Lock()
        self._piece = min(_MOST_PIECE, max(_LEAST_PIECE, int(rate / _PIECES_PER_S))) if rate else _MOST_PIECE

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For aiohttp's ``cleanup_ctx``."""
        async with self.shelf.kept():
            yield

    def place(self, house: str | None) -> contextlib.AbstractContextManager[None]:
        """Room for a download.

        Raises:
            HTTPError: there is none.
        """
        return placed(
            COME_BACK_S,
            (self._houses, house, f"Your network takes {A_HOUSE} files at once"),
            (self._all, "all", f"{AT_ONCE} files are being taken from this relay"),
        )

    async def pieces(self, file: BinaryIO, is_limited: bool) -> AsyncIterator[bytes]:
        """A file in parts, each when it is its turn."""
        uplink = self._uplink if is_limited else None
        size = self._piece if uplink else _MOST_PIECE
        while piece := await self.shelf.run(lambda: file.read(size)):
            if uplink:
                async with self._turn:  # who has sent a piece asks for the next one behind all others
                    await asyncio.sleep(uplink.wait_s(time.monotonic()))
                    uplink.take(len(piece), time.monotonic())
            yield piece


DOWNLOADS = web.AppKey("downloads", Downloads)


async def about(request: web.Request) -> web.Response:
    """What there is to load, and what it costs whoever asks."""
    downloads = request.app[DOWNLOADS]
    shelf = downloads.shelf
    if shelf.state != "ready":
        await shelf.look_again()
    files = list(shelf.files.values())
    accepted = request.headers.get(hdrs.ACCEPT_ENCODING, "")
    return json_response(
        {
            "state": shelf.state,
            "advice": shelf.advice if shelf.state == "missing" else "",
            "raw": sum(asset.size for asset in files),
            "transfer": sum(_chosen(asset, accepted)[1].size for asset in files),
            "files": {
                asset.called: {"url": _url(asset, downloads.elsewhere), "sha256": asset.sha256, "bytes": asset.size}
                for asset in files
            },
        }
    )


async def licences(request: web.Request) -> web.StreamResponse:
    """Under which licences others made the files, which come without."""
    path = request.app[DOWNLOADS].shelf.licences
    if path is None:
        raise _gone()
    return web.FileResponse(path)


def _url(asset: Asset, elsewhere: str) -> str:
    """Where a page gets a file, as seen from the address of ``about``. Scripts come from the relay alone."""
    return f"../assets/{asset.place}" if asset.is_script or not elsewhere else f"{elsewhere}/{asset.place}"


def _chosen(asset: Asset, accepted: str) -> tuple[str, Encoded]:
    """The coding in which a client gets a file, of those that it accepts the smallest."""
    usable = codings.accepted(accepted, asset.codings)
    coding = min(usable, key=lambda name: asset.codings[name].size)
    return coding, asset.codings[coding]


async def download(request: web.Request) -> web.StreamResponse:
    """One of the files."""
    downloads = request.app[DOWNLOADS]
    asset = downloads.shelf.files.get(f"{request.match_info['sum']}/{request.match_info['name']}")
    if asset is None:
        raise _gone()
    house = request.app[GATE].house(request)
    coding, encoded = _chosen(asset, request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    with downloads.place(house), cancelled_when_gone(request):
        try:
            file = await downloads.shelf.run(lambda: _open(encoded))
        except OSError:
            await downloads.shelf.look_again()
            raise _gone() from None
        with file:
            headers: dict[str, str] = {
                hdrs.CONTENT_TYPE: asset.type,
                hdrs.CONTENT_LENGTH: str(encoded.size),
                hdrs.CACHE_CONTROL: _FOR_GOOD,
                hdrs.VARY: hdrs.ACCEPT_ENCODING,
            }
            if coding != codings.IDENTITY:
                headers[hdrs.CONTENT_ENCODING] = coding
            return await _send(request, headers, downloads.pieces(file, house is not None), encoded.size)


def _gone() -> HTTPError:
    return HTTPError(protocol.NOT_FOUND, "This relay has no such file, or no more: look at /v1/assets.")


def _open(encoded: Encoded) -> BinaryIO:
    """The file as it was found.

    Raises:
        OSError: it is gone, or another one.
    """
    file = encoded.path.open("rb")
    if file.seek(0, 2) != encoded.size:
        file.close()
        raise FileNotFoundError
    file.seek(0)
    return file


async def _send(
    request: web.Request, headers: dict[str, str], pieces: AsyncIterator[bytes], size: int
) -> web.StreamResponse:
    """An answer that is sent as fast as its pieces come and the client takes them; too slow a client is cut off."""
    response = web.StreamResponse(headers=headers)
    writer = await response.prepare(request)
    assert writer is not None
    if request.method == hdrs.METH_HEAD:  # aiohttp would let a body through, as the next answer
        return response
    transport = transport_of(request)
    transport.set_write_buffer_limits(high=0)
    stalled, later = request.app[HUB].limits.stalled, asyncio.get_running_loop().call_later
    limit_kernel(transport, stalled)
    sent, waited = 0, 0.0
    try:
        async for piece in pieces:
            began, timer = time.monotonic(), later(stalled, cut_off, transport)
            try:
                await response.write(piece)
                await writer.drain()
            finally:
                timer.cancel()
            sent, waited = sent + len(piece), waited + time.monotonic() - began
            if waited > _PATIENCE_S + sent / _SLOWEST:
                raise ConnectionResetError
        if sent < size:  # it was cut while it was read
            raise ConnectionResetError
    except BaseException:
        cut_off(transport)  # so that the client sees that it does not have the whole
        raise
    return response
