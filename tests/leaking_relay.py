"""``python -m tests.leaking_relay relay ...``: a relay that keeps every viewer who left, for the soak to notice."""

import sys

import moodcast
from relay.live.connections import LiveChannel, Viewer
from relay.live.members import Members

_KEPT: list[tuple[Viewer, bytes]] = []
_leave = Members.leave


def _leave_and_stay(members: Members, channel: LiveChannel, viewer: Viewer) -> None:
    _leave(members, channel, viewer)
    _KEPT.append((viewer, bytes(2048)))


if __name__ == "__main__":
    Members.leave = _leave_and_stay  # type: ignore[method-assign]
    sys.exit(moodcast.main())
