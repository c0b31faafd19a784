"""The running agent, with a real relay and a real process for its eyes, which look at a picture of a face."""

import asyncio
import contextlib
import json
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from agent import sending
from agent.app.app import App
from agent.app.settings import Remembered
from agent.app.state import Place, Promise, State, Wish
from agent.client import Client
from agent.errors import NoConsentError
from relay import app
from relay.config import RelaySettings
from relay.errors import RefusedError, RelayUnreachableError, UnknownChannelError, WrongKeyError, WrongPasswordError
from relay.protocol import LookMessage, Mood, People, Reaction, Welcome
from tests.e2e.agent_program import weights
from tests.support import SOON, Viewer, count_of, free_port, request, subscribe, wait_until

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[App]:
    """An agent; its camera is a picture."""
    agent = App(folder)
    if agent.remembered == Remembered():
        agent.change(camera=str(weights("portrait")))
    agent.start()
    try:
        yield agent
    finally:
        assert agent.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[App]:
    with running(tmp_path / "settings") as started:
        yield started


async def promised(agent: App, url: str, password: str = "") -> Promise:
    return await asyncio.wrap_future(agent.promises(Place(relay=url, channel="demo", password=password)))


async def joined(agent: App, url: str, agree: bool = True, at_once: bool = False) -> Promise:
    promise = await promised(agent, url)
    if agree:
        agent.agree(promise, at_once)
    agent.join(promise)
    await wait_until(lambda: agent.state().link == "joined")
    return promise


def eyes() -> list[psutil.Process]:
    """The processes that look, as far as these tests started them."""
    children = psutil.Process().children(recursive=True)
    found = []
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found += [child] if child.cmdline()[-1:] == ["eyes"] else []
    return found


def sent(agent: App, kind: str = "") -> list[Any]:
    """The messages to the relay, of one kind."""
    messages = [json.loads(said.text) for said in agent.state().sent if said.text.startswith("{")]
    return [message for message in messages if kind in ("", message["type"])]


async def test_it_begins_paused_and_nowhere(agent: App) -> None:
    assert agent.state() == State()
    assert agent.picture() is None
    assert eyes() == []


async def test_the_audience_sees_the_expression_until_it_is_paused(agent: App, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        await joined(agent, relay.url)
        assert agent.state().wish == "paused"
        assert eyes() == []
        agent.share("face")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        await wait_until(lambda: (mood := agent.state().mood) is not None and count_of(mood, "happy") == 1)
        state = agent.state()
        assert (state.label, state.camera, state.unread, state.hint) == ("happy", "on", None, "")
        assert state.confidence > 0.5
        assert state.labels >= 1
        assert agent.picture() is None
        assert [process.nice() for process in eyes()] == [10]
        assert [process.net_connections("all") for process in eyes()] == [[]]  # the relay's are ours alone
        agent.share("paused")
        await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0)
        await wait_until(lambda: agent.state().camera == "off")
        assert eyes() == []
        assert agent.state().label is None
        assert [message["type"] for message in sent(agent)][-1] == "away"
        agent.leave()
        await audience.mood(lambda mood: mood.viewers == 0)
    assert (agent.state().place, agent.state().link, agent.state().mood) == (None, "none", None)


