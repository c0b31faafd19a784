"""The script on a streamer's desktop: its dialog, and the windows, focus and keys of other programs."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from obs_plugin import SCRIPT
from relay import app
from relay.config import RelaySettings
from tests.e2e.garbage import TLS_ALERT, GarbageServer
from tests.e2e.obs_desktop import Desktop, Typist, missing_desktop
from tests.e2e.obs_moodcast import settings_for, studio, switch_away_and_back
from tests.e2e.obs_studio import ObsStudio, missing
from tests.support import SOON, free_port

pytestmark = pytest.mark.skipif(bool(missing() or missing_desktop()), reason=missing() or missing_desktop())


async def test_the_dialog_takes_the_keys_while_it_is_open_and_another_window_takes_them_back(
    relay: app.Relay, tmp_path: Path
) -> None:
    async with studio(tmp_path / "obs", settings_for(relay), desktop=True) as obs:
        with Desktop(obs) as desktop:
            await desktop.open_scripts()
            assert len(desktop.photograph(desktop.windows()["Scripts"]).getcolors(1 << 24) or []) > 20
            with Typist(obs.display) as typist:
                await desktop.focus(typist)
                await desktop.type("ggwp")
                await obs.until(lambda: typist.typed == "ggwp")
                await desktop.click(*desktop.windows()["Scripts"][:2])
                await obs.until(lambda: typist.lost == 1)


async def test_nothing_that_relay_key_or_network_does_takes_the_focus_or_a_key_from_another_window(
    tmp_path: Path,
) -> None:
    table = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(table, SOON)
    settings = settings_for(relay)
    broken, mute = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    empty = {**settings, "relay": "", "channel": "", "key": ""}
    async with studio(tmp_path / "obs", empty, desktop=True) as obs, contextlib.AsyncExitStack() as opened:
        desktop = opened.enter_context(Desktop(obs))
        typist = await opened.enter_async_context(desktop.other_window())

        async def says(sentence: str, **changes: str) -> None:
            """The script has new settings, and comes to say this of them, while the streamer types."""
            await obs.call("update", {**settings, **changes})

            async def said() -> bool:
                return sentence in obs.log[known:] or sentence in await obs.press("refresh")

            known = len(obs.log)
            await obs.until(said)
            await asyncio.sleep(1.1)  # what is new is logged once a second

        windows = set(desktop.windows())
        assert len(windows) == 2, "OBS raised one before: it raises none that is open"
        async with typing(desktop) as letters:
            await obs.press("add")
            await says("Paste the overlay's address", relay="", channel="", key="")
            await says("The relay's address should be", relay="http://<nowhere>")
            await says("Enter the channel's name", channel="")
            await says("The channel's display key is missing: paste the overlay's whole address", key="")
            await says("Wrong key", key="wrong-key")
            await says('no channel "nobody"', channel="nobody")
            await says("No https at", relay="https" + relay.url[4:])
            await says("There is no computer of the name", relay="http://nowhere.invalid")
            await says("Connected to channel")
            await relay.stop()
            await says("The relay is unreachable at")
            async with GarbageServer(relay_port(relay.url)) as garbage:
                await obs.until(lambda: garbage.asked.get("mood", 0) >= 3)
            relay = await app.start(table, SOON)
            await says("Connected to channel")
            async with GarbageServer(relay_port(broken), TLS_ALERT, {}):
                await says("try https://", relay=broken)
            with socket.create_server(("127.0.0.1", relay_port(mute))):
                await says("Connecting to", relay=mute)
        await relay.stop()
        await obs.until(lambda: len(typist.typed) >= len(letters))
        assert typist.typed == "".join(letters)
        assert typist.lost == 0
        assert desktop.active() == typist.TITLE
        assert set(desktop.windows()) == windows


async def test_a_window_that_obs_raises_would_be_noticed(relay: app.Relay, tmp_path: Path) -> None:
    """Of the test above: a script that logs a warning does what the streamers saw."""
    warner = tmp_path / "warner.py"
    warner.write_text(WARNER)
    scripts: dict[Path, dict[str, Any]] = {Path(SCRIPT): settings_for(relay), warner: {}}
    async with ObsStudio(tmp_path / "obs", scripts, desktop=True) as obs:
        with Desktop(obs) as desktop:
            async with desktop.other_window() as typist:
                async with typing(desktop) as letters:
                    (tmp_path / "warn").touch()
                    await obs.until(lambda: desktop.active() == "Script Log")
                    known = len(letters)
                    await obs.until(lambda: len(letters) > known + 3)
                assert typist.lost > 0
                assert len(typist.typed) < len(letters)
                assert "Script Log" in desktop.windows()


async def test_reloads_and_switches_leave_no_thread_no_socket_and_no_script(relay: app.Relay, tmp_path: Path) -> None:
    """Few of them; ``python -m benchmarks.obs_script --cycles`` makes many."""
    async with studio(tmp_path / "obs", settings_for(relay), desktop=True) as obs:
        with Desktop(obs) as desktop:
            await obs.press("add")
            await obs.logged('Connected to channel "demo".')
            census = await obs.call("census", None)

            async def as_before() -> bool:
                found = await obs.call("census", None)
                same = all(found[name] == census[name] for name in ("threads", "scripts"))
                return same and bool(found["sockets"] <= census["sockets"])

            assert "moodcast-events" in census["threads"]
            await desktop.open_scripts()
            for _ in range(3):
                await desktop.reload_script()
                await obs.until(as_before)
            for _ in range(2):
                await switch_away_and_back(obs)
                await obs.until(as_before)
            assert len(list((obs.folder / "tmp").iterdir())) == 1


WARNER = """
import pathlib
import obspython as obs

def look():
    if pathlib.Path(__file__).with_name("warn").exists():
        obs.remove_current_callback()
        obs.script_log(obs.LOG_WARNING, "something is not as it should be")

def script_load(settings):
    obs.timer_add(look, 50)
"""


@asynccontextmanager
async def typing(desktop: Desktop) -> AsyncIterator[list[str]]:
    """The streamer types letter by letter meanwhile; those that were typed, in order."""
    letters: list[str] = []
    ends = asyncio.Event()

    async def type_on() -> None:
        while not ends.is_set():
            letter = "abcdefghijklmnopqrstuvwxyz"[len(letters) % 26]
            await desktop.type(letter)
            letters.append(letter)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ends.wait(), 0.1)

    typing = asyncio.create_task(type_on())
    try:
        yield letters
    finally:
        ends.set()
        await typing


def relay_port(url: str) -> int:
    return int(url.rpartition(":")[2])
