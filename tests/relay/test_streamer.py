"""The streamer's own face: shown alone and to everyone who asked with their key, and in no figure of the audience."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import protocol
from relay.app import Relay
from relay.core.face import Shown, Telling, newer
from relay.protocol import HEARTBEAT_S, Bye, Expression, Face, Mood
from relay.store import database
from tests.support import SOON, Client, Viewer, audience, leave, request, stored, subscribe, wait_until


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> database.Place:
    return database_url or tmp_path / "relay" / database.FILE


async def ticket(relay: Relay, key: str) -> str:
    status, answer = await request(relay.url, "POST", "demo/tickets", key, {"role": "streamer"})
    assert (status, answer["role"]) == (201, "streamer")
    return str(answer["ticket"])


async def streamer(relay: Relay, key: str, store: bool = False) -> Viewer:
    client = await Viewer.open(relay.url, "/v1/channels/demo/viewer")
    assert isinstance(client, Viewer)
    await client.send(protocol.Hello(ticket=await ticket(relay, key), store=store))
    assert isinstance(await client.receive(), protocol.Welcome)
    return client


async def face(client: Client, emotion: Expression | None) -> Face:
    found = await client.receive_until(lambda message: isinstance(message, Face) and message.emotion == emotion)
    assert isinstance(found, Face)
    return found


async def no_face(client: Client, moods: int = 5) -> None:
    """Some moods come, and no face."""
    for _ in range(moods):
        while not isinstance(message := await client.receive(), Mood):
            assert not isinstance(message, Face)


# --- who gets the ticket ---------------------------------------------------------------------------------------------


async def test_only_the_admin_key_gets_a_streamers_ticket(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    relay.create_channel("other")
    wanted = {"role": "streamer"}
    assert (await request(relay.url, "POST", "demo/tickets", keys.display_key, wanted))[0] == 403
    assert (await request(relay.url, "POST", "demo/tickets", "wrong", wanted))[0] == 401
    assert (await request(relay.url, "POST", "other/tickets", keys.admin_key, wanted))[0] == 401
    assert (await request(relay.url, "POST", "demo/tickets", keys.admin_key, {"role": "owner"}))[0] == 400
    status, answer = await request(relay.url, "POST", "demo/tickets", keys.admin_key, {})
    assert (status, answer["role"]) == (201, "viewer")


async def test_the_join_password_is_not_asked_of_the_streamer(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"})
    await ticket(relay, keys.admin_key)


async def test_who_only_says_to_be_the_streamer_is_a_viewer(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    _, answer = await request(relay.url, "POST", "demo/tickets", "", {})
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        pretender = await Viewer.open(relay.url, "/v1/channels/demo/viewer")
        await pretender.ws.send_json({"type": "hello", "ticket": answer["ticket"], "role": "streamer", "store": True})
        assert isinstance(await pretender.receive(), protocol.Welcome)
        await pretender.ws.send_json({"type": "label", "emotion": "sad", "role": "streamer"})
        await overlay.mood(lambda mood: mood.viewers == mood.sharing == 1)
        await pretender.ws.send_json({"type": "face", "time": 0, "emotion": "sad", "delay": 0})
        await no_face(overlay)
        await pretender.close()


async def test_a_replaced_admin_key_opens_nothing_more(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    unused = await ticket(relay, keys.admin_key)
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key)
        await shown.label("happy")
        await face(overlay, "happy")
        await request(relay.url, "POST", "demo/keys", keys.admin_key, {"rotate": "admin"})
        bye = await shown.receive_until(lambda message: isinstance(message, Bye))
        assert bye.code == protocol.WRONG_KEY.number
        await face(overlay, None)
        await shown.close()
        late = await Viewer.open(relay.url, "/v1/channels/demo/viewer")
        await late.send(protocol.Hello(ticket=unused))
        refused = await late.receive()
        assert isinstance(refused, Bye)
        assert refused.code == protocol.BAD_TICKET.number
        await late.close()


# --- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.relay(min_viewers=5)
async def test_the_face_is_told_alone_and_changes_no_figure(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["happy"] * 4)
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key)
        await shown.label("happy")
        await face(overlay, "happy")
        for emotion in ("sad", "fear", "angry"):
            await shown.label(emotion)
            await face(overlay, emotion)
        mood = await overlay.mood()
        assert (mood.visible, mood.viewers, mood.sharing, sum(mood.counts)) == (False, 4, 0, 0)
        async with await subscribe(relay.url, "demo", keys.display_key) as later:
            assert await face(later, "angry")
        await shown.away()
        await face(overlay, None)
        await shown.label("sad")
        await face(overlay, "sad")
        await shown.close()
        await face(overlay, None)
        async with await subscribe(relay.url, "demo", keys.display_key) as later:
            await no_face(later)
    await leave(viewers)


async def test_the_streamers_change_is_no_burst_and_begins_no_session(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key, store=True)
        for emotion in ("neutral", "happy", "neutral", "happy"):
            await shown.label(emotion)
            await face(overlay, emotion)
        await shown.tap("heart")
        error = await shown.receive()
        assert isinstance(error, protocol.Error)
        assert error.code == protocol.BAD_MESSAGE.number
        for _ in range(5):
            message = await overlay.receive()
            assert isinstance(message, Mood | Face), message
        mood = await overlay.mood()
        assert (mood.viewers, mood.sharing, mood.visible) == (0, 0, False)
        assert await request(relay.url, "GET", "demo/sessions", keys.display_key) == (200, {"sessions": []})
        assert (await request(relay.url, "GET", "demo/sessions/current", keys.display_key))[0] == 404
        await shown.close()


@pytest.mark.relay(address_weight=1, min_viewers=1)
async def test_the_streamer_takes_no_place_of_their_house(relay: Relay, place: database.Place) -> None:
    """One of an address counts, and that is the viewer at home with the streamer, who came first, and stores it all."""
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key, store=True)
        await shown.label("happy")
        await face(overlay, "happy")
        viewers = await audience(relay.url, "demo", ["sad"])
        mood = await overlay.mood(lambda mood: mood.visible)
        only_sad = [0, 0, 0, 0, 1, 0, 0]
        assert (mood.viewers, mood.sharing, list(mood.counts)) == (1, 1, only_sad)
        for emotion in ("fear", "angry", "happy"):
            await shown.label(emotion)
            await face(overlay, emotion)
        assert list((await overlay.mood()).counts) == only_sad
        await leave(await audience(relay.url, "demo", ["happy"]))  # of the house another one: no place is left
        assert list((await overlay.mood()).counts) == only_sad
        await wait_until(lambda: _has_moments(place) and count(place))
        await shown.close()
        assert list((await overlay.mood()).counts) == only_sad
    await leave(viewers)
    answer = await session_as(relay, keys.display_key, "")
    assert {tuple(moment["counts"]) for moment in answer["moments"]} == {tuple(only_sad)}
    assert answer["reactions"] == []
    assert (await session_as(relay, keys.display_key, "/peaks"))["peaks"] == []
    rows = csv.DictReader(io.StringIO(await session_as(relay, keys.display_key, ".csv")))
    figures = {(row["viewers"], row["sharing"], row["sad"]) for row in rows}
    figures.discard(("", "", ""))  # a second of the streamer alone
    assert figures
    assert figures <= {("1", "1", "1"), ("2", "1", "1")}


@pytest.mark.relay(limits=SOON._replace(label_ttl=0.4))
async def test_a_face_that_is_not_repeated_is_over(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key)
        await shown.label("happy")
        await face(overlay, "happy")
        await face(overlay, None)
        await shown.close()


async def test_of_two_streamers_the_newer_counts_and_who_only_looks_replaces_nobody(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        first = await streamer(relay, keys.admin_key)
        await first.label("happy")
        await face(overlay, "happy")
        looks = await streamer(relay, keys.admin_key)
        await looks.close()
        await first.label("sad")
        await face(overlay, "sad")
        second = await streamer(relay, keys.admin_key)
        await second.label("fear")
        await face(overlay, "fear")
        bye = await first.receive_until(lambda message: isinstance(message, Bye))
        assert bye.code == protocol.REPLACED.number
        assert await first.receive() is None
        await no_face(overlay)  # that the first one left changes nothing
        await first.close()
        await second.close()
        await face(overlay, None)


async def test_who_floods_is_closed(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    shown = await streamer(relay, keys.admin_key)
    for _ in range(400):
        await shown.label("happy")
    bye = await shown.receive_until(lambda message: isinstance(message, Bye))
    assert bye.code == protocol.TOO_FAST.number
    await shown.close()


async def test_who_deletes_the_channel_ends_the_streamer(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    shown = await streamer(relay, keys.admin_key)
    await shown.label("happy")
    assert (await request(relay.url, "DELETE", "demo", keys.admin_key))[0] == 204
    bye = await shown.receive_until(lambda message: isinstance(message, Bye))
    assert bye.code == protocol.UNKNOWN_CHANNEL.number
    await shown.close()


async def late_viewer(relay: Relay, delay: float) -> Viewer:
    viewer = await Viewer.open(relay.url, "/v1/channels/demo/viewer")
    assert isinstance(viewer, Viewer)
    await viewer.send(protocol.Hello(delay=delay))
    await viewer.label("happy")
    return viewer


@pytest.mark.relay(min_viewers=3, crowd="viewers")
async def test_the_audiences_delay_comes_with_the_face_only_while_the_mood_is_shown(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = [await late_viewer(relay, delay) for delay in (8, 9)]
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key)
        await shown.label("happy")
        assert (await face(overlay, "happy")).delay == 0
        viewers.append(await late_viewer(relay, 30))
        await overlay.mood(lambda mood: mood.visible)
        await shown.label("sad")
        assert (await face(overlay, "sad")).delay == 9
        await shown.close()
    await leave(viewers)


async def test_in_a_pause_no_face_is_shown_or_stored(relay: Relay, place: database.Place) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "open"})
    await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "paused"})
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key, store=True)
        await shown.label("happy")
        await face(overlay, None)
        for _ in range(5):
            message = await overlay.receive()
            assert not isinstance(message, Face) or message.emotion is None
        assert count(place) == 0
        await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "open"})
        await shown.label("happy")
        await face(overlay, "happy")
        await wait_until(lambda: count(place))
        await shown.close()


# --- the history -----------------------------------------------------------------------------------------------------


async def session_as(relay: Relay, key: str, kind: str) -> Any:
    status, answer = await request(relay.url, "GET", f"demo/sessions/1{kind}", key)
    assert status == 200
    return answer


def columns(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text)))


async def test_nothing_of_the_streamer_is_stored_unasked(relay: Relay, place: database.Place) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["sad"])
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key)
        await shown.label("happy")
        await face(overlay, "happy")
        await wait_until(lambda: _has_moments(place))
        await shown.close()
    await leave(viewers)
    answer = await session_as(relay, keys.display_key, "")
    assert "streamer" not in answer
    assert {tuple(moment["counts"]) for moment in answer["moments"]} == {(0, 0, 0, 0, 1, 0, 0)}
    assert "streamer" not in columns(await session_as(relay, keys.display_key, ".csv"))
    assert count(place) == 0


async def test_what_was_asked_to_be_stored_is_exported_and_deleted(relay: Relay, place: database.Place) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["sad"])
    async with await subscribe(relay.url, "demo", keys.display_key) as overlay:
        shown = await streamer(relay, keys.admin_key, store=True)
        await shown.label("happy")
        await face(overlay, "happy")
        await wait_until(lambda: count(place) and _has_moments(place))
        await shown.close()
        await face(overlay, None)
    await leave(viewers)
    answer = await session_as(relay, keys.display_key, ".json")
    assert {row["emotion"] for row in answer["streamer"]} == {"happy"}
    assert {tuple(moment["counts"]) for moment in answer["moments"]} == {(0, 0, 0, 0, 1, 0, 0)}
    rows = list(csv.DictReader(io.StringIO(await session_as(relay, keys.display_key, ".csv"))))
    assert "happy" in {row["streamer"] for row in rows}
    assert {row["happy"] for row in rows} <= {"0", ""}
    assert (await request(relay.url, "DELETE", "demo/sessions/1", keys.admin_key))[0] == 204
    assert count(place) == 0


def count(place: database.Place) -> int:
    with database.opened(place) as file:
        return int(file.execute("SELECT count(*) FROM streamer").fetchone()[0])


def _has_moments(place: database.Place) -> bool:
    session = stored(place, "demo", 1)
    return bool(session and session["moments"])


# --- the pure core ---------------------------------------------------------------------------------------------------

shown_ones = st.none() | st.builds(
    Shown, st.integers(0, 3).map(float), st.sampled_from([None, "happy", "sad"]), st.booleans()
)


@given(shown_ones, shown_ones, shown_ones)
def test_nodes_agree_on_the_newest_in_whatever_order_they_hear(
    one: Shown | None, two: Shown | None, three: Shown | None
) -> None:
    assert newer(one, two) == newer(two, one)
    assert newer(newer(one, two), three) == newer(one, newer(two, three))


@given(st.lists(st.tuples(st.floats(0, 3), shown_ones), max_size=50))
def test_each_change_is_told_at_once_and_all_else_as_a_heartbeat(steps: list[tuple[float, Shown | None]]) -> None:
    telling, now, told, told_at = Telling(), 0.0, None, 0.0
    for pause, shown in steps:
        now += pause
        face = telling.update(shown, 0, now, now)
        emotion = shown.emotion if shown else None
        if face:
            assert face.emotion == emotion
            assert emotion != told or now - told_at >= HEARTBEAT_S or shown is not None
            told, told_at = face.emotion, now
        assert told == emotion  # what was told last is so
        if shown is not None:
            assert telling.last is not None
            assert now - told_at < HEARTBEAT_S
        else:
            assert telling.last is None
