"""When a worker that died is followed by another."""

from relay.workers.restarts import Restarts


def test_one_that_lived_is_followed_at_once() -> None:
    assert Restarts().pause(3600.0) == 0.0


def test_those_that_die_at_once_are_followed_later_and_later_and_then_hopeless() -> None:
    restarts = Restarts()
    pauses = []
    while not restarts.hopeless:
        pauses.append(restarts.pause(1.0))
    assert pauses == sorted(set(pauses))
    assert pauses[0] <= 1.0
    assert len(pauses) == 5
    assert all(restarts.pause(1.0) <= 30.0 for _ in range(100))


def test_one_that_lives_brings_hope_again() -> None:
    restarts = Restarts()
    for _ in range(9):
        restarts.pause(0.0)
    assert restarts.pause(60.0) == 0.0
    assert not restarts.hopeless
