"""Who gets in: what the relay's settings say about clients, applied to requests."""

import hashlib
import hmac
import logging
from typing import Literal

from aiohttp import HttpVersion11, hdrs, web

from relay import protocol
from relay.cluster.node import Node
from relay.config import RelaySettings
from relay.core import hosts, limits
from relay.core.audience import NETWORK_BYTES
from relay.core.tickets import TICKET_TTL_S, Tickets
from relay.core.tunnels import Tunnel
from relay.http.accept import connection_of
from relay.http.guesses import Guesses
from relay.http.requests import CHANNELS, HTTPError, bearer
from relay.store.channels import Channels

COME_BACK_S = 10
"""For those who found it full: come back after about this long."""
_TICKETS_AT_ONCE = 120.0
"""For one house: all the connections that it may have, and then some."""
_TICKETS_PER_S = 1.0

FORWARDING = frozenset(
    [
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-original-host",
        "x-original-url",
        "x-arr-log-id",
        "x-proxyuser-ip",
        "x-appengine-user-ip",
        "true-client-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "cdn-loop",
    ]
)
FORWARDING_PREFIXES = ("x-forwarded-", "cf-", "tailscale-", "x-azure-", "x-envoy-", "x-amzn-trace-")
"""Headers that proxies and tunnels add. A client who adds one only loses by it."""
_FETCH_SITE = "Sec-Fetch-Site"
"""``same-origin``: the relay's own page. ``same-site``: that of any other port of this machine. ``none``: what the user
opened, or where that sent the browser on to."""
_NOWHERE = "The tunnel did not say where you come from, so you can look on but not be counted."
_NOT_THE_TUNNEL = "Here a tunnel ends, and only what was asked for by its name is answered: ask the relay's own port."
_MAX_SHOWN = 100
"""Characters of a header that a sentence repeats."""
UNDECLARED_PROXY = (
    "Requests come with %s, and --proxies is 0: if a proxy stands in front, say so with --proxies 1, else all its "
    "clients count as one address. (Said once.)"
)

Pages = Literal["whoever", "any", "opened", "listed", "own"]
"""Whose web pages may ask for something, where a browser asks.

``whoever``: those of all sites, by any name, since it does nothing and tells nothing. ``any``: those of all sites, by a
name of the relay, as for what can be linked to. ``listed``: the relay's own and those of ``--origins``. ``own``: the
relay's own, and nobody else's, whatever ``--origins`` says. ``opened``: these, and whoever types the address, or opens
a link of another site that leads on to it. All that does work is ``listed`` or ``own``.
"""

log = logging.getLogger(__name__)


