"""Sessions that follow the broadcast: open, paused, ended, and what is stored meanwhile. With both databases."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app, protocol
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.command import Command
from relay.protocol import Mood, Reaction, Status
from relay.store import database
from relay.store.channels import ChannelKeys
from tests.support import SOON, Client, Viewer, audience, leave, request, subscribe, wait_until


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> database.Place:
    return database_url or tmp_path / "relay" / database.FILE


@pytest.fixture
def keys(database_url: str, relay: Relay) -> ChannelKeys:
    return relay.create_channel("demo")


async def say(relay: Relay, keys: ChannelKeys, state: str) -> dict[str, Any]:
    status, body = await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": state})
    assert status == 200, body
    assert isinstance(body, dict)
    return body


async def told(client: Client, state: str) -> Status:
    found = await client.receive_until(lambda message: isinstance(message, Status) and message.state == state)
    assert isinstance(found, Status)
    return found


async def sessions(relay: Relay, keys: ChannelKeys) -> list[int]:
    _, body = await request(relay.url, "GET", "demo/sessions", keys.display_key)
    return [row["number"] for row in body["sessions"]]


async def moments(relay: Relay, keys: ChannelKeys, number: int | str = "current") -> list[dict[str, Any]]:
    status, body = await request(relay.url, "GET", f"demo/sessions/{number}", keys.display_key)
    return list(body["moments"]) if status == 200 else []


def rows(place: database.Place) -> dict[str, list[Any]]:
    """All that is stored of an audience."""
    with database.opened(place) as file:
        return {
            name: sorted(file.execute(f"SELECT * FROM {name}").fetchall())
            for name in ("sessions", "moments", "reactions", "markers")
        }


async def test_without_a_word_all_is_as_ever(relay: Relay, keys: ChannelKeys) -> None:
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        assert await client.receive() == Status(channel="demo", session=None, tick_ms=50, warnings=[])
        assert not (await client.mood()).paused


async def test_open_runs_a_session_without_viewers_which_leaves_nothing(
    relay: Relay, keys: ChannelKeys, place: database.Place
) -> None:
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        before = time.time()
        body = await say(relay, keys, "open")
        assert (body["state"], body["session"], body["lease_s"]) == ("open", 1, 300)
        assert before - 0.1 <= body["started"] <= time.time() + 0.1
        assert (await told(client, "open")).session == 1
        assert await say(relay, keys, "open") == body  # the second start changes nothing
        assert await say(relay, keys, "ended") == {"state": "ended", "session": None, "started": None, "lease_s": 300}
        assert (await told(client, "ended")).session is None
        assert await sessions(relay, keys) == []
        assert not any(rows(place).values())


async def test_a_marker_in_an_open_session_without_viewers_is_kept(relay: Relay, keys: ChannelKeys) -> None:
    await say(relay, keys, "open")
    assert (await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "Scene: intro"}))[0] == 201
    await wait_until(lambda: listed(relay, keys, [1]))
    await say(relay, keys, "ended")

    async def over() -> bool:
        _, found = await request(relay.url, "GET", "demo/sessions/1", keys.display_key)
        assert [marker["text"] for marker in found["markers"]] == ["Scene: intro"]
        ended = found["session"]["ended"]
        return ended is not None and bool(ended >= found["markers"][0]["time"])

    await wait_until(over)


async def listed(relay: Relay, keys: ChannelKeys, numbers: list[int]) -> bool:
    return sorted(await sessions(relay, keys)) == numbers


async def test_open_begins_a_new_session_and_ended_keeps_viewers_from_another(
    relay: Relay, keys: ChannelKeys, place: database.Place
) -> None:
    viewers = await audience(relay.url, "demo", ["happy", "sad"])
    await wait_until(lambda: moments(relay, keys))
    assert (await say(relay, keys, "open"))["session"] == 2
    await wait_until(lambda: moments(relay, keys))
    await say(relay, keys, "ended")
    viewers += await audience(relay.url, "demo", ["happy"])
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        first = await client.mood(lambda mood: mood.visible and mood.sharing == 3)  # it is shown, and not stored
        await client.mood(lambda mood: mood.time > first.time + 2)
    assert await sessions(relay, keys) == [2, 1]
    before = rows(place)
    assert [ended is not None for _, _, _, ended, *_ in before["sessions"]] == [True, True]
    # What was ended does not go on, though it was a moment ago.
    assert (await say(relay, keys, "auto"))["session"] == 3
    await wait_until(lambda: moments(relay, keys, 3))
    assert rows(place)["sessions"][:2] == before["sessions"]
    await leave(viewers)


async def test_a_pause_hides_and_stores_nothing_and_the_session_goes_on(
    relay: Relay, keys: ChannelKeys, place: database.Place
) -> None:
    """The attack on the promise: labels, taps, newcomers and a countdown while paused, and then a look at the rows."""
    await say(relay, keys, "open")
    viewers = await audience(relay.url, "demo", ["happy", "happy", "sad"])
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        await client.mood(lambda mood: mood.visible and mood.sharing == 3)
        await wait_until(lambda: moments(relay, keys))
        body = await say(relay, keys, "paused")
        paused_at = time.time()
        assert (body["state"], body["session"]) == ("paused", 1)
        assert (await told(client, "paused")).session == 1
        first = await client.mood(lambda mood: mood.paused)
        await asyncio.to_thread(settled, relay)
        before = rows(place)
        seen: list[Any] = []
        countdown, _ = await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3})
        assert countdown == 201
        late = await audience(relay.url, "demo", ["surprise"] * 3)
        while not seen or not isinstance(seen[-1], Mood) or seen[-1].time < first.time + 5:
            for viewer in viewers + late:
                for expression in ("angry", "surprise"):
                    await viewer.label(expression)  # type: ignore[arg-type]
                await viewer.tap("heart")
            await viewers[0].send(protocol.Zero())
            seen.append(await client.receive())
            if len(seen) % 8:  # at a pace that the relay allows
                await client.mood()
        assert not [message for message in seen if isinstance(message, Reaction)]
        moods = [message for message in seen if isinstance(message, Mood)]
        assert {(mood.paused, mood.visible, mood.sharing, sum(mood.counts)) for mood in moods} == {(True, False, 0, 0)}
        assert moods[-1].viewers == 6  # how many are here is told always
        mood = await viewers[1].mood(lambda mood: mood.paused)  # and the viewers see it
        assert (mood.visible, mood.sharing) == (False, 0)
        await asyncio.to_thread(settled, relay)
        assert rows(place) == before

        marked, _ = await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "a break"})
        assert marked == 201  # a marker is the streamer's own
        resumed_at = time.time()
        assert (await say(relay, keys, "open"))["session"] == 1
        for viewer in viewers:
            await viewer.label("happy")
        mood = await client.mood(lambda mood: mood.visible and not mood.paused)
        assert mood.counts[protocol.EXPRESSIONS.index("angry")] == 0  # nothing of the pause came after it

        async def goes_on() -> bool:
            return any(moment["time"] >= resumed_at for moment in await moments(relay, keys))

        await wait_until(goes_on)
        times = [row[2] for row in rows(place)["moments"]]
        assert not [second for second in times if int(paused_at) + 1 <= second < int(resumed_at)]
        assert await sessions(relay, keys) == [1]
    await leave(viewers + late)


def settled(relay: Relay) -> None:
    """Returns when the history has written what it was given."""
    relay._history.rename("nobody", 1, "").result(60)


async def test_what_viewers_see_late_of_a_pause_is_not_stored(
    relay: Relay, keys: ChannelKeys, place: database.Place
) -> None:
    """With a delay of two seconds, what is shown right after the pause belongs into it."""
    await say(relay, keys, "open")
    viewers = [await Client.open(relay.url, "/v1/channels/demo/viewer") for _ in range(2)]
    for viewer in viewers:
        await viewer.send(protocol.Hello(delay=2))
        await viewer.receive()
    await say(relay, keys, "paused")
    paused_at = time.time()
    await wait_until(lambda: time.time() > paused_at + 3)
    await say(relay, keys, "open")
    resumed_at = time.time()
    for viewer in viewers:
        await viewer.send(protocol.Label(emotion="happy"))
    await wait_until(lambda: moments(relay, keys))
    for viewer in viewers:
        await viewer.close()
    assert min(row[2] for row in rows(place)["moments"]) >= int(resumed_at)


async def test_no_session_begins_in_a_pause(relay: Relay, keys: ChannelKeys, place: database.Place) -> None:
    assert (await say(relay, keys, "paused"))["session"] is None
    viewers = await audience(relay.url, "demo", ["happy"])
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        first = await client.mood(lambda mood: mood.paused and mood.viewers == 1)
        await client.mood(lambda mood: mood.time > first.time + 1)
        assert (await say(relay, keys, "auto"))["session"] == 1
        assert (await told(client, "auto")).session == 1
        await viewers[0].label("happy")
        await client.mood(lambda mood: mood.visible)
    await leave(viewers)


async def test_open_and_ended_become_auto_when_nobody_renews_them(relay: Relay, keys: ChannelKeys) -> None:
    viewers = await audience(relay.url, "demo", ["happy"])
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        for state, session in (("open", 1), ("ended", None)):
            await say(relay, keys, state)
            assert (await told(client, state)).session == session
            age(relay, protocol.LEASE_S + 1)
            assert (await told(client, "auto")).session is not None
    await leave(viewers)


@pytest.mark.relay(limits=SOON._replace(session_gap=0.3))
async def test_an_open_session_outlasts_its_viewers_and_not_an_obs_that_crashed(
    relay: Relay, keys: ChannelKeys, place: database.Place
) -> None:
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        await say(relay, keys, "open")
        viewers = await audience(relay.url, "demo", ["happy"])
        await wait_until(lambda: moments(relay, keys))
        await leave(viewers)
        first = await client.mood(lambda mood: mood.viewers == 0)
        await client.mood(lambda mood: mood.time > first.time + 1)  # much longer than a session waits by itself
        status, marker = await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "credits"})
        assert status == 201
        age(relay, protocol.LEASE_S + 1)
        await client.receive_until(lambda m: isinstance(m, Status) and (m.state, m.session) == ("auto", None))
    await asyncio.to_thread(settled, relay)
    [(_, number, _, ended, *_)] = rows(place)["sessions"]
    assert number == 1
    assert ended is not None
    assert ended >= marker["time"]


def age(relay: Relay, seconds: float) -> None:
    """As if the channel's last word had been said so much earlier."""
    channel = relay._hub.members.channel("demo")
    command = channel.command
    channel.command = Command(command.said, command.stamp, command.since, command.renewed - seconds)


