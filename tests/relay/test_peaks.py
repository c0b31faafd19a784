"""Peaks: what stands out of a session, and what does not."""

import itertools
import math
import random
import statistics
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core import peaks
from relay.core.moments import BASELINE_S, MERGE_S
from relay.core.peaks import MOST, SHARE, Peak, highlights
from relay.core.timeline import Slice, StoredMoment
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, Reaction

HAPPY, SURPRISE = EXPRESSIONS.index("happy"), EXPRESSIONS.index("surprise")


def part(moments: list[dict[str, Any]], reactions: list[Reaction]) -> Slice:
    stored = [
        StoredMoment(viewers=row["sharing"], valence=0.0, resonance=0.0, **row | {"counts": tuple(row["counts"])})
        for row in moments
    ]
    return Slice(moments=stored, reactions=reactions)


def find_peaks(moments: list[dict[str, Any]], reactions: list[Reaction]) -> list[Peak]:
    return peaks.find_peaks([part(moments, reactions)])


def moment(time: int, sharing: int, **counts: int) -> dict[str, Any]:
    """``counts`` viewers with these expressions, the rest neutral."""
    seven = [counts.get(name, 0) for name in EXPRESSIONS]
    seven[NEUTRAL] += sharing - sum(seven)
    return {"time": time, "sharing": sharing, "counts": seven}


def flat(seconds: int, sharing: int = 100, start: int = 1_000, **counts: int) -> list[dict[str, Any]]:
    return [moment(start + second, sharing, **counts) for second in range(seconds)]


def with_burst(moments: list[dict[str, Any]], at: int, seconds: int, count: int, name: str = "happy") -> None:
    for index in range(at, at + seconds):
        row = moments[index]
        moments[index] = moment(row["time"], row["sharing"], **{name: count})


@given(
    sharing=st.integers(1, 5_000),
    seconds=st.integers(0, 200),
    share=st.floats(0, 1),
    name=st.sampled_from(EXPRESSIONS),
)
def test_a_flat_session_has_none(sharing: int, seconds: int, share: float, name: str) -> None:
    assert find_peaks(flat(seconds, sharing, **{name: round(share * sharing)}), []) == []


@given(
    sharing=st.integers(5, 5_000),
    at=st.integers(15, 100),
    seconds=st.integers(1, 25),
    share=st.floats(0.7, 1),
    name=st.sampled_from([name for name in EXPRESSIONS if name != "neutral"]),
)
def test_one_burst_is_one_peak_at_its_second(sharing: int, at: int, seconds: int, share: float, name: str) -> None:
    moments = flat(130, sharing)
    with_burst(moments, at, seconds, math.ceil(share * sharing), name)  # no fewer, however few there are
    (peak,) = find_peaks(moments, [])
    assert (peak.time, peak.kind, peak.name) == (1_000 + at, "expression", name)
    assert peak.share == peak.strength == round(math.ceil(share * sharing) / sharing, 4)
    assert peak.score >= 4


sessions = st.lists(st.tuples(st.integers(1, 30), st.lists(st.integers(0, 200), min_size=7, max_size=7)), max_size=60)


@given(session=sessions, shift=st.integers(0, 10**9))
def test_shifting_time_shifts_the_peaks(session: list[tuple[int, list[int]]], shift: int) -> None:
    def moments(offset: int) -> list[dict[str, Any]]:
        time, rows = offset, []
        for seconds, counts in session:
            for _ in range(seconds):
                rows.append({"time": time, "sharing": sum(counts), "counts": counts})
                time += 1
        return rows

    early, late = find_peaks(moments(0), []), find_peaks(moments(shift), [])
    assert [(peak.time + shift, peak.name, peak.score) for peak in early] == [
        (peak.time, peak.name, peak.score) for peak in late
    ]
    assert [peak.score for peak in early] == sorted((peak.score for peak in early), reverse=True)
    times = sorted(peak.time for peak in early)
    assert all(after - before > MERGE_S for before, after in itertools.pairwise(times))


