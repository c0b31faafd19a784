"""What the overlay costs the streamer's machine, in each engine of OBS's browser sources, beside a wall of emotes.

    sh ./engines.sh                                  # fetches Chromium 103 and 127, once
    python -m benchmarks.overlay [--seconds 20] [--engines system 103 127] [--theme dark] [--layout bar]

At 1920x1080, headless, drawn in software:

- Main thread, ms a frame, p50 and p95: the processor time of the renderer's main thread from one of its frames to the
  next, while 40 pictures float and the mood changes four times a second. The wall of emotes, `emote_wall.html`, is made
  as such pages usually are: an <img> for each emote, moved by a script at each frame.
- CPU, %: of one core, of all processes of the browser; moving as above, and settled: the mood comes as ever and stays
  as it is, nothing floats.
- Heap: of the page's scripts after garbage collection, before and after an hour's messages in a minute, with animations
  sixty times as fast; and its DOM nodes.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks.machine import describe
from relay import app
from relay.config import RelaySettings
from tests.e2e.conftest import ENGINES, chromium_options

HERE = Path(__file__).parent
CATEGORIES = [
    "disabled-by-default-devtools.timeline",
    "devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
]
HOUR_S, TICKS_A_S, FASTER = 3600, 4, 60
FEED = """
({ ticks, taps, changes, faster }) => {
  const kinds = ["heart", "laugh", "clap", "wow", "cry"], faces = ["happy", "surprise", "sad", "fear"];
  let seq = 0;
  const push = (detail) => {
    if (!window.emote) window.dispatchEvent(new CustomEvent("moodcast", { detail }));
    else if (detail.type === "reaction") for (let i = 0; i < detail.pictures; i++) window.emote(detail.name);
  };
  window.feeding = setInterval(() => {
    const lively = changes ? (1 + Math.sin(seq / 9)) / 2 : 0.5;
    const counts = [2, 1, 3, Math.round(60 * lively), 4, Math.round(30 * (1 - lively)), 40];
    const sharing = counts.reduce((a, b) => a + b, 0);
    const time = 1e9 + seq / 4;
    push({ type: "mood", seq: seq++, time, visible: true, viewers: sharing + 40, sharing, min_viewers: 5, counts,
      shares: counts.map((count) => count / sharing), valence: lively - 0.5, resonance: lively, trend: lively / 10 });
    if (!taps) return;
    const react = (kind, name, count, strength, pictures) =>
      push({ type: "reaction", time, kind, name, count, strength, pictures });
    for (const i of [0, 1]) react("tap", kinds[(seq * 2 + i) % 5], 3 + i, 0.1, 1);
    if (seq % 2 === 0) react("expression", faces[(seq / 2) % 4], 40, 0.4, 3);
  }, 1000 / ticks / faster);
}
"""


class Spent(NamedTuple):
    """Of the time that was looked at."""

    frames: list[float]
    """Milliseconds of the main thread's processor time."""
    cpu: float
    """Percent of a core, of all processes."""


class Launched(NamedTuple):
    """A browser with one page, and the tools to look into it."""

    browser: Browser
    page: Page
    devtools: CDPSession

    async def feed(self, *, taps: bool, changes: bool, faster: int = 1) -> None:
        await self.page.evaluate("clearInterval(window.feeding)")
        await self.page.evaluate(FEED, {"ticks": TICKS_A_S, "taps": taps, "changes": changes, "faster": faster})

    async def cost(self, seconds: float) -> Spent:
        await asyncio.sleep(6)  # until as much floats as will
        began = processor_seconds(), asyncio.get_running_loop().time()
        await asyncio.sleep(seconds)
        cpu = 100 * (processor_seconds() - began[0]) / (asyncio.get_running_loop().time() - began[1])
        # Not at once: to trace takes time itself.
        await self.browser.start_tracing(page=self.page, categories=CATEGORIES)
        await asyncio.sleep(seconds)
        return Spent(frames(json.loads(await self.browser.stop_tracing())["traceEvents"]), cpu)

    async def memory(self) -> tuple[float, int]:
        """Megabytes of the heap, and DOM nodes."""
        await self.devtools.send("HeapProfiler.collectGarbage")
        metrics = await self.devtools.send("Performance.getMetrics")
        values = {row["name"]: row["value"] for row in metrics["metrics"]}
        return values["JSHeapUsedSize"] / 1e6, int(values["Nodes"])


