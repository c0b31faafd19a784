"""Which node writes a channel's history: the one with the lease. It lives in the database that it protects.

So who can write there also sees who may, and a cut between the nodes makes no second writer. Time is the database's.
"""

import logging
import threading
from collections.abc import Callable, Iterable

from relay.store import database
from relay.store.database import Connection, DatabaseError

log = logging.getLogger(__name__)

_RENEW, _TRY = 0.3, 0.1
"""How often a lease is renewed, and one asked for that another node still has, in lengths of a lease."""

RELEASE = "DELETE FROM leases WHERE channel = ? AND node = ?"
_GIVE_BACK = "DELETE FROM leases WHERE node = ?"
MINE = "SELECT channel FROM leases WHERE node = ?"


def give_back(place: database.Place, holder: str) -> None:
    """End the leases of a run that has ended itself, so that nobody has to wait for them. Blocks.

    Raises:
        DatabaseError: the database can't be written.
    """
    if holder:
        with database.opened(place) as file:
            file.execute(_GIVE_BACK, (holder,))


class Leases:
    """The leases of this node, taken and renewed by a thread of its own."""

    def __init__(
        self, place: database.Place, holder: str, length: float, taken: Callable[[Connection, str, float], None]
    ) -> None:
        """``holder``: this run's name among all. ``length``: seconds after which a lease ends that was not renewed.

        ``taken``: told of a new lease in its transaction, with the channel and the Unix time at which the one before it
        ran out; 0 where that was given back.
        """
        self._place, self._holder, self._length, self._taken = place, holder, length, taken
        self._wanted: frozenset[str] = frozenset()
        self._held: frozenset[str] = frozenset()
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._renew, name="leases", daemon=True)
        self._thread.start()

    def want(self, channels: Iterable[str]) -> None:
        """From now on these are taken when they are free, and renewed. Others are left to end, or to be released."""
        wanted = frozenset(channels)
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    def held(self, channel: str) -> bool:
        """Whether this node has the lease, as far as it knows: the history asks the database again when it writes."""
        return channel in self._held and channel in self._wanted

    def stop(self) -> None:
        """End the thread and release what is left. Blocks."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _renew(self) -> None:
        connection: Connection | None = None
        refused = False
        while True:
            stopping = self._stopping
            if stopping:
                self._wanted = frozenset()
            wanted = self._wanted
            try:
                if wanted or self._held:
                    connection = connection or database.connect(self._place)
                    with connection.transaction():
                        held = self._pass(connection, wanted)
                    self._held = held
                refused = False
            except DatabaseError as error:
                if connection:
                    connection.close()
                    connection = None
                # What was held stays so: nobody can have taken it but by the same database.
                if not refused:
                    log.warning("Leases can't be renewed: %s", error)
                refused = True
            if stopping:
                break
            self._wake.wait(self._length * (_RENEW if wanted <= self._held and not refused else _TRY))
            self._wake.clear()
        if connection:
            connection.close()

    def _pass(self, connection: Connection, wanted: frozenset[str]) -> frozenset[str]:
        """Renew, take and release; returns what is held then."""
        now = float(connection.execute(f"SELECT {connection.clock}").fetchone()[0])
        found = connection.execute("SELECT channel, node, expires FROM leases").fetchall()
        leases = {channel: (node, float(expires)) for channel, node, expires in found}
        for channel in wanted:
            node, expires = leases.get(channel, (self._holder, now))
            if node == self._holder or expires < now:
                connection.execute(
                    "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (channel) DO UPDATE SET node = excluded.node, "
                    "expires = excluded.expires WHERE leases.node = excluded.node OR leases.expires < ?",
                    (channel, self._holder, now + self._length, now),
                )
        if self._stopping:
            connection.execute(_GIVE_BACK, (self._holder,))
        mine = frozenset(row[0] for row in connection.execute(MINE, (self._holder,)).fetchall())
        for channel in mine - self._held:
            node, expires = leases.get(channel, (self._holder, 0.0))
            self._taken(connection, channel, 0.0 if node == self._holder else expires)
        return mine
