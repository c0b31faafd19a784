"""The streamer's agent: the key that it takes, what it asks, and relays that would make it something else."""

import asyncio
import io
import json
import re
import sys
from typing import Any

import pytest
from aiohttp import web

from agent import main, terminal
from agent.client import Client
from agent.config import AgentSettings
from agent.errors import MissingLibraryError
from agent.sending import Sender
from benchmarks import rooms
from relay import app, settings
from relay.errors import RefusedError, RelayUnreachableError, SettingsError, WrongKeyError
from relay.protocol import Face, Welcome
from tests.agent.test_client import Agent
from tests.support import free_port, subscribe

WELCOME = Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=5, crowd="networks")


def load(*words: str, **environ: str) -> AgentSettings:
    import argparse

    parser = argparse.ArgumentParser()
    settings.add_arguments(parser, AgentSettings)
    return settings.load(AgentSettings, parser.parse_args(["--channel", "demo", *words]), environ)


def streamer(url: str, key: str, **options: Any) -> AgentSettings:
    return AgentSettings(relay=url, channel="demo", role="streamer", admin_key=key, **options)


def test_the_admin_key_is_taken_from_the_environment_and_never_from_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert load("--role", "streamer", MOODCAST_ADMIN_KEY="k3y").admin_key == "k3y"
    with pytest.raises(SystemExit):
        load("--role", "streamer", "--admin-key", "k3y")
    with pytest.raises(SettingsError) as wrong:
        load(MOODCAST_ADMIN_KEY="s3cret key")
    assert "MOODCAST_ADMIN_KEY" in str(wrong.value)
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    "words",
    [
        ["--store-face"],
        ["--role", "streamer", "--delay", "3"],
        ["--role", "owner"],
        ["--voice", "voice.onnx"],
        ["--role", "viewer", "--voice", "voice.onnx"],
        ["--role", "streamer", "--voice", "voice.onnx", "--explain"],
    ],
)
def test_what_does_not_go_with_the_role_is_refused(words: list[str]) -> None:
    with pytest.raises(SettingsError):
        load(*words)


@pytest.mark.parametrize("environ", [{}, {"MOODCAST_VOICE": "voice.onnx"}])
def test_a_viewer_is_never_listened_to(environ: dict[str, str]) -> None:
    words = [] if environ else ["--voice", "voice.onnx"]
    with pytest.raises(SettingsError, match="a viewer is never listened to; it is for --role streamer"):
        load(*words, **environ)
    assert load("--role", "streamer", *words, **environ).voice == "voice.onnx"


