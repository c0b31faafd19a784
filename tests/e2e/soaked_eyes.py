"""Minutes of looking in fast motion: ``python -m tests.e2e.soaked_eyes 30``; prints the megabytes after each minute.

The real capture loop and recogniser, with a clock that the waits move on: a portrait with a sensor's noise that turns
its head now and then and leaves for a while.
"""

import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import psutil
from PIL import Image

from agent import capture, sources
from agent.config import AgentSettings
from agent.recognition import Recogniser
from agent.sources import Frame
from models.inference import registry

FPS = 5
NOISE = 2.0


class FastSource:
    """A camera of another clock: a wait is over at once, and moves it on."""

    def __init__(self, minutes: int) -> None:
        self.now = 0.0
        self._frames = self._film(minutes)

    def _film(self, minutes: int) -> Iterator[Frame]:
        rng = np.random.default_rng(0)
        face = np.asarray(Image.open(registry.path("portrait")).convert("RGB").resize((320, 240)), np.uint8)
        noises = [rng.normal(0, NOISE, face.shape[:2])[..., None].astype(np.float32) for _ in range(17)]
        told = 0
        for number in range(60 * minutes * FPS):
            second = number // FPS
            picture = np.full_like(face, 100) if second % 60 >= 50 else np.roll(face, 12 * (second // 20 % 3), 1)
            yield np.clip(picture + noises[number % len(noises)], 0, 255).astype(np.uint8)
            if second // 60 > told:
                told = second // 60
                sys.stdout.write(f"{psutil.Process().memory_info().rss / 1e6:.1f}\n")
                sys.stdout.flush()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        self.now += max(0.0, seconds)

    def read(self) -> Frame | None:
        return next(self._frames, None)

    def close(self) -> None:
        pass


def main() -> None:
    source = FastSource(int(sys.argv[1]))
    times = {name: getattr(time, name) for name in ("perf_counter", "process_time")}
    capture.time = SimpleNamespace(monotonic=lambda: source.now, **times)  # type: ignore[assignment]
    sources.set_opencv_up()
    recogniser = Recogniser(registry.DEFAULT, live=False)
    settings = AgentSettings(channel="demo", fps=FPS)
    looking = capture.Capture(settings, recogniser, lambda *_: None, lambda: None, source)
    looking.run()
    recogniser.close()
    if looking.error:
        raise looking.error
    sys.stdout.write(f"looks {looking.frames} faces {looking.frames - looking.frames_without_face}\n")


if __name__ == "__main__":
    main()
