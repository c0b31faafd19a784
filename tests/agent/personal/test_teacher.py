"""Teaching as the rest of the agent sees it: with a real store in a folder, and its thread."""

import asyncio
import contextlib
import errno
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("cryptography", reason="the extra personal is not installed")

from agent.personal import store as stores
from agent.personal import teacher as teachers
from agent.personal.answers import Answer, Answers, Enrolled
from agent.personal.recent import KEPT_S
from agent.personal.store import Loaded, Store, StoreError
from agent.personal.teacher import FRESH_S, OF_A_LESSON, Teacher
from relay.protocol import EXPRESSIONS
from tests.agent.personal.kept import NETWORK, OTHER, Drawer
from tests.support import wait_until

HAPPY, SAD, NEUTRAL = (EXPRESSIONS.index(name) for name in ("happy", "sad", "neutral"))
UNIX = 1_800_000_000.0
NOW = float(round(time.monotonic()) + 10_000)
"""Not over while a test lasts: the teacher's own thread forgets what is a minute old by the clock."""
Make = Callable[..., Teacher]


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "personal"


@pytest.fixture
def make(folder: Path, drawer: Drawer) -> Iterator[Make]:
    """A teacher whose stored answers are loaded; it ends with the test."""
    with contextlib.ExitStack() as ends:

        def made(network: str = NETWORK, store: Store | None = None) -> Teacher:
            found = Teacher(store or Store(folder, drawer), network)
            ends.callback(found.close)
            settle(found)
            return found

        yield made


def settle(teacher: Teacher) -> None:
    asyncio.run(wait_until(lambda: not teacher.status().learning))


def face(shows: int, number: int = 0) -> NDArray[np.float32]:
    features = np.full(8, 0.3, np.float32)
    features[shows] = 2.0
    return features + np.random.default_rng(number).normal(0, 0.1, 8).astype(np.float32)


def taken_for(label: int) -> list[float]:
    return [0.6 if number == label else 0.4 / 6 for number in range(7)]


def stored(folder: Path, drawer: Drawer, network: str = NETWORK) -> tuple[Answer, ...]:
    found = Store(folder, drawer).load(network).answers
    assert found is not None
    return found.answers


def teach_a_resting_face(teacher: Teacher, count: int = 12, unix: float = UNIX) -> None:
    """Its calm face is taken for a sad one; two minutes lie between answers."""
    for number in range(count):
        now, label = NOW + 120 * number, HAPPY if number % 3 == 2 else NEUTRAL
        teacher.saw(now, face(label, number), taken_for(HAPPY if label == HAPPY else SAD))
        assert teacher.teach(label, now + 0.5, unix + now).label == label
    settle(teacher)


def test_what_is_taught_is_kept_learned_and_there_at_the_next_start(make: Make, folder: Path, drawer: Drawer) -> None:
    teacher = make()
    assert teacher.status().sentence == "Nothing is taught yet."
    calm = taken_for(SAD)
    assert teacher.refine(face(NEUTRAL), calm) is calm
    teach_a_resting_face(teacher)
    for found in (teacher, make()):
        status = found.status()
        assert status.counts == (0, 0, 0, 4, 0, 0, 8)
        assert (status.before, status.after, status.of, status.in_use) == (4, 12, 12, True)
        assert status.sentence.startswith("What was learned from you is used")
        assert found.revision == 1 or found is teacher
        assert np.argmax(found.refine(face(NEUTRAL, 99), calm)) == NEUTRAL
        assert np.argmax(found.refine(face(HAPPY, 99), taken_for(HAPPY))) == HAPPY
    assert [one.corrected for one in stored(folder, drawer)] == [True] * 12


def test_who_looks_is_told_when_the_head_is_another(make: Make) -> None:
    teacher = make()
    before = teacher.revision
    teach_a_resting_face(teacher)
    learned = teacher.revision
    teacher.forget()
    assert len({before, learned, teacher.revision}) == 3


def test_an_answer_is_for_the_looks_of_the_last_second(make: Make, folder: Path, drawer: Drawer) -> None:
    teacher = make()
    for number, at in enumerate((NOW - 5.0, NOW - 1.4, NOW - 0.6, NOW - 0.5)):
        teacher.saw(at, np.full(8, number, np.float32), taken_for(HAPPY))
    teacher.teach(SAD, NOW, UNIX)
    settle(teacher)
    (answer,) = stored(folder, drawer)
    assert (answer.at, answer.label) == (UNIX, SAD)
    np.testing.assert_allclose(answer.features, np.full(8, 2.0))
    np.testing.assert_allclose(answer.universal, taken_for(HAPPY), atol=1e-6)


def test_what_is_shown_can_be_confirmed(make: Make, folder: Path, drawer: Drawer) -> None:
    teacher = make()
    teacher.saw(NOW, face(HAPPY), taken_for(SAD))
    teacher.shown(NOW, HAPPY)
    assert teacher.teach(None, NOW + 0.1, UNIX).label == HAPPY
    assert teacher.teach(HAPPY, NOW + 0.2, UNIX + 1).label == HAPPY
    assert teacher.teach(SAD, NOW + 0.3, UNIX + 2).label == SAD
    settle(teacher)
    assert [(one.label, one.corrected) for one in stored(folder, drawer)] == [
        (HAPPY, False),
        (HAPPY, False),
        (SAD, True),
    ]


