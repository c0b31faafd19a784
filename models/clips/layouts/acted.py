"""Actors before a camera: RAVDESS and CREMA-D. All that is known of a clip is in its file's name.

RAVDESS (Livingstone & Russo 2018)::

    Actor_01/02-01-06-01-02-01-12.mp4                       at any depth; also folders of pictures of these names

The parts of a name are modality (01 with sound, 02 without, 03 sound only), channel (01 speech, 02 song), emotion,
intensity (01 normal, 02 strong), statement, repetition, actor. Most sets have each take as 01, 02 and 03: the pictures
are those of 02 or else 01, and the sound is that of 03 (a WAV file) or else 01. Normal intensity is noted as 0.5,
strong as 1. Nobody sings with disgust or surprise, and actor 18 does not sing.
Folds ``1`` to ``5`` are those of Luna-Jimenez et al. (2021), ``four-1`` to ``four-6`` those of MAE-DFER, four actors in
a row each.

CREMA-D (Cao et al. 2014)::

    VideoFlash/1001_DFA_ANG_XX.flv                          actor, sentence, emotion, level; at any depth
    AudioWAV/1001_DFA_ANG_XX.wav                            the same take's sound; without it, that of the video counts

Levels LO, MD and HI are noted as 1/3, 2/3 and 1; most clips have XX (one has X), not given. Folds ``1`` to ``5`` are
MAE-DFER's: the 91 actors in order, in runs of 18 (the last of 19).
"""

import functools
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from models.clips import sound
from models.clips.layouts import files
from models.clips.layouts.entry import Clip, Found, Layout, OfficialFold
from models.errors import DatasetError

_RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
"""In the order of its emotion numbers."""
_SUNG = 6
"""The first so many of them are sung as well."""
_HEARD = "sound"
"""Of a take, the file of sound."""
# Calm is acted as a face at rest with a hint of a smile; viewers' neutral faces are no different.
_RAVDESS_SHOWS = ("neutral", "neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
_CREMA_D = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
_LEVELS = {"LO": 1 / 3, "MD": 2 / 3, "HI": 1.0}

_LUNA_JIMENEZ = ((2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22))


def _held_out(clips: Iterable[Clip], folds: Mapping[str, Iterable[str]]) -> dict[str, OfficialFold]:
    """Folds that test on these subjects and learn from all others."""
    who = [clip.subject for clip in clips]
    tested = {name: set(subjects) for name, subjects in folds.items()}
    return {
        name: OfficialFold(
            tuple(i for i, subject in enumerate(who) if subject not in subjects),
            tuple(i for i, subject in enumerate(who) if subject in subjects),
        )
        for name, subjects in tested.items()
    }


def _entries(folder: Path, pattern: str) -> dict[tuple[str, ...], dict[bool, Path]]:
    """Pictures (False) and sound (True) at any depth whose names match, by the groups of the pattern.

    Pictures are videos and folders of pictures. Of several files of sound, the kind that is first in
    ``models.clips.sound.SOUNDS`` counts; of other entries with the same name, the first one.
    """
    found: dict[tuple[str, ...], dict[bool, Path]] = {}
    kinds = {ending: i for i, ending in enumerate(sound.SOUNDS)}
    for entry in sorted(folder.rglob("*"), key=lambda entry: (kinds.get(entry.suffix.lower(), -1), entry)):
        match = re.fullmatch(pattern, entry.stem)
        if match and (entry.is_dir() or files.is_seen(entry) or files.is_sound(entry)):
            found.setdefault(match.groups(), {}).setdefault(files.is_sound(entry), entry)
    return found


def _read_ravdess(channels: str, emotions: int, folder: Path) -> Found:
    """``channels`` is a pattern: 01 speech, 02 song; the first so many ``emotions`` count."""
    takes: dict[tuple[str, ...], dict[str, Path]] = {}
    pattern = rf"(0[123])-({channels})-(0[1-{emotions}])-(0[12])-(\d\d)-(\d\d)-(\d\d)"
    for (modality, *take), entries in _entries(folder, pattern).items():
        for heard, path in entries.items():
            takes.setdefault(tuple(take), {})[_HEARD if heard else modality] = path
    if not takes:
        raise DatasetError(f"expected clips such as Actor_01/02-01-06-01-02-01-01.mp4 in {folder}, got none")
    clips = []
    for (_, emotion, intensity, _, _, actor), there in takes.items():
        path = next(there[kind] for kind in ("02", "01", _HEARD, "03") if kind in there)
        film = there.get("01")  # of which somebody may have made a folder of pictures
        track = there.get(_HEARD) or (film if film and film.is_file() else None)
        clips.append(Clip(path, int(emotion) - 1, actor, int(intensity) / 2, sound=None if track == path else track))
    folds = {str(k): [f"{actor:02}" for actor in actors] for k, actors in enumerate(_LUNA_JIMENEZ, 1)}
    folds |= {f"four-{k + 1}": [f"{4 * k + i:02}" for i in range(1, 5)] for k in range(6)}
    return Found(tuple(clips), _held_out(clips, folds))


def _read_crema_d(folder: Path) -> Found:
    found = _entries(folder, rf"(\d{{4}})_([A-Z]{{3}})_({'|'.join(_CREMA_D)})_([A-Z]{{1,2}})")
    if not found:
        raise DatasetError(f"expected clips such as 1001_DFA_ANG_XX.flv in {folder}, got none")
    clips = []
    for (actor, _, emotion, level), there in found.items():
        path, track = there.get(False) or there[True], there.get(True)
        intensity = _LEVELS.get(level, math.nan)
        clips.append(Clip(path, _CREMA_D.index(emotion), actor, intensity, sound=None if track == path else track))
    starts = [*range(1001, 1091, 18)[:5], 1092]
    folds = {str(k + 1): [str(actor) for actor in range(starts[k], starts[k + 1])] for k in range(5)}
    return Found(tuple(clips), _held_out(clips, folds))


LAYOUTS = (
    Layout("ravdess", "RAVDESS, speech", _RAVDESS, _RAVDESS_SHOWS, functools.partial(_read_ravdess, "01", 8)),
    Layout(
        "ravdess-song",
        "RAVDESS, song",
        _RAVDESS[:_SUNG],
        _RAVDESS_SHOWS[:_SUNG],
        functools.partial(_read_ravdess, "02", _SUNG),
    ),
    Layout(
        "ravdess-both",
        "RAVDESS, speech and song",
        _RAVDESS,
        _RAVDESS_SHOWS,
        functools.partial(_read_ravdess, "01|02", 8),
    ),
    Layout("crema-d", "CREMA-D", _CREMA_D, ("angry", "disgust", "fear", "happy", "neutral", "sad"), _read_crema_d),
)
