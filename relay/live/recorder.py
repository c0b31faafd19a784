"""Which session of a channel runs, and what of it goes into the history."""

import asyncio
import logging

import msgspec

from relay.core.face import Shown
from relay.core.snapshot import Whole
from relay.core.timeline import Timeline
from relay.live.connections import LiveChannel
from relay.live.means import Means
from relay.protocol import Reaction, State
from relay.store.history import Session

log = logging.getLogger(__name__)

_DAY_S = 86_400
_AHEAD = (
    "The last session ended {:.0f} s in the future: the relay's clock was wrong then, or is now. The history goes on "
    "in a new session."
)


class Recorder:
    """Begins, writes and ends the sessions of live channels."""

    def __init__(self, means: Means) -> None:
        self._settings, self._limits, self._clock = means.settings, means.limits, means.clock
        self._history, self._node = means.history, means.node

    def follow(self, channel: LiveChannel, whole: Whole, state: State, unix: float) -> None:
        """A session runs on the node that writes the channel's history, wherever its viewers are.

        ``state``: what holds by the streamer's word.
        """
        # Viewers who can't be seen from here, or nobody at all, are another node's to write about.
        held = state in ("open", "paused") and (bool(whole.viewers) or not self._node.cut_off)
        if whole.viewers or held:
            channel.empty_since = None
        elif channel.empty_since is None:
            channel.empty_since = unix
        self.obey(channel, state, bool(whole.viewers) or held, unix)

    def wants(self, channel: LiveChannel, whole: Whole, state: State) -> bool:
        """Whether this node would write the channel's history."""
        if channel.session is not None:
            return True
        if state == "ended" or self._node.running(channel.core.name) is not None:
            return False
        return bool(whole.viewers) or (state != "auto" and not self._node.cut_off)

    def obey(self, channel: LiveChannel, state: State, occupied: bool, unix: float) -> None:
        """End and begin what is to be. ``occupied``: whether somebody is there for whom a session may begin."""
        if channel.session:
            if self._history.is_gone(channel.session):
                self._give_up(channel, channel.session)
            elif not self._node.writes(channel.core.name):  # it goes on elsewhere
                channel.session = None
            elif state == "ended":
                self.end(channel, unix)
            elif channel.session.started < channel.command.since:
                self._close(channel, unix)
        if channel.session is None and occupied and state != "ended" and self._node.writes(channel.core.name):
            self.begin(channel, state)

    def _give_up(self, channel: LiveChannel, session: Session) -> None:
        """The session was deleted on a node that could not tell of it, and perhaps the channel."""
        log.info("session was deleted elsewhere", extra={"channel": channel.core.name, "session": session.number})
        self._history.give_up(session)
        channel.session = None
        self._node.look_again(channel.core.name)

    def store(self, channel: LiveChannel, whole: Whole, reactions: list[Reaction], now: float, unix: float) -> None:
        """Write what can be told after the tick at ``now`` (of the steady clock), each part at the second of the stream
        that it belongs to."""
        if channel.session is None or channel.timeline is None:
            return
        patience = 0.0 if self._node.cut_off else self._limits.session_gap
        if channel.empty_since is not None and unix - channel.empty_since > patience:
            self.end(channel, channel.empty_since)
            return
        visible = channel.core.mood.visible
        if visible or reactions:
            self.keep(channel, channel.session)
        for moment in channel.timeline.add(unix, now, whole if visible else None, bool(channel.core.grid)):
            self._history.put_moment(channel.session, moment)
        late = channel.timeline.delay if channel.core.cameras else channel.core.late
        for reaction in reactions:
            seen = max(channel.resumed, reaction.time - late)
            self._history.put_reaction(channel.session, msgspec.structs.replace(reaction, time=seen))

    def store_face(self, channel: LiveChannel, shown: Shown | None, unix: float) -> None:
        """Write what the streamer shows, where they asked for that: the first of each second of the running session.

        It needs no delay, since they are where the stream is made."""
        if channel.session and shown and shown.stored and shown.emotion and int(unix) != channel.face_stored:
            channel.face_stored = int(unix)
            self.keep(channel, channel.session)
            self._history.put_face(channel.session, channel.face_stored, shown.emotion)

    def begin(self, channel: LiveChannel, state: State) -> None:
        """Begin a session, or take up the last one if it ended a moment ago. In a pause none begins."""
        now, since = self._clock.now(), channel.command.since
        # What the streamer opened, and did not end, goes on however long the relay was away.
        gap = max(self._limits.session_gap, now - since) if state == "open" else self._limits.session_gap
        if state == "paused":
            session = self._history.take_up(channel.core.name, now, gap, since)
            if session is None:
                return
        else:
            values = self._settings
            session = self._history.begin(channel.core.name, now, gap, values.tick_ms, values.min_viewers, since)
        ahead = self._history.ahead(channel.core.name, now)
        # Of a step while it runs, the clock itself tells.
        channel.warning = _AHEAD.format(ahead) if ahead and not self._clock.warning else ""
        channel.session = session = msgspec.structs.replace(session, created=channel.created)
        channel.stored = False
        channel.resumed = session.started
        channel.timeline = self._timeline(session.started)
        log.info("session begins", extra={"channel": channel.core.name, "session": session.number})

    def resume(self, channel: LiveChannel, unix: float) -> None:
        """A pause is over: nothing that the streamer did in it is told, also where viewers see it only now."""
        channel.resumed = unix
        if channel.timeline is not None:
            channel.timeline = self._timeline(unix + 1 + self._node.report_age)

    def step(self, channel: LiveChannel, seconds: float, unix: float) -> None:
        """The relay's clock was set forward by ``seconds``, or back where that is below 0: to the Unix time ``unix``.

        Forward is a pause, and ends the session if it is long, as any does. After a step back the session would come to
        seconds that it has already told: a new one begins.
        """
        channel.core.recent.clear()  # their times mean nothing now
        channel.resumed = min(channel.resumed, unix)
        if channel.command.since > unix:
            channel.command = channel.command.since_now(unix)
        if channel.session is None:
            return
        if 0 < seconds <= self._limits.session_gap:
            channel.timeline = self._timeline(unix + 1)
        else:
            self._close(channel, unix - seconds)
            channel.command = channel.command.since_now(unix)

    def use_delays(self, channel: LiveChannel, now: float) -> None:
        """Use what a countdown has measured, if one ended by ``now`` (of the steady clock), on each node.

        What was not told yet is never told: else whose delay changes would be missing in some seconds, or counted
        twice, and so read by what all others show.
        """
        if channel.use_delays(now) and channel.timeline is not None:
            channel.timeline = self._timeline(self._clock.at(now) + 1 + self._node.report_age)

    def _timeline(self, start: float) -> Timeline:
        return Timeline(start, self._settings.min_viewers, self._node.report_age)

    def keep(self, channel: LiveChannel, session: Session) -> None:
        """Put the session into the history, if it is not there yet."""
        if not channel.stored:
            self._history.put_session(session)
            channel.stored = True

    def end(self, channel: LiveChannel, unix: float) -> None:
        """End the running session, if one runs: at ``unix``, or when the last viewer left."""
        if channel.session:
            self._close(channel, unix)
            self._history.release(channel.core.name)

    def _close(self, channel: LiveChannel, unix: float) -> None:
        assert channel.session is not None
        if channel.stored:
            ended = unix if channel.empty_since is None else max(channel.session.started, channel.empty_since)
            self._history.put_session(msgspec.structs.replace(channel.session, ended=ended))
        log.info("session ends", extra={"channel": channel.core.name, "session": channel.session.number})
        channel.session = None

    async def delete_old(self) -> None:
        """Delete old sessions once a day, first soon after the start: never by a clock that was set a moment ago, or
        may be soon, as that of a machine which starts with a wrong time."""
        while True:
            rest = self._limits.clock_even - self._clock.even_s
            if rest <= 0:
                self._history.delete_before(self._clock.now() - _DAY_S * self._settings.retention_days)
            await asyncio.sleep(rest if rest > 0 else _DAY_S)
