"""What Moodcast's OBS script decides about highlights, as plain functions: no file, no thread, nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import math
import time
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Tuple

# What a moment is called where people read it. Nothing else is written down: names come over the network, and a
# spreadsheet takes a cell that begins with "=" for a formula.
LABELS = {
    ("expression", "happy"): "Laughter",
    ("expression", "surprise"): "Surprise",
    ("expression", "sad"): "Sadness",
    ("expression", "angry"): "Anger",
    ("expression", "fear"): "Fear",
    ("expression", "disgust"): "Disgust",
    ("tap", "heart"): "Hearts",
    ("tap", "laugh"): "Laughs",
    ("tap", "clap"): "Applause",
    ("tap", "wow"): "Wows",
    ("tap", "cry"): "Tears",
}
SAVED = ("mark", "saved")
_SAVED_LABEL = "Saved by the streamer"
LONGEST_AGO_S = 150.0  # the longest delay of a stream that the relay knows, and what it takes to notice
_LEAD_S = 10.0  # a replay without what led to the moment is no highlight
_AFTER_S = 5.0  # nor is one that ends with the moment
HEADER = "time,kind,name,share,rise,utc\r\n"
FIRST_CHAPTER = "00:00:00 Start\n"  # video sites take no chapters that begin later
_LEAST_CHAPTER_S = 10.0  # nor shorter ones
LEAST_COOLDOWN_S = 1.0  # whatever a relay tells, the disk is not filled with lines nor a recording with chapters
_USUAL_LAG_S = 0.3  # of an encoder that nothing was seen to begin with
_MOST_LAG_S = 5.0  # x264 looks ahead for 60 pictures in its slow presets, and holds one back for each thread


class Moment(NamedTuple):
    """A highlight: ``share`` and ``rise`` are 0 to 1, it happened ``ago`` seconds before it was told."""

    kind: str
    name: str
    share: float
    rise: float
    ago: float

    @property
    def label(self) -> str:
        return LABELS.get((self.kind, self.name), _SAVED_LABEL)


def moment_of(fields: Dict[str, Any]) -> Optional[Moment]:
    """The moment in the relay's message; None for anything that is none."""
    kind, name = fields.get("kind"), fields.get("name")
    numbers: List[Any] = [fields.get(part) for part in ("share", "rise", "ago")]
    if not (isinstance(kind, str) and isinstance(name, str) and (kind, name) in LABELS):
        return None
    if not all(type(number) in (int, float) and 0 <= number < math.inf for number in numbers):
        return None
    share, rise, ago = numbers
    if share > 1 or rise > 1 or ago > LONGEST_AGO_S:
        return None
    return Moment(kind, name, float(share), float(rise), float(ago))


class Choice(NamedTuple):
    """Which moments the streamer wants: kinds and names, least rise (0 to 1), seconds from one to the next."""

    wanted: FrozenSet[Tuple[str, str]]
    least: float
    cooldown: float

    def takes(self, moment: Moment, since: float) -> bool:
        """Whether the moment is a highlight. ``since``: seconds since the last one."""
        rests = since >= max(self.cooldown, LEAST_COOLDOWN_S)
        return (moment.kind, moment.name) in self.wanted and moment.rise >= self.least and rests


# --- where in the recording ---


class Place(NamedTuple):
    """A file, seconds from its start, and whether it was split off another."""

    path: str
    seconds: float
    split: bool


class _Piece:
    """One file: ``zero`` is when its first frame was drawn, of a steady clock in seconds; paused times are left out."""

    def __init__(self, path: str, zero: float, split: bool) -> None:
        self.path, self.zero, self.split = path, zero, split


class Encoder:
    """How long a picture is in the encoder: the pictures that an output has had are fewer by that, as far as it began
    with the encoder."""

    def __init__(self, began: Optional[float] = None) -> None:
        """``began``: when the output did, of a steady clock in seconds; None where that was not seen."""
        self._began = began
        self._behind = math.inf

    def frames(self, now: float, seconds: float) -> None:
        """So many seconds of pictures have come out. Of use in the first seconds, before any pause."""
        if seconds > 0:
            self._behind = min(self._behind, now - seconds)

    @property
    def lag(self) -> float:
        """Seconds."""
        if self._began is None or self._behind == math.inf:
            return _USUAL_LAG_S
        return min(max(0.0, self._behind - self._began), _MOST_LAG_S)


