"""How fast the window's agent opens and shuts the camera, and what it takes while it looks and while it is paused.

    python -m benchmarks.eyes             # twenty times, with a picture in place of the camera
    python -m benchmarks.eyes --times 3

Memory is proportional (PSS): what processes share is divided among them.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from agent.app import looking
from agent.app.app import App
from models.inference import registry

_IDLE_S = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--times", type=int, default=20, metavar="N", help="how often the camera is opened and shut")
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder))
        app.change(camera=str(registry.path("portrait")))
        app.start()
        took: dict[str, list[float]] = {"to the camera": [], "to the first label": [], "from a pause to its end": []}
        memory: dict[str, list[float]] = {}
        for _ in range(times):
            began = time.monotonic()
            app.preview(True)
            took["to the camera"].append(_until(lambda: app.state().camera == "on", began))
            took["to the first label"].append(_until(lambda: app.state().label is not None, began))
            for process in (psutil.Process(), *psutil.Process().children()):
                name = "looking: eyes" if process.pid != psutil.Process().pid else "looking: agent"
                memory.setdefault(name, []).append(process.memory_full_info().pss / 1e6)
            took["from a pause to its end"].append(_until_off(app))
        memory["paused: agent"] = [psutil.Process().memory_full_info().pss / 1e6]
        before = psutil.Process().cpu_times()
        time.sleep(_IDLE_S)
        after = psutil.Process().cpu_times()
        hung = [_with_a_hanging_driver(app) for _ in range(max(1, times // 4))]
        app.close()
    for what, seconds in {**took, "from a pause to its end, driver hangs": hung}.items():
        print(f"{what:<40} median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s")
    for what, megabytes in sorted(memory.items()):
        print(f"{what:<40} {statistics.median(megabytes):.0f} MB")
    busy = after.user + after.system - before.user - before.system
    print(f"{'paused: agent':<40} {abs(busy) / _IDLE_S:.1%} of a core")
    return 0


def _until(condition: Callable[[], bool], began: float) -> float:
    while not condition():
        time.sleep(0.005)
    return time.monotonic() - began


def _until_off(app: App) -> float:
    began = time.monotonic()
    app.preview(False)
    return _until(lambda: app.state().camera == "off", began)


def _with_a_hanging_driver(app: App) -> float:
    real = looking.ourselves.command
    looking.ourselves.command = lambda *_: [sys.executable, "-m", "tests.hanging", "read", "eyes"]
    app.preview(True)
    _until(lambda: app.state().camera == "on", time.monotonic())
    time.sleep(1)  # so that it is in the driver
    seconds = _until_off(app)
    looking.ourselves.command = real
    return seconds


if __name__ == "__main__":
    sys.exit(main())
