"""Reactions of an audience: bursts of one expression, and taps. Pure: time is passed in, in seconds."""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from relay.limits import HOUSE_WEIGHT, Places
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, Tap

WINDOW_S = 2.0
"""Changes to one expression within this time belong together."""
REFRACTORY_S = 4.0
"""After a burst of an expression, the next one of it comes this much later at the earliest."""
PEAK_WAIT_S = 1.0
"""A burst that still grows is reported this long after it began at the latest, so that its count is near the peak."""
BASELINE_S = 30.0
"""Time constant of the usual number of changes, which a burst must exceed."""
LEAST_VIEWERS = 3
LEAST_SHARE = 0.15
TAP_PAUSE_S = 0.5
"""A viewer's taps of one kind count once in this time."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What happened together: ``count`` viewers, who are the share ``strength`` (0 to 1) of those sharing."""

    name: str
    strength: float
    count: int


class _Expression:
    """Who changed to one expression within the window, and how it usually goes."""

    __slots__ = ("baseline", "changes", "grew_to", "places", "rising_since", "silent_until")

    def __init__(self, house_weight: int) -> None:
        self.changes: OrderedDict[Hashable, tuple[float, Hashable | None]] = OrderedDict()
        self.places = Places(house_weight)
        self.baseline = 0.0
        self.rising_since: float | None = None
        self.grew_to = 0
        self.silent_until = -math.inf


class Bursts:
    """Many viewers who change to the same expression within two seconds.

    A burst is at least max(3, 15 % of the sharing) viewers more than the expression's usual number of changes, and
    then is silent for four seconds. Neutral is the absence of a reaction and never bursts. Each viewer counts once
    however often its label flickers. A change costs O(1).
    """

    __slots__ = ("_expressions", "_updated")

    def __init__(self, house_weight: int = HOUSE_WEIGHT) -> None:
        """``house_weight``: viewers of a house (see ``relay.limits``) that count in a burst."""
        self._expressions = {kind: _Expression(house_weight) for kind in range(len(EXPRESSIONS)) if kind != NEUTRAL}
        self._updated: float | None = None

    def change(
        self, viewer: Hashable, before: int | None, after: int, now: float, house: Hashable | None = None
    ) -> None:
        """A viewer's label went from ``before`` to ``after`` (indices of ``EXPRESSIONS``).

        A first label (``before`` is None) is no change: when a thousand viewers reconnect, they react to nothing.
        """
        if before is None or before == after or after == NEUTRAL:
            return
        expression = self._expressions[after]
        if viewer in expression.changes or expression.places.take(house):
            expression.changes[viewer] = now, house
            expression.changes.move_to_end(viewer)

    def update(self, sharing: int, now: float) -> list[Burst]:
        """The bursts to report at ``now``; call at each tick."""
        elapsed = 0.0 if self._updated is None else now - self._updated
        self._updated = now
        least = max(LEAST_VIEWERS, LEAST_SHARE * sharing)
        bursts = []
        for kind, expression in self._expressions.items():
            count = self._count(expression, now)
            usual = math.floor(expression.baseline)  # whole viewers, or a small audience's last burst forbids the next
            if count - usual < least or now < expression.silent_until:
                expression.rising_since = None
            elif self._at_peak(expression, count, now):
                expression.rising_since = None
                expression.silent_until = now + REFRACTORY_S
                bursts.append(Burst(EXPRESSIONS[kind], min(1.0, count / max(1, sharing)), count))
            expression.baseline += (count - expression.baseline) * -math.expm1(-elapsed / BASELINE_S)
        return bursts

    @staticmethod
    def _count(expression: _Expression, now: float) -> int:
        changes = expression.changes
        while changes and next(iter(changes.values()))[0] < now - WINDOW_S:
            _, (_, house) = changes.popitem(last=False)
            expression.places.free(house)
        return len(changes)

    @staticmethod
    def _at_peak(expression: _Expression, count: int, now: float) -> bool:
        """Whether a burst above the threshold stopped growing, or grew for long enough."""
        if expression.rising_since is None:
            expression.rising_since, expression.grew_to = now, count
            return False
        grows = count > expression.grew_to
        expression.grew_to = max(count, expression.grew_to)
        return not grows or now - expression.rising_since >= PEAK_WAIT_S


class Taps:
    """Manual reactions, summed up over a tick: distinct viewers per tap, and of one house only so many at a time."""

    __slots__ = ("_last", "_places", "_viewers")

    def __init__(self, house_weight: int = HOUSE_WEIGHT) -> None:
        """``house_weight``: viewers of a house (see ``relay.limits``) whose taps of a kind count within the pause."""
        self._viewers: dict[str, set[Hashable]] = {tap: set() for tap in TAPS}
        self._last: OrderedDict[tuple[Hashable, str], tuple[float, Hashable | None]] = OrderedDict()
        self._places = Places(house_weight)

    def tap(self, viewer: Hashable, tap: Tap, now: float, house: Hashable | None = None) -> None:
        """A viewer tapped. Taps of the same kind within half a second after one that counted are ignored."""
        self._forget(now)
        group = None if house is None else (house, tap)
        if (viewer, tap) in self._last or not self._places.take(group):
            return
        self._last[viewer, tap] = now, group
        self._viewers[tap].add(viewer)

    def update(self, sharing: int, now: float) -> list[Burst]:
        """The taps since the last update, one entry per kind that was tapped."""
        self._forget(now)
        tapped = []
        for tap, viewers in self._viewers.items():
            if viewers:
                tapped.append(Burst(tap, min(1.0, len(viewers) / max(1, sharing)), len(viewers)))
                viewers.clear()
        return tapped

    def _forget(self, now: float) -> None:
        """Drop the taps whose pause is over, oldest first: amortised O(1)."""
        while self._last:
            time, group = next(iter(self._last.values()))
            if now - time < TAP_PAUSE_S:
                return
            self._last.popitem(last=False)
            self._places.free(group)