class Gate:
    """The settings that decide about clients."""

    def __init__(
        self,
        settings: RelaySettings,
        ticket_key: bytes,
        network_key: bytes,
        ticket_ttl: int = TICKET_TTL_S,
        tunnel: Tunnel | None = None,
        ledger: limits.Ledger = limits.ALONE,
    ) -> None:
        """``ticket_key`` signs tickets, ``network_key`` hashes networks: 32 bytes each, the same on all nodes.

        ``tunnel``: the one that ends at a port of its own. ``ledger``: where houses and channels are counted.
        """
        self._tunnel = tunnel
        self._network_key = network_key
        self._keys = {"create": settings.create_key.encode(), "metrics": settings.metrics_key.encode()}
        self._origins = hosts.parse_origins(settings.origins)
        self._proxies = settings.proxies
        self._names = hosts.relay_names(settings.host, settings.hosts)
        self._home = hosts.home_of(settings.public_url, self._names)
        self._on_loopback = hosts.is_loopback(settings.host)
        self._alone = not settings.public
        self._owner_by_place = not settings.proxies and not settings.hosts
        self._crowd = settings.crowd
        self._proxy_seen = False
        self._tickets_needed = settings.require_tickets == "on" or (
            settings.require_tickets == "auto" and settings.public
        )
        self.tickets = Tickets(ticket_key, ticket_ttl)
        self.ticket_rates = ledger.rates("tickets", _TICKETS_PER_S, _TICKETS_AT_ONCE)
        self.guesses = Guesses(ledger)
        self.connections = limits.Connections(
            settings.max_connections, settings.max_per_channel, settings.max_per_address, ledger
        )
        self.doors = ledger.places("doors", 2 * settings.max_per_address)
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
        """Whether the request is from who runs the relay, as far as that can be told without a key.

        Behind a proxy or a tunnel everybody comes from this machine, so a relay that is told of one believes no place.
        A tunnel that it has started itself has a port of its own, where nobody is the owner.
        """
        return self._owner_by_place and self._tunnel_of(request) is None and _is_from_here(request)

    def house(self, request: web.Request) -> str | None:
        """The group of addresses that the client is counted in, as ``limits.house``.

        None has no limit by address: this machine, where no other can connect. All of whom a tunnel does not say where
        they come from are one group.
        """
        return None if self._alone and _is_from_here(request) else limits.house(self._address(request))

    def network(self, request: web.Request) -> str | None:
        """The network that the client is counted in, as ``limits.network``, of which ``--min-viewers`` wants several.

        None: the connection is one by itself. So it is with ``--crowd viewers``, and for who has no ``house``.
        """
        if self._crowd == "viewers" or self.house(request) is None:
            return None
        return limits.network(self._address(request))

    def network_hash(self, request: web.Request, channel: str) -> bytes | None:
        """What the nodes call the client's ``network`` when they count those of a channel; None where it has none.

        Keyed, so that who hears the nodes learns no address by trying all, and another in each channel.
        """
        network = self.network(request)
        if network is None:
            return None
        text = f"{channel} {network}".encode()
        return hashlib.blake2b(text, key=self._network_key, digest_size=NETWORK_BYTES).digest()

    def require_place(self, request: web.Request) -> None:
        """Let through who may be counted: a viewer of whom a tunnel does not say where they come from is nobody's
        neighbour, and with ``--crowd viewers`` each connection would be one more.

        Raises:
            HTTPError: it came through the tunnel, which did not say from where.
        """
        if self._tunnel_of(request) and self._address(request) is None:
            raise HTTPError(protocol.FORBIDDEN, _NOWHERE)

    def reader(self, request: web.Request) -> str:
        """The firm that can read what the client sends, since TLS ends there; empty where none is known."""
        tunnel = self._tunnel_of(request)
        return "" if tunnel is None else tunnel.program.reader

    def _tunnel_of(self, request: web.Request) -> Tunnel | None:
        """The relay's own tunnel, if the request came in where that ends."""
        return self._tunnel if self._tunnel is not None and connection_of(request).is_tunnelled else None

    def _address(self, request: web.Request) -> str | None:
        if tunnel := self._tunnel_of(request):
            return limits.told_address(request.headers.getall(tunnel.program.header, ()))
        if not self._proxies and not self._proxy_seen and (header := _forwarding_header(request)):
            self._proxy_seen = True
            log.warning(UNDECLARED_PROXY, header)
        forwarded_for = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ()))
        return limits.client_address(request.remote, forwarded_for, self._proxies)

    def peer_house(self, address: str | None) -> str | None:
        """As ``house``, of a connection that has sent no request yet. A proxy has no limit: it speaks for many."""
        if self._proxies or (self._alone and _is_loopback(address)):
            return None
        return limits.house(address)

    def needs_ticket(self, channels: Channels, channel: str) -> bool:
        """Whether the channel's viewers need a ticket."""
        return self._tickets_needed or channels.has_password(channel)

    def check_site(self, request: web.Request, pages: Pages) -> None:
        """Turn away the pages of other sites, which a browser lets ask for anything, though not read all answers.

        Clients that are no browsers send neither Origin nor Sec-Fetch-Site. Browsers send one or both with all that a
        page may ask of loopback or through TLS, so what is missing both comes from no page there.

        Raises:
            HTTPError: the request names a host that the relay is not, or comes from a page of another site.
        """
        if pages == "whoever":
            return
        host = _host_of(request)
        if tunnel := self._tunnel_of(request):
            if not (host and host.name == tunnel.host):
                raise HTTPError(protocol.FORBIDDEN, _NOT_THE_TUNNEL)
        elif self._on_loopback and not (host and (hosts.is_loopback(host.name) or host.name in self._names)):
            raise HTTPError(protocol.FORBIDDEN, _not_a_name(host))
        if pages == "any":
            return
        if hdrs.ORIGIN in request.headers:
            if not self.allows_origin(request, pages):
                named = hosts.is_own_page(_origin(request), host, self._names)
                raise HTTPError(protocol.FORBIDDEN, _not_a_page(_origin(request), host, pages, named))
        elif not _is_from_own_site(request, pages):
            text = "Pages of other sites may not ask for this, only the relay's own may: open it there."
            raise HTTPError(protocol.FORBIDDEN, text)

    def allows_origin(self, request: web.Request, pages: Pages) -> bool:
        """Whether the page that the Origin header names may ask for what is for these ``pages``."""
        origin = _origin(request)
        if pages == "listed" and ("*" in self._origins or origin.lower() in self._origins):
            return True
        if tunnel := self._tunnel_of(request):
            own = bool(tunnel.host) and origin == tunnel.address
        else:
            own = origin.lower() == self._home or hosts.is_own_page(origin, _host_of(request), self._names)
        return own and _is_from_own_site(request, pages)


