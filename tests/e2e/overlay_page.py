"""The overlay page in a browser, for tests: its address, what it shows, and what OBS pushes into it."""

import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image
from playwright.async_api import Page

from relay import app

OVERLAY = Path(__file__).parents[2] / "overlay"
CHOICES: dict[str, list[str]] = {
    row["name"]: list(row.get("values", ())) for row in json.loads((OVERLAY / "options.json").read_text("utf-8"))
}
"""The overlay's options, and the values of those that have a few."""
PALETTE = json.loads((OVERLAY / "palette.json").read_text("utf-8"))

_CUSTOM_CSS = ".moodcast-panel { background-color: rgb(1, 2, 3); } :root { --moodcast-happy: #010203; }"
AS_OBS = f"""const obsCSS = document.createElement('style');
obsCSS.innerHTML = decodeURIComponent("{quote(_CUSTOM_CSS)}");
document.querySelector('head').appendChild(obsCSS);"""
"""What obs-browser runs in a page that has loaded, with a streamer's Custom CSS (browser-client.cpp, OnLoadEnd)."""


def overlay_url(relay: app.Relay, key: str, **options: object) -> str:
    query = "".join(f"&{name}={value}" for name, value in options.items())
    return f"{relay.url}/overlay?channel=demo{query}#key={key}"


async def pixels(page: Page) -> np.ndarray[Any, Any]:
    """What OBS would put over the video: height x width x RGBA, uint8."""
    return np.asarray(Image.open(io.BytesIO(await page.screenshot(omit_background=True))).convert("RGBA"))


async def share_in_bar(page: Page, expression: str) -> float:
    """Share of the pixels along the bar's middle that have the expression's colour."""
    box = await page.locator(".moodcast-bar").bounding_box()
    if box is None:
        return 0.0
    row = (await pixels(page))[int(box["y"] + box["height"] / 2), int(box["x"]) : int(box["x"] + box["width"]), :3]
    colour = [int(PALETTE[expression][i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(row.astype(int) - colour).max(axis=1) < 16).mean())


async def state(page: Page) -> str | None:
    return await page.locator(".moodcast").get_attribute("data-state")


async def push(page: Page, **message: object) -> None:
    """As the OBS script's javascript_event does."""
    await page.evaluate("detail => window.dispatchEvent(new CustomEvent('moodcast', {detail}))", message)


def mood(counts: list[int], **fields: object) -> dict[str, object]:
    """A mood event with seven counts."""
    sharing = sum(counts)
    event: dict[str, object] = {
        "type": "mood", "seq": 1, "time": 1e9, "visible": True, "viewers": sharing, "sharing": sharing,
        "min_viewers": 5, "counts": counts, "shares": [count / max(1, sharing) for count in counts], "valence": 0,
        "resonance": 0.74, "trend": 0,
    }  # fmt: skip
    return event | fields


def moment(name: str, kind: str = "expression", share: float = 0.72) -> dict[str, object]:
    return {
        "type": "moment", "time": 1e9, "ago": 5.0, "kind": kind, "name": name, "share": share, "rise": 0.5, "score": 15
    }  # fmt: skip
