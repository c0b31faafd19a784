"""The streamer's own face, shown alone and to everyone: who shows it, here or on another node, and what is told of it.

One streamer at a time: whose connection is newer replaces the older ones with the first thing that it says, on all
nodes. One that says nothing changes nothing, so that an agent may look for the relay before it asks its user.
"""

import msgspec

from relay import protocol
from relay.cluster.peers import Joined
from relay.core.face import Shown, newer
from relay.core.snapshot import Whole
from relay.core.timeline import median_delay
from relay.live.connections import LiveChannel, Streamer
from relay.live.means import Means
from relay.live.members import Members
from relay.protocol import Expression, Face, State

STREAMER = "streamer"
"""In news of other nodes, in the place of a viewer's number, none of which is so short."""
_REPLACED = "The streamer connected anew: one is shown at a time, and the newer connection counts."


class Stage:
    """All channels' streamers."""

    def __init__(self, means: Means, members: Members) -> None:
        self._limits, self._clock, self._node = means.limits, means.clock, means.node
        self._members, self._min_viewers = members, means.settings.min_viewers

    def enter(self, name: str, streamer: Streamer) -> LiveChannel:
        """A streamer said hello."""
        channel = self._members.channel(name)
        streamer.since = self._clock.now()
        channel.streamers.add(streamer)
        return channel

    def say(self, channel: LiveChannel, streamer: Streamer, emotion: Expression | None, now: float) -> None:
        """The streamer shows an expression, or None, at ``now`` of the steady clock."""
        if streamer not in channel.streamers:
            return  # replaced
        if channel.on_stage is not streamer:
            self._replace(channel, streamer.since)
            channel.on_stage = streamer
            self._node.announce(Joined(channel.core.name, STREAMER, streamer.since))
        streamer.emotion, streamer.said_at = emotion, now

    def heard(self, channel: LiveChannel, since: float) -> None:
        """A streamer who connected at this Unix time is shown on another node."""
        self._replace(channel, since)

    def _replace(self, channel: LiveChannel, since: float) -> None:
        for streamer in [streamer for streamer in channel.streamers if streamer.since < since]:
            self._members.put_off(channel, streamer, protocol.REPLACED, _REPLACED)

    def shown(self, channel: LiveChannel, now: float) -> Shown | None:
        """The streamer who is shown from this node. What was not repeated for too long is over."""
        streamer = channel.on_stage
        if streamer is None:
            return None
        fresh = now - streamer.said_at <= self._limits.label_ttl
        return Shown(streamer.since, streamer.emotion if fresh else None, streamer.stored)

    def tick(
        self, channel: LiveChannel, own: Shown | None, whole: Whole, state: State, now: float, unix: float
    ) -> tuple[Shown | None, Face | None]:
        """Who is shown from any node, and what is due to be told of it. ``own``: as ``shown``.

        ``whole``: the audience. ``state``: of the session; in a pause nothing is shown, and so nothing stored.
        """
        shown = newer(own, self._node.shown(channel.core.name))
        if shown and state == "paused":
            shown = msgspec.structs.replace(shown, emotion=None)
        is_compared = channel.core.mood.visible and channel.telling.is_due(shown, now)
        delay = median_delay(whole.shares, self._min_viewers) if is_compared else 0
        return shown, channel.telling.update(shown, delay, now, unix)
