"""Action units: OpenFace's columns, made of blendshapes and distances, less the person's own rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.clips import action_units
from models.clips.action_units import HEIGHTS, INTENSITIES, UNITS, UNITS_BY_NUMBER, WIDTHS
from models.inference.blendshapes import BLENDSHAPES

COUNT = len(UNITS_BY_NUMBER)
STRENGTHS = arrays(np.float32, (7, COUNT), elements=st.floats(-2, 2, width=32))


def film(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks and blendshapes that move from frame to frame."""
    rng = np.random.default_rng(seed)
    face = rng.uniform(100, 300, (478, 2))
    face[[33, 133], 0], face[[362, 263], 0] = 150, 250
    face[[33, 133, 362, 263], 1] = 180
    return face + rng.normal(0, 0.5, (frames, 478, 2)), rng.uniform(0, 1, (frames, 52)).astype(np.float32)


def test_the_columns_are_those_of_openface() -> None:
    numbers = "01 02 04 05 06 07 09 10 12 14 15 17 20 23 25 26"
    intensities = [f"AU{number}_r" for number in (*numbers.split(), "45")]
    presences = [f"AU{number}_c" for number in (*numbers.split(), "28", "45")]
    assert list(UNITS) == intensities + presences
    assert list(INTENSITIES) == intensities


def test_every_formula_is_of_what_there_is() -> None:
    pairs = {name.removesuffix("Left") for name in BLENDSHAPES if name.endswith("Left")}
    for unit in UNITS_BY_NUMBER.values():
        assert set(unit.weights) <= {*BLENDSHAPES, *pairs, *HEIGHTS, *WIDTHS}
        assert 0 not in unit.weights.values()


def test_a_formula_is_told_as_a_sum() -> None:
    assert action_units.Unit("", "", {"browDown": 2, "brows apart": -1.5}).formula == "2 browDown - 1.5 brows apart"


def test_neither_roll_nor_size_nor_place_of_the_head_matters() -> None:
    points, shapes = film(3)
    angle = np.deg2rad(25)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(
        action_units.strengths(points @ turn * 2.5 + (40, -7), shapes),
        action_units.strengths(points, shapes),
        atol=1e-4,
    )


def test_a_smile_is_the_lip_corner_puller() -> None:
    points, shapes = film(1)
    points, shapes = points.repeat(40, 0), shapes.repeat(40, 0) * 0
    shapes[35:, [BLENDSHAPES.index(f"mouthSmile{side}") for side in ("Left", "Right")]] = 0.8
    found = dict(zip(UNITS, action_units.estimate(points, shapes).T, strict=True))
    assert found["AU12_r"][:35].max() == 0
    assert found["AU12_r"][35:] == pytest.approx(5 * 0.6 * 0.8)
    assert found["AU12_c"].tolist() == [0] * 35 + [1] * 5
    others = np.stack([column for name, column in found.items() if not name.startswith("AU12")])
    assert not others.any()


def test_a_median_runs_after_its_first_frames() -> None:
    found = np.arange(50, dtype=np.float32)[:, None]
    running = action_units.running_median(found)[:, 0]
    begin = action_units.SETTLED
    assert (running[:begin] == np.median(found[:begin])).all()
    assert running[begin:].tolist() == [np.median(found[: end + 1]) for end in range(begin, 50)]
    assert action_units.running_median(found[:5]).tolist() == [[2.0]] * 5


@given(arrays(np.float32, st.tuples(st.integers(1, 45), st.just(2)), elements=st.floats(-2, 2, width=16)))
def test_a_running_median_is_that_of_all_frames_so_far(found: np.ndarray) -> None:
    first = min(action_units.SETTLED, len(found))
    expected = [np.median(found[: max(end, first)], 0) for end in range(1, len(found) + 1)]
    np.testing.assert_allclose(action_units.running_median(found), expected, atol=1e-6)


def test_a_film_without_frames_has_no_columns() -> None:
    assert action_units.estimate(*film(0)).shape == (0, len(UNITS))


@given(STRENGTHS, arrays(np.float32, (COUNT,), elements=st.floats(-2, 2, width=32)))
def test_columns_stay_in_their_ranges_and_presence_follows_intensity(found: np.ndarray, rest: np.ndarray) -> None:
    made = dict(zip(UNITS, action_units.columns(found, rest).T, strict=True))
    for name, column in made.items():
        assert column.min() >= 0
        assert column.max() <= (5 if name.endswith("_r") else 1)
        if name.endswith("_r"):
            assert ((column >= 1) == made[f"{name[:-2]}_c"]).all()


def test_a_given_rest_is_taken_off() -> None:
    points, shapes = film(6)
    rest = np.median(action_units.strengths(points, shapes), 0)
    np.testing.assert_array_equal(
        action_units.estimate(points, shapes, rest), action_units.estimate(points, shapes)
    )  # of so short a film, the running median is the same
    assert action_units.estimate(points, shapes, rest).shape == (6, 35)
    assert action_units.estimate(points, shapes, rest).dtype == np.float32
