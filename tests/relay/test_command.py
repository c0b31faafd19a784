"""What the streamer said of a session: for how long it holds, and that all nodes come to the same."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.command import Command, Told
from relay.protocol import LEASE_S, State

UNIX = 1_700_000_000.0
STATES = st.sampled_from(["auto", "open", "paused", "ended"])
TOLD = st.builds(
    Told, STATES, st.floats(0, 1e10), st.floats(0, 1e10), st.floats(0, 2 * LEASE_S) | st.sampled_from([0.0, LEASE_S])
)


def said(*states: State, runs: bool = True) -> Command:
    """One after the other, a second apart."""
    command = Command()
    for second, state in enumerate(states, 1):
        command = command.then(state, second, UNIX + second, runs)
    return command


def test_nothing_said_is_auto() -> None:
    assert Command().state(0.0) == "auto"
    assert not Command().is_fresh(0.0)


@pytest.mark.parametrize("state", ["open", "paused", "ended"])
def test_what_is_said_holds_for_a_lease(state: State) -> None:
    command = said(state)
    assert command.state(1 + LEASE_S) == state
    assert command.state(1 + LEASE_S + 0.1) == "auto"
    assert command.renew(LEASE_S).state(2 * LEASE_S) == state
    assert command.renew(2 * LEASE_S).state(2 * LEASE_S) == "auto"  # it ended before


def test_the_second_open_changes_nothing_but_the_lease() -> None:
    first, again = said("open"), said("open", "open")
    assert (again.order, again.renewed) == (first.order, 2)


def test_open_goes_on_after_a_pause_and_begins_anew_else() -> None:
    assert said("open", "paused", "open").since == UNIX + 1
    assert said("paused", "open").since == 0  # the session that had begun by itself
    assert said("paused", "open", runs=False).since == UNIX + 2
    assert said("open", "ended", "open").since == UNIX + 3
    assert said("open", "auto", "open").since == UNIX + 3
    assert said("ended", "auto").since == UNIX + 1
    assert said("ended", "paused", "open", runs=False).since == UNIX + 3


@given(st.lists(st.tuples(STATES, st.floats(0, 600), st.floats(-1e6, 1e6))))
def test_each_command_is_newer_than_the_one_before_whatever_the_clock_says(
    steps: list[tuple[State, float, float]],
) -> None:
    command, now = Command(), 0.0
    for state, later, drift in steps:
        now += later
        before, command = command, command.then(state, now, UNIX + drift, True)
        assert command.state(now) == state
        assert command.stamp > before.stamp or command.order == before.order


@given(st.lists(TOLD, min_size=1), st.randoms(use_true_random=False))
def test_nodes_agree_in_whatever_order_they_hear(told: list[Told], random: object) -> None:
    def heard(messages: list[Told]) -> Command:
        command = Command()
        for message in messages:
            command = command.hear(message, 1000.0)
        return command

    shuffled = told + told[: len(told) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert heard(shuffled) == heard(told)
    assert heard(told).hear(heard(told).told(1000.0, 1.0), 1000.0).order == heard(told).order


@given(TOLD)
def test_a_command_given_is_newer_than_anything_heard(told: Told) -> None:
    here = Command().hear(told, 1000.0)
    state: State = "open" if here.state(1000.0) != "open" else "paused"
    after = here.then(state, 1000.0, 5.0, True)
    assert after.hear(told, 1000.0) == after


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e11])
@pytest.mark.parametrize("field", ["stamp", "since"])
def test_a_time_that_nothing_could_follow_is_not_taken(field: str, value: float) -> None:
    message = {"type": "command", "state": "open", "stamp": 1.0, "since": 1.0, "age": 0.0, field: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Told)
