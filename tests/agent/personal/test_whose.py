"""Whose face it is: who is enrolled is known, and a stranger neither teaches nor is read by what was learned."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("cryptography", reason="the extra personal is not installed")

from agent import face_stage
from agent.personal.answers import MOST_ENROLLED, Enrolled
from agent.personal.sealed import Kept, UnsealError, seal, unseal
from agent.personal.store import Store
from agent.personal.teacher import Teacher
from agent.personal.whose import AGAIN_S, EVERY_S, GONE_S, Whose
from models.clips import video
from models.errors import ModelError
from models.inference import identity
from models.inference.identity import SAME_BELOW, WIDTH
from relay.protocol import EXPRESSIONS
from tests.agent.personal.kept import NETWORK, OTHER, Drawer, answers
from tests.support import wait_until

LONDON = Path(__file__).parents[3] / ".." / "shared" / "data" / "photos" / "london"
TELLER = "c" * 64
ANNA, BEN = 0, 1
HAPPY, NEUTRAL = EXPRESSIONS.index("happy"), EXPRESSIONS.index("neutral")
UNIX = 1_800_000_000.0
BOX = (0.4, 0.3, 0.6, 0.7)
KEY = bytes(range(32))


def seen(person: int, number: int = 0) -> NDArray[np.float32]:
    """An embedding of somebody: theirs differ by less than ``SAME_BELOW``, and from others' by more."""
    middle = np.zeros(WIDTH, np.float32)
    middle[person] = 1.0
    away = np.random.default_rng(number).normal(size=WIDTH)
    return (middle + 0.2 * SAME_BELOW * away / np.linalg.norm(away)).astype(np.float32)


def whose(*enrolled: NDArray[np.float32]) -> Whose:
    made = Whose(TELLER)
    made.hold(Enrolled(TELLER, np.stack(enrolled)) if enrolled else None, is_open=True)
    return made


steps = st.lists(st.tuples(st.floats(0.03, 2 * GONE_S), st.sampled_from([ANNA, BEN, None])), max_size=40)


@given(steps)
def test_a_face_is_looked_at_when_it_comes_and_every_few_seconds(taken: list[tuple[float, int | None]]) -> None:
    """Whatever comes and goes: nobody is taken for who is enrolled for longer than until the next comparison."""
    one, now, compared_at, before = whose(seen(ANNA)), 0.0, -np.inf, None
    for (wait_s, person), number in zip(taken, itertools.count()):
        now += wait_s
        if person is None:
            one.leaves()
            assert one.face == "unknown"
        else:
            is_due = one.comes(now, BOX)
            assert is_due or now - compared_at < EVERY_S
            assert is_due or before is not None
            if is_due:
                one.compared(now, seen(person, number))
                assert one.face == ("theirs" if person == ANNA else "stranger")
                compared_at = now
        before = person


def test_a_stranger_is_looked_at_more_often_and_a_leap_at_once() -> None:
    one = whose(seen(ANNA))
    assert one.comes(0.0, BOX)
    one.compared(0.0, seen(BEN))
    assert not one.comes(AGAIN_S / 2, BOX)
    assert one.comes(AGAIN_S, BOX)
    one.compared(AGAIN_S, seen(ANNA))
    assert not one.comes(AGAIN_S + 1, (0.42, 0.33, 0.62, 0.73))
    assert one.comes(AGAIN_S + 1.2, (0.6, 0.3, 0.8, 0.7))
    assert one.face == "unknown"


def test_enrolled_is_who_is_there_and_nobody_who_was_before() -> None:
    one = whose()
    for now, person in ((0.0, BEN), (1.0, ANNA), (2.0, ANNA)):
        one.comes(now, BOX)
        one.compared(now, seen(person, int(now)))
    assert one.face == "unenrolled"
    assert one.enrol(0.0, 2.0)
    assert one.enrolled is not None
    assert len(one.enrolled.embeddings) == 2
    one.comes(3.0, BOX)
    one.compared(3.0, seen(BEN, 9))
    assert one.face == "stranger"
    one.leaves()
    assert not one.enrol(0.0, 4.0)


def test_who_looks_otherwise_now_can_be_enrolled_too() -> None:
    one = whose(seen(ANNA))
    one.comes(0.0, BOX)
    one.compared(0.0, seen(BEN))
    assert one.enrol(0.0, 0.0)
    assert one.face == "stranger"
    assert one.enrol(0.0, 0.0, anyhow=True)
    assert one.face == "theirs"


def test_without_a_network_or_with_an_unread_file_nobody_is_told_apart() -> None:
    off, shut = Whose(), Whose(TELLER)
    assert (off.face, off.comes(0.0, BOX)) == ("anyone", False)
    assert shut.face == "unknown"
    shut.hold(None, is_open=False)
    assert shut.face == "unknown"


