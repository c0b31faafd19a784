"""The capture thread: frames in, readings out, nothing kept."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from agent.config import AgentSettings
from agent.pace import LookRate
from agent.recognition import Look, Recogniser
from agent.smoothing import Reading, Smoother
from agent.sources import Frame, FrameSource, open_source
from agent.stopping import within
from agent.unread import Unread

_RATE_OVER = 25
"""Frames taken from the source that the shown rate is measured over."""


class Capture(threading.Thread):
    """Takes ``fps`` frames a second, looks at those that are due, until stopped, or until the source ends or fails.

    A daemon: a camera driver that hangs must not keep the program from ending.
    """

    def __init__(
        self,
        settings: AgentSettings,
        recogniser: Recogniser,
        publish: Callable[[Reading | None, Look], None],
        finished: Callable[[], None],
        source: FrameSource | None = None,
        fused: Callable[[float, Sequence[float] | None], Sequence[float] | None] | None = None,
    ) -> None:
        """``publish`` gets each look's reading and what was seen; both are called in this thread.

        ``source``: what the settings name, where it is open already; it is closed in the end. ``fused``: makes of a
        look's probabilities, at its time, those that are shown; called in this thread, too.
        """
        super().__init__(name="capture", daemon=True)
        self._settings, self._recogniser = settings, recogniser
        self._publish, self._finished, self._fused = publish, finished, fused
        self._stopping = threading.Event()
        self._driver = threading.Lock()
        """Held by who is in the driver's code: no driver likes to be closed by one thread while another reads."""
        self._source = source
        self._recent: deque[tuple[float, float, int]] = deque(maxlen=_RATE_OVER)
        """Of each frame taken: the time, the processor time and the looks until then."""
        self._began = self._last = 0.0
        self._busy_before_s = self._busy_s = 0.0
        self._reading_s = 0.0
        self.error: Exception | None = None
        """Why the capture ended, if it did not just end."""
        self.frames_taken = 0
        self.frames = 0
        """Those of them that were looked at."""
        self.frames_without_face = 0
        self.unread: Counter[Unread] = Counter()
        """Frames in which something was the matter, by what."""

    def release(self, seconds: float) -> bool:
        """Give the camera back now, also while a frame is looked at; the thread ends after that frame.

        Returns False where the driver did not let go within ``seconds``: then only the end of the process helps.
        """
        self._stopping.set()
        return within(seconds, self._close)

    def run(self) -> None:
        try:
            self._capture()
        except Exception as error:  # the main thread raises it again
            self.error = error
        finally:
            self._finished()

    def rate(self) -> float:
        """Frames looked at per second of late."""
        recent = list(self._recent)
        return (recent[-1][2] - recent[0][2]) / (recent[-1][0] - recent[0][0]) if len(recent) > 1 else 0.0

    def load(self) -> float:
        """Processor time that this program took of late, as a share of one core."""
        recent = list(self._recent)
        return (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0]) if len(recent) > 1 else 0.0

    def mean_load(self) -> float:
        """The same over the whole capture."""
        return (self._busy_s - self._busy_before_s) / (self._last - self._began) if self.frames_taken > 1 else 0.0

    def mean_rate(self) -> float:
        """Frames looked at per second over the whole capture."""
        return (self.frames - 1) / (self._last - self._began) if self.frames > 1 else 0.0

    def stage_ms(self) -> dict[str, float]:
        """Mean milliseconds of each stage: for a frame taken, and for one looked at."""
        seconds = {"capture": self._reading_s, **self._recogniser.seconds}
        calls = {"capture": self.frames_taken, **self._recogniser.calls}
        return {stage: round(1000 * seconds[stage] / max(1, calls[stage]), 3) for stage in seconds}

    def _capture(self) -> None:
        self._open()
        smoother, rate = Smoother(), LookRate(self._settings.fps, steady=self._recogniser.contract.clip is not None)
        period = 1 / self._settings.fps
        due = self._began = time.monotonic()
        self._busy_before_s = time.process_time()
        try:
            while (frame := self._read()) is not None:
                now = time.monotonic()
                if rate.due(now, frame):
                    look = self._recogniser.look(frame, round(1000 * (now - self._began)))
                    shown = look.probabilities if self._fused is None else self._fused(now, look.probabilities)
                    reading = smoother.update(now, shown)
                    self._recogniser.shown(reading)
                    rate.looked(now, frame, look.box, shown, reading, look.still)
                    self._count(look)
                    self._publish(reading, look)
                self._measure(now)
                # A late frame moves the schedule; catching up would only make the next ones late, too.
                due = max(due + period, time.monotonic())
                self._wait(due)
        finally:
            self._close()

    def _open(self) -> None:
        with self._driver:
            if self._source is None and not self._stopping.is_set():
                self._source = open_source(self._settings.source, self._settings.loop)

    def _read(self) -> Frame | None:
        before = time.perf_counter()
        with self._driver:
            frame = None if self._source is None or self._stopping.is_set() else self._source.read()
        if frame is not None:
            self._reading_s += time.perf_counter() - before
        return frame

    def _wait(self, due: float) -> None:
        with self._driver:
            if self._source is not None:
                self._source.wait(due - time.monotonic(), self._stopping)

    def _close(self) -> None:
        with self._driver:
            source, self._source = self._source, None
            if source is not None:
                source.close()

    def _count(self, look: Look) -> None:
        self.frames += 1
        self.frames_without_face += not look.has_face
        if look.unread:
            self.unread[look.unread] += 1

    def _measure(self, now: float) -> None:
        self.frames_taken += 1
        self._last, self._busy_s = now, time.process_time()
        self._recent.append((now, self._busy_s, self.frames))
