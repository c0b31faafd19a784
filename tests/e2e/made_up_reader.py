"""The join page with a reader that sees what a test says, so that only the page itself is tried.

What reads faces for real has tests of its own.
"""

import json
from typing import Any

from playwright.async_api import Browser, Page, Route

from tests.support import HANG_S

READY = {"state": "ready", "advice": "", "raw": 29_260_000, "transfer": 8_960_000, "files": {}}
MISSING = READY | {"state": "missing", "advice": "Run moodcast models fetch --browser."}
_READER = """export class Reader {
  constructor(hooks) { Object.assign(this, { hooks, watched: 0 }); (window.readers ??= []).push(this); }
  async load() {
    this.hooks.onProgress(8960000, 8960000);
    if (window.readerFails) throw Object.assign(new Error("made up"), { code: window.readerFails });
  }
  watch(track) {
    this.watched += 1;
    this.track = track;
    const look = () => this.paused || this.hooks.onLook({ time: 0, ...window.seen });
    this.timer ??= setInterval(look, 50);
  }
  pause() { this.paused = true; }
  resume() { this.paused = false; }
  forget() {}
  close() { clearInterval(this.timer); this.closed = true; }
}"""
_WATCH = """(() => {
  window.asked = 0;
  window.tracks = [];
  const { mediaDevices: devices } = navigator;
  if (!devices) return;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    window.asked += 1;
    const stream = await open(wanted);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
})();"""


def seen(expression: str = "happy", confidence: float = 0.87, **more: object) -> dict[str, Any]:
    """What the reader sees from now on, for ``window.seen``."""
    look = {"hasFace": True, "box": [0.3, 0.2, 0.65, 0.8], "unread": None, "still": False, "probabilities": None}
    return {"look": look, "reading": {"expression": expression, "confidence": confidence}, "hint": None} | more


NOBODY = seen(look={"hasFace": False, "box": None, "unread": None}, reading=None)


async def join_page(browser: Browser, assets: dict[str, Any] = READY, script: str = "", **options: Any) -> Page:
    """A page that is not at the join page yet. ``script`` runs before the page's own do."""
    page = await browser.new_page(**{"viewport": {"width": 1100, "height": 800}} | options)
    page.set_default_timeout(1000 * HANG_S)

    async def reader(route: Route) -> None:
        await route.fulfill(body=_READER, content_type="text/javascript")

    async def told(route: Route) -> None:
        await route.fulfill(json=assets)

    await page.route("**/static/reading/reader.js", reader)
    await page.route("**/v1/assets", told)
    await page.add_init_script(f"{_WATCH} window.seen = {json.dumps(seen())}; {script}")
    return page


async def open_tracks(page: Page) -> int:
    """Cameras that are on."""
    return int(await page.evaluate("tracks.filter(({ readyState }) => readyState === 'live').length"))
