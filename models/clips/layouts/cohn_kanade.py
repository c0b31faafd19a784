"""CK+, the extended Cohn-Kanade set (Lucey et al. 2010): acted expressions from a neutral face to the peak.

Assumed from the paper and from how public code reads it; the set was not at hand here::

    cohn-kanade-images/S005/001/S005_001_00000011.png       the last picture of a sequence is the peak
    Emotion/S005/001/S005_001_00000011_emotion.txt          one number, 1 to 7; only of sequences that count

327 of the 593 sequences of 123 people have an emotion; the others are left out. ``ck-plus`` has the seven emotions in
the order of their numbers, ``ck-plus-8`` also neutral, which the first two frames of each sequence are a clip of.
30 frames a second, as the first edition was filmed (Kanade, Cohn & Tian 2000).
"""

import functools
from pathlib import Path

from models.clips import video
from models.clips.layouts import files
from models.clips.layouts.entry import Clip, Found, Layout
from models.errors import DatasetError

_SEVEN = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
_EXPRESSIONS = ("angry", None, "disgust", "fear", "happy", "sad", "surprise")
_FPS = 30
_NEUTRAL_FRAMES = 2
"""Of a sequence's begin: one alone would not move."""


def _read(with_neutral: bool, folder: Path) -> Found:
    images = files.locate(folder, ("cohn-kanade-images", "*/cohn-kanade-images"), "CK+'s pictures")
    labels = files.locate(folder, ("Emotion", "Emotion_labels/Emotion", "*/Emotion"), "CK+'s emotions")
    clips, missing = [], []
    for file in sorted(labels.glob("S*/*/*_emotion.txt")):
        person, sequence = file.parts[-3:-1]
        if file.name.startswith("."):  # a Mac's notes on a file
            continue
        path = images / person / sequence
        frames = len(video.pictures(path)) if path.is_dir() else 0
        if frames < 2:
            missing.append(f"{path} has an emotion, but {'one picture' if frames else 'no pictures'}")
            continue
        try:
            label = _label(file)
        except DatasetError as error:
            missing.append(f"{path} is left out: {error}")
            continue
        clips.append(Clip(path, label, person, onset=0, apex=frames - 1, fps=_FPS))
        if with_neutral:
            clips.append(Clip(path, len(_SEVEN), person, stop=_NEUTRAL_FRAMES, fps=_FPS))
    if not clips:
        why = f": {missing[0]}" if missing else ""
        raise DatasetError(f"expected emotions such as Emotion/S005/001/..._emotion.txt in {folder}, got none{why}")
    return Found(tuple(clips), missing=tuple(missing))


def _label(file: Path) -> int:
    """The file holds a number such as 3.0000000e+00.

    Raises:
        DatasetError: it does not.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        text = "no text"
    number = files.whole(text)
    if number is None or not 1 <= number <= len(_SEVEN):
        raise DatasetError(f"expected a number from 1 to {len(_SEVEN)} in {file}, got {text!r}")
    return number - 1


LAYOUTS = (
    Layout("ck-plus", "CK+, seven emotions", _SEVEN, _EXPRESSIONS, functools.partial(_read, False)),
    Layout(
        "ck-plus-8",
        "CK+, seven emotions and neutral",
        (*_SEVEN, "neutral"),
        (*_EXPRESSIONS, "neutral"),
        functools.partial(_read, True),
    ),
)