def _is_from_own_site(request: web.Request, pages: Pages) -> bool:
    """As far as the browser tells; a client that is none tells nothing."""
    site = request.headers.get(_FETCH_SITE, "same-origin")
    return site == "same-origin" or (site == "none" and pages == "opened")


def _origin(request: web.Request) -> str:
    return ",".join(request.headers.getall(hdrs.ORIGIN, ()))


def _not_a_name(host: hosts.Authority | None) -> str:
    if host is None:
        return "Expected one header Host, with the name of this relay: ask it as http://localhost or http://127.0.0.1."
    name = host.name[:_MAX_SHOWN]
    return (
        f"This relay listens on loopback, and {name} is no name of its own: ask it as localhost, or, if a proxy or "
        f"tunnel gives it that name, start it with --hosts {name}."
    )


def _not_a_page(origin: str, host: hosts.Authority | None, pages: Pages, named: bool) -> str:
    if not named and host is not None and hosts.is_same_place(origin, host):
        name = host.name[:_MAX_SHOWN]
        return f"This page was opened by a name that the relay does not know: start the relay with --hosts {name}."
    text = f"Pages of {origin[:_MAX_SHOWN]} may not ask for this"
    if pages == "listed":
        return f"{text}: who runs the relay allows them with --origins."
    return f"{text}, only the relay's own may: open it there."


def _host_of(request: web.Request) -> hosts.Authority | None:
    """Whom the client meant to ask: the Host header, of which there is one, and a target that names no other host."""
    given = request.headers.getall(hdrs.HOST, ())
    return hosts.authority(given[0]) if len(given) == 1 and request.raw_path.startswith(("/", "*")) else None


def _is_from_here(request: web.Request) -> bool:
    """Whether the request was sent on this machine, to a name that means it, and shows no sign of a proxy.

    HTTP/1.0 is one: nginx speaks it to the relay, and may add no header at all. A proxy or tunnel without any sign
    can't be told from a program on this machine (docs/access.md).
    """
    host = _host_of(request)
    return (
        _is_loopback(request.remote)
        and host is not None
        and hosts.is_loopback(host.name)
        and request.version >= HttpVersion11
        and _forwarding_header(request) is None
    )


def _is_loopback(address: str | None) -> bool:
    parsed = hosts.address(address or "")
    return parsed is not None and parsed.is_loopback


def _forwarding_header(request: web.Request) -> str | None:
    """The name of a header that a proxy or tunnel has added."""
    for name in request.headers:
        lower = name.lower()
        if lower in FORWARDING or lower.startswith(FORWARDING_PREFIXES):
            return name
    return None


GATE = web.AppKey("gate", Gate)
NODE = web.AppKey("node", Node)


async def learn(request: web.Request, key: str) -> None:
    """Hear of the request's channel, or of this key of it, where another node has just made it: who was told of a new
    one there may come here before the news of it. ``key``: empty where the request has none.
    """
    channel, channels = request.match_info.get("channel"), request.app[CHANNELS]
    if channel is None or (channel in channels and not (key and channels.right(channel, key) is None)):
        return
    await request.app[NODE].look_up(channel, request.app[GATE].house(request))
