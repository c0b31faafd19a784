"""The proof of privacy for the agent with a window: every packet, every file and every program, while it is used."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import msgspec
import platformdirs
import psutil
import pytest

pytest.importorskip("dbus_fast", reason="the agent's packages are not installed")
from agent import consent, priority
from agent.app.settings import Consent, Remembered
from relay.common.release import RELEASE
from relay.protocol import Welcome
from tests.agent.desktop.test_sni import Panel
from tests.agent.window.conftest import display  # noqa: F401  # a fixture
from tests.agent.window.desk import Desk
from tests.e2e.agent_program import weights
from tests.e2e.test_agent_privacy import CHANGES, TRACED, programs, written
from tests.e2e.test_namespace import PATIENCE_S, RELAY, URL, ask, conversation, kinds, relay_on
from tests.e2e.test_window_program import QUIT, Desktop, desktop  # noqa: F401  # a fixture
from tests.packets import beyond, foreign
from tests.raw import CLOSE
from tests.support import wait_until
from tests.two_machines import recorded, two_machines

pytestmark = pytest.mark.usefixtures("agent_files")


async def to_the_question(desk: Desk) -> None:
    """From the first screen, with a name, to the one that asks for the camera."""
    await desk.at("Welcome to Moodcast")
    await desk.type("Kim")
    await desk.click("Continue", "TButton")
    await desk.at("Where do you watch?")
    await desk.write(URL)
    await desk.click("Continue", "TButton")
    await desk.at("Channels")
    await desk.write("demo")
    await desk.click("Join", "TButton")
    await desk.at("Share your expression with demo?")


async def test_a_window_that_is_used_talks_to_its_relay_alone_and_writes_its_settings_alone(
    display: str,  # noqa: F811
    film: Path,
    tmp_path: Path,
) -> None:
    """From the first start through consent, sharing, a tap, the list of names and a pause to the end."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (apt package strace)")
    home, trace = tmp_path / "home", tmp_path / "trace"
    settings = home / "settings"
    settings.mkdir(parents=True)
    (settings / "settings.json").write_text(json.dumps({"camera": str(film)}))
    traced = ",".join(f"?{call}" for call in (*TRACED, *CHANGES))
    tracer = [strace, "-f", "-qq", "-s", "256", "-e", f"trace={traced}", "-o", str(trace)]
    with two_machines(tmp_path) as (viewers, relays):
        async with relay_on(relays, tmp_path / "relay") as key:
            await ask(relays, "PATCH", "", key, '{"grid": true}')
            with recorded(viewers, tmp_path / "agent.pcap") as captured:
                prefix = viewers.command(*tracer)
                async with Desk.opened(settings, display, (), prefix, **homed(home)) as desk:
                    await to_the_question(desk)

                    await desk.click("Yes, read this file", "TButton")
                    await desk.reads("Happy, ")
                    (eyes,) = eyes_of(desk)
                    assert eyes.nice() == max(priority.NICE, psutil.Process().nice())
                    await desk.reads("Away: no face")
                    await desk.press("1")
                    await desk.press("alt+h")  # by a key: what the film shows moves the buttons
                    await desk.at("Who is shown")
                    await desk.click("Show me", "TCheckbutton")
                    await desk.reads("not told")
                    await desk.press("Escape")
                    await desk.press("ctrl+p")
                    await desk.reads("The camera is off and nothing is shared.")
                    assert eyes_of(desk) == []

    lines = trace.read_text(errors="replace")
    assert foreign(captured, RELAY) == []
    listing, check, *stays = conversation(captured)
    stay = [
        one for each in stays for one in each
    ]  # on a machine that is busy elsewhere a connection is lost, and made anew
    assert [wrong for one in (*listing, *check, *stay) if (wrong := beyond(one))] == []
    assert kinds(listing) == {"GET channels"}
    assert kinds(check) == {"POST tickets", "GET viewer", "hello", str(CLOSE)}
    wanted = {"POST tickets", "GET viewer", "hello", "label", "away", "tap", "show", "look", str(CLOSE)}
    assert kinds(stay) == wanted
    run = [line for line in programs(lines) if "execve" in line]
    assert [line for line in run if '"eyes"]' not in line] == []
    assert len(run) == 1
    places = [path for line in written(lines) for path in re.findall(r'"([^"]*)"', line)]
    assert [path for path in places if not path.startswith(str(settings))] == []
    assert [path for path in home.rglob("*") if path.is_file()] == [settings / "settings.json"]
    msgspec.convert(json.loads((settings / "settings.json").read_text()), Known, strict=True)


async def test_the_whole_program_in_the_tray_talks_to_its_relay_alone(
    desktop: Desktop,  # noqa: F811
    tmp_path: Path,
) -> None:
    """As after the login: with the icon, the session's bus and later starts, of which one brings an invitation."""
    promised = Welcome(channel="demo", viewer="", tick_ms=100, min_viewers=1, crowd="networks")
    agreed = Consent(relay=URL, channel="demo", text=consent.digest(promised), at_once=True, program=RELEASE)
    before = Remembered(camera=str(weights("portrait")), relay=URL, channel="demo", consents=(agreed,))
    settings = tmp_path / "config" / "moodcast"
    settings.mkdir(parents=True)
    (settings / "settings.json").write_bytes(msgspec.json.encode(before))
    trace = tmp_path / "trace"
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (apt package strace)")
    with two_machines(tmp_path) as (viewers, relays):
        async with relay_on(relays, tmp_path / "relay"), Panel.there() as panel:
            with recorded(viewers, tmp_path / "agent.pcap") as captured:
                tracer = [strace, "-f", "-qq", "-e", "trace=?execve,?execveat", "-o", str(trace)]
                desktop.prefix = viewers.command(*tracer)
                async with desktop.started("--background") as one:
                    await wait_until(lambda: says(panel, "Happy"), PATIENCE_S)
                    desktop.prefix = viewers.command()
                    assert await desktop.end_of("--pause") == 0
                    await wait_until(lambda: says(panel, "Paused"), PATIENCE_S)
                    assert await desktop.end_of(f"--invitation={URL}/join/demo#password=sesame") == 0
                    await wait_until(desktop.is_seen, PATIENCE_S)
                    await panel.click(QUIT)
                    assert await asyncio.wait_for(one.wait(), PATIENCE_S) == 0
    assert foreign(captured, RELAY) == []
    check, *stays = conversation(captured)
    stay = [one for each in stays for one in each]
    assert [wrong for one in (*check, *stay) if (wrong := beyond(one))] == []
    assert kinds(check) == {"POST tickets", "GET viewer", "hello", str(CLOSE)}
    assert kinds(stay) == {"POST tickets", "GET viewer", "hello", "label", "away", str(CLOSE)}
    run = programs(trace.read_text(errors="replace"))
    assert [line for line in run if '"eyes"]' not in line] == []
    assert [path.name for path in settings.rglob("*") if path.is_file()] == ["settings.json"]


async def says(panel: Panel, words: str) -> bool:
    """Whether the icon tells it."""
    return bool(panel.watcher.items) and words in await panel.look("Title")


class Known(Remembered, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings, and nothing beside them."""


def homed(home: Path) -> dict[str, str]:
    """A home of its own, but with the models of this machine."""
    return {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(platformdirs.user_cache_path())}


def eyes_of(desk: Desk) -> list[psutil.Process]:
    """The processes that look through the camera."""
    return [one for one in psutil.Process(desk.process.pid).children(recursive=True) if one.cmdline()[-1:] == ["eyes"]]