def test_another_networks_enrolment_is_set_aside_with_a_sentence() -> None:
    one = Whose(TELLER)
    one.hold(Enrolled(OTHER, seen(ANNA)[None]), is_open=True)
    assert one.face == "unenrolled"
    assert "another network" in one.sentence
    one.comes(0.0, BOX)
    one.compared(0.0, seen(ANNA))
    assert one.enrol(0.0, 0.0)
    assert (one.face, one.sentence) == ("theirs", "")


@given(st.integers(1, 3), st.integers(1, MOST_ENROLLED))
def test_of_too_many_embeddings_the_odd_ones_stay(odd: int, many: int) -> None:
    """Glasses are rare, and what tells them is not pushed out by many faces without them."""
    rare = np.stack([seen(5 + number) for number in range(odd)])
    kept = Enrolled(TELLER, rare)
    for number in range(3):
        kept = kept.joined(Enrolled(TELLER, np.stack([seen(ANNA, 100 * number + one) for one in range(many)])))
    assert len(kept.embeddings) <= MOST_ENROLLED
    assert all((kept.embeddings == row).all(1).any() for row in rare)


def test_it_is_sealed_with_the_answers_and_a_file_without_is_as_before() -> None:
    kept = Enrolled(TELLER, np.stack([seen(ANNA, number) for number in range(3)]))
    sealed = seal(Kept((answers(1),), (), kept), KEY)
    back = unseal(sealed, KEY).enrolled
    assert back is not None
    assert back.network == TELLER
    np.testing.assert_array_equal(back.embeddings, kept.embeddings)
    old = seal(Kept((answers(1),)), KEY)
    assert (old[16], sealed[16]) == (1, 2)
    assert unseal(old, KEY).enrolled is None
    assert all(row[place : place + 4].tobytes() not in sealed for row in kept.embeddings for place in range(0, 128, 4))
    for version in (1, 3):
        with pytest.raises(UnsealError):
            unseal(sealed[:16] + bytes([version]) + sealed[17:], KEY)


# As the agent sees it: a teacher with a store.


class _Room:
    """Before a camera of one's own time: who sits there is seen, and answers."""

    def __init__(self, folder: Path, drawer: Drawer, only: str = TELLER) -> None:
        self.folder, self.drawer = folder, drawer
        self.teacher = Teacher(Store(folder, drawer), NETWORK, only)
        self.now, self._number = time.monotonic(), 0
        self.settle()

    def settle(self) -> None:
        asyncio.run(wait_until(lambda: not self.teacher.status().learning))

    def shows(self, person: int, label: int, seconds: float = 2.0) -> list[float]:
        """Looks of five a second; how the last one was read. The network for everybody takes Anna's rest for sad."""
        self.teacher.comes(self.now, None)
        for _ in range(int(seconds * 5)):
            self.now, self._number = self.now + 0.2, self._number + 1
            if self.teacher.comes(self.now, BOX):
                self.teacher.recognise(self.now, seen(person, self._number))
            self.teacher.saw(self.now, _features(label, self._number), SAD_LOOKING)
        return list(self.teacher.refine(_features(label, self._number), SAD_LOOKING))

    def answers(self, label: int) -> str:
        return self.teacher.teach(label, self.now, UNIX + self.now).sentence

    def later(self) -> None:
        self.now += 120

    def stored(self) -> int:
        self.teacher.close()
        found = Store(self.folder, self.drawer).load(NETWORK).answers
        assert found is not None
        return len(found.answers)


SAD_LOOKING = [0.05, 0.05, 0.05, 0.05, 0.55, 0.05, 0.2]


def _features(label: int, number: int) -> NDArray[np.float32]:
    features = np.full(8, 0.3, np.float32)
    features[label] = 2.0
    return features + np.random.default_rng(number).normal(0, 0.1, 8).astype(np.float32)


Make = Callable[..., _Room]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Make]:
    drawer, made = Drawer(), list[_Room]()

    def make(only: str = TELLER) -> _Room:
        made.append(_Room(tmp_path / "personal", drawer, only))
        return made[-1]

    yield make
    for one in made:
        one.teacher.close()


def test_two_people_who_teach_alternately_teach_as_one_and_the_stranger_is_read_as_everybody(room: Make) -> None:
    here = room()
    for turn in range(12):
        here.shows(ANNA, HAPPY if turn % 3 == 2 else NEUTRAL)
        assert "Learned" in here.answers(HAPPY if turn % 3 == 2 else NEUTRAL)
        here.later()
        here.shows(BEN, NEUTRAL)
        assert "does not look like who taught it" in here.answers(HAPPY)
        here.later()
    here.settle()
    status = here.teacher.status()
    assert status.in_use
    assert sum(status.counts) == 12
    assert np.argmax(here.shows(ANNA, NEUTRAL)) == NEUTRAL
    assert here.teacher.status().whose == "theirs"
    assert here.shows(BEN, NEUTRAL) == SAD_LOOKING
    assert here.teacher.status().whose == "stranger"
    assert here.stored() == 12


