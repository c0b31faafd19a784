"""What the agent costs a viewer's machine: ``python -m benchmarks.agent_cost``.

Starts a relay and one real agent (a process of its own, 5 frames a second) on a picture or video with a face in it, and
reads the process's CPU time and memory. The yardstick in the same run is an agent at 1 frame a second: what is left of
the cost without the recognition.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks import machine
from models.inference import fetch, registry
from relay import app
from relay.config import RelaySettings

WARM_UP_S = 8.0


async def measure(url: str, source: str, fps: int, seconds: float) -> tuple[float, float]:
    """Share of one core (0..1) and resident memory in MB of an agent in its stride."""
    agent = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "moodcast", "agent", "--relay", url, "--channel", "bench", "--source", source,
        "--fps", str(fps), "--loop", "--yes", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.sleep(WARM_UP_S)
        process = psutil.Process(agent.pid)
        before, began = process.cpu_times(), time.perf_counter()
        await asyncio.sleep(seconds)
        after, took = process.cpu_times(), time.perf_counter() - began
        memory = process.memory_info().rss / 1e6
    finally:
        agent.terminate()
        await agent.wait()
    return (after.user + after.system - before.user - before.system) / took, memory


async def run(source: str, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        relay = await app.start(RelaySettings(port=0, data=folder))
        relay.create_channel("bench")
        try:
            for fps in (5, 1):
                share, memory = await measure(relay.url, source, fps, seconds)
                print(f"{fps} frames/s: {share:6.1%} of one core, {memory:.0f} MB resident", flush=True)
        finally:
            await relay.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent_cost", description=__doc__)
    parser.add_argument("--source", type=Path, help="picture or video with a face; default: the packaged portrait")
    parser.add_argument("--seconds", type=float, default=30, help="measured time of each; default: %(default)s")
    args = parser.parse_args()
    source = args.source or fetch.fetch(registry.get("portrait"))
    print(f"Machine: {machine.describe()}; source {source.name}")
    asyncio.run(run(str(source), args.seconds))


if __name__ == "__main__":
    main()
