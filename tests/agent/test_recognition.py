"""The shipped networks on a face, through the agent's own stages."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from agent import recognition
from agent.errors import NoFeaturesError
from agent.pace import Box
from agent.recognition import Recogniser
from agent.smoothing import Reading
from models.errors import ModelMissingError
from models.inference import identity, registry
from models.inference.registry import Packaged
from relay.protocol import EXPRESSIONS

SHIPPED = [name for name, entry in registry.WEIGHTS.items() if entry.crop and isinstance(entry.sources[0], Packaged)]


Picture = NDArray[np.uint8]


def portrait_and_recogniser(model: str) -> tuple[Picture, Recogniser]:
    try:
        return np.asarray(Image.open(registry.path("portrait")).convert("RGB")), Recogniser(model)
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("model", SHIPPED)
def test_a_shipped_network_sees_a_smile_that_stays(model: str) -> None:
    picture, recogniser = portrait_and_recogniser(model)
    with contextlib.closing(recogniser):
        looks = [recogniser.look(picture, 200 * i) for i in range(10)]
    for look in looks:
        assert look.probabilities is not None
        assert EXPRESSIONS[int(np.argmax(look.probabilities))] == "happy"
        assert sum(look.probabilities) == pytest.approx(1, abs=1e-4)


def test_what_a_face_looks_like_at_rest_is_forgotten_on_demand_and_at_every_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recognition, "RestingFace", Counting)
    picture, recogniser = portrait_and_recogniser(registry.DEFAULT)
    with contextlib.closing(recogniser):
        seen = [recogniser.look(picture, 200 * i).probabilities for i in range(2)]
        recogniser.forget()
        seen.append(recogniser.look(picture, 400).probabilities)
    assert seen == [[1], [2], [1]]


def test_what_was_learned_of_a_squeezed_face_at_rest_is_forgotten_once_it_is_seen_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A face looks otherwise at rest when it is squeezed: sadder, or as if it smiled."""
    monkeypatch.setattr(recognition, "RestingFace", Counting)
    portrait, recogniser = portrait_and_recogniser(registry.DEFAULT)
    height, width = portrait.shape[:2]
    squeezed = np.asarray(cv2.resize(portrait, (width * 3 // 4, height), interpolation=cv2.INTER_AREA), np.uint8)
    known = []
    with contextlib.closing(recogniser):
        for second in range(70):
            look = recogniser.look(np.roll(squeezed, second % 3, 1), 1000 * second)
            known.append((recogniser.stretch, look.probabilities))
    first = [stretch for stretch, _ in known].index(0.75)
    assert [count for _, count in known[:first]] == [[number + 1] for number in range(first)]
    assert known[first + 1][1] == [2]


class Pupil:
    """In place of ``agent.personal.teacher.Teacher``: notes what it is told, and answers with what it is to."""

    def __init__(self, answer: list[float]) -> None:
        self.answer, self.revision, self.network = answer, 0, ""
        self.seen: list[tuple[NDArray[np.float32], Sequence[float]]] = []
        self.told: list[int] = []
        self.only, self.places, self.faces = "", list[Box | None](), list[NDArray[np.float32]]()

    def made_for(self, network: str, only: str) -> "Pupil":
        self.network, self.only = network, only
        return self

    def comes(self, now: float, box: Box | None) -> bool:
        self.places.append(box)
        return len(self.places) % 2 == 1

    def recognise(self, now: float, embedding: NDArray[np.float32]) -> None:
        self.faces.append(embedding)

    def saw(self, now: float, features: NDArray[np.float32], probabilities: Sequence[float]) -> None:
        self.seen.append((features, probabilities))

    def refine(self, features: NDArray[np.float32], probabilities: Sequence[float]) -> Sequence[float]:
        return self.answer

    def shown(self, now: float, label: int) -> None:
        self.told.append(label)


FEAR, SURPRISE = EXPRESSIONS.index("fear"), EXPRESSIONS.index("surprise")


def taught_recogniser(
    model: str, pupil: Pupil, monkeypatch: pytest.MonkeyPatch, only_me: bool = False
) -> tuple[Picture, Recogniser]:
    picture, recogniser = portrait_and_recogniser(model)
    monkeypatch.setattr(recognition, "Store", lambda *_: None)
    monkeypatch.setattr(recognition, "Teacher", lambda _, network, only: pupil.made_for(network, only))
    recogniser.taught_in(Path("answers"), only_me)
    return picture, recogniser


@pytest.mark.parametrize(("model", "width"), [("moodnet", 256), ("moodnet-tiny", 88)])
def test_a_teacher_is_told_what_the_network_says_and_answers_in_its_place(
    model: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    afraid = [float(number == FEAR) for number in range(7)]
    pupil = Pupil(afraid)
    picture, recogniser = taught_recogniser(model, pupil, monkeypatch)
    with contextlib.closing(recogniser):
        assert recogniser.look(picture, 0).probabilities == pytest.approx(afraid, abs=1e-3)
        recogniser.shown(Reading("surprise", 0.9))
        recogniser.shown(None)
    ((features, universal),) = pupil.seen
    assert features.shape == (width,)
    assert np.argmax(universal) == EXPRESSIONS.index("happy")
    assert pupil.told == [SURPRISE]
    assert pupil.network == registry.get(model).sha256


def test_a_face_at_rest_is_learned_anew_for_another_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "RestingFace", Counting)
    pupil = Pupil([float(number == FEAR) for number in range(7)])
    picture, recogniser = taught_recogniser(registry.DEFAULT, pupil, monkeypatch)
    with contextlib.closing(recogniser):
        seen = [recogniser.look(picture, 200 * i).probabilities for i in range(2)]
        pupil.revision += 1
        seen += [recogniser.look(picture, 200 * i).probabilities for i in range(2, 4)]
    assert seen == [[1], [2], [1], [2]]


def test_whose_face_it_is_is_looked_at_when_the_teacher_says_so_and_else_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embedded = []

    class Embedder:
        def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
            embedded.append(faces.shape)
            return np.full((len(faces), identity.WIDTH), 2, np.float32)

    monkeypatch.setattr(identity, "load", Embedder)
    for only_me in (False, True):
        pupil = Pupil([1 / 7] * 7)
        picture, recogniser = taught_recogniser(registry.DEFAULT, pupil, monkeypatch, only_me)
        with contextlib.closing(recogniser):
            for number in range(3):
                recogniser.look(picture, 200 * number)
            recogniser.look(np.zeros_like(picture), 9000)
        assert len(embedded) == len(pupil.faces) == (2 if only_me else 0)
        assert pupil.only == (registry.get(identity.NETWORK).sha256 if only_me else "")
    assert embedded == [(1, identity.SIDE, identity.SIDE, 3)] * 2
    assert pupil.faces[0].shape == (identity.WIDTH,)
    assert pupil.places[0] is not None
    assert pupil.places[-1] is None


def test_a_network_of_clips_is_not_taught(tmp_path: Path) -> None:
    _, recogniser = portrait_and_recogniser("moodnet-clip")
    with (
        contextlib.closing(recogniser),
        pytest.raises(NoFeaturesError, match=r"'moodnet-clip' can't be taught a face.*Choose moodnet"),
    ):
        recogniser.taught_in(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_network_with_more_features_than_an_answer_can_have_is_not_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    _, recogniser = portrait_and_recogniser(registry.DEFAULT)
    monkeypatch.setattr(recognition, "MOST_FEATURES", 255)
    with contextlib.closing(recogniser), pytest.raises(NoFeaturesError, match="it tells 256, and 255 are the most"):
        recogniser.require_features()


class Counting:
    """A resting face that answers with how many faces it knows."""

    def __init__(self) -> None:
        self.known = 0

    def read(self, time: float, probabilities: Sequence[float]) -> list[float]:
        assert sum(probabilities) == pytest.approx(1, abs=1e-4)
        self.known += 1
        return [self.known]
