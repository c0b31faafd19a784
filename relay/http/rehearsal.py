"""The request by which a streamer tries the overlay out: a reaction that nobody had, shown as one."""

import math

import msgspec
from aiohttp import web

from relay import protocol
from relay.http.requests import HUB, HTTPError, authorized_body, json_response
from relay.protocol import Expression, Rehearsal, Tap


class _NewRehearsal(msgspec.Struct):
    """Body of ``POST .../rehearsal``."""

    name: Expression | Tap = "heart"


async def rehearse(request: web.Request) -> web.Response:
    """Show it on each overlay of the channel.

    It takes the admin key, unlike a countdown: with the display key, which lies in scene collections, whoever finds it
    could put pictures on a broadcast.
    """
    names = ", ".join(protocol.EXPRESSIONS + protocol.TAPS)
    expected = f'{{}} or {{"name": "..."}}, one of {names}'
    channel, body = await authorized_body(request, "admin", _NewRehearsal, expected)
    answer = request.app[HUB].news.rehearse(channel, body.name)
    if isinstance(answer, Rehearsal):
        return json_response(answer, 201)
    wait = math.ceil(answer)
    raise HTTPError(protocol.TOO_OFTEN, f"Too many test reactions: the next one in {wait} s.", retry_after=wait)
