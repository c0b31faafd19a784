"""The script's files where they should not be: two copies in one OBS, a file that is missing, files of two versions."""

import shutil
from pathlib import Path

import pytest

import obs_plugin
from obs_plugin import SCRIPT
from relay import app
from tests.e2e.obs_moodcast import settings_for
from tests.e2e.obs_studio import ObsStudio, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def copied(folder: Path) -> Path:
    """All of the script's files in another folder; the one that OBS loads."""
    folder.mkdir()
    for script in Path(obs_plugin.__file__).parent.glob("moodcast_*.py"):
        shutil.copy(script, folder)
    return folder / Path(SCRIPT).name


async def test_two_copies_are_noticed_and_the_first_one_works(relay: app.Relay, tmp_path: Path) -> None:
    first, second = copied(tmp_path / "first"), copied(tmp_path / "second")
    settings = settings_for(relay)
    obs = ObsStudio(tmp_path / "obs", {first: settings, second: {**settings, "channel": "another"}})
    sentence = f"OBS has loaded Moodcast more than once (from {first.parent}/ and {second.parent}/)"
    async with obs:
        await obs.logged('Connected to channel "demo".')
        await obs.logged(sentence)
        assert sentence in await obs.press("refresh")
        assert "Added the overlay" in await obs.press("add")
        assert await obs.quit() == 0
        assert 'channel "another"' not in obs.log
        assert obs.log.count(sentence) == 1
        found = {one["path"]: one["settings"] for one in obs.collection()["modules"]["scripts-tool"]}
        assert (found[str(first)]["channel"], found[str(second)]["channel"]) == ("demo", "another")
    assert "Traceback" not in obs.log
    assert list((obs.folder / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    "broken", [*(pytest.param(one, marks=pytest.mark.nightly) for one in ("missing", "older")), "partly"]
)
async def test_files_that_do_not_fit_are_told_in_a_sentence(relay: app.Relay, tmp_path: Path, broken: str) -> None:
    script = copied(tmp_path / "script")
    file = script.parent / "moodcast_core.py"
    if broken == "partly":  # it fails when the script is half loaded
        file = script.parent / "moodcast_sources.py"
        file.write_text(file.read_text(encoding="utf-8").replace("def scene_names(", "def names("), encoding="utf-8")
        sentence = f"The files in {script.parent} are not of one version of Moodcast"
    elif broken == "missing":
        file.unlink()
        sentence = f"moodcast_core.py is missing in {script.parent}: put all of Moodcast's files there"
    else:
        file.write_text("LONGEST_LINE = 300\n", encoding="utf-8")
        sentence = f"The files in {script.parent} are not of one version of Moodcast"
    obs = ObsStudio(tmp_path / "obs", {script: settings_for(relay)})
    async with obs:
        await obs.logged(sentence)
        assert sentence in await obs.call("sentences", None)
        assert await obs.quit() == 0
    assert "error: [Python" not in obs.log
    assert "warning: [Python" not in obs.log, "OBS would raise its Script Log"