async def test_no_face_is_shared_without_consent(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    with pytest.raises(NoConsentError, match="join one first"):
        agent.share("face")
    promise = await joined(agent, relay.url, agree=False)
    assert not promise.agreed
    with pytest.raises(NoConsentError, match="have not agreed"):
        agent.share("face")
    agent.agree(promise)
    agent.share("face")
    await wait_until(lambda: agent.state().label == "happy")


@pytest.mark.parametrize("way", ["paused", "taps", "leave", "join", "preview", "sleep"])
async def test_the_camera_is_back_while_the_event_loop_hangs(agent: App, relay: app.Relay, way: str) -> None:
    """Whatever hangs it: a full disk, a library."""
    keys = relay.create_channel("demo")
    promise = await joined(agent, relay.url)
    goes_on = threading.Event()
    if way == "preview":
        agent.preview(True)
    else:
        agent.share("face")
    try:
        await wait_until(lambda: agent.state().label == "happy")
        (process,) = eyes()
        agent.loop.call_soon_threadsafe(goes_on.wait, 120)
        if way in ("paused", "taps"):
            agent.share(cast(Wish, way))
            assert agent.state().wish == (way if way == "paused" else "face")
        else:
            {
                "leave": agent.leave, "join": lambda: agent.join(promise), "preview": lambda: agent.preview(False),
                "sleep": agent.sleep,
            }[way]()  # fmt: skip
        await wait_until(lambda: not process.is_running())
        await wait_until(lambda: agent.state().camera == "off")
        assert not goes_on.is_set()
    finally:
        goes_on.set()
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        await audience.mood(lambda mood: mood.sharing == 0)
    agent.wake()
    agent.join(promise)
    agent.share("face")
    await wait_until(lambda: agent.state().label == "happy")
    assert agent.state().camera_problem == ""


async def test_the_picture_is_kept_up_to_date_while_it_is_wanted(agent: App) -> None:
    agent.preview(True)
    first = await wait_until(agent.picture)
    assert first.pixels.shape[2] == 3
    assert max(first.pixels.shape) == 320
    await wait_until(lambda: (picture := agent.picture()) is not None and picture.box is not None)
    assert agent.state().sent == ()
    (before,) = eyes()
    agent.preview(False)
    await wait_until(lambda: agent.state().camera == "off")
    assert agent.picture() is None
    assert not before.is_running()
    for wish in ("paused", "taps"):
        agent.preview(True)
        await wait_until(agent.picture)
        agent.share(wish)
        await wait_until(lambda: agent.state().camera == "off")
        assert not agent.state().previewed
        assert eyes() == []


async def test_what_is_to_be_known_of_the_network_is_told(agent: App) -> None:
    agent.change(model="moodnet-clip")
    agent.preview(True)
    await wait_until(lambda: "moodnet-clip looks at clips" in agent.state().notice)


async def test_a_preview_while_the_face_is_shared_opens_nothing_anew(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    await joined(agent, relay.url)
    agent.share("face")
    await wait_until(lambda: agent.state().label == "happy")
    before = eyes()
    agent.preview(True)
    await wait_until(agent.picture)
    agent.preview(False)
    await wait_until(lambda: agent.picture() is None)
    agent.forget_resting()
    await wait_until(lambda: agent.state().camera == "on")
    assert eyes() == before


async def test_a_mirror_opens_no_camera_and_outlasts_a_pause(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    await joined(agent, relay.url)
    agent.mirror(True)
    agent.share("taps")
    await wait_until(lambda: agent.state().wish == "taps")
    assert (agent.state().camera, eyes()) == ("off", [])
    agent.share("face")
    await wait_until(agent.picture)
    agent.share("paused")
    agent.share("face")
    await wait_until(lambda: agent.state().camera == "on" and agent.picture() is not None)
    agent.mirror(False)
    await wait_until(lambda: agent.picture() is None)


async def test_taps_alone(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    agent.tap("heart")
    await joined(agent, relay.url, agree=False)
    agent.tap("heart")  # paused
    agent.share("taps")
    agent.tap("clap")
    await wait_until(lambda: sent(agent, "tap") == [{"type": "tap", "tap": "clap"}])
    assert eyes() == []
    assert [message["type"] for message in sent(agent)] == ["hello", "hello", "tap"]


async def test_where_the_streamer_takes_no_cameras_it_is_off_until_the_viewer_wishes_for_it_anew(
    agent: App, relay: app.Relay
) -> None:
    keys = relay.create_channel("demo")

    async def allow(cameras: bool) -> None:
        assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": cameras}))[0] == 200
        await wait_until(lambda: agent.state().cameras_allowed == cameras)

    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        await joined(agent, relay.url)
        agent.share("face")
        await audience.mood(lambda mood: mood.sharing == 1)
        await allow(False)
        await wait_until(lambda: agent.state().camera == "off")
        state = agent.state()
        assert (state.wish, state.barred, state.label, eyes()) == ("taps", True, None, [])

        def clapped(message: object) -> bool:
            """Taps at each tick: the relay tells none before enough people were there for a second."""
            if isinstance(message, Mood):
                agent.tap("clap")
            return isinstance(message, Reaction) and message.name == "clap"

        await audience.receive_until(clapped)
        agent.share("face")
        await wait_until(lambda: agent.state().barred)
        assert agent.state().wish == "taps"
        await allow(True)
        await audience.mood(lambda mood: mood.cameras)
        assert (agent.state().wish, agent.state().camera, eyes()) == ("taps", "off", [])
        labels = agent.state().labels
        agent.share("paused")
        agent.share("face")
        await audience.mood(lambda mood: mood.sharing == 1)
        assert (agent.state().barred, agent.state().labels > labels) == (False, True)


async def test_a_channel_that_takes_no_cameras_is_joined_with_taps(agent: App, relay: app.Relay) -> None:
    """Also after login, where the viewer chose to share at once before."""
    keys = relay.create_channel("demo")
    await joined(agent, relay.url, at_once=True)
    agent.leave()
    await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": False, "notice": "Tap along!"})
    agent.resume()
    await wait_until(lambda: agent.state().link == "joined" and agent.state().wish == "taps")
    assert (agent.state().barred, agent.state().camera, eyes()) == (True, "off", [])
    promise = await promised(agent, relay.url)
    assert (promise.welcome.cameras, promise.welcome.notice) == (False, "Tap along!")
    assert sent(agent, "label") == []


async def test_the_last_place_is_joined_again_and_shared_with_only_where_that_was_chosen(
    tmp_path: Path, relay: app.Relay
) -> None:
    relay.create_channel("demo")

    async def next_run() -> tuple[Promise | None, Wish]:
        with running(tmp_path) as agent:
            promise = await asyncio.wrap_future(agent.resume())
            await wait_until(lambda: agent.state().link == ("joined" if promise and promise.agreed else "none"))
            await wait_until(lambda: agent.state().camera in (("on",) if agent.state().wish == "face" else ("off",)))
            return promise, agent.state().wish

    assert await next_run() == (None, "paused")
    with running(tmp_path) as agent:
        promise = await joined(agent, relay.url)
    again, wish = await next_run()
    assert again is not None
    assert (again.place, again.agreed, wish) == (promise.place, True, "paused")
    with running(tmp_path) as agent:
        await joined(agent, relay.url, at_once=True)
    assert (await next_run())[1] == "face"
    with running(tmp_path) as agent:  # an update
        (given,) = agent.remembered.consents
        agent.change(consents=[{"relay": given.relay, "channel": "demo", "text": given.text, "program": "0.0.1"}])
    again, wish = await next_run()
    assert again is not None
    assert (again.agreed, wish) == (False, "paused")
    with running(tmp_path) as agent:
        changed = {"relay": given.relay, "channel": "demo", "text": "another", "at_once": True}
        agent.change(consents=[changed])
    again, wish = await next_run()
    assert again is not None
    assert (again.agreed, wish) == (False, "paused")


async def test_what_the_viewer_does_while_the_last_place_is_looked_for_holds(
    agent: App, relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = relay.create_channel("demo")
    relay.create_channel("other")
    promise = await joined(agent, relay.url, at_once=True)
    agent.leave()
    await wait_until(lambda: agent.state().link == "none")
    came, go_on = asyncio.Event(), threading.Event()
    check, loop = Client.check, asyncio.get_running_loop()

    async def late(client: Client) -> Welcome:
        welcome = await check(client)
        loop.call_soon_threadsafe(came.set)
        await asyncio.to_thread(go_on.wait)
        return welcome

    monkeypatch.setattr(Client, "check", late)
    pending = asyncio.wrap_future(agent.resume())
    await came.wait()
    agent.share("paused")
    go_on.set()
    await pending
    await wait_until(lambda: agent.state().link == "joined")
    assert agent.state().wish == "paused"
    agent.leave()
    came.clear()
    go_on.clear()
    pending = asyncio.wrap_future(agent.resume())
    await came.wait()
    place = Place(relay=relay.url, channel="other")
    agent.join(Promise(place=place, welcome=promise.welcome, agreed=False))
    go_on.set()
    await pending
    await wait_until(lambda: agent.state().link == "joined")
    assert agent.state().place == place
    assert keys.channel == "demo"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (1, 2))])
async def test_whatever_is_clicked_in_whatever_order(agent: App, relay: app.Relay, seed: int) -> None:
    """Fast: most of it comes while something before it is still under way."""
    keys = relay.create_channel("demo")
    chance, before = random.Random(seed), threading.enumerate()
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        promise = await joined(agent, relay.url)
        clicks: list[Callable[[], object]] = [
            lambda: agent.share("face"),
            lambda: agent.share("taps"),
            lambda: agent.share("paused"),
            lambda: agent.preview(chance.random() < 0.5),
            lambda: agent.mirror(chance.random() < 0.5),
            agent.sleep,
            agent.wake,
            agent.leave,
            lambda: agent.join(promise),
            lambda: agent.change(fps=chance.randint(1, 30)),
            lambda: agent.change(delay=chance.randint(0, 9)),
            agent.forget_resting,
        ]
        for _ in range(60):
            with contextlib.suppress(NoConsentError):
                chance.choice(clicks)()
            await asyncio.sleep(chance.choice([0, 0, 0.01, 0.1, 0.7]))
        agent.wake()
        agent.join(promise)
        agent.share("face")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1 and mood.viewers == 1)
        await wait_until(lambda: agent.state().label == "happy")
        assert len(eyes()) == 1
        agent.share("paused")
        await audience.mood(lambda mood: mood.sharing == 0)
        await wait_until(lambda: agent.state().camera == "off")
        assert eyes() == []
    assert [thread for thread in threading.enumerate() if thread.name == "eyes" and thread not in before] == []


async def test_a_clock_that_jumps_changes_what_time_is_shown_and_nothing_else(
    agent: App, relay: app.Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.create_channel("demo")
    await joined(agent, relay.url)
    agent.share("face")
    await wait_until(lambda: agent.state().label == "happy")
    for jumped in (0.0, 4e9, 86400.0):
        clock = SimpleNamespace(time=lambda to=jumped: to, monotonic=time.monotonic)
        for module in ("app", "board", "teaching"):
            monkeypatch.setattr(f"agent.app.{module}.time", clock)
        await wait_until(lambda to=jumped: agent.state().sent[-1].time == to)  # type: ignore[misc]
        assert (agent.state().link, agent.state().camera, agent.state().label) == ("joined", "on", "happy")


@pytest.mark.slow
async def test_a_relay_that_comes_back_promising_less_ends_it(agent: App, tmp_path: Path) -> None:
    options: dict[str, Any] = {"port": free_port(), "data": str(tmp_path / "relay"), "tick_ms": 50}
    first = await app.start(RelaySettings(**options), SOON)
    first.create_channel("demo")
    await joined(agent, first.url)
    agent.share("face")
    await wait_until(lambda: agent.state().labels == 1)
    await first.stop()
    await wait_until(lambda: agent.state().link == "lost")
    assert re.fullmatch(r"The relay is lost: .+[^.]\.", agent.state().problem)
    second = await app.start(RelaySettings(**options, min_viewers=2), SOON)
    try:
        await wait_until(lambda: agent.state().link == "ended")
        state = agent.state()
        assert "sooner than you agreed to" in state.problem
        assert (state.wish, state.labels) == ("paused", 1)
        await wait_until(lambda: agent.state().camera == "off")
        with pytest.raises(NoConsentError):
            agent.share("face")
        assert not (await promised(agent, second.url)).agreed
    finally:
        await second.stop()


async def test_what_is_wrong_with_a_place_is_said_without_a_terminals_options(agent: App, relay: app.Relay) -> None:
    admin_key = relay.create_channel("demo").admin_key
    assert (await request(relay.url, "PUT", "demo/password", admin_key, {"password": "sesame"}))[0] == 200
    nobody = f"http://127.0.0.1:{free_port()}"
    for url, channel, password, error in (
        (nobody, "demo", "", RelayUnreachableError),
        (relay.url, "Demo", "", UnknownChannelError),
        (relay.url, "demo", "open", WrongPasswordError),
    ):
        with pytest.raises(error) as caught:
            await asyncio.wrap_future(agent.promises(Place(relay=url, channel=channel, password=password)))
        assert "--" not in str(caught.value)
        assert "open" not in str(caught.value)
    assert (await promised(agent, relay.url, "sesame")).welcome.channel == "demo"
    assert "sesame" not in repr(agent.state())
    assert "open" not in repr(agent.state().sent)


async def test_the_list_of_a_relay_and_a_new_channel(agent: App, relay: app.Relay) -> None:
    keys = await asyncio.wrap_future(agent.create(relay.url, "demo"))
    assert keys.channel == "demo"
    assert keys.admin_key not in repr(keys)
    assert [said.text for said in agent.state().sent] == ['POST /v1/channels {"channel": "demo"}']
    with pytest.raises(RefusedError, match="already"):
        await asyncio.wrap_future(agent.create(relay.url, "demo"))
    assert (await asyncio.wrap_future(agent.channels(relay.url))).channels == ()
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"listed": True}))[0] == 200

    async def listed() -> bool:
        listing = await asyncio.wrap_future(agent.channels(relay.url))
        return [(one.name, one.viewers, one.password) for one in listing.channels] == [("demo", 0, False)]

    await wait_until(listed, 30)
    with pytest.raises(RelayUnreachableError):
        await asyncio.wrap_future(agent.channels(f"http://127.0.0.1:{free_port()}"))


