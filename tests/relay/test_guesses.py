"""Many who guess join passwords, at a real relay: they delay each other, not those who know theirs."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from relay import protocol
from relay.app import Relay
from relay.http.guesses import MOST_WAITING
from tests.raw import RawClient
from tests.support import request, wait_until

GUESSERS, GUESSES = 10, 6


class Door:
    """Asks for tickets of channels with a password."""

    def __init__(self, relay: Relay, http: aiohttp.ClientSession) -> None:
        self.relay, self._http = relay, http
        self.answered: list[int] = []
        """The status of each answer, in their order."""

    async def guard(self, *channels: str) -> None:
        """Make channels whose password is sesame."""
        for channel in channels:
            key = self.relay.create_channel(channel).admin_key
            await request(self.relay.url, "PUT", f"{channel}/password", key, {"password": "sesame"})

    async def ask(self, channel: str, password: str, address: str) -> int:
        path, headers = f"/v1/channels/{channel}/tickets", {"X-Forwarded-For": address}
        async with self._http.post(path, json={"password": password}, headers=headers) as response:
            answer = await response.json()
            self.answered.append(response.status)
            if response.status == 429:
                assert answer["error"]["name"] == protocol.TOO_OFTEN.name
                assert int(response.headers["Retry-After"]) > 0
            return response.status

    def guess(self, channel: str, houses: int, each: int) -> list["asyncio.Task[int]"]:
        return [
            asyncio.create_task(self.ask(channel, f"guess {number}", f"192.0.2.{house}"))
            for number in range(each)
            for house in range(houses)
        ]


@pytest.fixture
async def door(relay: Relay) -> AsyncIterator[Door]:
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(relay.url, connector=connector, timeout=timeout) as http:
        yield Door(relay, http)


@pytest.mark.slow
@pytest.mark.relay(proxies=1)
@pytest.mark.parametrize("channel", ["other", "demo"])
async def test_who_knows_the_password_is_not_behind_all_who_guess(door: Door, channel: str) -> None:
    await door.guard("demo", "other")
    guesses = door.guess("demo", GUESSERS, GUESSES)
    await wait_until(lambda: door.answered, timeout=60)
    assert await door.ask(channel, "sesame", "198.51.100.1") == 201
    assert len(door.answered) < GUESSERS * GUESSES * 2 / 3  # the same channel: behind each guesser's first, at worst
    assert set(await asyncio.gather(*guesses)) == {403}


@pytest.mark.slow
@pytest.mark.relay(proxies=1)
async def test_too_many_guesses_are_sent_away_and_a_newcomer_is_not(door: Door) -> None:
    await door.guard("demo")
    guesses = door.guess("demo", MOST_WAITING // 5, GUESSES)
    await wait_until(lambda: 429 in door.answered, timeout=60)
    assert await door.ask("demo", "sesame", "198.51.100.1") == 201
    statuses = await asyncio.gather(*guesses)
    assert statuses.count(429) >= MOST_WAITING // 5 - 5
    assert set(statuses) == {403, 429}


@pytest.mark.slow
@pytest.mark.relay(proxies=1)
async def test_a_password_that_was_given_rightly_waits_for_nobody(door: Door) -> None:
    await door.guard("demo", "other")
    assert await door.ask("demo", "sesame", "198.51.100.1") == 201
    guesses = door.guess("other", GUESSERS, GUESSES)
    await wait_until(lambda: 403 in door.answered, timeout=60)
    before = len(door.answered)
    for _ in range(5):
        assert await door.ask("demo", "sesame", "198.51.100.1") == 201
        assert await door.ask("demo", "wrong", "198.51.100.2") == 403
    assert len(door.answered) < before + GUESSERS * GUESSES * 2 / 3
    await asyncio.gather(*guesses)


@pytest.mark.relay(proxies=1)
async def test_who_left_is_not_looked_at(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.guard("demo")
    hashed: list[str] = []
    check = type(door.relay._channels).check_password

    def counted(channels: object, channel: str, password: str) -> bool:
        hashed.append(password)
        return check(door.relay._channels, channel, password)

    monkeypatch.setattr(type(door.relay._channels), "check_password", counted)
    first = door.guess("demo", 10, 1)
    await wait_until(lambda: hashed, timeout=60)
    body = b'{"password": "gone"}'
    head = "POST /v1/channels/demo/tickets HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.{}\r\n"
    for number in range(40):
        async with await RawClient.connect(door.relay.url) as client:
            await client.send(head.format(number).encode() + b"Content-Type: application/json\r\n")
            await client.send(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert set(await asyncio.gather(*first)) == {403}
    assert await door.ask("demo", "sesame", "198.51.100.1") == 201
    assert hashed.count("gone") < 10
