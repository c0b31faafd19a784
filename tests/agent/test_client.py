"""The client against the real relay, and against servers that misbehave."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent.client import Client
from agent.config import AgentSettings
from agent.errors import NoConsentError
from agent.sending import SHORTEST_WAIT_S, Sender
from agent.smoothing import Reading
from relay import app, protocol
from relay.config import RelaySettings
from relay.errors import RefusedError, RelayUnreachableError, UnknownChannelError, WrongKeyError, WrongPasswordError
from tests.support import SOON, count_of, free_port, request, subscribe, wait_until

HINTS = ["", ',"retry_after_s":0', ',"retry_after_s":1e-9', ',"retry_after_s":-5', ',"retry_after_s":1e999']

Handler = Callable[[web.WebSocketResponse], Awaitable[Any]]


class Agent:
    """A client whose face a test steers."""

    def __init__(self, url: str, channel: str = "demo", **options: Any) -> None:
        self.notes: list[str] = []
        self.sender = Sender()
        settings = AgentSettings(relay=url, channel=channel, **options)
        self.client = Client(settings, self.sender, self.notes.append)
        self._reading: Reading | None = None

    async def __aenter__(self) -> "Agent":
        self.running = asyncio.create_task(self.client.run())
        self._camera = asyncio.create_task(self._observe())
        return self

    async def __aexit__(self, *exception: object) -> None:
        for task in (self.running, self._camera):
            task.cancel()
        await asyncio.gather(self.running, self._camera, return_exceptions=True)

    def show(self, emotion: protocol.Expression | None) -> None:
        self._reading = Reading(emotion, 0.9) if emotion else None

    async def _observe(self) -> None:
        while True:
            self.sender.observe(asyncio.get_running_loop().time(), self._reading)
            self.client.wake()
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def stand_in(talk: Handler | None = None, healthz: bool = True) -> AsyncIterator[str]:
    """A server that is almost a relay: ``talk`` gets the viewer's socket after its hello; without it there is none."""

    async def viewer(request: web.Request) -> web.StreamResponse:
        assert talk
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await talk(socket)
        return socket

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "version": "0.1.0"})

    application = web.Application()
    if talk:
        application.router.add_get("/v1/channels/demo/viewer", viewer)
    if healthz:
        application.router.add_get("/healthz", health)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def welcome() -> str:
    return protocol.encode(protocol.Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=1)).decode()


async def listen(socket: web.WebSocketResponse) -> None:
    """Welcome a viewer, and hear all it says."""
    await socket.send_str(welcome())
    async for _ in socket:
        pass


async def test_the_audience_sees_the_expression_its_change_and_the_leaving(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, Agent(relay.url) as agent:
        agent.show("happy")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        agent.show("surprise")
        await audience.mood(lambda mood: count_of(mood, "surprise") == 1 and count_of(mood, "happy") == 0)
        agent.show(None)
        await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0)
        assert agent.client.labels == {"happy": 1, "surprise": 1}


