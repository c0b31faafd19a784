"""Clips as what a face network makes of their frames, reckoned once and kept in a folder.

For each clip, one npz file with the features of its frames. Its name comes from the clip as in ``models.clips.cache``,
so a changed clip is looked at anew, and the folder above it from the network's sha256, its crop, and which frames are
looked at. Files are written whole or not at all: after a kill or a full disk the next run goes on. One that is damaged
is told of and made anew. Nothing in them is run: no pickle.
"""

import hashlib
import io
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray
from tqdm import tqdm

from models import atomic
from models.clips import cache
from models.clips.cutting import preparing
from models.clips.layouts.entry import Listing
from models.clips.source import Clips
from models.errors import DatasetError
from models.inference.face_stage import FaceStage
from models.personal.face_networks import FaceNetwork

FRAMES = 32
"""Of a clip that has more, so many are looked at, evenly spread. Chosen here: a RAVDESS clip has 100, 30 a second."""
FOLDER = ".moodcast-features"
"""In the data set's folder; hidden, or it would look like a class."""
_VERSION = 1
"""Of what is stored; another number reckons everything anew."""


@dataclass(frozen=True)
class FeatureClips:
    """N labelled clips: of each the features (T_i, D) float32 of its frames, T_i at least 1.

    ``labels`` (N,) int64 index ``classes``; ``subjects`` says who is seen, ``clips`` which clip it is, one entry each.
    """

    features: list[NDArray[np.float32]]
    labels: NDArray[np.int64]
    subjects: list[str]
    classes: tuple[str, ...]
    clips: list[str]

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.labels) == len(self.subjects) == len(self.clips) > 0:
            raise DatasetError(
                "expected one clip or more and as many labels, subjects and names, got "
                f"{len(self.features)}, {len(self.labels)}, {len(self.subjects)}, {len(self.clips)}"
            )

    @property
    def width(self) -> int:
        """D."""
        return int(self.features[0].shape[1])


def of_folder(
    folder: Path, listing: Listing, network: FaceNetwork, faces: FaceStage, command: str, aligned: bool = False
) -> FeatureClips:
    """The clips of a data set's folder through a network; faces are cut and looked at where they were not before.

    ``faces`` finds them, for who typed ``command``, unless they are cut already (``aligned``, see
    ``models.clips.cache.prepare``). Clips that can't be read or show no face are told of and left out. Two progress
    bars.

    Raises:
        DatasetError: no clip shows a face, or what was made can't be written; what was made before stays and counts.
        MissingVideoError: there are video files to read, and PyAV is not installed.
        ModelError: the landmarker's file is missing, or the network answers with what is no number.
    """
    crop = network.crop
    prepared = preparing(faces, command, margin=crop.margin)(folder, listing, crop.size, aligned)
    if left_out := len(prepared.broken):
        tqdm.write(
            f"{folder}: {left_out} of {len(listing.clips)} clips are left out, such as: {prepared.broken[0]}",
            sys.stderr,
        )
    facts = (_VERSION, network.identity, crop, FRAMES, aligned)
    shelf = folder / FOLDER / f"{network.name}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}"
    kept, names = [], []
    for i, clip in enumerate(tqdm(prepared.listing.clips, desc="features", unit="clip", disable=None)):
        file = shelf / f"{cache.key(folder, clip, listing.layout.steady)}.npz"
        known = _read(file) if file.is_file() else None
        if known is None:
            known = network.read(_looked_at(prepared.source, i))
            _store(known, file, f"{i} of {len(prepared.source)}")
        kept.append(known)
        names.append(clip.path.relative_to(folder).as_posix() if clip.path.is_relative_to(folder) else str(clip.path))
    source = prepared.source
    return FeatureClips(kept, source.labels, list(source.subjects), source.classes, names)


def _looked_at(source: Clips, index: int) -> NDArray[np.uint8]:
    """At most ``FRAMES`` frames of a clip, from its first to its last."""
    frames = source.frames(index)
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), FRAMES)).round().astype(np.int64)
    seen: NDArray[np.uint8] = frames[chosen]
    return seen


def _read(file: Path) -> NDArray[np.float32] | None:
    """The features in a file; None, and a sentence for the user, where it is damaged."""
    try:
        with file.open("rb") as opened:
            found: NDArray[np.float32] = NpzFile(opened, allow_pickle=False)["features"]
        if found.ndim == 2 and found.size and found.dtype == np.float32 and np.isfinite(found).all():
            return found
        reason = "it holds something else"
    except (OSError, ValueError, KeyError, IndexError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        reason = str(error)
    tqdm.write(f"the stored features {file} can't be read ({reason}): they are made anew", sys.stderr)
    return None


def _store(features: NDArray[np.float32], file: Path, done: str) -> None:
    """Raises:
    DatasetError: it can't be written.
    """
    data = io.BytesIO()
    np.savez(data, features=features)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(data.getvalue(), file)
    except OSError as error:
        raise DatasetError(
            f"can't write {file.parent} ({error.strerror or error}); {done} clips are looked at: make room and give "
            "the command again, it goes on from there"
        ) from error
