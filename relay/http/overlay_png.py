"""The overlay as a picture: what may be asked of it, and what comes back."""

import contextlib
import functools
import logging
import time

from aiohttp import web

from relay import protocol
from relay.common.printable import escaped, is_printable
from relay.common.texts import LANGUAGES
from relay.core.channel import RECENT_S
from relay.http.picture import (
    LONGEST_TITLE,
    MAX_HEIGHT,
    MAX_WIDTH,
    MIN_HEIGHT,
    MIN_WIDTH,
    Asked,
    BusyError,
    Pictures,
    Wording,
)
from relay.http.requests import HUB, HTTPError, authorize
from relay.protocol import EXPRESSIONS, TAPS

log = logging.getLogger(__name__)

PICTURES = web.AppKey("pictures", Pictures)
_REACTIONS: tuple[str, ...] = EXPRESSIONS + TAPS
_BUSY_S = 1
"""Who asks for too many pictures at once comes back after so many seconds."""
_NOTICE = "Moodcast-Notice"


async def picture(request: web.Request) -> web.Response:
    channel = authorize(request)
    width = _pixels(request, "width", 1280, MIN_WIDTH, MAX_WIDTH)
    height = _pixels(request, "height", 720, MIN_HEIGHT, MAX_HEIGHT)
    live = request.app[HUB].members.channel(channel)
    core, digit = live.core, live.countdown.digit(time.monotonic()) if live.countdown else None
    asked = _asked(request)
    try:
        drawn = await request.app[PICTURES].get(
            channel, core.mood, core.recent, width, height, asked, digit, _words(request)
        )
    except BusyError as error:
        raise HTTPError(protocol.FULL, f"{error}: come back in {_BUSY_S} s.", retry_after=_BUSY_S) from None
    if drawn.notice:
        _tell(drawn.notice)
    return web.Response(
        body=drawn.png, content_type="image/png", headers={_NOTICE: drawn.notice} if drawn.notice else {}
    )


@functools.lru_cache(maxsize=64)
def _tell(notice: str) -> None:
    """Into the log, where it was not told lately: a picture is asked for several times a second."""
    log.warning("%s", notice)


def _pixels(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise HTTPError(protocol.BAD_MESSAGE, f"Expected {name} in pixels, {least} to {most}, not {text!r}.")


def _asked(request: web.Request) -> Asked | None:
    """The reaction that the query asks for."""
    name = request.query.get("reaction")
    if name is None:
        return None
    if name not in _REACTIONS:
        raise HTTPError(protocol.BAD_MESSAGE, f"Expected reaction to be one of {', '.join(_REACTIONS)}, not {name!r}.")
    text = request.query.get("age", "0")
    with contextlib.suppress(ValueError):
        age = float(text)
        if 0 <= age <= RECENT_S:
            return Asked(name, age)
    raise HTTPError(protocol.BAD_MESSAGE, f"Expected age in seconds, 0 to {RECENT_S:g}, not {text!r}.")


def _words(request: web.Request) -> Wording:
    """The language and title that the query asks for."""
    asked, title = request.query.get("language", "en"), request.query.get("title", "")
    language = next((known for known in LANGUAGES if known == asked), None)
    if language is None:
        raise HTTPError(protocol.BAD_MESSAGE, f"Expected language to be one of {', '.join(LANGUAGES)}, not {asked!r}.")
    if len(title) > LONGEST_TITLE or not is_printable(title):
        text = f"Expected title to be a line of {LONGEST_TITLE} characters at most, not {escaped(title, 80)}."
        raise HTTPError(protocol.BAD_MESSAGE, text)
    return Wording(language, title)
