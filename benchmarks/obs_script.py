"""What the OBS script costs, measured in the real OBS under Xvfb, with a busy channel.

    python -m benchmarks.obs_script             time on the graphics thread, and OBS with and without the script
    python -m benchmarks.obs_script --cycles    200 reloads and 30 switches of the scene collection: what they leave

Needs OBS, Xvfb, gcc and libobs-dev, for ``--cycles`` also openbox and xdotool. Each of 40 viewers changes expression
or taps twice a second; the relay tells five moods a second. The budget is a millisecond for each call on the graphics
thread.
"""

import argparse
import asyncio
import contextlib
import math
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from benchmarks import machine
from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS
from tests.e2e.obs_desktop import Desktop, missing_desktop
from tests.e2e.obs_moodcast import build_double, settings_for, studio, switch_away_and_back
from tests.e2e.obs_studio import ObsStudio, missing
from tests.support import Viewer, audience, leave

VIEWERS = 40
RELOADS, SWITCHES = 200, 30
TAPS = ("heart", "clap", "wow")


@contextlib.asynccontextmanager
async def busy(relay: app.Relay) -> AsyncIterator[None]:
    """An audience that does not rest."""
    viewers = await audience(relay.url, "demo", ["happy"] * VIEWERS)
    crowd = asyncio.create_task(_live(viewers))
    try:
        yield
    finally:
        crowd.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await crowd
        await leave(viewers)


async def _live(viewers: list[Viewer]) -> None:
    step = 0
    while True:
        for i, viewer in enumerate(viewers):
            if (step + i) % 3 == 0:
                await viewer.tap(TAPS[(step + i) % len(TAPS)])
            else:
                await viewer.label(EXPRESSIONS[(step // 4 + i % 3) % len(EXPRESSIONS)])
            await asyncio.sleep(0.5 / len(viewers))
        step += 1


async def cost(obs: ObsStudio, seconds: float) -> str:
    """Processor time and frames of OBS over a while."""
    process = psutil.Process(obs.pid)
    used, before = process.cpu_times(), await obs.request("GetStats")
    await asyncio.sleep(seconds)
    now, after = process.cpu_times(), await obs.request("GetStats")
    share = (now.user + now.system - used.user - used.system) / seconds
    skipped = after["renderSkippedFrames"] - before["renderSkippedFrames"]
    frames = after["renderTotalFrames"] - before["renderTotalFrames"]
    render = after["averageFrameRenderTime"]
    return f"{share:.1%} of a core, {render:.2f} ms a frame, {skipped} of {frames} frames skipped"


def describe(durations: list[list[float]]) -> str:
    """Milliseconds of the timer's calls: on the clock, and of the processor."""
    said = []
    for name, values in zip(("clock", "processor"), zip(*durations, strict=True), strict=True):
        ordered = sorted(1000 * value for value in values)
        p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]
        said.append(f"{name}: median {ordered[len(ordered) // 2]:.3f}, p99 {p99:.3f}, max {ordered[-1]:.3f} ms")
    return f"{len(durations)} calls; " + "; ".join(said)


async def measure(folder: Path, relay: app.Relay, seconds: float) -> None:
    """Print what the script costs with the picture and with the double of the browser source."""
    settings = settings_for(relay)
    double = build_double(folder)
    async with busy(relay):
        async with ObsStudio(folder / "bare", {}) as obs:
            await asyncio.sleep(3)
            print(f"without the script: {await cost(obs, seconds)}")
        for name, plugin in (("picture", None), ("browser double", double)):
            async with studio(folder / name, settings, plugin) as obs:
                await obs.press("add")
                await obs.logged('Connected to channel "demo".')
                await asyncio.sleep(3)
                await obs.call("ticks", None)
                used = await cost(obs, seconds)
                durations = await obs.call("ticks", None)
                print(f"{name}: {used}\n{name}: {describe(durations)}")


async def cycles(folder: Path, relay: app.Relay, reloads: int, switches: int) -> None:
    """Print what reloads and switches leave behind."""
    settings = settings_for(relay)
    async with busy(relay), studio(folder / "obs", settings, desktop=True) as obs:
        with Desktop(obs) as desktop:
            await obs.press("add")
            await obs.logged('Connected to channel "demo".')
            process = psutil.Process(obs.pid)

            async def look(after: str) -> None:
                await asyncio.sleep(1)
                census = await obs.call("census", None)
                threads = [name for name in census["threads"] if name.startswith("moodcast")]
                memory = process.memory_info().rss / 1e6
                print(
                    f"{after}: {len(threads)} threads of the script, {process.num_threads()} in all, "
                    f"{census['sockets']} sockets, {census['objects']} objects, {memory:.0f} MB"
                )

            await desktop.open_scripts()
            await look("at first")
            for i in range(1, reloads + 1):
                await desktop.reload_script()
                if i % max(1, reloads // 4) == 0:
                    await look(f"{i} reloads")
            for i in range(1, switches // 2 + 1):
                await switch_away_and_back(obs)
                if i % max(1, switches // 6) == 0:
                    await look(f"{2 * i} switches")
    print(f"at the end: {obs.log.rpartition('Number of memory leaks: ')[2].split()[0]} leaks (OBS 29 alone: 1)")


async def run(wanted: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        relay = await app.start(RelaySettings(port=0, data=str(folder / "relay"), min_viewers=1))
        try:
            if wanted.cycles:
                await cycles(folder, relay, wanted.reloads, wanted.switches)
            else:
                await measure(folder, relay, wanted.seconds)
        finally:
            await relay.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", action="store_true", help="reload and switch instead")
    parser.add_argument("--reloads", type=int, default=RELOADS, help="default: %(default)s")
    parser.add_argument("--switches", type=int, default=SWITCHES, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement (default: %(default)s)")
    chosen = parser.parse_args()
    if lacking := missing() or (chosen.cycles and missing_desktop()):
        sys.exit(lacking)
    print(machine.describe())
    asyncio.run(run(chosen))
