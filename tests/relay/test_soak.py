"""The soak notices a leak, and nothing else: on made-up series, and with real relays, one of which leaks."""

import asyncio
import json
import random
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import soak, soak_picture
from benchmarks.relay import CREATE_KEY, Server
from benchmarks.soak import Record, Scrape
from benchmarks.soak_churn import Plan
from benchmarks.soak_verdict import KEPT_FILES, LEAST, SoakSample, judge, line

EMPTY = SoakSample(0.0, 70_000, 45_000, 11, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
QUICK = Plan(viewers=60, overlays=12, life=1.5, nap=(0.5, 1.5), nap_gap=1.0, scene=1.0, calm=0.1)


def series(
    minutes: int = 60, kib_a_minute: float = 0.0, files_a_minute: float = 0.0, seed: int = 1, waves: float = 300
) -> list[SoakSample]:
    """An audience that comes in a minute and then goes up and down by ``waves``, looked at every five seconds."""
    chance, found, connected = random.Random(seed), [], 1500.0
    for number in range(1, minutes * 12 + 1):
        minute = number / 12
        if number % 12 == 0:
            connected = 1500 - chance.uniform(0, waves)
        viewers = round(min(connected, 1500 * minute))
        uss = 45_000 + 14 * viewers + 8_000 * (1 - 0.5 ** (minute / 3)) + kib_a_minute * minute + chance.gauss(0, 300)
        files = 15 + viewers + 100 + round(chance.expovariate(1 / 8) + files_a_minute * minute)
        found.append(EMPTY._replace(minute=minute, uss_kib=uss, files=files, viewers=viewers, subscribers=100))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_an_audience_that_comes_and_goes_is_flat(seed: int) -> None:
    after = EMPTY._replace(uss_kib=52_000, files=11 + KEPT_FILES)
    verdict = judge(series(seed=seed), EMPTY, after)
    assert verdict.complaints == ()
    assert abs(verdict.memory_slope) < verdict.memory_bound
    assert (verdict.kept_files, verdict.kept_kib) == (KEPT_FILES, 7_000)


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_bytes_a_visit_are_a_leak(seed: int) -> None:
    """1,500 visits a minute."""
    verdict = judge(series(seed=seed, kib_a_minute=100 * 1500 / 1024), EMPTY, EMPTY)
    assert verdict.memory_slope == pytest.approx(146, abs=25)
    assert [complaint.partition(" ")[0] for complaint in verdict.complaints] == ["memory"]


@pytest.mark.parametrize("seed", range(5))
def test_a_descriptor_of_three_thousand_visits_is_a_leak(seed: int) -> None:
    (complaint,) = judge(series(seed=seed, files_a_minute=0.5), EMPTY, EMPTY).complaints
    assert complaint.startswith("descriptors grow by 0.")


def test_descriptors_that_stay_when_all_have_left_are_a_leak() -> None:
    samples = series()
    (complaint,) = judge(samples, EMPTY, EMPTY._replace(files=12 + KEPT_FILES)).complaints
    assert complaint.startswith("5 descriptors more")


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="run for longer"):
        judge(series()[: LEAST - 1], EMPTY, EMPTY)


@given(
    st.floats(-1e3, 1e3), st.floats(-1e6, 1e6), st.lists(st.floats(-1e6, 1e6), min_size=20, max_size=20), st.randoms()
)
def test_a_line_is_found_where_a_quarter_of_the_points_lie_elsewhere(
    slope: float, start: float, wild: list[float], chance: random.Random
) -> None:
    points = [(x / 7, start + slope * x / 7) for x in range(80)]
    for place, y in zip(chance.sample(range(80), 20), wild, strict=True):
        points[place] = points[place][0], y
    assert line(points) == pytest.approx(slope, rel=1e-6, abs=1e-3)


def test_the_relays_own_figures_are_read() -> None:
    def text(seen: int, late: int) -> str:
        return (
            "# TYPE moodcast_tick_late_seconds histogram\n"
            f'moodcast_tick_late_seconds_bucket{{le="0.001"}} {seen}\n'
            f'moodcast_tick_late_seconds_bucket{{le="0.05"}} {seen + late}\n'
            f'moodcast_tick_late_seconds_bucket{{le="+Inf"}} {seen + late}\n'
            "# TYPE moodcast_closes counter\n"
            'moodcast_closes_total{code="4501",name="slow_reader"} 3\n'
            'moodcast_closes_total{code="4504",name="bad_ticket"} 4\n'
        )

    then, now = Scrape(text(100, 50)), Scrape(text(199, 50))
    assert now.late_ms(then) == 1
    assert Scrape(text(199, 52)).late_ms(then) == 50
    assert now.total("moodcast_closes_total") == 7
    assert now.closes() == {"slow_reader": 3, "bad_ticket": 4}


def test_faults_in_the_relays_log_are_complaints() -> None:
    fine, bad = json.dumps({"level": "info", "event": "x"}), json.dumps({"level": "error", "event": "A tick failed"})
    assert soak.errors(fine) == []
    assert len(soak.errors("\n".join((fine, bad, "Traceback (most recent call last):", "[]")))) == 3


def soaked(module: str, plan: Plan, minutes: float, every_s: float) -> Record:
    """What a soak of a relay, started as this module, has seen."""
    record = Record()
    with tempfile.TemporaryDirectory() as folder, Server(
        module, "relay", "--port", "{port}", "--data", folder, "--create-key", CREATE_KEY, *soak.OPTIONS
    ) as relay:  # fmt: skip
        asyncio.run(soak.soak(relay, plan, minutes, every_s, 1, record))
    return record


@pytest.mark.slow
def test_a_short_one_has_all_of_the_churn_and_its_picture() -> None:
    record = soaked("moodcast", QUICK, 0.08, 0.5)
    expected = {
        "viewers", "slow viewers", "resets", "laptops asleep", "laptops back", "WebSocket overlays", "SSE overlays",
        "strangers", "pages", "history and pictures", "requests of streamers", "wrong keys", "channels made",
    }  # fmt: skip
    assert expected <= record.churn.keys(), record.churn
    assert record.after
    assert (record.after.viewers, record.after.subscribers) == (0, 0)
    assert record.before
    assert record.after.files <= record.before.files + KEPT_FILES
    assert max(sample.viewers for sample in record.samples) > 20
    found = json.loads(soak.as_json(record, {"seed": 1}))
    assert len(found["samples"]) == len(record.samples)
    assert soak_picture.draw(found).width == 2 * soak_picture.WIDTH


@pytest.mark.nightly
def test_a_relay_that_keeps_who_left_is_noticed() -> None:
    record = soaked("tests.leaking_relay", QUICK._replace(viewers=200), 0.7, 1.0)
    complaints = record.verdict().complaints
    assert any(complaint.startswith("memory grows") for complaint in complaints), complaints


@pytest.mark.nightly
def test_three_minutes_are_flat() -> None:
    record = Record()
    soak.run(record, Plan(viewers=500, overlays=40, life=20, nap=(5, 40), nap_gap=15, scene=8), 3, 2.0, 1)
    assert record.verdict().complaints == ()
    assert record.complaints == []
