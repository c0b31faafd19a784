"""Figures of several workers: whoever is asked answers for all, also for those that died."""

import random
import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from relay.workers.figures import Board, Family, Sample, Together, WorkerFigures, counted_on, merged
from relay.workers.seat import Seat

CODE = (("code", "4400"),)


def family(kind: str, together: Together | None, *samples: Sample) -> Family:
    return Family("moodcast_things", "Things.", kind, together, list(samples))


def figures(*families: Family, at: float = 100.0) -> WorkerFigures:
    return WorkerFigures(at, list(families), frozenset(), "")


def values(families: list[Family]) -> dict[str, float]:
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sample.labels): sample.value
        for family in families
        for sample in family.samples
    }


def test_each_kind_is_put_together_in_its_way() -> None:
    for together, whole in (("sum", 5.0), ("max", 3.0), ("min", 2.0)):
        ones = [figures(family("gauge", together, Sample("things", (), value))) for value in (2.0, 3.0)]  # type: ignore[arg-type]
        assert values(merged(dict(enumerate(ones)), 100.0)) == {"things": whole}


def test_what_the_workers_have_apart_stays_apart() -> None:
    ones = [figures(family("gauge", None, Sample("fds", (), value))) for value in (2.0, 3.0)]
    assert values(merged(dict(enumerate(ones)), 100.0)) == {"fds worker=0": 2.0, "fds worker=1": 3.0}


def test_labels_that_one_worker_alone_has_are_there() -> None:
    first = figures(family("counter", "sum", Sample("things_total", CODE, 2.0)))
    second = figures(family("counter", "sum"))
    assert values(merged({0: first, 1: second}, 100.0)) == {"things_total code=4400": 2.0}
    assert values(merged({0: second, 1: first}, 100.0)) == {"things_total code=4400": 2.0}


def test_of_a_silent_worker_the_counters_alone_are_left() -> None:
    def told(at: float) -> WorkerFigures:
        return figures(
            family("counter", "sum", Sample("things_total", (), 2.0)),
            Family("moodcast_viewers", "Viewers.", "gauge", "sum", [Sample("viewers", (), 3.0)]),
            at=at,
        )

    assert values(merged({0: told(100.0), 1: told(96.0)}, 100.0)) == {"things_total": 4.0, "viewers": 6.0}
    assert values(merged({0: told(100.0), 1: told(94.0)}, 100.0)) == {"things_total": 4.0, "viewers": 3.0}


def test_a_histogram_began_when_the_first_worker_did() -> None:
    ones = [
        figures(
            family("histogram", "sum", Sample("things_bucket", (("le", "1"),), count), Sample("things_created", (), at))
        )
        for count, at in ((2.0, 1000.0), (3.0, 2000.0))
    ]
    assert values(merged(dict(enumerate(ones)), 100.0)) == {"things_bucket le=1": 5.0, "things_created": 1000.0}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.booleans()), max_size=30), st.randoms())
def test_a_counter_never_falls_whoever_dies_and_whoever_is_asked(
    steps: list[tuple[int, int, bool]], chance: random.Random
) -> None:
    """Against one counter: each worker counts, is asked, or is replaced by one that reads what it had told."""
    told: dict[int, WorkerFigures] = {}
    before: list[dict[str, Family]] = [{}, {}, {}]
    own, last = [0.0, 0.0, 0.0], 0.0

    def tell(number: int) -> None:
        mine = family("counter", "sum", Sample("things_total", (), own[number]))
        told[number] = figures(*counted_on([mine], before[number]))

    for number, more, dies in steps:
        own[number] += more
        if dies:  # what it had told nobody is lost
            before[number] = {each.name: each for each in told[number].families} if number in told else {}
            own[number] = 0.0
        asked = chance.randrange(3)
        tell(asked)
        found = values(merged(told, 100.0))["things_total"]
        assert found >= last
        last = found
    for number in range(3):
        tell(number)
    if not any(dies for _, _, dies in steps):
        assert values(merged(told, 100.0))["things_total"] == sum(more for _, more, _ in steps)


def test_the_next_in_a_seat_counts_on_and_a_spoilt_file_is_none(tmp_path: Path) -> None:
    first, second = (Board(Seat(number, 2, tmp_path)) for number in range(2))
    mine = figures(family("counter", "sum", Sample("things_total", (), 2.0)), Family("g", "", "gauge", "sum", []))
    assert first.others() == {}
    first.tell(mine)
    assert second.others() == {0: mine}
    assert stat.S_IMODE((tmp_path / "figures-0").stat().st_mode) == 0o600
    again = Board(Seat(0, 2, tmp_path)).tell(mine)
    assert values(again.families) == {"things_total": 4.0}
    assert second.others() == {0: again}
    (tmp_path / "figures-0").write_bytes(b"nonsense")
    assert second.others() == {}
    assert Board(Seat(0, 2, tmp_path)).tell(mine) == mine


def test_what_can_not_be_written_is_told_later(tmp_path: Path) -> None:
    board = Board(Seat(0, 2, tmp_path / "gone"))
    assert board.tell(figures()) == figures()
