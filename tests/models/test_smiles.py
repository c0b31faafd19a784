"""The shipped rules for small smiles are what comes of fitting them, and do what is said of them."""

from pathlib import Path

import numpy as np
import pytest

from agent import face_stage
from benchmarks import smiles
from benchmarks.smiles import Faces
from models.errors import ModelMissingError
from models.evaluation import portraits
from models.evaluation.portraits import Portrait
from models.inference import registry
from models.inference.smile import HAPPY, NEUTRAL

LONDON = Path(__file__).parents[2] / ".." / "shared" / "data" / "photos" / "london"
MODELS = list(smiles.STRICTNESS)


@pytest.fixture(scope="module")
def people() -> list[Portrait]:
    if not LONDON.is_dir():
        pytest.skip(f"the London portraits are not at {LONDON}")
    try:
        with face_stage.describing("tests") as find:
            return portraits.load(LONDON, find)
    except ModelMissingError as error:
        pytest.skip(str(error))


def test_every_rule_of_the_registry_is_fitted_here() -> None:
    assert set(MODELS) == {name for name, entry in registry.WEIGHTS.items() if entry.smile_rule}


@pytest.mark.parametrize("model", MODELS)
def test_the_shipped_rule_is_that_of_the_portraits(model: str, people: list[Portrait]) -> None:
    """Another processor may round a network's answers another way: a few hundredths are no other rule."""
    shipped = registry.smile_rule(model)
    assert shipped is not None
    found = smiles.fitted(smiles.of_portraits(people, model), smiles.STRICTNESS[model])
    assert vars(found) == pytest.approx(vars(shipped), abs=0.05), "python -m benchmarks.smiles --fit"


@pytest.mark.parametrize("model", MODELS)
def test_people_whom_the_rule_does_not_know(model: str, people: list[Portrait]) -> None:
    """What decision 17 and the README say, by three deals of folds, with a little room for another processor."""
    faces = smiles.of_portraits(people, model)
    found = np.array([smiles.happy(smiles.by_folds(faces, faces, smiles.STRICTNESS[model], k)) for k in range(3)])
    women = np.array([p.groups["gender"] == "female" for p in people])
    smiling = {name: found[:, faces.smiling & who].mean() for name, who in (("women", women), ("men", ~women))}
    assert found[:, faces.smiling].sum(1).mean() >= 49
    assert found[:, ~faces.smiling].sum(1).mean() <= 3
    assert abs(smiling["women"] - smiling["men"]) < 0.3


def made(count: int) -> Faces:
    """People whose smiles show a little in both."""
    rng = np.random.default_rng(0)
    smiling = np.arange(2 * count) % 2 == 1
    answers = np.zeros((2 * count, 7))
    answers[:, HAPPY] = np.where(smiling, 0.3, 0.02) * rng.uniform(0.5, 1.5, 2 * count)
    answers[:, NEUTRAL] = 1 - answers[:, HAPPY]
    shapes = np.where(smiling, 0.3, 0.03)[:, None] * rng.uniform(0.5, 1.5, (2 * count, 1)) * np.ones((1, 52))
    return Faces(np.repeat(np.arange(count).astype(str), 2), smiling, answers, shapes.astype(np.float32))


def test_who_is_judged_took_no_part_in_the_rule() -> None:
    """A smiler of another kind is lost by folds, and would be found by a rule that knows both pictures."""
    faces, how = made(20), smiles.STRICTNESS["moodnet"]
    folds = list(smiles.deal(faces.people, 0))
    assert sorted(np.concatenate(folds).tolist()) == sorted(set(faces.people))
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    found = smiles.happy(smiles.by_folds(faces, faces, how, 0))
    assert (found == faces.smiling).all()
    turned = faces.take(np.ones(len(faces.people), bool))
    turned.smiling[turned.people == "3"] = [True, False]
    mistaken = smiles.happy(smiles.by_folds(turned, turned, how, 0))
    assert mistaken[turned.people == "3"].tolist() == [False, True]
