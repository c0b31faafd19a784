"""The shipped networks on a face, through the agent's own stages."""

import contextlib
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from agent import recognition
from agent.recognition import Recogniser
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.registry import Packaged
from relay.protocol import EXPRESSIONS

SHIPPED = [name for name, entry in registry.WEIGHTS.items() if entry.crop and isinstance(entry.sources[0], Packaged)]


def portrait_and_recogniser(model: str) -> tuple[NDArray[np.uint8], Recogniser]:
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


class Counting:
    """A resting face that answers with how many faces it knows."""

    def __init__(self) -> None:
        self.known = 0

    def read(self, time: float, probabilities: Sequence[float]) -> list[float]:
        assert sum(probabilities) == pytest.approx(1, abs=1e-4)
        self.known += 1
        return [self.known]
