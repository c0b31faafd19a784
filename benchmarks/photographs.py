"""The pictures of the pages in README and docs: ``python -m benchmarks.photographs [FOLDER] [--only NAME ...]``.

The real pages in the system's Chromium, of a real relay with 64 simulated viewers who follow a script. What the overlay
lies over is drawn by the settings page. Takes about three minutes; `make pictures` also makes those of OBS and of the
agent's window.
"""

import argparse
import asyncio
import base64
import contextlib
import io
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.async_api import Browser, Error, FloatRect, Page, ViewportSize, async_playwright

from agent import trial
from benchmarks.moments import Deed, Planted, play, varied
from demo.crowd import drain
from models.inference import registry
from moodcast import browser_files
from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.mood import Counts
from relay.protocol import EXPRESSIONS, Tap
from relay.store import database
from tests.e2e import fake_camera
from tests.e2e.conftest import chromium_options
from tests.support import Viewer, audience, leave

FOLDER = Path(__file__).parents[1] / "docs" / "images"
CHANNEL = "demo"
VIEWERS, ONLOOKERS = 64, 84
"""Those who share, and those who are connected and do not."""
STARTED, SHARING = 1_764_356_400, 120
"""The evening whose session is shown, and its audience."""
EVENTS: tuple[Deed, ...] = (
    "happy", "surprise", "clap", "happy", "sad", "laugh", "surprise", "fear", "happy", "heart", "wow", "angry",
)  # fmt: skip
"""Of that evening."""
QUALITY = 82
"""Of pictures over a game, as WebP."""
LAYOUTS = ("bar", "vertical", "compact", "corner", "wave", "reactions")
THEMES = ("dark", "light", "contrast", "minimal", "comic")
CANVAS: ViewportSize = {"width": 1280, "height": 720}
SHOWN = (800, 450)
SCENERY = """async () => {
    const { animate } = await import(new URL("static/settings-scenery.js", location.href).href);
    const canvas = document.createElement("canvas");
    canvas.style.cssText = "position: fixed; inset: 0; z-index: -1; width: 100%; height: 100%";
    document.body.append(canvas);
    animate(canvas, () => true);
}"""


class Act(NamedTuple):
    """What the viewers show for some seconds: weights in the order of EXPRESSIONS; and what some of them tap."""

    seconds: float
    weights: tuple[float, ...]
    taps: tuple[tuple[Tap, int], ...] = ()


#                angry disgust fear happy sad surprise neutral
CALM = Act(2.5, (0.02, 0.01, 0.02, 0.16, 0.04, 0.05, 0.70))
JOKE = Act(3.5, (0.01, 0.02, 0.01, 0.68, 0.02, 0.08, 0.18), (("laugh", 9), ("heart", 3)))
SHOCK = Act(3.0, (0.02, 0.03, 0.10, 0.03, 0.02, 0.66, 0.14), (("wow", 7),))
LOSS = Act(3.0, (0.08, 0.03, 0.05, 0.03, 0.52, 0.05, 0.24), (("cry", 5),))
WIN = Act(4.0, (0.01, 0.01, 0.01, 0.66, 0.01, 0.18, 0.12), (("clap", 11), ("heart", 6)))
SHOW = (CALM, JOKE, CALM, SHOCK, LOSS, CALM, WIN)
FILM = (CALM, JOKE, SHOCK, WIN)


class Crowd:
    """The viewers, and what they do by the script. The same each time, but for how fast the machine is."""

    def __init__(self, viewers: list[Viewer]) -> None:
        self.viewers, self.chance = viewers, random.Random(7)

    async def play(self, act: Act) -> None:
        """In the first second they change, one after the other, and tap."""
        turn = list(range(len(self.viewers)))
        self.chance.shuffle(turn)
        tappers = [tap for tap, count in act.taps for _ in range(count)]
        self.chance.shuffle(tappers)
        began = asyncio.get_running_loop().time()
        for place, index in enumerate(turn):
            label = self.chance.choices(EXPRESSIONS, act.weights)[0]
            await self.viewers[index].label(label, round(self.chance.uniform(0.6, 1), 2))
            if place % 4 == 3 and tappers:
                await self.viewers[index].tap(tappers.pop())
            await asyncio.sleep(1 / len(turn))
        await asyncio.sleep(max(0.0, began + act.seconds - asyncio.get_running_loop().time()))

    async def follow(self, show: tuple[Act, ...]) -> None:
        for act in show:
            await self.play(act)


