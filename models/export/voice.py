"""Networks that hear as voice files (``models.inference.voice``), which the streamer's own agent takes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from models.clips.layouts import LAYOUTS
from models.clips.layouts.entry import expression_of
from models.errors import TrainingError
from models.export import research
from models.inference import voice
from models.inference.late_fusion import WEIGHT
from models.inference.sound import RATE
from models.inference.temperature import fit_temperature
from models.inference.voice import VoiceContract
from models.training import checkpoint, classify_clips, sights
from models.training.checkpoint import Trained
from models.training.inputs import architecture
from models.training.recipe import Recipe
from models.training.sets import Set
from relay.protocol import EXPRESSIONS, Expression

OpenSet = Callable[[Recipe], Set]
"""Opens the clips that a run was trained on, as its recipe says."""
_FOLD = "fold-"


def export(run: Path, trained: Trained, file: Path, open_set: OpenSet | None) -> Iterator[str]:
    """Write a run's network as a voice file; tells what it does, sentence by sentence.

    ``open_set`` gives its clips, of which those that it has not learned from choose the temperature; without them it is
    1, and the network is as sure as it was trained to be.

    Raises:
        TrainingError: the file does not answer as torch does, the clips are others, or none was held out.
        ModelContractError: the run's classes are no two expressions, or the network hears too short or too long.
    """
    net, made_by, classes = trained
    entry = architecture(made_by)
    recorded = checkpoint.load(run)["recorded"]
    temperature = _temperature(run, trained, recorded, open_set(made_by)) if open_set else 1.0
    contract = VoiceContract(
        classes=classes,
        labels=labels(classes, made_by.clips.layout),
        samples=entry.signals["sound"][0],
        recorded=recorded,
        learned_from=made_by.clips.layout,
        temperature=round(temperature, 4),
        weight=WEIGHT,
    )
    worst = research.write(net, entry, lambda model: voice.write(model, contract), file)
    yield f"a voice file, {contract.samples / RATE:g} s of sound; largest difference to torch {worst:.1e}"
    if open_set:
        yield f"temperature {temperature:.2f}, chosen on the clips that it has not learned from"
    else:
        yield "temperature 1, since no clips were given: with --clips DIR, the run's own, those held out choose it"
    if not contract.recorded:
        yield "It learned from synthetic voices: agents refuse it, and nobody is shown what it says."


def labels(classes: tuple[str, ...], layout: str) -> tuple[Expression | None, ...]:
    """The expression of each class: as the layout tells, and else by its name."""
    known = LAYOUTS[layout]
    told = dict(zip(known.classes, known.expressions, strict=False))
    names = [told.get(name) or expression_of(name) for name in classes]
    return tuple(next((one for one in EXPRESSIONS if one == name), None) for name in names)


def _temperature(run: Path, trained: Trained, recorded: bool, every: Set) -> float:
    """That of Guo et al. 2017, on the clips that the run has not learned from."""
    net, made_by, classes = trained
    if recorded and not every.listing.recorded:
        raise TrainingError(
            f"expected the clips that {run} was trained on, of recorded people, got some that a program made"
        )
    if every.clips.classes != classes:
        raise TrainingError(
            f"expected the clips that {run} was trained on, of {', '.join(classes)}, got some of "
            f"{', '.join(every.clips.classes)}"
        )
    fold = "" if "" in every.folds else run.name.removeprefix(_FOLD)
    if fold not in every.folds:
        raise TrainingError(f"expected a run of one of the folds {', '.join(every.folds)}, got {run}: name its folder")
    test = every.sides(fold)[1]
    if not len(test):
        raise TrainingError(f"expected clips that {run} has not learned from, got none: leave out --clips")
    seen, device = sights.of(architecture(made_by), made_by.clips), torch.device("cpu")
    with torch.inference_mode():
        found = classify_clips.probabilities(net, test, seen, False, device)
    return fit_temperature(found.numpy(), test.labels)
