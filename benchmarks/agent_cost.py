"""What the agent costs a viewer's machine: ``python -m benchmarks.agent_cost``.

Starts a relay and real agents, each a process of its own, one after the other, on films made of the packaged portrait
(640x480, 5 frames a second, a sensor's noise in each):

* ``steady``: the head is in another place in each frame, so that each frame is looked at,
* ``quiet``: nothing but the noise changes,
* ``away``: a wall,
* with ``--video``, a film of your own, for as long as it lasts.

Told is the processor time of the whole process from the first frame to the last, as a share of one core at 5 frames a
second: on a busy machine fewer frames are taken, and the share counts as if all had been. ``--before DIR`` runs the
agent of another checkout on the same films, in turn with this one, and ``--haar DIR`` what others do (see
``benchmarks.haar``): OpenCV's face detector and mini-XCEPTION.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from benchmarks import machine
from models.inference import registry
from relay import app
from relay.config import RelaySettings

FPS = 5
FILM_FRAMES = 50
SIZE = (640, 480)
NOISE = 3.0
SWAY = (0, 12, 24, 18, 6)
"""Pixels: no two frames that follow each other, or with up to three in between, show the head in one place."""
HERE = Path(__file__).parents[1]


class Cost(NamedTuple):
    """Share of one core (0..1) at ``FPS`` frames a second, looks in that second, resident memory in MB."""

    share: float
    looks: float
    memory: float


def films(folder: Path) -> dict[str, Path]:
    """The films by name, written into a folder."""
    portrait = np.asarray(Image.open(registry.path("portrait")).convert("RGB").resize(SIZE), np.uint8)
    wall = np.full_like(portrait, 120)
    pictures = {
        "steady": [np.roll(portrait, SWAY[i % len(SWAY)], 1) for i in range(FILM_FRAMES)],
        "quiet": [portrait] * FILM_FRAMES,
        "away": [wall] * FILM_FRAMES,
    }
    return {name: write(folder / f"{name}.avi", frames) for name, frames in pictures.items()}


def write(file: Path, frames: list[NDArray[np.uint8]]) -> Path:
    """As a webcam sends them: one JPEG after the other, noise in each."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), FPS, SIZE)
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, 85)
    rng = np.random.default_rng(0)
    for frame in frames:
        noisy = np.clip(frame + rng.normal(0, NOISE, frame.shape), 0, 255).astype(np.uint8)
        writer.write(cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR))
    writer.release()
    return file


async def measure(checkout: Path, url: str, film: Path, seconds: float, loop: bool) -> Cost:
    """Of an agent that a checkout's ``moodcast`` is."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        agent = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "moodcast", "agent", "--relay", url, "--channel", "bench", "--source", str(film),
            "--fps", str(FPS), *(["--loop"] if loop else []), "--yes", "--report", str(report), cwd=checkout,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        memory = 0.0
        try:
            await asyncio.wait({asyncio.create_task(agent.wait())}, timeout=seconds)
            if agent.returncode is None:
                memory = psutil.Process(agent.pid).memory_info().rss / 1e6
                agent.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        finally:
            await agent.wait()
        told = json.loads(report.read_bytes())
    length = (told["frames"] - 1) / told["fps"]
    taken = told.get("frames_taken", told["frames"]) - 1  # those of before 2026-11-27 look at each frame they take
    return Cost(told["core_share"] * length * FPS / taken, (told["frames"] - 1) * FPS / taken, memory)


async def measure_haar(opencv: Path, network: Path, film: Path, seconds: float) -> float:
    """The share of a core of the yardstick, over as many frames as ``seconds`` hold."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.haar", str(film), str(network), str(round(FPS * seconds)), cwd=HERE,
        env=os.environ | {"PYTHONPATH": str(opencv)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    return float(out) * FPS


async def run(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        relay = await app.start(RelaySettings(port=0, data=folder))
        relay.create_channel("bench")
        sources = films(Path(folder)) | ({"video": args.video.absolute()} if args.video else {})
        try:
            for _ in range(args.rounds):
                for name, film in sources.items():
                    for who, checkout in (("now", HERE), ("before", args.before)):
                        if checkout is not None:
                            cost = await measure(checkout, relay.url, film, args.seconds, name != "video")
                            size = f", {cost.memory:.0f} MB resident" if cost.memory else ""
                            print(
                                f"{name}, {who}: {cost.share:6.2%} of one core, {cost.looks:.1f} looks a second{size}",
                                flush=True,
                            )
                    if args.haar:
                        share = await measure_haar(args.haar, args.network, film, args.seconds / 4)
                        print(f"{name}, Haar + mini-XCEPTION: {share:6.2%} of one core", flush=True)
        finally:
            await relay.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent_cost", description=__doc__)
    parser.add_argument("--video", type=Path, help="a film of your own")
    parser.add_argument(
        "--seconds", type=float, default=40, help="of each agent; a quarter of it of --haar (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often (default: %(default)s)")
    parser.add_argument("--before", type=Path, help="another checkout of Moodcast")
    parser.add_argument("--haar", type=Path, help="where an OpenCV 4 lies: pip install --target DIR, see the docs")
    parser.add_argument("--network", type=Path, help="mini_xception_102-0.66.onnx, for --haar")
    args = parser.parse_args()
    if args.haar and not args.network:
        parser.error("--haar needs --network")
    print(f"Machine: {machine.describe()}")
    asyncio.run(run(args))


if __name__ == "__main__":
    main()