async def test_a_pause_of_the_streamer_is_seen_and_after_it_the_expression_is_said_anew(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")

    async def say(state: str) -> None:
        assert (await request(relay.url, "PUT", "demo/session", keys.admin_key, {"state": state}))[0] == 200

    async with await subscribe(relay.url, "demo", keys.display_key) as audience, Agent(relay.url) as agent:
        agent.show("happy")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert not agent.client.paused
        await say("paused")
        await wait_until(lambda: agent.client.paused)
        await say("auto")
        # Not with the heartbeat, which comes some seconds later.
        await wait_until(lambda: not agent.client.paused)
        before = agent.client.labels.total()
        mood = await audience.mood(lambda mood: count_of(mood, "happy") == 1 and not mood.paused)
        assert mood.sharing == 1
        assert agent.client.labels.total() <= before + 1


async def test_stopping_leaves_the_channel(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        async with Agent(relay.url) as agent:
            agent.show("happy")
            await audience.mood(lambda mood: mood.sharing == 1)
        await audience.mood(lambda mood: mood.viewers == 0)


@pytest.mark.slow
async def test_it_comes_back_after_the_relay_restarted_and_shares_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path_factory.mktemp("data")), tick_ms=50, min_viewers=1)
    first = await app.start(settings, SOON)
    keys = first.create_channel("demo")
    async with Agent(first.url) as agent:
        agent.show("sad")
        await wait_until(lambda: agent.client.labels.total() == 1)
        await first.stop()
        await wait_until(lambda: not agent.client.connected)
        agent.show("happy")
        second = await app.start(settings, SOON)
        try:
            async with await subscribe(second.url, "demo", keys.display_key) as audience:
                await audience.mood(lambda mood: count_of(mood, "happy") == 1, timeout=60)
        finally:
            await second.stop()
    assert any("lost the relay" in note for note in agent.notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("later", "why"),
    [
        ({"min_viewers": 2}, "once people of two networks share, not only once people of five networks share"),
        ({"crowd": "viewers"}, "once five people share, not only once people of five networks share"),
        ({"min_viewers": 6}, ""),
    ],
)
async def test_a_relay_that_comes_back_promising_less_gets_nothing_more(
    tmp_path: Path, later: dict[str, Any], why: str
) -> None:
    """The viewer agreed to what the relay said then."""
    options: dict[str, Any] = {"port": free_port(), "data": str(tmp_path), "tick_ms": 50}
    first = await app.start(RelaySettings(**options), SOON)
    first.create_channel("demo")
    agent = Agent(first.url)
    await agent.client.check()
    async with agent:
        agent.show("sad")
        await wait_until(lambda: agent.client.labels.total() == 1)
        await first.stop()
        await wait_until(lambda: not agent.client.connected)
        agent.show("happy")
        second = await app.start(RelaySettings(**options | later), SOON)
        try:
            if why:
                with pytest.raises(NoConsentError, match=why):
                    await asyncio.wait_for(agent.running, 60)
                assert agent.client.labels.total() == 1
            else:
                await wait_until(lambda: agent.client.labels.total() > 1, 60)
        finally:
            await second.stop()


@pytest.mark.slow
async def test_a_measured_delay_is_told_and_kept_for_the_next_connection(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    asked: list[str] = []
    async with Agent(relay.url) as agent:
        agent.client.on_countdown = lambda: asked.append("now")
        await wait_until(lambda: agent.client.connected)
        agent.client.tap_zero()  # without a countdown nothing is sent
        assert (await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3}))[0] == 201
        await wait_until(lambda: asked)
        live = relay._hub.members.channel("demo")
        countdown = live.countdown
        assert countdown is not None
        countdown._zero -= 11  # eight seconds ago
        agent.client.tap_zero()
        await wait_until(lambda: agent.notes)
        assert agent.notes[0].startswith("You see the stream 8 s later than it happens")
        assert "--delay 8" in agent.notes[0]
        for viewer in list(live.viewers):
            viewer.socket.transport.abort()
        await wait_until(lambda: not agent.client.connected)
        await wait_until(lambda: [viewer.member.group.delay for viewer in live.viewers if viewer.member.group] == [8])
        await wait_until(lambda: agent.client.connected)
        agent.client.tap_zero()
        await wait_until(lambda: countdown.answers == 1)
    assert asked == ["now"]  # and not again after the new connection
    assert not any("relay says" in note for note in agent.notes)


async def test_a_tap_far_too_early_is_told(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with Agent(relay.url) as agent:
        agent.client.on_countdown = agent.client.tap_zero
        await wait_until(lambda: agent.client.connected)
        await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 30})
        await wait_until(lambda: agent.notes)
    assert agent.notes[0].startswith("the relay says: Zero is ")


