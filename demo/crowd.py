"""Simulated viewers on real WebSocket connections, and the probe that times a label on its way to a subscriber."""

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING

import aiohttp

from demo.show import SimulatedViewer
from relay import protocol
from relay.protocol import EXPRESSIONS, Away, Hello, Label, Mood, Subscribe, TapMessage

if TYPE_CHECKING:
    Socket = aiohttp.ClientWebSocketResponse[bool]  # generic for type checkers only, in older releases

PROBES = 10
"""Enough that, taking turns, none sends more than the contract's two labels a second."""


def viewer_address(relay_url: str, channel: str) -> str:
    return f"{relay_url}/v1/channels/{channel}/viewer"


def mood_address(relay_url: str, channel: str) -> str:
    return f"{relay_url}/v1/channels/{channel}/mood"


async def send(socket: "Socket", message: protocol.Message) -> None:
    """One message as a text frame."""
    await socket.send_str(protocol.encode(message).decode())


async def join(http: aiohttp.ClientSession, relay_url: str, channel: str) -> "Socket":
    """A viewer's connection after hello and welcome."""
    socket = await http.ws_connect(viewer_address(relay_url, channel), compress=0)
    await send(socket, Hello(agent="moodcast-demo"))
    await socket.receive()
    return socket


async def drain(socket: "Socket") -> None:
    """Read and drop what comes, as a viewer without a screen does."""
    async for _ in socket:
        pass


async def follow(http: aiohttp.ClientSession, relay_url: str, channel: str, show_began: float, seed: int) -> None:
    """One simulated viewer, for ever: joins, reacts to the show, drops out, comes back."""
    chance = random.Random(seed)
    viewer = SimulatedViewer(chance)
    await asyncio.sleep(chance.random() * 2)
    while True:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            socket = await join(http, relay_url, channel)
            reader = asyncio.create_task(drain(socket))
            try:
                await react(socket, viewer, show_began)
            finally:
                reader.cancel()
                await socket.close()
        await asyncio.sleep(chance.uniform(2, 8))


async def react(socket: "Socket", viewer: SimulatedViewer, show_began: float) -> None:
    """Send what the viewer shows until they drop out or the connection ends."""
    while not socket.closed:
        label, tap = viewer.step(time.monotonic() - show_began)
        if label is not None:
            confidence = round(viewer.chance.uniform(0.5, 1.0), 2)
            await send(socket, Label(emotion=label, confidence=confidence))
        if tap is not None:
            await send(socket, TapMessage(tap=tap))
        if viewer.leaves():
            await send(socket, Away())
            return
        await asyncio.sleep(viewer.PERIOD)


async def probe(
    http: aiohttp.ClientSession, relay_url: str, channel: str, key: str, latencies: list[float], seen_at: str = ""
) -> None:
    """Append, for ever, the seconds from sending a label to receiving the first mood event that counts it.

    ``seen_at``: address of another node of the cluster, to receive there.

    The probes have a channel of their own on the same relay, where nobody else changes the counts, so that each mood
    event can be told to hold the label or not.
    """
    sockets = [await join(http, relay_url, channel) for _ in range(PROBES)]
    readers = [asyncio.create_task(drain(socket)) for socket in sockets]
    labels = [EXPRESSIONS[0]] * PROBES
    chance = random.Random(0)
    try:
        for socket in sockets:
            await send(socket, Label(emotion=EXPRESSIONS[0]))
        async with http.ws_connect(mood_address(seen_at or relay_url, channel), compress=0) as subscriber:
            await send(subscriber, Subscribe(key=key))
            await wait_for_counts(subscriber, labels)
            turn = 0
            while True:
                who = turn % PROBES
                labels[who] = chance.choice([label for label in EXPRESSIONS if label != labels[who]])
                sent = time.perf_counter()
                await send(sockets[who], Label(emotion=labels[who]))
                await wait_for_counts(subscriber, labels)
                latencies.append(time.perf_counter() - sent)
                turn += 1
                # A random pause, else every label would leave right after a tick and meet the same phase of the next.
                await asyncio.sleep(chance.uniform(0.05, 0.3))
    finally:
        for reader in readers:
            reader.cancel()
        for socket in sockets:
            await socket.close()


async def wait_for_counts(subscriber: "Socket", labels: list[protocol.Expression]) -> None:
    """Read events until a mood event counts exactly these labels."""
    expected = [labels.count(expression) for expression in EXPRESSIONS]
    async for frame in subscriber:
        event = protocol.from_relay.decode(frame.data)
        if isinstance(event, Mood) and event.counts == expected:
            return
    raise ConnectionError("the relay closed the probe's subscription")
