"""The invitation of a channel: the link for its viewers, as text and as a QR code, and the page that it opens."""

import asyncio
from urllib.parse import urlsplit

from aiohttp import web

from relay import protocol
from relay.common.invitation import Invitation
from relay.core import hosts, qr
from relay.core.limits import Ledger
from relay.core.tunnels import Tunnel
from relay.http import keys
from relay.http.requests import CHANNELS, HTTPError, authorized_body, json_response

_ONLY_HERE = (
    "Only this machine can open the invitation. For viewers elsewhere let others reach the relay (--host, or a proxy), "
    "and give --public-url the address that they reach it by."
)
_NOT_YET = "The tunnel has no address at the moment: ask for the invitation again when the relay has told one."
_BUSY_S = 1
"""Who asks for too many at once comes back after so many seconds."""


class Base:
    """The address that links begin with: ``--public-url``, the tunnel's, or what the relay listens on; nothing that a
    request says."""

    def __init__(self, address: str, tunnel: Tunnel | None = None) -> None:
        """``address``: for as long as the tunnel has none."""
        self._address, self._tunnel = address, tunnel

    @property
    def address(self) -> str:
        """As it is at the moment: each time that a tunnel is opened, it may have another."""
        return (self._tunnel.address if self._tunnel else "") or self._address

    @property
    def note(self) -> str:
        """What to tell whoever gives links out: a sentence, or nothing where others can open them."""
        if not hosts.is_loopback((urlsplit(self.address).hostname or "").rstrip(".")):
            return ""
        return _NOT_YET if self._tunnel else _ONLY_HERE


BASE = web.AppKey("base", Base)


class Codes:
    """Draws QR codes, one at a time: whoever has an admin key may ask for them, and others' moods must not wait."""

    A_CHANNEL = 4
    """Codes that are drawn for a channel, or wait for it."""

    def __init__(self, ledger: Ledger) -> None:
        self._turn = asyncio.Semaphore(1)
        self._places = ledger.places("codes", self.A_CHANNEL)

    async def draw(self, channel: str, link: str) -> qr.Drawn:
        """The code of a channel's link.

        Raises:
            HTTPError: too many others of the channel are being drawn.
        """
        if not self._places.take(channel):
            text = f"{self.A_CHANNEL} other invitations of {channel!r} are being drawn: come back in {_BUSY_S} s."
            raise HTTPError(protocol.FULL, text, retry_after=_BUSY_S)
        try:
            async with self._turn:
                return await asyncio.to_thread(qr.drawn, link)
        finally:
            self._places.free(channel)


CODES = web.AppKey("codes", Codes)


async def invite(request: web.Request) -> web.Response:
    """The link and its picture. The relay keeps a password's hash alone, so who wants it in the link gives it."""
    channel, body = await authorized_body(request, "admin", keys.Password, '{} or {"password": "TEXT"}')
    password = body.password
    guarded = request.app[CHANNELS].has_password(channel)
    if password and not guarded:
        text = f"The channel {channel!r} has no join password: leave it out of the invitation, or set it first."
        raise HTTPError(protocol.BAD_MESSAGE, text)
    if password and not await keys.is_password(request, channel, password):
        text = f"This is not the join password of {channel!r}: give the one that was set last, or set a new one."
        raise HTTPError(protocol.WRONG_PASSWORD, text)
    if not password:
        keys.pay(request, 1.0)  # the picture is some work as well
    try:
        invited = Invitation(request.app[BASE].address, channel, password)
    except ValueError as error:
        raise HTTPError(protocol.BAD_MESSAGE, f"The invitation can't be made: {error}.") from None
    drawn = await request.app[CODES].draw(channel, invited.link)
    return json_response({
        "link": invited.link,
        "app_link": invited.app_link,
        "svg": drawn.svg,
        "rows": drawn.rows,
        "password": guarded,
        "note": request.app[BASE].note,
    })  # fmt: skip