class Studio(NamedTuple):
    """What each picture is taken of."""

    browser: Browser
    relay: Relay
    key: str
    crowd: Crowd

    @contextlib.asynccontextmanager
    async def overlay(self, size: ViewportSize, **options: str) -> AsyncIterator[Page]:
        """The overlay over a game."""
        page = await self.browser.new_page(viewport=size)
        query = "".join(f"&{name}={value}" for name, value in options.items())
        await page.goto(f"{self.relay.url}/overlay?channel={CHANNEL}&language=en{query}#key={self.key}")
        await page.evaluate(SCENERY)
        await self.crowd.play(CALM)  # labels are old after a while
        await page.locator(".moodcast[data-state=live]").wait_for()
        yield page
        await page.close()

    @contextlib.asynccontextmanager
    async def desk(self, path: str, scheme: str, width: int, height: int) -> AsyncIterator[Page]:
        """A page for people at a desk."""
        page = await self.browser.new_page(
            viewport={"width": width, "height": height}, locale="en-GB", timezone_id="UTC",
            color_scheme="dark" if scheme == "dark" else "light",
        )  # fmt: skip
        await page.goto(self.relay.url + path, wait_until="networkidle")
        yield page
        await page.close()


Files = dict[str, bytes]
"""Pictures by the names of their files."""


