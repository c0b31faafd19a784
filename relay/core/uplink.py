"""A rate that all downloads of one kind share. Pure: time is passed in, in seconds of a steady clock."""

_CREDIT_S = 0.25
"""What was not used for so long may be caught up: timers wake late."""


class Uplink:
    """Says when the next piece of a download may be sent. Pieces are sent one after the other: wait, then ``take``."""

    __slots__ = ("_free_at", "_rate")

    def __init__(self, rate: float) -> None:
        """``rate``: bytes a second."""
        self._rate, self._free_at = rate, 0.0

    def wait_s(self, now: float) -> float:
        """The seconds until the next piece may be sent. Who does not wait so long has taken nothing."""
        return max(0.0, self._free_at - now)

    def take(self, size: int, now: float) -> None:
        """A piece of so many bytes is sent."""
        self._free_at = max(self._free_at, now - _CREDIT_S) + size / self._rate
