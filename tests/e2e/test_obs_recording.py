"""What the viewers get, recorded by the real OBS while the relay fails."""

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from relay import app
from relay.config import RelaySettings
from tests.e2e.garbage import GarbageServer
from tests.e2e.obs_moodcast import amount, settings_for, shows, studio
from tests.e2e.obs_studio import ObsStudio, missing
from tests.support import HANG_S, SOON, Viewer, free_port

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def frames(recording: Path, folder: Path) -> list[Image.Image]:
    """Two frames of each second of the recording; skips the test where nothing can read it."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("not installed: ffmpeg (apt install ffmpeg)")
    folder.mkdir()
    command = ("ffmpeg", "-v", "error", "-i", recording, "-vf", "fps=2,scale=640:-1", folder / "%04d.png")
    subprocess.run(command, check=True, timeout=HANG_S)
    return [Image.open(path) for path in sorted(folder.iterdir())]


def bar(frame: Image.Image) -> str:
    """The expression of which the bar is in a recorded frame; empty where there is none."""
    found = [name for name in ("happy", "surprise") if amount(frame, name, tolerance=25) > 1000]
    assert len(found) < 2, "an old mood beside the new one"
    return found[0] if found else ""


async def longer(obs: ObsStudio, milliseconds: int) -> None:
    """Wait until the recording has become so much longer."""

    async def duration() -> int:
        return int((await obs.request("GetRecordStatus"))["outputDuration"])

    async def reached() -> bool:
        return await duration() >= wanted

    wanted = await duration() + milliseconds
    await obs.until(reached)


async def shows_nothing(obs: ObsStudio) -> bool:
    """Whether the program output is empty in ten looks: a single one is blank now and then on a busy machine."""
    for _ in range(10):
        if (await obs.picture()).getextrema()[:3] != ((0, 0), (0, 0), (0, 0)):
            return False
    return True


async def test_a_recording_has_the_overlay_and_has_it_again_after_the_relay_was_restarted(tmp_path: Path) -> None:
    table = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(table, SOON)
    try:
        async with studio(tmp_path / "obs", settings_for(relay)) as obs:
            await obs.press("add")
            async with await Viewer.connect(relay.url) as viewer:
                await viewer.label("happy")
                await obs.until(shows(obs, "happy"))
                await obs.request("StartRecord")
                await longer(obs, 1000)
            await relay.stop()
            await obs.until(lambda: shows_nothing(obs))
            await longer(obs, 1000)
            relay = await app.start(table, SOON)
            async with await Viewer.connect(relay.url) as viewer:
                await viewer.label("surprise")
                await obs.until(shows(obs, "surprise"))
                await longer(obs, 1000)
            recording = await obs.recorded()
        seen = [bar(frame) for frame in frames(recording, tmp_path / "frames")]
        told = [name for i, name in enumerate(seen) if i == 0 or name != seen[i - 1]]
        # The first frame may be of before the first picture was drawn.
        assert told in (["happy", "", "surprise"], ["", "happy", "", "surprise"]), told
    finally:
        await relay.stop()


@pytest.mark.nightly
async def test_a_relay_that_sends_garbage_hurts_neither_obs_nor_what_comes_after(tmp_path: Path) -> None:
    table = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(table, SOON)
    settings = settings_for(relay)
    try:
        async with studio(tmp_path / "obs", settings) as obs:
            await obs.press("add")
            await relay.stop()
            async with GarbageServer(table.port) as garbage:

                async def through() -> bool:
                    """Everything was sent to both connections, and OBS went on answering."""
                    assert "obsVersion" in await obs.request("GetVersion")
                    sentences = await obs.press("refresh")
                    assert "\0" not in sentences
                    assert len(sentences) < 1000
                    return garbage.rounds >= 1

                await obs.until(through, timeout=200)
            relay = await app.start(table, SOON)
            async with await Viewer.connect(relay.url) as viewer:
                await viewer.label("happy")
                await obs.until(shows(obs, "happy"))
    finally:
        await relay.stop()
