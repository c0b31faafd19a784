"""Which channels a node of a cluster has to read from the database again. Pure: time is passed in, in seconds."""

RELOAD_S = 30.0
"""All channels are read again this often, in case the news of a change were lost."""
RETRY_S = 5.0
"""After a failure, all are read so soon."""
NAMES_AT_ONCE = 100
"""If more channels changed at once, all are read."""

ALL: tuple[None] = (None,)
"""What stands for all channels."""


class Stale:
    """The channels whose change was told, and when all are due. A full read that is due is never narrowed to names."""

    def __init__(self, now: float) -> None:
        self._names: set[str] = set()
        self._all_at = now + RELOAD_S

    def name(self, channel: str, now: float) -> None:
        """This channel changed."""
        self._names.add(channel)
        if len(self._names) > NAMES_AT_ONCE:
            self.all(now)

    def all(self, now: float) -> None:
        """Any channel may have changed: who knows what was not heard."""
        self._all_at = now

    def failed(self, now: float) -> None:
        """What was taken could not be read."""
        self._all_at = min(self._all_at, now + RETRY_S)

    def due_in(self, now: float) -> float:
        """Seconds until there is something to read; 0 where there is."""
        return 0.0 if self._names else max(0.0, self._all_at - now)

    def take(self, now: float) -> tuple[str, ...] | tuple[None]:
        """The channels to read now, or ``ALL``; they count as read."""
        names, self._names = tuple(sorted(self._names)), set()
        if now < self._all_at:
            return names
        self._all_at = now + RELOAD_S
        return ALL
