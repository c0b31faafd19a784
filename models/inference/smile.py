"""Small smiles: happy or neutral, decided from a network's answer and from what the face stage sees of the mouth. Pure.

A network that learned from photographs of the web takes a smile with a closed mouth for a resting face. Its odds of
happy against neutral still rank such smiles, and the blendshapes of the mouth's corners know what it overlooks. A rule
weighs the two. It is fitted on portraits, through the face stage, by ``benchmarks/smiles.py``; so it belongs to the
registry's entry of a network, not to the network's file, whose makers need neither.

Whoever cries pulls the corners of the mouth, too. Where the network sees an unhappy face, the rule may take a smile
away, but not find one that the network does not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.blendshapes import BLENDSHAPES, Shapes
from relay.protocol import EXPRESSIONS

Array = NDArray[np.float64]

HAPPY, NEUTRAL = EXPRESSIONS.index("happy"), EXPRESSIONS.index("neutral")
_UNHAPPY = [EXPRESSIONS.index(name) for name in ("angry", "disgust", "fear", "sad")]
_CORNERS = [BLENDSHAPES.index("mouthSmileLeft"), BLENDSHAPES.index("mouthSmileRight")]
_LEAST = 1e-6
"""Of a probability: less is taken for this."""
_FAINT, _PLAIN = 0.01, 0.3
"""Of a smile's blendshape: under the one differences are noise, above the other a smile is as plain as it gets.

Some people's mouths rest with it at 0.5: alone it must not make them happy.
"""


@dataclass(frozen=True)
class SmileRule:
    """A face is happy rather than neutral with odds of exp(``odds`` x + ``smile`` y + ``base``).

    x is the logarithm of the network's odds and y that of the smile's blendshape (``features``). Without blendshapes:
    exp(``odds_alone`` x + ``base_alone``), which is stricter. From a probability of ``unhappy`` of angry, disgust, fear
    and sad together on, no smile is found that the network does not see; with half as much, the rule counts half there.
    """

    odds: float
    smile: float
    base: float
    odds_alone: float
    base_alone: float
    unhappy: float


def features(probabilities: Array, shapes: Shapes | None = None) -> Array:
    """What a rule weighs: (..., 2) of probabilities (..., 7) and blendshapes (..., 52); (..., 1) without these."""
    happy, neutral = (np.maximum(probabilities[..., k], _LEAST) for k in (HAPPY, NEUTRAL))
    odds = np.log(happy / neutral)
    if shapes is None:
        return np.stack([odds], -1)
    corners = shapes[..., _CORNERS].mean(-1, dtype=np.float64)
    return np.stack([odds, np.log(np.clip(corners, 0, _PLAIN) + _FAINT)], -1)


def decided(
    rule: SmileRule | None, probabilities: Sequence[float] | NDArray[np.floating], shapes: Shapes | None
) -> Array:
    """Probabilities (..., 7) in the order of ``EXPRESSIONS``, with that of happy and neutral shared out by the rule.

    What the two have together stays, and so do the other five: the most probable one is the label. ``shapes`` (..., 52)
    or None; without a rule nothing is moved.
    """
    found = np.array(probabilities, np.float64)
    if rule is None:
        return found
    known = features(found, shapes)
    weights = (rule.odds_alone,) if shapes is None else (rule.odds, rule.smile)
    score = known @ np.array(weights) + (rule.base_alone if shapes is None else rule.base)
    unhappy = np.minimum(found[..., _UNHAPPY].sum(-1) / rule.unhappy, 1)
    score += unhappy * np.minimum(known[..., 0] - score, 0)
    together = found[..., HAPPY] + found[..., NEUTRAL]
    found[..., HAPPY] = together * (1 + np.tanh(score / 2)) / 2  # the logistic function, without overflow
    found[..., NEUTRAL] = together - found[..., HAPPY]
    return found
