"""The mood core: labels, figures, visibility, trend."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mood import KINDS, SHOW_AFTER_S, Audience, Counts, Trend, Visibility
from relay.protocol import EXPRESSIONS, NEUTRAL

ANGRY, DISGUST, FEAR, HAPPY, SAD, SURPRISE, _ = range(KINDS)

votes = st.dictionaries(st.integers(0, 30), st.integers(0, KINDS - 1))
counts = st.lists(st.integers(0, 1000), min_size=KINDS, max_size=KINDS).map(lambda values: Counts(tuple(values)))


def of(**by_name: int) -> Counts:
    return Counts(tuple(by_name.get(name, 0) for name in EXPRESSIONS))


def audience(labels: dict[int, int], ttl: float = 15.0) -> Audience:
    found = Audience(ttl)
    for viewer, expression in labels.items():
        found.label(viewer, expression, 0.0)
    return found


@given(votes, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(labels: dict[int, int], random: object) -> None:
    shuffled = list(labels.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert audience(dict(shuffled)).counts == audience(labels).counts


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, KINDS - 1))))
def test_replacing_never_adds(labels: list[tuple[int, int]]) -> None:
    found, last = Audience(), {}
    for time, (viewer, expression) in enumerate(labels):
        assert found.label(viewer, expression, time / 10) == last.get(viewer)
        last[viewer] = expression
    assert found.counts == audience(last).counts
    assert found.counts.sharing == len(last)


@given(votes, votes)
def test_merging_two_halves_equals_the_whole(left: dict[int, int], right: dict[int, int]) -> None:
    right = {viewer + 1000: expression for viewer, expression in right.items()}
    whole = audience(left | right).counts
    merged = audience(left).counts + audience(right).counts
    assert merged == whole
    assert (merged.valence, merged.resonance) == (whole.valence, whole.resonance)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, KINDS - 1), st.floats(0, 10)), max_size=30))
def test_exactly_the_labels_older_than_the_time_to_live_expire(labels: list[tuple[int, int, float]]) -> None:
    found, last, now = Audience(ttl=5.0), {}, 0.0
    for viewer, expression, pause in labels:
        now += pause
        found.label(viewer, expression, now)
        last[viewer] = (expression, now)
        found.expire(now)
        assert found.counts.sharing == sum(now - time <= 5.0 for _, time in last.values())


def test_repeating_a_label_keeps_it() -> None:
    found = Audience(ttl=5.0)
    found.label("ada", HAPPY, 0.0)
    found.label("bob", SAD, 0.0)
    found.label("ada", HAPPY, 4.0)
    found.expire(6.0)
    assert found.counts == of(happy=1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, KINDS - 1), st.floats(0, 3)), max_size=60))
def test_of_a_house_only_the_first_few_count(steps: list[tuple[int, int, float]]) -> None:
    """Against a slow model: viewers 0 to 6 live in one house, the others alone; -1 withdraws."""
    crowd, now, counting = Audience(ttl=5, house_weight=2), 0.0, dict[int, tuple[int, float]]()
    for viewer, kind, gap in steps:
        now += gap
        crowd.expire(now)
        counting = {other: entry for other, entry in counting.items() if entry[1] >= now - 5}
        house = [other for other in counting if other < 7]
        if kind < 0:
            crowd.remove(viewer)
            counting.pop(viewer, None)
            continue
        before = crowd.label(viewer, kind, now, "house" if viewer < 7 else None)
        assert before == (counting[viewer][0] if viewer in counting else None)
        if viewer in counting or viewer >= 7 or len(house) < 2:
            counting[viewer] = kind, now
        kinds = [entry[0] for entry in counting.values()]
        assert crowd.counts.values == tuple(kinds.count(kind) for kind in range(KINDS))


def test_removing_a_stranger_changes_nothing() -> None:
    found = audience({1: HAPPY})
    assert found.remove(2) is None
    assert found.counts == of(happy=1)


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


def test_neutral_is_the_last_expression() -> None:
    assert NEUTRAL == KINDS - 1


def test_a_mood_hides_at_once_and_shows_after_a_while() -> None:
    visibility = Visibility(min_viewers=5)
    assert not visibility.update(5, 0.0)
    assert not visibility.update(5, SHOW_AFTER_S - 0.01)
    assert visibility.update(5, SHOW_AFTER_S)
    assert not visibility.update(4, 1.1)
    assert not visibility.update(9, 1.2)
    assert visibility.update(9, 1.2 + SHOW_AFTER_S)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 2)), max_size=50))
def test_too_few_are_never_visible(steps: list[tuple[int, float]]) -> None:
    visibility, now = Visibility(min_viewers=5), 0.0
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
