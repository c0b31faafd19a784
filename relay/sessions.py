"""Requests about a channel's sessions: list, read, export, find peaks, mark, rename, delete."""

import asyncio
from concurrent.futures import Future
from typing import Any

import msgspec
from aiohttp import hdrs, web

from relay import export, protocol
from relay.access import CHANNELS, HISTORY, HUB, HTTPError, authorize, json_body, json_response
from relay.database import DatabaseError
from relay.history import ClosedError
from relay.peaks import find_peaks
from relay.printable import is_printable

MARKER_LENGTH = 200
NAME_LENGTH = 100


class NewMarker(msgspec.Struct):
    """Body of ``POST .../markers``."""

    text: str


class NewName(msgspec.Struct):
    """Body of ``PATCH .../sessions/{number}``."""

    name: str


# --- reading ---------------------------------------------------------------------------------------------------------


async def listed(request: web.Request) -> web.Response:
    """The list of sessions."""
    channel = authorize(request)
    return json_response({"sessions": await asyncio.to_thread(request.app[HISTORY].sessions, channel)})


async def one(request: web.Request) -> web.Response:
    """All of a session."""
    return json_response(await _found(request, authorize(request)))


async def peaks(request: web.Request) -> web.Response:
    """The strongest moments of a session."""
    found = await _found(request, authorize(request))
    return json_response({"peaks": await asyncio.to_thread(find_peaks, found["moments"], found["reactions"])})


async def as_json(request: web.Request) -> web.Response:
    """All of a session, as a file to keep."""
    response = json_response(found := await _found(request, authorize(request)))
    return _attached(response, found, "json")


async def as_csv(request: web.Request) -> web.Response:
    """All of a session, as a table to keep."""
    found = await _found(request, authorize(request))
    text = await asyncio.to_thread(export.csv_text, found)
    return _attached(web.Response(text=text, content_type="text/csv", charset="utf-8"), found, "csv")


def _attached(response: web.Response, found: dict[str, Any], kind: str) -> web.Response:
    session = found["session"]
    # A channel's name has nothing that needs quoting.
    name = f"{session.channel}-session-{session.number}.{kind}"
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}"'
    return response


async def _found(request: web.Request, channel: str) -> dict[str, Any]:
    number = _number(request, channel)
    found = await asyncio.to_thread(request.app[HISTORY].session, channel, number)
    running = request.app[HUB].session(channel)
    if found is None and running is not None and number == running.number:
        # Too few have shared so far.
        return {"session": running, "moments": [], "reactions": [], "markers": []}
    if found is None:
        raise _no_session(channel, number)
    return found


def _no_session(channel: str, number: int) -> HTTPError:
    return HTTPError(protocol.NOT_FOUND, f"There is no session {number} of {channel!r}: look among its /sessions.")


def _number(request: web.Request, channel: str) -> int:
    wanted = request.match_info["number"]
    if wanted == "current":
        running = request.app[HUB].session(channel)
        if running is None:
            raise HTTPError(protocol.NOT_FOUND, f"No session of {channel!r} is running: look among its /sessions.")
        return running.number
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10:
        return int(wanted)
    raise HTTPError(protocol.NOT_FOUND, f"Expected a session's number or `current`, not {wanted!r}.")


# --- changing --------------------------------------------------------------------------------------------------------


async def mark(request: web.Request) -> web.Response:
    """Mark this moment of the running session."""
    channel = authorize(request, "admin")
    body = await json_body(request, NewMarker, '{"text": "..."}')
    text = _line(body.text, "a marker's text", 1, MARKER_LENGTH)
    marker = request.app[HUB].mark(channel, text)
    if marker is None:
        raise HTTPError(
            protocol.NOT_FOUND, f"No session of {channel!r} is running, so there is nothing to mark: wait for a viewer."
        )
    return json_response(marker, 201)


async def rename(request: web.Request) -> web.Response:
    """Name a session."""
    channel = authorize(request, "admin")
    number = await _existing(request, channel)
    name = _line((await json_body(request, NewName, '{"name": "..."}')).name, "a session's name", 0, NAME_LENGTH)
    request.app[HUB].rename_session(channel, number, name)
    await _done(request.app[HISTORY].rename(channel, number, name))
    return json_response({"number": number, "name": name})


async def delete(request: web.Request) -> web.Response:
    """Delete a session."""
    channel = authorize(request, "admin")
    number = await _existing(request, channel)
    deleted = request.app[HISTORY].delete_session(channel, number)
    request.app[HUB].drop_session(channel, number)
    await _done(deleted)
    return web.Response(status=204)


async def delete_channel(request: web.Request) -> web.Response:
    """Delete a channel with all it has."""
    channel = authorize(request, "admin")
    await asyncio.to_thread(request.app[CHANNELS].delete, channel)
    request.app[HUB].drop_channel(channel)
    await _done(request.app[HISTORY].delete_channel(channel))
    return web.Response(status=204)


async def _existing(request: web.Request, channel: str) -> int:
    """The number of the session asked for, which is stored or runs."""
    number = _number(request, channel)
    running = request.app[HUB].session(channel)
    if running is None or number != running.number:
        rows = await asyncio.to_thread(request.app[HISTORY].sessions, channel)
        if number not in {row["number"] for row in rows}:
            raise _no_session(channel, number)
    return number


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
