"""The overlay as a picture."""

import asyncio
import io
import json
from collections import Counter
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from relay.app import Relay
from relay.common import look
from relay.common.paint import marks, segments
from relay.http.picture import Asked, Pictures, draw
from relay.protocol import EXPRESSIONS, TAPS, Expression, Mood, Reaction
from tests.support import Viewer, audience, leave, subscribe, wait_until

PALETTE = json.loads((Path(__file__).parents[2] / "overlay" / "palette.json").read_text())


def mood(*, visible: bool = True, sharing: int = 10, resonance: float = 0.5, **shares: float) -> Mood:
    return Mood(
        seq=1, time=100.0, visible=visible, viewers=12, sharing=sharing, min_viewers=5, counts=[0] * 7,
        shares=[shares.get(name, 0.0) for name in EXPRESSIONS], valence=0, resonance=resonance, trend=0,
    )  # fmt: skip


def pixels_like(picture: Image.Image, expression: str) -> int:
    """How many opaque pixels have about the colour of the expression."""
    colour = np.array([int(PALETTE[expression][start : start + 2], 16) for start in (1, 3, 5)])
    pixels = np.asarray(picture).astype(int)
    near = np.abs(pixels[..., :3] - colour).max(axis=2) < 45
    return int((near & (pixels[..., 3] > 250)).sum())


