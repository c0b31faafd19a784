"""Photograph the overlay on a broadcast: the real OBS, relay, page and Chromium, 40 simulated viewers.

    python -m benchmarks.obs_screenshot docs/images/broadcast.png

Needs OBS, Xvfb, Chromium, gcc and libobs-dev. The scene behind the overlay is drawn here. OBS composes the
picture, of which nothing is pasted together afterwards; as Debian's OBS has no browser, Chromium draws the page for it.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.async_api import Browser, async_playwright

from relay import app
from relay.config import RelaySettings
from relay.protocol import Expression, Tap
from tests.e2e.conftest import chromium_options
from tests.e2e.obs_bridge import Bridge
from tests.e2e.obs_moodcast import build_double, studio
from tests.e2e.obs_studio import CANVAS, SCENE, missing
from tests.support import audience, leave

BEFORE: dict[Expression, int] = {"happy": 13, "surprise": 7, "neutral": 16, "sad": 3, "fear": 1}
LAUGHING = range(20, 32)
"""Of the neutral ones, who laugh together when the win comes."""

TAPS: dict[Tap, range] = {"heart": range(4), "clap": range(6, 8), "wow": range(9, 10)}


def landscape(width: int, height: int) -> Image.Image:
    """A game's evening: sky, sun and four ranges of hills, RGB."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    stops = np.array([(18, 16, 58), (92, 38, 110), (222, 92, 92), (255, 196, 112)], float)
    picture = np.stack([np.interp(y, (0, 0.35, 0.6, 0.8), stops[:, i]) for i in range(3)], axis=-1)
    distance = np.hypot((x - 0.68) * width / height, y - 0.5)
    picture += np.array((255, 190, 120)) * 0.45 * np.exp(-distance * 5)[..., None]
    picture = np.where((distance < 0.085)[..., None], (255, 236, 186), picture)
    for i, colour in enumerate([(126, 62, 110), (84, 44, 96), (50, 30, 76), (24, 18, 50)]):
        phase, rough = 1.7 * i, 0.045 + 0.012 * i
        crest = np.sin(x * (5 + 2 * i) + phase) + 0.5 * np.sin(x * (13 + 5 * i) + 2 * phase)
        crest += 0.2 * np.sin(x * (37 + 11 * i) + 3 * phase)
        picture = np.where((y > 0.56 + 0.085 * i - rough * crest)[..., None], colour, picture)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


async def photograph(path: Path) -> None:
    """Play a short scene and write the program output."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium_options())
        await _photograph(path, browser)
        await browser.close()


async def _photograph(path: Path, browser: Browser) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        relay = await app.start(RelaySettings(port=0, data=str(folder / "relay")))
        key = relay.create_channel("demo").display_key
        viewers = await audience(relay.url, "demo", [name for name, n in BEFORE.items() for _ in range(n)])
        try:
            width, height = CANVAS
            landscape(2 * width, 2 * height).resize(CANVAS, Image.Resampling.LANCZOS).save(folder / "landscape.png")
            settings = {"relay": relay.url, "channel": "demo", "key": key, "width": width, "height": height}
            bridge = Bridge(browser, folder)
            async with studio(folder / "obs", settings, build_double(folder), bridge.environ) as obs, bridge.running():
                behind = {"file": str(folder / "landscape.png")}
                await obs.request(
                    "CreateInput", sceneName=SCENE, inputName="Game", inputKind="image_source", inputSettings=behind
                )
                await obs.press("add")
                await asyncio.sleep(2.5)  # the relay shows nothing before enough have shared for a second
                for i in LAUGHING:
                    await viewers[i].label("happy")
                await asyncio.sleep(0.7)
                for tap, those in TAPS.items():
                    for i in those:
                        await viewers[i].tap(tap)
                    await asyncio.sleep(0.6)
                await asyncio.sleep(0.4)
                picture = await obs.picture()
        finally:
            await leave(viewers)
            await relay.stop()
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").save(path, optimize=True)


if __name__ == "__main__":
    if missing():
        sys.exit(missing())
    asyncio.run(photograph(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/broadcast.png")))
