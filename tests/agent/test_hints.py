"""When the viewer is told why nothing is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import hints
from agent.hints import Hints
from agent.unread import Unread


def told(hints: Hints, frames: list[tuple[float, bool, Unread | None]]) -> list[str]:
    """The sentences that come, in order."""
    return [sentence for frame in frames if (sentence := hints.update(*frame))]


def test_no_face_is_told_once_each_time_that_it_lasts() -> None:
    of = Hints(0)
    assert told(of, [(t, False, None) for t in range(60)]) == [hints.NO_FACE]
    assert told(of, [(60, True, None)]) == []
    assert told(of, [(t, False, None) for t in range(61, 120)]) == [hints.NO_FACE]


@pytest.mark.parametrize("reason", Unread)
def test_a_reason_is_told_in_place_of_no_face_and_not_again_soon(reason: Unread) -> None:
    of = Hints(0)
    assert told(of, [(t, True, reason) for t in range(19)]) == []
    assert told(of, [(t, True, reason) for t in range(19, 500)]) == [reason.hint]
    assert told(of, [(500, True, None)]) == []
    assert told(of, [(t, True, reason) for t in range(501, 600)]) == []
    assert told(of, [(600, True, None)]) == []
    assert told(of, [(t, True, reason) for t in range(601, 660)]) == [reason.hint]


def test_who_leaves_after_a_reason_is_told_that_no_face_is_there() -> None:
    of = Hints(0)
    frames: list[tuple[float, bool, Unread | None]] = [(t, True, Unread.CHIN_CUT) for t in range(40)]
    frames += [(t, False, None) for t in range(40, 80)]
    assert told(of, frames) == [Unread.CHIN_CUT.hint, hints.NO_FACE]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([None, *Unread])), max_size=200))
def test_there_is_no_sentence_within_20_seconds_of_a_face_that_is_read(seen: list[tuple[bool, Unread | None]]) -> None:
    of, read_at = Hints(0), 0.0
    for time, (has_face, unread) in enumerate(seen):
        sentence = of.update(time, has_face, unread)
        if has_face and unread is None:
            read_at = time
        assert sentence is None or time - read_at >= hints.HINT_S
