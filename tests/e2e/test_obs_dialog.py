"""The script's dialog in the real OBS: one address, keys outside of the scene collection, sizes, a made-up audience."""

import asyncio
import functools
import json
import stat
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageColor

from relay import app
from tests.e2e.obs_desktop import Desktop, Place, missing_desktop
from tests.e2e.obs_moodcast import PALETTE, lines, settings_for, shows, studio, switch_away_and_back
from tests.e2e.obs_studio import SCENE, ObsStudio, missing
from tests.support import HANG_S, Viewer, free_port

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def pasted(relay: app.Relay, key: str) -> dict[str, Any]:
    return {"address": f"{relay.url}/overlay?channel=demo#key={key}"}


def keys_file(folder: Path) -> Path:
    return folder / "config" / "moodcast" / "keys.json"


def saved(obs: ObsStudio) -> str:
    return json.dumps(obs.collection())


def files_with(folder: Path, *texts: str) -> set[str]:
    """Every file of OBS's settings that has one of the texts in it: collections, their backups, profiles, logs."""
    files = {path: path.read_bytes() for path in (folder / "config").rglob("*") if path.is_file()}
    assert any(path.suffix == ".bak" for path in files), "OBS has saved over a collection"
    return {path.name for path, content in files.items() if any(text.encode() in content for text in texts)}


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
    assert files_with(tmp_path / "obs", keys.display_key, keys.admin_key) == {"keys.json"}
    file = keys_file(tmp_path / "obs")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["channels"] == {
        f"{relay.url} demo": {"display": keys.display_key, "admin": keys.admin_key}
    }


async def test_old_keys_are_gone_from_the_collection_at_once_and_from_its_backup_the_time_after(
    relay: app.Relay, tmp_path: Path
) -> None:
    keys = relay.create_channel("demo")
    old = {"relay": relay.url, "channel": "demo", "key": keys.display_key, "admin": keys.admin_key}
    async with studio(tmp_path / "obs", old) as obs:
        await obs.logged('Connected to channel "demo".')
        await obs.quit()
        assert files_with(tmp_path / "obs", keys.display_key, keys.admin_key) <= {"keys.json", "CI.json.bak"}
        await obs.start()
        await obs.until(lambda: obs.log.count('Connected to channel "demo".') > 1)
    assert files_with(tmp_path / "obs", keys.display_key, keys.admin_key) == {"keys.json"}


async def test_a_damaged_file_of_keys_is_told_in_the_log(relay: app.Relay, tmp_path: Path) -> None:
    file = keys_file(tmp_path / "obs")
    file.parent.mkdir(parents=True)
    file.write_text("not keys")
    key = relay.create_channel("demo").display_key
    async with studio(tmp_path / "obs", {**pasted(relay, key), "key": ""}) as obs:
        await obs.logged("can't be read as a file of keys, and stays as it is")
        await obs.logged('Connected to channel "demo".')
    assert file.read_text() == "not keys"


async def test_an_obs_too_old_for_the_push_saves_no_key_either_and_keeps_the_pages_options(
    relay: app.Relay, tmp_path: Path, double: Path
) -> None:
    """There the page's address has the key, and the streamer wrote an option into it."""
    key = relay.create_channel("demo").display_key
    log = tmp_path / "double.log"
    environ = {"MOODCAST_DOUBLE_LOG": str(log), "MOODCAST_DOUBLE_OLD": "1"}
    address = f"{relay.url}/overlay?channel=demo"

    def page() -> str:
        return lines(log, "url")[-1][0]

    async with studio(tmp_path / "obs", {**pasted(relay, key), "key": ""}, double, environ) as obs:
        await obs.press("add")
        await obs.until(lambda: page() == f"{address}#key={key}")
        await switch_away_and_back(obs)
        assert key not in saved(obs)
        written = f"{address}&position=top#key={key}"
        await obs.until(lambda: page() == f"{address}#key={key}")
        loads = len(lines(log, "url"))
        await obs.request("SetInputSettings", inputName="Moodcast", inputSettings={"url": written})
        await obs.until(lambda: len(lines(log, "url")) > loads)

        async def demoted() -> bool:
            found = (await obs.request("GetInputSettings", inputName="Moodcast"))["inputSettings"]
            return key not in json.dumps(found)

        await obs.until(demoted)
        assert page() == written
        await switch_away_and_back(obs)
        await obs.until(lambda: page() == written)
        await obs.press("add")
        await obs.press("refresh")
        await switch_away_and_back(obs)
        await obs.until(lambda: page() == written)
    assert files_with(tmp_path / "obs", key) == {"keys.json"}


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
    """In an OBS that speaks German: so does the dialog, and what the script reports is English."""
    keys = relay.create_channel("demo")
    async with studio(tmp_path / "obs", {**pasted(relay, keys.admin_key), "key": ""}, language="de-DE") as obs:
        await obs.logged("That is the channel's admin key")
        labels = [(await obs.call("describe", name))[0] for name in ("admin", "test", "highlights_least", "width")]
        assert labels == [
            "Admin-Schl\u00fcssel",
            "Testreaktion senden",
            "Kleinster Anstieg, %",
            "Breite des Overlays (Pixel)",
        ]
        assert "Paste the overlay's address, which has the display key." in await obs.press("refresh")
        await switch_away_and_back(obs)
        assert keys.admin_key not in saved(obs)
        assert keys.admin_key not in obs.log
    file = keys_file(tmp_path / "obs")
    assert not file.exists() or keys.admin_key not in file.read_text()


