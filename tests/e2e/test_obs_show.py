"""The session follows the broadcast, and hotkeys: the script in the real OBS, with the real relay."""

import json
from pathlib import Path

import pytest

from obs_plugin import SCRIPT
from relay import app
from tests.e2e.obs_moodcast import settings_for
from tests.e2e.obs_studio import SCENE, ObsStudio, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
KEYS = {"moodcast_overlay": "OBS_KEY_F5", "moodcast_mark": "OBS_KEY_F6", "moodcast_pause": "OBS_KEY_F7"}


async def test_hotkeys_with_bindings_of_the_scene_collection(relay: app.Relay, tmp_path: Path) -> None:
    """They hide and show the overlay, and come back with OBS; without the admin key the others say what they lack."""
    bindings = {name: [{"key": key}] for name, key in KEYS.items()}
    obs = ObsStudio(tmp_path / "obs", {Path(SCRIPT): {**settings_for(relay), **bindings}})

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
