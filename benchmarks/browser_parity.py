"""Whether the browser reads the same in a face as the agent: the same frames with the same times, through both.

    python -m benchmarks.browser_parity --portraits DIR --video FILE [--live] [--size 320 240]

``overlay/reading`` runs in a worker of the system's Chromium, under the policy of the real one and with the files that
a real relay gives it; the agent's ``Recogniser`` and ``Smoother`` run here. Frames go to both as RGB, as large as the
page asks of a camera.

``--portraits``: each picture of the Face Research Lab London Set is seen three times, and before it nobody for half a
minute. Told are the labels (the most probable expression, or why there is none), and how far the probabilities are
apart. ``--video``: 5 frames a second of it; told are the changes of what is shown.

``--live``: a camera before which neutral people begin to smile from one frame to the next, and stop again, read by the
page's whole way (camera, worker, adaptive rate) and by the agent's capture thread. Told is how long each takes from the
first changed frame until it shows the change.
"""

import argparse
import asyncio
import base64
import contextlib
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from playwright.async_api import Page, Route, async_playwright

from agent.capture import Capture
from agent.config import AgentSettings
from agent.recognition import Look, Recogniser
from agent.smoothing import Reading, Smoother
from benchmarks import machine
from models.inference import registry
from models.inference.assets import BrowserFiles
from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS
from tests.e2e import fake_camera
from tests.e2e.fake_camera import Picture

FPS = 5
KINDS = ("neutral", "happy")
TIMES_SEEN, GAP_S = 3, 30.0
"""A portrait is looked at so often, and before it nobody is there for so long."""

WORKER = """
import { load } from "./loader.js";
import { Recogniser } from "./recogniser.js";
import { Smoother } from "./smoothing.js";

const ready = load(new URL("../..", import.meta.url), () => {})
  .then((files) => Recogniser.create(files, { live: false }));
const smoother = new Smoother();

addEventListener("message", async ({ data: { frame, timeMs } }) => {
  try {
    const look = await (await ready).look(frame, timeMs);
    postMessage({ ...look, reading: smoother.update(timeMs / 1000, look.probabilities) });
  } catch (error) {
    postMessage({ error: `${error}\\n${error.stack}` });
  }
});
"""
PAGE = """() => {
  const worker = new Worker(new URL("../static/reading/parity.js", location.href), { type: "module" });
  let settle, failed;
  worker.onerror = ({ message }) => {
    failed = message || "the worker's script can't be loaded";
    settle?.({ error: failed });
  };
  worker.onmessage = ({ data }) => settle(data);
  window.look = (pixels, width, height, timeMs) => new Promise((resolve) => {
    settle = resolve;
    if (failed) { resolve({ error: failed }); return; }
    const rgb = atob(pixels), data = new Uint8ClampedArray(4 * width * height).fill(255);
    for (let i = 0, at = 0; i < rgb.length; at += 4) {
      data[at] = rgb.charCodeAt(i++);
      data[at + 1] = rgb.charCodeAt(i++);
      data[at + 2] = rgb.charCodeAt(i++);
    }
    worker.postMessage({ frame: { data, width, height }, timeMs }, [data.buffer]);
  });
}"""


class MadeOut(NamedTuple):
    """What one of the two makes of a frame."""

    has_face: bool
    unread: str | None
    probabilities: tuple[float, ...] | None
    shown: str | None
    """The expression that is shown after this frame; None while nobody is there."""

    @property
    def label(self) -> str:
        """The most probable expression of this frame alone, or why there is none."""
        if self.probabilities is not None:
            return EXPRESSIONS[int(np.argmax(self.probabilities))]
        return self.unread or ("no answer" if self.has_face else "no face")


class InAgent:
    """The agent's stages."""

    def __init__(self) -> None:
        self.recogniser, self._smoother = Recogniser(registry.DEFAULT), Smoother()

    def look(self, frame: Picture, time_ms: int) -> MadeOut:
        look = self.recogniser.look(frame, time_ms)
        reading = self._smoother.update(time_ms / 1000, look.probabilities)
        probabilities = None if look.probabilities is None else tuple(look.probabilities)
        unread = look.unread.key if look.unread else None
        return MadeOut(look.has_face, unread, probabilities, reading.emotion if reading else None)

    def close(self) -> None:
        self.recogniser.close()


