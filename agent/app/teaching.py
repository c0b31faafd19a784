"""Teaching as the running agent has it done: the eyes learn; here that is asked for, and what they say of it told."""

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable

from agent.app.looking import CameraWatch, EyesProcess
from agent.app.sight import DeletePersonal, EnrolMe, ExportPersonal, FromEyes, Handled, Lesson, Teach
from agent.errors import AgentError
from agent.personal.lesson import REST_S, GuidedMinute, LessonMoment
from agent.personal.status import Label, Taught, TeacherStatus
from relay.common.deadline import within

_TICK_S = 0.1
_KEPT_S = 2.0
"""The eyes have so long to say what they kept of the last expression, before the minute is over: who sees that it is
may turn the camera off, and with it them."""
_HANDLED_S = 90.0
"""A keyring may ask its user for a password first, and is waited for a minute (``agent.personal.key``)."""
_UNHANDLED = Handled(sentence="What was to do it did not answer. Try again.", done=False)
NO_EYES = Taught(label=None, answers=0, sentence="Nothing was stored: it takes the camera, and teaching turned on.")
BROKEN_OFF = Taught(
    label=None, answers=0, sentence="The guided minute was broken off; the expressions until then count."
)


class Teaching:
    """Answers and lessons on their way to the eyes, and what they say of them on its way to the state.

    Runs in the event loop, but for ``moment``.
    """

    def __init__(self, watch: CameraWatch, tell: Callable[..., None], mute: Callable[[float], None]) -> None:
        """``tell`` sets fields of ``State``; ``mute`` is told each new ``muted_until``."""
        self._watch, self._tell, self._mute = watch, tell, mute
        self._minute: GuidedMinute | None = None
        self._moment: LessonMoment | None = None
        """The last that was asked for."""
        self._guiding: asyncio.Task[None] | None = None
        self._kept = asyncio.Event()
        """What is known of the newest expression that was asked for."""
        self._asked: deque[asyncio.Future[Handled]] = deque()
        """What the eyes are asked to do, which they answer one after the other."""
        self.muted_until = -math.inf
        """Nothing that is seen before it (``time.monotonic``) is for the relay."""

    def moment(self) -> LessonMoment | None:
        """What the guided minute asks for now; any thread may call it."""
        minute = self._minute
        if minute is None:
            return None
        self._moment = minute.moment(time.monotonic()) or self._moment
        return self._moment

    def teach(self, label: Label | None) -> None:
        """An answer of the viewer; see ``State.taught``."""
        if not self._watch.say_to_learner(Teach(label)):
            self._tell(taught=NO_EYES)

    def enrol(self) -> None:
        """Who is seen now is who taught it; see ``State.taught``."""
        if not self._watch.say_to_learner(EnrolMe()):
            self._tell(taught=NO_EYES)

    def start_lesson(self) -> None:
        """Begin the guided minute, unless it goes on already, or nobody would learn from it."""
        if not self._watch.learns:
            self._tell(taught=NO_EYES)
        elif self._minute is None:
            self._minute, self._moment = GuidedMinute(time.monotonic()), None
            self._be_mute(math.inf)
            self._guiding = asyncio.get_running_loop().create_task(self._guide(self._minute))

    def stop_lesson(self) -> None:
        """Break it off; nothing where there is none."""
        if self._guiding is not None and self._minute is not None:
            self._guiding.cancel()
            self._hand_in(self._minute)
            self._end_lesson(self._minute)

    def close_eyes(self) -> None:
        """The camera is off: nothing is shown to the eyes any more, nor do they answer."""
        self.stop_lesson()
        while self._asked:
            _settle(self._asked.popleft(), _UNHANDLED)

    def hear(self, message: FromEyes) -> None:
        """What the eyes say; most of it is not of teaching."""
        if isinstance(message, Taught):
            self._tell(taught=message)
            if not message.answers:
                self._kept.set()
        elif isinstance(message, TeacherStatus):
            self._tell(personal=message)
            self._kept.set()
        elif isinstance(message, Handled) and self._asked:
            _settle(self._asked.popleft(), message)

    async def handled(self, message: ExportPersonal | DeletePersonal) -> str:
        """Have it done by the eyes, or by a process that looks at nothing; what became of it, a sentence.

        Raises:
            AgentError: it could not be done.
        """
        handling: asyncio.Future[Handled] = asyncio.get_running_loop().create_future()
        alone = None
        if self._watch.say_to_learner(message):
            self._asked.append(handling)
        else:
            alone = self._start_alone(message, handling)
        try:
            await asyncio.wait({handling}, timeout=_HANDLED_S)
            _settle(handling, _UNHANDLED)
            done = handling.result()
        finally:
            if alone is not None:
                await asyncio.to_thread(alone.end)
        if not done.done:
            raise AgentError(done.sentence)
        if alone is not None and isinstance(message, DeletePersonal):
            self._tell(personal=None)
        return done.sentence

    def _start_alone(
        self, message: ExportPersonal | DeletePersonal, handling: "asyncio.Future[Handled]"
    ) -> EyesProcess | None:
        loop = asyncio.get_running_loop()

        def in_loop(handled: Handled) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the process
                loop.call_soon_threadsafe(_settle, handling, handled)

        def heard(_: EyesProcess, answer: FromEyes) -> None:
            if isinstance(answer, Handled):
                in_loop(answer)

        try:
            return EyesProcess(message, heard, lambda _: in_loop(_UNHANDLED))
        except OSError as error:
            _settle(handling, Handled(sentence=f"It can't be started ({error.strerror or error}).", done=False))
            return None

    async def _guide(self, minute: GuidedMinute) -> None:
        while not minute.is_over:
            await asyncio.sleep(_TICK_S)
            self._hand_in(minute)
        with contextlib.suppress(asyncio.TimeoutError):
            await within(_KEPT_S, self._kept.wait())
        self._end_lesson(minute)

    def _hand_in(self, minute: GuidedMinute) -> None:
        """To the eyes, what was asked for and is over."""
        now = time.monotonic()
        for asked in minute.turns(now):
            self._kept.clear()
            self._watch.say_to_learner(Lesson(label=asked.label, since=now - asked.since, until=now - asked.until))

    def _end_lesson(self, minute: GuidedMinute) -> None:
        if minute.is_broken_off or not minute.is_over:
            self._tell(taught=BROKEN_OFF)
        self._be_mute(time.monotonic() + REST_S)
        self._guiding = self._minute = None

    def _be_mute(self, until: float) -> None:
        self.muted_until = until
        self._mute(until)


def _settle(handling: "asyncio.Future[Handled]", answer: Handled) -> None:
    """What became of it, unless that is known."""
    if not handling.done():
        handling.set_result(answer)
