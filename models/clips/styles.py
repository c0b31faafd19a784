"""Personal styles: how one person shows the seven expressions, for synthetic people who do not all move alike. Pure.

People differ in which action units they use, and keep to it for 4 to 12 months, so much that they can be recognised by
it (Cohn, Schmidt, Gross & Ekman 2002, "Individual differences in facial expression: stability over time, relation to
self-reported emotion, and ability to inform person identification"). Here a style is

* one variant of each expression, its prototype or another combination after the emotion tables of the Facial Action
  Coding System (Ekman, Friesen & Hager 2002): a smile with closed lips, anger with bared teeth,
* an amplitude for each expression, and one for each action in it,
* the side of the face that moves more, action by action,
* a resting face: a few actions that never let go, in neutral clips as well.

How large they are is set by eye, so that a stranger still sees what is meant. One seed and one name, one style: whoever
else is in the set makes no difference.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from models.clips.motions import PROTOTYPES

Strengths = Mapping[str, float]
"""Of actions, by their names in ``motions.ACTIONS``."""

_AMPLITUDE = (0.6, 1.2)
"""Of an expression, relative to the variant's strengths."""
_MANNER = (0.75, 1.25)
"""Of one action in one expression, relative to that."""
SIDE, SIDE_OF_ACTION = 0.25, 0.15
"""The most by which a half of the face moves more than both do on average: of the person, and of one action more."""
RESTING_ACTIONS, RESTING = 2, (0.15, 0.5)
"""How many actions a resting face holds, and how strongly each."""

VARIANTS: Mapping[str, tuple[Strengths, ...]] = MappingProxyType(
    {
        "angry": (
            PROTOTYPES["angry"],
            {  # AU 4 + 5 + 7 + 10 + 25: the teeth show
                "brow lowerer": 1.4,
                "upper lid raiser": 0.6,
                "lid tightener": 0.6,
                "upper lip raiser": 0.6,
                "lips part": 0.9,
            },
            {"brow lowerer": 0.8, "lid tightener": 1.2, "lip presser": 1.3, "chin raiser": 0.8},  # 4 + 7 + 17 + 24
        ),
        "disgust": (
            PROTOTYPES["disgust"],
            {"nose wrinkler": 1.6, "lid tightener": 0.8, "brow lowerer": 0.5, "chin raiser": 0.7},  # 9 + 17
            {"upper lip raiser": 1.5, "lips part": 0.6, "lip corner depressor": 0.6},  # 10 + 16 + 25
        ),
        "fear": (
            PROTOTYPES["fear"],
            {"inner brow raiser": 1.1, "brow lowerer": 0.5, "upper lid raiser": 1.2, "jaw drop": 0.6},  # 1 + 4 + 5 + 26
            {"upper lid raiser": 1.4, "lip stretcher": 1.1, "lips part": 0.6},  # 5 + 20 + 25
        ),
        "happy": (
            PROTOTYPES["happy"],
            {"lip corner puller": 1, "cheek raiser": 0.6},  # 6 + 12, lips closed
            {"lip corner puller": 0.9, "cheek raiser": 1, "lips part": 0.5, "jaw drop": 0.4},  # 6 + 12 + 26
        ),
        "sad": (
            PROTOTYPES["sad"],
            {"lip corner depressor": 1.4, "cheek raiser": 0.6, "chin raiser": 0.5},  # 6 + 15 + 17
            {"inner brow raiser": 1.3, "brow lowerer": 0.6, "lids droop": 0.8},  # 1 + 4, the mouth at rest
        ),
        "surprise": (
            PROTOTYPES["surprise"],
            {"inner brow raiser": 1.2, "outer brow raiser": 1.2, "upper lid raiser": 1},  # 1 + 2 + 5, lips closed
            {"upper lid raiser": 1.1, "jaw drop": 1},  # 5 + 26
        ),
        "neutral": (PROTOTYPES["neutral"],),
    }
)
"""Of each expression, the combinations of which a person has one."""

_HELD = (
    "brow lowerer",
    "inner brow raiser",
    "outer brow raiser",
    "lid tightener",
    "lids droop",
    "lip corner depressor",
    "lip corner puller",
    "lip presser",
    "lips part",
    "chin raiser",
)
"""Actions that a face may hold at rest."""


@dataclass(frozen=True)
class Style:
    """``expressions``: the actions of each of ``relay.protocol.EXPRESSIONS`` at its full intensity, as ``PROTOTYPES``.

    ``side``: by how much an action is stronger in the right half of the picture than in both on average, -1 to 1; 0 for
    those that are missing. ``rest``: what the face holds always.
    """

    expressions: Mapping[str, Strengths]
    side: Strengths = field(default_factory=dict)
    rest: Strengths = field(default_factory=dict)


SHARED = Style(PROTOTYPES)
"""How everybody moves who has no style."""


def draw(subject: str, seed: int) -> Style:
    """A person's style, by the person's name."""
    digest = hashlib.sha256(f"{seed} {subject}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    expressions = {}
    for name, variants in VARIANTS.items():
        variant = variants[rng.integers(len(variants))]
        amplitude = rng.uniform(*_AMPLITUDE)
        expressions[name] = {
            action: round(strength * amplitude * rng.uniform(*_MANNER), 3) for action, strength in variant.items()
        }
    own = rng.uniform(-SIDE, SIDE)
    actions = sorted({action for variants in VARIANTS.values() for variant in variants for action in variant})
    side = {action: round(own + rng.uniform(-SIDE_OF_ACTION, SIDE_OF_ACTION), 3) for action in actions}
    held = rng.choice(_HELD, RESTING_ACTIONS, replace=False)
    return Style(expressions, side, {str(action): round(rng.uniform(*RESTING), 3) for action in held})
