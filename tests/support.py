"""Plain helpers for all tests: clients of the relay, and waiting for a condition instead of sleeping."""

import asyncio
import contextlib
import inspect
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import msgspec

from relay import protocol
from relay.core.limits import Limits
from relay.protocol import EXPRESSIONS, Expression, FromRelay, Mood, Tap
from relay.store import database
from relay.store.archive import Archive

Found = TypeVar("Found")

HANG_S = 60.0
"""What takes this long hangs, also on a machine that is busy with other work: no promise of the program's."""


SOON = Limits(show_after=0.1)
"""The product's times, but for the second that a mood waits before it is shown."""

PORTS = range(20_000, 32_000)
"""No system gives these to who asks for any port, or connects from one."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on, nor will soon: several processes test at the same time."""
    while True:
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


async def wait_until(condition: Callable[[], Found | Awaitable[Found]], timeout: float = HANG_S) -> Found:
    """Wait until ``condition()`` (plain or async) is true and return its value; AssertionError after ``timeout`` s."""
    deadline = time.monotonic() + timeout
    while True:
        value: Any = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout} s: {inspect.getsource(condition).strip()}"
        await asyncio.sleep(0.01)


class Client:
    """A WebSocket client of the relay. ``close_code`` is None while it is open."""

    def __init__(self, session: aiohttp.ClientSession, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self.ws = ws

    @classmethod
    async def open(cls, url: str, path: str, address: str = "") -> "Client":
        """Connect without saying anything. ``url`` is the relay's, ``path`` as in ``/v1/channels/demo/viewer``.

        ``address``: of the client, as a proxy in front would tell it.
        """
        headers = {"X-Forwarded-For": address} if address else None
        session = aiohttp.ClientSession()
        try:
            return cls(session, await session.ws_connect(url + path, max_msg_size=0, headers=headers))
        except BaseException:
            await session.close()
            raise

    async def send(self, message: protocol.Message) -> None:
        await self.ws.send_str(protocol.encode(message).decode())

    async def receive(self, timeout: float = HANG_S) -> FromRelay | None:
        """The next message; None when the relay closed (see ``close_code``)."""
        frame = await self.ws.receive(timeout)
        return protocol.from_relay.decode(frame.data) if frame.type is aiohttp.WSMsgType.TEXT else None

    async def receive_until(self, condition: Callable[[Any], bool], timeout: float = HANG_S) -> Any:
        """The first message that meets the condition; AssertionError when the relay closes before or time is up."""

        async def search() -> Any:
            while (message := await self.receive(timeout)) is not None:
                if condition(message):
                    return message
            raise AssertionError(f"the relay closed with {self.close_code}")

        return await asyncio.wait_for(search(), timeout)

    async def mood(self, condition: Callable[[Mood], bool] = lambda mood: True, timeout: float = HANG_S) -> Mood:
        """The first mood that meets the condition."""
        found = await self.receive_until(lambda message: isinstance(message, Mood) and condition(message), timeout)
        assert isinstance(found, Mood)
        return found

    @property
    def close_code(self) -> int | None:
        return self.ws.close_code

    async def close(self) -> None:
        await self.ws.close()
        await self._session.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


class Viewer(Client):
    """A viewer of a channel: ``viewer = await Viewer.connect(relay.url, "demo"); await viewer.label("happy")``."""

    welcome: protocol.Welcome

    @classmethod
    async def connect(
        cls, url: str, channel: str = "demo", ticket: str = "", address: str = "", delay: float = 0.0, name: str = ""
    ) -> "Viewer":
        """Connect, say hello and wait for the welcome. ``address``: as for ``open``; ``delay``: in seconds."""
        viewer = await cls.open(url, f"/v1/channels/{channel}/viewer", address)
        assert isinstance(viewer, Viewer)
        await viewer.send(protocol.Hello(agent="moodcast-tests/1", ticket=ticket, delay=delay, name=name))
        welcome = await viewer.receive()
        assert isinstance(welcome, protocol.Welcome), welcome
        viewer.welcome = welcome
        return viewer

    async def label(self, emotion: Expression, confidence: float = 1.0) -> None:
        await self.send(protocol.Label(emotion=emotion, confidence=confidence))

    async def tap(self, tap: Tap) -> None:
        await self.send(protocol.TapMessage(tap=tap))

    async def away(self) -> None:
        await self.send(protocol.Away())


async def audience(url: str, channel: str, labels: list[Expression]) -> list[Viewer]:
    """Connected viewers with these labels, one each. Close them with ``leave``."""
    viewers = [await Viewer.connect(url, channel) for _ in labels]
    for viewer, emotion in zip(viewers, labels, strict=True):
        await viewer.label(emotion)
    return viewers


async def leave(viewers: list[Viewer]) -> None:
    """Close all connections of an audience."""
    await asyncio.gather(*(viewer.close() for viewer in viewers))


async def subscribe(url: str, channel: str, key: str) -> Client:
    """A WebSocket subscriber: ``await client.mood(lambda mood: mood.sharing == 3)``."""
    client = await Client.open(url, f"/v1/channels/{channel}/mood")
    await client.send(protocol.Subscribe(key=key))
    return client


class ServerSentEvent:
    """One event of a stream: ``name``, ``data`` (text), ``id`` (empty where there is none)."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.name, self.data, self.id = fields.get("event", ""), fields.get("data", ""), fields.get("id", "")


async def server_sent_events(url: str, channel: str, key: str) -> AsyncIterator[ServerSentEvent]:
    """The channel's events over SSE, until the relay ends the stream."""
    headers = {"Authorization": f"Bearer {key}"}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=HANG_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{url}/v1/channels/{channel}/mood", headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        fields: dict[str, str] = {}
        async for raw in response.content:
            name, colon, value = raw.decode().rstrip("\n").partition(": ")
            if colon:
                fields[name] = value
            elif "data" in fields:
                yield ServerSentEvent(fields)
            if not colon:
                fields = {}


def count_of(mood: Mood, expression: Expression) -> int:
    """How many viewers show the expression."""
    return mood.counts[EXPRESSIONS.index(expression)]


async def request(relay_url: str, method: str, path: str, key: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON (text where it is none) of a request to ``/v1/channels/`` + path."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{relay_url}/v1/channels/{path}", headers=headers, json=body) as response,
    ):
        is_json = response.content_type == "application/json"
        return response.status, await (response.json() if is_json else response.text())


def stored(place: database.Place, channel: str, number: int) -> dict[str, Any] | None:
    """All that is stored of a session: ``session``, ``moments``, ``reactions`` and ``markers``."""
    archive = Archive(place)
    session = archive.find(channel, number)
    if session is None:
        return None
    slices = list(archive.slices(session))
    return {
        "session": session,
        "moments": [msgspec.structs.asdict(moment) for piece in slices for moment in piece.moments],
        "reactions": [reaction for piece in slices for reaction in piece.reactions],
        "markers": [marker for piece in slices for marker in piece.markers],
    }
