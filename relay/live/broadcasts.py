"""Sessions that follow the broadcast: what the streamer says of a channel's session, here or on another node."""

import asyncio
import logging
import time

from relay import protocol
from relay.cluster.peers import Published
from relay.core.clock import STEP_S
from relay.core.command import Command, Told
from relay.live.connections import LiveChannel
from relay.live.means import Means
from relay.live.members import Members
from relay.live.recorder import Recorder
from relay.protocol import State
from relay.store.database import DatabaseError
from relay.store.history import Commanded

log = logging.getLogger(__name__)

COMMAND = "command"
"""Name of what nodes publish of it, which is no event for subscribers."""
_CHANGES_AT_ONCE, _CHANGES_PER_S = 60.0, 0.1
"""Of the state of a channel: more would fill the history with sessions of a moment. Renewals are free."""
_LOOK_UP_S = 1.0
_STORED_AGAIN_S = protocol.LEASE_S / 10
"""A renewal is stored when the last one that was is this old."""


class Broadcasts:
    """Takes the streamers' words, and sees that they hold."""

    def __init__(self, means: Means, members: Members, recorder: Recorder) -> None:
        self._clock, self._history, self._node = means.clock, means.history, means.node
        self._members, self._recorder = members, recorder
        self._rates = means.ledger.rates("states", _CHANGES_PER_S, _CHANGES_AT_ONCE)
        self._channels = means.channels

    def take_up(self) -> None:
        """At the start: what was said before the relay stopped holds on, if it was not long ago."""
        now, unix = time.monotonic(), self._clock.now()
        for row in self._history.commands:
            command = Command(row.state, row.stamp, min(row.since, unix), now - _age(row, unix))
            if command.is_fresh(now):
                channel = self._members.channel(row.channel)
                channel.command = command
                self.follow(channel, now, unix)
            else:
                self._history.forget_command(row.channel, row.stamp)

    def say(self, name: str, state: State) -> float:
        """The streamer says what the session's state is from now on, or still is.

        Returns 0, or the seconds after which it can be changed again, where it was changed too often.
        """
        channel, now, unix = self._members.channel(name), time.monotonic(), self._clock.now()
        before = channel.command
        if state != before.state(now) and (wait := self._rates.spend(name, now)):
            return wait
        channel.command = before.then(state, now, unix, self._members.session(name) is not None)
        self._obey(channel, now, unix)
        if channel.command.order != before.order:
            self._node.announce(Published(name, COMMAND, protocol.encode(channel.command.told(now, channel.created))))
            self._store(channel, now, unix)
        elif channel.command.is_fresh(now) and now - channel.command_stored > _STORED_AGAIN_S:
            self._store(channel, now, unix)
        return 0.0

    def hear(self, name: str, told: Told) -> None:
        """Another node tells what it knows of a channel."""
        if name not in self._channels or told.created != self._channels.created(name):
            return
        now, unix = time.monotonic(), self._clock.now()
        channel = self._members.channels.get(name)
        if channel is None:
            if not Command().hear(told, now).is_fresh(now):
                return
            channel = self._members.channel(name)
        before = channel.command
        heard = before.hear(told, now)
        channel.command = heard.since_now(unix) if heard.since > unix + STEP_S else heard
        if channel.command.order != before.order:
            self._obey(channel, now, unix)

    async def look_up(self) -> None:
        """While other nodes can't be heard, what was said to them is read where they store it: a pause is a promise."""
        while True:
            await asyncio.sleep(_LOOK_UP_S)
            if not self._node.cut_off:
                continue
            try:
                rows = await asyncio.to_thread(self._history.read_commands)
            except DatabaseError as error:
                log.warning("What other nodes were told of sessions can't be read: %s", error)
                continue
            unix = self._clock.now()
            for row in rows:
                channel = self._members.channels.get(row.channel)
                if channel is None or row.stamp > channel.command.stamp:
                    created = self._channels.created(row.channel)
                    self.hear(row.channel, Told(row.state, row.stamp, row.since, _age(row, unix), created))

    def follow(self, channel: LiveChannel, now: float, unix: float) -> State:
        """At each tick: what holds now. A pause holds on while somebody is there who would see it end."""
        command = channel.command
        if command.said == "paused" and (channel.viewers or channel.subscribers):
            command = channel.command = command.renew(now)
        state = command.state(now)
        if state != command.said:  # nobody has renewed it: from here on it is as if nothing had been said
            self._history.forget_command(channel.core.name, command.stamp)
            channel.command = Command(stamp=command.stamp, since=command.since)
        self._pause(channel, state == "paused", now, unix)
        return state

    def _obey(self, channel: LiveChannel, now: float, unix: float) -> None:
        state = self.follow(channel, now, unix)
        self._recorder.obey(channel, state, bool(channel.viewers) or state == "open", unix)

    def _pause(self, channel: LiveChannel, paused: bool, now: float, unix: float) -> None:
        if paused == channel.core.paused:
            return
        if paused:
            channel.core.pause(viewer.member for viewer in channel.viewers)
        else:
            channel.core.resume(now)
            self._recorder.resume(channel, unix)

    def _store(self, channel: LiveChannel, now: float, unix: float) -> None:
        command, channel.command_stored = channel.command, now
        renewed = unix - (now - command.renewed)
        row = Commanded(channel.core.name, command.said, command.stamp, command.since, renewed)
        self._history.put_command(row, channel.created)


def _age(row: Commanded, unix: float) -> float:
    """Seconds since what is stored was said or renewed; ``unix`` is the time."""
    # A pause is a promise: it holds until nobody has come for the length of a lease.
    return 0.0 if row.state == "paused" else max(0.0, unix - row.renewed)
