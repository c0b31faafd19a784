"""A universal head and those of persons in a folder: ``moodcast models personal-train`` and ``personal-adapt``.

The folder holds ``run.json`` (data, network and whom nobody has learned from), ``universal.npz``, and a
``personal-WHO.npz`` for each person. Each is written when a training is over, whole or not at all; trainings are short
and begin anew when they were stopped, while the features of clips, which take longer, are kept beside the clips.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec

from models import atomic
from models.clips import layouts
from models.clips.layouts import Listing
from models.errors import DatasetError, TrainingError
from models.inference.face_stage import FaceStage
from models.personal import adaptation, face_networks, features, heads, protocols
from models.personal.features import FeatureClips
from models.personal.heads import HeadState
from models.training.folds import Indices

FILE = "run.json"
UNIVERSAL = "universal.npz"
_VERSION = 1


class Setting(msgspec.Struct, frozen=True):
    """What a universal head was asked to learn from.

    ``data`` is the data set's folder, absolute; ``seven``: under Moodcast's expressions; ``aligned``: the clips are
    faces already. ``weights`` is empty for the network's own. ``held_out`` are the people whom it did not see.
    """

    data: str
    network: str
    head: str
    layout: str
    weights: str = ""
    seven: bool = False
    aligned: bool = False
    held_out: tuple[str, ...] = ()
    seed: int = 0


class _Stored(msgspec.Struct, frozen=True):
    """``run.json``. ``identity`` is that of ``models.personal.face_networks``."""

    version: int
    setting: Setting
    identity: str


def train(run: Path, wanted: Setting, faces: FaceStage) -> Iterator[str]:
    """Teach a universal head everybody but ``held_out`` (by default the first fifth by name); tells how it went.

    Raises:
        TrainingError: the folder has a head already, or can't be written.
        DatasetError: the data are not as the setting says, or of one class or person.
        ModelError: there is no such network or head, or torch is missing.
    """
    heads.find(wanted.head)
    if (run / UNIVERSAL).exists():
        raise TrainingError(f"{run} has a universal head already: name another folder, or delete that one")
    listing = _listing(wanted)
    protocols.held_out_users([clip.subject for clip in listing.clips], wanted.held_out)  # better before minutes of work
    clips, identity = _opened(wanted, listing, faces, "models personal-train")
    held_out = protocols.held_out_users(clips.subjects, wanted.held_out)
    split = protocols.actor_split(clips.subjects, held_out)
    state = adaptation.train_universal(wanted.head, clips, split.learn, wanted.seed)
    setting = msgspec.structs.replace(wanted, held_out=held_out)
    _write(msgspec.json.encode(_Stored(_VERSION, setting, identity)), run / FILE)
    heads.save(state, run / UNIVERSAL)
    people = len(set(clips.subjects)) - len(held_out)
    yield f"{run / UNIVERSAL}: {wanted.head} head over {wanted.network}, {len(split.learn)} clips of {people} people"
    yield from _floored(state)
    yield f"of {len(split.test)} clips of {', '.join(held_out)}: {_right(state, clips, split.test)}"


def adapt(run: Path, subject: str, clips_per_class: int | None, seed: int, faces: FaceStage) -> Iterator[str]:
    """Go on from a run's universal head with clips of one person; tells what was right of the others before and after.

    A fifth of the clips of each class is asked about; of the rest ``clips_per_class`` are learned from, None for all.

    Raises:
        TrainingError: there is no run, its network has changed, or it can't be written.
        DatasetError: the data are not there (any more), or nobody of that name is in them.
        ModelError: as ``train``.
    """
    stored, universal = _read(run), heads.load(run / UNIVERSAL)
    clips, identity = _opened(stored.setting, _listing(stored.setting), faces, "models personal-adapt")
    if identity != stored.identity:
        raise TrainingError(
            f"the network {stored.setting.network} is not the one any more that {run} was trained over: train it again"
        )
    if subject not in clips.subjects:
        raise DatasetError(f"expected one of {', '.join(sorted(set(clips.subjects)))}, got {subject!r}")
    learn, asked = protocols.within_user(clips.labels, clips.subjects, subject, (seed,))
    if clips_per_class is not None:
        learn = protocols.clips_per_class(clips.labels, learn, clips_per_class, (seed,))
    personal = adaptation.train_personal(universal, clips, learn, seed)
    file = run / f"personal-{quote(subject, safe='')}.npz"
    heads.save(personal, file)
    yield f"{file}: {len(learn)} clips of {subject}"
    if subject not in stored.setting.held_out:
        yield f"the universal head has learned from {subject}, so it knows the clips that are asked about"
    yield from _floored(personal)
    if len(asked):
        before, after = (_right(state, clips, asked) for state in (universal, personal))
        yield f"of {len(asked)} other clips: universal {before}, personal {after}"
    else:
        yield "there is one clip of each class, so nothing is left to ask about"


def _listing(setting: Setting) -> Listing:
    """The clips that there are.

    Raises:
        DatasetError: the folder is not laid out so, or all clips are of one class.
    """
    listing = layouts.find(Path(setting.data), setting.layout)
    if setting.seven:
        listing = layouts.as_expressions(listing)
    if len(there := {clip.label for clip in listing.clips}) < 2:
        name = ", ".join(listing.classes[label] for label in there) or "none"
        raise DatasetError(
            f"expected clips of two classes or more in {setting.data}, got {name} alone: nothing to tell apart"
        )
    return listing


def _opened(setting: Setting, listing: Listing, faces: FaceStage, command: str) -> tuple[FeatureClips, str]:
    """The clips as features, and the network's identity.

    Raises:
        DatasetError, ModelError: as ``train``.
    """
    network = face_networks.find(setting.network, Path(setting.weights) if setting.weights else None)
    clips = features.of_folder(Path(setting.data), listing, network, faces, command, setting.aligned)
    return clips, network.identity


def _right(state: HeadState, clips: FeatureClips, asked: Indices) -> str:
    """The share of clips that a head gets right, in words."""
    answers = adaptation.predict(state, clips, asked).argmax(1)
    return f"{(answers == clips.labels[asked]).mean():.1%} right"


def _floored(state: HeadState) -> Iterator[str]:
    """How often equation (5) was held finite, where it is used."""
    if state.sums:
        yield (
            f"in equation (5), the sum was too near zero to divide by {state.floored:,} of {state.sums:,} times "
            f"({state.floored / state.sums:.2%})"
        )


def _read(run: Path) -> _Stored:
    """Raises:
    TrainingError: there is no run, or it is of another version.
    """
    try:
        found = msgspec.json.decode((run / FILE).read_bytes(), type=_Stored)
    except FileNotFoundError as error:
        raise TrainingError(
            f"expected a run of `moodcast models personal-train` in {run}, but there is none"
        ) from error
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TrainingError(f"{run / FILE} can't be read ({error}): train the run again") from error
    if found.version != _VERSION:
        raise TrainingError(f"{run / FILE} is of version {found.version}, and this Moodcast reads {_VERSION}")
    return found


def _write(data: bytes, file: Path) -> None:
    """Raises:
    TrainingError: it can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(data, file)
    except OSError as error:
        raise TrainingError(f"can't write {file}: {error.strerror or error}") from error
