"""The addresses that give keys out: new channels, and new keys for old ones."""

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import web

from relay import protocol
from relay.access import CHANNELS, HUB, HTTPError, authorize, bearer, json_response
from relay.auth import Right
from relay.gate import GATE

Body = TypeVar("Body", bound=msgspec.Struct)


class NewChannel(msgspec.Struct):
    """Body of ``POST /v1/channels``."""

    channel: str


class NewKey(msgspec.Struct):
    """Body of ``POST /v1/channels/{channel}/keys``."""

    rotate: Right


async def create_channel(request: web.Request) -> web.Response:
    """Make a channel: from this machine, or with the create key, so that nobody else fills the relay with channels."""
    gate = request.app[GATE]
    if not gate.is_local(request):
        if not gate.takes_create_keys:
            text = (
                "Channels are created on the relay's own machine: ask who runs it, or use "
                "`moodcast relay --channel NAME`; a relay with --create-key also creates them from elsewhere."
            )
            raise HTTPError(protocol.FORBIDDEN, text)
        if not gate.may_create(bearer(request, "The relay's create key")):
            raise HTTPError(protocol.WRONG_KEY, "This is not the relay's create key: ask who runs the relay for it.")
    wanted = await _body(request, NewChannel, '{"channel": "NAME"}')
    try:
        keys = await asyncio.to_thread(request.app[CHANNELS].create, wanted.channel)
    except ValueError as error:
        raise HTTPError(protocol.BAD_MESSAGE, str(error)) from None
    except FileExistsError as error:
        raise HTTPError(protocol.CHANNEL_EXISTS, str(error)) from None
    return json_response(keys, 201)


async def rotate(request: web.Request) -> web.Response:
    """Replace a key, and close those who read with the old one."""
    channel = authorize(request, "admin")
    right = (await _body(request, NewKey, '{"rotate": "admin"} or {"rotate": "display"}')).rotate
    key = await asyncio.to_thread(request.app[CHANNELS].rotate, channel, right)
    request.app[HUB].revoke(channel, right)
    return json_response({"channel": channel, f"{right}_key": key})


async def _body(request: web.Request, kind: type[Body], expected: str) -> Body:
    # A web page can't send this content type to another site without being asked first, so it can't use these.
    if request.content_type != "application/json":
        text = f"Expected the content type application/json, not {request.content_type}."
        raise HTTPError(protocol.BAD_MESSAGE, text, 415)
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPError(protocol.BAD_MESSAGE, f"Expected {expected}: {error}.") from None