def test_a_viewers_agent_loads_nothing_that_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even with settings that the checks would refuse."""
    monkeypatch.setitem(sys.modules, "agent.voice", None)  # the import system's word for: there is none
    assert main._voice(AgentSettings(channel="demo", voice="voice.onnx")) is None
    assert main._voice(AgentSettings(channel="demo", role="streamer")) is None
    with pytest.raises(MissingLibraryError, match="nothing in it can open a microphone"):
        main._voice(AgentSettings(channel="demo", role="streamer", voice="voice.onnx"))


def test_the_terminals_agent_alone_knows_of_the_microphone() -> None:
    """Neither the window nor its eyes could open it; and one file alone loads what could."""
    found = rooms.imports(rooms.working_tree())
    assert {one.by for one in found if one.of.startswith("agent.voice.") and not one.by.startswith("agent.voice.")} == {
        "agent.main"
    }
    loads = [
        path for path, text in rooms.working_tree().items() if re.search(r"import sounddevice|sounddevice import", text)
    ]
    assert loads == ["agent/voice/microphone.py"]


def test_the_question_names_the_microphone_and_who_else_it_hears() -> None:
    settings = streamer("https://mood.example.org", "k3y", voice="voice.onnx")
    text = terminal.explanation(settings, WELCOME)
    for words in ("turn on your microphone", "whoever speaks near it", "did not agree", "nothing of it is stored"):
        assert words in text
    assert all(len(line) <= 120 for line in text.splitlines())
    assert "microphone" not in terminal.explanation(streamer("https://mood.example.org", "k3y"), WELCOME)
    assert "microphone" not in terminal.explanation(AgentSettings(channel="demo"), WELCOME)


def test_without_a_key_or_a_terminal_to_ask_on_it_says_where_to_give_one() -> None:
    with pytest.raises(WrongKeyError, match="MOODCAST_ADMIN_KEY"):
        terminal.with_admin_key(streamer("http://127.0.0.1:1", ""), io.StringIO())


def test_a_viewers_agent_forgets_the_key_of_the_environment() -> None:
    assert terminal.with_admin_key(AgentSettings(channel="demo", admin_key="k3y"), io.StringIO()).admin_key == ""


@pytest.mark.parametrize("store", [False, True])
def test_the_question_says_that_the_face_is_shown_alone_to_everyone(store: bool) -> None:
    text = terminal.explanation(streamer("https://mood.example.org", "k3y", store_face=store), WELCOME)
    assert "shown alone, to everyone" in text
    assert "admin key" in text
    assert "k3y" not in text
    assert ("It is not stored." in text) != store
    assert ("Deleting a session deletes it." in text) == store
    assert "together with other people's" not in text
    assert all(len(line) <= 110 for line in text.splitlines())


async def test_the_face_is_told_and_is_no_viewer(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as overlay,
        Agent(relay.url, role="streamer", admin_key=keys.admin_key) as agent,
    ):
        agent.show("happy")
        await overlay.receive_until(lambda message: isinstance(message, Face) and message.emotion == "happy")
        agent.show(None)
        await overlay.receive_until(lambda message: isinstance(message, Face) and message.emotion is None)
        mood = await overlay.mood()
        assert (mood.viewers, mood.sharing) == (0, 0)


async def test_the_newer_agent_ends_the_older_one_when_it_shows_something(relay: app.Relay) -> None:
    key = relay.create_channel("demo").admin_key
    async with Agent(relay.url, role="streamer", admin_key=key) as older:
        older.show("happy")
        await Client(streamer(relay.url, key), Sender(), print).check()  # before its user is asked
        assert not older.running.done()
        async with Agent(relay.url, role="streamer", admin_key=key) as newer:
            newer.show("sad")
            with pytest.raises(RefusedError, match="the newer connection counts"):
                await asyncio.wait_for(older.running, 60)
            assert not newer.running.done()


@pytest.mark.parametrize(
    ("key", "error", "text"), [("display", RefusedError, "admin key"), ("", WrongKeyError, "admin key")]
)
async def test_another_key_is_refused_in_a_sentence(
    key: str, error: type[Exception], text: str, relay: app.Relay
) -> None:
    keys = relay.create_channel("demo")
    given = keys.display_key if key else "wrong"
    with pytest.raises(error, match=text) as told:
        await Client(streamer(relay.url, given), Sender(), print).check()
    assert given not in str(told.value)


@pytest.mark.parametrize(
    ("answer", "error"), [({"ticket": "t", "expires_in_s": 60}, RefusedError), ("no", RelayUnreachableError)]
)
async def test_a_relay_that_would_count_it_as_a_viewer_is_not_joined(answer: Any, error: type[Exception]) -> None:
    """One of before there were roles, and what is none."""
    joined: list[str] = []

    async def tickets(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps(answer), status=201, content_type="application/json")

    async def viewer(request: web.Request) -> web.Response:
        joined.append(request.path)
        return web.Response(status=404)

    application = web.Application()
    application.router.add_post("/v1/channels/demo/tickets", tickets)
    application.router.add_get("/v1/channels/demo/viewer", viewer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with pytest.raises(error):
            await Client(streamer(f"http://127.0.0.1:{port}", "k3y"), Sender(), print).check()
    finally:
        await runner.cleanup()
    assert joined == []
