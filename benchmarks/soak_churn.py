"""The churn of ``benchmarks.soak``: viewers, overlays, streamers, strangers, who come, misbehave and go by a seed."""

import asyncio
import contextlib
import ipaddress
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import aiohttp

from benchmarks.soak_line import RawLine, connect, events, upgrade
from relay.protocol import EXPRESSIONS, TAPS

SLOW_SHARE = 0.2
"""Of viewers and overlays."""
SLOW_STAYS = 2.5
"""A slow reader would stay so many times as long as others, so that the relay has to end it."""
_NEVER = float("inf")
_TAP_SHARE = 0.05
"""Of what a viewer sends."""
_COUNTRIES = ipaddress.IPv4Network("11.0.0.0/8")
"""Where most viewers come from; the others have IPv6."""
LABELS = [json.dumps({"type": "label", "emotion": name, "confidence": 0.87}).encode() for name in EXPRESSIONS]
_TAP_FRAMES = [json.dumps({"type": "tap", "tap": name}).encode() for name in TAPS]
_ZERO, _AWAY = b'{"type":"zero"}', b'{"type":"away"}'
_LOOKS = [json.dumps({"type": kind, "on": on}).encode() for kind in ("show", "look") for on in (True, False)]
_PAGES = (
    "/healthz",
    "/readyz",
    "/overlay",
    "/dashboard",
    "/join/main",
    "/settings/main",
    "/try",
    "/v1/channels",
    "/nowhere",
)
_FAILURES = (OSError, aiohttp.ClientError, asyncio.TimeoutError, EOFError)
"""What may happen to a client of a relay that turns it away."""


class Plan(NamedTuple):
    """How much churn. Times in seconds."""

    viewers: int = 1500
    """Seats: who leaves one is followed by another viewer."""
    overlays: int = 120
    life: float = 60.0
    """A viewer's or overlay's mean; lives are exponentially distributed."""
    nap: tuple[float, float] = (30.0, 120.0)
    """Shortest and longest sleep of a laptop; ..."""
    nap_gap: float = 45.0
    """... about so long after the last nap began, another part of the audience falls asleep; ..."""
    nap_share: tuple[float, float] = (0.05, 0.25)
    """... its smallest and largest share."""
    scene: float = 20.0
    """About so often a streamer says something of the session, and a channel is made."""
    calm: float = 1.0
    """An HTTP client's mean pause between two requests."""


class Address(NamedTuple):
    """Of the relay."""

    host: str
    port: int
    create_key: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


class ChannelKeyPair(NamedTuple):
    """Of a channel."""

    channel: str
    admin: str
    display: str


class ViewerSeat:
    """Whoever sits here falls asleep until this time, by ``time.monotonic``; both are 0 for who is awake."""

    __slots__ = ("asleep_until", "line")

    def __init__(self) -> None:
        self.asleep_until = 0.0
        self.line: RawLine | None = None


