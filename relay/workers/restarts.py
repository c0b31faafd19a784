"""When a worker that died is followed by another. Pure, times in seconds."""

_STEADY_S = 10.0
"""One that has lived for so long did not die at once: the next comes without a pause."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_MOST = 5
"""Deaths at once in a row after which there is little hope."""


class Restarts:
    """Of one seat."""

    def __init__(self) -> None:
        self.failures = 0
        """Deaths at once in a row."""

    @property
    def hopeless(self) -> bool:
        """Whether there were so many that another try will hardly do."""
        return self.failures >= _MOST

    def pause(self, lived_s: float) -> float:
        """How long to wait before the next, after one that lived for ``lived_s``, its start included."""
        self.failures = 0 if lived_s >= _STEADY_S else self.failures + 1
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (self.failures - 1)) if self.failures else 0.0