class Recording:
    """Which file has what of a recording, and where. All times are of one steady clock, in seconds.

    A file's first frame is not that of OBS's event, and nothing tells it. An encoder that starts with the recording
    begins with the event. One that ran before (streaming, replay buffer) goes on to its next whole picture, up to some
    seconds: then the frames that have come out tell, less the time that a frame is in the encoder (``Encoder``).
    """

    def __init__(self, path: str, now: float, encoder: Encoder, fresh: bool) -> None:
        """``fresh``: whether the encoder began with the recording."""
        self._encoder, self._fresh = encoder, fresh
        self._pieces = [_Piece(path, now, False)]
        self._pauses: List[List[float]] = []
        self._behind = math.inf  # the start as told by the frames that were out soonest
        self._ended = math.inf

    @property
    def path(self) -> str:
        """The file that is being written."""
        return self._pieces[-1].path

    def frames(self, now: float, seconds: float) -> None:
        """So many seconds of pictures have come out of the encoder. Of use in the first seconds, before any pause."""
        if seconds <= 0 or self._pauses or len(self._pieces) > 1:
            return
        self._behind = min(self._behind, now - seconds)
        if self._fresh:
            self._encoder.frames(now, seconds)
        else:
            self._pieces[0].zero = self._behind - self._encoder.lag

    def pause(self, now: float) -> None:
        if not self._paused():
            self._pauses.append([now, math.inf])

    def unpause(self, now: float) -> None:
        if self._paused():
            self._pauses[-1][1] = now

    def split(self, path: str, now: float) -> None:
        """From now on, another file is written."""
        if path != self.path:
            self._pieces.append(_Piece(path, max(now - self._encoder.lag, self._pieces[-1].zero), True))

    def end(self, now: float) -> None:
        self._ended = min(self._ended, now)

    def place(self, at: float) -> Optional[Place]:
        """Where the file has what happened at a time; None where none has it: before, after, or in a pause."""
        if at > self._ended or any(begin <= at < end for begin, end in self._pauses):
            return None
        for piece in reversed(self._pieces):
            if at >= piece.zero:
                paused = sum(
                    min(end, at) - max(begin, piece.zero)
                    for begin, end in self._pauses
                    if begin < at and end > piece.zero
                )
                return Place(piece.path, at - piece.zero - paused, piece.split)
        return None

    def _paused(self) -> bool:
        return bool(self._pauses) and self._pauses[-1][1] == math.inf


# --- what is written ---


def time_code(seconds: float) -> str:
    """``HH:MM:SS.mmm``, more digits of hours where there are more."""
    millis = round(seconds * 1000)
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02}.{millis % 1000:03}"


def csv_line(moment: Moment, seconds: float, utc: float) -> str:
    """``seconds`` into the file; ``utc``: Unix time. A moment that no viewer made has no share and no rise."""
    numbers = ["", ""] if (moment.kind, moment.name) == SAVED else [f"{moment.share:.3f}", f"{moment.rise:.3f}"]
    date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(utc)) + f".{int(utc * 1000) % 1000:03}Z"
    return ",".join([time_code(seconds), moment.kind, moment.name, *numbers, date]) + "\r\n"


def chapter_line(moment: Moment, seconds: float) -> str:
    """A line to paste under a video: whole seconds, rounded down so that the chapter has the moment."""
    return f"{time_code(math.floor(seconds))[:8]} {moment.label}\n"


def chapter_due(seconds: float, last: float) -> bool:
    """Whether a video site takes a chapter here; ``last``: where the one before begins, in seconds."""
    return seconds - last >= _LEAST_CHAPTER_S


def list_stem(recording: str) -> str:
    """The recording's path without its ending: a remuxed recording has another, and the same times."""
    name_at = max(recording.rfind("/"), recording.rfind("\\")) + 1
    dot = recording.rfind(".")
    return recording[:dot] if dot > name_at else recording


# --- the replay ---


def save_at(now: float, ago: float) -> float:
    """When to save the replay of a moment of ``ago`` seconds before ``now``: what followed belongs to it."""
    return max(now, now - ago + _AFTER_S)


def short_replay(keeps: float, ago: float) -> str:
    """Why a replay of the last ``keeps`` seconds misses what happened ``ago`` seconds before it is saved; else empty.

    0 for ``keeps`` is an OBS that does not tell.
    """
    needed = math.ceil(ago + _LEAD_S)
    if not 0 < keeps < needed:
        return ""
    return (
        f"The replay buffer keeps {keeps:.0f} s, the moment with what led to it began {needed} s before: set at least "
        f"{needed} s in the settings under Output, Replay Buffer."
    )


def young_replay(running: float, ago: float) -> str:
    """Why a replay buffer that runs for ``running`` seconds misses the moment; else empty."""
    return "" if running >= ago else "The replay buffer was started after the moment: the next one will be in it."


def chapter_name(moment: Moment, ago: float) -> str:
    """OBS puts a chapter where it is asked for, not where the moment was: its name tells how far back that is."""
    return moment.label if ago < 1.5 else f"{moment.label} ({ago:.0f} s before)"
