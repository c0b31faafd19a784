"""The agent and the page /try decide happy or neutral by one rule, that of the network that is asked."""

import contextlib
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from agent.recognition import Recogniser
from agent.stills import StillRecogniser
from benchmarks import smiles
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.registry import Packaged
from models.inference.smile import HAPPY, NEUTRAL, SmileRule
from relay.trial import DecodedPicture

LONDON = Path(__file__).parents[2] / ".." / "shared" / "data" / "photos" / "london"
RULED = [name for name, entry in registry.WEIGHTS.items() if entry.smile_rule]
SHIPPED = [name for name, entry in registry.WEIGHTS.items() if entry.crop and isinstance(entry.sources[0], Packaged)]
STILL = [name for name in SHIPPED if registry.get(name).is_still]
NEVER, ALWAYS = SmileRule(0, 0, -30, 0, -30, 1), SmileRule(0, 0, 30, 0, 30, 1)


def portrait() -> NDArray[np.uint8]:
    try:
        registry.path("face_landmarker")
        return np.asarray(Image.open(registry.path("portrait")).convert("RGB"))
    except ModelMissingError as error:
        pytest.skip(str(error))


def agent(picture: NDArray[np.uint8], model: str) -> list[float]:
    with contextlib.closing(Recogniser(model)) as recogniser:
        look = [recogniser.look(picture, 200 * i) for i in range(10)][-1]
    assert look.probabilities is not None
    return list(look.probabilities)


def tried(picture: NDArray[np.uint8], model: str) -> list[float]:
    height, width = picture.shape[:2]
    with contextlib.closing(StillRecogniser()) as recogniser:
        (face,) = recogniser.look(DecodedPicture(width=width, height=height, rgb=picture.tobytes()), model).faces
    return list(face.probabilities)


def given_rule(monkeypatch: pytest.MonkeyPatch, model: str, rule: SmileRule | None) -> None:
    entry = dataclasses.replace(registry.get(model), smile_rule=rule)
    monkeypatch.setattr(registry, "WEIGHTS", {**registry.WEIGHTS, model: entry})


@pytest.mark.parametrize("model", SHIPPED)
def test_the_rule_of_the_network_decides(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """A broad smile is no smile by a rule that knows none, in the agent and in /try, and the other way round."""
    picture = portrait()
    for look in (agent, tried) if model in STILL else (agent,):
        for rule, label, other in ((NEVER, NEUTRAL, HAPPY), (ALWAYS, HAPPY, NEUTRAL)):
            given_rule(monkeypatch, model, rule)
            found = look(picture, model)
            assert int(np.argmax(found)) == label
            assert found[other] < 1e-9
            assert sum(found) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("model", RULED)
def test_a_small_smile_that_the_network_overlooks_is_one(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    file = LONDON / "081_happy.jpg"
    if not file.is_file():
        pytest.skip(f"the London portraits are not at {LONDON}")
    portrait()
    picture = np.asarray(Image.open(file).convert("RGB"))
    looks = (agent, tried) if model in STILL else (agent,)
    for look in looks:
        assert int(np.argmax(look(picture, model))) == HAPPY
    given_rule(monkeypatch, model, None)
    for look in looks:
        assert int(np.argmax(look(picture, model))) == NEUTRAL


@pytest.mark.parametrize("model", RULED)
def test_nobody_who_cries_is_happy(model: str) -> None:
    """Crying pulls the corners of the mouth as smiling does."""
    film = LONDON.parents[1] / "video" / "WolfgangLanger_Pexels.mp4"
    if not film.is_file():
        pytest.skip(f"there is no film of somebody who cries at {film}")
    portrait()
    labels = smiles.crying(model, film)
    assert len(labels) > 20
    assert "happy" not in labels
