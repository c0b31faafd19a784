"""What the window asks a relay besides joining: which channels it lists, and for a new one."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable

import aiohttp
import msgspec
from yarl import URL

from agent import trouble
from agent.app.state import ChannelListing, CreatedChannel, Listed
from agent.client import CONNECT_S, asked, decoded, open_session, unreachable
from relay.common import discreet
from relay.common.deadline import within
from relay.common.printable import escaped
from relay.errors import RefusedError, WrongKeyError
from relay.protocol import CHANNEL_PATTERN, FORBIDDEN, WRONG_KEY

_MOST_BYTES = 1 << 17
"""Of an answer; a list of 200 channels has at most 25 KB."""
_MOST_CHANNELS = 200

_NO_RELAY = "what answers there is no Moodcast relay"

Said = Callable[[str], None]


class _Refused(msgspec.Struct):
    code: int
    message: str


class ListEntry(msgspec.Struct):
    """A channel, as a relay says it."""

    name: str
    viewers: int = 0
    password: bool = False


class _Answer(msgspec.Struct):
    """To either question; a relay that is older than the list answers with an error."""

    __repr__ = discreet.shown

    error: _Refused | None = None
    channels: list[ListEntry] | None = None
    may_create: bool = False
    channel: str = ""
    admin_key: str = ""
    display_key: str = ""
    listed: bool | None = None


async def channels(relay: str, said: Said) -> ChannelListing:
    """What a relay lists. ``said`` is called with what was asked.

    Raises:
        RelayUnreachableError: nothing answers, or no Moodcast relay.
        RefusedError: it is older than the list, or asks to wait.
        RedirectedError: it sends us to another address.
    """
    status, answer = await _asked(relay, "GET", said)
    if answer.channels is None:
        if answer.error is None:
            raise unreachable(relay, _NO_RELAY, trouble.WINDOW)
        if status in (404, 405):
            raise RefusedError("this relay is older than the list of channels: type the name of yours")
        raise RefusedError(f"the relay does not tell its channels: {escaped(answer.error.message)}")
    return ChannelListing(relay=relay, channels=told(answer.channels), may_create=answer.may_create)


def told(entries: Iterable[ListEntry]) -> tuple[Listed, ...]:
    """What is believed of a list: channels that can be, each once, and no more than a relay tells."""
    names: dict[str, Listed] = {}
    for one in entries:
        if re.fullmatch(CHANNEL_PATTERN, one.name):
            names.setdefault(one.name, Listed(one.name, max(0, one.viewers), one.password))
        if len(names) == _MOST_CHANNELS:
            break
    return tuple(names.values())


async def create(relay: str, channel: str, key: str, said: Said) -> CreatedChannel:
    """Make a channel; ``key`` is the relay's create key, or empty on its own machine. Raises besides ``channels``:

    WrongKeyError: the relay does not let us.
    """
    _, answer = await _asked(relay, "POST", said, {"channel": channel}, key)
    if answer.error is not None:
        kind = WrongKeyError if answer.error.code in (WRONG_KEY.number, FORBIDDEN.number) else RefusedError
        raise kind(f"the relay made no channel: {escaped(answer.error.message)}")
    if answer.channel != channel or not answer.admin_key or not answer.display_key:
        raise unreachable(relay, _NO_RELAY, trouble.WINDOW)
    return CreatedChannel(channel=channel, admin_key=answer.admin_key, display_key=answer.display_key)


async def enlist(relay: str, channel: str, admin_key: str, on: bool, said: Said) -> None:
    """Have a channel listed for everybody who asks the relay, or no more. Raises as ``create`` does."""
    _, answer = await _asked(relay, "PATCH", said, {"listed": on}, admin_key, channel)
    if answer.error is not None:
        kind = WrongKeyError if answer.error.code in (WRONG_KEY.number, FORBIDDEN.number) else RefusedError
        raise kind(f"the relay changed nothing: {escaped(answer.error.message)}")
    if answer.listed is not on:
        raise unreachable(relay, _NO_RELAY, trouble.WINDOW)


async def _asked(
    relay: str, method: str, said: Said, body: object = None, key: str = "", channel: str = ""
) -> tuple[int, _Answer]:
    url = URL(relay) / "v1/channels" / channel if channel else URL(relay) / "v1/channels"
    headers = {aiohttp.hdrs.AUTHORIZATION: f"Bearer {key}"} if key else {}

    async def ask() -> tuple[int, bytes]:
        said(asked(method, url, "" if body is None else json.dumps(body)))
        async with (
            open_session(trouble.WINDOW) as session,
            session.request(method, url, json=body, headers=headers) as response,
        ):
            said_back = bytearray()
            async for chunk in response.content.iter_any():
                said_back += chunk
                if len(said_back) > _MOST_BYTES:
                    break
            return response.status, bytes(said_back)

    try:
        status, text = await within(CONNECT_S, ask())
    except asyncio.TimeoutError as error:
        raise unreachable(relay, f"no answer within {CONNECT_S:.0f} s", trouble.WINDOW) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise unreachable(relay, trouble.reason(error, url), trouble.WINDOW) from error
    answer = decoded(text, _Answer)
    if answer is None:
        raise unreachable(relay, _NO_RELAY, trouble.WINDOW)
    return status, answer
