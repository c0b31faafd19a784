"""The state that all of the running agent writes to."""

from agent.app.board import StateBoard
from agent.app.state import State
from agent.personal.status import TeacherStatus


def test_once_the_eyes_are_shut_nothing_is_said_to_be_learned_any_more() -> None:
    """They end in the middle of a fit where its viewer pauses, or the guided minute is over."""
    learned = TeacherStatus(counts=(1, 0, 0, 2, 0, 0, 0), before=1, after=3, of=3, in_use=True)
    board = StateBoard(State())
    board.set(personal=TeacherStatus(counts=learned.counts, before=1, after=3, of=3, in_use=True, learning=True))
    board.close_eyes()
    assert board.now.personal == learned
    board.set(personal=None)
    board.close_eyes()
    assert board.now.personal is None