@pytest.mark.relay(create_key="k" * 32, hosts="mood.example.org", proxies=1)
async def test_a_channel_is_made_with_the_create_key_elsewhere(agent: App, relay: app.Relay) -> None:
    with pytest.raises(WrongKeyError):
        await asyncio.wrap_future(agent.create(relay.url, "demo"))
    assert (await asyncio.wrap_future(agent.create(relay.url, "demo", "k" * 32))).channel == "demo"
    assert "k" * 32 not in repr(agent.state())


async def test_a_camera_that_is_missing_is_waited_for(agent: App, tmp_path: Path) -> None:
    film = tmp_path / "later.jpg"
    agent.change(camera=str(film))
    agent.preview(True)
    await wait_until(lambda: agent.state().camera == "waiting")
    assert "does not exist" in agent.state().camera_problem
    film.write_bytes(weights("portrait").read_bytes())
    await wait_until(lambda: agent.state().camera == "on")
    assert agent.state().camera_problem == ""


async def test_another_camera_is_opened_instead(agent: App, tmp_path: Path) -> None:
    agent.preview(True)
    await wait_until(agent.picture)
    (before,) = eyes()
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(weights("portrait").read_bytes())
    agent.change(camera=str(copy))
    await wait_until(lambda: not before.is_running())
    await wait_until(agent.picture)


