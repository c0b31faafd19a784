"""The same bytes to many viewers."""

import time
from collections.abc import Sequence

from relay.live.connections import LiveChannel, Viewer
from relay.live.fairly import few_at_a_time
from relay.live.members import Members
from relay.live.websocket import drop_slow


async def send_to_viewers(members: Members, viewers: Sequence[Viewer], channel: LiveChannel, frame: bytes) -> None:
    """The same bytes to all. Who has not taken the mood before is passed over, and closed after a while."""
    async for some in few_at_a_time(viewers):
        send_now(members, some, channel, frame)


def send_now(members: Members, viewers: Sequence[Viewer], channel: LiveChannel, frame: bytes) -> None:
    """The same to few, without other work in between."""
    for viewer in viewers:
        socket = viewer.socket
        if socket.takes:
            socket.put(frame)
            viewer.full_since = None
        elif viewer.joined and not socket.transport.is_closing():
            _pass_over(members, viewer, channel)


def _pass_over(members: Members, viewer: Viewer, channel: LiveChannel) -> None:
    """The viewer has not taken the mood before: it gets none, and is closed after a while."""
    now = time.monotonic()
    if viewer.full_since is None:
        viewer.full_since = now
    elif now - viewer.full_since > members.limits.slow_reader:
        members.leave(channel, viewer)
        members.spawn(drop_slow(viewer.socket))
