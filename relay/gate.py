"""Who gets in: what the relay's settings say about clients, applied to requests."""

import hmac
import ipaddress

from aiohttp import hdrs, web

from relay.config import RelaySettings


class Gate:
    """The settings that decide about clients."""

    def __init__(self, settings: RelaySettings) -> None:
        self._create_key = settings.create_key.encode()

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


GATE = web.AppKey("gate", Gate)