async def test_a_pause_holds_while_somebody_is_there_and_ends_when_nobody_is(relay: Relay, keys: ChannelKeys) -> None:
    await say(relay, keys, "paused")
    [viewer] = await audience(relay.url, "demo", ["happy"])
    for _ in range(4):
        await viewer.mood(lambda mood: mood.paused)
        age(relay, protocol.LEASE_S * 0.9)
    await viewer.mood(lambda mood: mood.paused)
    await viewer.close()
    await wait_until(lambda: relay.connections("demo") == (0, 0))
    age(relay, protocol.LEASE_S + 1)
    await wait_until(lambda: "demo" not in relay._hub.members.channels)
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        assert not (await client.mood()).paused


@pytest.mark.parametrize("state", ["open", "paused"])
async def test_a_relay_that_restarts_goes_on_as_it_was_told(tmp_path: Path, database_url: str, state: str) -> None:
    settings = RelaySettings(port=0, data=str(tmp_path), database=database_url, tick_ms=50, min_viewers=1)
    relay = await app.start(settings, SOON)
    keys = relay.create_channel("demo")
    opened = await say(relay, keys, "open")
    assert (await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "intro"}))[0] == 201
    await say(relay, keys, state)
    await relay.stop()
    relay = await app.start(settings, SOON)
    try:
        async with await subscribe(relay.url, "demo", keys.display_key) as client:
            await client.receive_until(lambda m: isinstance(m, Status) and (m.state, m.session) == (state, 1))
            await client.mood(lambda mood: mood.paused == (state == "paused"))
        body = await say(relay, keys, "open")
        assert (body["session"], body["started"]) == (1, opened["started"])
    finally:
        await relay.stop()