def test_a_stranger_after_a_restart_is_one(room: Make) -> None:
    first = room()
    first.shows(ANNA, NEUTRAL)
    first.answers(NEUTRAL)
    assert first.stored() == 1
    second = room()
    assert second.teacher.status().whose == "unknown"
    second.shows(BEN, NEUTRAL)
    assert "does not look like" in second.answers(NEUTRAL)
    second.shows(ANNA, NEUTRAL)
    assert "Learned" in second.answers(NEUTRAL)


def test_answers_of_before_stay_and_count_again_once_somebody_is_enrolled(room: Make) -> None:
    before = room("")
    for turn in range(12):
        before.shows(ANNA, HAPPY if turn % 3 == 2 else NEUTRAL)
        before.answers(HAPPY if turn % 3 == 2 else NEUTRAL)
        before.later()
    assert before.stored() == 12
    here = room()
    assert here.shows(ANNA, NEUTRAL) == SAD_LOOKING
    here.answers(NEUTRAL)
    here.settle()
    assert sum(here.teacher.status().counts) == 13
    assert np.argmax(here.shows(ANNA, NEUTRAL)) == NEUTRAL


def test_a_guided_turn_enrols_more_of_the_same_face_and_nothing_of_a_strangers(room: Make) -> None:
    here = room()
    here.shows(ANNA, NEUTRAL)
    here.answers(NEUTRAL)
    since = here.now
    here.shows(ANNA, HAPPY, 5.0)
    assert here.teacher.lesson(HAPPY, since, here.now, UNIX).answers
    since = here.now
    here.shows(BEN, HAPPY, 5.0)
    assert not here.teacher.lesson(HAPPY, since, here.now, UNIX).answers
    here.stored()
    enrolled = Store(here.folder, here.drawer).load(NETWORK).enrolled
    assert enrolled is not None
    assert len(enrolled.embeddings) > 1
    assert (np.linalg.norm(enrolled.embeddings - seen(ANNA), axis=1) < SAME_BELOW).all()


def test_deleting_forgets_who_it_was_and_an_export_has_them(room: Make, tmp_path: Path) -> None:
    here = room()
    here.shows(ANNA, NEUTRAL)
    here.answers(NEUTRAL)
    export = tmp_path / "export.json"
    assert "embeddings that recognise it" in here.teacher.export(export)
    assert TELLER in export.read_text()
    assert "deleted" in here.teacher.forget()
    assert not export.exists()
    here.shows(BEN, NEUTRAL)
    assert here.teacher.status().whose == "unenrolled"
    assert "Learned" in here.answers(NEUTRAL)
    here.shows(ANNA, NEUTRAL)
    assert here.teacher.status().whose == "stranger"


def test_who_wears_glasses_now_says_so_and_is_known_by_both(room: Make) -> None:
    here = room()
    here.shows(ANNA, NEUTRAL)
    here.answers(NEUTRAL)
    here.shows(BEN, NEUTRAL)
    assert "known as you look now" in here.teacher.enrol(here.now).sentence
    here.shows(BEN, NEUTRAL)
    assert "Learned" in here.answers(NEUTRAL)
    here.shows(ANNA, NEUTRAL)
    assert here.teacher.status().whose == "theirs"


@pytest.mark.slow
@pytest.mark.skipif(not LONDON.is_dir(), reason="needs the portraits ../shared/data/photos/london, which are not here")
def test_of_two_real_people_the_one_is_known_by_a_smile_and_the_other_is_not() -> None:
    try:
        network = identity.load()
    except ModelError as error:
        pytest.skip(str(error))
    found = {}
    with face_stage.finding("tests") as find:
        for person, kind in itertools.product(("017", "045"), ("neutral", "happy")):
            picture = video.read_picture(LONDON / f"{person}_{kind}.jpg")
            (points,) = find(picture)
            found[person, kind] = network.embed(identity.aligned(picture, points)[None])[0]
    for enrolled, other in (("017", "045"), ("045", "017")):
        one = whose(found[enrolled, "neutral"])
        for person, face in ((other, "stranger"), (enrolled, "theirs"), (other, "stranger")):
            one.leaves()
            assert one.comes(0.0, BOX)
            one.compared(0.0, found[person, "happy"])
            assert one.face == face
