"""What happens to a channel by a request, here or on another node: told to all of the channel on all nodes."""

import logging
import time

import msgspec

from relay.cluster.peers import Dropped, Item, Joined, Published, Renamed
from relay.core.command import Told
from relay.core.grid import Hidden
from relay.live.broadcasts import COMMAND, Broadcasts
from relay.live.connections import Packet, packet
from relay.live.countdowns import Countdowns
from relay.live.gallery import HIDDEN, Gallery
from relay.live.means import Means
from relay.live.members import Members
from relay.live.recorder import Recorder
from relay.live.stage import STREAMER, Stage
from relay.live.websocket import encode_frame
from relay.protocol import TAPS, Countdown, Expression, Marker, Rehearsal, Tap
from relay.store.channels import Replaced
from relay.store.history import Session

log = logging.getLogger(__name__)

_REHEARSALS_AT_ONCE, _REHEARSALS_PER_S = 10.0, 0.5
"""Of a channel: as many as somebody looks at who tries the overlay out."""


class Newsroom:
    """Takes news from here and elsewhere."""

    def __init__(
        self,
        means: Means,
        members: Members,
        recorder: Recorder,
        countdowns: Countdowns,
        broadcasts: Broadcasts,
        stage: Stage,
        gallery: Gallery,
    ) -> None:
        self._clock, self._history, self._node = means.clock, means.history, means.node
        self._channels = means.channels
        self._members, self._recorder, self._stage = members, recorder, stage
        self._countdowns, self._broadcasts, self._gallery = countdowns, broadcasts, gallery
        self._rehearsals = means.ledger.rates("rehearsals", _REHEARSALS_PER_S, _REHEARSALS_AT_ONCE)

    def mark(self, name: str, text: str) -> Marker | None:
        """Mark this moment of the running session, and tell the subscribers; None where no session runs.

        A marker is the streamer's own, so it is stored also while too few viewers share.
        """
        session = self._members.session(name)
        if session is None:
            return None
        marker = packet(event := Marker(time=self._clock.now(), text=text))
        self._publish(name, marker)
        self._history.put_marker(session, event)
        self._node.announce(Published(name, marker.name, marker.json))
        return event

    def rehearse(self, name: str, reaction: Expression | Tap) -> Rehearsal | float:
        """Show subscribers a reaction that nobody had, so that the streamer sees the overlay work.

        Returns it, or the seconds after which there can be one again, where there were too many.
        """
        if wait := self._rehearsals.spend(name, time.monotonic()):
            return wait
        event = Rehearsal(time=self._clock.now(), kind="tap" if reaction in TAPS else "expression", name=reaction)
        told = packet(event)
        self._publish(name, told)
        self._node.announce(Published(name, told.name, told.json))
        return event

    def _publish(self, name: str, event: Packet) -> None:
        """An event that this node or another made by a request: tell the subscribers here."""
        if channel := self._members.channels.get(name):
            channel.publish(event)
            if event.name == "marker" and channel.session:
                self._recorder.keep(channel, channel.session)  # its markers lie in the history already

    def rename_session(self, name: str, number: int, title: str) -> None:
        """The running session learns its new name, if it is this one: it may not be in the history yet."""
        self._rename(name, number, title)
        self._node.announce(Renamed(name, number, title))

    def _rename(self, name: str, number: int, title: str) -> None:
        channel = self._members.channels.get(name)
        if channel and channel.session and channel.session.number == number:
            channel.session = msgspec.structs.replace(channel.session, name=title)

    def drop_session(self, session: Session) -> None:
        """Where the session runs, a new one begins in its place: the history has deleted it."""
        self._drop(session.channel, session.number, session.started)
        self._node.announce(Dropped(session.channel, session.number, session.started))

    def _drop(self, name: str, number: int, started: float) -> bool:
        channel = self._members.channels.get(name)
        running = channel and channel.session
        if channel is None or not running or (running.number, running.started) != (number, started):
            return False
        self._recorder.begin(channel, channel.command.state(time.monotonic()))
        return True

    # --- other nodes -------------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take what the node has heard, as long as nobody cancels it."""
        while True:
            event = await self._node.heard.get()
            try:
                if isinstance(event, Replaced):
                    self._replaced(event)
                else:
                    self._heard(event)
            except Exception:
                log.exception("News of another node could not be taken.")

    def _heard(self, item: Item) -> None:
        """Something happened on another node."""
        if isinstance(item, Joined):
            channel = self._members.channels.get(item.channel)
            older = channel and channel.tickets.get(item.ticket)
            if channel and item.ticket == STREAMER:
                self._stage.heard(channel, item.time)
            elif channel and older and older.since < item.time:
                self._members.replace(channel, older)
        elif isinstance(item, Published):
            channel = self._members.channels.get(item.channel)
            if item.name == COMMAND:
                self._broadcasts.hear(item.channel, msgspec.json.decode(item.json, type=Told))
            elif item.name == HIDDEN:
                self._gallery.hear(item.channel, msgspec.json.decode(item.json, type=Hidden))
            elif item.name == "countdown":
                if (
                    item.channel in self._channels
                ):  # also where nobody is yet: who comes sees it, and none begins beside
                    countdown = msgspec.json.decode(item.json, type=Countdown)
                    self._countdowns.follow(self._members.channel(item.channel), countdown)
            else:
                self._publish(item.channel, Packet(item.name, item.json, encode_frame(item.json)))
        elif isinstance(item, Renamed):
            self._rename(item.channel, item.number, item.title)
        elif isinstance(item, Dropped) and self._drop(item.channel, item.number, item.started):
            self._history.delete_session(item.channel, item.number)  # with what this node wrote meanwhile

    def _replaced(self, change: Replaced) -> None:
        """Another relay replaced keys of a channel or deleted it."""
        channel = self._members.channels.get(change.channel)
        if change.deleted:
            self._history.forget(
                change.channel
            )  # who deleted it deleted what it had, and nothing is written after that
            self._members.drop_channel(change.channel)
        elif channel:
            for right in change.rights:
                self._members.revoke(change.channel, right)
