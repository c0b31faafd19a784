"""What a face looks like most of the time, so that features are not taken for feelings.

Some faces read sad or angry when they rest: low corners of the mouth, a heavy brow. Over the first minute, and slowly
from then on, ``RestingFace`` learns how the face in front of the camera usually reads: the log odds of angry and of sad
against neutral that it exceeds for seven tenths of the time. OpenFace, which learns a person's neutral face from films,
takes the median (T. Baltrusaitis, M. Mahmoud & P. Robinson 2015, "Cross-dataset learning and person-specific
normalisation for automatic Action Unit detection", FG 2015); here minutes of another mood are not to pass for rest.

Smiles are left alone: from a face alone a smile that lasts can't be told from a resting face that smiles, and trying to
cost more smiles than it was worth (docs/decisions/0018-the-resting-face.md).

Pure: all that is kept are histograms in this object. Another object knows nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType

from relay.protocol import EXPRESSIONS

_NEUTRAL = EXPRESSIONS.index("neutral")
_AT_REST = _NEUTRAL, EXPRESSIONS.index("angry"), EXPRESSIONS.index("sad")
"""What faces read as when they rest."""
_LEAST = 1e-6
"""A probability below counts as this much, so that its logarithm is finite."""
_SPAN, _BINS = 8.0, 64
"""Of a histogram: log odds from -``_SPAN`` to ``_SPAN``; what is beyond counts into the outermost bins."""
_LONGEST_S = 1.0
"""A face counts for the time since the last one, but for no longer than this."""


@dataclass(frozen=True)
class RestingRules:
    """How fast a face is learned, and what is made of it. Tried on portraits by ``benchmarks/resting.py``."""

    known_after_s: float = 60.0
    """So much of a resting face is seen before anything is made of it."""
    memory_s: float = 600.0
    """What was seen so long ago counts e times less than what is seen now."""
    forget_after_s: float = 30.0
    """After so long without a face, whoever comes may be somebody else."""
    share: float = 0.3
    """A face usually has the log odds that it exceeds but for this share of the time."""
    rest: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({"angry": -1.0, "sad": -1.0}))
    """The log odds against neutral that these expressions are brought down to where a face usually has more ..."""
    most: float = 2.5
    """... at most by so much: what is clearer than that can't be told from an expression, and stays one."""


class _Usual:
    """Quantiles of log odds over the last minutes, by a histogram that fades."""

    def __init__(self) -> None:
        self._weights = [0.0] * _BINS

    def add(self, odds: float, weight: float, keep: float) -> None:
        """What was seen counts ``keep`` (0..1) of what it did, and ``odds`` comes on top with this weight."""
        at = min(_BINS - 1, max(0, int((odds + _SPAN) * _BINS / (2 * _SPAN))))
        self._weights = [keep * old for old in self._weights]
        self._weights[at] += weight

    def quantile(self, share: float) -> float:
        """In -``_SPAN``..``_SPAN``; within a bin as if all in it were spread evenly. 0 where nothing was seen."""
        wanted, below = sum(self._weights) * share, 0.0
        for at, up_to in enumerate(accumulate(self._weights)):
            if up_to >= wanted and up_to > below:
                return (at + (wanted - below) / (up_to - below)) * 2 * _SPAN / _BINS - _SPAN
            below = up_to
        return 0.0


class RestingFace:
    """Give it each face's probabilities, and it answers with what they mean on this face."""

    def __init__(self, rules: RestingRules | None = None) -> None:
        self._rules = rules or RestingRules()
        self._seen_at = -math.inf
        self._forget()

    def _forget(self) -> None:
        self._usual = {EXPRESSIONS.index(name): _Usual() for name in self._rules.rest}
        self._seen_s = 0.0

    def read(self, time: float, probabilities: Sequence[float]) -> list[float]:
        """The seven probabilities, in the order of ``EXPRESSIONS`` and summing to 1, of a face seen at ``time``.

        ``time`` in seconds, never decreasing. Until the face is known they come back as they are.
        """
        elapsed, self._seen_at = time - self._seen_at, time
        if elapsed > self._rules.forget_after_s:
            self._forget()
        known = self._seen_s >= self._rules.known_after_s
        answer = self._corrected(probabilities) if known else [float(p) for p in probabilities]
        self._learn(probabilities, min(elapsed, _LONGEST_S))
        return answer

    def _corrected(self, probabilities: Sequence[float]) -> list[float]:
        weighed = [float(p) for p in probabilities]
        for name, rest in self._rules.rest.items():
            number = EXPRESSIONS.index(name)
            above = self._usual[number].quantile(self._rules.share) - rest
            weighed[number] *= math.exp(-min(self._rules.most, max(0.0, above)))
        whole = sum(weighed)
        return [p / whole for p in weighed]

    def _learn(self, probabilities: Sequence[float], seconds: float) -> None:
        # In a smile the odds of sad against neutral mean nothing. The less a face rests, the less it counts, and the
        # less it makes what was seen before fade: half an hour of laughing is no other face.
        weight = seconds * sum(probabilities[number] for number in _AT_REST)
        keep = math.exp(-weight / self._rules.memory_s)
        for number, usual in self._usual.items():
            odds = math.log(max(probabilities[number], _LEAST) / max(probabilities[_NEUTRAL], _LEAST))
            usual.add(odds, weight, keep)
        self._seen_s += weight
