"""Who may read what: the keys of HTTP requests, and the errors that answer them."""

from typing import Any, Literal

from aiohttp import hdrs, web

from relay import protocol
from relay.auth import Channels
from relay.history import History
from relay.hub import Hub
from relay.protocol import Code

CHANNELS = web.AppKey("channels", Channels)
HUB = web.AppKey("hub", Hub)
HISTORY = web.AppKey("history", History)


class HTTPError(Exception):
    """Ends a request with a code of the contract."""

    def __init__(self, code: Code, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status or code.http_status


def authorize(request: web.Request, needed: Literal["admin", "display"] = "display") -> str:
    """The channel of a request that carries its key.

    Raises:
        HTTPError: no such channel, or no key, or the wrong one, or the display key where the admin key is needed.
    """
    channel = request.match_info["channel"]
    if channel not in request.app[CHANNELS]:
        raise HTTPError(protocol.UNKNOWN_CHANNEL, unknown_channel(channel))
    scheme, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise HTTPError(
            protocol.WRONG_KEY, "The channel's display key is missing: send the header `Authorization: Bearer KEY`."
        )
    if not request.app[CHANNELS].may_read(channel, key.strip()):
        raise HTTPError(protocol.WRONG_KEY, wrong_key(channel))
    if needed == "admin" and not request.app[CHANNELS].may_change(channel, key.strip()):
        text = f"The display key only reads: this needs the admin key of {channel!r}, shown when the channel was made."
        raise HTTPError(protocol.FORBIDDEN, text)
    return channel


def json_response(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=protocol.encode(body), status=status, content_type="application/json", charset="utf-8")


def unknown_channel(channel: str) -> str:
    return f"There is no channel {channel!r} on this relay: check the name, or have the streamer create it."


def wrong_key(channel: str) -> str:
    return f"This key does not open the channel {channel!r}: use the display key shown when the channel was made."
