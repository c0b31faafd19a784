"""Teaching in the terminal: what is typed, what is said, and what the audience does not see meanwhile."""

from types import SimpleNamespace
from typing import cast

import pytest

from agent import typed_teaching
from agent.personal.lesson import HOLD_S, LASTS_S, READY_S, REST_S
from agent.personal.status import Taught, TeacherStatus
from agent.personal.store import StoreError
from agent.personal.teacher import Teacher
from agent.sending import Sender
from agent.smoothing import Reading
from agent.typed_teaching import TypedTeaching, asked
from relay.protocol import EXPRESSIONS, Away, Label
from tests.support import wait_until


class Notebook:
    """In place of a teacher: what it was asked."""

    def __init__(self) -> None:
        self.answers: list[int | None] = []
        self.lessons: list[tuple[int, float, float]] = []
        self.deleted, self.stays = 0, False
        self.now = TeacherStatus()

    def teach(self, label: int | None, now: float, unix: float) -> Taught:
        self.answers.append(label)
        return Taught(label=label, answers=1, sentence="Stored.")

    def lesson(self, label: int, since: float, until: float, unix: float) -> Taught:
        self.lessons.append((label, since, until))
        return Taught(label=label, answers=3, sentence=f"Stored: three of {EXPRESSIONS[label]}.")

    def enrol(self, now: float) -> Taught:
        return Taught(label=None, answers=0, sentence="You, too.")

    def forget(self) -> str:
        if self.stays:
            raise StoreError("Nothing was deleted.")
        self.deleted += 1
        return "All is deleted."

    def status(self) -> TeacherStatus:
        return self.now


class Classroom:
    """A viewer who teaches, in time that a test has pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.notebook, self.sender, self.said, self.woken = 100.0, Notebook(), Sender(), [""], 0
        clock = SimpleNamespace(monotonic=lambda: self.now, time=lambda: 1e9 + self.now)
        monkeypatch.setattr(typed_teaching, "time", clock)
        self.teaching = TypedTeaching(cast(Teacher, self.notebook), self.sender, self.wake, self.said.append)
        self.sender.opened(5.0)

    def wake(self) -> None:
        self.woken += 1

    def pass_time(self, seconds: float) -> list[Label | Away]:
        """What is sent meanwhile by somebody who looks happy all the time."""
        sent, until = [], self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 0.25)
            self.sender.observe(self.now, Reading("happy", 0.9))
            self.teaching.go_on()
            if message := self.sender.take(self.now):
                sent.append(message)
        return sent


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Classroom:
    return Classroom(monkeypatch)


def test_a_letter_confirms_and_a_digit_corrects(room: Classroom) -> None:
    for line in ("y", "1", "4", "7"):
        assert room.teaching.typed(line)
        assert room.said[-1] == "Stored."
    assert room.notebook.answers == [None, 0, 3, 6]


@pytest.mark.parametrize("line", ["", "f", "0", "8", "77", "yes", "-1", "¹", "happy"])
def test_other_lines_are_not_of_teaching(line: str, room: Classroom) -> None:
    assert not room.teaching.typed(line)
    assert room.notebook.answers == []


async def test_all_is_deleted_only_by_a_second_d(room: Classroom) -> None:
    room.teaching.typed("d")
    assert "once more within ten seconds" in room.said[-1]
    room.pass_time(11)
    room.teaching.typed("d")  # too late: asks again
    room.teaching.typed("y")  # something else
    room.teaching.typed("d")
    assert room.notebook.deleted == 0
    room.teaching.typed("d")
    assert any("being deleted" in said for said in room.said)
    await wait_until(lambda: room.said[-1] == "All is deleted.")
    assert room.notebook.deleted == 1


async def test_what_can_not_be_deleted_is_told(room: Classroom) -> None:
    room.notebook.stays = True
    room.teaching.typed("d")
    room.teaching.typed("d")
    await wait_until(lambda: room.said[-1] == "Nothing was deleted.")


def test_the_guided_minute_is_taught_and_no_label_of_it_is_sent(room: Classroom) -> None:
    assert [message for message in room.pass_time(1) if isinstance(message, Label)]
    room.teaching.typed("t")
    assert room.woken == 1
    assert room.pass_time(LASTS_S - 0.5) == [Away()]
    room.pass_time(0.5)
    assert [label for label, _, _ in room.notebook.lessons] == list(range(7))
    assert all(since < until <= since + HOLD_S for _, since, until in room.notebook.lessons)
    assert "Stored: three of neutral." in room.said
    assert "is over" in room.said[-1]
    assert room.pass_time(REST_S - 0.1) == []  # the last face is still in the average
    assert [message for message in room.pass_time(1) if isinstance(message, Label)]
    assert room.teaching.go_on() is None


def test_broken_off_it_teaches_no_more_and_sharing_goes_on_after_a_moment(room: Classroom) -> None:
    room.pass_time(1)
    room.teaching.typed("t")
    room.pass_time(READY_S + HOLD_S + 1)
    room.teaching.typed("t")
    assert "broken off" in room.said[-1]
    assert room.pass_time(REST_S - 0.1) == []
    assert [message for message in room.pass_time(2 * HOLD_S) if isinstance(message, Label)]
    assert [label for label, _, _ in room.notebook.lessons] == [0]


def test_a_program_that_was_halted_in_it_has_broken_it_off(room: Classroom) -> None:
    room.teaching.typed("t")
    room.now += 30
    assert room.teaching.go_on() is None
    assert "broken off" in room.said[-1]
    assert room.notebook.lessons == []


def test_what_is_learned_is_said_once_it_is_known_and_not_in_the_midst_of_a_lesson(room: Classroom) -> None:
    learned = TeacherStatus(counts=(3,) * 7, before=12, after=17, of=21, in_use=True, sentence="Your model: 17 of 21.")
    room.notebook.now = TeacherStatus(learning=True, sentence="Learning.")
    room.pass_time(1)
    room.notebook.now = learned
    room.pass_time(1)
    assert room.said == ["", "21 answers are kept. Your model: 17 of 21."]
    room.teaching.typed("t")
    room.notebook.now = TeacherStatus(counts=(4,) * 7, sentence="Better.")
    room.pass_time(1)
    assert "28 answers are kept. Better." not in room.said
    room.teaching.typed("t")
    room.pass_time(1)
    assert room.said[-1] == "28 answers are kept. Better."


def test_a_stranger_is_told_once_and_who_comes_back_too(room: Classroom) -> None:
    for whose in ("unknown", "theirs", "unknown", "stranger", "unknown", "stranger", "theirs", "theirs"):
        room.notebook.now = TeacherStatus(whose=whose)  # type: ignore[arg-type]  # of the loop's own
        room.pass_time(0.5)
    first, stranger, back = room.said
    assert first == ""
    assert "does not look like who taught it" in stranger
    assert "looks like who taught it" in back
    room.notebook.now = TeacherStatus(whose="unenrolled")
    room.pass_time(0.5)
    assert "whoever answers next is" in room.said[-1]
    room.teaching.typed("w")
    assert room.said[-1] == "You, too."


def test_the_status_line_says_what_to_show_and_that_nothing_is_shared(room: Classroom) -> None:
    room.teaching.typed("t")
    room.pass_time(0.5)
    ready = room.teaching.go_on()
    assert ready is not None
    assert asked(ready)[0] == "next is angry: 3"
    room.pass_time(READY_S)
    hold = room.teaching.go_on()
    assert hold is not None
    assert asked(hold)[0] == "show angry: 5"
    assert "nothing is shared meanwhile" in asked(hold)[1]
