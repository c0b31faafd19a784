"""How long the dashboard takes for a long session: until it can be used, and for a zoom.

    python -m benchmarks.history_page [--hours 8] [--runs 5] [--engine PATH] [--uplot PATH]

A simulated session of that length lies in the database of a real relay. Told is what its JSON weighs, how long the
relay takes to give it, how long after the navigation the chart and the cards stand there, and how long from a turn of
the wheel to the end of the frame that shows it; the median and the worst. ``--engine``: a Chromium other than the
system's. ``--uplot``: the file ``dist/uPlot.iife.min.js`` of the npm package, which then draws the same lines and zooms
as well, for comparison.
"""

import argparse
import asyncio
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
from playwright.async_api import Page, async_playwright

from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS
from relay.store import database

VIEWERS = 310
SHARING = 120
USUAL = (0.01, 0.01, 0.015, 0.18, 0.03, 0.03)
"""Of an audience to which nothing happens; neutral is the rest."""
ZOOMS = 20

FRAME = """async () => {
    await new Promise(requestAnimationFrame);
    const {port1, port2} = new MessageChannel();
    const drawn = new Promise((done) => port1.onmessage = done);
    port2.postMessage(0);
    await drawn;
}"""
"""JavaScript: until a frame is drawn."""

READY = f"""async () => {{
    const drawn = {FRAME};"""
READY += """
    const isThere = () => document.querySelector("#chart .chart[aria-label*='happy']") &&
        document.querySelector("#peaks .moment");
    await new Promise((done) => {
        const look = () => isThere() && done();
        new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true});
        look();
    });
    await drawn();
    return performance.now();
}"""
"""JavaScript: until the dashboard can be used, in milliseconds. Playwright itself can't tell in engines before 105."""

ZOOM = f"""async (zooms) => {{
    const drawn = {FRAME};"""
ZOOM += """
    const canvas = document.querySelector("#chart canvas");
    canvas.scrollIntoView();
    const box = canvas.getBoundingClientRect();
    const times = [];
    for (let i = 0; i < zooms; i++) {
        const began = performance.now();
        canvas.dispatchEvent(new WheelEvent("wheel", {bubbles: true, cancelable: true, deltaY: i % 10 < 5 ? -240 : 240,
            clientX: box.left + box.width * (0.2 + 0.03 * i), clientY: box.top + 100}));
        await drawn();
        times.push(performance.now() - began);
    }
    return times;
}"""
"""JavaScript: from a turn of the wheel until the frame is drawn, in milliseconds; a frame is 16.7 of them."""

UPLOT = f"""async ([text, zooms]) => {{
    const drawn = {FRAME};"""
UPLOT += """
    const history = JSON.parse(text);
    const box = document.body.appendChild(document.createElement("div"));
    const times = Float64Array.from(history.moments, ({time}) => time);
    const shares = (index) => history.moments.map(({counts, sharing}) => counts[index] / sharing);
    const began = performance.now();
    const lines = Array.from({length: 7}, () => ({stroke: "#48c", width: 1.75}));
    const data = [times, ...lines.map((_, index) => shares(index))];
    const plot = new uPlot({width: 1150, height: 340, pxAlign: false, series: [{}, ...lines]}, data, box);
    await drawn();
    const first = performance.now() - began;
    const spans = [];
    for (let i = 0; i < zooms; i++) {
        const start = performance.now();
        const half = (times[times.length - 1] - times[0]) / 2 / (1 + i % 10);
        const middle = (times[0] + times[times.length - 1]) / 2;
        plot.setScale("x", {min: middle - half, max: middle + half});
        await drawn();
        spans.push(performance.now() - start);
    }
    return {first, spans};
}"""


