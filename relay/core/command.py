"""What the streamer last said about a channel's session, on any node of a cluster. Pure: time is passed in.

Each node tells the others what it knows, again and again, and of two commands the newer counts everywhere. So one that
is heard late, twice or out of order changes nothing that the next report does not repair.
"""

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from relay.protocol import LEASE_S, State

_TICK_S = 1e-5
"""By which a command is newer than the one before, where the clocks do not say so."""

# Bounded, since it comes from other nodes: nothing that arrives may be newer than whatever comes after it.
_Unix = Annotated[float, Meta(ge=0, le=1e10)]


class Told(msgspec.Struct, frozen=True, tag_field="type", tag="command"):
    """A command as nodes tell it to each other. Their steady clocks differ, so its age travels."""

    state: State
    stamp: _Unix
    since: _Unix
    age: Annotated[float, Meta(ge=0)]
    """Seconds since it was given or renewed."""
    created: _Unix
    """When its channel was made: what was said of one that was made anew since, says nothing of the new one."""


def newest(one: Told | None, other: Told) -> Told:
    """Which of two that came at about the same time holds; of one command, that which was renewed later."""
    return max(one, other, key=lambda told: (told.stamp, told.since, told.state, -told.age)) if one else other


class Command(msgspec.Struct, frozen=True):
    """What holds in a channel until the next command, or until nobody renews it."""

    said: State = "auto"
    stamp: float = 0.0
    """Unix time at which it was given, or a little more: the larger one is newer."""
    since: float = 0.0
    """Unix time: no session that began before it goes on."""
    renewed: float = -math.inf
    """When it was given or renewed, by this node's steady clock."""

    def state(self, now: float) -> State:
        """What holds at ``now`` of the steady clock: also `open`, `paused` and `ended` end if nobody renews them."""
        return self.said if self.is_fresh(now) else "auto"

    def is_fresh(self, now: float) -> bool:
        """Whether it may still have to be told to others; `auto` too, since it takes back what was said before."""
        return now - self.renewed <= LEASE_S

    def then(self, state: State, now: float, unix: float, runs: bool) -> "Command":
        """The command that is given at ``now``, which is the Unix time ``unix``. ``runs``: whether a session does.

        The same once more renews it. `open` goes on with a session that was paused, and else begins another; what was
        `ended` does not go on.
        """
        before = self.state(now)
        if state == before:
            return self.renew(now)
        goes_on = state in ("paused", "auto") or (state == "open" and before == "paused" and runs)
        return Command(state, max(unix, self.stamp + _TICK_S), self.since if goes_on else unix, now)

    def renew(self, now: float) -> "Command":
        """It holds for as long again, if it holds still."""
        return msgspec.structs.replace(self, renewed=max(now, self.renewed)) if self.is_fresh(now) else self

    def since_now(self, unix: float) -> "Command":
        """The same, but for sessions that begin from now on: the clock was set, or another node's is far ahead."""
        return msgspec.structs.replace(self, since=unix, stamp=self.stamp + _TICK_S)

    def told(self, now: float, created: float) -> Told:
        """For other nodes. ``created``: when the channel was made (Unix time)."""
        return Told(self.said, self.stamp, self.since, max(0.0, now - self.renewed), created)

    def hear(self, told: Told, now: float) -> "Command":
        """The newer of the two; of one that both know, whoever heard of its renewal later is right."""
        heard = Command(told.state, told.stamp, told.since, now - told.age)
        if heard.order != self.order:
            return max(self, heard, key=lambda command: command.order)
        return self if self.renewed >= heard.renewed else heard

    @property
    def order(self) -> tuple[float, float, str]:
        """By which commands are newer; the latter two only so that all nodes choose the same."""
        return self.stamp, self.since, self.said
