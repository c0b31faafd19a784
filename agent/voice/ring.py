"""The last seconds of a microphone, in memory: what comes overwrites what was."""

import threading

import numpy as np
from numpy.typing import NDArray


class RingBuffer:
    """Of a fixed size, for one thread that writes and others that read. Nothing in it outlives ``clear``."""

    def __init__(self, size: int) -> None:
        """``size``: how many samples it holds; before anything was written they are 0."""
        self._samples = np.zeros(size, np.float32)
        self._lock = threading.Lock()
        self._written = 0

    @property
    def written(self) -> int:
        """How many samples came so far."""
        return self._written

    def write(self, samples: NDArray[np.float32]) -> None:
        """Add ``samples`` (n,); the oldest go. Of more than fit, the newest stay."""
        size = len(self._samples)
        newest = samples[-size:]
        with self._lock:
            places = np.arange(self._written + len(samples) - len(newest), self._written + len(samples)) % size
            self._samples[places] = newest
            self._written += len(samples)

    def newest(self, count: int) -> NDArray[np.float32]:
        """A copy (count,) of the newest ones, in their order; ``count`` is at most the size."""
        with self._lock:
            return self._samples[np.arange(self._written - count, self._written) % len(self._samples)]

    def clear(self) -> None:
        """Overwrite all with 0."""
        with self._lock:
            self._samples.fill(0)