async def test_what_looks_and_dies_is_started_again(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    await joined(agent, relay.url)
    agent.share("face")
    await wait_until(lambda: agent.state().label == "happy")
    (before,) = eyes()
    before.kill()
    await wait_until(lambda: agent.state().label is None)
    await wait_until(lambda: agent.state().label == "happy")
    assert eyes() != [before]


async def test_it_sleeps_with_the_machine_and_comes_back(agent: App, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        await joined(agent, relay.url)
        agent.share("face")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        agent.sleep()
        await audience.mood(lambda mood: mood.sharing == 0)
        await wait_until(lambda: agent.state().camera == "off")
        assert eyes() == []
        assert agent.state().wish == "face"
        agent.wake()
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert agent.state().link == "joined"
        for _ in range(3):  # before anything has come of it
            agent.wake()
        agent.leave()
        await audience.mood(lambda mood: mood.viewers == 0)


async def test_a_measured_delay_is_kept(agent: App, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    await joined(agent, relay.url, agree=False)
    agent.tap_zero()
    assert (await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3}))[0] == 201
    await wait_until(lambda: agent.state().countdown)
    live = relay._hub.members.channel("demo")
    assert live.countdown is not None
    live.countdown._zero -= 11  # eight seconds ago
    agent.tap_zero()
    await wait_until(lambda: agent.state().measured == 8)
    assert agent.state().delay == agent.remembered.delay == 8
    assert len(sent(agent, "zero")) == 1
    assert sent(agent, "hello")[-1]["delay"] == 0
    agent.change(delay=5)
    await wait_until(lambda: sent(agent, "hello")[-1]["delay"] == 5)
    await wait_until(lambda: agent.state().link == "joined")


OLDER = '{"type":"welcome","channel":"demo","viewer":"v","tick_ms":250,"min_viewers":5}'
NEWER = (
    '{"type":"welcome","channel":"demo","viewer":"v","tick_ms":250,"min_viewers":5,"crowd":"networks","version":2,'
    '"more":{"a":[1]}}'
)


@pytest.mark.parametrize("welcome", [OLDER, NEWER])
async def test_a_relay_of_another_version(agent: App, welcome: str) -> None:
    """An older one has no list of channels, no crowd and no grid; a newer one says more than is understood."""
    from aiohttp import web

    async def viewer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.send_str('{"type":"forecast","of":["all"]}')
        await socket.send_str(welcome)
        mood = {"type": "mood", "seq": 1, "time": 0, "visible": False, "viewers": 1, "sharing": 0, "min_viewers": 5}
        mood |= {"counts": [0] * 7, "shares": [0] * 7, "valence": 0, "resonance": 0, "trend": 0}
        await socket.send_str(json.dumps(mood))
        async for _ in socket:
            pass
        return socket

    application = web.Application()
    application.router.add_get("/v1/channels/demo/viewer", viewer)
    async with served(application) as url:
        with pytest.raises(RefusedError, match="older than the list of channels"):
            await asyncio.wrap_future(agent.channels(url))
        promise = await joined(agent, url)
        assert promise.welcome.crowd == ("viewers" if welcome == OLDER else "networks")
        await wait_until(lambda: agent.state().mood)
        agent.open_grid(True)
        agent.share("face")
        await wait_until(lambda: sent(agent, "label"))
        assert not agent.state().grid_allowed
        assert sent(agent, "look") == []


@contextlib.asynccontextmanager
async def served(application: Any) -> AsyncIterator[str]:
    from aiohttp import web

    async def listed(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": 4405, "message": "Nothing here."}}, status=404)

    application.router.add_get("/v1/channels", listed)
    application.router.add_post("/v1/channels/demo/tickets", listed)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def test_a_paused_agent_does_next_to_nothing(agent: App, relay: app.Relay) -> None:
    """Its thread is woken by the relay's moods, once a second, and by nothing else."""
    relay.create_channel("demo")
    await joined(agent, relay.url)
    loop, turns = agent.loop, 0
    once = loop._run_once  # type: ignore[attr-defined]

    def counted() -> None:
        nonlocal turns
        turns += 1
        once()

    loop._run_once = counted  # type: ignore[attr-defined]
    moods = 0
    last = agent.state().mood
    while moods < 4:
        await asyncio.sleep(0.01)
        if agent.state().mood is not last:
            moods, last = moods + 1, agent.state().mood
    assert turns < 60


async def test_a_name_is_shown_only_on_request_and_withdrawn_at_once(agent: App, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True}))[0] == 200
    await joined(agent, relay.url, agree=False)
    await wait_until(lambda: agent.state().grid_allowed)
    agent.show_me(True)
    await wait_until(lambda: "takes a name" in agent.state().notice)
    assert not agent.state().shown
    agent.change(name="Zoë")
    await wait_until(lambda: sent(agent, "hello")[-1]["name"] == "Zoë")
    await wait_until(lambda: agent.state().link == "joined")
    assert sent(agent, "show") == []
    agent.show_me(True)
    await wait_until(lambda: agent.state().shown)
    agent.open_grid(True)
    agent.show_me(False)
    await wait_until(lambda: not agent.state().shown)
    await wait_until(lambda: [message["on"] for message in sent(agent, "show")] == [True, False])
    assert sent(agent, "look") == [{"type": "look", "on": True}]


