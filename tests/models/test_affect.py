"""Valence, arousal and intensity: in range, and moving the way they are said to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.inference.affect import RATINGS, affect
from relay.protocol import EXPRESSIONS

PROBABILITIES = (
    st.lists(st.floats(0.001, 1), min_size=7, max_size=7)
    .map(lambda weights: [weight / sum(weights) for weight in weights])
)  # fmt: skip


def sure_of(name: str) -> list[float]:
    return [float(name == expression) for expression in EXPRESSIONS]


def test_a_sure_answer_has_its_rating() -> None:
    assert affect(sure_of("happy")).valence == pytest.approx(0.81)
    assert affect(sure_of("sad")).arousal == pytest.approx(-0.27)
    assert affect(sure_of("happy")).intensity == 1
    neutral = affect(sure_of("neutral"))
    assert (neutral.valence, neutral.arousal, neutral.intensity) == (0, 0, 0)


def test_every_expression_has_a_rating() -> None:
    assert set(RATINGS) == set(EXPRESSIONS)


@given(PROBABILITIES)
def test_in_range(probabilities: list[float]) -> None:
    found = affect(probabilities)
    assert -1 <= found.valence <= 1
    assert -1 <= found.arousal <= 1
    assert 0 <= found.intensity <= 1


@given(PROBABILITIES, st.permutations(EXPRESSIONS), st.floats(0.1, 1))
def test_monotone(probabilities: list[float], order: list[str], share: float) -> None:
    """Moving probability from one expression to another moves each figure as their ratings differ."""
    giver, taker = (EXPRESSIONS.index(name) for name in order[:2])
    moved = list(probabilities)
    moved[giver] -= share * probabilities[giver]
    moved[taker] += share * probabilities[giver]
    before, after = affect(probabilities), affect(moved)
    for index, name in enumerate(("valence", "arousal")):
        rise = RATINGS[EXPRESSIONS[taker]][index] - RATINGS[EXPRESSIONS[giver]][index]
        change = getattr(after, name) - getattr(before, name)
        assert change == pytest.approx(rise * share * probabilities[giver], abs=1e-9)
    if order[0] == "neutral":
        assert after.intensity > before.intensity
