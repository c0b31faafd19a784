"""The fair queue of guesses: who waits for whom."""

from hypothesis import given
from hypothesis import strategies as st

from relay.core.turns import FOR_DOUBTFUL, Turns, Waiter

waiters = st.builds(
    Waiter, st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2", "3", "4", None]), st.booleans()
)


def attacked(channel: str, houses: int, guesses: int, most: int = 1000) -> Turns:
    """A queue in which so many houses wait to guess so many times each at one channel; the first guess is no doubt."""
    turns = Turns(most)
    for number in range(guesses):
        for house in range(houses):
            turns.add(Waiter(channel, f"guesser {house}", doubtful=number > 0))
    return turns


def turns_until(turns: Turns, waiter: Waiter) -> int:
    """How many turns others have before this one's."""
    return next(count for count in range(10_000) if turns.next() is waiter)


@given(st.lists(waiters | st.none() | st.integers(0, 20)), st.integers(1, 10))
def test_everyone_who_waits_has_one_turn(script: list[Waiter | int | None], most: int) -> None:
    """A waiter comes, None is a turn, a number is of one who leaves."""
    turns, waiting = Turns(most), []  # type: ignore[var-annotated]
    for step in script:
        if isinstance(step, Waiter):
            waiting.append(step)
            if out := turns.add(step):
                waiting.remove(out)
        elif step is None:
            chosen = turns.next()
            assert (chosen is None) == (not waiting)
            if chosen:
                waiting.remove(chosen)
        elif step < len(waiting):
            turns.leave(waiting.pop(step))
        assert len(turns) == len(waiting) <= most
    while chosen := turns.next():
        waiting.remove(chosen)
    assert waiting == []


@given(st.integers(0, 300), st.integers(1, 60), st.integers(1, 8), st.booleans())
def test_another_channel_waits_for_a_turn_or_two(before: int, houses: int, guesses: int, doubtful: bool) -> None:
    turns = attacked("demo", houses, guesses)
    for _ in range(before):
        turns.next()
    other = Waiter("other", "newcomer", doubtful)
    turns.add(other)
    assert turns_until(turns, other) <= (2 * FOR_DOUBTFUL if doubtful else 2)


@given(st.integers(0, 300), st.integers(1, 60), st.integers(1, 8))
def test_a_newcomer_waits_for_the_other_newcomers_alone(before: int, houses: int, guesses: int) -> None:
    turns = attacked("demo", houses, guesses)
    for _ in range(before):
        turns.next()
    newcomer = Waiter("demo", "newcomer", doubtful=False)
    turns.add(newcomer)
    assert turns_until(turns, newcomer) <= houses * FOR_DOUBTFUL / (FOR_DOUBTFUL - 1) + 1


@given(st.integers(1, 20), st.integers(1, 8))
def test_newcomers_without_end_shut_nobody_out(houses: int, guesses: int) -> None:
    turns = attacked("demo", houses, guesses)
    mistyped = Waiter("demo", "honest", doubtful=True)
    turns.add(mistyped)
    for count in range(FOR_DOUBTFUL * (houses + 1)):
        turns.add(Waiter("demo", f"newcomer {count}", doubtful=False))
        if turns.next() is mistyped:
            return
    raise AssertionError("it waits for ever")


@given(st.integers(20, 60), st.booleans())
def test_one_too_many_is_one_of_the_many(houses: int, same_channel: bool) -> None:
    """A full queue takes a newcomer in, in place of one who waits more than once or, with a doubt, in the crowd."""
    turns = attacked("demo", houses, 2, most=2 * houses)
    newcomer = Waiter("demo" if same_channel else "other", "newcomer", doubtful=False)
    out = turns.add(newcomer)
    assert out
    assert (out.channel, out.doubtful) == ("demo", True)
    assert turns_until(turns, newcomer) < 2 * houses


def line(most: int, *waiters: tuple[str, str]) -> tuple[Turns, list[Waiter]]:
    """Who waits, in the order of their arrival: (channel, house)."""
    turns, waiting = Turns(most), [Waiter(channel, house, doubtful=False) for channel, house in waiters]
    assert [turns.add(waiter) for waiter in waiting] == [None] * len(waiting)
    return turns, waiting


def test_a_full_queue_loses_one_of_the_channel_with_the_most_who_wait() -> None:
    """Though a house of another channel has more."""
    turns, waiting = line(5, ("a", "1"), ("a", "2"), ("a", "3"), ("b", "9"), ("b", "9"))
    assert turns.add(Waiter("c", "5", doubtful=False)) is waiting[2]


def test_in_the_channel_it_loses_one_of_the_house_with_the_most_who_wait() -> None:
    turns, waiting = line(3, ("a", "1"), ("a", "1"), ("a", "2"))
    assert turns.add(Waiter("b", "5", doubtful=False)) is waiting[1]


def test_a_channel_that_had_its_turn_before_another_came_is_next() -> None:
    turns, (first, second) = line(9, ("a", "1"), ("a", "2"))
    assert turns.next() is first
    newcomer = Waiter("b", "5", doubtful=False)
    turns.add(newcomer)
    assert [turns.next(), turns.next()] == [second, newcomer]


def test_each_eighth_turn_is_for_those_who_guessed_wrong() -> None:
    turns = Turns(1000)
    for number in range(40):
        turns.add(Waiter("demo", f"house {number}", doubtful=number < 20))
    served = [turns.next() for _ in range(2 * FOR_DOUBTFUL)]
    assert [bool(waiter and waiter.doubtful) for waiter in served] == ([False] * (FOR_DOUBTFUL - 1) + [True]) * 2
