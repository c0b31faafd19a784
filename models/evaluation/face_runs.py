"""Runs of networks that look at single faces, measured as the file that ``moodcast models export`` makes of them."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from models.evaluation import evaluate
from models.export.run import export
from models.training import checkpoint


def looks_at_faces(run: Path) -> bool:
    """Whether a folder holds a run that learned from single faces; one of a clip network has folds, or clips.

    Raises:
        TrainingError: see ``models.training.checkpoint.load``.
    """
    return (run / checkpoint.FILE).is_file() and not checkpoint.load(run)["recipe"]["clips"]["layout"]


@contextlib.contextmanager
def exported(run: Path, data: Path, tell: Callable[[str], object]) -> Iterator[evaluate.Candidate]:
    """The run's network in a file that goes at the end; ``data`` is the FER2013 folder, which gives the temperatures.

    ``tell`` gets the sentences of the export.

    Raises:
        ModelError: see ``models.export.run.export``.
    """
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{run.resolve().name}.onnx"
        for line in export(run, file, "float32", data):
            tell(line)
        found = evaluate.find(str(file))
        described = dataclasses.replace(found.weights, description=f"The run {run.name}, in float32.")
        yield dataclasses.replace(found, weights=described)
