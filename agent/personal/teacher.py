"""What the rest of the agent has of teaching: it is told what is seen and what the viewer says, and learns beside.

The minute's looks are in memory alone. Answers go into the store, and from all of them a head is fitted
(``agent.personal.learning``): both in one thread of its own, so that whoever looks never waits for a disk, a keyring or
a fit.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDoneError
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.pace import Box
from agent.personal.answers import MOST_ANSWERS, Answer, Answers
from agent.personal.learning import Learned, PersonalHead, learn
from agent.personal.recent import KEPT_S, KeptLook, LastMinute
from agent.personal.status import Taught, TeacherStatus
from agent.personal.store import Loaded, Store, StoreError
from agent.personal.whose import Whose
from relay.protocol import EXPRESSIONS

_ANSWERED_S = 1.0
"""An answer is for the looks of the last second in which there were any ..."""
FRESH_S = 3.0
"""... if that is no longer ago than this: while nothing moves, there is a look a second."""
OF_A_LESSON = 5
"""Looks of one lesson that become answers at most, spread over it."""
PATIENCE_S = 75.0
"""For a keyring that asks its user."""
CLOSING_S = 2.0
"""In the end, for answers that are not stored yet."""
_STRANGER = "this does not look like who taught it"
_UNSEEN = "it was not seen yet whose face this is. Look at the camera, and answer again"


class Teacher:
    """One viewer's. Any thread may call; ``forget``, ``export`` and ``close`` alone wait for more than a lock.

    Times ``now``, ``since`` and ``until`` are those of ``time.monotonic``; ``unix`` is the time of day at ``now``, or
    at ``until``.
    """

    def __init__(self, store: Store, network: str, only: str = "") -> None:
        """``network``: the sha256 of the file that faces are read with. What is stored is loaded in the background.

        ``only``: of the one that tells whose they are; with it, who is not enrolled is neither learned from nor read
        by what was learned.
        """
        self._store, self._network = store, network
        self._changed = threading.Condition()
        """Held for all that follows; only ``_head``, ``_is_theirs`` and ``revision`` are read without."""
        self._whose = Whose(only)
        self._is_theirs = not only
        self._recent, self._shown, self._shown_at = LastMinute(), 0, -np.inf
        self._kept, self._unsaved = Answers(network), list[Answer]()
        self._answers = self._kept
        """Both together."""
        self._is_open, self._trouble, self._aside = True, "", 0
        self._forgotten = 0
        """How often all was: what was begun before is of no use then."""
        self._learned = learn(())
        self._wanted, self._fitted = 1, 0
        """Of which change of the answers a head is wanted, and was fitted; the first is that they are loaded."""
        self._is_to_save = self._is_closing = False
        self._errands: deque[Callable[[], None]] = deque([self._load])
        self._head: PersonalHead | None = None
        self.revision = 0
        """Changes whenever ``refine`` does."""
        self._thread = threading.Thread(target=self._work, name="teacher", daemon=True)
        self._thread.start()

    def comes(self, now: float, box: Box | None) -> bool:
        """A face is seen there, or None. Whether it is to be embedded, for ``recognise``, before ``saw``."""
        with self._changed:
            if box is None:
                self._whose.leaves()
            is_due = box is not None and self._whose.comes(now, box)
            if self._whose.face == "unenrolled" and self._whose.oldest is None:
                self._recent.forget()  # of who was there before
            self._judge()
            return is_due

    def recognise(self, now: float, embedding: NDArray[np.float32]) -> None:
        """The embedding (D,) of the face that is seen, by the network that ``only`` names; in memory for a minute."""
        with self._changed:
            if not self._is_closing:
                self._whose.compared(now, embedding)
                self._changed.notify()  # it is to be forgotten in a minute
                self._judge()

    def saw(self, now: float, features: NDArray[np.float32], probabilities: ArrayLike) -> None:
        """A face's features (D,) and universal probabilities (7,); kept for a minute, in memory alone."""
        look = KeptLook(now, features, np.asarray(probabilities, np.float32))
        if not (np.isfinite(look.features).all() and np.isfinite(look.probabilities).all()):
            return  # a network of the viewer's own may overflow, and no answer can be made of that
        with self._changed:
            if self._is_closing or self._whose.face in ("unknown", "stranger"):
                return
            if self._recent.oldest is None:
                self._changed.notify()  # it is to be forgotten in a minute, also if there is no other
            self._recent.add(look)

    def shown(self, now: float, label: int) -> None:
        """The viewer is shown this expression, an index of ``EXPRESSIONS``: what they may confirm."""
        with self._changed:
            self._shown, self._shown_at = label, now

    def refine(self, features: NDArray[np.float32], probabilities: Sequence[float]) -> Sequence[float]:
        """The seven probabilities of a face (D,) by the personal head, if one is in use for it; else as they are."""
        head = self._head
        if head is None or not self._is_theirs:
            return probabilities
        found: list[float] = head.probabilities(features[None], np.asarray(probabilities)[None])[0].tolist()
        return found

    def teach(self, label: int | None, now: float, unix: float) -> Taught:
        """What the face shows, an index of ``EXPRESSIONS``; None: what is shown is right."""
        with self._changed:
            looks = self._recent.between(now - FRESH_S, now)
            looks = [look for look in looks if look.at >= looks[-1].at - _ANSWERED_S]
            is_shown = now - FRESH_S <= self._shown_at <= now
            if refused := self._refused():
                return refused
            if not looks:
                return _nothing("no face was read in the last moments")
            if label is None and not is_shown:
                return _nothing("no expression is shown that could be confirmed")
            if self._whose.face == "unenrolled" and not self._whose.enrol(self._whose.newest, now):
                return _nothing(_UNSEEN)
            truth = self._shown if label is None else label
            features = np.stack([look.features for look in looks]).mean(0)
            universal = np.stack([look.probabilities for look in looks]).mean(0).clip(0, 1)
            corrected = not (is_shown and truth == self._shown)
            return self._keep([Answer(unix, truth, features, universal, corrected)])

    def lesson(self, label: int, since: float, until: float, unix: float) -> Taught:
        """The face showed this expression from ``since`` to ``until``: some looks of then become answers."""
        with self._changed:
            looks = self._recent.between(since, until)
            if refused := self._refused():
                return refused
            if not looks:
                return _nothing(f"no face was read while it was to show {EXPRESSIONS[label]}")
            if not self._whose.enrol(since, until) and self._whose.face == "unenrolled":
                return _nothing(_UNSEEN)
            chosen = np.unique(np.linspace(0, len(looks) - 1, OF_A_LESSON).round().astype(int)).tolist()
            return self._keep([_answer(looks[number], label, unix - until) for number in chosen])

    def enrol(self, now: float) -> Taught:
        """Whoever is there is who teaches it, though they look otherwise: with other glasses, or without the beard."""
        with self._changed:
            if self._whose.face == "anyone":
                return _nothing("faces are not told apart")
            if not self._is_open or self._is_closing:
                return _nothing(f"what was stored can't be read. {self._trouble}")
            if not self._whose.enrol(self._whose.newest, now, anyhow=True):
                return _nothing(_UNSEEN)
            self._is_to_save = True
            self._judge()
            self._changed.notify()
            return Taught(label=None, answers=0, sentence="You are known as you look now, too.")

    def forget(self) -> str:
        """Forget all that was learned, in memory at once, and delete what is stored. What became of it, a sentence.

        It waits for the disk and the keyring, ``PATIENCE_S`` at most.

        Raises:
            agent.personal.store.StoreError: nothing that is stored was deleted.
        """
        with self._changed:
            self._forgotten += 1
            self._recent.forget()
            self._kept, self._unsaved, self._is_to_save = Answers(self._network), [], False
            self._answers = self._kept
            self._is_open, self._trouble, self._aside = True, "", 0
            self._whose.forget()
            self._judge()
            self._take(learn(()))
        return self._done(self._store.delete)

    def export(self, path: Path) -> str:
        """Write the answers to a file that anybody can read; a sentence on it. It waits as ``forget`` does.

        Raises:
            agent.personal.store.StoreError: it can't be written, or there is nothing to write.
        """
        return self._done(lambda: self._export(path))

    def status(self) -> TeacherStatus:
        """What is stored, and what it is worth."""
        with self._changed:
            self._expire()  # the thread beside may be waiting for a keyring
            learned = self._learned
            waiting = f"{self._aside} answers on faces that another model read wait for that model."
            notice = " ".join(filter(None, (self._trouble, self._whose.sentence, waiting if self._aside else "")))
            worth = learned.sentence if self._is_open and self._fitted else ""
            angry, disgust, fear, happy, sad, surprise, neutral = self._answers.counts
            return TeacherStatus(
                counts=(angry, disgust, fear, happy, sad, surprise, neutral),
                before=learned.before,
                after=learned.after,
                of=learned.of,
                in_use=learned.head is not None,
                whose=self._whose.face,
                learning=self._fitted != self._wanted,
                notice=notice,
                sentence=" ".join(filter(None, (worth, notice))),
            )

    def close(self) -> None:
        """Forget the minute, and end; answers that are not stored yet have ``CLOSING_S`` to be."""
        with self._changed:
            self._is_closing = True
            self._is_to_save = bool(self._unsaved or self._whose.new)
            self._recent.forget()
            self._whose.leaves()
            self._changed.notify()
        self._thread.join(CLOSING_S)

    # Those that follow are called with the lock.

    def _refused(self) -> Taught | None:
        """What an answer gets that is not to be kept; None where it may."""
        if not self._is_open or self._is_closing:
            return Taught(label=None, answers=0, sentence=f"Nothing was stored. {self._trouble}".strip())
        if self._whose.face == "stranger":
            return _nothing(_STRANGER)
        return _nothing(_UNSEEN) if self._whose.face == "unknown" else None

    def _judge(self) -> None:
        """Once it may be known otherwise whose face is seen: another's looks are nobody's answers."""
        face = self._whose.face
        if face == "stranger":
            self._recent.forget()
        if (face in ("anyone", "theirs")) != self._is_theirs:
            self._is_theirs = not self._is_theirs
            if self._head is not None:
                self.revision += 1

    def _keep(self, answers: list[Answer]) -> Taught:
        self._judge()  # the first of them may have enrolled somebody
        self._unsaved = [*self._unsaved, *answers][-MOST_ANSWERS:]
        self._answers = self._kept.joined(self._unsaved)
        self._wanted += 1
        self._is_to_save = True
        self._changed.notify()
        sentence = f"Learned: your face shows {EXPRESSIONS[answers[0].label]}."
        return Taught(label=answers[0].label, answers=len(answers), sentence=sentence)

    def _expire(self) -> None:
        now = time.monotonic()
        self._recent.expire(now)
        self._whose.expire(now)

    def _take(self, learned: Learned) -> None:
        self._learned = learned
        if learned.head is not None or self._head is not None:
            self._head = learned.head
            self.revision += 1

    # Those that follow are called without it.

    def _done(self, work: Callable[[], str]) -> str:
        """Have it done in the thread beside, and wait for that."""
        future: Future[str] = Future()

        def errand() -> None:
            try:
                future.set_result(work())
            except Exception as error:  # raised again where it was asked for
                future.set_exception(error)

        with self._changed:
            if self._is_closing:
                return "Nothing was done, since Moodcast ends."
            self._errands.append(errand)
            self._changed.notify()
        try:
            return future.result(PATIENCE_S)
        except NotDoneError:
            return "It is not done yet: the disk or the keyring takes its time. It is done once they answer."

    def _work(self) -> None:
        while (errand := self._next()) is not None:
            try:
                errand()
            except Exception as error:  # whatever a disk or a library makes of it
                with self._changed:
                    self._trouble = f"Learning failed ({type(error).__name__}: {error}): answer again to try again."
                    self._fitted = self._wanted

    def _next(self) -> Callable[[], None] | None:
        """What is to do; None once all is done that is to be done before the end."""
        with self._changed:
            while True:
                if self._errands:
                    return self._errands.popleft()
                if self._is_to_save:
                    self._is_to_save = False
                    return self._save
                if self._is_closing:
                    return None
                if self._fitted != self._wanted:
                    return self._fit
                old = [at for at in (self._recent.oldest, self._whose.oldest) if at is not None]
                self._changed.wait(max(1.0, min(old) + KEPT_S - time.monotonic()) if old else None)
                self._expire()

    def _load(self) -> None:
        loaded = self._store.load(self._network)
        with self._changed:
            if not self._forgotten:
                if loaded.answers is None:
                    self._unsaved = []
                self._hold(loaded)

    def _save(self) -> None:
        """Store what is not stored yet; where it can't be, it is kept for another try."""
        with self._changed:
            answers, forgotten, enrolled = tuple(self._unsaved), self._forgotten, self._whose.new
        try:
            loaded = self._store.save(Answers(self._network, answers), enrolled)
        except StoreError as error:
            with self._changed:
                self._trouble = str(error)
            return
        saved = {answer.digest for answer in answers}
        with self._changed:
            if forgotten == self._forgotten:
                self._unsaved = [answer for answer in self._unsaved if answer.digest not in saved]
                if self._whose.new is enrolled:
                    self._whose.new = None
                self._hold(loaded)

    def _hold(self, loaded: Loaded) -> None:
        """What is stored now; with the lock."""
        self._is_open = loaded.answers is not None
        self._kept = loaded.answers or Answers(self._network)
        self._answers = self._kept.joined(self._unsaved)
        self._trouble, self._aside = loaded.sentence, loaded.aside
        self._whose.hold(loaded.enrolled, self._is_open)
        self._judge()

    def _fit(self) -> None:
        with self._changed:
            answers, forgotten, wanted = self._answers.answers, self._forgotten, self._wanted
        learned = learn(answers)
        with self._changed:
            self._fitted = wanted
            if forgotten == self._forgotten:
                self._take(learned)

    def _export(self, path: Path) -> str:
        if self._unsaved or self._whose.new:
            self._save()
        return self._store.export(path)


def _nothing(why: str) -> Taught:
    return Taught(label=None, answers=0, sentence=f"Nothing was stored: {why}.")


def _answer(look: KeptLook, label: int, to_unix: float) -> Answer:
    """What a lesson makes of a look; ``to_unix`` is added to its time."""
    return Answer(look.at + to_unix, label, look.features, look.probabilities.clip(0, 1), corrected=True)
