"""The mood core: figures, visibility, trend."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.mood import KINDS, SHOW_AFTER_S, Counts, Trend, Visibility
from relay.protocol import EXPRESSIONS, NEUTRAL

counts = st.lists(st.integers(0, 1000), min_size=KINDS, max_size=KINDS).map(lambda values: Counts(tuple(values)))


def of(**by_name: int) -> Counts:
    return Counts(tuple(by_name.get(name, 0) for name in EXPRESSIONS))


@given(counts)
def test_figures_stay_in_their_ranges(found: Counts) -> None:
    assert -1 <= found.valence <= 1
    assert 0 <= found.resonance <= 1
    assert sum(found.shares) == pytest.approx(1 if found.sharing else 0)


@pytest.mark.parametrize(
    ("found", "resonance"),
    [
        (of(), 0.0),
        (of(happy=1), 0.0),
        (of(neutral=50), 0.0),
        (of(happy=2), 1.0),
        (of(surprise=40), 1.0),
        (of(happy=5, neutral=5), 0.5),
        # every expression alike: agreement is below chance, since nobody pairs with itself
        (of(angry=10, disgust=10, fear=10, happy=10, sad=10, surprise=10), 0.0),
        # A = (3*2 + 1*0) / (4*3) = 1/2, C = (1/2 - 1/6) / (5/6) = 2/5
        (of(happy=3, sad=1), 0.4),
        # the same, diluted to half by four neutral ones
        (of(happy=3, sad=1, neutral=4), 0.2),
    ],
)
def test_resonance_by_hand(found: Counts, resonance: float) -> None:
    assert found.resonance == pytest.approx(resonance)


@pytest.mark.parametrize(
    ("found", "valence"),
    [
        (of(), 0.0),
        (of(happy=4), 1.0),
        (of(angry=1, disgust=1, fear=1, sad=1), -1.0),
        (of(surprise=3, neutral=5), 0.0),
        (of(happy=3, sad=1, neutral=4), 0.25),
    ],
)
def test_valence_by_hand(found: Counts, valence: float) -> None:
    assert found.valence == pytest.approx(valence)


def test_the_counts_of_two_audiences_add_up() -> None:
    assert of(happy=3, fear=1) + of(happy=1, sad=2) == of(happy=4, fear=1, sad=2)
    assert Counts() == of()
    assert (of(happy=3, fear=1) + of()).shares == (0, 0, 0.25, 0.75, 0, 0, 0)


def test_neutral_is_the_last_expression() -> None:
    assert NEUTRAL == KINDS - 1


def test_a_mood_hides_at_once_and_shows_after_a_while() -> None:
    visibility = Visibility(least=5)
    assert visibility.visible is False
    assert not visibility.update(5, 0.0)
    assert not visibility.update(5, SHOW_AFTER_S - 0.01)
    assert visibility.update(5, SHOW_AFTER_S)
    assert visibility.visible is True
    assert not visibility.update(4, 1.1)
    assert visibility.visible is False
    assert not visibility.update(9, 1.2)
    assert visibility.update(9, 1.2 + SHOW_AFTER_S)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 2)), max_size=50))
def test_too_few_are_never_visible(steps: list[tuple[int, float]]) -> None:
    visibility, now = Visibility(least=5), 0.0
    for sharing, pause in steps:
        now += pause
        assert not (visibility.update(sharing, now) and sharing < 5)


def test_trend_is_the_difference_to_the_recent_mean() -> None:
    trend = Trend()
    assert trend.update(0.2, 0.0) == 0.0
    assert trend.update(0.8, 0.25) == pytest.approx(0.6)
    for tick in range(2, 200):
        value = trend.update(0.8, tick * 0.25)
    assert value == pytest.approx(0.0, abs=0.001)
    assert trend.update(-0.2, 50.0) == pytest.approx(-1.0, abs=0.001)


@pytest.mark.parametrize("tick", [0.05, 0.25, 1.0])
def test_trend_does_not_depend_on_the_tick(tick: float) -> None:
    trend = Trend()
    trend.update(0.0, 0.0)
    for step in range(1, round(5 / tick) + 1):
        trend.update(1.0, step * tick)
    assert trend.update(1.0, 5.0) == pytest.approx(0.368, abs=0.001)
