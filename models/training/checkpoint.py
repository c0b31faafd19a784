"""Checkpoints: a run's whole state in one file that is always whole."""

import io
import math
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import msgspec
import torch
from torch import Tensor, nn

from models import atomic
from models.errors import TrainingError
from models.training import recipe
from models.training.recipe import Recipe
from models.zoo import networks
from relay.protocol import EXPRESSIONS

FILE = "checkpoint.pt"
_RESERVE = "checkpoint.reserve"
"""Beside it while a run goes on: room for the next one."""
MARGIN = 1 << 20
"""Bytes by which two checkpoints may grow together: by an epoch's losses, and by the log."""


class _Told(TypedDict, total=False):
    """``first_loss`` is that of the first step, infinite where it is not known: before it, and of older trainers.

    ``recorded``: none of the clips that were learned from, here or in the run that this one began with, is known to be
    made by a program.
    """

    first_loss: float
    recorded: bool


class RunState(_Told):
    """What is stored. Chance needs no state: it comes from the recipe's seed and the number of the step.

    ``classes`` names the network's outputs; a pre-training has none.
    """

    recipe: dict[str, Any]
    classes: tuple[str, ...]
    step: int
    losses: list[float]
    history: list[list[float]]
    net: dict[str, Any]
    average: dict[str, Any]
    optimizer: dict[str, Any]


def save(state: RunState, run: Path) -> None:
    """Store the state in a run folder, in the room that is kept there (``keep_room``) or in more.

    Raises:
        OSError: as ``models.atomic.write``.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    atomic.write(buffer.getvalue(), run / FILE, run / _RESERVE)


def room(run: Path, step: int) -> int:
    """Bytes for the checkpoint that is there, which is of this step, and another one beside it."""
    size = (run / FILE).stat().st_size
    if step == 0:  # an optimizer that has made no step has nothing to store yet; AdamW, as much again
        size *= 2
    return 2 * size + MARGIN


def keep_room(run: Path, total: int) -> None:
    """Keep room for the next checkpoint: of ``total`` bytes (``room``), what the one that is there leaves.

    Raises:
        OSError: as ``models.atomic.keep_room``.
    """
    atomic.keep_room(run / _RESERVE, total - (run / FILE).stat().st_size)


def load(run: Path, device: torch.device | str = "cpu") -> RunState:
    """The state of a run folder.

    Raises:
        TrainingError: there is none, or it is no checkpoint of this trainer.
    """
    path = run / FILE
    if not path.is_file():
        raise TrainingError(f"expected a run of `moodcast models train` in {run}, but there is no {FILE}")
    try:
        state: RunState = torch.load(path, weights_only=True, map_location=device)
        state.setdefault("classes", EXPRESSIONS)  # checkpoints of stills did not name them once
        state.setdefault("first_loss", math.inf)
        state.setdefault("recorded", True)
        missing = RunState.__required_keys__ - state.keys()
    except Exception as error:  # torch.load raises whatever its unpickler and its archive reader do
        raise TrainingError(f"{path} is no checkpoint that can be read ({error}): delete it to train anew") from error
    if missing:
        raise TrainingError(f"{path} is a checkpoint of another trainer (it lacks {', '.join(sorted(missing))})")
    return state


def differences(old: dict[str, Any], new: Recipe) -> list[str]:
    """Fields in which a stored recipe is not the one given now; those it does not know yet had their defaults."""
    defaults, given = msgspec.to_builtins(Recipe()), msgspec.to_builtins(new)
    old = {section: values | old.get(section, {}) for section, values in defaults.items()}
    return [
        f"{section}.{field} was {old[section][field]!r} and is {value!r}"
        for section, values in given.items()
        for field, value in values.items()
        if _list_as_tuple(old[section][field]) != _list_as_tuple(value)
    ]


def _list_as_tuple(value: Any) -> Any:
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


class Trained(NamedTuple):
    """The averaged network of a run, in evaluation mode on the CPU, its recipe, and what its outputs mean."""

    net: nn.Module
    recipe: Recipe
    classes: tuple[str, ...]


def load_network(run: Path) -> Trained:
    """The result of a run.

    Raises:
        TrainingError: as ``load``; or the run is a pre-training, whose network answers nothing, is not trained to its
            end, or is of a network that the registry has not.
        ModelError: the run's recipe is wrong, or names a network that there is no more.
    """
    state = load(run)
    made_by = recipe.parse(state["recipe"], str(run / FILE))
    if made_by.network.task == "reconstruct":
        raise TrainingError(f"{run} holds a pre-training, whose network gives no answers: name it as network.start")
    _check_finished(state, made_by, run)
    net = networks.build(made_by.network.name, len(state["classes"]))
    try:
        net.load_state_dict(averaged(state))
    except RuntimeError as error:  # one branch of it, or for faces of another size
        raise TrainingError(
            f"{run} holds an edition of {made_by.network.name} that a study trained, which is no use alone: give a run "
            "of `moodcast models train`"
        ) from error
    return Trained(net.eval(), made_by, tuple(state["classes"]))


def _check_finished(state: RunState, made_by: Recipe, run: Path) -> None:
    """Check that a run is trained to its end. Weights that a program put there by themselves were never averaged.

    Raises:
        TrainingError: it is not.
    """
    seen, epochs = len(state["history"]), made_by.schedule.epochs
    if "n_averaged" in state["average"] and seen < epochs:
        raise TrainingError(f"{run} has seen {seen} of {epochs} epochs: give the command that trains it again")


def averaged(state: RunState) -> dict[str, Tensor]:
    """The weights of a run's averaged network."""
    inner = "module."  # torch's AveragedModel keeps the network under this name
    return {name.removeprefix(inner): value for name, value in state["average"].items() if name.startswith(inner)}


def recorded(source: Path) -> bool:
    """Of what a training can start from (``weights``), as in ``RunState``; of a file of weights nothing else is known.

    Raises:
        TrainingError: as ``load``.
    """
    return not (source / FILE).is_file() or load(source)["recorded"]


def weights(source: Path) -> dict[str, Tensor]:
    """What a training can start from: a run's averaged weights, of a pre-training the encoder's, or a file of weights.

    Raises:
        TrainingError: it is none of these, or the run is not trained to its end.
        RecipeError: the run's recipe is wrong.
    """
    if (source / FILE).is_file():
        state = load(source)
        _check_finished(state, recipe.parse(state["recipe"], str(source / FILE)), source)
        found = averaged(state)
        if state["classes"]:
            return found
        return {name: tensor for name, tensor in found.items() if name.startswith("encoder.")}
    try:
        stored: dict[str, Tensor] = torch.load(source, weights_only=True, map_location="cpu")
    except Exception as error:  # torch.load raises whatever its unpickler and its archive reader do
        raise TrainingError(
            f"network.start: expected a run folder with a {FILE}, or a file of `moodcast models convert`, got {source} "
            f"({error})"
        ) from error
    return stored
