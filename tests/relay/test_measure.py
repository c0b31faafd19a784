"""The countdown over real sockets: started by the streamer, seen by all, answered by viewers."""

import asyncio
import contextlib
import time
from typing import Any

import aiohttp
import pytest

from relay import app, protocol
from relay.live.connections import LiveChannel
from relay.protocol import MAX_DELAY_S, Countdown, Delay, Error
from tests.support import SOON, Client, Viewer, request, server_sent_events, subscribe, wait_until


async def start(relay: app.Relay, key: str, seconds: int = 3) -> Countdown:
    status, body = await request(relay.url, "POST", "demo/countdown", key, {"seconds": seconds})
    assert status == 201, body
    return protocol.Countdown(time=body["time"], seconds=body["seconds"], zero=body["zero"])


async def countdown_of(client: Client) -> Countdown:
    found = await client.receive_until(lambda message: isinstance(message, Countdown))
    assert isinstance(found, Countdown)
    return found


async def answer_to(viewer: Viewer) -> Delay | Error:
    await viewer.send(protocol.Zero())
    found = await viewer.receive_until(lambda message: isinstance(message, Delay | Error))
    assert isinstance(found, Delay | Error)
    return found


@pytest.mark.slow
async def test_a_countdown_reaches_everyone_and_measures_who_taps(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    stream = server_sent_events(relay.url, "demo", keys.display_key)
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as overlay,
        await Viewer.connect(relay.url) as viewer,
        await Viewer.connect(relay.url) as other,
        contextlib.aclosing(stream),
    ):
        await anext(stream)
        begun = await start(relay, keys.display_key)
        assert begun.zero - begun.time == pytest.approx(3, abs=1e-6)
        for client in (overlay, viewer, other):
            assert await countdown_of(client) == begun
        async for event in stream:
            if event.name == "countdown":
                assert protocol.from_relay.decode(event.data) == begun
                break

        early = await answer_to(viewer)
        assert isinstance(early, Error)
        assert early.code == protocol.NO_COUNTDOWN.number
        assert "tap when the stream on your screen reaches 0" in early.message

        async def measured() -> bool:  # until then it is too early
            return isinstance(await answer_to(viewer), Delay)

        await wait_until(measured)
        status, result = await request(relay.url, "GET", "demo/countdown", keys.display_key)
        assert status == 200
        assert result["zero"] == begun.zero
        assert (result["answers"], result["median"]) == (1, 0)
        assert 0 < result["open_s"] <= 123

    async def forgotten() -> bool:
        _, result = await request(relay.url, "GET", "demo/countdown", keys.display_key)
        return (result["answers"], result["median"]) == (0, None)

    await wait_until(forgotten)


