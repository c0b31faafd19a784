"""What the teachers of a distillation answer to every face, computed once and kept in the run folder."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models import atomic
from models.errors import RecipeError
from models.inference import registry
from models.inference.infer import load_still
from models.training import checkpoint
from models.training.inputs import architecture, at_size, heads, prepared
from relay.protocol import EXPRESSIONS

_CACHE = "teachers.npz"


def answers(teachers: Sequence[str], pixels: NDArray[np.uint8], run: Path) -> NDArray[np.float32]:
    """Mean probabilities (N, 2, 7) of all teachers for faces (N, 48, 48): for the label, and for the votes.

    Each teacher sees the faces as they are and mirrored. A teacher with one head gives the same answer twice.

    Raises:
        RecipeError: a teacher is neither a run folder nor in the registry.
        ModelError: a teacher's file is missing or damaged.
        TrainingError: a run folder's checkpoint can't be read.
    """
    key = fingerprint(teachers, pixels)
    cache = run / _CACHE
    if cache.is_file():
        with np.load(cache) as stored:
            if str(stored["key"]) == key:
                kept: NDArray[np.float32] = stored["answers"]
                return kept
    total = np.zeros((len(pixels), 2, len(EXPRESSIONS)), np.float32)
    for teacher in teachers:
        for side in (pixels, np.ascontiguousarray(pixels[:, :, ::-1])):
            total += np.concatenate(list(ask(teacher, side)))
    total /= 2 * len(teachers)
    buffer = io.BytesIO()
    np.savez(buffer, key=key, answers=total)
    atomic.write(buffer.getvalue(), cache)
    return total


def file_of(teacher: str) -> Path:
    """The file that a teacher, or a start, is taken from.

    Raises:
        RecipeError: it is neither a run folder nor in the registry.
        ModelError: the registered file is missing or damaged.
    """
    stored = Path(teacher) / checkpoint.FILE
    if stored.is_file():
        return stored
    if teacher in registry.WEIGHTS and registry.get(teacher).is_still:
        return registry.path(teacher)
    raise RecipeError(
        f"network.start, distillation.teachers: expected a run folder with a {checkpoint.FILE}, or a classifier of the "
        f"weights registry, got {teacher!r}"
    )


def fingerprint(teachers: Sequence[str], pixels: NDArray[np.uint8]) -> str:
    """Changes with the teachers' files and with the faces."""
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes())
    for teacher in teachers:
        digest.update(hashlib.sha256(file_of(teacher).read_bytes()).digest())
    return digest.hexdigest()


def ask(teacher: str, pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """One teacher's probabilities (256, 2, 7) for every 256 faces in turn."""
    chunks = [pixels[i : i + 256] for i in range(0, len(pixels), 256)]
    if (Path(teacher) / checkpoint.FILE).is_file():
        net, recipe, _ = checkpoint.load_network(Path(teacher))
        wanted = architecture(recipe)
        with torch.inference_mode():
            for chunk in chunks:
                both = heads(net(prepared(tensor(chunk, wanted.size), wanted.pixels)))
                yield torch.stack([head.softmax(1) for head in both], 1).numpy()
    else:
        classifier = load_still(teacher)
        crop = classifier.network.contract.crop
        for chunk in chunks:
            faces = tensor(chunk, crop.size).round().byte().numpy()[:, 0]
            if crop.pixels.channels > 1:
                faces = faces[..., None].repeat(crop.pixels.channels, 3)
            by_votes, by_label = classifier.heads(faces)
            yield np.stack([by_label, by_votes], 1)


def tensor(faces: NDArray[np.uint8], size: int) -> torch.Tensor:
    """Faces (N, 48, 48) as float32 (N, 1, size, size)."""
    return at_size(torch.from_numpy(np.ascontiguousarray(faces)).unsqueeze(1).float(), size)
