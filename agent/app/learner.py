"""The part of the eyes that is taught: what they are told of it, and what they say of it. No embedding leaves it."""

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agent.app.sight import DeletePersonal, EnrolMe, ExportPersonal, FromEyes, Handled, Lesson, Teach
from agent.personal.key import DesktopVault
from agent.personal.status import Taught, TeacherStatus
from agent.personal.store import Store, StoreError
from agent.personal.teacher import Teacher
from relay.errors import MoodcastError

Asked = Teach | Lesson | EnrolMe | ExportPersonal | DeletePersonal
_NOT_YET = "Nothing was stored: it only begins to look. Try again in a moment."


class EyesLearner:
    """Does what it is asked in a thread of its own: a keyring may wait for its user, and who listens never waits."""

    def __init__(self, say: Callable[[FromEyes], None]) -> None:
        """``say`` is called in that thread, and in the one that calls ``tell``."""
        self._say = say
        self._asked: queue.SimpleQueue[tuple[Asked, float] | None] = queue.SimpleQueue()
        """None: all before it is done."""
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)
        self._told = TeacherStatus()
        self._why_not = _NOT_YET
        self.teacher: Teacher | None = None
        """Once there is one; without, nothing can be taught."""

    def hear(self, message: Asked) -> None:
        """Have it done; call it in one thread."""
        self._asked.put((message, time.monotonic()))
        if not self._thread.is_alive():
            self._thread.start()

    def refuse(self, why: str) -> None:
        """Nothing can be taught here; ``why``, a sentence, is said now and to every answer."""
        self._why_not = why
        self._told = TeacherStatus(notice=why, sentence=why)
        self._say(self._told)

    def tell(self) -> None:
        """Say what is learned, if that has changed."""
        status = self._told if self.teacher is None else self.teacher.status()
        if status != self._told:
            self._told = status
            self._say(status)

    def close(self) -> None:
        """Keep what was answered just now, once it is done; see ``Teacher.close``."""
        if self._thread.is_alive():
            self._asked.put(None)
            self._is_done.wait()
        if self.teacher is not None:
            self.teacher.close()

    def _run(self) -> None:
        while True:
            asked = self._asked.get()
            if asked is None:
                self._is_done.set()
                continue
            message, at = asked
            self._say(self._done(message, at))
            self.tell()

    def _done(self, message: Asked, at: float) -> Taught | Handled:
        if isinstance(message, ExportPersonal | DeletePersonal):
            return self._handled(message)
        if self.teacher is None:
            return Taught(label=None, answers=0, sentence=self._why_not)
        if isinstance(message, EnrolMe):
            return self.teacher.enrol(at)
        if isinstance(message, Teach):
            return self.teacher.teach(message.label, at, time.time())
        return self.teacher.lesson(message.label, at - message.since, at - message.until, time.time())

    def _handled(self, message: ExportPersonal | DeletePersonal) -> Handled:
        folder = Path(message.personal)
        try:
            if isinstance(message, ExportPersonal):
                done = (self.teacher or Store(folder, DesktopVault(folder))).export(Path(message.path))
            else:
                done = self.teacher.forget() if self.teacher else Store(folder, DesktopVault(folder)).delete()
            return Handled(sentence=done, done=True)
        except StoreError as error:
            return Handled(sentence=str(error), done=False)
        except MoodcastError as error:
            return Handled(sentence=error.sentence(), done=False)