@pytest.mark.parametrize("way", ["leave", "join", "another name", "end"])
async def test_who_is_shown_is_so_by_name_alone_while_paused_and_nowhere_once_they_left(
    tmp_path: Path, relay: app.Relay, way: str
) -> None:
    """Whatever ends it, they are not shown when they come back."""
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True}))[0] == 200
    async with await Viewer.connect(relay.url) as looker:
        await looker.send(LookMessage(on=True))

        async def seen(*wanted: tuple[str, str | None]) -> None:
            await looker.receive_until(
                lambda event: (
                    isinstance(event, People)
                    and [(person.name, person.emotion) for person in event.people] == [*wanted]
                )
            )

        with running(tmp_path / "settings") as agent:
            agent.change(name="Zoë")
            promise = await joined(agent, relay.url, at_once=True)
            agent.show_me(True)
            await seen(("Zoë", None))
            agent.share("face")
            await seen(("Zoë", "happy"))
            for wish in ("paused", "taps"):
                agent.share(cast(Wish, wish))
                await seen(("Zoë", None))
            if way == "leave":
                agent.leave()
                await seen()
                await joined(agent, relay.url)
            elif way == "join":
                agent.join(promise)
            elif way == "another name":
                agent.change(name="Ann")
            if way != "end":
                await seen()
                await wait_until(lambda: agent.state().link == "joined")
                assert not agent.state().shown
        await seen()
        with running(tmp_path / "settings") as agent:
            await joined(agent, relay.url)
            await seen()
            assert not agent.state().shown