def processor_seconds() -> float:
    """Of all processes of the browser."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            if "chrom" in process.name():
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.Error:
            continue  # it ended meanwhile
    return total


def frames(events: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of the main thread from each of its frames to the next."""
    starts = [event for event in events if event["name"] == "BeginMainThreadFrame"]
    threads = [(event["pid"], event["tid"]) for event in events if event["name"] == "RunTask"]
    main = statistics.mode(
        [thread for thread in threads if thread in {(e["pid"], e["tid"]) for e in starts}] or threads
    )
    times = sorted(event["ts"] for event in starts if (event["pid"], event["tid"]) == main)
    tasks = sorted(
        (event["ts"], event.get("tdur", event.get("dur", 0)) / 1000)
        for event in events
        if event["name"] == "RunTask" and (event["pid"], event["tid"]) == main
    )
    found, at = list[float](), 0
    for begins, ends in itertools.pairwise(times):
        spent = 0.0
        while at < len(tasks) and tasks[at][0] < begins:
            at += 1
        while at < len(tasks) and tasks[at][0] < ends:
            spent += tasks[at][1]
            at += 1
        found.append(spent)
    return found


async def launched(playwright: Any, engine: str, address: str) -> Launched:
    options = chromium_options()
    if engine != "system":
        options["executable_path"] = str(ENGINES / engine / "chromium")
    browser = await playwright.chromium.launch(**options)
    page = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await page.goto(address)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    return Launched(browser, page, devtools)


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def told(cost: Spent, seconds: float) -> tuple[str, str, str]:
    ordered = statistics.quantiles(cost.frames, n=20)
    return f"{ordered[9]:.2f} / {ordered[18]:.2f}", f"{len(cost.frames) / seconds:.0f}", f"{cost.cpu:.1f}"


async def measure(playwright: Any, engine: str, relay: str, query: str, seconds: float) -> None:
    for name, address in (
        ("overlay", f"{relay}/overlay?source=obs{query}"),
        ("emote wall", (HERE / "emote_wall.html").as_uri()),
    ):
        one = await launched(playwright, engine, address)
        version = one.browser.version.split(".")[0]
        await one.feed(taps=True, changes=True)
        moving = await one.cost(seconds)
        floating = await one.page.evaluate(
            "document.querySelectorAll('.moodcast-reaction:not([hidden]), .emote').length"
        )
        await one.feed(taps=False, changes=False)
        settled = await one.cost(seconds)
        before = await one.memory()
        await one.devtools.send("Animation.enable")
        await one.devtools.send("Animation.setPlaybackRate", {"playbackRate": FASTER})
        await one.feed(taps=True, changes=True, faster=FASTER)
        await asyncio.sleep(HOUR_S / FASTER)
        await one.feed(taps=False, changes=False)
        await asyncio.sleep(6)
        after = await one.memory()
        ms, rate, cpu = told(moving, seconds)
        row(
            version,
            name,
            floating,
            ms,
            rate,
            cpu,
            f"{settled.cpu:.1f}",
            f"{before[0]:.2f} -> {after[0]:.2f}",
            f"{before[1]} -> {after[1]}",
        )
        await one.browser.close()


async def run(arguments: argparse.Namespace, folder: str) -> None:
    relay = await app.start(RelaySettings(port=0, data=folder))
    query = f"&theme={arguments.theme}&layout={arguments.layout}"
    row(
        "Chromium",
        "page",
        "floating",
        "main thread, ms a frame, p50 / p95",
        "its frames a second",
        "CPU, moving, %",
        "CPU, settled, %",
        "heap before -> after an hour, MB",
        "DOM nodes",
    )
    row(*["---"] * 9)
    try:
        async with async_playwright() as playwright:
            for engine in arguments.engines:
                await measure(playwright, engine, relay.url, query, arguments.seconds)
    finally:
        await relay.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="that each is looked at (default: 20)")
    parser.add_argument("--engines", nargs="+", default=["system", "103", "127"], help="default: system 103 127")
    parser.add_argument("--theme", default="dark", help="of the overlay (default: dark)")
    parser.add_argument("--layout", default="bar", help="of the overlay (default: bar)")
    arguments = parser.parse_args()
    print(describe() + "\n")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(arguments, folder))


if __name__ == "__main__":
    main()