class Churn:
    """Everyone who comes to one relay. ``counts`` tells what was done, by name."""

    def __init__(self, address: Address, plan: Plan, seed: int) -> None:
        self._relay, self._plan, self._chance = address, plan, random.Random(seed)
        self._host = f"{address.host}:{address.port}"
        self._seats = [ViewerSeat() for _ in range(plan.viewers)]
        self._lines: set[RawLine] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()
        self.channels: list[ChannelKeyPair] = []

    # --- the whole ---------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> "Churn":
        timeout = aiohttp.ClientTimeout(total=30)
        self._http = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        self.channels = [await self._make(name) for name in ("main", "second", "third")]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    def come(self) -> None:
        """Begin: the seats fill over half a mean life."""
        for seat in self._seats:
            self._spawn(self._sit(seat, random.Random(self._chance.random())))
        for number in range(self._plan.overlays):
            self._spawn(self._watch(random.Random(self._chance.random()), number % 2 == 0))
        for keys in self.channels:
            self._spawn(self._lead(keys, random.Random(self._chance.random())))
        for work in (self._visit_pages, self._read_history, self._knock, self._make_channels, self._guess):
            self._spawn(work(random.Random(self._chance.random())))
        self._spawn(self._put_to_sleep(random.Random(self._chance.random())))

    async def leave(self) -> None:
        """All go at once, in the ways that there are, and nothing of theirs is left open."""
        while self._tasks:  # asyncio.wait_for loses a cancellation that comes with what it waits for
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(list(self._tasks), timeout=5)
        for number, line in enumerate(list(self._lines)):
            (line.reset if number % 2 else line.vanish)()
        await self._http.close()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self, chance: random.Random, mean_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do some work without end, with a random pause before each; it may fail, and is counted then."""
        while True:
            await asyncio.sleep(chance.expovariate(1 / mean_s))
            try:
                await work()
            except _FAILURES as error:
                self.counts[f"failed: {type(error).__name__}"] += 1

    # --- viewers -----------------------------------------------------------------------------------------------------

    async def _sit(self, seat: ViewerSeat, chance: random.Random) -> None:
        await asyncio.sleep(chance.uniform(0, self._plan.life / 2))
        await self._again(chance, self._plan.life / 60, lambda: self._visit(seat, chance))

    async def _visit(self, seat: ViewerSeat, chance: random.Random) -> None:
        """One viewer, from the ticket to one of the ways to go."""
        channel = self.channels[min(int(chance.expovariate(1.2)), len(self.channels) - 1)].channel
        address, slow = random_address(chance), random_slowness(chance)
        life = chance.expovariate(1 / self._plan.life) * (SLOW_STAYS if slow else 1)
        until = time.monotonic() + max(life, self._plan.life if slow else 0.0)
        ticket = await self._ticket(channel, address)
        seat.line = await self._join(channel, address, ticket, chance, slow)
        self.counts["slow viewers" if slow else "viewers"] += 1
        try:
            while (left := until - time.monotonic()) > 0 and not seat.line.is_lost:
                await asyncio.sleep(min(chance.uniform(0.5, 5.0), left))
                if seat.asleep_until:
                    await asyncio.sleep(max(0.0, seat.asleep_until - time.monotonic()))
                    await self._wake(seat, channel, address, ticket, chance)
                else:
                    seat.line.say(random_frame(chance))
        finally:
            seat.asleep_until = 0.0
            await self._end(seat.line, chance)

    async def _join(
        self, channel: str, address: str, ticket: str, chance: random.Random, slow: tuple[int, float] | None
    ) -> RawLine:
        """A viewer's connection, with its hello said."""
        line: RawLine

        def hear(message: bytes) -> None:
            if message.startswith(b'{"type":"countdown"') and chance.random() < 0.5:
                zero = json.loads(message)["seconds"] + chance.uniform(1, 8)
                asyncio.get_running_loop().call_later(zero, lambda: line.say(_ZERO))
            elif message.startswith(b'{"type":"bye"'):
                self.counts[f"bye {json.loads(message)['code']}"] += 1

        request = upgrade(self._host, f"/v1/channels/{channel}/viewer", f"X-Forwarded-For: {address}")
        line = await connect(self._relay.host, self._relay.port, request, hear, slow)
        self._lines.add(line)
        name = f"viewer {chance.randrange(10_000)}" if chance.random() < 0.3 else ""
        line.say(json.dumps({"type": "hello", "agent": "soak", "ticket": ticket, "name": name}).encode())
        return line

    async def _wake(self, seat: ViewerSeat, channel: str, address: str, ticket: str, chance: random.Random) -> None:
        """Come back from sleep with the old ticket, whether the old connection is still there or not."""
        old, seat.asleep_until = seat.line, 0.0
        assert old is not None
        if chance.random() < 0.5:
            self._drop(old)
        try:
            seat.line = await self._join(channel, address, ticket, chance, None)
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            if seat.line.is_lost:  # it was too old
                self.counts["old tickets refused"] += 1
                seat.line = await self._join(channel, address, await self._ticket(channel, address), chance, None)
        finally:
            self._drop(old)
        self.counts["laptops back"] += 1

    async def _end(self, line: RawLine, chance: random.Random) -> None:
        if line.is_lost:
            self.counts["closed by the relay"] += 1
        elif (way := chance.random()) < 0.4:
            self.counts["resets"] += 1
            line.reset()
        elif way < 0.6:
            line.vanish()
        else:
            await line.part()
        self._drop(line)

    def _drop(self, line: RawLine) -> None:
        line.vanish()
        self._lines.discard(line)

    async def _put_to_sleep(self, chance: random.Random) -> None:
        """Now and then a part of the audience closes its laptops together, and opens them together."""

        async def nap() -> None:
            share = chance.uniform(*self._plan.nap_share)
            until = time.monotonic() + chance.uniform(*self._plan.nap)
            for seat in self._seats:
                if seat.line and not seat.line.is_lost and not seat.asleep_until and chance.random() < share:
                    seat.line.fall_asleep()
                    seat.asleep_until = until
                    self.counts["laptops asleep"] += 1

        await self._again(chance, self._plan.nap_gap, nap)

    # --- overlays ----------------------------------------------------------------------------------------------------

    async def _watch(self, chance: random.Random, by_socket: bool) -> None:
        await self._again(chance, self._plan.life / 30, lambda: self._subscribe(chance, by_socket))

    async def _subscribe(self, chance: random.Random, by_socket: bool) -> None:
        """One overlay, from its subscription to its end."""
        keys, slow = chance.choice(self.channels), random_slowness(chance)
        path = f"/v1/channels/{keys.channel}/mood"
        place = f"X-Forwarded-For: {random_address(chance)}"
        request = upgrade(self._host, path, place) if by_socket else events(self._host, path, keys.display, place)
        line = await connect(self._relay.host, self._relay.port, request, (lambda _: None) if by_socket else None, slow)
        self._lines.add(line)
        if by_socket:
            line.say(json.dumps({"type": "subscribe", "key": keys.display}).encode())
        self.counts[("slow " if slow else "") + ("WebSocket overlays" if by_socket else "SSE overlays")] += 1
        life = chance.expovariate(1 / self._plan.life) * (SLOW_STAYS if slow else 1)
        try:
            await line.wait(life)
        finally:
            if by_socket:
                await self._end(line, chance)
            else:
                (line.reset if chance.random() < 0.5 else line.vanish)()
                self._drop(line)

    # --- streamers ---------------------------------------------------------------------------------------------------

    async def _lead(self, keys: ChannelKeyPair, chance: random.Random) -> None:
        """What a channel's streamer does all evening."""

        async def scene() -> None:
            what = chance.choice(
                ("open", "open", "paused", "ended", "auto", "marker", "rehearsal", "countdown", "face")
            )
            if what == "marker":
                await self._ask("POST", keys, "markers", {"text": f"scene {chance.randrange(1000)}"})
            elif what == "rehearsal":
                await self._ask("POST", keys, "rehearsal", {})
            elif what == "countdown":
                await self._ask("POST", keys, "countdown", {"seconds": 3})
            elif what == "face":
                await self._show_face(keys, chance)
            else:
                await self._ask("PUT", keys, "session", {"state": what})

        await self._again(chance, self._plan.scene, scene)

    async def _show_face(self, keys: ChannelKeyPair, chance: random.Random) -> None:
        """The streamer's own face for a moment."""
        answer = await self._ask("POST", keys, "tickets", {"role": "streamer"})
        line = await self._join(keys.channel, "", answer["ticket"], chance, None)
        try:
            for _ in range(5):
                await asyncio.sleep(1)
                line.say(chance.choice(LABELS))
        finally:
            await self._end(line, chance)

    async def _make_channels(self, chance: random.Random) -> None:
        """Channels that are made, used for a moment, and deleted with everyone inside."""

        async def one() -> None:
            keys = await self._make(f"short-{self.counts['channels made']}")
            self.counts["channels made"] += 1
            await self._ask("PATCH", keys, "", {"listed": True, "grid": True, "notice": "For a moment."})
            inside = [
                await self._join(keys.channel, address, await self._ticket(keys.channel, address), chance, None)
                for address in (random_address(chance) for _ in range(10))
            ]
            try:
                for _ in range(4):
                    for line in inside:
                        line.say(chance.choice(_LOOKS))
                        line.say(chance.choice(LABELS))
                    await asyncio.sleep(1)
                await self._ask("POST", keys, "invitation", {})
                display = await self._ask("POST", keys, "keys", {"rotate": "display"})
                await self._ask("GET", keys._replace(admin=display["display_key"]), "sessions")
                await self._ask("PUT", keys, "password", {"password": "sesame"})
                await self._ask("DELETE", keys, "")
                await asyncio.sleep(1)
            finally:
                for line in inside:
                    self._drop(line)

        await self._again(chance, self._plan.scene, one)

    # --- requests ----------------------------------------------------------------------------------------------------

    async def _visit_pages(self, chance: random.Random) -> None:
        async def one() -> None:
            path = chance.choice(_PAGES)
            # Half of them on a connection of their own.
            headers = {"Connection": "close"} if chance.random() < 0.5 else {}
            async with self._http.get(self._relay.url + path, headers=headers) as answer:
                await answer.read()
            self.counts["pages"] += 1

        await self._again(chance, self._plan.calm, one)

    async def _read_history(self, chance: random.Random) -> None:
        async def one() -> None:
            keys = chance.choice(self.channels)
            sessions = (await self._ask("GET", keys, "sessions"))["sessions"]
            number = chance.choice(sessions)["number"] if sessions and chance.random() < 0.7 else "current"
            what = chance.choice(("", "/peaks", "/peaks?all=1", ".csv", ".json"))
            path = f"sessions/{number}{what}" if chance.random() < 0.9 else "overlay.png?width=320&height=180"
            headers = {"Authorization": f"Bearer {keys.admin}"}
            async with self._http.get(
                f"{self._relay.url}/v1/channels/{keys.channel}/{path}", headers=headers
            ) as answer:
                if chance.random() < 0.8:
                    await answer.read()
                else:
                    answer.close()  # broken off
            self.counts["history and pictures"] += 1
            if len(sessions) > 8:
                await self._ask("DELETE", keys, f"sessions/{sessions[-1]['number']}")

        await self._again(chance, 2 * self._plan.calm, one)

    async def _knock(self, chance: random.Random) -> None:
        """Strangers who open a connection and say nothing, half a request, nonsense, or nothing after the handshake."""
        first = (
            b"",
            b"GET / HT",
            b"\x16\x03\x01\x02\x00",
            b"POST /v1/channels HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
            upgrade(self._host, "/v1/channels/main/viewer", "X-Forwarded-For: 192.0.2.1"),
        )

        async def one() -> None:
            reader, writer = await asyncio.open_connection(self._relay.host, self._relay.port)
            self.counts["strangers"] += 1
            writer.write(chance.choice(first))
            if chance.random() < 0.5:
                writer.transport.abort()
                return
            self._spawn(_wait_for_end(reader, writer))

        await self._again(chance, self._plan.calm, one)

    async def _guess(self, chance: random.Random) -> None:
        """Who tries keys and passwords, from many addresses."""

        async def one() -> None:
            headers = {"X-Forwarded-For": random_address(chance), "Authorization": "Bearer wrong"}
            path = chance.choice(("main/sessions", "main/session", "nobody/sessions", "main/tickets"))
            url = f"{self._relay.url}/v1/channels/{path}"
            method = "POST" if path.endswith("tickets") else "GET"
            body = {"role": "streamer"} if method == "POST" else None
            async with self._http.request(method, url, headers=headers, json=body) as answer:
                await answer.read()
            self.counts["wrong keys"] += 1

        await self._again(chance, 2 * self._plan.calm, one)

    async def _make(self, channel: str) -> ChannelKeyPair:
        headers = {"Authorization": f"Bearer {self._relay.create_key}"}
        url = f"{self._relay.url}/v1/channels"
        async with self._http.post(url, json={"channel": channel}, headers=headers) as answer:
            keys = await answer.json()
            return ChannelKeyPair(channel, keys["admin_key"], keys["display_key"])

    async def _ticket(self, channel: str, address: str) -> str:
        url = f"{self._relay.url}/v1/channels/{channel}/tickets"
        async with self._http.post(url, json={}, headers={"X-Forwarded-For": address}) as answer:
            if answer.status != 201:
                raise ConnectionRefusedError(f"no ticket: HTTP {answer.status}")
            ticket: str = (await answer.json())["ticket"]
            return ticket

    async def _ask(self, method: str, keys: ChannelKeyPair, path: str, body: Any = None) -> Any:
        """A request with the channel's admin key; its JSON."""
        url = f"{self._relay.url}/v1/channels/{keys.channel}" + (f"/{path}" if path else "")
        headers = {"Authorization": f"Bearer {keys.admin}"}
        async with self._http.request(method, url, json=body, headers=headers) as answer:
            self.counts["requests of streamers"] += 1
            return await answer.json() if answer.content_type == "application/json" else None


async def _wait_for_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing more until the relay closes."""
    try:
        with contextlib.suppress(OSError):
            await reader.read()
    finally:
        writer.close()


def random_address(chance: random.Random) -> str:
    """A client's address: of IPv4 for two of three."""
    if chance.random() < 2 / 3:
        return str(_COUNTRIES[chance.randrange(_COUNTRIES.num_addresses)])
    return str(ipaddress.IPv6Address((0x2A02 << 112) | chance.getrandbits(112)))


def random_slowness(chance: random.Random) -> tuple[int, float] | None:
    """As of ``soak_line.connect``: one of five reads nothing at all, or a few bytes now and then."""
    if chance.random() >= SLOW_SHARE:
        return None
    return (4096, _NEVER) if chance.random() < 0.5 else (chance.randrange(16, 64), 1.0)


def random_frame(chance: random.Random) -> bytes:
    """What a viewer sends."""
    dice = chance.random()
    if dice < _TAP_SHARE:
        return chance.choice(_TAP_FRAMES)
    if dice < _TAP_SHARE + 0.02:
        return chance.choice((_AWAY, _ZERO, b"{", *_LOOKS))
    return chance.choice(LABELS)