async def test_what_was_sent_is_told_to_the_letter_but_for_password_and_ticket(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"}))[0] == 200
    said: list[str] = []
    agent = Agent(relay.url, password="sesame", name="Zoë")
    agent.client.on_said = said.append
    async with agent:
        agent.show("happy")
        await wait_until(lambda: agent.client.labels)
        assert agent.client.tap("heart")
        await wait_until(lambda: len(said) == 5)
    ticket, opening, hello, *rest = said
    assert opening == "GET /v1/channels/demo/viewer"
    assert ticket == 'POST /v1/channels/demo/tickets {"password": "…"}'
    assert '"ticket":"…","name":"Zoë"' in hello
    assert rest == ['{"type":"label","emotion":"happy","confidence":0.9}', '{"type":"tap","tap":"heart"}']


async def test_eager_clicking_never_ends_the_connection(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    heard: list[protocol.FromRelay] = []
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, Agent(relay.url) as agent:
        agent.client.on_heard = heard.append
        await wait_until(lambda: agent.client.connected)
        taken = [agent.client.tap("clap") for _ in range(5000)]
        assert taken[:100] == [True] * 100
        assert not all(taken)
        agent.show("happy")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
    assert not agent.notes
    assert not [message for message in heard if isinstance(message, protocol.Error | protocol.Bye)]


async def test_the_grid_is_asked_for_only_where_the_streamer_allows_it_and_again_after_a_loss() -> None:
    said: list[str] = []
    grid = welcome()[:-1] + ',"grid":true,"granted":1800000000.5}'
    greetings = [welcome(), grid, grid]
    sockets: list[web.WebSocketResponse] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        sockets.append(socket)
        await socket.send_str(greetings[min(len(sockets), 3) - 1])
        async for message in socket:
            said.extend([message.data] if "away" not in message.data else [])

    async with stand_in(talk) as url, Agent(url) as agent:
        await wait_until(lambda: agent.client.connected)
        agent.client.show(True)  # no relay without a grid hears of one
        agent.client.look(True)
        assert not agent.client.is_shown
        await sockets[0].close()
        await wait_until(lambda: said == ['{"type":"look","on":true}'])
        agent.client.show(True)
        assert agent.client.is_shown
        await wait_until(lambda: said[1:] == ['{"type":"show","on":true}'])
        await sockets[1].close()
        await wait_until(lambda: said[2:] == ['{"type":"show","on":true}', '{"type":"look","on":true}'])
        agent.client.show(False)
        assert not agent.client.is_shown
        await wait_until(lambda: said[4:] == ['{"type":"show","on":false}'])


@pytest.mark.parametrize("granted", ["1800000000.5", "1800000001.5", "0", None])
async def test_who_was_shown_is_so_after_a_loss_only_on_the_grid_that_they_chose(granted: str | None) -> None:
    """Not where it was taken back and given again meanwhile, nor where the relay doesn't tell."""
    said: list[str] = []
    grid, tells = welcome()[:-1] + ',"grid":true}', "" if granted is None else f',"granted":{granted}'
    greetings = [f'{grid[:-1]},"granted":1800000000.5}}', f"{grid[:-1]}{tells}}}"]
    sockets: list[web.WebSocketResponse] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        sockets.append(socket)
        await socket.send_str(greetings[len(sockets) - 1])
        async for message in socket:
            said.extend([message.data] if "away" not in message.data else [])

    async with stand_in(talk) as url, Agent(url) as agent:
        await wait_until(lambda: agent.client.connected)
        agent.client.show(True)
        await wait_until(lambda: said == ['{"type":"show","on":true}'])
        await sockets[0].close()
        await wait_until(lambda: len(sockets) == 2 and agent.client.connected)
        assert agent.client.is_shown == (granted == "1800000000.5")
        agent.client.look(True)
        await wait_until(lambda: said[-1] == '{"type":"look","on":true}')
        assert said[1:-1] == ['{"type":"show","on":true}'] * agent.client.is_shown
        if not agent.client.is_shown:
            agent.client.show(True)
            await wait_until(lambda: said[-1] == '{"type":"show","on":true}')


async def test_when_the_grid_is_taken_back_and_given_again_nobody_believes_to_be_shown(relay: app.Relay) -> None:
    """However short that was: in no mood may it have been false."""
    keys = relay.create_channel("demo")
    await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
    async with Agent(relay.url, name="ann") as agent:
        await wait_until(lambda: agent.client.connected)
        agent.client.show(True)
        await wait_until(lambda: relay._hub.members.totals().shown == 1)
        for allowed in (False, True):  # with no tick between the two
            relay._channels.open_up("demo", None, allowed)
        await wait_until(lambda: not agent.client.is_shown)
        assert relay._hub.members.totals().shown == 0
        agent.client.show(True)
        await wait_until(lambda: relay._hub.members.totals().shown == 1)
        assert agent.client.is_shown


async def test_who_can_not_be_shown_does_not_believe_to_be(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
    async with Agent(relay.url) as agent:  # without a name
        await wait_until(lambda: agent.client.connected)
        agent.client.show(True)
        await wait_until(lambda: not agent.client.is_shown)
        await wait_until(lambda: any("takes a name" in note for note in agent.notes))


async def test_a_wrong_channel_is_told_at_once(relay: app.Relay) -> None:
    relay.create_channel("demo")
    with pytest.raises(UnknownChannelError, match=r"no channel 'Demo'.*--channel") as caught:
        await Agent(relay.url, "Demo").client.check()
    assert caught.value.exit_code == 31


@pytest.mark.relay(require_tickets="on")
async def test_it_fetches_a_ticket_by_itself(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, Agent(relay.url) as agent:
        agent.show("happy")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)


async def test_it_gives_the_join_password_and_says_when_it_is_wrong(relay: app.Relay) -> None:
    admin = {"Authorization": f"Bearer {relay.create_channel('demo').admin_key}"}
    async with (
        aiohttp.ClientSession(relay.url, headers=admin) as http,
        http.put("/v1/channels/demo/password", json={"password": "sesame"}) as response,
    ):
        assert response.status == 200
    assert (await Agent(relay.url, password="sesame").client.check()).channel == "demo"
    for password, sentence in (("", "none was given"), ("open", "this is not it")):
        with pytest.raises(WrongPasswordError, match=rf"{sentence}.*--password") as caught:
            await Agent(relay.url, password=password).client.check()
        assert caught.value.exit_code == 37
        assert "open" not in str(caught.value)


async def test_a_right_channel_passes_the_check(relay: app.Relay) -> None:
    relay.create_channel("demo")
    assert (await Agent(relay.url).client.check()).channel == "demo"


async def test_nothing_at_the_address() -> None:
    with pytest.raises(RelayUnreachableError, match=r"no Moodcast relay answers.*--relay") as caught:
        await Agent(f"http://127.0.0.1:{free_port()}").client.check()
    assert caught.value.exit_code == 30


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_nothing_at_the_address_is_said_in_no_programmers_words(host: str) -> None:
    with pytest.raises(RelayUnreachableError) as caught:
        await Agent(f"http://{host}:{free_port()}").client.check()
    assert "Connect call" not in str(caught.value)
    assert "errno" not in str(caught.value).lower()


async def test_something_else_at_the_address() -> None:
    async with stand_in(healthz=False) as url:
        with pytest.raises(RelayUnreachableError, match=r"no Moodcast relay \(HTTP status 404\)"):
            await Agent(url).client.check()


async def test_a_relay_may_also_refuse_with_a_status() -> None:
    async with stand_in() as url:
        with pytest.raises(UnknownChannelError):
            await Agent(url).client.check()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (protocol.UNKNOWN_CHANNEL, UnknownChannelError),
        (protocol.WRONG_KEY, WrongKeyError),
        (protocol.BAD_MESSAGE, RefusedError),
    ],
)
@pytest.mark.parametrize("with_bye", [True, False])
async def test_a_stop_code_ends_it_for_good(code: protocol.Code, error: type[Exception], with_bye: bool) -> None:
    async def turn_out(socket: web.WebSocketResponse) -> None:
        await socket.send_str(welcome())
        if with_bye:
            await socket.send_str(protocol.encode(protocol.Bye(code=code.number, message="Out.")).decode())
        await socket.close(code=code.number)

    async with stand_in(turn_out) as url, Agent(url) as agent:
        with pytest.raises(error):
            await asyncio.wait_for(agent.running, 60)


@pytest.mark.slow
@pytest.mark.parametrize("code", [4499, 4999])
async def test_what_a_newer_relay_adds_changes_nothing(code: int) -> None:
    """Fields and messages that the agent does not know are left out, and a code that it does not know says by its range
    whether to come back (docs/versions.md)."""
    heard: list[str] = []

    async def talk(socket: web.WebSocketResponse) -> None:
        for said in ('{"type":"forecast","of":["all"]}', welcome()[:-1] + ',"later":{"a":[1]}}', '{"type":"forecast"}'):
            await socket.send_str(said)
        heard.append(await socket.receive_str())
        await socket.send_str(f'{{"type":"bye","code":{code},"message":"Of a newer relay.","later":1}}')
        await socket.close(code=code)

    async with stand_in(talk) as url, Agent(url) as agent:
        agent.show("happy")
        if code == 4499:
            with pytest.raises(RefusedError, match="Of a newer relay"):
                await asyncio.wait_for(agent.running, 60)
        else:
            await wait_until(lambda: len(heard) >= 2, 60)
    assert all('"happy"' in label for label in heard)


@pytest.mark.slow
async def test_a_retry_code_makes_it_come_back() -> None:
    visits = []

    async def restart(socket: web.WebSocketResponse) -> None:
        visits.append(socket)
        await socket.send_str(welcome())
        bye = protocol.Bye(code=protocol.SHUTTING_DOWN.number, message="Restarting.", retry_after_s=0.01)
        await socket.send_str(protocol.encode(bye).decode())
        await socket.close(code=bye.code)

    async with stand_in(restart) as url, Agent(url) as agent:
        await wait_until(lambda: len(visits) >= 2)
        assert not agent.running.done()
        assert any("Restarting." in note for note in agent.notes)


@pytest.mark.slow
async def test_no_relay_makes_it_connect_in_a_loop() -> None:
    """How many times in five seconds at most: see the property test of ``Backoff``. Here, that the client asks it."""
    byes = ["", *(f'{{"type":"bye","code":4503,"message":"Later."{hint}}}' for hint in HINTS)]

    async def visited_by_one(says: list[str]) -> list[float]:
        visits = []

        async def turn_away(socket: web.WebSocketResponse) -> None:
            visits.append(asyncio.get_running_loop().time())
            for message in filter(None, says):
                await socket.send_str(message)
            await socket.close(code=4503)

        async with stand_in(turn_away) as url, Agent(url) as agent:
            await wait_until(lambda: len(visits) >= 4, 60)
            assert not agent.running.done()
        return visits

    for visits in await asyncio.gather(*(visited_by_one([hello, bye]) for bye in byes for hello in ("", welcome()))):
        assert all(after - before > 0.9 * SHORTEST_WAIT_S for before, after in pairwise(visits))


async def test_a_cancellation_in_the_tick_of_a_wake_is_not_lost() -> None:
    """Python 3.10 and 3.11 lost every one of these, and the client went on sending."""

    async with stand_in(listen) as url:
        agent = Agent(url)
        agent.sender.observe(asyncio.get_running_loop().time(), Reading("happy", 0.9))
        running = asyncio.create_task(agent.client.run())
        await wait_until(lambda: agent.client.labels)
        for _ in range(20):  # so that it surely waits for the time of its next label
            await asyncio.sleep(0)
        agent.client.wake()
        running.cancel()
        await asyncio.wait({running}, timeout=60)
        assert running.cancelled()


@pytest.mark.slow
async def test_a_cancellation_at_any_moment_is_not_lost() -> None:
    """300 of them, from the first instruction to the steady state; up to Python 3.11 a tenth were lost."""
    chance = random.Random(1)
    async with stand_in(listen) as url:
        for _ in range(300):
            agent = Agent(url)
            agent.show("happy")
            async with agent:
                await asyncio.sleep(0.02 * chance.random())
                for _ in range(chance.randrange(50)):
                    await asyncio.sleep(0)
                agent.running.cancel()
                await asyncio.wait({agent.running}, timeout=60)
                assert agent.running.cancelled()


async def test_what_it_does_not_understand_is_skipped_and_objections_are_passed_on() -> None:
    got: list[str] = []

    async def babble(socket: web.WebSocketResponse) -> None:
        await socket.send_str("no json")
        await socket.send_str('{"type":"fireworks"}')
        await socket.send_bytes(b"\x00\x01")
        await socket.send_str(welcome())
        await socket.send_str(protocol.encode(protocol.Error(code=4400, message="Hm.")).decode())
        async for message in socket:
            got.append(message.data)

    async with stand_in(babble) as url, Agent(url) as agent:
        agent.show("fear")
        await wait_until(lambda: got)
        await wait_until(lambda: agent.notes == ["the relay says: Hm."])
    assert protocol.from_viewer.decode(got[0]) == protocol.Label(emotion="fear", confidence=0.9)


async def test_hello_carries_name_and_delay_only_as_given() -> None:
    hellos: list[protocol.FromViewer] = []

    async def viewer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        hellos.append(protocol.from_viewer.decode((await socket.receive()).data))
        await socket.send_str(welcome())
        await socket.close()
        return socket

    application = web.Application()
    application.router.add_get("/v1/channels/demo/viewer", viewer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        await Agent(f"http://127.0.0.1:{port}").client.check()
        await Agent(f"http://127.0.0.1:{port}", name="Zoë", delay=7.5).client.check()
    finally:
        await runner.cleanup()
    plain, named = hellos
    assert isinstance(plain, protocol.Hello)
    assert (plain.name, plain.delay, plain.ticket) == ("", 0.0, "")
    assert plain.agent.startswith("moodcast/")
    assert isinstance(named, protocol.Hello)
    assert (named.name, named.delay) == ("Zoë", 7.5)
