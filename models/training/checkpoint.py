"""Checkpoints: a run's whole state in one file that is always whole."""

import io
from pathlib import Path
from typing import Any, TypedDict

import msgspec
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from models import networks
from models.atomic import write as write
from models.errors import TrainingError
from models.registry import EXPRESSIONS
from models.training import recipe
from models.training.recipe import Recipe

FILE = "checkpoint.pt"


class State(TypedDict):
    """What is stored. Chance needs no state: it comes from the recipe's seed and the number of the step."""

    recipe: dict[str, Any]
    step: int
    losses: list[float]
    history: list[list[float]]
    net: dict[str, Any]
    average: dict[str, Any]
    optimizer: dict[str, Any]


def save(state: State, run: Path) -> None:
    """Store the state in a run folder.

    Raises:
        OSError: as ``models.atomic.write``.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    write(buffer.getvalue(), run / FILE)


def load(run: Path, device: torch.device | str = "cpu") -> State:
    """The state of a run folder.

    Raises:
        TrainingError: there is none, or it is no checkpoint of this trainer.
    """
    path = run / FILE
    if not path.is_file():
        raise TrainingError(f"expected a run of `moodcast models train` in {run}, but there is no {FILE}")
    try:
        state: State = torch.load(path, weights_only=True, map_location=device)
        missing = State.__annotations__.keys() - state.keys()
    except Exception as error:  # torch.load raises whatever its unpickler and its archive reader do
        raise TrainingError(f"{path} is no checkpoint that can be read ({error}): delete it to train anew") from error
    if missing:
        raise TrainingError(f"{path} is a checkpoint of another trainer (it lacks {', '.join(sorted(missing))})")
    return state


def differences(old: dict[str, Any], new: Recipe) -> list[str]:
    """Fields in which a stored recipe is not the one given now."""
    given = msgspec.to_builtins(new)
    return [
        f"{section}.{field} was {old.get(section, {}).get(field)!r} and is {value!r}"
        for section, values in given.items()
        for field, value in values.items()
        if list_as_tuple(old.get(section, {}).get(field)) != list_as_tuple(value)
    ]


def list_as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def same_split(run: Path, wanted: Recipe) -> None:
    """Check that a run held out the faces that ``wanted`` holds out: else it has learned from some of them.

    Raises:
        TrainingError: it did not; or as ``load``.
        RecipeError: the run's recipe is wrong.
    """
    made_by = recipe.parse(load(run)["recipe"], str(run / FILE))
    theirs, ours = ((r.data.seed, r.data.validation_share) for r in (made_by, wanted))
    if theirs != ours:
        raise TrainingError(
            f"{run} held out faces by (data.seed, data.validation_share) {theirs} and this recipe does by {ours}, so "
            "the validation faces would not be new: give both the same"
        )


def load_network(run: Path) -> tuple[nn.Module, Recipe]:
    """The averaged network of a run, in evaluation mode on the CPU, and its recipe.

    Raises:
        TrainingError: as ``load``.
        ModelError: the run's recipe is wrong, or names a network that there is no more.
    """
    state = load(run)
    made_by = recipe.parse(state["recipe"], str(run / FILE))
    averaged = AveragedModel(networks.build(made_by.network.name, len(EXPRESSIONS)))
    averaged.load_state_dict(state["average"])
    return averaged.module.eval(), made_by