async def test_two_hundred_messages_are_kept(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    await joined(agent, relay.url, agree=False)
    agent.share("taps")
    for _ in range(250):
        agent.tap("wow")
    await wait_until(lambda: len(agent.state().sent) == 200 and len(sent(agent, "tap")) == 200)


async def test_eager_clicking_keeps_the_connection(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url):
        await joined(agent, relay.url, agree=False)
        agent.share("taps")
        for _ in range(3000):
            agent.tap("wow")
        before = agent.state().mood
        await wait_until(lambda: agent.state().mood is not before)
        assert (agent.state().link, agent.state().problem, agent.state().notice) == ("joined", "", "")


def test_an_agent_that_was_never_started_closes(tmp_path: Path) -> None:
    agent = App(tmp_path)
    assert agent.close()
    agent.share("paused")  # a window that is just being closed may still say something
    agent.preview(True)
    assert agent.channels("http://127.0.0.1:9").cancelled()
    assert agent.close()
    assert eyes() == []


def test_what_sees_is_loaded_by_the_eyes_alone() -> None:
    """So that the window takes little memory while nothing is looked at, and can't look."""
    code = "import sys, agent.program; print({'cv2', 'mediapipe', 'onnxruntime'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout == "set()\n"


linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems name no cameras")


@linux
async def test_cameras_are_listed_without_opening_one(agent: App) -> None:
    for camera in await asyncio.wrap_future(agent.cameras()):
        assert camera.id.startswith("webcam:")
        assert camera.name
    assert eyes() == []


@pytest.mark.slow
async def test_forty_restarts_of_the_relay_leave_nothing_behind(
    agent: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With waits of hundredths of a second between its attempts."""
    for name in ("SHORTEST_WAIT_S", "_FIRST_WAIT_S", "LONGEST_WAIT_S", "LONGEST_HINT_S"):
        monkeypatch.setattr(sending, name, 0.02)
    options: dict[str, Any] = {"port": free_port(), "data": str(tmp_path / "relay"), "tick_ms": 50, "min_viewers": 1}
    now = await app.start(RelaySettings(**options), SOON)
    now.create_channel("demo")
    await joined(agent, now.url)
    agent.share("face")
    counts: list[tuple[int, int, int]] = []
    await wait_until(lambda: agent.state().labels)
    (looking,) = eyes()
    for _ in range(40):
        await wait_until(lambda: agent.state().link == "joined")
        labels = agent.state().labels
        await now.stop()
        await wait_until(lambda: agent.state().link == "lost")
        counts.append((psutil.Process().num_fds(), threading.active_count(), len(asyncio.all_tasks(agent.loop))))
        now = await app.start(RelaySettings(**options), SOON)
    await wait_until(lambda: agent.state().labels > labels)
    await now.stop()
    assert eyes() == [looking]
    settled = [max(count) for count in zip(*counts[5:15], strict=True)]
    assert all(late <= early + 3 for late, early in zip(map(max, zip(*counts[30:], strict=True)), settled, strict=True))