class InBrowser:
    """The same in a worker of a page of the relay."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def look(self, frame: Picture, time_ms: int) -> MadeOut:
        pixels, (height, width) = base64.b64encode(frame.tobytes()).decode(), frame.shape[:2]
        found = await self._page.evaluate("(args) => look(...args)", [pixels, width, height, time_ms])
        assert "error" not in found, found["error"]
        reading, probabilities = found["reading"], found["probabilities"]
        return MadeOut(
            found["hasFace"],
            found["unread"],
            None if probabilities is None else tuple(probabilities),
            reading and reading["expression"],
        )


@contextlib.asynccontextmanager
async def join_page(film: Path | None) -> AsyncIterator[Page]:
    """Where viewers join, of a relay that has what browsers read faces with; ``film`` runs before the camera."""
    with tempfile.TemporaryDirectory() as folder:
        relay = await app.start(RelaySettings(port=0, data=Path(folder), no_fetch=True), assets=BrowserFiles([]))
        try:
            async with (
                async_playwright() as playwright,
                fake_camera.chromium_with_camera(playwright, film) as browser,
            ):
                page = await browser.new_page()
                await page.goto(f"{relay.url}/join/parity")
                yield page
        finally:
            await relay.stop()


@contextlib.asynccontextmanager
async def in_browser() -> AsyncIterator[InBrowser]:
    """Reads frames in Chromium, under the policies of a real relay's pages."""
    async with join_page(None) as page:
        policy = (await page.request.get(page.url.replace("join/parity", "static/reading/worker.js"))).headers

        async def answer(route: Route) -> None:
            headers = {name: policy[name] for name in ("content-security-policy", "content-type")}
            await route.fulfill(body=WORKER, headers=headers)

        await page.route("**/static/reading/parity.js", answer)
        await page.evaluate(PAGE)
        yield InBrowser(page)


async def through_both(frames: Iterable[tuple[int, Picture]]) -> list[tuple[MadeOut, MadeOut]]:
    """What the agent and the browser make of each frame; times are in ms."""
    agent = InAgent()
    with contextlib.closing(agent):
        async with in_browser() as browser:
            return [(agent.look(frame, now_ms), await browser.look(frame, now_ms)) for now_ms, frame in frames]


