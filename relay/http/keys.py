"""The addresses that let people in: new channels, new keys for old ones, join passwords, tickets."""

import asyncio
import math
import time
from typing import Annotated

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from relay import protocol
from relay.common import discreet
from relay.common.invitation import MAX_PASSWORD
from relay.http.accept import cancelled_when_gone
from relay.http.admission import COME_BACK_S, GATE
from relay.http.guesses import CrowdedError
from relay.http.requests import (
    CHANNELS,
    HUB,
    HTTPError,
    authorize,
    authorized_body,
    existing_channel,
    json_body,
    json_response,
    refuse_while_draining,
    wrong_key,
)
from relay.store.channels import Right

_GUESS_COST = 20.0
"""Tickets that a wrong password costs its house: six guesses at once, then one in twenty seconds."""


_TOLD = ("min_viewers", "crowd", "grid", "cameras", "notice", "via")
"""Of the channel's ``welcome``, with a ticket already: what viewers have to know before they agree to join."""


class _NewChannel(msgspec.Struct):
    """Body of ``POST /v1/channels``."""

    channel: str


class _NewKey(msgspec.Struct):
    """Body of ``POST /v1/channels/{channel}/keys``."""

    rotate: Right


class Password(msgspec.Struct):
    """Body of ``PUT /v1/channels/{channel}/password``."""

    __repr__ = discreet.shown

    password: Annotated[str, Meta(max_length=MAX_PASSWORD)] = ""


class _WantedTicket(Password):
    """Body of ``POST /v1/channels/{channel}/tickets``."""

    role: protocol.Role = "viewer"


async def create_channel(request: web.Request) -> web.Response:
    """Make a channel: from this machine, or with the create key, so that nobody else fills the relay with channels."""
    elsewhere = (
        "Channels are created on the relay's own machine, where no proxy or name is declared (--proxies, --hosts): ask "
        "who runs it, or use `moodcast relay --channel NAME`. With --create-key they are also created from elsewhere."
    )
    request.app[GATE].require_owner(request, "create", elsewhere)
    wanted = await json_body(request, _NewChannel, '{"channel": "NAME"}')
    try:
        keys = await asyncio.to_thread(request.app[CHANNELS].create, wanted.channel)
    except ValueError as error:
        raise HTTPError(protocol.BAD_MESSAGE, str(error)) from None
    except FileExistsError as error:
        raise HTTPError(protocol.CHANNEL_EXISTS, str(error)) from None
    return json_response(keys, 201)


async def rotate(request: web.Request) -> web.Response:
    """Replace a key, and close those who read with the old one."""
    expected = '{"rotate": "admin"} or {"rotate": "display"}'
    channel, body = await authorized_body(request, "admin", _NewKey, expected)
    channels, right = request.app[CHANNELS], body.rotate
    try:
        key = await asyncio.to_thread(channels.rotate, channel, right, channels.seal(channel))
    except PermissionError:
        raise HTTPError(protocol.WRONG_KEY, wrong_key(channel, "admin")) from None
    request.app[HUB].members.revoke(channel, right)
    return json_response({"channel": channel, f"{right}_key": key})


async def set_password(request: web.Request) -> web.Response:
    """Ask viewers for a password from now on, or no more. Those inside stay."""
    channel, body = await authorized_body(request, "admin", Password, '{"password": "TEXT"}')
    await asyncio.to_thread(request.app[CHANNELS].set_password, channel, body.password)
    return json_response({"channel": channel, "password": bool(body.password)})


async def preflight(request: web.Request) -> web.Response:
    """What a browser asks before a page of another site may ask for a ticket (CORS)."""
    allowed = {hdrs.ACCESS_CONTROL_ALLOW_METHODS: "POST", hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "content-type"}
    return web.Response(status=204, headers={**allowed, hdrs.ACCESS_CONTROL_MAX_AGE: "600"})


async def issue_ticket(request: web.Request) -> web.Response:
    """Let a viewer in: with the join password where there is one, and not too often for one house. Or the streamer."""
    gate, channels, counts = request.app[GATE], request.app[CHANNELS], request.app[HUB].counts
    tickets = gate.tickets
    try:
        refuse_while_draining(request)
        channel = existing_channel(request)
        wanted = await json_body(request, _WantedTicket, '{}, {"password": "TEXT"} or {"role": "streamer"}')
        if wanted.role == "streamer":
            authorize(request, "admin")
            ticket = tickets.issue_to_streamer(channel, channels.seal(channel))
        else:
            gate.require_place(request)
            await _admit(request, channel, wanted.password)
            ticket = tickets.issue(channel)
    except HTTPError as error:
        counts.tickets_refused[error.code.number] += 1
        raise
    counts.tickets_issued += 1
    welcome = request.app[HUB].members.welcome(channel, gate.reader(request))
    told = {name: getattr(welcome, name) for name in _TOLD}
    return json_response({"ticket": ticket, "expires_in_s": tickets.ttl, "role": wanted.role, **told}, 201)


async def _admit(request: web.Request, channel: str, password: str) -> None:
    """Let a viewer of the channel have a ticket; raises an HTTPError where it may not."""
    if not request.app[CHANNELS].has_password(channel):
        pay(request, 1.0)
    elif not await is_password(request, channel, password):
        text = f"The channel {channel!r} has a join password, and this is not it: ask the streamer."
        raise HTTPError(protocol.WRONG_PASSWORD, text)


def pay(request: web.Request, cost: float) -> None:
    """Take so many tickets' worth of what the client's house may ask for.

    Raises:
        HTTPError: it has asked for too much.
    """
    gate = request.app[GATE]
    if wait := gate.ticket_rates.spend(gate.house(request), time.monotonic(), cost):
        text = f"Too many tickets, or wrong passwords, for your network: ask again in {math.ceil(wait)} seconds."
        raise HTTPError(protocol.TOO_OFTEN, text, retry_after=math.ceil(wait))


async def is_password(request: web.Request, channel: str, password: str) -> bool:
    """Whether it is the join password of a channel that has one. A right one or none costs a ticket, a wrong one 20.

    Raises:
        HTTPError: the client's house has guessed too often, or too many guess now.
    """
    if not password:  # no channel has that one; agents ask whether there is one before they look for it
        pay(request, 1.0)
        return False
    gate, house = request.app[GATE], request.app[GATE].house(request)
    # A guess is paid for before it is checked, so that many at once don't get through.
    doubtful = gate.ticket_rates.spent(house, time.monotonic()) >= _GUESS_COST
    pay(request, _GUESS_COST)
    right = request.app[CHANNELS].proven(channel, password)
    if right is None:
        right = await _check(request, channel, house, password, doubtful)
    if right:
        gate.ticket_rates.spend(house, time.monotonic(), 1.0 - _GUESS_COST)
    return right


async def _check(request: web.Request, channel: str, house: str | None, password: str, doubtful: bool) -> bool:
    """Whether the password is right, which takes the relay some 50 ms of work: one after the other, in a fair order."""
    gate = request.app[GATE]
    try:
        with cancelled_when_gone(request):
            await gate.guesses.take(channel, house, doubtful)
    except CrowdedError:
        gate.ticket_rates.spend(house, time.monotonic(), 1.0 - _GUESS_COST)  # it was not looked at
        text = f"Many give a password for {channel!r} now: ask again in {COME_BACK_S} seconds."
        raise HTTPError(protocol.TOO_OFTEN, text, retry_after=COME_BACK_S) from None

    def look() -> bool:
        with gate.guesses.alone():
            return request.app[CHANNELS].check_password(channel, password)

    try:
        return await asyncio.to_thread(look)
    finally:
        gate.guesses.pass_on()
