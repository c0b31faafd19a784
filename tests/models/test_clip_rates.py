"""Which rate of a clip counts, the table's or its file's; and what another rate is made of."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clips import rates
from models.errors import DatasetError

RATES = st.sampled_from((25.0, 30.0, 60.0, 100.0, 120.0, 200.0))


def test_a_table_and_a_header_that_agree() -> None:
    assert rates.settled(30, 29.97, "a") == (30, "")
    assert rates.settled(200, None, "a") == (200, "")
    assert rates.settled(math.nan, 60, "a") == (60, "")


@pytest.mark.parametrize("header", [0, math.nan, 1000, -25, math.inf])
def test_a_header_that_can_not_be_true(header: float) -> None:
    rate, sentence = rates.settled(60, header, "a.mp4")
    assert rate == 60
    assert f"in the header of a.mp4, got {header:g}: the table's 60 count" in sentence
    rate, sentence = rates.settled(math.nan, header, "a.mp4")
    assert math.isnan(rate)
    assert sentence.endswith("its rate counts as not known")


def test_a_header_that_contradicts_the_table() -> None:
    assert rates.settled(200, 25, "a") == (
        200,
        "the header of a says 25 frames a second, and the table 200: the table counts",
    )


@given(st.floats(5, 500), st.one_of(st.none(), st.floats(allow_nan=True)))
def test_a_table_always_counts(table: float, header: float | None) -> None:
    assert rates.settled(table, header, "a")[0] == table


@pytest.mark.parametrize(
    ("fps", "to", "places", "invented"),
    [
        (60, 120, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6], 6 / 13),
        (120, 60, [0, 2, 4, 6], 0),
        (200, 60, [0, 10 / 3], 1 / 2),
        (200, 120, [0, 5 / 3, 10 / 3, 5], 1 / 2),
        (60, 60, [0, 1, 2, 3, 4, 5, 6], 0),
        (59.94, 60, [0, 1, 2, 3, 4, 5, 6], 0),
    ],
)
def test_a_conversion_says_what_it_invents(fps: float, to: float, places: list[float], invented: float) -> None:
    conversion = rates.convert(7, fps, to)
    np.testing.assert_allclose(conversion.before + conversion.share, places)
    assert conversion.invented == pytest.approx(invented)


@given(frames=st.integers(1, 300), fps=RATES, to=RATES)
def test_a_conversion_stays_within_the_clip(frames: int, fps: float, to: float) -> None:
    conversion = rates.convert(frames, fps, to)
    assert conversion.before[0] == 0
    assert (conversion.share >= 0).all()
    times = conversion.before + conversion.share
    assert times[-1] <= frames - 1 < times[-1] + fps / to + 1e-6
    assert (conversion.before[conversion.share > 0] < frames - 1).all()


@given(frames=st.integers(2, 40), fps=RATES, to=RATES)
def test_steady_motion_is_as_fast_at_every_rate(frames: int, fps: float, to: float) -> None:
    flow = np.full((frames - 1, 2, 2, 2), 3 / fps, np.float32)
    conversion = rates.convert(frames, fps, to)
    converted = rates.converted_flow(flow, conversion)
    assert converted.shape == (len(conversion.before) - 1, 2, 2, 2)
    np.testing.assert_allclose(converted, 3 / to, rtol=1e-5)


def test_flow_between_invented_frames_is_a_part_of_a_recorded_one() -> None:
    flow = np.arange(1, 4, dtype=np.float32).reshape(3, 1, 1, 1) * np.ones((1, 1, 1, 2), np.float32)
    doubled = rates.converted_flow(flow, rates.convert(4, 60, 120))
    np.testing.assert_allclose(doubled[:, 0, 0, 0], [0.5, 0.5, 1, 1, 1.5, 1.5])
    halved = rates.converted_flow(flow, rates.convert(4, 120, 60))
    np.testing.assert_allclose(halved[:, 0, 0, 1], [3])


def test_recorded_frames_are_kept_as_they_are() -> None:
    frames = np.random.default_rng(3).integers(0, 256, (5, 4, 4, 3), np.uint8)
    conversion = rates.convert(5, 60, 120)
    doubled = rates.blended(frames, conversion)
    np.testing.assert_array_equal(doubled[::2], frames)
    between = (frames[1].astype(float) + frames[2]) / 2
    assert np.abs(doubled[3] - between).max() <= 0.5


def test_one_frame_is_one_frame_and_no_flow() -> None:
    conversion = rates.convert(1, 60, 120)
    assert (conversion.before.tolist(), conversion.invented) == ([0], 0)
    assert rates.converted_flow(np.zeros((0, 2, 2, 2), np.float32), conversion).shape == (0, 2, 2, 2)


@pytest.mark.parametrize(
    ("fps", "said"), [(math.nan, "not known"), (0, "is 0"), (90000, "is 90000"), (math.inf, "inf")]
)
def test_an_unknown_or_impossible_rate_is_a_sentence(fps: float, said: str) -> None:
    with pytest.raises(DatasetError, match=f"anna.mp4.*{said}"):
        rates.checked(fps, "anna.mp4")
    assert rates.checked(200, "anna.mp4") == 200


@given(frames=st.integers(1, 60), count=st.integers(1, 60))
def test_spread_over_another_number_a_steady_motion_stays_steady(frames: int, count: int) -> None:
    spread = rates.spread(frames, count)
    times = spread.before + spread.share
    np.testing.assert_allclose(times, np.linspace(0, frames - 1, count), atol=1e-9)
    assert (spread.share < 1).all()
    if frames == count:
        assert spread.invented == 0
