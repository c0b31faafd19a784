"""Which session of a channel runs, and what of it goes into the history."""

import logging
import time

import msgspec

from relay.config import RelaySettings
from relay.history import History, Session
from relay.limits import Limits
from relay.live import LiveChannel
from relay.node import Node
from relay.protocol import Reaction
from relay.snapshot import Snapshot
from relay.timeline import Timeline

log = logging.getLogger(__name__)


class Recorder:
    """Begins, writes and ends the sessions of live channels."""

    def __init__(self, settings: RelaySettings, limits: Limits, history: History, node: Node) -> None:
        self._settings = settings
        self._limits = limits
        self._history = history
        self._node = node

    def follow(self, channel: LiveChannel, whole: Snapshot, unix: float) -> None:
        """A session runs on the node that writes the channel's history, wherever its viewers are."""
        if whole.shares:
            channel.empty_since = None
        elif channel.empty_since is None:
            channel.empty_since = unix
        writes = self._node.writes(channel.core.name)
        if channel.session and not writes:  # it goes on elsewhere
            channel.session = None
        elif channel.session is None and writes and whole.shares:
            self.begin(channel)

    def store(self, channel: LiveChannel, whole: Snapshot, reactions: list[Reaction], unix: float) -> None:
        """Write what the tick showed, each part at the second of the stream that it belongs to."""
        if channel.session is None or channel.timeline is None:
            return
        # Viewers who can't be seen from here are another node's to write about.
        patience = 0.0 if self._node.cut_off else self._limits.session_gap
        if channel.empty_since is not None and unix - channel.empty_since > patience:
            self.end(channel, channel.empty_since)
            return
        if not channel.core.mood.visible:
            return
        self.keep(channel, channel.session)
        for moment in channel.timeline.add(int(unix), whole.shares):
            self._history.put_moment(channel.session, moment)
        for reaction in reactions:
            seen = max(channel.session.started, reaction.time - whole.delay)
            self._history.put_reaction(channel.session, msgspec.structs.replace(reaction, time=seen))

    def begin(self, channel: LiveChannel) -> None:
        """Begin a session, or take up the last one if it ended a moment ago."""
        channel.session = self._history.begin(
            channel.core.name, time.time(), self._limits.session_gap, self._settings.tick_ms, self._settings.min_viewers
        )
        channel.stored = False
        channel.timeline = Timeline(channel.session.started, self._settings.min_viewers)
        log.info("session begins", extra={"channel": channel.core.name, "session": channel.session.number})

    def keep(self, channel: LiveChannel, session: Session) -> None:
        """Put the session into the history, if it is not there yet."""
        if not channel.stored:
            self._history.put_session(session)
            channel.stored = True

    def end(self, channel: LiveChannel, unix: float) -> None:
        """End the running session, if one runs: at ``unix``, or when the last viewer left."""
        if channel.session and channel.stored:
            ended = unix if channel.empty_since is None else channel.empty_since
            self._history.put_session(msgspec.structs.replace(channel.session, ended=ended))
        if channel.session:
            self._history.release(channel.core.name)
            log.info("session ends", extra={"channel": channel.core.name, "session": channel.session.number})
        channel.session = None
