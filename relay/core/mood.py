"""The mood of an audience: the figures drawn from its counts. Pure: time is passed in, in seconds."""

import math
from dataclasses import dataclass

from relay.protocol import EXPRESSIONS, NEUTRAL

KINDS = len(EXPRESSIONS)
HAPPY = EXPRESSIONS.index("happy")
_NEGATIVE = tuple(EXPRESSIONS.index(name) for name in ("angry", "disgust", "fear", "sad"))

SHOW_AFTER_S = 1.0
"""Enough viewers must share for this long before a hidden mood is shown again."""

_TREND_S = 5.0
"""Time constant of the trend's mean. An exponential mean of 5 s is as old, on average, as a plain one over 10 s."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Viewers per expression, seven numbers >= 0 in the contract's order. Counts of separate audiences add up."""

    values: tuple[int, ...] = (0,) * KINDS

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(tuple(mine + theirs for mine, theirs in zip(self.values, other.values, strict=True)))

    @property
    def sharing(self) -> int:
        """Viewers with a current label."""
        return sum(self.values)

    @property
    def shares(self) -> tuple[float, ...]:
        """``values`` divided by ``sharing``, each 0 to 1; all zero where nobody shares."""
        sharing = self.sharing
        return tuple(count / sharing for count in self.values) if sharing else (0.0,) * KINDS

    @property
    def valence(self) -> float:
        """Share of happy minus the shares of angry, disgust, fear and sad, -1 to 1.

        Surprise goes either way and neutral neither, so the two weigh nothing (the signs follow Russell 1980,
        "A circumplex model of affect").
        """
        sharing = self.sharing
        return (self.values[HAPPY] - sum(self.values[kind] for kind in _NEGATIVE)) / sharing if sharing else 0.0

    @property
    def resonance(self) -> float:
        """How much the audience agrees beyond chance, 0 to 1.

        Among the M expressive (not neutral) of N sharing viewers, the unbiased probability that two random ones show
        the same expression is A = sum n_k (n_k - 1) / (M (M - 1)) (Simpson 1949, "Measurement of diversity"). Six
        expressions agree by chance in 1/6 of the pairs, so C = max(0, (A - 1/6) / (1 - 1/6)) (the correction of
        Cohen 1960, "A coefficient of agreement for nominal scales"). Neutral faces agree on nothing: they dilute, and
        resonance = C M / N. Fewer than two expressive viewers: 0.
        """
        expressive = self.sharing - self.values[NEUTRAL]
        if expressive < 2:
            return 0.0
        pairs = sum(count * (count - 1) for kind, count in enumerate(self.values) if kind != NEUTRAL)
        agreement = pairs / (expressive * (expressive - 1))
        chance = 1 / (KINDS - 1)
        return max(0.0, (agreement - chance) / (1 - chance)) * expressive / self.sharing


class Visibility:
    """Whether a mood may be shown: hides at once below ``least`` networks, shows after so long with enough.

    Hiding at once keeps a few viewers from being singled out; the wait keeps the overlay from flickering at the edge.
    """

    __slots__ = ("_enough_since", "_least", "_show_after", "visible")

    def __init__(self, least: int, show_after: float = SHOW_AFTER_S) -> None:
        """``show_after``: seconds."""
        self._least, self._show_after = least, show_after
        self._enough_since: float | None = None
        self.visible = False

    def update(self, networks: int, now: float) -> bool:
        """Take the number of networks that share at ``now`` into account; returns ``visible``."""
        if networks < self._least:
            self._enough_since = None
            self.visible = False
            return False
        if self._enough_since is None:
            self._enough_since = now
        self.visible = self.visible or now - self._enough_since >= self._show_after
        return self.visible


class Trend:
    """A value minus its recent mean: an exponential moving average over elapsed time, so that ticks may vary."""

    __slots__ = ("_mean", "_time")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the past, as when the mood was hidden."""
        self._mean: float | None = None
        self._time = 0.0

    def update(self, value: float, now: float) -> float:
        """``value`` minus the mean before it; 0 for the first value."""
        if self._mean is None:
            self._mean = value
        difference = value - self._mean
        self._mean += difference * -math.expm1(-(now - self._time) / _TREND_S)
        self._time = now
        return difference
