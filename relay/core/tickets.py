"""Viewer tickets: signed, for one channel, good for a minute; who has one may join.

The relay keeps no list of them. The key that signs lies in the database, so that a ticket of one node opens the others,
and one from before a restart still opens.
"""

import hashlib
import secrets

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

TICKET_TTL_S = 60
"""A ticket opens the channel for this long. Who joined with it stays for as long as the connection lasts."""


class TicketError(Exception):
    """The ticket does not open the channel; the sentence says why."""


class Tickets:
    """Makes tickets and checks them."""

    def __init__(self, key: bytes, ttl: int = TICKET_TTL_S) -> None:
        """``key``: signs them. ``ttl``: seconds for which a ticket is good."""
        self.ttl = ttl
        self._signer = URLSafeTimedSerializer(key, salt="viewer", signer_kwargs={"digest_method": hashlib.sha256})

    def issue(self, channel: str) -> str:
        """A new ticket, some 150 characters that are safe in a URL."""
        ticket = self._signer.dumps([channel, secrets.token_urlsafe(12)])
        assert isinstance(ticket, str)
        return ticket

    def check(self, channel: str, ticket: str) -> str:
        """The ticket's number, which tells it from all others.

        Raises:
            TicketError: forged, expired, or for another channel.
        """
        try:
            issued_for, number = self._signer.loads(ticket, max_age=self.ttl)
        except SignatureExpired:
            raise TicketError(
                f"The ticket is older than {self.ttl} seconds: ask for a new one, and join at once."
            ) from None
        except BadSignature:
            raise TicketError("This relay did not issue the ticket: ask for a new one.") from None
        if issued_for != channel:
            raise TicketError(f"The ticket is for another channel than {channel!r}: ask for one of this channel.")
        assert isinstance(number, str)
        return number