async def test_what_was_answered_is_in_the_database(relay: Relay, keys: ChannelKeys, place: database.Place) -> None:
    """A relay that is killed right after the answer holds the pause when it starts again."""
    for state in ["open", "paused", "ended", "paused", "auto", "paused"] * 4:
        await say(relay, keys, state)
        assert stored_states(place) == ([] if state == "auto" else [state])


@pytest.mark.parametrize("how", ["hangs", "refuses"])
async def test_a_pause_holds_at_once_though_the_database_does_not_take_it(
    relay: Relay, keys: ChannelKeys, place: database.Place, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, write = threading.Event(), relay._history._write_all

    def trouble(*arguments: Any) -> Any:
        if not again.is_set() and how == "refuses":
            raise database.DatabaseError("no", "It refuses.")
        again.wait(60)
        return write(*arguments)

    monkeypatch.setattr(relay._history, "_write_all", trouble)
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        answer = asyncio.create_task(say(relay, keys, "paused"))
        await client.mood(lambda mood: mood.paused)
        assert (await answer)["state"] == "paused"
        again.set()
        await wait_until(lambda: stored_states(place) == ["paused"])


def stored_states(place: database.Place) -> list[str]:
    with database.opened(place) as file:
        return [state for (state,) in file.execute("SELECT state FROM commands").fetchall()]


async def test_whoever_changes_the_state_all_the_time_fills_nothing(
    relay: Relay, keys: ChannelKeys, place: database.Place
) -> None:
    viewers = await audience(relay.url, "demo", ["happy", "sad"])
    await wait_until(lambda: moments(relay, keys))
    codes: list[int] = []
    headers = {"Authorization": f"Bearer {keys.admin_key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for number in range(1000):
            body = {"state": ("open", "ended", "auto", "paused")[number % 4]}
            async with http.put(f"{relay.url}/v1/channels/demo/session", json=body) as answer:
                codes.append(answer.status)
                if answer.status == 429:
                    assert int(answer.headers["Retry-After"]) >= 1
    assert set(codes) == {200, 429}
    await asyncio.to_thread(settled, relay)
    assert len(rows(place)["sessions"]) <= 64
    await leave(viewers)


@pytest.mark.parametrize("body", [{}, {"state": "on"}, {"state": None}, [], {"state": ["open"]}])
async def test_a_state_that_is_none(relay: Relay, keys: ChannelKeys, body: Any) -> None:
    status, answer = await request(relay.url, "PUT", "demo/session", keys.admin_key, body)
    assert status == 400
    assert '"paused"' in answer["error"]["message"]


async def test_only_the_admin_key_says_what_a_session_does(relay: Relay, keys: ChannelKeys) -> None:
    for key, status in ((keys.display_key, 403), ("wrong", 401)):
        assert (await request(relay.url, "PUT", "demo/session", key, {"state": "paused"}))[0] == status


async def test_a_deleted_channel_takes_its_word_along(relay: Relay, keys: ChannelKeys, place: database.Place) -> None:
    await say(relay, keys, "paused")
    assert (await request(relay.url, "DELETE", "demo", keys.admin_key))[0] == 204
    with database.opened(place) as file:
        assert file.execute("SELECT * FROM commands").fetchall() == []
    again = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", again.display_key) as client:
        assert not (await client.mood()).paused


async def test_the_stream_of_events_tells_which_key_it_was(relay: Relay, keys: ChannelKeys) -> None:
    for key, right in ((keys.display_key, "display"), (keys.admin_key, "admin")):
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http,
            http.get(f"{relay.url}/v1/channels/demo/mood") as response,
        ):
            assert response.headers["Moodcast-Right"] == right


async def test_a_viewer_alone_has_its_labels_taken_again_after_a_pause(relay: Relay, keys: ChannelKeys) -> None:
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await say(relay, keys, "paused")
        await viewer.mood(lambda mood: mood.paused)
        await say(relay, keys, "auto")
        await viewer.label("sad")
        mood = await viewer.mood(lambda mood: mood.visible)
        assert mood.counts[protocol.EXPRESSIONS.index("sad")] == 1
