"""What the streamer should know of their microphone's level. Pure: every call takes the time."""

import math

import numpy as np
from numpy.typing import NDArray

_SILENT_S = 60.0
_CLIPPED, _CLIPPED_SHARE, _CLIPPED_HOPS = 0.99, 0.001, 3
_AGAIN_S = 600.0
"""A sentence is said no sooner than this again."""
NO_SOUND = (
    "The microphone has delivered nothing but silence for a minute: is it muted, or is another one the default of your "
    "system? May this program use it (privacy settings)? Until it delivers sound, your face alone counts."
)
NO_SPEECH = (
    "Nobody was heard to speak for a minute, so your face alone counts. If you did speak: is the right microphone the "
    "default of your system, and is it turned up and near enough?"
)
CLIPS = "The microphone is too loud: its loudest moments are cut off (clipping), which is misread. Turn it down."


class Levels:
    """Feed it every hop's sound and whether somebody spoke."""

    def __init__(self, began: float) -> None:
        """``began``: the time (seconds) at which the microphone was opened."""
        self._sounded_at = self._spoke_at = began
        self._clipped = 0
        self._said_at: dict[str, float] = {}

    def update(self, time: float, sound: NDArray[np.float32], is_speech: bool) -> str | None:
        """The sentence that is due at ``time`` (seconds, never decreasing), if one is. ``sound``: (n,), -1..1."""
        loud = np.abs(sound)
        if loud.any():
            self._sounded_at = time
        if is_speech:
            self._spoke_at = time
        self._clipped = self._clipped + 1 if (loud >= _CLIPPED).mean() >= _CLIPPED_SHARE else 0
        for is_due, sentence in (
            (self._clipped >= _CLIPPED_HOPS, CLIPS),
            (time - self._sounded_at >= _SILENT_S, NO_SOUND),
            (time - self._spoke_at >= _SILENT_S and self._sounded_at == time, NO_SPEECH),
        ):
            if is_due and time - self._said_at.get(sentence, -math.inf) >= _AGAIN_S:
                self._said_at[sentence] = time
                return sentence
        return None
