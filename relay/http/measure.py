"""Requests about the viewers' delay: start a countdown, and see what it has measured."""

import math
import time
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from relay import protocol
from relay.core.countdown import USUAL_S
from relay.http.requests import HUB, HTTPError, authorize, authorized_body, json_response
from relay.protocol import LONGEST_COUNTDOWN_S, SHORTEST_COUNTDOWN_S


class _NewCountdown(msgspec.Struct):
    """Body of ``POST .../countdown``."""

    seconds: Annotated[int, Meta(ge=SHORTEST_COUNTDOWN_S, le=LONGEST_COUNTDOWN_S)] = USUAL_S


async def start(request: web.Request) -> web.Response:
    """Count down to zero on the broadcast.

    The display key is enough, since OBS has no other, and should not: its scene collections are given away. Who
    finds that key can show a countdown every few minutes, until it is replaced; nothing is read or lost by it.
    """
    expected = f'{{}} or {{"seconds": {SHORTEST_COUNTDOWN_S} to {LONGEST_COUNTDOWN_S}}}'
    channel, body = await authorized_body(request, "display", _NewCountdown, expected)
    hub = request.app[HUB]
    if event := hub.countdowns.start(channel, body.seconds):
        return json_response(event, 201)
    last = hub.countdowns.last(channel)
    wait = math.ceil(last.open_s(time.monotonic())) if last else 0
    text = f"Viewers with a long delay may still answer to the last countdown: start the next one in {wait} seconds."
    raise HTTPError(protocol.COUNTING, text, retry_after=wait)


async def result(request: web.Request) -> web.Response:
    """What the last countdown has measured so far."""
    return json_response(request.app[HUB].countdowns.result(authorize(request)))
