"""Who gets in: what the relay's settings say about clients, applied to requests."""

import asyncio
import hmac
import ipaddress
import logging
from typing import Literal

from aiohttp import hdrs, web

from relay import limits, protocol
from relay.access import HTTPError, bearer
from relay.auth import Channels
from relay.config import RelaySettings
from relay.tickets import TICKET_TTL_S, Tickets

COME_BACK_S = 10
"""For those who found it full: come back after about this long."""
TICKETS_AT_ONCE = 120.0
"""For one house: all the connections that it may have, and then some."""
TICKETS_PER_S = 1.0

UNDECLARED_PROXY = (
    "Requests come with X-Forwarded-For, and --proxies is 0: if a proxy stands in front, say so with --proxies 1, else "
    "all its clients count as one address. (Said once.)"
)

log = logging.getLogger(__name__)


class Gate:
    """The settings that decide about clients."""

    def __init__(self, settings: RelaySettings, ticket_key: bytes, ticket_ttl: int = TICKET_TTL_S) -> None:
        self._keys = {"create": settings.create_key.encode(), "metrics": settings.metrics_key.encode()}
        self._origins = limits.parse_origins(settings.origins)
        self._proxies = settings.proxies
        self._proxy_seen = False
        self._tickets_needed = settings.require_tickets == "on" or (
            settings.require_tickets == "auto" and settings.public
        )
        self.tickets = Tickets(ticket_key, ticket_ttl)
        self.ticket_rates = limits.Rates(TICKETS_PER_S, TICKETS_AT_ONCE)
        self.password_checks = asyncio.Lock()
        """One at a time: a wrong password costs the relay more than the one who guesses."""
        self.connections = limits.Connections(
            settings.max_connections, settings.max_per_channel, settings.max_per_address
        )
        self.doors = limits.Places(2 * settings.max_per_address)
        """TCP connections of a house, whatever they do: half of them are for requests that end soon."""

    def require_owner(self, request: web.Request, key: Literal["create", "metrics"], elsewhere: str) -> None:
        """Let through who runs the relay: from this machine, or with this key of the relay.

        ``elsewhere`` is told to others where the relay has no such key.

        Raises:
            HTTPError: it comes from elsewhere, and not with the key.
        """
        if self.is_local(request):
            return
        if not self._keys[key]:
            raise HTTPError(protocol.FORBIDDEN, elsewhere)
        given = bearer(request, f"The relay's {key} key").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._keys[key]):
            raise HTTPError(protocol.WRONG_KEY, f"This is not the relay's {key} key: ask who runs the relay for it.")

    def is_local(self, request: web.Request) -> bool:
        """Whether the request was sent on this machine, and not by a proxy for somebody else."""
        proxied = hdrs.FORWARDED in request.headers or hdrs.X_FORWARDED_FOR in request.headers
        if proxied or request.remote is None:
            return False
        return ipaddress.ip_address(request.remote).is_loopback

    def house(self, request: web.Request) -> str | None:
        """The group of addresses that the client is counted in, as ``limits.house``."""
        if not self._proxies and not self._proxy_seen and hdrs.X_FORWARDED_FOR in request.headers:
            self._proxy_seen = True
            log.warning(UNDECLARED_PROXY)
        forwarded_for = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ()))
        return limits.house(limits.client_address(request.remote, forwarded_for, self._proxies))

    def peer_house(self, address: str | None) -> str | None:
        """As ``house``, of a connection that has sent no request yet. A proxy has no limit: it speaks for many."""
        return None if self._proxies else limits.house(address)

    def needs_ticket(self, channels: Channels, channel: str) -> bool:
        """Whether the channel's viewers need a ticket."""
        return self._tickets_needed or channels.has_password(channel)

    def allows_origin(self, request: web.Request) -> bool:
        """Whether the request comes from no browser, or from a page of the relay's own or an allowed origin."""
        origin = request.headers.get(hdrs.ORIGIN)
        return limits.origin_may_connect(origin, request.headers.get(hdrs.HOST, ""), self._origins)

    def check_origin(self, request: web.Request) -> None:
        """Turn pages of other sites away, which a browser lets open WebSockets to anywhere, and ask for tickets.

        Raises:
            HTTPError: the page's origin is neither the relay's own nor allowed.
        """
        if not self.allows_origin(request):
            origin = request.headers[hdrs.ORIGIN]
            text = f"Pages of {origin} may not connect: who runs the relay allows them with --origins."
            raise HTTPError(protocol.FORBIDDEN, text)


GATE = web.AppKey("gate", Gate)
