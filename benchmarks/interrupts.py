"""Whether the agent always stops: ``python -m benchmarks.interrupts --runs 300 --seed 1``.

Starts real agents on a film, and tells each to stop (Ctrl-C, for some SIGTERM or the hang-up of a closed window) at a
seeded random moment between the start of its process and its steady state. Says how long they went on, how long they
kept the film open, which stands for the camera, and how they ended. The exit code is 1 if one went on for more than
``--limit`` seconds, kept the film for more than one, or said anything but a sentence. ``--python`` takes another Python
that has the agent's packages.
"""

import argparse
import asyncio
import collections
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import psutil

from benchmarks import machine
from models.inference import fetch, registry
from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS

SIGNALS = (signal.SIGINT,) * 8 + (signal.SIGTERM, signal.SIGHUP)
PYTHON_S = 0.15
"""Before, Python may not have run one instruction of ours; how it ends itself and what it says is not the agent's."""
AFTER_S = 1.0
"""Moments lie up to this long after the first label."""
CAMERA_S = 1.0
"""The film is to be closed by then."""
HANG_S = 60.0
"""Who goes on for so long is killed."""
LOOK_S = 0.005


class Outcome(NamedTuple):
    """What became of an agent that was told to stop."""

    told: signal.Signals
    moment_s: float
    """From the start of the process."""
    was_open: bool
    """Whether it had the film open."""
    survived_s: float
    open_s: float
    """How long it kept the film open after it was told."""
    code: int
    errors: str

    @property
    def went_wrong(self) -> bool:
        """It was killed, or ended in another way than documented, or said more than a sentence."""
        if self.moment_s < PYTHON_S:
            return self.survived_s >= HANG_S
        expected = (0, 130) if self.told == signal.SIGINT or self.was_open else (0, 130, -self.told)
        return self.code not in expected or "Traceback" in self.errors


class Agents:
    """Starts agents of one Python on one film."""

    def __init__(self, url: str, channel: str, film: Path, python: str = sys.executable) -> None:
        self._film = film
        self._command = [python, "-m", "moodcast", "agent", "--relay", url, "--channel", channel]
        self._command += ["--source", str(film), "--loop", "--yes"]

    async def start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )

    async def steady_s(self) -> float:
        """Seconds from an agent's start to its first label."""
        began = time.monotonic()
        agent = await self.start()
        assert agent.stdout is not None
        try:
            while line := await agent.stdout.readline():
                if line.decode().partition(" ")[0] in EXPRESSIONS:
                    return time.monotonic() - began
        finally:
            if agent.returncode is None:
                agent.kill()
            _, errors = await agent.communicate()
        raise RuntimeError(f"the agent never shared: {errors.decode()}")

    async def interrupt(self, moment_s: float, told: signal.Signals = signal.SIGINT) -> Outcome:
        """Start an agent, tell it to stop at that moment of its life, and see what it does."""
        began = time.monotonic()
        agent = await self.start()
        ended = asyncio.create_task(agent.communicate())
        await asyncio.sleep(began + moment_s - time.monotonic())
        was_open = self._has_film(agent.pid)
        told_at = time.monotonic()
        if agent.returncode is None:
            agent.send_signal(told)
        closed_at = told_at
        while not ended.done() and time.monotonic() < told_at + HANG_S:
            await asyncio.wait({ended}, timeout=LOOK_S)
            if self._has_film(agent.pid):
                closed_at = time.monotonic()
        survived_s = time.monotonic() - told_at
        if agent.returncode is None:
            agent.kill()
        _, errors = await ended
        assert agent.returncode is not None
        return Outcome(told, moment_s, was_open, survived_s, closed_at - told_at, agent.returncode, errors.decode())

    async def interrupt_all(self, moments: list[tuple[float, signal.Signals]], together: int) -> list[Outcome]:
        """The same with an agent for each of the moments, so many at once."""
        places = asyncio.Semaphore(together)

        async def one(moment_s: float, told: signal.Signals) -> Outcome:
            async with places:
                return await self.interrupt(moment_s, told)

        return await asyncio.gather(*(one(*moment) for moment in moments))

    def _has_film(self, pid: int) -> bool:
        try:
            return any(file.path == str(self._film) for file in psutil.Process(pid).open_files())
        except psutil.Error:  # it has ended
            return False


def moments(runs: int, seed: int, until_s: float) -> list[tuple[float, signal.Signals]]:
    """When, from the start of its process on, which run is told in which way."""
    chance = random.Random(seed)
    return [(chance.uniform(0, until_s), chance.choice(SIGNALS)) for _ in range(runs)]


def make_film(path: Path) -> None:
    """Two seconds of the packaged portrait."""
    face = cv2.imread(str(fetch.fetch(registry.get("portrait"))))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (face.shape[1], face.shape[0]))
    for _ in range(10):
        writer.write(face)
    writer.release()


async def run(runs: int, seed: int, python: str, together: int) -> list[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.avi"
        make_film(film)
        relay = await app.start(RelaySettings(port=0, data=folder))
        relay.create_channel("bench")
        try:
            agents = Agents(relay.url, "bench", film, python)
            await agents.steady_s()  # the first start reads everything from the disk
            until_s = await agents.steady_s() + AFTER_S
            print(f"{runs} moments within the first {until_s:.1f} s, seed {seed}", flush=True)
            return await agents.interrupt_all(moments(runs, seed, until_s), together)
        finally:
            await relay.stop()


def report(outcomes: list[Outcome], limit_s: float) -> int:
    """Print what became of them; the exit code."""
    for what, seconds in (
        ("ended after the signal", [outcome.survived_s for outcome in outcomes]),
        ("film closed after it, where it was open", [outcome.open_s for outcome in outcomes if outcome.was_open]),
    ):
        p50, longest = statistics.median(seconds or [0.0]), max(seconds, default=0.0)
        print(f"{what}: {len(seconds)} runs, p50 {p50:.3f} s, longest {longest:.3f} s")
    codes = collections.Counter((outcome.told.name, outcome.code) for outcome in outcomes)
    print("exit codes: " + ", ".join(f"{name} {code}: {count}" for (name, code), count in sorted(codes.items())))
    survivors = [outcome for outcome in outcomes if outcome.survived_s > limit_s]
    open_still = [outcome for outcome in outcomes if outcome.open_s > CAMERA_S]
    wrong = [outcome for outcome in outcomes if outcome.went_wrong]
    print(
        f"went on for more than {limit_s:g} s: {len(survivors)}; had the film open after {CAMERA_S:g} s: "
        f"{len(open_still)}; other exit code, or a traceback: {len(wrong)}"
    )
    bad = {*survivors, *open_still, *wrong}
    for outcome in bad:
        print(outcome)
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interrupts", description=__doc__)
    parser.add_argument("--runs", type=int, default=300, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--python", default=sys.executable, help="the agents' Python; default: this one")
    parser.add_argument("--together", type=int, default=1, help="so many agents at once; default: %(default)s")
    parser.add_argument("--limit", type=float, default=2.0, help="seconds; default: %(default)s")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}; agents' Python: {args.python}")
    return report(asyncio.run(run(args.runs, args.seed, args.python, args.together)), args.limit)


if __name__ == "__main__":
    sys.exit(main())
