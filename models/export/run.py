"""``moodcast models export``: from a run to an ONNX file that the agent loads.

The moodnets go through ``export.moodnets``, which blends their two heads and calibrates them; every other network
goes through ``export.onnx_file``. The file is made in a folder of its own and only takes the place of an earlier one
when it is whole and checked.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from models import atomic
from models.clips.source import ClipSource
from models.errors import TrainingError
from models.export import moodnets, onnx_file, research, voice
from models.export.onnx_file import Smaller
from models.export.voice import OpenSet
from models.inference.contract import CropSpec
from models.training import checkpoint
from models.training.inputs import architecture
from models.zoo.moodnet import Moodnet


def export(
    run: Path,
    out: Path,
    weights: Smaller,
    faces: Path,
    cut: Callable[[CropSpec], ClipSource] | None = None,
    open_set: OpenSet | None = None,
) -> Iterator[str]:
    """Export a run's averaged network; tells what it does, sentence by sentence.

    ``faces`` is the FER2013 folder on which moodnets are finished; ``cut`` gives the clips on which others are measured
    with smaller weights, their faces cut so; ``open_set`` opens those of a network that hears (``export.voice``).

    Raises:
        TrainingError: ``run`` is no run, the file does not answer as torch does, or ``out`` can't be written.
        ModelContractError: the run's labels are not the agent's.
        DatasetError: the faces or the clips can't be read.
    """
    if out.is_dir():
        raise TrainingError(f"expected the name of the file to write, but {out} is a folder")
    trained = checkpoint.load_network(run)
    net, made_by, classes = trained
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "network.onnx"
        entry = architecture(made_by)
        if entry.for_research and weights != "float32":
            kind = "hears" if entry.listens else "is for research alone"
            raise TrainingError(f"expected --weights float32 for {entry.name}, which {kind}, got {weights}")
        if entry.listens:
            yield from voice.export(run, trained, file, open_set)
        elif entry.for_research:
            worst = research.export(net, entry, classes, file)
            yield f"{entry.name}, for research: no agent takes it; largest difference to torch {worst:.1e}"
        elif isinstance(net, Moodnet):
            yield from moodnets.export(net, made_by, faces, file, weights)
        else:
            yield from onnx_file.export_learned(net, made_by, classes, file, weights, cut)
        made = file.read_bytes()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(made, out)
    except OSError as error:
        raise TrainingError(f"can't write {out}: {error.strerror or error}") from error
    yield f"{out}: {len(made):,} bytes, sha256 {hashlib.sha256(made).hexdigest()}"