async def portraits(pictures: Mapping[str, Picture], size: tuple[int, int]) -> dict[str, tuple[MadeOut, MadeOut]]:
    """What the two make of each portrait at last, by its name."""
    nobody = fake_camera.framed(fake_camera.nobody(), size)
    frames, now_ms = [], 0
    for picture in pictures.values():
        frames.append((now_ms, nobody))
        now_ms += round(1000 * GAP_S)
        frames += [(now_ms + 1000 * i // FPS, fake_camera.framed(picture, size)) for i in range(TIMES_SEEN)]
        now_ms += 1000
    found = await through_both(frames)
    return dict(zip(pictures, found[TIMES_SEEN :: TIMES_SEEN + 1], strict=True))


async def video(pictures: Iterable[Picture], size: tuple[int, int]) -> list[tuple[MadeOut, MadeOut]]:
    """What the two make of each frame of a video."""
    return await through_both((1000 * i // FPS, fake_camera.framed(one, size)) for i, one in enumerate(pictures))


def apart(pairs: Iterable[tuple[MadeOut, MadeOut]]) -> list[float]:
    """How far the two are apart in the probability of which they differ most, where both have one."""
    return [
        float(np.abs(np.subtract(one.probabilities, other.probabilities)).max())
        for one, other in pairs
        if one.probabilities is not None and other.probabilities is not None
    ]


def changes(shown: Iterable[str | None]) -> list[tuple[int, str | None]]:
    """What is shown, and the number of the frame from which on."""
    found: list[tuple[int, str | None]] = []
    for number, expression in enumerate(shown):
        if not found or found[-1][1] != expression:
            found.append((number, expression))
    return found


class ShownFrom(NamedTuple):
    """What was shown from a time on, in seconds of a clock."""

    at: float
    expression: str | None


class Turn(NamedTuple):
    """A smile that begins, or ends, at a time of the same clock."""

    at: float
    smiles: bool


LIVE = """async () => {
  const { Reader } = await import(new URL("../static/reading/reader.js", location.href).href);
  Object.assign(window, { shown: [], turns: [] });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  const [track] = stream.getVideoTracks();
  const reader = new Reader({
    onLook: ({ reading }) => shown.push([performance.now() / 1000, reading?.expression ?? null]),
    onTick() {}, onProgress() {}, onFailed(error) { window.failed = String(error); },
  });
  await reader.load();
  reader.watch(track);
  const context = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  const frames = new MediaStreamTrackProcessor({ track: track.clone() }).readable.getReader();
  let before = null;
  (async () => {
    for (;;) {
      const { value: frame } = await frames.read();
      const now = performance.now() / 1000;
      context.drawImage(frame, 0, 0, 8, 8, 0, 0, 8, 8);
      frame.close();
      const smiles = context.getImageData(4, 4, 1, 1).data[0] > 128;
      if (before !== null && smiles !== before) turns.push([now, smiles]);
      before = smiles;
    }
  })();
}"""
CAMERA_FPS, HALF_S = 10, 6
"""Frames a second of the live camera, and how long somebody rests, or smiles."""


def smiling(people: Sequence[tuple[Picture, Picture]]) -> Iterator[Picture]:
    """A camera's frames of people who rest and then smile; a corner of the picture tells which."""
    rng = np.random.default_rng(0)
    for pictures in people:
        for picture, corner in zip(pictures, (0, 255), strict=True):
            framed = fake_camera.framed(picture)
            for _ in range(CAMERA_FPS * HALF_S):
                # Nobody holds quite still before a sensor without noise.
                frame = np.roll(framed, rng.integers(-1, 2, 2), (0, 1)) + rng.normal(0, 2, framed.shape)
                frame[:16, :16] = corner
                yield np.clip(np.rint(frame), 0, 255).astype(np.uint8)


def plain_smiles(folder: Path, people: int) -> list[tuple[Picture, Picture]]:
    """The first people whose portraits the agent reads as neutral and as happy."""
    found = []
    agent = InAgent()
    with contextlib.closing(agent):
        now_ms = 0
        for file in sorted(folder.glob("*_neutral.jpg")):
            pictures = [fake_camera.read(file.with_name(file.name.replace("neutral", kind))) for kind in KINDS]
            labels = []
            for picture in pictures:
                now_ms += round(1000 * GAP_S)
                agent.look(fake_camera.framed(fake_camera.nobody()), now_ms - 1000)
                labels.append(agent.look(fake_camera.framed(picture), now_ms).label)
            if labels == list(KINDS):
                found.append((pictures[0], pictures[1]))
                if len(found) == people:
                    break
    return found


async def live_in_browser(film: Path, seconds: float) -> tuple[list[Turn], list[ShownFrom]]:
    """The whole way of a page, from the camera on."""
    async with join_page(film) as page:
        await page.evaluate(LIVE)
        await asyncio.sleep(seconds)
        turns, shown, failed = await page.evaluate("[turns, shown, window.failed]")
    assert failed is None, failed
    return [Turn(*turn) for turn in turns], [ShownFrom(*one) for one in shown]


class _Playing:
    """A camera before which a film runs, for ``agent.capture``."""

    def __init__(self, frames: Sequence[Picture], began: float) -> None:
        self._frames, self._began = frames, began

    def wait(self, seconds: float, stop: threading.Event) -> None:
        stop.wait(max(0.0, seconds))

    def read(self) -> Picture | None:
        number = int((time.monotonic() - self._began) * CAMERA_FPS)
        return self._frames[number] if number < len(self._frames) else None

    def close(self) -> None:
        """There is no device."""


def live_in_agent(frames: Sequence[Picture]) -> tuple[list[Turn], list[ShownFrom]]:
    """The agent's capture thread, from the camera on."""
    shown: list[ShownFrom] = []
    recogniser = Recogniser(registry.DEFAULT, live=True)

    def tell(reading: Reading | None, _: Look) -> None:
        shown.append(ShownFrom(time.monotonic(), reading.emotion if reading else None))

    with contextlib.closing(recogniser):
        began = time.monotonic()
        capture = Capture(AgentSettings(channel="parity"), recogniser, tell, lambda: None, _Playing(frames, began))
        capture.run()
        if capture.error is not None:
            raise capture.error
    halves = range(1, len(frames) // (CAMERA_FPS * HALF_S))
    return [Turn(began + number * HALF_S, number % 2 == 1) for number in halves], shown


def delays(turns: Sequence[Turn], shown: Sequence[ShownFrom]) -> list[float | None]:
    """Of each smile that begins how long it takes until ``happy`` is shown; None where it is not while it lasts."""
    found = []
    for turn in turns:
        if turn.smiles:
            late = [one.at - turn.at for one in shown if one.at >= turn.at and one.expression == "happy"]
            found.append(late[0] if late and late[0] < HALF_S else None)
    return found


def tell_portraits(found: dict[str, tuple[MadeOut, MadeOut]]) -> None:
    same = [one.label == other.label for one, other in found.values()]
    print(f"{len(found)} portraits; the same label: {sum(same)}")
    for name, (one, other) in found.items():
        if one.label != other.label:
            print(f"  {name}: agent {one.label}, browser {other.label}")
    _tell_apart(apart(found.values()))


def tell_video(found: list[tuple[MadeOut, MadeOut]]) -> None:
    same = [one.label == other.label for one, other in found]
    print(f"{len(found)} frames of the video; the same label: {sum(same)}")
    for who, shown in zip(("agent", "browser"), zip(*found, strict=True), strict=True):
        print(f"  {who} shows " + ", ".join(f"{what} from {at}" for at, what in changes(one.shown for one in shown)))
    _tell_apart(apart(found))


def _tell_apart(differences: list[float]) -> None:
    print(f"  probabilities apart: median {np.median(differences):.5f}, most {max(differences):.5f}")


def tell_live(who: str, late: list[float | None]) -> None:
    told = [seconds for seconds in late if seconds is not None]
    print(f"{who}: of {len(late)} smiles {len(told)} shown")
    if told:
        print(f"  after a median of {np.median(told):.2f} s, at most {max(told):.2f} s")


async def _live(folder: Path, people: int) -> None:
    frames = list(smiling(plain_smiles(folder, people)))
    with tempfile.TemporaryDirectory() as scratch:
        film = fake_camera.film(Path(scratch) / "smiles.y4m", frames, CAMERA_FPS)
        tell_live("browser", delays(*await live_in_browser(film, len(frames) / CAMERA_FPS)))
    tell_live("agent", delays(*await asyncio.to_thread(live_in_agent, frames)))


async def run(args: argparse.Namespace) -> None:
    print(f"Machine: {machine.describe()}")
    size = (args.size[0], args.size[1])
    if args.portraits and not args.live:
        pictures = {file.stem: fake_camera.read(file) for file in sorted(args.portraits.glob("*.jpg"))}
        tell_portraits(await portraits(pictures, size))
    if args.video:
        tell_video(await video(fake_camera.video_frames(args.video, FPS), size))
    if args.live:
        await _live(args.portraits, args.people)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.browser_parity", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--portraits", type=Path, help="the Face Research Lab London Set")
    parser.add_argument("--video", type=Path)
    parser.add_argument("--size", type=int, nargs=2, default=fake_camera.SIZE, help="(default: 320 240)")
    parser.add_argument("--live", action="store_true", help="the portraits' people smile before a camera")
    parser.add_argument("--people", type=int, default=5, help="how many of them (default: %(default)s)")
    args = parser.parse_args()
    if args.live and not args.portraits:
        parser.error("--live needs --portraits")
    asyncio.run(run(args))


if __name__ == "__main__":
    main()