def still(screen: bytes) -> bytes:
    """What a page shows, in 256 colours: those that there is most of, and those that stand apart, as of small faces."""
    picture, file = Image.open(io.BytesIO(screen)).convert("RGB"), io.BytesIO()
    common = picture.quantize(160, Image.Quantize.MEDIANCUT).getpalette()
    rare = picture.quantize(96, Image.Quantize.MAXCOVERAGE).getpalette()
    colours = Image.new("P", (1, 1))
    colours.putpalette([*(common or ())][: 3 * 160] + [*(rare or ())][: 3 * 96])
    picture.quantize(palette=colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def over_game(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue()


def opened(screen: bytes, size: tuple[int, int]) -> Image.Image:
    return Image.open(io.BytesIO(screen)).convert("RGB").resize(size, Image.Resampling.LANCZOS)


async def layouts(studio: Studio) -> Files:
    """Each layout while the audience cheers. The wave is opened first and taken last: it shows the minutes before."""
    taken = Files()
    async with studio.overlay(CANVAS, layout="wave") as wave:
        for layout in LAYOUTS:
            if layout == "wave":
                continue
            async with studio.overlay(CANVAS, layout=layout) as page:
                await studio.crowd.follow((LOSS, CALM, SHOCK) if layout == "bar" else (SHOCK,))
                await studio.crowd.play(WIN._replace(seconds=2.6))
                taken[f"layout-{layout}.webp"] = over_game(opened(await page.screenshot(), SHOWN))
        await studio.crowd.follow((*SHOW, *SHOW))
        taken["layout-wave.webp"] = over_game(opened(await wave.screenshot(), SHOWN))
    return taken


async def themes(studio: Studio) -> Files:
    """The bar in each theme, one under the other."""
    parts = list[Image.Image]()
    for theme in THEMES:
        async with studio.overlay({"width": 960, "height": 540}, theme=theme, moments="off") as page:
            await studio.crowd.play(WIN._replace(seconds=2.2))
            strip: FloatRect = {"x": 0, "y": 360, "width": 960, "height": 180}
            parts.append(opened(await page.screenshot(clip=strip), (960, 180)))
    sheet = Image.new("RGB", (960, sum(part.height for part in parts) + 6 * (len(parts) - 1)), "white")
    for number, part in enumerate(parts):
        sheet.paste(part, (0, number * (part.height + 6)))
    return {"themes.webp": over_game(sheet)}


async def film(studio: Studio) -> Files:
    """Some seconds of the bar: laughter, a shock, a win."""
    frames = list[tuple[float, Image.Image]]()
    async with studio.overlay({"width": 960, "height": 540}, title="Friday night run", scale="1.3") as page:
        tools = await page.context.new_cdp_session(page)

        async def keep(event: dict[str, object]) -> None:
            picture = Image.open(io.BytesIO(base64.b64decode(str(event["data"]))))
            frames.append((event["metadata"]["timestamp"], picture))  # type: ignore[index]
            with contextlib.suppress(Error):  # the page of a late frame is closed
                await tools.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

        tools.on("Page.screencastFrame", lambda event: asyncio.ensure_future(keep(event)))
        await studio.crowd.play(CALM)
        await tools.send("Page.startScreencast", {"format": "jpeg", "quality": 95})
        await studio.crowd.follow(FILM)
        await tools.send("Page.stopScreencast")
    return {"overlay.webp": await asyncio.to_thread(animated, frames)}  # who does not answer meanwhile is cut off


FRAMES_A_S = 12.5
FILM_SIZE = (800, 450)
FILM_QUALITY = 60


def animated(frames: list[tuple[float, Image.Image]]) -> bytes:
    """The frames, as they were at even steps of time."""
    start, end = frames[0][0], frames[-1][0]
    chosen, at = list[Image.Image](), 0
    for step in range(int((end - start) * FRAMES_A_S)):
        while at + 1 < len(frames) and frames[at + 1][0] <= start + step / FRAMES_A_S:
            at += 1
        chosen.append(frames[at][1].convert("RGB").resize(FILM_SIZE, Image.Resampling.LANCZOS))
    file = io.BytesIO()
    chosen[0].save(
        file, "WEBP", save_all=True, append_images=chosen[1:], duration=round(1000 / FRAMES_A_S), loop=0,
        quality=FILM_QUALITY, method=4, minimize_size=False, allow_mixed=False,
    )  # fmt: skip
    return file.getvalue()


async def dashboard(studio: Studio) -> Files:
    """While the stream goes on; light and dark."""
    taken = Files()
    for scheme in ("light", "dark"):
        async with studio.desk(f"/dashboard?channel={CHANNEL}#key={studio.key}", scheme, 1200, 760) as page:
            await studio.crowd.follow((CALM, JOKE, SHOCK, WIN._replace(seconds=2.5)))
            taken[f"dashboard-{scheme}.png"] = still(await page.screenshot(clip=await down_to(page, ".history", -8)))
    return taken


async def down_to(page: Page, selector: str, below: float) -> FloatRect:
    """The page from its top to an element, and so far below that one's upper edge."""
    box = await page.locator(selector).first.bounding_box()
    assert box is not None
    assert page.viewport_size is not None
    return {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": box["y"] + below}


async def session(studio: Studio) -> Files:
    """After the stream: the chart, and the moments as cards."""
    taken = Files()
    for scheme in ("light", "dark"):
        async with studio.desk(f"/dashboard?channel={CHANNEL}#key={studio.key}", scheme, 1200, 900) as page:
            await page.locator("#sessions").select_option("1")
            await page.locator("#peaks .moment").first.wait_for()
            await page.get_by_role("slider", name="% happy").wait_for()
            taken[f"session-{scheme}.png"] = still(await page.screenshot(full_page=True, clip=await rows_of(page)))
    return taken


async def rows_of(page: Page) -> FloatRect:
    """The session's part of the page, with the moments' first two rows, which have four each."""
    whole = await page.locator(".history").bounding_box()
    third = await page.locator("#peaks .moment").nth(8).bounding_box()
    assert whole is not None
    assert third is not None
    return {"x": whole["x"], "y": whole["y"], "width": whole["width"], "height": third["y"] - whole["y"]}


async def settings(studio: Studio) -> Files:
    async with studio.desk(f"/settings/{CHANNEL}#key={studio.key}", "light", 1280, 860) as page:
        await page.frame_locator("iframe").first.locator(".moodcast[data-state=live]").wait_for()
        await asyncio.sleep(3)  # until something floats
        return {"settings.png": still(await page.screenshot())}


async def trying(studio: Studio) -> Files:
    """What the recogniser makes of the packaged portrait."""
    async with studio.desk("/try", "light", 1100, 760) as page:
        await page.locator("body[data-page=ready]").wait_for()
        await page.set_input_files("#file", registry.path("portrait"))
        await page.get_by_role("listitem", name="Face 1").wait_for()
        await asyncio.sleep(1)  # until the bars are as long as they say
        return {"try.png": still(await page.screenshot())}


async def joining(studio: Studio) -> Files:
    """A viewer's page before and while it shares; its camera films the packaged portrait."""
    taken = Files()
    with tempfile.TemporaryDirectory() as folder:
        film = fake_camera.film(Path(folder) / "portrait.y4m", [fake_camera.portrait()] * 5)
        async with async_playwright() as playwright, fake_camera.chromium_with_camera(playwright, film) as chromium:
            there = studio._replace(browser=chromium)
            async with there.desk(f"/join/{CHANNEL}", "light", 760, 900) as page:
                await page.locator("#yes-camera:enabled").wait_for()
                taken["join.png"] = still(await page.screenshot(full_page=True))
            for scheme in ("light", "dark"):
                async with there.desk(f"/join/{CHANNEL}", scheme, 1040, 640) as page:
                    await page.locator("#yes-camera:enabled").click()
                    await page.locator(".dot[data-tone=good]").wait_for()
                    await studio.crowd.play(WIN._replace(seconds=3))
                    taken[f"join-live-{scheme}.png"] = still(await page.screenshot())
    return taken


TAKERS: dict[str, Callable[[Studio], Awaitable[Files]]] = {
    "film": film, "layouts": layouts, "themes": themes, "dashboard": dashboard, "session": session,
    "settings": settings, "try": trying, "joining": joining,
}  # fmt: skip


FILES = {
    "film": ["overlay.webp"],
    "layouts": [f"layout-{layout}.webp" for layout in LAYOUTS],
    "themes": ["themes.webp"],
    "dashboard": ["dashboard-light.png", "dashboard-dark.png"],
    "session": ["session-light.png", "session-dark.png"],
    "settings": ["settings.png"],
    "try": ["try.png"],
    "joining": ["join.png", "join-live-light.png", "join-live-dark.png"],
}
"""What each of them makes."""


def plant(folder: str) -> None:
    """An evening on which somebody streamed: the show of ``benchmarks.moments``, with events that streams have."""
    seconds, chance = 7200, random.Random(5)
    planted = [
        Planted(at + chance.uniform(-60, 60), chance.uniform(4, 9), EVENTS[number % len(EVENTS)], share)
        for number, at in enumerate(range(240, seconds - 120, 240))
        for share in [chance.uniform(0.3, 0.75)]
    ]
    whole = play(varied(chance, planted, SHARING), SHARING, seconds)[1]
    places = ", ".join("?" * (5 + len(EXPRESSIONS)))
    with database.opened(database.prepare(folder)) as file:
        file.execute(
            "INSERT INTO sessions VALUES (?, 1, ?, ?, 250, 5, 'Friday night run')",
            (CHANNEL, STARTED, STARTED + seconds),
        )
        for moment in whole.moments:
            counts = Counts(moment.counts)
            figures = (*moment.counts, round(counts.valence, 3), round(counts.resonance, 3))
            row = (CHANNEL, STARTED + moment.time, 3 * SHARING, moment.sharing, *figures)
            file.execute(f"INSERT INTO moments VALUES (?, 1, {places})", row)
        for one in whole.reactions:
            row = (CHANNEL, STARTED + one.time, one.kind, one.name, one.strength, one.count)
            file.execute("INSERT INTO reactions VALUES (?, 1, ?, ?, ?, ?, ?)", row)
        for at, text in ((1260, "The boss fight begins"), (4980, "Giveaway")):
            file.execute("INSERT INTO markers VALUES (?, 1, ?, ?)", (CHANNEL, STARTED + at, text))


@contextlib.asynccontextmanager
async def studio() -> AsyncIterator[Studio]:
    with tempfile.TemporaryDirectory() as folder:
        await asyncio.to_thread(plant, folder)
        settings = RelaySettings(port=0, data=folder, crowd="viewers")  # all of this machine are one network
        relay = await app.start(settings, recogniser=trial.recogniser, assets=browser_files())
        key = relay.create_channel(CHANNEL).display_key
        viewers = await audience(relay.url, CHANNEL, ["neutral"] * VIEWERS)
        everybody = viewers + [await Viewer.connect(relay.url, CHANNEL) for _ in range(ONLOOKERS)]
        readers = [asyncio.create_task(drain(viewer.ws)) for viewer in everybody]  # who reads nothing is cut off
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(**chromium_options())
                yield Studio(browser, relay, key, Crowd(viewers))
                await browser.close()
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
            await leave(everybody)
            await relay.stop()


async def photograph(folder: Path, names: list[str]) -> list[Path]:
    """Take these pictures, or all, and return their files."""
    written = list[Path]()
    async with studio() as place:
        for name in names or TAKERS:
            for file, content in (await TAKERS[name](place)).items():
                (folder / file).write_bytes(content)
                written.append(folder / file)
                print(f"{folder / file}  {len(content) / 1000:.0f} kB", flush=True)
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--only", nargs="+", choices=TAKERS, default=[])
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(photograph(given.folder, given.only))