def test_chance_makes_no_peak_and_does_not_hide_one() -> None:
    generator = random.Random(7)
    for sharing in (8, 30, 300):
        moments = [
            moment(second, sharing, happy=sum(generator.random() < 0.2 for _ in range(sharing)))
            for second in range(1_200)
        ]
        assert find_peaks(moments, []) == []
        with_burst(moments, 700, 5, sharing, "surprise")
        assert [(peak.time, peak.name) for peak in find_peaks(moments, [])] == [(700, "surprise")]


def test_the_stronger_of_two_comes_first() -> None:
    moments = flat(300)
    with_burst(moments, 100, 4, 40)
    with_burst(moments, 200, 4, 90, "surprise")
    assert [(peak.time, peak.name) for peak in find_peaks(moments, [])] == [(1_200, "surprise"), (1_100, "happy")]


def test_an_audience_that_stays_happy_peaks_once() -> None:
    moments = flat(400)
    with_burst(moments, 100, 300, 80)
    assert [peak.time for peak in find_peaks(moments, [])] == [1_100]


def test_what_comes_together_is_one_moment() -> None:
    moments = flat(200)
    with_burst(moments, 100, 3, 30, "surprise")
    with_burst(moments, 103, 5, 70, "happy")
    assert [(peak.time, peak.name) for peak in find_peaks(moments, [])] == [(1_103, "happy")]


def test_two_viewers_are_no_moment() -> None:
    moments = flat(100, sharing=2)
    with_burst(moments, 50, 5, 2)
    assert find_peaks(moments, []) == []


def test_taps_make_a_peak() -> None:
    taps = [Reaction(time=1_050.0 + tick / 4, kind="tap", name="clap", strength=0.2, count=20) for tick in range(4)]
    (peak,) = find_peaks(flat(100), taps)
    assert (peak.time, peak.kind, peak.name, peak.share) == (1_050, "tap", "clap", 0.8)
    assert find_peaks(flat(100), [Reaction(time=1_050.0, kind="expression", name="sad", strength=1, count=9)]) == []


def test_after_a_pause_the_baseline_begins_anew() -> None:
    before = flat(100)
    after = flat(100, start=1_100 + BASELINE_S, happy=80)
    assert find_peaks(before + after, []) == []


@given(session=sessions, cuts=st.lists(st.integers(0, 2_000), max_size=5))
def test_how_a_session_is_cut_changes_nothing(session: list[tuple[int, list[int]]], cuts: list[int]) -> None:
    moments, reactions = [], []
    for seconds, counts in session:
        for _ in range(seconds):
            time = len(moments)
            moments.append({"time": time, "sharing": sum(counts), "counts": counts})
            if counts[0] > 150:
                reactions.append(Reaction(time=time + 0.5, kind="tap", name="heart", strength=0.4, count=9))
    bounds = sorted({0, *cuts, len(moments)})
    slices = [
        part(moments[start:end], [reaction for reaction in reactions if start <= reaction.time < end])
        for start, end in itertools.pairwise(bounds)
    ]
    assert peaks.find_peaks(slices) == find_peaks(moments, reactions)


