"""What a node may write of a channel, where several share a database: only who has the channel's lease, and only of a
session, and a channel, that are still there.

What was deleted on another node need not have been heard of here, as while Redis is away. The database knows: a session
is known by its number and the time at which it began, and a channel by the time at which it was made, so that one that
was made anew under the same name is another. Who deletes does so from the top, the session before what belongs to it,
and waits for a transaction that has found it there: then nothing comes after its own deletion.
"""

from typing import NamedTuple

from relay.store import leases
from relay.store.database import Connection


class ChangeOf(NamedTuple):
    """What a change is about."""

    channel: str
    created: float
    """When that was made (Unix time); 0: not known."""
    number: int = 0
    """Of the session; 0: the change is about the channel."""
    started: float = 0.0
    """When the session began (Unix time)."""
    is_new: bool = False
    """Whether the session may have no row yet."""
    is_led: bool = False
    """Whether only the node with the lease may write it."""


class Permits:
    """For one transaction of one node: made in it, and asked before each change that has a subject."""

    def __init__(self, connection: Connection, holder: str) -> None:
        """``holder``: whose leases count, as for ``Leases``."""
        connection.lock()
        self._connection = connection
        self._mine = {row[0] for row in connection.execute(leases.MINE, (holder,)).fetchall()}
        self._started: dict[tuple[str, int], float | None] = {}
        """Sessions that were looked up."""
        self.gone: set[ChangeOf] = set()
        """Of sessions that were asked for: those that are deleted, or belong to another channel."""

    def allows(self, subject: ChangeOf) -> bool:
        """Whether a change of the subject may be written now."""
        if subject.is_led and subject.channel not in self._mine:
            return False
        if not subject.number:
            return self._is_there(subject)
        key = subject.channel, subject.number
        if key not in self._started:
            self._started[key] = self._look_up(subject)
        if self._started[key] is None and subject.is_new and self._is_there(subject):
            self._started[key] = subject.started  # its row comes now, or from the node that writes
        if self._started[key] == subject.started:
            return True
        self.gone.add(subject)
        return False

    def forget(self) -> None:
        """A change was written that may have deleted sessions."""
        self._started.clear()

    def _look_up(self, subject: ChangeOf) -> float | None:
        """When the session with this number began, where there is one."""
        row = self._connection.execute(
            f"SELECT started FROM sessions WHERE channel = ? AND number = ?{self._connection.keep}",  # noqa: S608
            (subject.channel, subject.number),
        ).fetchone()
        return float(row[0]) if row else None

    def _is_there(self, subject: ChangeOf) -> bool:
        """Whether the channel is the one that is meant."""
        if not subject.created:
            return True
        row = self._connection.execute(
            f"SELECT created FROM channels WHERE name = ?{self._connection.keep}",  # noqa: S608
            (subject.channel,),
        ).fetchone()
        return row is not None and float(row[0]) == subject.created
