"""What a channel tells of itself: whether everybody sees it in the list of channels, and its viewers each other."""

import asyncio
import heapq
import math
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from relay import protocol
from relay.core.limits import Ledger
from relay.core.notice import notice_of
from relay.http.admission import GATE
from relay.http.requests import (
    CHANNELS,
    HUB,
    HTTPError,
    authorize,
    authorized_body,
    json_response,
    unknown_channel,
)

MOST_CHANNELS = 200
VIEWERS_STEP = 5
"""The list rounds down to multiples of this: it changes with a crowd, and not with each who comes or goes."""
KEPT_S = 3.0
"""What is counted is counted again after so long, however many ask."""
_LISTS_PER_S, _LISTS_AT_ONCE = 0.5, 30.0
"""For one house."""


class _Opening(msgspec.Struct):
    """Body of ``PATCH /v1/channels/{channel}``."""

    listed: bool | UnsetType = UNSET
    grid: bool | UnsetType = UNSET
    cameras: bool | UnsetType = UNSET
    notice: str | UnsetType = UNSET


class Counted(NamedTuple):
    """A listed channel."""

    name: str
    viewers: int
    """On all nodes, rounded down."""


def most_viewed(names: Iterable[str], viewers: Callable[[str], int]) -> list[Counted]:
    """The ``MOST_CHANNELS`` channels with the most ``viewers``, those first; of the same rounded number by name."""
    found = heapq.nsmallest(MOST_CHANNELS, ((-(viewers(name) // VIEWERS_STEP), name) for name in names))
    return [Counted(name, -fives * VIEWERS_STEP) for fives, name in found]


class ChannelList:
    """The list of channels as it was counted last, and how often a house may ask for it."""

    def __init__(self, ledger: Ledger) -> None:
        self.rates = ledger.rates("lists", _LISTS_PER_S, _LISTS_AT_ONCE)
        self._counted: list[Counted] = []
        self._counted_at = -math.inf

    def counted(self, now: float, count: Callable[[], list[Counted]]) -> list[Counted]:
        """What ``count`` returned within the last ``KEPT_S``; ``now``: of a steady clock."""
        if now - self._counted_at >= KEPT_S:
            self._counted, self._counted_at = count(), now
        return self._counted


CHANNEL_LIST = web.AppKey("listing", ChannelList)


async def channels(request: web.Request) -> web.Response:
    """The listed channels. Nothing here looks at others, so that neither answer nor time tells of them."""
    gate, listing = request.app[GATE], request.app[CHANNEL_LIST]
    known, members = request.app[CHANNELS], request.app[HUB].members
    now = time.monotonic()
    if wait := listing.rates.spend(gate.house(request), now):
        text = (
            f"The list of channels was asked for too often from your network: ask again in {math.ceil(wait)} seconds."
        )
        raise HTTPError(protocol.TOO_OFTEN, text, retry_after=wait)
    found = listing.counted(now, lambda: most_viewed(known.listed(), members.viewers))
    rows = [
        {"name": one.name, "viewers": one.viewers, "password": known.has_password(one.name)}
        for one in found
        if known.is_listed(one.name)  # at this moment, whatever was when they were counted
    ]
    return json_response({"channels": rows, "may_create": gate.is_local(request)})


async def about(request: web.Request) -> web.Response:
    """What the admin has set."""
    return _answer(request, authorize(request, "admin"))


async def change(request: web.Request) -> web.Response:
    """List the channel or not, allow the grid or not, cameras or not, and say something to who thinks of joining."""
    expected = '{"listed": true}, {"grid": true}, {"cameras": false}, {"notice": "TEXT"} or several'
    channel, body = await authorized_body(request, "admin", _Opening, expected)
    wanted = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    if body.notice is not UNSET:
        try:
            wanted["notice"] = notice_of(body.notice)
        except ValueError as error:
            raise HTTPError(protocol.BAD_MESSAGE, str(error)) from None
    try:
        await asyncio.to_thread(partial(request.app[CHANNELS].open_up, channel, **wanted))
    except KeyError:  # it was deleted just now
        raise HTTPError(protocol.UNKNOWN_CHANNEL, unknown_channel(channel)) from None
    request.app[HUB].members.follow_cameras(channel)
    return _answer(request, channel)


def _answer(request: web.Request, channel: str) -> web.Response:
    known = request.app[CHANNELS]
    return json_response(
        {
            "channel": channel,
            "listed": known.is_listed(channel),
            "grid": bool(known.grid(channel)),
            "cameras": known.cameras(channel),
            "notice": known.notice(channel),
            "password": known.has_password(channel),
        }
    )