@pytest.mark.parametrize(
    ("saw_ago", "shown_ago", "label", "why"),
    [
        (None, 0.0, HAPPY, "no face was read"),
        (FRESH_S + 0.1, 0.0, HAPPY, "no face was read"),
        (0.0, None, None, "no expression is shown"),
        (0.0, FRESH_S + 0.1, None, "no expression is shown"),
    ],
)
def test_nothing_is_kept_of_nobody_and_of_what_is_long_ago(
    make: Make, folder: Path, saw_ago: float | None, shown_ago: float | None, label: int | None, why: str
) -> None:
    teacher = make()
    if saw_ago is not None:
        teacher.saw(NOW - saw_ago, face(HAPPY), taken_for(HAPPY))
    if shown_ago is not None:
        teacher.shown(NOW - shown_ago, HAPPY)
    taught = teacher.teach(label, NOW, UNIX)
    assert (taught.label, taught.answers) == (None, 0)
    assert taught.sentence.startswith("Nothing was stored")
    assert why in taught.sentence
    teacher.close()
    assert not folder.exists()


def test_a_lesson_gives_some_answers_spread_over_its_time(make: Make, folder: Path, drawer: Drawer) -> None:
    teacher = make()
    for tenth in range(100):
        teacher.saw(NOW + tenth / 10, np.full(8, tenth, np.float32), taken_for(SAD))
    taught = teacher.lesson(HAPPY, NOW + 2.0, NOW + 6.0, UNIX)
    assert (taught.label, taught.answers) == (HAPPY, OF_A_LESSON)
    settle(teacher)
    found = stored(folder, drawer)
    assert [round(float(one.features[0])) for one in found] == [20, 30, 40, 50, 60]
    np.testing.assert_allclose([one.at - UNIX for one in found], [-4.0, -3.0, -2.0, -1.0, 0.0], atol=1e-6)
    assert teacher.lesson(SAD, NOW + 20, NOW + 25, UNIX).label is None


def test_looks_go_after_a_minute_though_no_other_comes(make: Make) -> None:
    teacher = make()
    at = time.monotonic() - KEPT_S - 1
    teacher.saw(at, face(HAPPY), taken_for(HAPPY))
    asyncio.run(wait_until(lambda: teacher.teach(HAPPY, at + 0.1, UNIX).label is None))


def test_looks_go_after_a_minute_though_a_keyring_does_not_answer(folder: Path, drawer: Drawer) -> None:
    slow = SlowStore(folder, drawer)
    teacher = Teacher(slow, NETWORK)
    assert slow.asked.wait(60)
    at = time.monotonic() - KEPT_S - 1
    teacher.saw(at, face(HAPPY), taken_for(HAPPY))
    teacher.status()  # which whoever looks asks for all the time
    assert teacher.teach(HAPPY, at + 0.1, UNIX).label is None
    slow.goes_on.set()
    teacher.close()


@pytest.mark.parametrize("broken", [np.inf, np.nan])
def test_a_network_that_overflows_teaches_nothing_and_breaks_nothing(make: Make, broken: float) -> None:
    teacher = make()
    teacher.saw(NOW, np.full(8, broken, np.float32), taken_for(HAPPY))
    teacher.saw(NOW, face(HAPPY), [broken] * 7)
    assert teacher.teach(SAD, NOW, UNIX).label is None
    teacher.saw(NOW, face(HAPPY), taken_for(HAPPY))
    assert teacher.teach(SAD, NOW, UNIX).label == SAD


def test_forgetting_leaves_nothing_in_memory_or_in_the_folder(make: Make, folder: Path, drawer: Drawer) -> None:
    teacher = make()
    teach_a_resting_face(teacher)
    export = folder.parent / "mine.json"
    assert "12 answers" in teacher.export(export)
    teacher.saw(NOW + 9000, face(HAPPY), taken_for(HAPPY))
    assert "deleted" in teacher.forget()
    status = teacher.status()
    assert (sum(status.counts), status.in_use) == (0, False)
    assert teacher.teach(HAPPY, NOW + 9000.1, UNIX).label is None
    calm = taken_for(SAD)
    assert teacher.refine(face(NEUTRAL), calm) is calm
    assert {file.name for file in folder.iterdir()} == {"answers.lock"}
    assert drawer.key is None
    assert not export.exists()
    teach_a_resting_face(teacher, unix=UNIX + 86_400)
    assert teacher.status().in_use


def test_an_export_has_what_was_taught_just_before(make: Make, tmp_path: Path) -> None:
    teacher = make()
    teacher.saw(NOW, face(HAPPY), taken_for(HAPPY))
    teacher.teach(HAPPY, NOW, UNIX)
    assert "1 answers" in teacher.export(tmp_path / "mine.json")
    with pytest.raises(StoreError, match="already"):
        teacher.export(tmp_path / "mine.json")