@pytest.mark.parametrize(
    ("width", "height"), [(160, 60), (160, 1080), (640, 120), (800, 200), (1920, 60), (1920, 1080)]
)
@pytest.mark.parametrize("visible", [True, False])
def test_every_size(width: int, height: int, visible: bool) -> None:
    reactions = [Reaction(time=99.0, kind="tap", name=name, strength=1.0, count=12345) for name in TAPS]
    picture = draw(mood(visible=visible, happy=0.6, neutral=0.4, sharing=99999), reactions, width, height)
    assert (picture.size, picture.mode) == ((width, height), "RGBA")
    alpha = np.asarray(picture)[..., 3]
    assert alpha[0, -1] == 0  # transparent in the corner, so that the video shows
    assert alpha[height * 3 // 4 :, width // 2].max() > 150  # and a panel at the bottom, as wide as it needs


def test_a_pause_is_written_where_the_condition_would_be() -> None:
    hidden, paused = mood(visible=False), msgspec.structs.replace(mood(visible=False), paused=True)
    asked = [np.asarray(draw(one, [], 800, 200)) for one in (hidden, paused, paused)]
    assert (asked[0] != asked[1]).any()
    assert (asked[1] == asked[2]).all()


def test_without_cameras_it_asks_for_taps() -> None:
    hidden, paused, taps = (
        msgspec.structs.replace(mood(visible=False), **values)
        for values in ({}, {"paused": True, "cameras": False}, {"cameras": False})
    )
    drawn = [np.asarray(draw(one, [], 800, 200)) for one in (hidden, paused, taps)]
    assert (drawn[2] != drawn[0]).any()
    assert (drawn[2] != drawn[1]).any()


def test_the_bar_shows_the_shares() -> None:
    picture = draw(mood(happy=0.75, sad=0.25), [], 800, 200)
    happy, sad = pixels_like(picture, "happy"), pixels_like(picture, "sad")
    assert happy == pytest.approx(3 * sad, rel=0.25)
    assert pixels_like(draw(mood(sad=1.0), [], 800, 200), "sad") > 3 * sad


def test_a_reaction_floats_up() -> None:
    def top(age: float) -> int:
        reaction = Reaction(time=100.0 - age, kind="expression", name="surprise", strength=0.5, count=5)
        alpha = np.asarray(draw(mood(happy=1.0), [reaction], 800, 400))[..., 3]
        return int(np.nonzero(alpha.max(axis=1) > 60)[0][0])

    empty = np.asarray(draw(mood(happy=1.0), [], 800, 400))[..., 3]
    panel = int(np.nonzero(empty.max(axis=1) > 60)[0][0])
    assert panel > top(0.5) > top(1.5) > top(2.5)
    assert top(4.5) == panel


@pytest.mark.parametrize("name", EXPRESSIONS + TAPS)
def test_a_reaction_that_was_asked_for_floats_straight_up_over_any_mood(name: str) -> None:
    for found in (mood(happy=1.0), mood(visible=False, sharing=0)):
        empty = np.asarray(draw(found, [], 800, 400)).astype(int)
        tops, middles = [], []
        for age in (0.5, 1.0, 1.5, 2.0, 2.5):
            changed = np.asarray(draw(found, [], 800, 400, Asked(name, age))).astype(int) != empty
            rows, columns = np.nonzero(changed.any(axis=2))
            tops.append(rows.min())
            middles.append((columns.min() + columns.max()) / 2)
        assert tops == sorted(tops, reverse=True)
        assert tops[0] > tops[-1]
        assert max(middles) - min(middles) < 0.1 * 800, "it jumps from side to side"
        assert draw(found, [], 800, 400, Asked(name, 4.0)).tobytes() == draw(found, [], 800, 400).tobytes()


def test_while_hidden_it_is_the_same_whoever_is_there() -> None:
    """Neither a count nor a bar: with one viewer they would tell when this one's face is seen."""
    pictures = {
        draw(hidden, [], 800, 200).tobytes()
        for sharing in range(5)
        for hidden in (mood(visible=False, sharing=sharing), mood(visible=False, sharing=sharing, happy=1.0))
    }
    assert len(pictures) == 1
    empty = draw(mood(visible=False, sharing=0), [], 800, 200)
    assert not any(pixels_like(empty, name) > 100 for name in ("happy", "angry", "fear"))


def test_while_hidden_it_says_what_it_waits_for() -> None:
    def words(least: int, crowd: Literal["networks", "viewers"]) -> bytes:
        return draw(
            msgspec.structs.replace(mood(visible=False), min_viewers=least, crowd=crowd), [], 800, 200
        ).tobytes()

    assert len({words(least, crowd) for least in (2, 5, 13) for crowd in ("networks", "viewers")}) == 6
    assert words(1, "networks") == words(1, "viewers")


@pytest.mark.parametrize(("width", "height"), [(160, 60), (160, 240), (320, 180), (640, 120), (1280, 720)])
@pytest.mark.parametrize("least", [1, 5, 1000])
def test_the_sentence_stays_inside_the_panel_and_can_be_read(width: int, height: int, least: int) -> None:
    waiting = msgspec.structs.replace(mood(visible=False), min_viewers=least, crowd="networks")
    picture = np.asarray(draw(waiting, [], width, height)).astype(int)
    white = (picture[..., :3].min(axis=2) > 200) & (picture[..., 3] > 230)
    rows, columns = np.nonzero(white)
    em = look.em(width, height)
    assert columns.max() <= width - (look.MARGIN + look.PADDING_X) * em + 2
    assert rows.min() >= height - (look.MARGIN + look.PANEL_HEIGHT) * em
    letters = white[:, round((look.MARGIN + look.PADDING_X + 2.6) * em) :]
    assert np.nonzero(letters.any(axis=1))[0].size > 0.5 * em  # no line shrunk to a scratch


@given(st.lists(st.integers(0, 500), min_size=7, max_size=7), st.integers(100, 1900))
def test_segments_fill_the_bar_in_order(counts: list[int], width: int) -> None:
    total = sum(counts)
    found = segments([count / total if total else 0.0 for count in counts], width)
    assert list(found) == [index for index, count in enumerate(counts) if count]
    spans = list(found.values())
    assert all(end > start for start, end in spans)
    if spans:
        assert spans[0][0] == 0
        assert abs(spans[-1][1] - width) <= 1
        for index, (start, end) in found.items():
            assert end - start == pytest.approx(
                (width - look.SEGMENT_GAP * (len(spans) - 1)) * counts[index] / total, abs=1
            )


@given(st.lists(st.integers(0, 500), min_size=7, max_size=7), st.integers(500, 1900), st.integers(20, 60))
def test_every_segment_is_marked_inside_the_bar_and_no_mark_hides_another(
    counts: list[int], width: int, height: int
) -> None:
    parts = segments([count / max(1, sum(counts)) for count in counts], width)
    found = marks(parts, width, height)
    assert list(found) == list(parts)
    reached = 0.0
    for index, mark in found.items():
        half = look.DISC * mark.size * height / 2
        assert mark.middle - half >= reached - 1e-6
        reached = mark.middle + half
        room = parts[index][1] - parts[index][0]
        assert mark.dot == (room < height / 2)
        assert mark.dot or mark.size * height <= room + 1e-6
    assert reached <= width


@settings(max_examples=20)
@given(st.integers(160, 1920), st.integers(60, 400), st.lists(st.floats(0, 1), min_size=7, max_size=7))
def test_no_mood_and_no_size_breaks_it(width: int, height: int, shares: list[float]) -> None:
    total = sum(shares) or 1.0
    found = mood(**dict(zip(EXPRESSIONS, (share / total for share in shares), strict=True)))
    assert draw(found, [], width, height).size == (width, height)


async def picture_of(relay: Relay, key: str, query: str = "?width=400&height=120") -> Image.Image:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{relay.url}/v1/channels/demo/overlay.png{query}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        assert (response.status, response.content_type) == (200, "image/png"), await response.text()
        return Image.open(io.BytesIO(await response.read()))


async def test_the_relay_serves_it_and_it_follows_the_mood(relay: Relay) -> None:
    key = relay.create_channel("demo").display_key
    empty = await picture_of(relay, key)
    assert (empty.size, empty.mode) == ((400, 120), "RGBA")
    async with await Viewer.connect(relay.url) as viewer, await subscribe(relay.url, "demo", key) as client:
        for name in ("happy", "angry"):
            emotion: Expression = name  # type: ignore[assignment]
            await viewer.label(emotion)
            await client.mood(lambda found: found.visible and found.shares[EXPRESSIONS.index(name)] == 1)  # noqa: B023
            assert pixels_like(await picture_of(relay, key), name) > 1000
            assert pixels_like(empty, name) == 0


async def test_all_who_ask_in_one_tick_get_the_same(relay: Relay) -> None:
    key = relay.create_channel("demo").display_key
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    pictures = [await picture_of(relay, key, "") for _ in range(2)]
    assert {picture.size for picture in pictures} == {(1280, 720)}
    await leave(viewers)


async def test_few_pictures_of_a_channel_are_drawn_at_once(relay: Relay) -> None:
    key = relay.create_channel("demo").display_key

    async def ask(http: aiohttp.ClientSession, query: str) -> int:
        async with http.get(f"{relay.url}/v1/channels/demo/overlay.png?{query}") as response:
            if response.status == 503:
                assert response.headers["Retry-After"] == "1"
                assert "pictures of 'demo' are being drawn" in (await response.json())["error"]["message"]
            return response.status

    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as http:
        sizes = [f"width={1900 - number}&height=1080" for number in range(60)]
        answers = Counter(await asyncio.gather(*(ask(http, size) for size in sizes)))
        assert answers.keys() == {200, 503}
        assert answers[200] >= Pictures.A_CHANNEL
        # Afterwards there is room again, and who asks for the same waits for the same.
        assert await ask(http, sizes[0]) == 200
        assert set(await asyncio.gather(*(ask(http, "width=1280&height=720") for _ in range(60)))) == {200}


async def test_a_reaction_is_in_the_one_picture_that_was_asked_for_with_it(relay: Relay) -> None:
    key = relay.create_channel("demo").display_key
    size = "?width=400&height=240"
    plain = await picture_of(relay, key, size)
    early = await picture_of(relay, key, size + "&reaction=heart&age=0.5")
    late = await picture_of(relay, key, size + "&reaction=heart&age=2.5")
    assert len({picture.tobytes() for picture in (plain, early, late)}) == 3
    assert (await picture_of(relay, key, size)).tobytes() == plain.tobytes()


async def test_language_and_title_are_as_asked_for(relay: Relay) -> None:
    key = relay.create_channel("demo").display_key
    size = "?width=800&height=120"
    english, german = [await picture_of(relay, key, f"{size}&language={language}") for language in ("en", "de")]
    assert english.tobytes() != german.tobytes()
    assert (await picture_of(relay, key, size)).tobytes() == english.tobytes()
    viewers = await audience(relay.url, "demo", ["happy"] * 3)
    url = f"{relay.url}/v1/channels/demo/overlay.png{size}&title="
    seen = []
    async with await subscribe(relay.url, "demo", key) as client:
        await client.mood(lambda found: found.visible and found.sharing == 3)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http:
        for title in ("", "Quiz%20night", "Quiz%20night%F0%9F%99%82"):
            async with http.get(url + title) as response:
                seen.append((await response.read(), response.headers.get("Moodcast-Notice", "")))
    assert seen[0][0] != seen[1][0] == seen[2][0]
    assert [notice for _, notice in seen[:2]] == ["", ""]
    assert "U+1F642" in seen[2][1]
    await leave(viewers)


@pytest.mark.parametrize(
    "query",
    ["width=159", "width=1921", "height=59", "height=1081", "width=x", "width=", "height=-60"]
    + ["language=", "language=xx", "language=EN", "title=" + "x" * 61, "title=a%0ab", "title=a%E2%80%AEb"]
    + ["reaction=", "reaction=joy", "reaction=../happy"]
    + [f"age={age}&reaction=happy" for age in ("-0.1", "4.01", "nan", "inf", "soon", "")],
)
async def test_a_bad_query_is_refused_in_a_sentence(relay: Relay, query: str) -> None:
    headers = {"Authorization": f"Bearer {relay.create_channel('demo').display_key}"}
    url = f"{relay.url}/v1/channels/demo/overlay.png?{query}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        assert response.status == 400
        assert f"Expected {query.split('=')[0]} " in (await response.json())["error"]["message"]


@pytest.mark.parametrize(("width", "height"), [(160, 60), (640, 120), (800, 400), (1920, 1080)])
def test_a_countdown_is_drawn_in_the_middle_and_its_zero_is_unmistakable(width: int, height: int) -> None:
    plain = np.asarray(draw(mood(happy=1.0), [], width, height)).astype(int)
    pictures = [np.asarray(draw(mood(happy=1.0), [], width, height, digit=digit)).astype(int) for digit in (30, 1, 0)]
    for picture in pictures:
        _, columns = np.nonzero((picture != plain).any(axis=2))
        assert (columns.min() + columns.max()) / 2 == pytest.approx(width / 2, abs=2)
    changed = [picture[(picture != plain).any(axis=2)] for picture in pictures]
    yellow = [float((np.abs(pixels[:, :3] - (255, 201, 60)).max(axis=1) < 10).mean()) for pixels in changed]
    assert yellow[2] > 2 * max(yellow[:2])


@pytest.mark.slow
async def test_the_served_picture_counts_down(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    headers = {"Authorization": f"Bearer {keys.display_key}"}
    path = f"{relay.url}/v1/channels/demo"
    seen: list[bytes] = []
    async with aiohttp.ClientSession(headers=headers) as session:

        async def next_digit() -> bytes:
            async with session.get(f"{path}/overlay.png?width=320&height=180") as response:
                picture = np.asarray(Image.open(io.BytesIO(await response.read())))
            return bytes(picture[:90].tobytes())  # above the panel

        empty = await next_digit()
        async with session.post(f"{path}/countdown", json={"seconds": 3}) as response:
            assert response.status == 201

        async def over() -> bool:
            digit = await next_digit()
            if digit not in seen[-1:]:
                seen.append(digit)
            return digit == empty

        await wait_until(over)
    assert len(seen) == len(set(seen)) == 5  # 3, 2, 1, 0 and nothing
