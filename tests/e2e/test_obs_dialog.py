"""The script's dialog in the real OBS: one address, keys outside of the scene collection, sizes, a made-up audience."""

import asyncio
import json
import stat
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageColor

from relay import app
from tests.e2e.obs_moodcast import PALETTE, lines, settings_for, shows, studio, switch_away_and_back
from tests.e2e.obs_studio import SCENE, ObsStudio, missing
from tests.support import HANG_S, Viewer, free_port

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def pasted(relay: app.Relay, key: str) -> dict[str, Any]:
    return {"address": f"{relay.url}/overlay?channel=demo#key={key}"}


def keys_file(folder: Path) -> Path:
    return folder / "config" / "moodcast" / "keys.json"


def saved(obs: ObsStudio) -> str:
    return json.dumps(obs.collection())


async def test_keys_lie_in_the_users_file_and_in_no_scene_collection(relay: app.Relay, tmp_path: Path) -> None:
    """As older scripts saved them, and the admin key beside."""
    keys = relay.create_channel("demo")
    old = {"relay": relay.url, "channel": "demo", "key": keys.display_key, "admin": keys.admin_key}
    async with studio(tmp_path / "obs", old) as obs:
        await obs.logged('Connected to channel "demo".')
        await switch_away_and_back(obs)
        await obs.until(lambda: obs.log.count('Connected to channel "demo".') > 1)
        assert keys.display_key not in saved(obs)
        assert keys.admin_key not in saved(obs)
        assert '"demo"' in saved(obs)
    file = keys_file(tmp_path / "obs")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["channels"] == {
        f"{relay.url} demo": {"display": keys.display_key, "admin": keys.admin_key}
    }


async def test_the_pasted_address_is_all_it_takes(relay: app.Relay, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with studio(tmp_path / "obs", {**pasted(relay, keys.display_key), "key": ""}) as obs:
        await obs.logged('Connected to channel "demo".')
        await switch_away_and_back(obs)
        await obs.until(lambda: obs.log.count('Connected to channel "demo".') > 1)
        assert keys.display_key not in saved(obs)
        await obs.call("update", {"address": f"{relay.url}/#key={keys.display_key}"})
        answer = await obs.press("add")
        assert "Paste the overlay's whole address" in answer
        assert keys.display_key not in answer
        assert keys.display_key not in obs.log


async def test_the_admin_key_is_refused_and_not_kept(relay: app.Relay, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with studio(tmp_path / "obs", {**pasted(relay, keys.admin_key), "key": ""}) as obs:
        await obs.logged("That is the channel's admin key")
        assert "Paste the overlay's address, which has the display key." in await obs.press("refresh")
        await switch_away_and_back(obs)
        assert keys.admin_key not in saved(obs)
        assert keys.admin_key not in obs.log
    file = keys_file(tmp_path / "obs")
    assert not file.exists() or keys.admin_key not in file.read_text()


@pytest.mark.parametrize("canvas", [(1080, 1920), (3840, 2160), (1280, 720)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_picture_covers_the_whole_canvas(relay: app.Relay, tmp_path: Path, canvas: tuple[int, int]) -> None:
    key = relay.create_channel("demo").display_key
    async with studio(tmp_path / "obs", {**pasted(relay, key), "key": ""}, canvas=canvas) as obs:
        await obs.press("add")
        async with await Viewer.connect(relay.url) as viewer:
            await viewer.label("happy")
            await obs.until(shows(obs, "happy"))
            picture = np.asarray((await obs.picture()).convert("RGB")).astype(int)
        bar = np.abs(picture - ImageColor.getrgb(PALETTE["happy"])).max(axis=2) < 8
        rows, columns = np.nonzero(bar)
        assert columns.max() - columns.min() > 0.8 * canvas[0], "from one side to the other"
        assert rows.max() > 0.9 * canvas[1], "at the bottom"
        assert await locked(obs)


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=HANG_S) as page:
        return bytes(page.read())


async def locked(obs: ObsStudio) -> bool:
    (item,) = (await obs.request("GetSceneItemList", sceneName=SCENE))["sceneItems"]
    return bool(item["sceneItemLocked"])


@pytest.mark.parametrize("canvas", [(1080, 1920), (3840, 2160), (1280, 720)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_page_covers_the_canvas_and_a_size_of_the_streamers_stays(
    relay: app.Relay, tmp_path: Path, double: Path, canvas: tuple[int, int]
) -> None:
    key = relay.create_channel("demo").display_key
    settings = {**pasted(relay, key), "key": ""}
    log = tmp_path / "double.log"
    async with studio(tmp_path / "obs", settings, double, {"MOODCAST_DOUBLE_LOG": str(log)}, canvas=canvas) as obs:
        await obs.press("add")
        (item,) = (await obs.request("GetSceneItemList", sceneName=SCENE))["sceneItems"]
        transform = item["sceneItemTransform"]
        assert (transform["width"], transform["height"]) == canvas
        assert await locked(obs)
        await obs.request("SetInputSettings", inputName="Moodcast", inputSettings={"width": 640, "height": 200})
        await obs.until(lambda: lines(log, "size")[-1:] == [["640", "200"]])
        known = len(lines(log, "event"))
        async with await Viewer.connect(relay.url) as viewer:
            await viewer.label("happy")
            await obs.until(lambda: len(lines(log, "event")) > known + 60)  # three seconds
        assert lines(log, "size")[-1] == ["640", "200"]


async def test_a_made_up_audience_plays_without_a_relay_and_the_page_comes_back(tmp_path: Path, double: Path) -> None:
    relay = f"http://127.0.0.1:{free_port()}"
    log = tmp_path / "double.log"
    settings = {"address": f"{relay}/overlay?channel=demo#key=key-1", "key": "", "page_position": "top"}
    async with studio(tmp_path / "obs", settings, double, {"MOODCAST_DOUBLE_LOG": str(log)}) as obs:
        assert "Add the overlay first" in await obs.press("trial")
        await obs.press("add")
        assert "plays on the overlay" in await obs.press("trial")
        await obs.until(lambda: not lines(log, "url")[-1][0].startswith(relay))
        address = lines(log, "url")[-1][0]
        assert address.startswith("http://127.0.0.1:")
        assert address.endswith("/overlay?channel=demo&source=obs&position=top")
        assert b"Moodcast overlay" in await asyncio.to_thread(fetch, address)
        await obs.until(lambda: '"clap"' in str(lines(log, "event")))
        assert '"surprise"' in str(lines(log, "event"))
        await obs.until(lambda: lines(log, "url")[-1][0].startswith(relay))
        assert "position=top" in lines(log, "url")[-1][0]
        with pytest.raises(OSError, match=r"refused|reset"):
            await asyncio.to_thread(fetch, address)


async def test_every_scene_gets_the_overlay_once(relay: app.Relay, tmp_path: Path, double: Path) -> None:
    async with studio(tmp_path / "obs", settings_for(relay), double) as obs:
        await obs.request("CreateScene", sceneName="Second")
        await obs.press("add")
        assert "Added the overlay to 1 scenes; 1 had it already." in await obs.press("add_all")
        for scene in (SCENE, "Second"):
            items = (await obs.request("GetSceneItemList", sceneName=scene))["sceneItems"]
            assert [item["sourceName"] for item in items] == ["Moodcast"]
