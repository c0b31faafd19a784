"""A proxy with TLS that puts a relay below a path, which it takes off on the way, or keeps: as Caddy or nginx may."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.strange import certificate, tls

PREFIX = "/mood"
_HOP = {"connection", "upgrade", "keep-alive", "transfer-encoding", "content-length", "sec-websocket-key",
        "sec-websocket-version", "sec-websocket-extensions"}  # fmt: skip


class PrefixProxy:
    """Answers with what the relay at ``relay`` does; what lies elsewhere than below the path is nothing."""

    def __init__(self, keeps: bool, rewrites_host: bool) -> None:
        """``keeps``: the path. ``rewrites_host``: asks the relay by its own address, as nginx does unasked."""
        self._keeps, self._rewrites_host = keeps, rewrites_host
        self.relay = ""
        self.strays: list[str] = []
        """Paths that were asked for and do not lie below the path."""
        self.port = 0

    @contextlib.asynccontextmanager
    async def serve(self, folder: Path) -> AsyncIterator["PrefixProxy"]:
        """On a port of its own; ``folder``: for its certificate."""
        secured: ssl.SSLContext = tls(await asyncio.to_thread(certificate, folder))
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=secured)
        await site.start()
        self.port = runner.addresses[0][1]
        async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(None)) as self._session:
            yield self
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not (request.raw_path + "/").startswith((f"{PREFIX}/", f"{PREFIX}?")):
            self.strays.append(request.raw_path)
            raise web.HTTPNotFound
        path = request.raw_path if self._keeps else request.raw_path.removeprefix(PREFIX) or "/"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers["X-Forwarded-For"] = request.remote or ""
        if self._rewrites_host:
            del headers["Host"]
        url = self.relay + path
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._join(request, url, headers)
        async with self._session.request(
            request.method, url, headers=headers, data=await request.read(), allow_redirects=False
        ) as found:
            kept = {name: value for name, value in found.headers.items() if name.lower() not in _HOP}
            answer = web.StreamResponse(status=found.status, headers=kept)
            with contextlib.suppress(ConnectionError):  # a page that is left
                await answer.prepare(request)
                async for part in found.content.iter_any():
                    await answer.write(part)
            return answer

    async def _join(self, request: web.Request, url: str, headers: dict[str, str]) -> web.StreamResponse:
        """Two WebSockets, each of which says what the other does."""
        try:
            there = await self._session.ws_connect(url, headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        here = web.WebSocketResponse()
        await here.prepare(request)

        async def carry(
            source: "aiohttp.ClientWebSocketResponse[bool] | web.WebSocketResponse[bool]",
            to: "aiohttp.ClientWebSocketResponse[bool] | web.WebSocketResponse[bool]",
        ) -> None:
            async for frame in source:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    await to.send_str(frame.data)
            await to.close()

        with contextlib.suppress(ConnectionError):
            await asyncio.gather(carry(here, there), carry(there, here))
        return here
