"""MEGC's measures: what counts as a hit, and that nothing is counted twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.micro import megc
from models.micro.megc import Span, Tally

SPAN = st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda pair: (pair[0], pair[0] + pair[1]))
SPANS = st.lists(SPAN, max_size=6)
COUNTS = st.builds(
    lambda hits, more, missed: Tally(hits + more, hits + missed, hits), *[st.integers(0, 50) for _ in range(3)]
)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((0, 9), (0, 9), 1), ((0, 9), (10, 19), 0), ((0, 9), (5, 14), 5 / 15), ((4, 4), (4, 4), 1), ((0, 9), (3, 4), 0.2)],
)
def test_overlap_counts_both_ends(one: Span, other: Span, expected: float) -> None:
    assert megc.overlap(one, other) == pytest.approx(expected)


def test_half_of_the_union_is_enough_and_less_is_not() -> None:
    assert megc.hits([(0, 9)], [(0, 19)]) == [(0, 0)]
    assert megc.hits([(0, 9)], [(0, 20)]) == []


def test_two_intervals_over_one_expression_are_one_hit_and_the_better_counts() -> None:
    assert megc.hits([(10, 26), (10, 20)], [(10, 20)]) == [(1, 0)]


@given(SPAN, SPAN)
def test_overlap_is_symmetric_and_one_for_the_same_alone(one: Span, other: Span) -> None:
    assert megc.overlap(one, other) == megc.overlap(other, one)
    assert (megc.overlap(one, other) == 1) == (one == other)


@given(SPANS, SPANS)
def test_nobody_is_in_two_hits_and_every_hit_shares_half(found: list[Span], true: list[Span]) -> None:
    pairs = megc.hits(found, true)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(megc.overlap(found[i], true[j]) >= 0.5 for i, j in pairs)
    left = [i for i in range(len(found)) if i not in {i for i, _ in pairs}]
    missed = [j for j in range(len(true)) if j not in {j for _, j in pairs}]
    assert all(megc.overlap(found[i], true[j]) < 0.5 for i in left for j in missed), "a hit was overlooked"


@given(SPANS)
def test_what_is_there_is_found_whole(spans: list[Span]) -> None:
    pairs = megc.hits(spans, spans)
    tally = Tally(len(spans), len(spans), len(pairs))
    assert tally.f1 == tally.precision == tally.recall == bool(spans)


@given(st.lists(COUNTS, max_size=5))
def test_f1_is_the_harmonic_mean_over_all_films(films: list[Tally]) -> None:
    every = megc.total(films)
    assert every.hits == sum(one.hits for one in films)
    assert 0 <= every.precision <= 1
    assert 0 <= every.recall <= 1
    if every.hits:
        assert every.f1 == pytest.approx(2 / (1 / every.precision + 1 / every.recall))
    else:
        assert every.f1 == 0


def test_strs_of_a_recogniser_counts_classes_alike() -> None:
    assert megc.recognition_f1([], [], 3) == 0
    assert megc.recognition_f1([0, 1, 1], [0, 1, 1], 3) == 1
    mixed = megc.recognition_f1([0, 0, 0, 1], [0, 0, 0, 0], 2)  # F1 of 6/7 and of 0
    assert mixed == pytest.approx(3 / 7)
    assert megc.strs(0.5, mixed) == pytest.approx(3 / 14)
