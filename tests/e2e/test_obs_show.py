"""The session follows the broadcast, and hotkeys: the script in the real OBS, with the real relay."""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from obs_plugin import SCRIPT
from relay import app, protocol
from relay.config import RelaySettings
from relay.core import command
from tests.e2e.obs_moodcast import settings_for, studio
from tests.e2e.obs_studio import CANVAS, SCENE, ObsStudio, missing
from tests.support import SOON, Viewer, free_port

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
KEYS = {"moodcast_overlay": "OBS_KEY_F5", "moodcast_mark": "OBS_KEY_F6", "moodcast_pause": "OBS_KEY_F7"}
BINDINGS = {name: [{"key": key}] for name, key in KEYS.items()}


class Channel:
    """A channel of a relay that can be restarted, and what anybody with the display key can read of it."""

    def __init__(self, folder: Path) -> None:
        self._table = RelaySettings(port=free_port(), data=str(folder), tick_ms=50, min_viewers=1)
        self.settings: dict[str, Any] = {}
        self.relay: app.Relay

    async def start(self) -> None:
        self.relay = await app.start(self._table, SOON)
        if not self.settings:
            keys = self.relay.create_channel("demo")
            self.settings = {
                "relay": self.relay.url, "channel": "demo", "key": keys.display_key, "admin": keys.admin_key,
                "width": CANVAS[0], "height": CANVAS[1], **BINDINGS,
            }  # fmt: skip

    async def session(self, number: str = "current") -> dict[str, Any] | None:
        """A session as it is stored; None where there is none."""
        url = f"{self.relay.url}/v1/channels/demo/sessions/{number}"
        headers = {"Authorization": f"Bearer {self.settings['key']}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as response:
            return dict(await response.json()) if response.status == 200 else None

    async def runs(self) -> bool:
        return await self.session() is not None

    async def ended(self) -> bool:
        return not await self.runs()

    async def state(self) -> str:
        """What the relay says of the session to whoever subscribes."""
        headers = {"Authorization": f"Bearer {self.settings['key']}"}
        url = f"{self.relay.url}/v1/channels/demo/mood"
        async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as response:
            async for line in response.content:
                if line.startswith(b"data:"):
                    message = protocol.from_relay.decode(line.removeprefix(b"data:"))
                    if isinstance(message, protocol.Status):
                        return message.state
        raise AssertionError("the relay ended the connection")

    def marked(self, *texts: str) -> Callable[[], Any]:
        """Condition: the running session has these markers, in this order and no others."""

        async def has() -> bool:
            session = await self.session()
            return session is not None and [marker["text"] for marker in session["markers"]] == list(texts)

        return has


@asynccontextmanager
async def channel(folder: Path) -> AsyncIterator[Channel]:
    made = Channel(folder)
    await made.start()
    try:
        yield made
    finally:
        await made.relay.stop()


async def test_a_session_runs_while_a_recording_does_and_has_its_scenes(tmp_path: Path) -> None:
    """Without a viewer; also over a restart of the relay. A viewer alone begins none."""
    async with channel(tmp_path / "relay") as made, studio(tmp_path / "obs", made.settings) as obs:
        await obs.logged('Connected to channel "demo".')
        async with await Viewer.connect(made.relay.url) as viewer:
            subscribed = await viewer.mood()
            assert not subscribed.paused
            await obs.until(made.ended)
        for name in ("Game", "Camera", "Break"):
            await obs.request("CreateScene", sceneName=name)
        await obs.request("StartRecord")
        await obs.until(made.runs)
        session = await made.session()
        assert session is not None
        number = str(session["session"]["number"])
        await obs.logged("The session follows the broadcast.")
        await obs.request("SetCurrentProgramScene", sceneName="Game")
        await obs.until(made.marked("Scene: Game"))
        for name in (SCENE, "Camera", "Break"):  # within two seconds, or slower on a slow machine
            await obs.request("SetCurrentProgramScene", sceneName=name)

        async def last() -> bool:
            found = await made.session()
            return found is not None and found["markers"][-1]["text"] == "Scene: Break"

        await obs.until(last)
        found = await made.session()
        assert found is not None
        times = [marker["time"] for marker in found["markers"]]
        assert all(later - earlier > 1.5 for earlier, later in itertools.pairwise(times))

        await made.relay.stop()
        await made.start()
        await obs.until(made.runs)
        await obs.recorded()
        await obs.until(made.ended)
        stored = await made.session(number)
        assert stored is not None, "a session without viewers is stored, as it has markers"


async def test_the_session_lasts_as_long_as_the_last_of_recording_and_stream(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg, which takes the stream (apt install ffmpeg)")
    port = free_port()
    server = f"rtmp://127.0.0.1:{port}/live"
    async with channel(tmp_path / "relay") as made, studio(tmp_path / "obs", made.settings) as obs:
        arguments = ("-v", "error", "-listen", "1", "-i", f"{server}/key", "-f", "null", "-")
        sink = await asyncio.create_subprocess_exec("ffmpeg", *arguments, stdin=asyncio.subprocess.DEVNULL)
        try:
            await obs.logged('Connected to channel "demo".')
            service = {"server": server, "key": "key", "use_auth": False}
            await obs.request(
                "SetStreamServiceSettings", streamServiceType="rtmp_custom", streamServiceSettings=service
            )

            def listens() -> bool:
                """Asked of the system: who connects is taken for the stream."""
                rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
                return any(row[1] == f"0100007F:{port:04X}" and row[3] == "0A" for row in rows)

            async def streams() -> bool:
                return bool((await obs.request("GetStreamStatus"))["outputActive"])

            await obs.until(listens)
            await obs.request("StartStream")
            await obs.until(streams)
            await obs.until(made.runs)
            before = await made.session()
            await obs.request("StartRecord")
            await obs.until(lambda: "Recording Start" in obs.log)
            await obs.request("StopStream")
            await obs.until(lambda: "Streaming Stop" in obs.log)
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F6")
            await obs.logged('Marked "Marked at ')
            after = await made.session()
            assert before is not None
            assert after is not None
            assert after["session"]["number"] == before["session"]["number"]
            await obs.recorded()
            await obs.until(made.ended)
        finally:
            if sink.returncode is None:
                sink.kill()
            await sink.wait()


async def test_pause_and_mark_by_hotkey(tmp_path: Path) -> None:
    async with channel(tmp_path / "relay") as made, studio(tmp_path / "obs", made.settings) as obs:
        await obs.logged('Connected to channel "demo".')
        await obs.request("StartRecord")
        await obs.until(made.runs)
        async with await Viewer.connect(made.relay.url) as viewer:
            await viewer.label("happy")
            await viewer.mood(lambda mood: mood.visible)
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F6")
            await obs.logged('Marked "Marked at ')
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F7")
            paused = await viewer.mood(lambda mood: mood.paused)
            assert (paused.visible, paused.viewers) == (False, 1)
            assert "Paused: nothing is counted or stored" in await obs.press("refresh")
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F7")
            await viewer.mood(lambda mood: not mood.paused)
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F7")
            await viewer.mood(lambda mood: mood.paused)
            await obs.recorded()
            await viewer.mood(lambda mood: not mood.paused)  # the pause ends with the broadcast
            await obs.until(made.ended)


async def test_pause_by_a_button_ends_a_pause_without_any_hotkey(tmp_path: Path) -> None:
    """Also one that the hotkey began, and without a broadcast."""
    async with channel(tmp_path / "relay") as made, studio(tmp_path / "obs", made.settings) as obs:
        await obs.logged('Connected to channel "demo".')
        async with await Viewer.connect(made.relay.url) as viewer:
            assert "Collecting pauses." in await obs.press("pause")
            await viewer.mood(lambda mood: mood.paused)
            assert "Collecting goes on." in await obs.press("pause")
            await viewer.mood(lambda mood: not mood.paused)
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F7")
            await viewer.mood(lambda mood: mood.paused)
            await obs.press("pause")
            await viewer.mood(lambda mood: not mood.paused)


async def test_without_the_admin_key_the_button_for_a_pause_says_so(relay: app.Relay, tmp_path: Path) -> None:
    async with studio(tmp_path / "obs", settings_for(relay)) as obs:
        await obs.logged('Connected to channel "demo".')
        assert "Pausing takes the channel's admin key." in await obs.press("pause")


async def test_a_collection_switch_during_a_broadcast_keeps_the_session(tmp_path: Path) -> None:
    """OBS unloads the script and loads it again: a pause stays one, and the session is the same."""
    async with channel(tmp_path / "relay") as made, studio(tmp_path / "obs", made.settings) as obs:
        await obs.logged('Connected to channel "demo".')
        await obs.request("StartRecord")
        await obs.until(made.runs)
        before = await made.session()
        async with await Viewer.connect(made.relay.url) as viewer:
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F7")
            await viewer.mood(lambda mood: mood.paused)
            loaded = obs.log.count("Loaded python script: moodcast_obs.py")
            await obs.request("CreateSceneCollection", sceneCollectionName="Other")
            await obs.request("SetCurrentSceneCollection", sceneCollectionName="CI")
            await obs.until(lambda: obs.log.count("Loaded python script: moodcast_obs.py") > loaded)
            again = obs.log.rindex("Loaded python script: moodcast_obs.py")
            await obs.until(lambda: "Paused: nothing is counted" in obs.log[again:])
            assert (await viewer.mood()).paused
            await obs.request("TriggerHotkeyByKeySequence", keyId="OBS_KEY_F7")
            await viewer.mood(lambda mood: not mood.paused)
        after = await made.session()
        assert before is not None
        assert after is not None
        assert after["session"]["number"] == before["session"]["number"]
        await obs.recorded()
        await obs.until(made.ended)


async def test_an_obs_that_dies_leaves_the_session_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with channel(tmp_path / "relay") as made:
        obs = ObsStudio(tmp_path / "obs", {Path(SCRIPT): made.settings})
        async with obs:
            await obs.logged('Connected to channel "demo".')
            await obs.request("StartRecord")
            await obs.until(made.runs)
            await obs.kill()

        async def it_is(state: str) -> bool:  # who subscribes is first told what held at the last tick
            return await made.state() == state

        await obs.until(lambda: it_is("open"))
        monkeypatch.setattr(command, "LEASE_S", 0.5)  # five minutes go by
        await obs.until(lambda: it_is("auto"))


async def test_hotkeys_with_bindings_of_the_scene_collection(relay: app.Relay, tmp_path: Path) -> None:
    """They hide and show the overlay, and come back with OBS; without the admin key the others say what they lack."""
    obs = ObsStudio(tmp_path / "obs", {Path(SCRIPT): {**settings_for(relay), **BINDINGS}})

    async def press(key: str) -> None:
        await obs.request("TriggerHotkeyByKeySequence", keyId=key)

    async def visible() -> list[bool]:
        items = (await obs.request("GetSceneItemList", sceneName=SCENE))["sceneItems"]
        return [item["sceneItemEnabled"] for item in items]

    async def is_hidden() -> bool:
        return await visible() == [False]

    async def is_shown() -> bool:
        return await visible() == [True]

    async with obs:
        await obs.logged('Connected to channel "demo".')
        await obs.press("add")
        await press("OBS_KEY_F5")
        await obs.until(is_hidden)
        await press("OBS_KEY_F7")
        await obs.logged("Pausing takes the channel's admin key.")
        assert await obs.quit() == 0
        (saved,) = [one for one in obs.collection()["modules"]["scripts-tool"] if one["path"] == SCRIPT]
        assert {name: saved["settings"][name][0]["key"] for name in KEYS} == KEYS, json.dumps(saved)
        await obs.start()
        await obs.until(is_hidden)
        await press("OBS_KEY_F5")
        await obs.until(is_shown)
        assert await obs.quit() == 0
    assert "Traceback" not in obs.log


async def test_an_overlay_is_hidden_everywhere_and_shown_again_where_it_was_shown(
    relay: app.Relay, tmp_path: Path
) -> None:
    """In three scenes, in one of them in a group, in one hidden by hand."""
    async with studio(tmp_path / "obs", settings_for(relay)) as obs:
        await obs.logged('Connected to channel "demo".')
        await obs.press("add")
        for name in ("Grouped", "Hidden"):
            await obs.request("CreateScene", sceneName=name)
            item = await obs.request("CreateSceneItem", sceneName=name, sourceName="Moodcast")
        await obs.request(
            "SetSceneItemEnabled", sceneName="Hidden", sceneItemId=item["sceneItemId"], sceneItemEnabled=False
        )
        group = await obs.call("group", "Grouped")

        def are(*wanted: bool) -> Callable[[], Any]:
            async def found() -> bool:
                items = [
                    *(await obs.request("GetSceneItemList", sceneName=SCENE))["sceneItems"],
                    *(await obs.request("GetGroupSceneItemList", sceneName=group))["sceneItems"],
                    *(await obs.request("GetSceneItemList", sceneName="Hidden"))["sceneItems"],
                ]
                return [item["sceneItemEnabled"] for item in items] == list(wanted)

            return found

        await obs.until(are(True, True, False))
        for shown in (False, True, False, True):
            await obs.request("TriggerHotkeyByName", hotkeyName="moodcast_overlay")
            await obs.until(are(shown, shown, False))
