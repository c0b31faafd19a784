"""The page /try: pictures from the relay's own machine, looked at in memory, one at a time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
from aiohttp import web

from relay import protocol
from relay.common.deadline import within
from relay.core.limits import Ledger
from relay.http import pages
from relay.http.accept import cancelled_when_gone
from relay.http.admission import GATE
from relay.http.decoding import Decoding
from relay.http.requests import HUB, HTTPError, json_response, named_type
from relay.trial import BadPictureError, Findings, Maker, PictureRecogniser, UnavailableError

MAX_PICTURE = 10_000_000
"""Bytes of a picture's file."""
MAX_PICTURES = 3
"""At once: one that is looked at, and those that come or wait."""
_BUSY_S = 1
"""Come back after so many seconds."""

_ELSEWHERE = (
    "Moodcast's promise is that no picture leaves the computer it was taken on. This relay runs on another one, or "
    "behind a proxy or tunnel, so it takes none: start one on your own with `moodcast relay`, and open /try there."
)
NO_RECOGNISER = "This relay was started without a recogniser: start it with `moodcast relay`."

Answer = TypeVar("Answer")


class Trials:
    """The recogniser in a thread of its own, made when it is first needed. Pictures are decoded beside it."""

    def __init__(self, make: Maker | None, ledger: Ledger) -> None:
        self._make = make
        self._recogniser: PictureRecogniser | None = None
        self._thread = ThreadPoolExecutor(1, "try")
        self._places = ledger.places("try", MAX_PICTURES)
        self._decoding = Decoding()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Room for a picture.

        Raises:
            HTTPError: there is none.
            UnavailableError: there is no recogniser at all.
        """
        if self._make is None:
            raise UnavailableError(NO_RECOGNISER)
        if not self._places.take("all"):
            text = f"Other pictures are being looked at: try again in {_BUSY_S} s."
            raise HTTPError(protocol.FULL, text, retry_after=_BUSY_S)
        try:
            yield
        finally:
            self._places.free("all")

    async def look(self, file: bytes, model: str) -> Findings:
        """Decode a picture file, and have the recogniser look at it.

        Raises:
            BadPictureError, UnavailableError
        """
        began = time.perf_counter()
        picture = await self._decoding.decode(file)
        decoded = round(1000 * (time.perf_counter() - began), 2)
        findings = await self.ask(lambda recogniser: recogniser.look(picture, model))
        return msgspec.structs.replace(findings, milliseconds={"decode": decoded, **findings.milliseconds})

    async def ask(self, question: Callable[[PictureRecogniser], Answer]) -> Answer:
        """Put a question to the recogniser, after those that wait.

        Raises:
            UnavailableError: there is no recogniser; the next question tries again.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: question(self._ready()))

    def _ready(self) -> PictureRecogniser:
        if self._recogniser is None:
            if self._make is None:
                raise UnavailableError(NO_RECOGNISER)
            self._recogniser = self._make()
        return self._recogniser

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For aiohttp's ``cleanup_ctx``: the recogniser ends with the relay."""
        yield
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._recogniser is not None:
            self._recogniser.close()


TRIALS = web.AppKey("trials", Trials)


async def page(request: web.Request) -> web.StreamResponse:
    """The page: everybody's browser looks at pictures itself, and the relay at those of its owner."""
    return pages.serve(request, "try.html", headers={"Permissions-Policy": "camera=(self)"})


async def about(request: web.Request) -> web.Response:
    """The models to choose from, or why there are none."""
    _require_local(request)
    try:
        choices = await request.app[TRIALS].ask(lambda recogniser: recogniser.choices())
    except UnavailableError as error:
        return json_response({"models": [], "unavailable": str(error), "max_bytes": MAX_PICTURE})
    return json_response({"models": choices, "unavailable": "", "max_bytes": MAX_PICTURE})


async def look(request: web.Request) -> web.Response:
    """The faces in the picture that is the request's body."""
    _require_local(request)
    # A web page can't name these content types to another site without being asked first; naming none, it can.
    kind = named_type(request)
    if not kind.startswith("image/") and kind != "application/octet-stream":
        text = f"Expected a picture, as image/jpeg for example, not {kind or 'a body without a content type'}."
        raise HTTPError(protocol.BAD_MESSAGE, text, 415)
    trials, model = request.app[TRIALS], request.query.get("model", "")
    try:
        with trials.place(), cancelled_when_gone(request):
            return json_response(await trials.look(await _body(request), model))
    except BadPictureError as error:
        raise HTTPError(protocol.BAD_MESSAGE, str(error)) from error
    except UnavailableError as error:
        raise HTTPError(protocol.NOT_FOUND, str(error), 501) from error


def _require_local(request: web.Request) -> None:
    if not request.app[GATE].is_local(request):
        raise HTTPError(protocol.FORBIDDEN, _ELSEWHERE)


async def _body(request: web.Request) -> bytes:
    """The body of a request, which here may be larger than elsewhere."""
    too_large = HTTPError(protocol.TOO_LARGE, f"Expected a picture of {MAX_PICTURE // 1_000_000} MB at most.")
    if (request.content_length or 0) > MAX_PICTURE:
        raise too_large
    body = bytearray()

    async def read() -> None:
        async for part in request.content.iter_any():
            body.extend(part)
            if len(body) > MAX_PICTURE:
                raise too_large

    limit = request.app[HUB].limits.request
    try:
        await within(limit, read())
    except asyncio.TimeoutError:
        text = f"The picture did not come within {limit:g} seconds: send it at once."
        raise HTTPError(protocol.NO_HELLO, text) from None
    return bytes(body)
