"""Who may read what: the keys of HTTP requests, and the errors that answer them."""

import asyncio
import contextlib
from collections.abc import Hashable, Iterator
from typing import Any, TypeVar

import msgspec
from aiohttp import hdrs, web

from relay import protocol
from relay.common.deadline import within
from relay.core.limits import Places
from relay.live.hub import Hub
from relay.protocol import Code
from relay.store.channels import Channels, Right
from relay.store.history import History

CHANNELS = web.AppKey("channels", Channels)
HUB = web.AppKey("hub", Hub)
HISTORY = web.AppKey("history", History)

Body = TypeVar("Body", bound=msgspec.Struct)


class HTTPError(Exception):
    """Ends a request, or a WebSocket, with a code of the contract.

    ``retry_after``: a hint in seconds, for codes that say retry. HTTP tells whole ones.
    """

    def __init__(self, code: Code, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.code = code
        self.status = status or code.http_status


def full(what: str, come_back_s: int) -> HTTPError:
    """The answer to who finds no room."""
    return HTTPError(protocol.FULL, f"{what}: come back in {come_back_s} seconds.", retry_after=come_back_s)


@contextlib.contextmanager
def placed(come_back_s: int, *wanted: tuple[Places, Hashable | None, str]) -> Iterator[None]:
    """A place in each of these groups, which come with the words for who finds none.

    Raises:
        HTTPError: one of them is full.
    """
    with contextlib.ExitStack() as held:
        for places, group, words in wanted:
            if not places.take(group):
                raise full(words, come_back_s)
            held.callback(places.free, group)
        yield


def authorize(request: web.Request, needed: Right = "display") -> str:
    """The channel of a request that carries its key.

    Raises:
        HTTPError: no such channel, or no key, or the wrong one, or the display key where the admin key is needed.
    """
    return rights(request, needed)[0]


def rights(request: web.Request, needed: Right = "display") -> tuple[str, Right]:
    """As ``authorize``, with what the key may do."""
    channel = existing_channel(request)
    right = request.app[CHANNELS].right(channel, bearer(request, f"The channel's {needed} key"))
    if right is None:
        raise HTTPError(protocol.WRONG_KEY, wrong_key(channel, needed))
    if needed == "admin" and right != "admin":
        text = f"The display key can't do this: use the admin key of {channel!r}, shown when the channel was made."
        raise HTTPError(protocol.FORBIDDEN, text)
    return channel, right


def existing_channel(request: web.Request) -> str:
    """The channel in the request's path.

    Raises:
        HTTPError: there is none of this name.
    """
    channel = request.match_info["channel"]
    if channel not in request.app[CHANNELS]:
        raise HTTPError(protocol.UNKNOWN_CHANNEL, unknown_channel(channel))
    return channel


def bearer(request: web.Request, what: str) -> str:
    """The key of the Authorization header; ``what`` begins the sentence that misses it.

    Raises:
        HTTPError: there is none.
    """
    if not (key := given_key(request)):
        raise HTTPError(protocol.WRONG_KEY, f"{what} is missing: send the header `Authorization: Bearer KEY`.")
    return key


def given_key(request: web.Request) -> str:
    """The key of the Authorization header; empty where there is none."""
    scheme, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def json_response(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=protocol.encode(body), status=status, content_type="application/json", charset="utf-8")


def error_response(code: Code, message: str, status: int) -> web.Response:
    """An error of the contract. ``status``: of HTTP, where it is another than the code's own."""
    headers = {hdrs.WWW_AUTHENTICATE: "Bearer"} if status == 401 else None
    body = error_body(code, message)
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8", headers=headers)


def error_body(code: Code, message: str) -> bytes:
    """The JSON of an error. A sentence may repeat a header, whose bytes need not be text."""
    message = message.encode(errors="backslashreplace").decode()
    return protocol.encode({"error": {"code": code.number, "name": code.name, "message": message}})


def named_type(request: web.Request) -> str:
    """The content type that the request names, at most 100 characters of it; empty where it names none.

    aiohttp would suppose one there, and where it can't read what is named.
    """
    return request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()[:100]


async def json_body(request: web.Request, kind: type[Body], expected: str) -> Body:
    """The JSON of a request. ``expected`` shows what it should look like, for the error that says it does not.

    Raises:
        HTTPError: the body is of another type or form, or does not come.
    """
    # A web page can't send this content type to another site without being asked first, so it can't use these.
    if (given := named_type(request)) != "application/json":
        text = f"Expected the content type application/json, not {given or 'none'}."
        raise HTTPError(protocol.BAD_MESSAGE, text, 415)
    limit = request.app[HUB].limits.request
    try:
        return msgspec.json.decode(await within(limit, request.read()), type=kind)
    except asyncio.TimeoutError:
        raise HTTPError(
            protocol.NO_HELLO, f"The request did not come within {limit:g} seconds: send it at once."
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPError(protocol.BAD_MESSAGE, f"Expected {expected}: {error}.") from None


async def authorized_body(request: web.Request, needed: Right, kind: type[Body], expected: str) -> tuple[str, Body]:
    """The channel and the JSON of a request that carries the channel's key, as ``authorize`` and ``json_body``.

    A body may take its time, and a key that was replaced meanwhile opens nothing any more.
    """
    authorize(request, needed)
    body = await json_body(request, kind, expected)
    return authorize(request, needed), body


def refuse_while_draining(request: web.Request) -> None:
    """Let nobody in any more.

    Raises:
        HTTPError: the relay says goodbye to its clients.
    """
    come_back_s = request.app[HUB].come_back_s
    if come_back_s is not None:
        raise HTTPError(protocol.SHUTTING_DOWN, shutting_down(), retry_after=come_back_s)


def shutting_down() -> str:
    return "The relay stops or restarts, and takes nobody new: come back in a moment."


def unknown_channel(channel: str) -> str:
    return f"There is no channel {channel!r} on this relay: check the name, or have the streamer create it."


def no_ticket(channel: str) -> str:
    return (
        f"The channel {channel!r} takes viewers with a ticket only: ask /v1/channels/{channel}/tickets for one, "
        "as newer agents do by themselves."
    )


def wrong_key(channel: str, needed: Right = "display") -> str:
    return f"This key does not open the channel {channel!r}: use the {needed} key shown when the channel was made."
