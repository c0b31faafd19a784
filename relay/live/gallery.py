"""The grid of those viewers who chose to be shown to the others: who is on it, who looks, and what they are told."""

from relay import protocol
from relay.cluster.peers import Published
from relay.core.grid import NAME_LENGTH, GridPart, Hidden, name_of, newer
from relay.core.snapshot import Snapshot
from relay.live.connections import LiveChannel, Viewer
from relay.live.fairly import few_at_a_time
from relay.live.fan_out import send_now
from relay.live.means import Means
from relay.live.members import Members
from relay.live.websocket import encode_frame

HIDDEN = "hidden"
"""Name of what nodes publish of it, which is no event for subscribers."""


class ShowError(Exception):
    """A viewer can't be shown; the text says why, and what to do."""


class Gallery:
    """The grids of all channels."""

    def __init__(self, means: Means, members: Members) -> None:
        self._clock, self._node, self._channels = means.clock, means.node, means.channels
        self._weight, self._members = means.settings.address_weight, members

    # --- viewers -----------------------------------------------------------------------------------------------------

    def show(self, channel: LiveChannel, viewer: Viewer, on: bool) -> None:
        """A viewer wants to be shown, or no more.

        Raises:
            ShowError: it can't be shown.
        """
        roster = channel.core.roster
        if not on:
            roster.hide(viewer.member)
            viewer.shown_for = 0.0
            return
        grant, name = self._channels.grid(channel.core.name), name_of(viewer.name)
        if not grant:
            raise ShowError("The streamer does not allow viewers to be shown here: ask them, or stay unshown.")
        if not name:
            raise ShowError(
                f"To be shown takes a name of 1 to {NAME_LENGTH} printable characters on one line, and something to "
                "see among them: say one in `hello`."
            )
        if not roster.show(viewer.member, name, grant, self._clock.now()):
            raise ShowError(
                f"Of your network {self._weight} viewers are shown, which is the most: wait until one of them is not."
            )
        viewer.shown_for = grant

    def look(self, channel: LiveChannel, viewer: Viewer, on: bool) -> None:
        """A viewer opened the grid, or closed it."""
        if not on:
            channel.lookers.discard(viewer)
            channel.newcomers.discard(viewer)
        elif viewer not in channel.lookers:
            channel.lookers.add(viewer)
            channel.newcomers.add(viewer)

    # --- the admin ---------------------------------------------------------------------------------------------------

    def hide(self, name: str, person: str, hidden: bool) -> None:
        """Show nobody by this name in the channel, or do so again, for as long as the channel is live.

        Raises:
            ValueError: as many as can be are hidden already.
        """
        channel = self._members.channel(name)
        channel.hidden = channel.hidden.then(person, hidden, self._clock.now())
        self._node.announce(Published(name, HIDDEN, protocol.encode(channel.hidden)))

    def hear(self, name: str, hidden: Hidden) -> None:
        """Another node was told whom to hide."""
        if channel := self._members.channels.get(name):
            channel.hidden = newer(channel.hidden, hidden)

    # --- each tick ---------------------------------------------------------------------------------------------------

    def part(self, channel: LiveChannel) -> GridPart | None:
        """This node's part of the grid, at the moment of the channel's last snapshot."""
        name, before = channel.core.name, channel.core.grid
        channel.core.grid = grant = self._channels.grid(name)
        if before and grant and grant != before:  # in no mood was it false
            self._members.spawn(self._tell_withdrawn(channel, grant))
        channel.hidden = newer(channel.hidden, self._node.hidden(name))
        return channel.core.grid_part(channel.hidden)

    def tick(self, channel: LiveChannel, own: Snapshot, part: GridPart | None, now: float) -> None:
        """Bring the channel's ``view`` up to date with its mood. ``own``, ``part``: of this node."""
        parts = [(own, part), *self._node.parts(channel.core.name)] if channel.core.grid else []
        channel.view = channel.core.view(parts, channel.hidden, now)
        channel.terms = channel.core.grid, channel.hidden, channel.core.paused

    async def _tell_withdrawn(self, channel: LiveChannel, grant: float) -> None:
        """Tell those who chose to be shown before the grid was taken back, and given again, that they are not."""
        text = "The streamer took back that viewers are shown, and allows it anew: choose anew whether you are."
        frame = encode_frame(protocol.encode(protocol.Error(code=protocol.NOT_SHOWN.number, message=text)))
        async for some in few_at_a_time(list(channel.viewers)):
            withdrawn = [viewer for viewer in some if viewer.joined and 0 < viewer.shown_for != grant]
            for viewer in withdrawn:
                viewer.shown_for = 0.0
            send_now(self._members, withdrawn, channel, frame)

    async def tell(self, channel: LiveChannel, now: float) -> None:
        """Tell the lookers what is due."""
        if not channel.lookers or self._terms(channel) != channel.terms:
            return
        rounds, allowed = channel.rounds, bool(channel.core.grid)
        if rounds.update(channel.view, allowed, now):
            due = list(channel.lookers)
        elif allowed and rounds.holds(channel.view):
            due = list(channel.newcomers)
        else:
            return
        channel.newcomers = set()
        if due:
            frame = encode_frame(protocol.encode(rounds.told.message()))
            terms = channel.terms
            async for some in few_at_a_time(due):
                if self._terms(channel) != terms:
                    return  # the admin was answered meanwhile that it is so
                send_now(self._members, some, channel, frame)

    def _terms(self, channel: LiveChannel) -> tuple[float, Hidden, bool]:
        """As ``LiveChannel.terms``, of now."""
        return self._channels.grid(channel.core.name), channel.hidden, channel.core.paused
