"""Who gets in: what the relay's settings say about clients, applied to requests."""

import hmac
import ipaddress

from aiohttp import hdrs, web

from relay import limits, protocol
from relay.access import HTTPError
from relay.config import RelaySettings

COME_BACK_S = 10
"""For those who found it full: come back after about this long."""


class Gate:
    """The settings that decide about clients."""

    def __init__(self, settings: RelaySettings) -> None:
        self._create_key = settings.create_key.encode()
        self._origins = limits.parse_origins(settings.origins)
        self._proxies = settings.proxies
        self.connections = limits.Connections(
            settings.max_connections, settings.max_per_channel, settings.max_per_address
        )

    @property
    def takes_create_keys(self) -> bool:
        """Whether there is a key that creates channels from elsewhere."""
        return bool(self._create_key)

    def may_create(self, key: str) -> bool:
        """Whether this is the create key."""
        return self.takes_create_keys and hmac.compare_digest(key.encode("utf-8", "surrogatepass"), self._create_key)

    def is_local(self, request: web.Request) -> bool:
        """Whether the request was sent on this machine, and not by a proxy for somebody else."""
        proxied = hdrs.FORWARDED in request.headers or hdrs.X_FORWARDED_FOR in request.headers
        if proxied or request.remote is None:
            return False
        return ipaddress.ip_address(request.remote).is_loopback

    def house(self, request: web.Request) -> str | None:
        """The group of addresses that the client is counted in, as ``limits.house``."""
        forwarded_for = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ()))
        return limits.house(limits.client_address(request.remote, forwarded_for, self._proxies))

    def check_origin(self, request: web.Request) -> None:
        """Turn pages of other sites away, which a browser lets open WebSockets to anywhere.

        Raises:
            HTTPError: the page's origin is neither the relay's own nor allowed.
        """
        origin = request.headers.get(hdrs.ORIGIN)
        if not limits.origin_may_connect(origin, request.headers.get(hdrs.HOST, ""), self._origins):
            text = f"Pages of {origin} may not connect: who runs the relay allows them with --origins."
            raise HTTPError(protocol.FORBIDDEN, text)


GATE = web.AppKey("gate", Gate)