@pytest.mark.relay(min_viewers=3, proxies=1, require_tickets="off")
async def test_of_too_few_networks_that_answer_nothing_is_told(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer is one person's: that somebody is there, and how far behind. More connections don't change that."""
    keys = relay.create_channel("demo")

    async def told() -> tuple[int, float | None]:
        _, result = await request(relay.url, "GET", "demo/countdown", keys.display_key)
        assert (result["min_viewers"], result["crowd"]) == (3, "networks")
        return result["answers"], result["median"]

    async with contextlib.AsyncExitStack() as stack:
        viewers = [
            await stack.enter_async_context(await Viewer.connect(relay.url, address=address))
            for address in (*["198.51.100.7"] * 3, "192.0.2.1", "2001:db8::1")
        ]
        await start(relay, keys.display_key)
        live = relay._hub.members.channel("demo")
        assert live.countdown is not None
        monkeypatch.setattr(live.countdown, "_zero", live.countdown._zero - 11)  # eight seconds ago
        for viewer in viewers:
            assert await told() == (0, None)
            assert isinstance(await answer_to(viewer), Delay)
        answers, median = await told()
        assert answers == 5
        assert median is not None
        await viewers[4].close()
        await wait_until(lambda: relay.connections("demo")[0] == 4)
        assert await told() == (0, None)


def delays(live: LiveChannel) -> list[int]:
    """The viewers' delays as they are used."""
    return sorted(one.member.group.delay for one in live.viewers if one.member.group)


async def test_measured_delays_are_used_when_the_countdown_is_over(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, also that of who slipped first; and not that of who has left."""
    keys = relay.create_channel("demo")
    async with (
        await Viewer.connect(relay.url) as viewer,
        await Viewer.connect(relay.url) as other,
        await Viewer.connect(relay.url) as silent,
    ):
        await start(relay, keys.display_key)
        live = relay._hub.members.channel("demo")
        assert live.countdown is not None
        for zero, delay in ((10, 10), (8, 8)):
            monkeypatch.setattr(live.countdown, "_zero", time.monotonic() - zero)
            assert await answer_to(viewer) == Delay(seconds=delay)
        assert await answer_to(other) == Delay(seconds=8)
        async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
            for _ in range(3):
                await overlay.mood()
            assert delays(live) == [0, 0, 0]
            await other.close()
            await overlay.mood(lambda mood: mood.viewers == 2)
            monkeypatch.setattr(live.countdown, "_zero", time.monotonic() - MAX_DELAY_S - 1)
            await wait_until(lambda: delays(live) == [0, 8])
        await silent.close()


@pytest.mark.slow
@pytest.mark.relay(min_viewers=2, limits=SOON._replace(label_ttl=1000.0))
async def test_who_answers_is_missing_in_no_second_of_the_history(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all others show the same all the time, the difference to the live mood would be that viewer's face."""
    keys = relay.create_channel("demo")

    async def moments(least: int) -> list[dict[str, Any]]:
        async def found() -> list[dict[str, Any]]:
            _, session = await request(relay.url, "GET", "demo/sessions/current", keys.display_key)
            whole = [moment for moment in session["moments"] if moment["time"] >= since]
            return whole if len(whole) >= least else []

        since = 0
        everything = await wait_until(found, timeout=60)
        since = next((moment["time"] for moment in everything if moment["sharing"] == 5), everything[-1]["time"] + 1)
        return await wait_until(found, timeout=60)

    async with contextlib.AsyncExitStack() as stack:
        viewers = []
        for delay in (0, 0, 0, 1, 1):
            viewer = await stack.enter_async_context(await Client.open(relay.url, "/v1/channels/demo/viewer"))
            await viewer.send(protocol.Hello(delay=delay))
            await viewer.send(protocol.Label(emotion="angry" if not viewers else "neutral"))
            viewers.append(viewer)
        before = len(await moments(9))  # by then nobody is new
        await start(relay, keys.display_key)
        live = relay._hub.members.channel("demo")
        assert live.countdown is not None
        monkeypatch.setattr(live.countdown, "_zero", time.monotonic() - 1)
        await viewers[0].send(protocol.Zero())
        await viewers[0].receive_until(lambda message: isinstance(message, Delay))
        monkeypatch.setattr(live.countdown, "_zero", time.monotonic() - MAX_DELAY_S - 1)
        await wait_until(lambda: delays(live) == [0, 0, 1, 1, 1])
        after = await moments(before + 6)
        assert {moment["sharing"] for moment in after} == {5}
        assert len({moment["time"] for moment in after}) == len(after)


async def test_a_delay_that_hello_tells_is_rounded(relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with await Client.open(relay.url, "/v1/channels/demo/viewer") as viewer:
        await viewer.send(protocol.Hello(delay=7.6))
        await viewer.receive_until(lambda message: isinstance(message, protocol.Welcome))
        assert [one.member.group.delay for one in relay._hub.members.channel("demo").viewers if one.member.group] == [8]


async def test_there_is_one_countdown_at_a_time(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    await start(relay, keys.display_key)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {keys.admin_key}"}) as session,
        session.post(f"{relay.url}/v1/channels/demo/countdown", json={}) as response,
    ):
        assert response.status == 409
        error = (await response.json())["error"]
        assert 100 < int(response.headers["Retry-After"]) <= 123
    assert error["code"] == protocol.COUNTING.number
    assert error["message"].endswith(f"start the next one in {response.headers['Retry-After']} seconds.")


async def test_without_a_countdown_a_tap_is_told_to_wait(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        answer = await answer_to(viewer)
        assert isinstance(answer, Error)
        assert answer.message == "No countdown is on the stream: wait until the streamer starts one."
    _, result = await request(relay.url, "GET", "demo/countdown", keys.display_key)
    least = {"min_viewers": 1, "crowd": "networks"}
    assert result == {"zero": None, "open_s": 0, "answers": 0, "median": None} | least


@pytest.mark.parametrize(
    ("body", "status"), [({"seconds": 2}, 400), ({"seconds": 31}, 400), ({"seconds": "5"}, 400), (None, 415)]
)
async def test_a_wrong_body_is_told(relay: app.Relay, body: object, status: int) -> None:
    keys = relay.create_channel("demo")
    answered, error = await request(relay.url, "POST", "demo/countdown", keys.display_key, body)
    assert answered == status
    assert error["error"]["message"].startswith("Expected ")


async def test_it_needs_a_key_of_the_channel(relay: app.Relay) -> None:
    relay.create_channel("demo")
    for method in ("POST", "GET"):
        status, _ = await request(relay.url, method, "demo/countdown", "wrong", {})
        assert status == 401


async def test_who_comes_during_it_gets_the_rest_and_who_comes_late_nothing(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as first:
        begun = await start(relay, keys.display_key, 30)
        await countdown_of(first)
        async with await subscribe(relay.url, "demo", keys.display_key) as second:
            rest = await countdown_of(second)
            assert (rest.zero, rest.seconds) == (begun.zero, 30)
            assert rest.time > begun.time
        live = relay._hub.members.channel("demo")
        assert live.countdown is not None
        monkeypatch.setattr(live.countdown, "_zero", live.countdown._zero - 29.5)
        async with await subscribe(relay.url, "demo", keys.display_key) as late:
            seen = [await late.receive() for _ in range(4)]
            assert not any(isinstance(message, Countdown) for message in seen)
        async with await Viewer.connect(relay.url) as viewer:  # may see the zero only in a while
            await countdown_of(viewer)


async def test_a_thousand_zeros_leave_the_relay_serving(relay: app.Relay) -> None:
    """They cost what labels cost: far too many end the connection of who sends them, and nothing else."""
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        async with await Viewer.connect(relay.url) as viewer:
            with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                for _ in range(1000):
                    await viewer.send(protocol.Zero())
            bye = await viewer.receive_until(lambda message: isinstance(message, protocol.Bye))
            assert bye.code == protocol.TOO_FAST.number
        await asyncio.wait_for(overlay.mood(lambda mood: mood.viewers == 0), 60)
