"""Temperatures: one that was applied is found again, and none changes an answer."""

import numpy as np
import pytest

from models import metrics
from models.inference.softmax import softmax
from models.inference.temperature import fit_temperature, tempered


def answers(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from known probabilities, and these: perfectly calibrated, with a rare second class."""
    chance = np.random.default_rng(seed)
    rarity = np.array([0, -1.5, 0, 0, 0, 0, 0], np.float32)
    probabilities = softmax(chance.normal(0, 1.5, (4000, 7)).astype(np.float32) + rarity)
    labels = (probabilities.cumsum(1) > chance.random((4000, 1))).argmax(1)
    return probabilities, labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_finds_the_temperature_that_was_applied(temperature: float) -> None:
    probabilities, labels = answers()
    spoilt = tempered(probabilities, 1 / temperature)
    assert fit_temperature(spoilt, labels) == pytest.approx(temperature, rel=0.08)
    repaired = tempered(spoilt, temperature)
    assert metrics.reliability(repaired, labels).ece < 0.03


def test_temperature_changes_no_answer() -> None:
    probabilities, _ = answers()
    softer = tempered(probabilities, 3.0)
    assert (softer.argmax(1) == probabilities.argmax(1)).all()
    assert softer.dtype == np.float32
    np.testing.assert_allclose(softer.sum(1), 1, atol=1e-5)


def test_who_is_always_sure_and_often_wrong_gets_a_high_temperature() -> None:
    """A tenth is wrong by twenty in the logits: with a floor under the likelihood the search found 0.1."""
    chance = np.random.default_rng(1)
    labels = chance.integers(0, 7, 500)
    told = np.where(chance.random(500) < 0.1, (labels + 1) % 7, labels)
    sure = softmax(20 * np.eye(7)[told])
    temperature = fit_temperature(sure, labels)
    assert 4 < temperature < 8
    assert metrics.reliability(tempered(sure, temperature), labels).ece < 0.02