def test_on_a_full_disk_nothing_is_lost_and_the_next_answer_is_another_try(
    make: Make, folder: Path, drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    teacher = make()
    with monkeypatch.context() as disk:
        disk.setattr(stores, "write_whole", full)
        teach_a_resting_face(teacher)
        assert teacher.status().in_use
        assert "No space left" in teacher.status().sentence
        assert stored(folder, drawer) == ()
    teacher.saw(NOW + 9000, face(HAPPY), taken_for(HAPPY))
    teacher.teach(HAPPY, NOW + 9000, UNIX + 9000)
    settle(teacher)
    assert len(stored(folder, drawer)) == 13
    assert teacher.status().sentence.startswith("What was learned from you is used")


def test_what_is_not_stored_yet_is_stored_at_the_end(make: Make, folder: Path, drawer: Drawer) -> None:
    teacher = make()
    teacher.saw(NOW, face(HAPPY), taken_for(HAPPY))
    teacher.teach(HAPPY, NOW, UNIX)
    teacher.close()
    assert len(stored(folder, drawer)) == 1
    assert teacher.teach(HAPPY, NOW, UNIX).label is None
    assert "Moodcast ends" in teacher.export(folder.parent / "mine.json")


def test_without_the_key_the_network_for_everybody_answers_and_nothing_is_added(
    make: Make, folder: Path, drawer: Drawer
) -> None:
    teach_a_resting_face(make())
    drawer.problem = "the keyring is locked"
    teacher = make()
    calm = taken_for(SAD)
    assert teacher.refine(face(NEUTRAL), calm) is calm
    assert "the keyring is locked" in teacher.status().sentence
    teacher.saw(NOW, face(HAPPY), taken_for(HAPPY))
    taught = teacher.teach(HAPPY, NOW, UNIX)
    assert taught.label is None
    assert "the keyring is locked" in taught.sentence
    drawer.problem = ""
    assert len(stored(folder, drawer)) == 12


def test_what_was_taught_to_another_network_waits_for_it(make: Make, folder: Path, drawer: Drawer) -> None:
    teach_a_resting_face(make())
    other = make(OTHER)
    status = other.status()
    assert (sum(status.counts), status.in_use) == (0, False)
    assert "12 answers on faces that another model read wait" in status.sentence
    other.saw(NOW, face(HAPPY), taken_for(HAPPY))
    other.teach(HAPPY, NOW, UNIX)
    settle(other)
    assert [len(stored(folder, drawer, name)) for name in (NETWORK, OTHER)] == [12, 1]
    assert make().status().in_use


class SlowStore(Store):
    """A disk or a keyring that takes as long as a test wants."""

    def __init__(self, folder: Path, drawer: Drawer) -> None:
        super().__init__(folder, drawer)
        self.asked, self.goes_on = threading.Event(), threading.Event()

    def load(self, network: str) -> Loaded:
        self._wait()
        return super().load(network)

    def save(self, answers: Answers, enrolled: Enrolled | None = None) -> Loaded:
        self._wait()
        return super().save(answers, enrolled)

    def _wait(self) -> None:
        self.asked.set()
        assert self.goes_on.wait(60)


def test_nobody_waits_for_a_slow_disk_or_keyring(folder: Path, drawer: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachers, "CLOSING_S", 0.01)
    slow = SlowStore(folder, drawer)
    teacher = Teacher(slow, NETWORK)
    assert slow.asked.wait(60)
    teacher.saw(NOW, face(HAPPY), taken_for(HAPPY))
    assert teacher.teach(HAPPY, NOW, UNIX).label == HAPPY  # it is still loading
    assert teacher.status().learning
    assert teacher.refine(face(HAPPY), [1.0]) == [1.0]
    teacher.close()
    slow.goes_on.set()
    asyncio.run(wait_until(lambda: len(stored(folder, drawer)) == 1))


def test_what_is_loaded_after_all_was_forgotten_is_not_taken_up(make: Make, folder: Path, drawer: Drawer) -> None:
    teach_a_resting_face(make())
    slow = SlowStore(folder, drawer)
    teacher = Teacher(slow, NETWORK)
    assert slow.asked.wait(60)
    said: list[str] = []
    forgetting = threading.Thread(target=lambda: said.append(teacher.forget()))
    forgetting.start()
    asyncio.run(wait_until(lambda: teacher._forgotten == 1))
    slow.goes_on.set()
    forgetting.join()
    settle(teacher)
    assert sum(teacher.status().counts) == 0
    assert "deleted" in said[0]
    teacher.close()


def test_a_fault_in_learning_is_told_and_the_next_answer_is_another_try(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise FloatingPointError("no number")

    teacher = make()
    with monkeypatch.context() as broken:
        broken.setattr(teachers, "learn", fails)
        teacher.saw(NOW, face(HAPPY), taken_for(HAPPY))
        teacher.teach(HAPPY, NOW, UNIX)
        settle(teacher)
        assert "Learning failed (FloatingPointError: no number)" in teacher.status().sentence
    teach_a_resting_face(teacher)
    assert teacher.status().in_use
    assert "failed" not in teacher.status().sentence
