"""The bus on a real Redis that is killed, frozen and garbled."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from relay.cluster.bus import REFUSED, SILENT, Bus
from relay.errors import SettingsError
from tests.redis_server import RedisServer
from tests.support import HANG_S, free_port, wait_until

SILENCE = 1.0


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer.started() as server:
        yield server


class Listener:
    """A bus that keeps what it hears, and says something all the time, as a node does."""

    def __init__(self, url: str, topic: str = "test") -> None:
        self.heard: list[bytes] = []
        self.bus = Bus(url, topic, SILENCE, self.heard.append)
        self._chatter = asyncio.create_task(self._chat())

    async def _chat(self) -> None:
        while True:
            self.bus.put_state([b"tick"])
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._chatter.cancel()
        await self.bus.stop(b"goodbye")


@pytest.fixture
async def pair(redis: RedisServer) -> AsyncIterator[tuple[Listener, Listener]]:
    both = Listener(redis.url), Listener(redis.url)
    for one in both:
        await wait_until(one.bus.connected.is_set)
    yield both
    for one in both:
        await one.stop()


async def test_all_hear_all_and_themselves(pair: tuple[Listener, Listener]) -> None:
    one, other = pair
    one.bus.put_news(b"hello")
    await wait_until(lambda: b"hello" in one.heard and b"hello" in other.heard)


async def test_topics_are_apart(redis: RedisServer, pair: tuple[Listener, Listener]) -> None:
    stranger = Listener(redis.url, "other")
    await wait_until(stranger.bus.connected.is_set)
    pair[0].bus.put_news(b"hello")
    await wait_until(lambda: b"hello" in pair[1].heard)
    assert b"hello" not in stranger.heard
    await stranger.stop()


async def test_a_stopped_bus_says_goodbye(pair: tuple[Listener, Listener]) -> None:
    await pair[0].stop()
    await wait_until(lambda: b"goodbye" in pair[1].heard)


async def test_of_states_only_the_newest_is_sent_and_of_news_all(redis: RedisServer) -> None:
    heard: list[bytes] = []
    bus = Bus(redis.url, "test", SILENCE, heard.append)
    bus.put_news(b"first")
    bus.put_state([b"old"])
    bus.put_news(b"second")
    bus.put_state([b"new 1", b"new 2"])
    await wait_until(lambda: b"new 2" in heard)
    assert heard == [b"first", b"second", b"new 1", b"new 2"]
    await bus.stop(b"goodbye")


async def test_it_heals_when_redis_is_killed_and_comes_back(
    redis: RedisServer, pair: tuple[Listener, Listener]
) -> None:
    redis.kill()
    for one in pair:
        await wait_until(lambda bus=one.bus: bus.trouble == SILENT and not bus.connected.is_set())
    pair[0].bus.put_news(b"kept")
    redis.start()
    for one in pair:
        await wait_until(one.bus.connected.is_set)
        assert one.bus.trouble == ""
    await wait_until(lambda: b"kept" in pair[0].heard)
    pair[0].bus.put_news(b"after")
    await wait_until(lambda: b"after" in pair[1].heard)


async def test_a_frozen_redis_is_noticed_and_nobody_waits(redis: RedisServer, pair: tuple[Listener, Listener]) -> None:
    one = pair[0].bus
    redis.freeze()
    try:
        await wait_until(lambda: not one.connected.is_set())
        for number in range(5000):  # what would block here, blocks a tick
            one.put_state([b"x" * 60_000])
            one.put_news(b"%d" % number)
    finally:
        redis.thaw()
    await wait_until(one.connected.is_set)
    await wait_until(lambda: b"4999" in pair[0].heard)


async def test_redis_may_come_later(redis: RedisServer) -> None:
    redis.kill()
    late = Listener(redis.url)
    await wait_until(lambda: late.bus.trouble == SILENT)
    redis.start()
    await wait_until(late.bus.connected.is_set)
    await late.stop()


@pytest.mark.parametrize("credentials", ["", ":wrong@", "nobody:wrong@"])
async def test_a_wrong_password_has_its_own_sentence_and_is_not_told(
    credentials: str, caplog: pytest.LogCaptureFixture
) -> None:
    with RedisServer.started(password="sesame") as server:
        outsider = Listener(f"redis://{credentials}127.0.0.1:{server.port}")
        await wait_until(lambda: outsider.bus.trouble == REFUSED)
        assert "wrong@" not in caplog.text
        insider = Listener(server.url)
        await wait_until(insider.bus.connected.is_set)
        for one in (insider, outsider):
            await one.stop()


async def test_stopping_does_not_wait_for_a_redis_that_is_away() -> None:
    alone = Listener(f"redis://127.0.0.1:{free_port()}")
    await wait_until(lambda: alone.bus.trouble == SILENT)
    await asyncio.wait_for(alone.stop(), HANG_S)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:port", "redis://[::1"])
async def test_an_address_that_is_none_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError, match="redis://USER") as caught:
        Bus(url, "test", SILENCE, lambda message: None)
    assert url not in str(caught.value)
