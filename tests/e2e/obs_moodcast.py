"""What tests of the script in the real OBS share: OBS with the script in it, and what the program output shows."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from obs_plugin import SCRIPT
from relay import app
from relay.protocol import Expression
from tests.e2e.obs_studio import CANVAS, ObsStudio

HERE = Path(__file__).parent
PALETTE: dict[str, str] = json.loads((HERE.parent.parent / "overlay" / "palette.json").read_text(encoding="utf-8"))


def build_double(folder: Path) -> Path:
    """The stand-in for the browser source, built into the folder; skips the test where that can't be done."""
    if any(shutil.which(tool) is None for tool in ("gcc", "pkg-config")):
        pytest.skip("no gcc or pkg-config (apt install gcc pkg-config)")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libobs"], capture_output=True, text=True, check=False)
    if flags.returncode:
        pytest.skip("no libobs headers (apt install libobs-dev)")
    plugin = folder / "obs-browser.so"
    source = HERE / "browser_source_double.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", plugin, source, *flags.stdout.split()], check=True)
    return plugin


@asynccontextmanager
async def studio(
    folder: Path,
    settings: dict[str, Any],
    plugin: Path | None = None,
    environ: dict[str, str] | None = None,
    desktop: bool = False,
    profile: str = "",
    canvas: tuple[int, int] = CANVAS,
    language: str = "en-US",
) -> AsyncIterator[ObsStudio]:
    """OBS with the script; when the test is through, OBS must quit cleanly and leave nothing.

    ``profile``: further or other lines of its settings, for the section of simple output.
    """
    obs = ObsStudio(folder, {Path(SCRIPT): settings}, environ, desktop, canvas, language)
    if plugin:
        shutil.copy(plugin, obs.plugin_path("obs-browser"))
    names = {line.partition("=")[0] for line in profile.splitlines()}
    lines = obs.profile_path().read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.partition("=")[0] not in names]
    obs.profile_path().write_text("\n".join([*kept, profile]), encoding="utf-8")
    async with obs:
        yield obs
        assert await obs.quit() == 0
    assert "Traceback" not in obs.log
    assert "Unloaded python script: moodcast_obs.py" in obs.log
    assert int(obs.log.rpartition("Number of memory leaks: ")[2].split()[0]) <= 1  # OBS 29's own
    assert list((folder / "tmp").iterdir()) == []
    assert not settings["key"] or settings["key"] not in obs.log


def settings_for(relay: app.Relay, channel: str = "demo") -> dict[str, Any]:
    key = relay.create_channel(channel).display_key
    return {"relay": relay.url, "channel": channel, "key": key, "width": CANVAS[0], "height": CANVAS[1]}


def amount(picture: Image.Image, expression: str, tolerance: int = 6) -> int:
    """How many pixels have nearly the expression's colour; a recording has it less exactly."""
    wanted = ImageColor.getrgb(PALETTE[expression])
    colours = picture.convert("RGB").getcolors(maxcolors=1 << 24) or []
    return sum(n for n, colour in colours if isinstance(colour, tuple) and near(colour, wanted, tolerance))


def happy_face(picture: Image.Image) -> int | None:
    """The row of the top of a happy face; None where there is none."""
    face = np.abs(np.asarray(picture.convert("RGB")).astype(int) - ImageColor.getrgb(PALETTE["happy"])).max(axis=2) < 45
    return int(np.nonzero(face)[0].min()) if face.sum() > 500 else None


def near(one: tuple[int, ...], other: tuple[int, ...], tolerance: int) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def shows(obs: ObsStudio, expression: Expression, others: tuple[Expression, ...] = ()) -> Callable[[], Any]:
    """Condition: the program output has a bar of this expression and of none of the others."""

    async def shown() -> bool:
        picture = await obs.picture()
        return amount(picture, expression) > 5000 and all(amount(picture, other) < 500 for other in others)

    return shown


def lines(log: Path, kind: str) -> list[list[str]]:
    """What the double has logged of one kind."""
    rows = [line.split("\t") for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    return [row[1:] for row in rows if row[0] == kind]


async def switch_away_and_back(obs: ObsStudio) -> None:
    """Two switches of the scene collection: the script is unloaded, and loaded again."""
    loaded = obs.log.count("Loaded python script: moodcast_obs.py")
    known = (await obs.request("GetSceneCollectionList"))["sceneCollections"]
    if "Other" in known:
        await obs.request("SetCurrentSceneCollection", sceneCollectionName="Other")
    else:
        await obs.request("CreateSceneCollection", sceneCollectionName="Other")
    await obs.request("SetCurrentSceneCollection", sceneCollectionName="CI")
    await obs.until(lambda: obs.log.count("Loaded python script: moodcast_obs.py") > loaded)
