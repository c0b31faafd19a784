"""What ``moodcast obs`` brings into the real OBS: the installed copy, the doctor, the relay that ends with OBS."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from obs_plugin import doctor, places, search
from relay import app
from tests.e2e.obs_moodcast import settings_for, switch_away_and_back
from tests.e2e.obs_studio import ObsStudio, missing
from tests.support import HANG_S, free_port, wait_until

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

ROOT = Path(__file__).parents[2]
STARTER = """
import pathlib

import moodcast_relay
import obspython as obs

here = pathlib.Path(__file__).parent
relay = None


def script_load(settings):
    global relay
    relay = moodcast_relay.LocalRelay(here)
    relay.start()
    obs.timer_add(tick, 50)


def tick():
    for result in relay.take():
        with (here / "results.txt").open("a", encoding="utf-8") as file:
            file.write((result.relay or result.sentence) + "\\n")


def script_unload():
    obs.timer_remove(tick)
    relay.stop()
"""
"""A script that starts a relay, as the button of the dialog does."""


async def installed(home: Path) -> Path:
    """The script, as ``moodcast obs install`` puts it into this home."""
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", "obs", "install", env=environ, stdout=subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), HANG_S)
    assert process.returncode == 0
    script = Path(output.decode().splitlines()[0])
    assert script == home / ".local/share/moodcast/obs/script/moodcast_obs.py"
    return script


async def test_the_installed_copy_works_and_the_doctor_agrees(relay: app.Relay, tmp_path: Path) -> None:
    script = await installed(tmp_path / "home")
    async with ObsStudio(tmp_path / "obs", {script: settings_for(relay)}) as obs:
        await obs.logged('Connected to channel "demo".')
        assert "Added the overlay" in await obs.press("add")
        assert await obs.quit() == 0
    assert "Traceback" not in obs.log
    environ = {"PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(tmp_path / "obs" / "config")}
    facts = await asyncio.to_thread(search.examine, places.Machine("linux", tmp_path / "home", environ), relay.url)
    found = doctor.findings(facts)
    assert [finding.sentence for finding in found if finding.kind == "wrong"] == []
    assert any(str(script) in finding.sentence for finding in found if finding.kind == "ok")
    assert not any("has no overlay" in finding.sentence for finding in found), "that OBS has saved, with its mark"


async def test_a_relay_outlives_a_switch_of_the_collection_and_ends_with_obs(tmp_path: Path) -> None:
    script = await installed(tmp_path / "home")
    starter = script.with_name("starter.py")
    starter.write_text(STARTER, encoding="utf-8")
    port = free_port()
    environ = {"MOODCAST_PORT": str(port), "MOODCAST_DATA": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)}
    settings = {"relay": f"http://127.0.0.1:{port}", "channel": "demo", "key": "none-yet"}
    results = script.with_name("results.txt")

    def relays(obs: psutil.Process) -> list[psutil.Process]:
        return [child for child in obs.children() if child.cmdline()[-2:] == ["obs", "relay"]]

    async with ObsStudio(tmp_path / "obs", {script: settings, starter: {}}, environ) as obs:
        await obs.until(results.exists)
        assert results.read_text().split() == [settings["relay"]]
        await obs.logged('This relay has no channel "demo"')
        studio = psutil.Process(obs.pid)
        (child,) = relays(studio)
        await switch_away_and_back(obs)
        await obs.until(lambda: results.read_text().split() == [settings["relay"]] * 2)
        assert relays(studio) == [child]
        studio.kill()
        await wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        await obs.kill()
