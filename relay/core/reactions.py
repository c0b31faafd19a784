"""Reactions of an audience: bursts of one expression, and taps. Pure: time is passed in, in seconds."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from relay.core.audience import Member, Recent
from relay.core.limits import ALONE, HOUSE_WEIGHT, Ledger
from relay.core.snapshot import LEAST_NETWORKS
from relay.protocol import EXPRESSIONS, TAPS, Tap

REFRACTORY_S = 4.0
"""After a burst of an expression, the next one of it comes this much later at the earliest."""
_PEAK_WAIT_S = 1.0
"""A burst that still grows is reported this long after it began at the latest, so that its count is near the peak."""
BASELINE_S = 30.0
"""Time constant of the usual number of changes, which a burst must exceed."""
LEAST_VIEWERS = 3
LEAST_SHARE = 0.15
TAP_PAUSE_S = 0.5
"""A viewer's taps of one kind count once in this time, ..."""
_TAPS_AT_ONCE = 4
"""... and so many of all kinds of one network, and of a house as many as viewers of it may count."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What happened together: ``count`` viewers, who are the share ``strength`` (0 to 1) of those sharing."""

    name: str
    strength: float
    count: int


class _Expression:
    """How it usually goes with one expression, and how it goes now."""

    __slots__ = ("baseline", "grew_to", "rising_since", "silent_until")

    def __init__(self) -> None:
        self.baseline = 0.0
        self.rising_since: float | None = None
        self.grew_to = 0
        self.silent_until = -math.inf


class Bursts:
    """Many viewers who change to the same expression within two seconds.

    A burst is at least max(3, 15 % of the sharing) viewers more than the expression's usual number of changes, of at
    least three networks, and then is silent for four seconds. Neutral never bursts.
    """

    __slots__ = ("_expressions", "_updated")

    def __init__(self) -> None:
        self._expressions = tuple(_Expression() for _ in EXPRESSIONS)
        self._updated: float | None = None

    def update(self, changes: Sequence[int], networks: Sequence[int], sharing: int, now: float) -> list[Burst]:
        """The bursts to report at ``now``; call at each tick.

        ``changes``: as ``audience.Changes.counts``. ``networks``: of how many networks those are, exact up to three.
        """
        elapsed = 0.0 if self._updated is None else now - self._updated
        self._updated = now
        least = least_changes(sharing)
        bursts = []
        for name, expression, count, of in zip(EXPRESSIONS, self._expressions, changes, networks, strict=True):
            usual = math.floor(expression.baseline)  # whole viewers, or a small audience's last burst forbids the next
            if count - usual < least or of < LEAST_NETWORKS or now < expression.silent_until:
                expression.rising_since = None
            elif self._at_peak(expression, count, now):
                expression.rising_since = None
                expression.silent_until = now + REFRACTORY_S
                bursts.append(_burst(name, count, sharing))
            expression.baseline += (count - expression.baseline) * -math.expm1(-elapsed / BASELINE_S)
        return bursts

    @staticmethod
    def _at_peak(expression: _Expression, count: int, now: float) -> bool:
        """Whether a burst above the threshold stopped growing, or grew for long enough."""
        if expression.rising_since is None:
            expression.rising_since, expression.grew_to = now, count
            return False
        grows = count > expression.grew_to
        expression.grew_to = count
        return not grows or now - expression.rising_since >= _PEAK_WAIT_S


def least_changes(sharing: int) -> float:
    """So many viewers more than usual must change to an expression for a burst. ``sharing``: as for ``Bursts``."""
    return max(LEAST_VIEWERS, LEAST_SHARE * sharing)


class Taps:
    """Manual reactions: distinct viewers per tap, and of one network, and of one house, only so many at a time."""

    __slots__ = ("_houses", "_last", "_networks", "_viewers", "recent")

    def __init__(self, house_weight: int = HOUSE_WEIGHT, ledger: Ledger = ALONE) -> None:
        """``house_weight``: viewers of a house (see ``relay.core.limits``) that count. ``ledger``: the channel's."""
        self._viewers: dict[str, set[Member]] = {tap: set() for tap in TAPS}
        self._last: OrderedDict[tuple[Member, str], float] = OrderedDict()
        self._networks = ledger.places("taps of a network", _TAPS_AT_ONCE)
        self._houses = ledger.places("taps of a house", house_weight)
        self.recent = Recent("taps", len(TAPS), house_weight, ledger)
        """Who tapped of late."""

    def tap(self, member: Member, tap: Tap, now: float) -> None:
        """A viewer tapped. Taps of the same kind within half a second after one that counted are ignored."""
        self._forget(now)
        if (member, tap) in self._last or not self._networks.take(member.network):
            return
        if not self._houses.take(member.house):  # where each connection is a network, or where it has a small weight
            self._networks.free(member.network)
            return
        self._last[member, tap] = now
        self._viewers[tap].add(member)
        self.recent.add(member, TAPS.index(tap), now)

    def forget(self, member: Member) -> None:
        """A viewer left: as ``audience.Changes.forget``."""
        for viewers in self._viewers.values():
            viewers.discard(member)
        self.recent.forget(member)

    def take(self, now: float) -> tuple[int, ...]:
        """Viewers who tapped each kind since this was asked the last time."""
        self._forget(now)
        self.recent.expire(now)
        counts = tuple(map(len, self._viewers.values()))
        for viewers in self._viewers.values():
            viewers.clear()
        return counts

    def close(self) -> None:
        """Give back what is taken: nobody taps any more."""
        self._forget(math.inf)

    def _forget(self, now: float) -> None:
        """Drop the taps whose pause is over, oldest first: amortised O(1)."""
        while self._last:
            (member, _), time = next(iter(self._last.items()))
            if now - time < TAP_PAUSE_S:
                return
            self._last.popitem(last=False)
            self._networks.free(member.network)
            self._houses.free(member.house)


def tapped(taps: Sequence[int], sharing: int) -> list[Burst]:
    """One entry per kind that was tapped. ``taps``: as ``Taps.take``."""
    return [_burst(tap, count, sharing) for tap, count in zip(TAPS, taps, strict=True) if count]


def _burst(name: str, count: int, sharing: int) -> Burst:
    return Burst(name, min(1.0, count / max(1, sharing)), count)
