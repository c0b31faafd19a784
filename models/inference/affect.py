"""Valence, arousal and intensity of a face from the seven probabilities of its expression.

Valence and arousal are the expected values of published ratings: people rated 151 terms for emotional states on
pleasure, arousal and dominance (J. A. Russell & A. Mehrabian 1977, "Evidence for a three-factor theory of emotions",
Journal of Research in Personality 11, 273-294, Table 4: Happy, Sad, Angry, Fearful, Disgusted, Surprised). Neutral,
which they did not ask for, is the middle of both scales. So an unsure classifier answers between the points, nearer the
middle, as it should. Intensity is the probability that the face is not neutral.

This is about one face. An audience's valence (``relay.core.mood``) counts people and gives surprise no sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from relay.protocol import EXPRESSIONS

RATINGS = MappingProxyType(
    {
        "angry": (-0.51, 0.59),
        "disgust": (-0.60, 0.35),
        "fear": (-0.64, 0.60),
        "happy": (0.81, 0.51),
        "sad": (-0.63, -0.27),
        "surprise": (0.40, 0.67),
        "neutral": (0.0, 0.0),
    }
)
"""Mean pleasure and arousal of each expression's term, -1 to 1."""


@dataclass(frozen=True)
class Affect:
    """``valence`` (unpleasant to pleasant) and ``arousal`` (calm to stirred) in -1..1; ``intensity`` in 0..1."""

    valence: float
    arousal: float
    intensity: float


def affect(probabilities: Sequence[float]) -> Affect:
    """Of one face; ``probabilities`` (7,) in the order of ``EXPRESSIONS``, summing to 1.

    Monotone: probability moving to a more pleasant expression raises the valence, to a more stirred one the arousal,
    and away from neutral the intensity.
    """
    pairs = [(p, *RATINGS[name]) for name, p in zip(EXPRESSIONS, probabilities, strict=True)]
    neutral = probabilities[EXPRESSIONS.index("neutral")]
    return Affect(
        valence=float(sum(p * valence for p, valence, _ in pairs)),
        arousal=float(sum(p * arousal for p, _, arousal in pairs)),
        # Float32 probabilities may sum to a little more than 1.
        intensity=min(1.0, max(0.0, float(1 - neutral))),
    )
