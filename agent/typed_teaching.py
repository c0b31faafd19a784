"""Teaching the agent one's face in the terminal: a line of one letter or digit each, and what is said of it.

Lines, not single keys: for those the terminal would have to be set to another mode, and be left in it where the program
is killed or ends itself, since something hangs (``agent.stopping.leave``).
"""

import math
import threading
import time
from collections.abc import Callable

import msgspec

from agent.personal.lesson import REST_S, GuidedMinute, LessonMoment
from agent.personal.status import TeacherStatus, WhoseFace
from agent.personal.store import StoreError
from agent.personal.teacher import Teacher
from agent.sending import Sender
from relay.protocol import EXPRESSIONS

_RIGHT, _LESSON, _DELETE, _ME = "y", "t", "d", "w"
_SURE_S = 10.0
"""The second d comes within so long."""
KEYS = (
    "Teach it your face, each time with Enter: y if what was shown last is right, else what it is: "
    f"{', '.join(f'{number} {name}' for number, name in enumerate(EXPRESSIONS, 1))}. "
    f"{_LESSON} begins a guided minute, and breaks it off; {_DELETE} deletes all that it has learned."
)
ONLY_ME_KEYS = f"{_ME} and Enter, whenever you are taken for somebody else: this is you, too (other glasses, a beard)."
_WHOSE: dict[WhoseFace, str] = {
    "unenrolled": "Nobody is enrolled yet: whoever answers next is, and it learns from that face alone.",
    "stranger": "This does not look like who taught it: this face is read as everybody's, and nothing is learned.",
    "theirs": "This looks like who taught it.",
}
_BEGINS = (
    "A minute in which you are asked for each expression: make that face, and hold it. Your label is withdrawn "
    f"meanwhile, so nobody sees faces that you make on purpose. {_LESSON} and Enter breaks it off."
)
_BROKEN_OFF = "The guided minute is broken off; the expressions until then count."
_OVER = "The guided minute is over. What is seen is shared again in a moment."
_SURE = f"To delete all that it has learned of your face, type {_DELETE} and Enter once more within ten seconds."
_DELETING = "It is being deleted. What became of it is told here, within a minute or so; wait for that."


class TypedTeaching:
    """What is typed, on its way to the teacher, and what it says. Use it in one thread."""

    def __init__(self, teacher: Teacher, sender: Sender, wake: Callable[[], None], note: Callable[[str], None]) -> None:
        """``sender`` is muted while faces are made on purpose, and ``wake`` called then; ``note`` gets sentences, from
        any thread."""
        self._teacher, self._sender, self._wake, self._note = teacher, sender, wake, note
        self._minute: GuidedMinute | None = None
        self._sure_until = -math.inf
        self._status = TeacherStatus()
        self._whose: WhoseFace = "theirs"

    def typed(self, line: str) -> bool:
        """Do what a line asks for; False where it is none of ``KEYS``."""
        now, is_sure = time.monotonic(), time.monotonic() < self._sure_until
        self._sure_until = -math.inf
        if line == _RIGHT or line in map(str, range(1, len(EXPRESSIONS) + 1)):
            label = None if line == _RIGHT else int(line) - 1
            self._note(self._teacher.teach(label, now, time.time()).sentence)
        elif line == _ME:
            self._note(self._teacher.enrol(now).sentence)
        elif line == _LESSON:
            self._end(_BROKEN_OFF) if self._minute else self._begin(now)
        elif line == _DELETE and is_sure:
            self._delete()
        elif line == _DELETE:
            self._sure_until = now + _SURE_S
            self._note(_SURE)
        else:
            return False
        return True

    def go_on(self) -> LessonMoment | None:
        """Call it a few times a second: what the guided minute asks for now; None without one."""
        now = time.monotonic()
        if self._minute is not None:
            for asked in self._minute.turns(now):
                self._note(self._teacher.lesson(asked.label, asked.since, asked.until, time.time()).sentence)
            if self._minute.is_over:
                self._end(_BROKEN_OFF if self._minute.is_broken_off else _OVER)
        status = self._teacher.status()
        if status.whose in _WHOSE and status.whose != self._whose:
            self._whose = status.whose
            self._note(_WHOSE[status.whose])
        status = msgspec.structs.replace(status, whose="anyone")
        if self._minute is None and not status.learning and status != self._status:
            self._status = status
            self._note(_learned(status))
        return None if self._minute is None else self._minute.moment(now)

    def _begin(self, now: float) -> None:
        self._minute = GuidedMinute(now)
        self._mute(math.inf)
        self._note(_BEGINS)

    def _end(self, sentence: str) -> None:
        self._minute = None
        self._mute(time.monotonic() + REST_S)
        self._note(sentence)

    def _mute(self, until: float) -> None:
        self._sender.mute(until)
        self._wake()

    def _delete(self) -> None:
        """In a thread of its own: a keyring may ask its user first."""

        def delete() -> None:
            try:
                self._note(self._teacher.forget())
            except StoreError as error:
                self._note(str(error))

        self._note(_DELETING)
        threading.Thread(target=delete, name="delete", daemon=True).start()


def _learned(status: TeacherStatus) -> str:
    number = sum(status.counts)
    kept = f"{number} {'answer is' if number == 1 else 'answers are'} kept. " if number else ""
    return f"{kept}{status.sentence}"


def asked(moment: LessonMoment) -> tuple[str, str]:
    """What the status line says during the guided minute, as ``agent.terminal.Display.show`` takes it."""
    seconds = math.ceil(moment.left_s)
    what = f"show {moment.expression}" if moment.phase == "hold" else f"next is {moment.expression}"
    return (
        f"{what}: {seconds}",
        f"{moment.number} of {moment.of} · nothing is shared meanwhile · {_LESSON} breaks it off",
    )
