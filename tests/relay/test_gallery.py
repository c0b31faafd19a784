"""The grid on a real relay: who is shown to whom, by which messages, and where it leaves no trace."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay import app, protocol
from relay.live import gallery
from relay.live.fairly import AT_ONCE
from relay.protocol import Error, Expression, LookMessage, Mood, People, ShowMessage
from tests.redis_server import RedisServer
from tests.relay.nodes import SHORT, channel_arrives, running
from tests.support import SOON, Client, Viewer, request, server_sent_events, subscribe, wait_until

FAST = SOON._replace(viewer_mood=0.1, people=0.2)
pytestmark = pytest.mark.relay(proxies=1, require_tickets="off", min_viewers=1, limits=FAST)


async def opened(relay: app.Relay) -> Any:
    """The keys of a new channel that allows the grid."""
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True}))[0] == 200
    return keys


NUMBERS = iter(range(1, 250))


async def person(relay: app.Relay, name: str, label: Expression | None = None, show: bool = True) -> Viewer:
    """Somebody from an address of their own."""
    viewer = await Viewer.connect(relay.url, name=name, address=f"192.0.2.{next(NUMBERS)}")
    if label:
        await viewer.label(label)
    if show:
        await viewer.send(ShowMessage(on=True))
    return viewer


async def looking(relay: app.Relay) -> Viewer:
    viewer = await person(relay, "", show=False)
    await viewer.send(LookMessage(on=True))
    return viewer


def seen(message: People) -> dict[str, str | None]:
    return {one.name: one.emotion for one in message.people}


async def people(viewer: Client, fits: Callable[[dict[str, str | None]], object] = lambda found: True) -> People:
    """The first message that shows such people."""
    found = await viewer.receive_until(lambda message: isinstance(message, People) and fits(seen(message)))
    assert isinstance(found, People)
    return found


async def refusal(viewer: Client) -> Error:
    found = await viewer.receive_until(lambda message: isinstance(message, Error))
    assert isinstance(found, Error)
    return found


async def test_by_default_nobody_can_be_shown_and_nobody_is_told(relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with await looking(relay) as looker, await person(relay, "ann", "happy") as ann:
        assert ann.welcome.grid is False
        error = await refusal(ann)
        assert error.code == protocol.NOT_SHOWN.number
        assert "does not allow" in error.message
        for _ in range(4):
            assert (await looker.mood()).grid is False


async def test_who_looks_sees_who_chose_to_be_shown(relay: app.Relay) -> None:
    await opened(relay)
    async with await looking(relay) as looker, await person(relay, " Ann 🦊 ", "happy") as ann:
        assert ann.welcome.grid is True
        assert (await looker.mood()).grid is True
        assert seen(await people(looker, lambda found: any(found.values()))) == {"Ann 🦊": "happy"}
        async with await person(relay, "ben", "sad") as ben, await person(relay, "cat", show=False):
            await people(looker, lambda found: found == {"Ann 🦊": "happy", "ben": "sad"})
            await ben.away()
            await people(looker, lambda found: found == {"Ann 🦊": "happy", "ben": None})
        await people(looker, lambda found: [*found] == ["Ann 🦊"])


async def test_nobody_else_is_told(relay: app.Relay) -> None:
    """Neither who is shown, nor subscribers with any key; and who closed the grid no more."""
    keys = await opened(relay)
    async with (
        await looking(relay) as looker, await person(relay, "ann", "happy") as ann,
        await subscribe(relay.url, "demo", keys.admin_key) as overlay,
        contextlib.aclosing(server_sent_events(relay.url, "demo", keys.display_key)) as events,
    ):  # fmt: skip
        await people(looker, lambda found: found == {"ann": "happy"})
        await looker.send(LookMessage(on=False))
        for client in (ann, overlay):
            for _ in range(5):
                message = await client.receive()
                assert not isinstance(message, People)
                assert '"ann"' not in protocol.encode(message).decode()
        for _ in range(20):
            assert '"ann"' not in (await anext(events)).data
        await looker.mood()
        for _ in range(10):
            assert isinstance(await looker.receive(), Mood)


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "\x1b[2J", "a\u202eb", "\u2028"])
async def test_a_name_that_can_not_be_shown_is_not(relay: app.Relay, name: str) -> None:
    await opened(relay)
    async with await person(relay, name, "happy") as viewer, await looking(relay) as looker:
        assert (await refusal(viewer)).code == protocol.NOT_SHOWN.number
        assert seen(await people(looker)) == {}


@pytest.mark.relay(proxies=1, require_tickets="off", min_viewers=1, address_weight=2, limits=FAST)
async def test_one_address_shows_as_many_as_it_has_votes(relay: app.Relay) -> None:
    await opened(relay)
    async with contextlib.AsyncExitStack() as stack:
        for number in range(3):
            viewer = await stack.enter_async_context(
                await Viewer.connect(relay.url, name=f"{number}", address="192.0.2.1")
            )
            await viewer.send(ShowMessage(on=True))
        assert "Of your network 2 viewers are shown" in (await refusal(viewer)).message
        looker = await stack.enter_async_context(await looking(relay))
        assert [*seen(await people(looker))] == ["0", "1"]


async def test_who_takes_it_back_is_gone_with_the_next_message(relay: app.Relay) -> None:
    await opened(relay)
    async with (
        await person(relay, "ann", "happy") as ann, await person(relay, "ben", "sad") as ben,
        await looking(relay) as looker,
    ):  # fmt: skip
        await people(looker, lambda found: found == {"ann": "happy", "ben": "sad"})
        await ann.send(ShowMessage(on=False))
        await people(looker, lambda found: found == {"ben": None})
        await ann.send(ShowMessage(on=True))
        await people(looker, lambda found: found == {"ben": "sad", "ann": "happy"})
        await ben.close()
        await people(looker, lambda found: found == {"ann": "happy"})


@pytest.mark.relay(proxies=1, require_tickets="off", min_viewers=1, limits=FAST._replace(people=3600.0))
async def test_that_is_told_soon_and_not_with_the_next_round(relay: app.Relay) -> None:
    await opened(relay)
    async with (
        await person(relay, "ann", "happy") as ann, await person(relay, "ben", "sad") as ben,
        await person(relay, "", show=False) as looker, await person(relay, "", show=False) as newcomer,
    ):  # fmt: skip
        await wait_until(lambda: len(relay._hub.members.channel("demo").view.people) == 2)
        for client in (looker, newcomer):
            await client.send(LookMessage(on=True))
            assert len((await people(client)).people) == 2
        await ann.send(ShowMessage(on=False))
        for client in (looker, newcomer):
            await people(client, lambda found: [*found] == ["ben"])
        await ben.close()
        for client in (looker, newcomer):
            await people(client, lambda found: not found)


async def test_when_the_admin_takes_it_back_nobody_is_shown_and_all_choose_anew(relay: app.Relay) -> None:
    keys = await opened(relay)
    async with await person(relay, "ann", "happy") as ann, await looking(relay) as looker:
        await people(looker, lambda found: found == {"ann": "happy"})
        await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": False})
        assert seen(await people(looker)) == {}
        await ann.mood(lambda mood: not mood.grid)
        await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
        await ann.mood(lambda mood: mood.grid)
        assert seen(await people(looker)) == {}
        await ann.send(ShowMessage(on=True))
        await people(looker, lambda found: [*found] == ["ann"])


@pytest.mark.parametrize("word", ["no grid", "hidden", "paused"])
@pytest.mark.parametrize("when", ["between the tick and its round", "in the round"])
async def test_who_was_not_told_when_the_admin_was_answered_is_not_told_any_more(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch, word: str, when: str
) -> None:
    await opened(relay)
    told: list[int] = []
    hub = relay._hub

    def say() -> None:
        if word == "no grid":
            relay._channels.open_up("demo", listed=None, grid=False)
        elif word == "hidden":
            hub.gallery.hide("demo", "ann", True)
        else:
            hub.broadcasts.say("demo", "paused")

    def send(members: object, viewers: list[object], channel: object, frame: bytes) -> None:
        if b'"ann"' in frame:
            told.append(len(viewers))
            say()

    async with await person(relay, "ann", "happy"), contextlib.AsyncExitStack() as stack:
        for _ in range(2 * AT_ONCE):
            await stack.enter_async_context(await person(relay, "", show=False))
        live = hub.members.channel("demo")
        await wait_until(lambda: len(live.view.people) == 1)
        monkeypatch.setattr(gallery, "send_now", send)
        for viewer in live.viewers:
            hub.gallery.look(live, viewer, True)
        assert len(live.lookers) == 2 * AT_ONCE + 1
        if when == "in the round":
            await wait_until(lambda: told and not live.view.people)
            assert told == [AT_ONCE]
        else:
            assert live.view.people
            say()
            await hub.gallery.tell(live, time.monotonic())
            assert not told


async def test_in_a_pause_nobody_is_shown(relay: app.Relay) -> None:
    keys = await opened(relay)
    async with await person(relay, "ann", "happy"), await looking(relay) as looker:
        await people(looker, lambda found: found == {"ann": "happy"})
        await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "paused"})
        await people(looker, lambda found: not found)
        await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": "auto"})
        await people(looker, lambda found: found == {"ann": None})  # its label has to come again


async def test_the_admin_sees_names_and_hides_one(relay: app.Relay) -> None:
    keys = await opened(relay)
    async with (
        await person(relay, "ann", "happy"), await person(relay, "Ben", "sad") as ben, await looking(relay) as looker
    ):  # fmt: skip
        await people(looker, lambda found: found == {"ann": "happy", "Ben": "sad"})
        about = {"people": ["ann", "Ben"], "more": 0, "hidden": []}
        assert await request(relay.url, "GET", "demo/people", keys.admin_key) == (200, about)
        body = {"name": "ben", "hidden": True}
        assert await request(relay.url, "PUT", "demo/hidden", keys.admin_key, body) == (200, body)
        await people(looker, lambda found: found == {"ann": None})  # else the rest would be Ben's
        await ben.close()
        async with await person(relay, "BEN", "sad") as again:  # hidden still
            await again.mood()
            about = {"people": ["ann"], "more": 0, "hidden": ["ben"]}
            assert await request(relay.url, "GET", "demo/people", keys.admin_key) == (200, about)
            await request(relay.url, "PUT", "demo/hidden", keys.admin_key, {"name": "Ben", "hidden": False})
            await people(looker, lambda found: [*found] == ["ann", "BEN"])


@pytest.mark.parametrize("body", [{"name": "", "hidden": True}, {"name": "a\nb", "hidden": True}, {"name": "a"}, []])
async def test_a_name_to_hide_that_is_none(relay: app.Relay, body: object) -> None:
    keys = await opened(relay)
    assert (await request(relay.url, "PUT", "demo/hidden", keys.admin_key, body))[0] == 400


async def test_the_display_key_hides_nobody_and_sees_no_names(relay: app.Relay) -> None:
    keys = await opened(relay)
    body = {"name": "ann", "hidden": True}
    assert (await request(relay.url, "PUT", "demo/hidden", keys.display_key, body))[0] == 403
    assert (await request(relay.url, "GET", "demo/people", keys.display_key))[0] == 403


async def test_the_streamer_is_no_part_of_it(relay: app.Relay) -> None:
    keys = await opened(relay)
    _, answer = await request(relay.url, "POST", "demo/tickets", keys.admin_key, {"role": "streamer"})
    async with (
        await Viewer.connect(relay.url, ticket=answer["ticket"], name="streamer") as streamer,
        await looking(relay) as looker,
    ):
        await streamer.label("happy")
        await streamer.send(ShowMessage(on=True))
        assert (await refusal(streamer)).code == protocol.BAD_MESSAGE.number
        assert seen(await people(looker)) == {}


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


async def test_names_are_neither_stored_nor_logged(
    relay: app.Relay, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = await opened(relay)
    caplog.set_level("DEBUG")
    async with await person(relay, "Xanthippe", "happy") as shown, await looking(relay) as looker:
        await people(looker, lambda found: found == {"Xanthippe": "happy"})
        await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "begins"})
        await request(relay.url, "PUT", "demo/hidden", keys.admin_key, {"name": "Xanthippe", "hidden": True})
        await shown.send(ShowMessage(on=False))
        await people(looker, lambda found: not found)
        await asyncio.wrap_future(relay._history.settled())
        async with aiohttp.ClientSession() as session, session.get(f"{relay.url}/metrics") as response:
            assert "anthippe" not in await response.text()
    files = await asyncio.to_thread(contents, tmp_path)
    assert any(b"begins" in content for content in files)
    assert not any(b"anthippe" in content.lower() for content in files)
    assert "anthippe" not in caplog.text.lower()


async def test_how_many_are_shown_and_look_is_counted(relay: app.Relay) -> None:
    await opened(relay)
    async with await person(relay, "ann"), await person(relay, "ben", show=False), await looking(relay) as looker:
        await people(looker, lambda found: [*found] == ["ann"])
        totals = relay._hub.members.totals()
        assert (totals.viewers, totals.shown, totals.lookers) == (3, 1, 1)


async def test_who_opens_and_closes_the_grid_without_end_is_closed(relay: app.Relay) -> None:
    await opened(relay)
    async with await person(relay, "ann", "happy") as viewer:
        for number in range(400):
            with contextlib.suppress(ConnectionError):
                await viewer.ws.send_str(json.dumps({"type": ("look", "show")[number // 2 % 2], "on": number % 2 == 0}))
        while await viewer.receive():
            pass
        assert viewer.close_code == protocol.TOO_FAST.number
        await wait_until(lambda: not relay._hub.members.channel("demo").lookers)


# --- several nodes ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[app.Relay, app.Relay]]:
    with RedisServer.started() as redis:
        limits = FAST._replace(node_silence=SHORT.node_silence, lease=SHORT.lease)
        async with running(tmp_path, redis.url, limits, proxies=1, require_tickets="off") as cluster:
            yield await cluster.add(), await cluster.add()


async def test_the_grid_is_one_on_all_nodes(pair: tuple[app.Relay, app.Relay]) -> None:
    a, b = pair
    keys = a.create_channel("demo")
    await channel_arrives(b)
    await request(a.url, "PATCH", "demo", keys.admin_key, {"grid": True})

    async def allowed() -> bool:
        return bool((await request(b.url, "GET", "demo", keys.admin_key))[1]["grid"])

    await wait_until(allowed)
    async with (
        await person(a, "ann", "happy") as ann, await person(b, "ben", "sad"), await looking(a) as on_a,
        await looking(b) as on_b,
    ):  # fmt: skip
        for looker in (on_a, on_b):
            await people(looker, lambda found: found == {"ann": "happy", "ben": "sad"})
        async with await person(a, "", "fear", show=False):  # one who is not shown, on another node than who looks
            for looker in (on_a, on_b):
                await people(looker, lambda found: found == {"ann": None, "ben": None})
        await request(b.url, "PUT", "demo/hidden", keys.admin_key, {"name": "ANN", "hidden": True})
        for looker in (on_a, on_b):
            await people(looker, lambda found: found == {"ben": None})
        await request(a.url, "PUT", "demo/hidden", keys.admin_key, {"name": "Ann", "hidden": False})
        for looker in (on_a, on_b):
            await people(looker, lambda found: found == {"ann": "happy", "ben": "sad"})
        await ann.send(ShowMessage(on=False))
        await people(on_b, lambda found: found == {"ben": None})
        await request(b.url, "PATCH", "demo", keys.admin_key, {"grid": False})
        await people(on_b, lambda found: not found)
        await people(on_a, lambda found: not found)
        assert (await request(a.url, "GET", "demo/people", keys.admin_key))[1]["people"] == []
