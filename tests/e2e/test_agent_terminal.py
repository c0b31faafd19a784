"""The real agent on a terminal: its question, its keys."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from relay import app
from relay.protocol import Face
from tests.e2e.agent_program import command, on_terminal, weights
from tests.support import audience, count_of, leave, request, subscribe, wait_until

pytestmark = [
    pytest.mark.usefixtures("agent_files"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal"),
]


@pytest.mark.parametrize("answer", ["n", "y"])
async def test_on_a_terminal_it_asks_before_the_first_capture(answer: str, relay: app.Relay, tmp_path: Path) -> None:
    keys, report = relay.create_channel("demo"), tmp_path / "report.json"
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        on_terminal(*command(relay.url, weights("portrait"), "--report", str(report))) as terminal,
    ):
        await wait_until(lambda: terminal.shows("[y/N]"), 60)
        assert terminal.shows("What leaves it")
        assert terminal.shows("Others see even a single person's expression")  # --min-viewers 1
        terminal.type(answer.encode() + b"\n")
        if answer == "y":
            await audience.mood(lambda mood: count_of(mood, "happy") == 1, timeout=60)
            await wait_until(lambda: terminal.shows("\rhappy "))
            terminal.process.send_signal(signal.SIGINT)
        await asyncio.wait_for(terminal.process.wait(), 60)
    assert terminal.process.returncode == (0 if answer == "y" else 14)
    assert not terminal.shows("Traceback")
    if answer == "n":
        assert not report.exists()
    else:
        assert msgspec.json.decode(report.read_bytes())["labels"] >= 1


async def test_a_pasted_link_is_asked_about_as_the_relay_and_channel_in_it(relay: app.Relay) -> None:
    relay.create_channel("demo")
    link = f"{relay.url.removeprefix('http://')}/overlay?channel=demo#key=s3cret"
    arguments = [sys.executable, "-m", "moodcast", "agent", "--relay", link, "--source", str(weights("portrait"))]
    async with on_terminal(*arguments) as terminal:
        await wait_until(lambda: terminal.shows("[y/N]"), 60)
        assert terminal.shows(f"to {relay.url}, channel demo.")
        assert terminal.shows("don't pass the link on")
        assert not terminal.shows("s3cret")
        terminal.type(b"n\n")
        assert await asyncio.wait_for(terminal.process.wait(), 60) == 14


async def test_a_streamer_types_the_admin_key_unseen_and_is_told_who_sees_the_face(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["sad"])
    arguments = command(relay.url, weights("portrait"), "--role", "streamer")
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as overlay,
        on_terminal(*arguments) as terminal,
    ):
        await wait_until(lambda: terminal.shows("Admin key of the channel demo (not shown): "), 60)
        terminal.type(keys.admin_key.encode() + b"\n")
        await wait_until(lambda: terminal.shows("[y/N]"), 60)
        assert terminal.shows("you are the streamer, so your expression is shown alone, to everyone")
        assert terminal.shows("It is not stored.")
        assert not terminal.shows("Others see")
        terminal.type(b"y\n")
        await overlay.receive_until(lambda message: isinstance(message, Face) and message.emotion == "happy")
        mood = await overlay.mood()
        assert (mood.viewers, mood.sharing, count_of(mood, "happy")) == (1, 1, 0)
        terminal.process.send_signal(signal.SIGINT)
        await asyncio.wait_for(terminal.process.wait(), 60)
        await overlay.receive_until(lambda message: isinstance(message, Face) and message.emotion is None)
    await leave(viewers)
    assert terminal.process.returncode == 0
    assert not terminal.shows(keys.admin_key)
    assert not terminal.shows("Traceback")


async def test_enter_at_the_countdowns_zero_measures_the_delay(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with on_terminal(*command(relay.url, weights("portrait"), "--yes")) as terminal:
        await wait_until(lambda: terminal.shows("\rhappy "), 60)
        assert terminal.shows("To have that forgotten, type f and press Enter.")
        terminal.type(b"\n")  # means nothing yet
        terminal.type(b"f\n")  # which shows that the line before was read
        await wait_until(lambda: terminal.shows("Forgotten"))
        status, _ = await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3})
        assert status == 201
        await wait_until(lambda: terminal.shows("press Enter when the countdown on the stream reaches 0."))

        async def over() -> bool:
            _, result = await request(relay.url, "GET", "demo/countdown", keys.display_key)
            return bool(result["open_s"] <= 119)  # a second after zero

        await wait_until(over)
        terminal.type(b"f\n")  # is no answer to the countdown
        await wait_until(lambda: terminal.screen.count(b"Forgotten") == 2)
        terminal.type(b"\n")
        await wait_until(lambda: re.search(rb"You see the stream [1-9] s later than it happens", terminal.screen))
        _, result = await request(relay.url, "GET", "demo/countdown", keys.display_key)
        assert result["answers"] == 1
        terminal.type(b"\x03")  # Ctrl-C, while Enter is waited for
        await asyncio.wait_for(terminal.process.wait(), 60)
    assert terminal.process.returncode == 0
    assert not terminal.shows("Traceback")
    assert not terminal.shows("relay says")
