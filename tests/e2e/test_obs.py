"""The script in the real OBS: what viewers share reaches the program output."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser

from relay import app, protocol
from relay.config import RelaySettings
from tests.e2e.obs_bridge import Bridge
from tests.e2e.obs_moodcast import happy_face, lines, settings_for, shows, studio
from tests.e2e.obs_studio import CANVAS, SCENE, ObsStudio, missing
from tests.support import SOON, Viewer, free_port

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


# --- without browser sources: Debian's OBS as it is ------------------------------------------------------------------


async def test_a_label_changes_the_program_output_of_an_obs_without_browser_sources(
    relay: app.Relay, tmp_path: Path
) -> None:
    settings = settings_for(relay)
    async with studio(tmp_path / "obs", settings) as obs:
        assert "has no browser sources" in await obs.press("refresh")
        assert f'Added the overlay to scene "{SCENE}"' in await obs.press("add")
        async with await Viewer.connect(relay.url) as viewer:
            await viewer.label("happy")
            await obs.until(shows(obs, "happy", others=("sad",)))
            await viewer.label("sad")
            await obs.until(shows(obs, "sad", others=("happy",)))
            assert "1 of 1 viewers share their expression." in await obs.press("refresh")
        folder = next((obs.folder / "tmp").glob("moodcast-*"))
        assert folder.stat().st_mode & 0o777 == 0o700
        assert f'is in scene "{SCENE}" already' in await obs.press("add")
    source = next(source for source in obs.collection()["sources"] if source["name"] == "Moodcast")
    assert source["id"] == "image_source"
    assert "file" not in source["settings"], "OBS would ask for a missing file at its next start"


async def test_a_test_reaction_floats_on_the_broadcast_without_viewers(tmp_path: Path) -> None:
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path / "relay"), tick_ms=50), SOON)
    try:
        async with studio(tmp_path / "obs", settings_for(relay)) as obs:
            await obs.logged('Connected to channel "demo".')
            assert 'press "Add overlay to current scene"' in await obs.press("test")
            await obs.press("add")
            assert happy_face(await obs.picture()) is None
            waiting = "Viewers connected: 0. Shown once people of five networks share."
            assert waiting in await obs.press("refresh")

            async def floats() -> bool:
                """Whether it is seen at its start and far above: a busy machine sees each a few times only."""
                assert "Sent a test reaction to the overlay." in await obs.press("test")
                heights: list[int] = []

                async def gone() -> bool:
                    height = happy_face(await obs.picture())
                    heights.extend([] if height is None else [height])
                    return bool(heights) and height is None

                await obs.until(gone)
                return heights[-1] < heights[0] - CANVAS[1] / 10

            await obs.until(floats, timeout=200)
            await relay.stop()
            await obs.logged("The relay is unreachable at")
            assert "No test reaction" in await obs.press("test")
    finally:
        await relay.stop()


async def test_the_countdown_reaches_the_program_output_and_measures(relay: app.Relay, tmp_path: Path) -> None:
    settings = settings_for(relay)
    async with studio(tmp_path / "obs", settings) as obs, await Viewer.connect(relay.url) as viewer:
        await obs.logged('Connected to channel "demo".')
        assert 'press "Add overlay to current scene"' in await obs.press("measure")
        await obs.press("add")
        await viewer.label("sad")
        await obs.until(shows(obs, "sad"))
        await obs.press("measure")
        await viewer.receive_until(lambda message: isinstance(message, protocol.Countdown))

        async def shows_zero() -> bool:
            picture = await obs.picture()
            yellow = np.abs(np.asarray(picture.convert("RGB")).astype(int) - (255, 201, 60)).max(axis=2) < 10
            return int(yellow.sum()) > 20_000

        await obs.until(shows_zero)
        await viewer.send(protocol.Zero())
        answer = await viewer.receive_until(lambda message: isinstance(message, (protocol.Delay, protocol.Error)))
        assert isinstance(answer, protocol.Delay)
        assert "The countdown was started." in await obs.press("refresh")
        await obs.press("measure")
        await obs.logged("No countdown. The relay says: Viewers with a long delay may still answer")


async def test_an_old_mood_is_taken_off_the_broadcast_and_a_returning_relay_puts_it_back(tmp_path: Path) -> None:
    table = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(table, SOON)
    settings = settings_for(relay)
    try:
        async with studio(tmp_path / "obs", settings) as obs:
            await obs.press("add")
            async with await Viewer.connect(relay.url) as viewer:
                await viewer.label("happy")
                await obs.until(shows(obs, "happy"))
            await relay.stop()
            await obs.logged("The relay is unreachable at")

            async def empty() -> bool:
                return (await obs.picture()).getextrema()[:3] == ((0, 0), (0, 0), (0, 0))

            await obs.until(empty)
            assert "check the address and that the relay runs" in await obs.press("refresh")
            relay = await app.start(table, SOON)
            async with await Viewer.connect(relay.url) as viewer:
                await viewer.label("surprise")
                await obs.until(shows(obs, "surprise"), timeout=60)
    finally:
        await relay.stop()


async def test_switching_scene_collections_stops_and_starts_the_script(relay: app.Relay, tmp_path: Path) -> None:
    async with studio(tmp_path / "obs", settings_for(relay)) as obs:
        await obs.press("add")
        async with await Viewer.connect(relay.url) as viewer:
            await viewer.label("happy")
            await obs.until(shows(obs, "happy"))
            await obs.request("CreateSceneCollection", sceneCollectionName="Other")
            await obs.until(lambda: not list((obs.folder / "tmp").iterdir()))
            await obs.request("SetCurrentSceneCollection", sceneCollectionName="CI")
            await obs.until(shows(obs, "happy"))


# --- with browser sources: the double -------------------------------------------------------------------------------


async def test_events_are_pushed_in_order_and_well_formed(relay: app.Relay, tmp_path: Path, double: Path) -> None:
    log = tmp_path / "double.log"
    settings = settings_for(relay)
    async with studio(tmp_path / "obs", settings, double, {"MOODCAST_DOUBLE_LOG": str(log)}) as obs:
        await obs.press("add")
        async with await Viewer.connect(relay.url) as viewer:
            await viewer.label("happy")
            await obs.until(lambda: any('"sharing": 1' in text for _, text in lines(log, "event")))
            assert "Sent a test reaction" in await obs.press("test")
            await obs.until(lambda: any('"reaction"' in text for _, text in lines(log, "event")))
            await obs.press("measure")
            await obs.until(lambda: any('"countdown"' in text for _, text in lines(log, "event")))
            before = len(lines(log, "event"))
            await obs.until(lambda: len(lines(log, "event")) > before + 5)
        page = f"{relay.url}/overlay?channel=demo&source=obs"
        assert lines(log, "url") == [[page, "1280", "720"]], "the page was loaded once, without the key"

        await obs.call("update", {**settings, "height": 300})
        await obs.until(lambda: lines(log, "size") == [["1280", "300"]])
        await obs.request("SetInputSettings", inputName="Moodcast", inputSettings={"url": page + "&position=top"})
        await obs.request("SetInputName", inputName="Moodcast", newInputName="Mood bar")
        known = len(lines(log, "event"))
        await obs.until(lambda: len(lines(log, "event")) > known + 30)
        assert [row[0] for row in lines(log, "url")] == [page, page + "&position=top"], "the streamer's options stay"

    events = lines(log, "event")
    assert {name for name, _ in events} == {"moodcast"}
    messages = [protocol.from_relay.decode(text) for _, text in events]
    seqs = [message.seq for message in messages if isinstance(message, protocol.Mood)]
    assert len(seqs) > 10
    assert all(later > earlier for earlier, later in itertools.pairwise(seqs))
    reactions = [message for message in messages if isinstance(message, protocol.Reaction)]
    assert [(reaction.kind, reaction.name) for reaction in reactions] == [("expression", "happy")]


async def test_a_page_is_loaded_once_for_all_that_is_typed_and_other_sources_are_left_alone(
    relay: app.Relay, tmp_path: Path, double: Path
) -> None:
    log = tmp_path / "double.log"
    settings = settings_for(relay)
    mine = f"{relay.url}/mine"
    async with studio(tmp_path / "obs", settings, double, {"MOODCAST_DOUBLE_LOG": str(log)}) as obs:
        await obs.request(
            "CreateInput",
            sceneName=SCENE,
            inputName="Moodcast",
            inputKind="browser_source",
            inputSettings={"url": mine},
        )
        assert f'Added the overlay to scene "{SCENE}"' in await obs.press("add")
        await obs.until(lambda: lines(log, "event"))
        for end in range(1, len("another-name") + 1):
            await obs.call("update", {**settings, "channel": "another-name"[:end]})
        await obs.until(lambda: len(lines(log, "url")) > 2)
        page = f"{relay.url}/overlay?channel={{}}&source=obs"
        assert [row[0] for row in lines(log, "url")] == [mine, page.format("demo"), page.format("another-name")]


async def test_an_overlay_that_was_removed_comes_back_when_asked_for(relay: app.Relay, tmp_path: Path) -> None:
    async with studio(tmp_path / "obs", settings_for(relay)) as obs:

        async def items() -> list[str]:
            return [one["sourceName"] for one in (await obs.request("GetSceneItemList", sceneName=SCENE))["sceneItems"]]

        async def empty() -> bool:
            return not await items()

        for _ in range(3):
            assert f'Added the overlay to scene "{SCENE}"' in await obs.press("add")
            (name,) = await items()
            await obs.request("RemoveInput", inputName=name)
            await obs.until(empty)  # OBS takes it out of the scene some time after its answer


async def test_a_page_that_was_loaded_without_the_relay_is_loaded_again_once(tmp_path: Path, double: Path) -> None:
    log = tmp_path / "double.log"
    table = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(table, SOON)
    settings = settings_for(relay)
    page = f"{relay.url}/overlay?channel=demo&source=obs"

    async def unreachable(obs: ObsStudio) -> bool:
        return "The relay is unreachable at" in await obs.press("refresh")

    async def outage(obs: ObsStudio) -> None:
        """The relay is away until the script has noticed, and is back when the page gets events."""
        nonlocal relay
        await relay.stop()
        await obs.until(lambda: unreachable(obs))
        known = len(lines(log, "event"))
        relay = await app.start(table, SOON)
        await obs.until(lambda: len(lines(log, "event")) > known + 5, timeout=60)

    try:
        async with studio(tmp_path / "obs", settings, double, {"MOODCAST_DOUBLE_LOG": str(log)}) as obs:
            await obs.logged('Connected to channel "demo".')
            await obs.press("add")
            await obs.until(lambda: lines(log, "event"))
            await outage(obs)
            assert lines(log, "refresh") == [], "the page was there: loading it again would only make it flicker"

            await obs.quit()
            await relay.stop()
            await obs.start()
            await outage(obs)
            await outage(obs)
            assert lines(log, "refresh") == [[page]]

            await obs.request("RemoveInput", inputName="Moodcast")
            await relay.stop()
            await obs.until(lambda: unreachable(obs))
            await obs.press("add")
            await outage(obs)
            assert lines(log, "refresh") == [[page]] * 2, "the new page had found no relay"
    finally:
        await relay.stop()


async def test_an_obs_too_old_for_the_push_lets_the_page_fetch_and_says_so(
    relay: app.Relay, tmp_path: Path, double: Path
) -> None:
    log = tmp_path / "double.log"
    environ = {"MOODCAST_DOUBLE_LOG": str(log), "MOODCAST_DOUBLE_OLD": "1"}
    settings = settings_for(relay)
    async with studio(tmp_path / "obs", settings, double, environ) as obs:
        await obs.press("add")
        await obs.until(
            lambda: (
                lines(log, "url")[-1:] == [[f"{relay.url}/overlay?channel=demo#key={settings['key']}", "1280", "720"]]
            )
        )
        await obs.logged("can't hand events to a browser source, that takes OBS 29.1 or newer")
        assert "OBS 29.1 or newer" in await obs.press("refresh")
        assert "No test reaction" in await obs.press("test")


async def test_wrong_settings_are_said_in_the_log_and_the_status_line(
    relay: app.Relay, tmp_path: Path, double: Path
) -> None:
    settings = settings_for(relay)
    async with studio(tmp_path / "obs", {**settings, "key": "wrong-key"}, double) as obs:
        await obs.logged("Wrong key: it does not open channel")
        assert "Copy the display key once more." in await obs.press("refresh")
        await obs.call("update", {**settings, "channel": ""})
        assert "Enter the channel's name." in await obs.press("add")
        await obs.call("update", settings)
        await obs.logged('Connected to channel "demo".')
        assert 'press "Add overlay to current scene"' in await obs.press("test")
        assert await obs.call("describe", "address") == ["Overlay address", "password"]
        assert (await obs.call("describe", "admin"))[1] == "password"
        assert (await obs.call("describe", "test"))[0] == "Send test reaction"


async def test_a_channel_that_was_missing_is_found_when_the_streamer_asks_again(tmp_path: Path, double: Path) -> None:
    right = RelaySettings(port=free_port(), data=str(tmp_path / "right"), tick_ms=50, min_viewers=1)
    wrong = RelaySettings(port=right.port, data=str(tmp_path / "wrong"))
    relay = await app.start(right, SOON)
    settings = settings_for(relay)
    await relay.stop()
    relay = await app.start(wrong, SOON)
    try:
        async with studio(tmp_path / "obs", settings, double) as obs:
            await obs.logged('This relay has no channel "demo".')
            await relay.stop()
            relay = await app.start(right, SOON)
            assert 'This relay has no channel "demo".' in await obs.press("refresh")
            await obs.logged('Connected to channel "demo".')
    finally:
        await relay.stop()


async def test_the_real_page_shows_what_viewers_share_on_the_program_output(
    relay: app.Relay, tmp_path: Path, double: Path, browser: Browser
) -> None:
    bridge = Bridge(browser, tmp_path)
    async with studio(tmp_path / "obs", settings_for(relay), double, bridge.environ) as obs, bridge.running():
        await obs.press("add")
        async with await Viewer.connect(relay.url) as viewer:
            await viewer.label("happy")
            await obs.until(shows(obs, "happy", others=("sad",)))
            await viewer.label("sad")
            await obs.until(shows(obs, "sad", others=("happy",)))
