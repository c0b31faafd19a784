"""Browsers, agents and scripted viewers in one audience, each of its own network: OBS shows what they sent.

Three browsers and two agents look at the same video, once a second; 35 more viewers follow a script.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image, ImageColor
from playwright.async_api import async_playwright

from relay.http.picture import draw
from relay.protocol import EXPRESSIONS, HEARTBEAT_S, Expression, Mood
from tests.e2e import fake_camera as camera
from tests.e2e.agent_program import command, running
from tests.e2e.join_visit import Visit, reading_relay
from tests.e2e.obs_moodcast import settings_for, studio
from tests.e2e.obs_studio import CANVAS, missing
from tests.e2e.overlay_page import PALETTE
from tests.e2e.recording_proxy import RecordingProxy
from tests.packets import Frame
from tests.raw import TEXT
from tests.support import Client, Viewer, leave, subscribe

BROWSERS, AGENTS, SCRIPTED = 3, 2, 35
SCRIPT: list[list[Expression]] = [
    ["happy"] * 20 + ["neutral"] * 15,
    ["sad"] * 5 + ["happy"] * 5 + ["surprise"] * 25,
    ["neutral"] * 30 + ["fear"] * 5,
    ["angry"] * 7 + ["disgust"] * 7 + ["happy"] * 14 + ["neutral"] * 7,
]


def last_label(proxy: RecordingProxy) -> Expression | None:
    """What whoever is behind the proxy shows, by what was sent. An agent joins twice, the first time to ask."""
    sockets = [sent for sent in proxy.to_relay() if sent.path.endswith("/viewer")]
    if not sockets:
        return None
    said = [json.loads(one.payload) for one in sockets[-1].said() if isinstance(one, Frame) and one.opcode == TEXT]
    shown = [message.get("emotion") for message in said if message["type"] in ("label", "away")]
    return shown[-1] if shown else None


def tally(labels: list[Expression | None]) -> list[int]:
    return [labels.count(expression) for expression in EXPRESSIONS]


def shares(picture: Image.Image) -> np.ndarray[Any, Any]:
    """Each expression's part of the row with most of their colours; the faces on the bar take some of it."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    colours = [ImageColor.getrgb(PALETTE[name]) for name in EXPRESSIONS]
    found = np.stack([(np.abs(pixels - colour).max(axis=2) <= 6).sum(axis=1) for colour in colours])
    row = found[:, found.sum(axis=0).argmax()]
    return row / max(1, row.sum())


def drawn(mood: Mood) -> Image.Image:
    """What OBS shows of the mood over nothing."""
    overlay = draw(mood, [], *CANVAS)
    picture = Image.new("RGBA", overlay.size, "black")
    picture.alpha_composite(overlay)
    return picture


@pytest.mark.nightly
@pytest.mark.skipif(bool(missing()), reason=missing())
@pytest.mark.skipif(not camera.SAD_THEN_HAPPY.is_file(), reason=f"the video is not at {camera.SAD_THEN_HAPPY}")
@pytest.mark.usefixtures("agent_files")
async def test_obs_shows_what_browsers_agents_and_scripted_viewers_sent(tmp_path: Path) -> None:
    seen = camera.film(tmp_path / "video.y4m", camera.video_frames(fps=1), fps=1)
    options = {"min_viewers": 5, "proxies": 1, "require_tickets": "off", "asset_rate": 1000, "tick_ms": 250}
    async with contextlib.AsyncExitStack() as stack:
        relay = await stack.enter_async_context(reading_relay(tmp_path / "relay", **options))

        async def behind_proxy(house: str) -> RecordingProxy:
            return await stack.enter_async_context(RecordingProxy(relay.url, house).serve())

        settings = settings_for(relay)
        settings["relay"] = (await behind_proxy("10.9.0.1")).url
        browsers = [await behind_proxy(f"10.1.0.{number}") for number in range(BROWSERS)]
        agents = [await behind_proxy(f"10.2.0.{number}") for number in range(AGENTS)]
        playwright = await stack.enter_async_context(async_playwright())
        chromium = await stack.enter_async_context(camera.chromium_with_camera(playwright, seen))
        for proxy in browsers:
            await (await Visit.open(chromium, proxy.url)).share()
        for proxy in agents:
            arguments = command(proxy.url, camera.SAD_THEN_HAPPY, "--yes", "--loop", "--fps", "1")
            agent = await stack.enter_async_context(running(*arguments))
            stack.callback(asyncio.ensure_future(_read_on(agent)).cancel)
        scripted = [await Viewer.connect(relay.url, address=f"10.3.0.{number}") for number in range(SCRIPTED)]
        stack.push_async_callback(leave, scripted)
        people = browsers + agents
        obs = await stack.enter_async_context(studio(tmp_path / "obs", settings))
        await obs.press("add")
        for labels in SCRIPT:
            repeated = asyncio.ensure_future(_show(scripted, labels))
            stack.callback(repeated.cancel)
            async with await subscribe(settings["relay"], "demo", settings["key"]) as audience:
                mood = await _mood_of(audience, lambda labels=labels: tally([*labels, *map(last_label, people)]))
            assert mood.viewers == BROWSERS + AGENTS + SCRIPTED
            assert mood.visible

            async def is_shown(labels: list[Expression] = labels, mood: Mood = mood) -> bool:
                counts = tally([*labels, *map(last_label, people)])
                parts = [count / sum(counts) for count in counts]
                expected = shares(drawn(msgspec.structs.replace(mood, counts=counts, shares=parts)))
                return bool(np.abs(shares(await obs.picture()) - expected).max() < 0.02)

            await obs.until(is_shown)
            repeated.cancel()
        assert {last_label(proxy) for proxy in people} - {None}, "somebody reads the video"


async def _mood_of(audience: Client, counts: Callable[[], list[int]]) -> Mood:
    """The mood that has what was sent by now; the video changes it all the time."""
    return await audience.mood(lambda mood: mood.counts == counts())


async def _show(viewers: list[Viewer], labels: list[Expression]) -> None:
    """One label each, repeated as the relay wants it."""
    while True:
        for viewer, label in zip(viewers, labels, strict=True):
            await viewer.label(label)
        await asyncio.sleep(HEARTBEAT_S)


async def _read_on(agent: asyncio.subprocess.Process) -> None:
    """An agent whose output nobody reads would stand still."""
    assert agent.stdout
    while await agent.stdout.read(65536):
        pass
