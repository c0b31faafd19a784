"""The browser reads the same in a face as the agent: the same frames through both (``benchmarks.browser_parity``)."""

import contextlib
import itertools

import cv2
import pytest

from benchmarks import browser_parity
from benchmarks.browser_parity import MadeOut, apart, changes
from models.inference import registry
from tests.e2e import fake_camera
from tests.e2e.agent_program import weights
from tests.e2e.fake_camera import LONDON, SAD_THEN_HAPPY, SIZE, framed


@pytest.fixture(autouse=True)
def files() -> None:
    """What both read faces with; skips where it was not fetched."""
    for name in registry.BROWSER.values():
        weights(name)


def shown_alike(pairs: list[tuple[MadeOut, MadeOut]]) -> None:
    """Each change of what is shown comes with both, at most a frame apart."""
    by_agent, in_browser = (changes(one.shown for one in side) for side in zip(*pairs, strict=True))
    assert [what for _, what in by_agent] == [what for _, what in in_browser]
    assert all(abs(one - other) <= 1 for (one, _), (other, _) in zip(by_agent, in_browser, strict=True))


async def test_a_face_is_read_the_same() -> None:
    """Nobody, somebody who smiles, two of whom one is nearer; then, where it is here, six seconds of video."""
    smiling = fake_camera.portrait()
    scenes = [framed(one) for one in (fake_camera.nobody(), smiling, fake_camera.side_by_side(smiling[60:], smiling))]
    frames = [(1000 * number, scenes[number // 4]) for number in range(12)]
    if SAD_THEN_HAPPY.is_file():
        pictures = itertools.islice(fake_camera.video_frames(fps=browser_parity.FPS), 28, 58)
        frames += [(60_000 + 200 * number, framed(picture)) for number, picture in enumerate(pictures)]
    pairs = await browser_parity.through_both(frames)
    assert [one.label for one, _ in pairs] == [other.label for _, other in pairs]
    assert "happy" in {one.shown for one, _ in pairs[:12]}
    assert max(apart(pairs)) < 0.1
    assert len(frames) == 12 or {"sad", "happy"} <= {one.shown for one, _ in pairs[12:]}
    shown_alike(pairs)


@pytest.mark.nightly
@pytest.mark.skipif(not SAD_THEN_HAPPY.is_file(), reason="needs ../shared/data/video, which is not here")
async def test_all_of_a_video_is_read_the_same() -> None:
    pairs = await browser_parity.video(fake_camera.video_frames(fps=browser_parity.FPS), SIZE)
    assert len(pairs) > 90
    shown_alike(pairs)


@pytest.mark.nightly
@pytest.mark.skipif(not LONDON.is_dir(), reason="needs the portraits ../shared/data/photos/london, which are not here")
async def test_all_portraits_but_one_are_read_the_same() -> None:
    pictures = {file.stem: fake_camera.read(file) for file in sorted(LONDON.glob("*.jpg"))}
    found = await browser_parity.portraits(pictures, SIZE)
    differ = [name for name, (one, other) in found.items() if one.label != other.label]
    assert len(found) == 120
    assert len(differ) <= 1, differ


@pytest.mark.nightly
@pytest.mark.skipif(not LONDON.is_dir(), reason="needs the portraits ../shared/data/photos/london, which are not here")
async def test_both_undo_a_camera_that_squeezes() -> None:
    """A minute of people as narrow as 16:9 shown as 4:3 makes them; what comes then is read in its right shape."""
    files = sorted(LONDON.glob("*_neutral.jpg")) + sorted(LONDON.glob("*_happy.jpg"))[:20]
    squeezed = [cv2.resize(framed(fake_camera.read(file)), (240, 240)) for file in files]
    agent = browser_parity.InAgent()
    with contextlib.closing(agent):
        async with browser_parity.in_browser() as browser:
            looks = [(frame, 1000 * number) for number, frame in enumerate(squeezed)]
            pairs = [(agent.look(*look), await browser.look(*look)) for look in looks]
        assert agent.recogniser.stretch == 0.75
    differ = [number for number, (one, other) in enumerate(pairs) if one.label != other.label]
    assert len(differ) <= 1, differ
    assert "happy" in {one.label for one, _ in pairs[-10:]}
