"""What reading a face in the browser costs a viewer's machine: ``python -m benchmarks.browser_cost``.

Starts a relay and the machine's own Chromium with a camera of 320 x 240 at 30 frames a second, and joins on the page of
an invitation, by its own button: with the visitor's own picture, the audience's mood and the connection. Told of each
of the browser's processes are processor time, as a share of one core, and memory (PSS: a page that n processes share
counts for each as an n-th), while somebody moves and while somebody sits still. ``--video`` is the moving one; without
it the packaged portrait is shaken. ``--tabs N`` opens so many pages, and ``--webgl-free`` takes WebGL away.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from playwright.async_api import Page, async_playwright

from benchmarks import machine
from models.inference.assets import BrowserFiles
from relay import app
from relay.config import RelaySettings
from tests.e2e import fake_camera
from tests.e2e.fake_camera import Picture
from tests.e2e.join_visit import Visit
from tests.support import wait_until

LOADED_S = 60.0
"""In which the first face is read, among many tabs."""
WARM_S = 12.0
"""In which everything is compiled, and a face that does not move is known to be still."""
COUNT = """
window.looks = 0;
window.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => { looks += data.kind === "look"; });
  }
};"""
"""An init script: how many looks the page was told of."""


class _Used(NamedTuple):
    """Of a process: seconds of a processor, and megabytes."""

    busy_s: float
    pss: float


def kind(process: psutil.Process) -> str:
    """What a process of Chromium is for."""
    told = dict(part.split("=", 1) for part in process.cmdline() if part.startswith("--") and "=" in part)
    name: str = told.get("--utility-sub-type") or told.get("--type") or "browser"
    return name.rpartition(".")[2]


def used(process: psutil.Process) -> _Used:
    times = process.cpu_times()
    return _Used(times.user + times.system, process.memory_full_info().pss / 1e6)


def still(fps: int = 30) -> Iterator[Picture]:
    """Somebody who does not move, before a camera that is never without noise."""
    picture = fake_camera.framed(fake_camera.portrait()).astype(np.float32)
    noise = np.random.default_rng(17)
    for _ in range(4 * fps):
        yield np.clip(picture + noise.normal(0, 2.5, picture.shape), 0, 255).astype(np.uint8)


async def measure(name: str, seen: Path, url: str, seconds: float, tabs: int, more: tuple[str, ...]) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with (
        async_playwright() as playwright,
        fake_camera.chromium_with_camera(playwright, seen, "accept", *more) as it,
    ):
        pages: list[Page] = []
        for _ in range(tabs):
            visit = await Visit.open(it, url, first=COUNT)
            await visit.share()
            await wait_until(lambda page=visit.page: page.evaluate("looks"), LOADED_S)
            pages.append(visit.page)
        await asyncio.sleep(WARM_S)
        processes = [one for one in psutil.Process().children(recursive=True) if one.pid not in before]
        processes = [one for one in processes if one.name().startswith("chrom")]
        began, looks = [used(one) for one in processes], sum([await page.evaluate("looks") for page in pages])
        await asyncio.sleep(seconds)
        ended, looks = [used(one) for one in processes], sum([await page.evaluate("looks") for page in pages]) - looks
        print(f"{name}: {looks / seconds / tabs:.2f} looks a second in each of {tabs}, load {os.getloadavg()[0]:.1f}")
        for process, then, now in zip(processes, began, ended, strict=True):
            share = (now.busy_s - then.busy_s) / seconds
            if share >= 0.002 or kind(process) in ("renderer", "gpu-process"):
                print(f"    {kind(process):24} {share:7.2%} of a core {now.pss:6.0f} MB PSS")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--tabs", type=int, default=1)
    parser.add_argument("--webgl-free", action="store_true")
    options = parser.parse_args()
    print(machine.describe())
    more = ("--disable-gpu", "--disable-software-rasterizer") if options.webgl_free else ()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shaken = fake_camera.moving(fake_camera.portrait(), seconds=4, fps=30)
        moving = fake_camera.video_frames(options.video, 30) if options.video else shaken
        films = {
            "moving": fake_camera.film(folder / "moving.y4m", moving, 30),
            "still": fake_camera.film(folder / "still.y4m", still(), 30),
        }
        settings = RelaySettings(port=0, data=str(folder / "relay"), no_fetch=True)
        relay = await app.start(settings, assets=BrowserFiles([]))
        relay.create_channel("demo")
        for name, seen in films.items():
            await measure(name, seen, relay.url, options.seconds, options.tabs, more)
        await relay.stop()


if __name__ == "__main__":
    asyncio.run(main())
