"""Relays that share a database and a Redis, for tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from relay import app
from relay.config import RelaySettings
from relay.core.limits import Limits
from relay.protocol import Status
from relay.workers.seat import Seat
from tests.support import SOON, Client, request, wait_until

SHORT = SOON._replace(node_silence=1.0, lease=1.0)


class Cluster:
    """Relays that share a database and a Redis."""

    def __init__(self, folder: Path, url: str, limits: Limits = SHORT, **options: Any) -> None:
        self._limits = limits
        self._options = {"port": 0, "data": str(folder), "tick_ms": 50, "min_viewers": 1, "cluster": url} | options
        self.nodes: list[app.Relay] = []

    async def add(self, seat: Seat | None = None, **options: Any) -> app.Relay:
        node = await app.start(RelaySettings(**self._options | options), self._limits, seat=seat)
        self.nodes.append(node)
        return node

    async def stop(self) -> None:
        for node in self.nodes:
            await node.stop()


@contextlib.asynccontextmanager
async def running(*arguments: Any, **options: Any) -> AsyncIterator[Cluster]:
    cluster = Cluster(*arguments, **options)
    try:
        yield cluster
    finally:
        await cluster.stop()


async def status(client: Client, partial: bool) -> Status:
    """The first status that says, or does not say, that viewers are missing."""

    def fits(message: Any) -> bool:
        return isinstance(message, Status) and any("partial" in text for text in message.warnings) == partial

    found = await client.receive_until(fits)
    assert isinstance(found, Status)
    return found


async def channel_arrives(relay: app.Relay, name: str = "demo") -> None:
    await wait_until(lambda: relay.has_channel(name))


async def moments(relay: app.Relay, key: str, number: int = 1) -> list[dict[str, Any]]:
    code, body = await request(relay.url, "GET", f"demo/sessions/{number}", key)
    return list(body["moments"]) if code == 200 else []


async def said(node: app.Relay, keys: Any, state: str) -> dict[str, Any]:
    code, body = await request(node.url, "PUT", "demo/session", keys.admin_key, {"state": state})
    assert code == 200, body
    return dict(body)


def is_state(state: str, session: int | None) -> Callable[[Any], bool]:
    return lambda message: isinstance(message, Status) and (message.state, message.session) == (state, session)


async def quiet(*nodes: app.Relay) -> None:
    """Each has written what it was given."""
    for node in nodes:
        await asyncio.wrap_future(node._history.rename("nobody", 1, ""))
