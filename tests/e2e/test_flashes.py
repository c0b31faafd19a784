"""The page does not flash, whatever is sent: pixels of a real Chromium under an audience that wants it to.

Time is the test's own: timers are a mocked clock's, and animations are set to each moment. So a slow machine sees every
frame, and the same ones.
"""

import io
import itertools
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Page

from relay import app
from relay.protocol import EXPRESSIONS, TAPS
from tests import flashes
from tests.e2e.conftest import OpenPage
from tests.e2e.overlay_page import moment, mood, push

STEP_MS = 50
A_SECOND = 1000 // STEP_MS
ON = """step => { for (const animation of document.getAnimations()) {
    animation.pause();
    const now = (animation.currentTime ?? 0) + step;
    if (now >= animation.effect.getComputedTiming().endTime) animation.finish(); else animation.currentTime = now;
} }"""
"""JavaScript: every animation so much further."""


def frame_of(level: int) -> np.ndarray[Any, Any]:
    return np.full((64, 64, 3), level, np.uint8)


@pytest.mark.parametrize(("hertz", "found"), [(2, 0.0), (3, 0.0), (4, 1.0), (8, 1.0)])
def test_the_meter_finds_what_flashes_more_than_three_times_a_second(hertz: int, found: float) -> None:
    half = 24 // (2 * hertz)
    frames = [frame_of(220 if index // half % 2 else 20) for index in range(72)]
    assert flashes.flashing(frames, 24) == found
    assert flashes.flashing([frame_of(120 + index % 2 * 8) for index in range(48)], 24) == 0  # too faint


async def frames_of(page: Page, seconds: float, every: dict[int, Any]) -> list[np.ndarray[Any, Any]]:
    """The page's frames while each of ``every`` (pause in milliseconds: makes a message) is pushed again and again."""
    frames = []
    for now in range(0, int(1000 * seconds), STEP_MS):
        for pause, make in every.items():
            if now % pause < STEP_MS:
                await push(page, **next(make))
        await page.clock.run_for(STEP_MS)
        await page.evaluate(ON, STEP_MS)
        picture = Image.open(io.BytesIO(await page.screenshot()))
        frames.append(np.asarray(picture.convert("RGB")))
    return frames


@pytest.mark.parametrize("layout", ["bar"])
async def test_an_audience_that_turns_over_eight_times_a_second_makes_nothing_flash(
    relay: app.Relay, open_page: OpenPage, layout: str
) -> None:
    page = await open_page(f"{relay.url}/overlay?source=obs&layout={layout}", 480, 270, mock_clock=True)
    await page.add_style_tag(content="html { background: #101014 !important }")
    moods = itertools.cycle([mood([0, 0, 0, 9, 0, 0, 0]), mood([0, 0, 0, 0, 9, 0, 0])])
    kinds = itertools.cycle([*(("tap", name) for name in TAPS), *(("expression", name) for name in EXPRESSIONS[:6])])
    reactions = (
        {"type": "reaction", "time": 1e9, "kind": kind, "name": name, "strength": 1.0, "count": 50}
        for kind, name in kinds
    )
    others = itertools.cycle([
        moment("happy"), {"type": "countdown", "time": 0.0, "seconds": 5, "zero": 1.2},
        moment("sad"), {"type": "face", "time": 1e9, "emotion": "happy", "delay": 0},
        mood([0] * 7, visible=False), {"type": "face", "time": 1e9, "emotion": None, "delay": 0},
    ])  # fmt: skip
    frames = await frames_of(page, 3.5, {100: moods, 50: reactions, 150: others})
    assert flashes.flashing(frames, A_SECOND) < flashes.LARGE
    assert flashes.flashing(frames, A_SECOND, more_than=0) > 0  # something was there to see
