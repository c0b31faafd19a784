"""Which channels a node reads again."""

from relay.cluster.reload_queue import ALL, NAMES_AT_ONCE, RELOAD_S, RETRY_S, Stale


def test_what_was_named_is_read_and_then_is_not() -> None:
    stale = Stale(0)
    stale.name("b", 1)
    stale.name("a", 1)
    assert stale.due_in(1) == 0
    assert stale.take(1) == ("a", "b")
    assert stale.take(1) == ()
    assert stale.due_in(1) == RELOAD_S - 1


def test_all_are_read_in_time_however_often_one_changes() -> None:
    stale, read = Stale(0), []
    for second in range(0, 100, 20):
        stale.name("busy", second)
        read.append(stale.take(second))
    assert read == [("busy",), ("busy",), ALL, ("busy",), ALL]


def test_a_change_that_is_told_later_does_not_narrow_a_full_read() -> None:
    stale = Stale(0)
    stale.all(1)
    stale.name("news", 1)
    assert stale.take(1) == ALL
    assert stale.take(1) == ()


def test_many_changes_at_once_are_a_full_read_whatever_follows() -> None:
    stale = Stale(0)
    for number in range(NAMES_AT_ONCE + 50):
        stale.name(f"channel-{number}", 1)
    assert stale.take(1) == ALL


def test_what_could_not_be_read_is_tried_again_soon() -> None:
    stale = Stale(0)
    stale.name("demo", 1)
    assert stale.take(1) == ("demo",)
    stale.failed(1)
    assert stale.due_in(1) == RETRY_S
    assert stale.take(1 + RETRY_S) == ALL


def test_so_many_names_are_read_by_name_and_one_more_is_a_full_read() -> None:
    stale = Stale(0)
    names = [f"channel-{number:03}" for number in range(NAMES_AT_ONCE + 1)]
    for name in names[:-1]:
        stale.name(name, 1)
    assert stale.take(1) == tuple(names[:-1])
    for name in names:
        stale.name(name, 2)
    assert stale.take(2) == ALL


def test_a_failure_does_not_delay_a_full_read_that_is_due_earlier() -> None:
    stale = Stale(0)
    stale.name("demo", RELOAD_S - 1)
    assert stale.take(RELOAD_S - 1) == ("demo",)
    stale.failed(RELOAD_S - 1)
    assert stale.due_in(RELOAD_S - 1) == 1
    assert stale.take(RELOAD_S) == ALL


def test_what_is_overdue_is_due_at_once() -> None:
    stale = Stale(0)
    assert stale.due_in(RELOAD_S) == stale.due_in(RELOAD_S + 60) == 0
