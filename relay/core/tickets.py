"""Tickets: signed, for one channel and one role in it, good for a minute; who has one may join.

The relay keeps no list of them. The key that signs lies in the database, so that a ticket of one node opens the others,
and one from before a restart still opens.
"""

import hashlib
import secrets
from typing import NamedTuple

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from relay.protocol import Role

TICKET_TTL_S = 60
"""A ticket opens the channel for this long. Who joined with it stays for as long as the connection lasts."""


class TicketError(Exception):
    """The ticket does not open the channel; the sentence says why."""


class Ticket(NamedTuple):
    """What a ticket says that does open the channel."""

    number: str
    """Tells it from all others."""
    role: Role


class Tickets:
    """Makes tickets and checks them.

    Each role has a signature of its own, so that no ticket can be turned into one of another role, and a relay of
    before there were roles refuses what it does not know.
    """

    def __init__(self, key: bytes, ttl: int = TICKET_TTL_S) -> None:
        """``key``: signs them. ``ttl``: seconds for which a ticket is good."""
        self.ttl = ttl
        self._key = key
        self._viewers = self._signer(b"viewer")

    def issue(self, channel: str) -> str:
        """A new ticket of a viewer, some 150 characters that are safe in a URL."""
        return _new(self._viewers, channel)

    def issue_to_streamer(self, channel: str, seal: bytes) -> str:
        """A new ticket of the streamer. ``seal``: with another one it is worth nothing, as ``Channels.seal``."""
        return _new(self._streamers(seal), channel)

    def check(self, channel: str, ticket: str, seal: bytes) -> Ticket:
        """What the ticket says. ``seal``: the channel's, now.

        Raises:
            TicketError: forged, expired, or for another channel; or the streamer's, from before the admin key changed.
        """
        role: Role = "viewer"
        try:
            try:
                issued_for, number = self._viewers.loads(ticket, max_age=self.ttl)
            except SignatureExpired:
                raise
            except BadSignature:
                role = "streamer"
                issued_for, number = self._streamers(seal).loads(ticket, max_age=self.ttl)
        except SignatureExpired:
            raise TicketError(
                f"The ticket is older than {self.ttl} seconds: ask for a new one, and join at once."
            ) from None
        except BadSignature:
            raise TicketError("This relay did not issue the ticket: ask for a new one.") from None
        if issued_for != channel:
            raise TicketError(f"The ticket is for another channel than {channel!r}: ask for one of this channel.")
        assert isinstance(number, str)
        return Ticket(number, role)

    def _streamers(self, seal: bytes) -> URLSafeTimedSerializer:
        return self._signer(b"streamer" + seal)

    def _signer(self, salt: bytes) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._key, salt=salt, signer_kwargs={"digest_method": hashlib.sha256})


def _new(signer: URLSafeTimedSerializer, channel: str) -> str:
    ticket = signer.dumps([channel, secrets.token_urlsafe(12)])
    assert isinstance(ticket, str)
    return ticket