def test_of_very_many_peaks_the_strongest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "ALL", 10)
    monkeypatch.setattr(peaks, "KEPT", 50)
    moments = flat(60 * 200, happy=5)
    best = list(range(60, len(moments), 60))
    for number, at in enumerate(best):
        with_burst(moments, at, 3, 40 + 60 * number // len(best))
    found = find_peaks(moments, [])
    assert len(found) == 10
    assert {peak.time - 1_000 for peak in found} <= set(best[-20:])


# --- moments of each kind, at each strength ---------------------------------------------------------------------------

NOTED = [name for name in EXPRESSIONS if name != "neutral"] + list(TAPS)
planting = st.lists(st.tuples(st.sampled_from(NOTED), st.integers(30, 100), st.integers(1, 8)), min_size=1, max_size=40)


def planted(moments_of: list[tuple[str, int, int]], sharing: int) -> tuple[list[Peak], list[tuple[int, str]]]:
    """A session with these moments: its peaks, and where the moments begin. Each: kind, percent, seconds."""
    moments, taps, true, at = flat(100, sharing), list[Reaction](), list[tuple[int, str]](), 100
    for name, percent, seconds in moments_of:
        moments += flat(100, sharing, start=1_000 + at)
        count = math.ceil(percent * sharing / 100)
        if name in EXPRESSIONS:
            with_burst(moments, at, seconds, count, name)
        else:
            share = count / sharing
            taps += [
                Reaction(time=1_000.0 + second, kind="tap", name=name, strength=share, count=count)
                for second in range(at, at + seconds)
            ]
        true.append((1_000 + at, name))
        at += 100
    return find_peaks(moments, taps), true


@given(moments_of=planting, sharing=st.sampled_from([40, 150, 2_000]))
def test_each_moment_of_each_kind_and_strength_is_found_at_its_second(
    moments_of: list[tuple[str, int, int]], sharing: int
) -> None:
    found, true = planted(moments_of, sharing)
    assert sorted((peak.time, peak.name) for peak in found) == true
    strengths = {(1_000 + 100 * number + 100): percent for number, (_, percent, _) in enumerate(moments_of)}
    assert all(peak.strength == pytest.approx(strengths[peak.time] / 100, abs=1 / sharing + 1e-4) for peak in found)


def group(peak: Peak) -> str:
    return peak.name if peak.kind == "expression" else "tap"


@given(moments_of=planting)
def test_highlights_have_the_strongest_of_each_kind_then_the_strongest_of_all(
    moments_of: list[tuple[str, int, int]],
) -> None:
    found, _ = planted(moments_of, 150)
    chosen = highlights(found)
    assert len(chosen) == min(MOST, len(found))
    assert chosen == [peak for peak in found if peak in chosen], "in the order of all"
    for name in {group(peak) for peak in found}:
        assert all(peak in chosen for peak in [peak for peak in found if group(peak) == name][:SHARE])
    left = [peak for peak in found if peak not in chosen]
    free = [peak for peak in chosen if peak not in [p for p in found if group(p) == group(peak)][:SHARE]]
    assert not left or not free or min(peak.score for peak in free) >= max(peak.score for peak in left)


def test_a_sad_show_does_not_hide_its_one_laugh() -> None:
    found, _ = planted([("sad", 90, 4)] * 30 + [("happy", 30, 3), ("clap", 40, 2)], 150)
    assert [peak.name for peak in found[:MOST]] == ["sad"] * MOST
    assert sorted(Counter(peak.name for peak in highlights(found)).items()) == [("clap", 1), ("happy", 1), ("sad", 18)]


# --- where exactly it begins to be a peak, by hand --------------------------------------------------------------------


def after(usual: list[dict[str, Any]], pause: int = 1, sharing: int = 100, **counts: int) -> list[dict[str, Any]]:
    """These seconds and, so many seconds after their last, one more."""
    return [*usual, moment(usual[-1]["time"] + pause, sharing, **counts)]


def varied(seconds: int, sharing: int, middle: int, by: int) -> list[dict[str, Any]]:
    """So many are happy, and more and fewer by turns: ``by`` is the median absolute deviation."""
    return [moment(1_000 + second, sharing, happy=middle + (second % 3 - 1) * by) for second in range(seconds)]


@pytest.mark.parametrize(("count", "scores"), [(149, []), (150, [5.0]), (300, [10.0])])
def test_of_a_large_still_audience_a_share_of_15_percent_is_just_a_peak(count: int, scores: list[float]) -> None:
    found = find_peaks(after(flat(60, 1_000), sharing=1_000, happy=count), [])
    assert [peak.score for peak in found] == scores


@pytest.mark.parametrize(("sharing", "found"), [(4, 1), (3, 0)])
def test_four_viewers_more_than_usual_are_just_a_moment(sharing: int, found: int) -> None:
    """Five standard errors after Laplace, 5 sqrt(1/6 * 5/6 / 4), are 0.93; three of three could be chance."""
    assert len(find_peaks(after(flat(60, sharing), sharing=sharing, happy=sharing), [])) == found


def test_the_standard_error_is_that_of_the_usual_share() -> None:
    """5 sqrt(c (1 - c) / 10) with c = (0.2 * 10 + 1) / (10 + 2) is 0.68: six of ten more are just too few."""
    (peak,) = find_peaks(after(flat(60, 10, happy=2), sharing=10, happy=9), [])
    assert (peak.strength, peak.score) == (0.7, 21.21)
    assert find_peaks(after(flat(60, 10, happy=2), sharing=10, happy=8), []) == []


@pytest.mark.parametrize(
    ("by", "least"),
    [(20, 150), (30, 223), (50, 250), (200, 250)],  # 5 * 1.4826 * 0.03 = 0.222; 5 * 0.05, whatever the deviation
)
def test_where_shares_vary_a_moment_must_rise_more_but_never_more_than_a_quarter(by: int, least: int) -> None:
    usual = varied(60, 1_000, 400, by)
    assert find_peaks(after(usual, sharing=1_000, happy=400 + least - 1), []) == []
    (peak,) = find_peaks(after(usual, sharing=1_000, happy=400 + least), [])
    assert peak.score == pytest.approx(least / 1_000 / min(1.4826 * by / 1_000, 0.033), rel=0.02)


@given(st.lists(st.integers(0, 100), min_size=10, max_size=60))
def test_the_strength_is_what_is_more_than_the_median(usual: list[int]) -> None:
    moments = [moment(1_000 + second, 1_000, happy=count) for second, count in enumerate(usual)]
    (peak,) = find_peaks(after(moments, sharing=1_000, happy=1_000), [])
    assert peak.strength == pytest.approx(1 - statistics.median(usual) / 1_000, abs=1e-4)


@pytest.mark.parametrize(("seconds", "pause", "peaks"), [(9, 1, 0), (10, 1, 1), (10, 51, 1), (10, 52, 0)])
def test_ten_seconds_of_the_last_minute_must_be_known(seconds: int, pause: int, peaks: int) -> None:
    assert len(find_peaks(after(flat(seconds), pause, happy=90), [])) == peaks


@pytest.mark.parametrize(("apart", "names"), [(MERGE_S, ["happy"]), (MERGE_S + 1, ["happy", "surprise"])])
def test_peaks_of_two_expressions_so_close_are_one_moment(apart: int, names: list[str]) -> None:
    moments = flat(200)
    with_burst(moments, 100, 1, 90, "happy")
    with_burst(moments, 100 + apart, 1, 40, "surprise")
    assert [peak.name for peak in find_peaks(moments, [])] == names


@pytest.mark.parametrize(("apart", "times"), [(MERGE_S, [1_100]), (MERGE_S + 1, [1_100, 1_111, 1_122])])
def test_an_expression_that_comes_again_so_soon_is_one_moment(apart: int, times: list[int]) -> None:
    moments = flat(200)
    for number, count in enumerate((90, 60, 50)):
        with_burst(moments, 100 + apart * number, 1, count)
    assert [peak.time for peak in find_peaks(moments, [])] == times


def test_an_expression_that_varies_is_not_ranked_out() -> None:
    """Laughter varies all the time, sadness never does: the higher rise comes first."""
    moments = varied(300, 10_000, 2_000, 800)
    moments[100] = moment(1_100, 10_000, happy=2_000, sad=4_000)
    moments[150] = moment(1_150, 10_000, happy=7_200)
    found = find_peaks(moments, [])
    assert [(peak.name, peak.strength, peak.score) for peak in found] == [("happy", 0.52, 15.76), ("sad", 0.4, 13.33)]


def test_one_who_was_happy_alone_and_is_joined_by_others_is_usual() -> None:
    moments = flat(60, sharing=1, happy=1)
    assert find_peaks(after(moments, sharing=30, happy=30), []) == []


def clap(time: float, strength: float) -> Reaction:
    return Reaction(time=time, kind="tap", name="clap", strength=strength, count=20)


def test_who_taps_twice_in_a_second_is_no_more_than_everyone() -> None:
    (peak,) = find_peaks(flat(100), [clap(1_050.0 + tick / 4, 0.4) for tick in range(4)])
    assert (peak.share, peak.strength, peak.score) == (1.0, 1.0, 33.33)


def test_before_the_first_tap_nobody_tapped() -> None:
    """Also where those seconds were read before, with the part of the session that has no taps."""
    early, late = flat(30), flat(30, start=1_030)
    found = peaks.find_peaks([part(early, []), part(late, [clap(1_030.0, 0.6)])])
    assert [(peak.time, peak.name, peak.strength) for peak in found] == [(1_030, "clap", 0.6)]