def simulated(started: int, seconds: int, seed: int) -> Iterator[tuple[Any, ...]]:
    """Rows of moments: laughter that comes and goes, an event every two to eight minutes, one pause."""
    chance = random.Random(seed)
    laughter, until, event = 1.0, 0, (0, 0.0)
    begins = 60
    for second in range(seconds):
        laughter = min(2.5, max(0.2, laughter + chance.gauss(0, 0.02)))
        if second == begins:
            event, until = (chance.randrange(6), chance.uniform(0.3, 0.7)), second + chance.randint(3, 8)
            begins += chance.randint(120, 480)
        if seconds // 3 <= second < seconds // 3 + 60:
            continue
        name, share = event if second < until else (0, 0.0)
        rates = [part * (laughter if index == 3 else 1) * (1 - share) for index, part in enumerate(USUAL)]
        rates[name] += share
        counts = [min(SHARING // 6, max(0, round(SHARING * chance.gauss(rate, 0.008)))) for rate in rates]
        if share:
            counts = [count // 2 for count in counts]
            counts[name] = round(SHARING * share)
        neutral = SHARING - sum(counts)
        valence = (counts[3] - counts[0] - counts[1] - counts[2] - counts[4]) / SHARING
        yield started + second, VIEWERS, SHARING, *counts, neutral, valence, chance.uniform(0.2, 0.3)


def store(
    folder: str, seconds: int, number: int = 1, started: int = 1_764_200_000, name: str = "Opening night"
) -> None:
    """A simulated session of channel ``demo``, with two markers and some applause."""
    places = ", ".join("?" * (6 + len(EXPRESSIONS)))
    with database.opened(database.prepare(folder)) as file:
        session = (number, started, started + seconds, name)
        file.execute("INSERT INTO sessions VALUES ('demo', ?, ?, ?, 250, 5, ?)", session)
        for row in simulated(started, seconds, number):
            file.execute(f"INSERT INTO moments VALUES ('demo', {places})", (number, *row))
        for part, text in ((0.3, "The boss <b>fight</b> begins"), (0.7, "Giveaway")):
            file.execute("INSERT INTO markers VALUES ('demo', ?, ?, ?)", (number, started + part * seconds, text))
        for second in range(500, seconds - 100, 1700):
            reaction = (number, started + second, 0.35, round(0.35 * SHARING))
            file.execute("INSERT INTO reactions VALUES ('demo', ?, ?, 'tap', 'clap', ?, ?)", reaction)


def told(name: str, values: list[float]) -> None:
    print(f"{name}: {statistics.median(values):.0f} ms, at worst {max(values):.0f}")


async def ready(page: Page, address: str) -> float:
    """Milliseconds from the navigation until a frame shows the chart and the cards, by the page's own clock."""
    await page.goto(address, wait_until="commit")
    found: float = await page.evaluate(READY)
    return found


async def measure(hours: float, runs: int, engine: str, uplot: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store(folder, round(3600 * hours))
        relay = await app.start(RelaySettings(port=0, data=folder))
        key = relay.create_channel("demo").display_key
        address = f"{relay.url}/dashboard?channel=demo#key={key}"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as client:
            began = time.monotonic()
            async with client.get(f"{relay.url}/v1/channels/demo/sessions/1") as answer:
                body = await answer.read()
            print(f"JSON: {len(body) / 1e6:.1f} MB in {1000 * (time.monotonic() - began):.0f} ms")
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path=engine, args=["--no-sandbox"])
            print(f"Chromium {chromium.version}, {hours:g} hours, {runs} runs")
            waits, zooms = list[float](), list[float]()
            for _ in range(runs):
                page = await chromium.new_page(viewport={"width": 1440, "height": 900})
                waits.append(await ready(page, address))
                zooms += await page.evaluate(ZOOM, ZOOMS)
                await page.close()
            told("page ready", waits)
            told("zoom", zooms)
            if uplot:
                page = await chromium.new_page(viewport={"width": 1440, "height": 900})
                await page.add_script_tag(path=uplot)
                found = await page.evaluate(UPLOT, [body.decode(), ZOOMS])
                print(f"uPlot: first drawing {found['first']:.0f} ms")
                told("uPlot zoom", found["spans"])
            await chromium.close()
        await relay.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--engine", default=shutil.which("chromium") or "chromium")
    parser.add_argument("--uplot", default="")
    given = parser.parse_args()
    asyncio.run(measure(given.hours, given.runs, given.engine, given.uplot))