@pytest.mark.parametrize(
    "canvas",
    [(1080, 1920), *(pytest.param(size, marks=pytest.mark.nightly) for size in ((3840, 2160), (1280, 720)))],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
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
        middle = (columns.min() + columns.max()) / 2
        assert abs(middle - canvas[0] / 2) < 0.1 * canvas[0], "in the middle: its panel is as wide as it needs to be"
        assert rows.max() > 0.9 * canvas[1], "at the bottom"
        assert await locked(obs)


def fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=HANG_S) as page:
        return bytes(page.read())


async def locked(obs: ObsStudio) -> bool:
    (item,) = (await obs.request("GetSceneItemList", sceneName=SCENE))["sceneItems"]
    return bool(item["sceneItemLocked"])


@pytest.mark.parametrize(
    "canvas",
    [(1080, 1920), *(pytest.param(size, marks=pytest.mark.nightly) for size in ((3840, 2160), (1280, 720)))],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
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


@pytest.mark.skipif(bool(missing_desktop()), reason=missing_desktop())
async def test_an_address_replaced_at_once_renews_the_status_and_typing_keeps_the_keyboard(
    relay: app.Relay, tmp_path: Path
) -> None:
    key = relay.create_channel("demo").display_key
    async with studio(tmp_path / "obs", {**pasted(relay, key), "key": ""}, desktop=True) as obs:
        await obs.logged('Connected to channel "demo".')
        with Desktop(obs) as desktop:
            window = await desktop.open_scripts()
            status = Place(window.x + 460, window.y + 160, 260, 120)
            before = desktop.photograph(status).tobytes()
            await desktop.click(window.x + 610, window.y + 372)  # the field of the address, with dots in it
            await desktop.keys("End")
            await desktop.type("abc")
            await obs.logged("Wrong key: it does not open channel")
            await desktop.keys("BackSpace", "BackSpace", "BackSpace")
            await obs.until(lambda: obs.log.count('Connected to channel "demo".') > 1)
            assert desktop.photograph(status).tobytes() == before, "drawn anew, the field would have lost the keyboard"
            await desktop.keys("ctrl+a", "Delete")
            await obs.until(lambda: desktop.photograph(status).tobytes() != before)


async def test_a_relay_a_channel_and_the_dashboard_by_buttons(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = program(tmp_path / "browser", f'echo "$1" > {opened}.part && mv {opened}.part {opened}')
    program(tmp_path / "obs/home/.local/bin/moodcast", f'PYTHONPATH={ROOT} exec {sys.executable} -m moodcast "$@"')
    port = free_port()
    environ = {"BROWSER": f"{browser} %s", "MOODCAST_PORT": str(port)}
    async with studio(tmp_path / "obs", {"key": ""}, environ=environ) as obs:
        assert "Starting a relay on this machine." in await obs.press("start_relay")
        await obs.logged(f"The relay on this machine runs at http://127.0.0.1:{port}")
        await obs.press("create_channel")
        await obs.logged('Connected to channel "live".')
        assert "The dashboard opens" in await obs.press("dashboard")
        await obs.until(opened.exists)
        (pair,) = json.loads(keys_file(tmp_path / "obs").read_text())["channels"].values()
        assert opened.read_text().strip() == f"http://127.0.0.1:{port}/dashboard?channel=live#key={pair['display']}"
        await switch_away_and_back(obs)
        await obs.until(lambda: obs.log.count('Connected to channel "live".') > 1)
    assert files_with(tmp_path / "obs", pair["display"], pair["admin"]) == {"keys.json"}


def program(path: Path, line: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


async def test_every_scene_gets_the_overlay_once(relay: app.Relay, tmp_path: Path, double: Path) -> None:
    async with studio(tmp_path / "obs", settings_for(relay), double) as obs:
        await obs.request("CreateScene", sceneName="Second")
        await obs.press("add")
        assert "Added the overlay to 1 scenes; 1 had it already." in await obs.press("add_all")
        for scene in (SCENE, "Second"):
            items = (await obs.request("GetSceneItemList", sceneName=scene))["sceneItems"]
            assert [item["sourceName"] for item in items] == ["Moodcast"]


@pytest.mark.skipif(bool(missing_desktop()), reason=missing_desktop())
async def test_the_dialog_shows_the_invitation_and_opens_its_page(relay: app.Relay, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="no OpenCV: install moodcast[agent]")
    opened = tmp_path / "opened"
    browser = program(tmp_path / "browser", f'echo "$1" > {opened}.part && mv {opened}.part {opened}')
    keys = relay.create_channel("demo")
    settings = {**pasted(relay, keys.display_key), "admin": keys.admin_key, "key": ""}
    async with studio(tmp_path / "obs", settings, environ={"BROWSER": f"{browser} %s"}, desktop=True) as obs:
        await obs.logged('Connected to channel "demo".')
        await obs.until(functools.partial(opens_invitation, obs))
        await obs.until(opened.exists)
        assert opened.read_text().strip() == f"{relay.url}/join/demo"
        with Desktop(obs) as desktop:
            window = await desktop.open_scripts()
            await desktop.xdotool("mousemove", str(window.x + window.width - 150), str(window.y + 200))

            async def read() -> bool:
                """Turn the wheel until the code is in sight, and read it."""
                await desktop.xdotool("click", "5")
                picture = np.asarray((await desktop.still()).convert("L"))
                return str(cv2.QRCodeDetector().detectAndDecode(picture)[0]) == f"{relay.url}/join/demo"

            await obs.until(read)
        await switch_away_and_back(obs)
        assert "/join/" not in saved(obs)
    assert files_with(tmp_path / "obs", keys.admin_key) == {"keys.json"}


async def opens_invitation(obs: ObsStudio) -> bool:
    """Press the button, until the relay has told the link."""
    return "The page for viewers opens" in await obs.press("open_invitation")
