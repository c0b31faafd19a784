"""What drawing a channel's window costs: ``python -m benchmarks.window_drawing``, without a screen ``xvfb-run -a``.

Opens the live screen of a viewer who shares, with eyes that give a new picture of 320x240 eight times a second and a
relay whose mood changes once a second, without either of them running: told is what the window alone takes. Each line
is the processor time of the process as a share of one core, its resident memory, and how often the picture was asked
for. ``GDK_SCALE=2`` in the environment doubles all pixels.

* ``picture``: the picture is shown,
* ``no picture``: it is hidden by its owner,
* ``hidden``: the window is closed to the tray.
"""

import argparse
import os
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import psutil
from PIL import Image

from agent.app.app import App
from agent.app.settings import Remembered
from agent.app.state import Picture, Place, Said, State
from agent.desktop.keys import Keys
from agent.window.shell import Window
from models.inference import registry
from relay.protocol import Mood

FPS = 8
BOX = (0.32, 0.18, 0.68, 0.85)
STATE = State(
    place=Place(relay="https://mood.example.org", channel="demo"), link="joined", wish="face", camera="on",
    label="happy", confidence=0.87, sent=(Said(0.0, '{"type":"label","emotion":"happy","confidence":0.87}'),),
)  # fmt: skip


class ScriptedApp(App):
    """An agent that is only looked at."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        portrait = np.asarray(Image.open(registry.path("portrait")).convert("RGB").resize((320, 240)), np.uint8)
        self._frames = [Picture(np.roll(portrait, 4 * step, 1), BOX) for step in range(FPS)]
        self._began = time.monotonic()
        self._seconds, self._shown = -1, STATE
        self.looked = Remembered(relay="https://mood.example.org", channel="demo")
        self.asked = 0

    @property
    def remembered(self) -> Remembered:
        return self.looked

    def state(self) -> State:
        seconds = int(time.monotonic() - self._began)
        if seconds != self._seconds:
            self._seconds = seconds
            self._shown = msgspec.structs.replace(STATE, mood=mood(seconds))
        return self._shown

    def picture(self) -> Picture | None:
        self.asked += 1
        return self._frames[int((time.monotonic() - self._began) * FPS) % FPS]


def mood(seconds: int) -> Mood:
    """Another one each second."""
    shares = [random.Random(seconds * 7 + number).random() for number in range(7)]
    shares = [share / sum(shares) for share in shares]
    return Mood(
        seq=seconds, time=float(seconds), visible=True, viewers=120 + seconds % 9, sharing=96, min_viewers=5,
        crowd="networks", counts=[0] * 7, shares=shares, valence=0, resonance=0, trend=0,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each line (default 15)")
    seconds = parser.parse_args().seconds
    process = psutil.Process()
    with TemporaryDirectory() as folder:
        app = ScriptedApp(Path(folder))
        app.start()
        window = Window(app, Keys(Path(folder)))
        root = window._root
        window._has_begun = True  # at once in the channel, without the first screens
        window._surface.home()

        def measure(name: str, then: "list[tuple[str, object]]") -> None:
            began, spent, asked = time.monotonic(), sum(process.cpu_times()[:2]), app.asked

            def told() -> None:
                share = (sum(process.cpu_times()[:2]) - spent) / (time.monotonic() - began)
                rate = (app.asked - asked) / (time.monotonic() - began)
                memory = process.memory_info().rss / 2**20
                print(f"{name:<12} {share:6.1%} of a core {memory:5.0f} MB, asked {rate:4.1f} times a second")
                step(then)

            root.after(round(1000 * seconds), told)

        def step(rest: "list[tuple[str, object]]") -> None:
            if not rest:
                window.quit()
                return
            name, act = rest[0]
            act()  # type: ignore[operator]
            root.after(1500, lambda: measure(name, rest[1:]))

        def without_picture() -> None:
            app.looked = msgspec.structs.replace(app.looked, show_picture=False)

        root.after(
            1500, lambda: step([("picture", lambda: None), ("no picture", without_picture), ("hidden", window.hide)])
        )
        print(f"Tk {root.tk.call('info', 'patchlevel')}, display {os.environ.get('DISPLAY', '-')}")
        window.run()
        app.close()


if __name__ == "__main__":
    main()
