"""Requests that change a channel's sessions: open, pause and end, mark, rename, delete."""

import asyncio
import math
from concurrent.futures import Future

import msgspec
from aiohttp import web

from relay import protocol
from relay.common.printable import is_printable
from relay.http.reading import READING, no_session, number_of
from relay.http.requests import (
    CHANNELS,
    HISTORY,
    HUB,
    HTTPError,
    authorize,
    authorized_body,
    json_response,
)
from relay.protocol import State
from relay.store.database import DatabaseError
from relay.store.history import ClosedError, Session

MARKER_LENGTH = 200
NAME_LENGTH = 100
_STORED_S = 2.0
"""A word of the streamer's that the database has not taken after so long is answered: it holds, but for a restart."""


class _NewMarker(msgspec.Struct):
    """Body of ``POST .../markers``."""

    text: str


class _NewState(msgspec.Struct):
    """Body of ``PUT .../session``."""

    state: State


class _NewName(msgspec.Struct):
    """Body of ``PATCH .../sessions/{number}``."""

    name: str


async def mark(request: web.Request) -> web.Response:
    """Mark this moment of the running session."""
    channel, body = await authorized_body(request, "admin", _NewMarker, '{"text": "..."}')
    text = _line(body.text, "a marker's text", 1, MARKER_LENGTH)
    marker = request.app[HUB].news.mark(channel, text)
    if marker is None:
        raise HTTPError(
            protocol.NOT_FOUND, f"No session of {channel!r} is running, so there is nothing to mark: wait for a viewer."
        )
    return json_response(marker, 201)


async def set_state(request: web.Request) -> web.Response:
    """Open, pause or end the session, or leave it to itself."""
    expected = '{"state": "open"}, or "paused", "ended" or "auto"'
    channel, body = await authorized_body(request, "admin", _NewState, expected)
    hub = request.app[HUB]
    if wait := hub.broadcasts.say(channel, body.state):
        text = f"The state of {channel!r} was changed too often: change it again in {math.ceil(wait)} seconds."
        raise HTTPError(protocol.TOO_OFTEN, text, retry_after=wait)
    # Who was told that it is paused relies on it, whatever happens to the relay from then on.
    stored = asyncio.wrap_future(request.app[HISTORY].settled())
    stored.add_done_callback(lambda done: done.cancelled() or done.exception())  # the status tells of a refusal
    await asyncio.wait({stored}, timeout=_STORED_S)
    session = hub.members.session(channel)
    return json_response(
        {
            "state": body.state,
            "session": session.number if session else None,
            "started": session.started if session else None,
            "lease_s": protocol.LEASE_S,
        }
    )


async def rename(request: web.Request) -> web.Response:
    """Name a session."""
    channel, body = await authorized_body(request, "admin", _NewName, '{"name": "..."}')
    number = (await _existing(request, channel)).number
    name = _line(body.name, "a session's name", 0, NAME_LENGTH)
    request.app[HUB].news.rename_session(channel, number, name)
    await _done(request.app[HISTORY].rename(channel, number, name))
    return json_response({"number": number, "name": name})


async def delete(request: web.Request) -> web.Response:
    """Delete a session."""
    channel = authorize(request, "admin")
    session = await _existing(request, channel)
    deleted = request.app[HISTORY].delete_session(channel, session.number)
    request.app[HUB].news.drop_session(session)
    await _done(deleted)
    return web.Response(status=204)


async def delete_channel(request: web.Request) -> web.Response:
    """Delete a channel with all it has."""
    channel = authorize(request, "admin")
    await asyncio.to_thread(request.app[CHANNELS].delete, channel)
    request.app[HUB].members.drop_channel(channel)
    await _done(request.app[HISTORY].delete_channel(channel))
    return web.Response(status=204)


async def _existing(request: web.Request, channel: str) -> Session:
    """The session asked for, which is stored or runs."""
    number, reading = number_of(request, channel), request.app[READING]
    running = request.app[HUB].members.session(channel)
    if running is not None and number == running.number:
        return running
    session = await reading.run(lambda: reading.archive.find(channel, number))
    if session is None:
        raise no_session(channel, number)
    return session


async def _done(change: "Future[None]") -> None:
    try:
        await asyncio.wrap_future(change)
    except ClosedError:
        raise
    except DatabaseError as error:
        raise DatabaseError(str(error), f"{error.sentence} The change is made as soon as it can be.") from None


def _line(text: str, what: str, least: int, most: int) -> str:
    """The text without blanks around it; it must fit on one line, as every list and table shows it."""
    text, printable = text.strip(), is_printable(text)
    if not least <= len(text) <= most or not printable:
        raise HTTPError(
            protocol.BAD_MESSAGE,
            f"Expected {what} of {least} to {most} printable characters on one line, not {len(text)} characters"
            f"{'' if printable else ' with others among them'}.",
        )
    return text
