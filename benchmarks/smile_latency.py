"""How late a smile after a quiet minute is sent, with the rate adapting and at a steady one.

``python -m benchmarks.smile_latency --portraits DIR``: each person of the Face Research Lab London Set rests before a
noisy camera, in changing light, blinks and sways a little (``benchmarks.portrait_frames``), then smiles: their resting
picture is bent into and blended with their smiling one within ``--onset`` seconds. The same 5 frames a second go
through the agent's face finder, network, smoothing and sending, once each of them and once those that ``agent.pace``
chooses. The time is the frames' own. The smile begins at a random moment between two frames.

Told are the seconds from the beginning of the smile to the label ``happy``, and the looks that the quiet minute took.
"""

import argparse
import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from agent.pace import LookRate
from agent.recognition import Recogniser
from agent.sending import Sender
from agent.smoothing import Smoother
from benchmarks import machine, portrait_frames
from benchmarks.portrait_frames import FPS, SIDE, Camera
from models.clips import motions, synth, warp
from models.clips.warp import MESH, FaceMesh, Picture
from models.inference import registry
from relay.protocol import Label

TURN, ROLL, GROW, X, Y = 0.12, 0.05, 0.04, 0.04, 0.03
"""How far a lively listener's head sways at most, as in ``portrait_frames.play``; ``--sway`` is a share of it."""
STEADY_BEFORE_S = 5.0
"""So long before the smile the steady agent begins: it forgets what was before two seconds ago."""
AFTER_S = 4.0


class Run(NamedTuple):
    """Seconds until ``happy`` is sent (inf: never), and looks in the quiet time, of each way."""

    adapting_s: float
    steady_s: float
    looks: int


class Agent:
    """The agent's stages on frames with times."""

    def __init__(self, model: str, pace: LookRate) -> None:
        self.recogniser, self._pace = Recogniser(model), pace
        self._smoother, self._sender = Smoother(), Sender()
        self._sender.opened(5.0)
        self._sent_until = 0.0
        self.looks = 0
        self.said: list[tuple[float, str]] = []
        """When each label that differs from the one before was sent."""

    def see(self, time: float, frame: Picture) -> None:
        self._send(time)
        if self._pace.due(time, frame):
            self.looks += 1
            look = self.recogniser.look(frame, round(1000 * time))
            reading = self._smoother.update(time, look.probabilities)
            self._pace.looked(time, frame, look.box, look.probabilities, reading)
            self._sender.observe(time, reading)
            self._send(time)

    def _send(self, until: float) -> None:
        """What became due since the last call; labels are further apart than frames."""
        step = self._sender.next(self._sent_until)
        self._sent_until = until
        if step is None or step.at > until:
            return
        message = self._sender.take(step.at)
        word = message.emotion if isinstance(message, Label) else "away"
        if not self.said or self.said[-1][1] != word:
            self.said.append((step.at, word))

    def happy_after(self, begin: float) -> float:
        """Seconds from ``begin`` on; inf where it is not sent, or where it was there before."""
        before = [word for time, word in self.said if time < begin]
        after = [time for time, word in self.said if time >= begin and word == "happy"]
        return after[0] - begin if after and before[-1:] != ["happy"] else math.inf


def frames(
    who: tuple[FaceMesh, FaceMesh], quiet_s: float, onset_s: float, sway: float, rng: np.random.Generator
) -> Iterator[tuple[float, Picture]]:
    """Times and frames of somebody who smiles from ``quiet_s`` on."""
    times = np.arange(0, quiet_s + AFTER_S, 1 / FPS) + rng.uniform(0, 1 / FPS)
    head = [portrait_frames.sway(times, most * sway, (2, 11), rng) for most in (TURN, ROLL, GROW, X, Y)]
    shut = portrait_frames.blinks(times, rng)
    camera = Camera.of(times, rng)
    for i, time in enumerate(times.tolist()):
        turn, roll, grow, x, y = (float(way[i]) for way in head)
        smile = float(np.clip((time - quiet_s) / onset_s, 0, 1))
        picture = posed(who, smile, float(shut[i]), synth.Pose(turn, roll, 1 + grow, x, y))
        yield time, camera.see(picture, i, rng)


def posed(who: tuple[FaceMesh, FaceMesh], smile: float, shut: float, pose: synth.Pose) -> Picture:
    """A person between the resting face (``smile`` 0) and the smiling one (1)."""
    resting, smiling = who
    mesh = resting.rest.copy()
    mesh[:MESH] += smile * (smiling.rest[:MESH] - resting.rest[:MESH])
    face = (mesh[:MESH] - len(resting.picture) / 2) / resting.tile + 0.5
    mesh[:MESH] += (motions.close_eyes(face, shut) - face) * resting.tile
    moved = synth.moved_head(mesh, resting, pose)
    pictures = [warp.render(of, moved, SIDE) for of, share in ((resting, 1 - smile), (smiling, smile)) if share > 0]
    if len(pictures) == 1:
        return pictures[0]
    return np.asarray(cv2.addWeighted(pictures[0], 1 - smile, pictures[1], smile, 0), np.uint8)


def run(
    who: tuple[FaceMesh, FaceMesh], model: str, quiet_s: float, onset_s: float, sway: float, rng: np.random.Generator
) -> Run:
    adapting, steady = Agent(model, LookRate(FPS)), Agent(model, LookRate(FPS, steady=True))
    looks = 0
    with contextlib.closing(adapting.recogniser), contextlib.closing(steady.recogniser):
        for time, frame in frames(who, quiet_s, onset_s, sway, rng):
            adapting.see(time, frame)
            if time < quiet_s:
                looks = adapting.looks
            if time >= quiet_s - STEADY_BEFORE_S:
                steady.see(time, frame)
    return Run(adapting.happy_after(quiet_s), steady.happy_after(quiet_s), looks)


def tell(runs: list[Run], quiet_s: float) -> None:
    both = [one for one in runs if math.isfinite(one.adapting_s) and math.isfinite(one.steady_s)]
    one_way = len([one for one in runs if math.isfinite(one.adapting_s) != math.isfinite(one.steady_s)])
    late: NDArray[np.float64] = np.array([one.adapting_s - one.steady_s for one in both])
    waits = np.array([(one.adapting_s, one.steady_s) for one in both])
    print(f"{len(runs)} smiles; sent as happy by both: {len(both)}, by one alone: {one_way}")
    for name, column in (("adapting", 0), ("steady", 1)):
        print(f"  {name}: median {np.median(waits[:, column]):.2f} s, longest {waits[:, column].max():.2f} s")
    print(f"  later by: median {np.median(late):.2f} s, 95 % {np.quantile(late, 0.95):.2f} s, most {late.max():.2f} s")
    print(f"  more than 0.3 s later: {int((late > 0.3).sum())}")
    looks = np.array([one.looks / quiet_s for one in runs])
    print(f"  looks a second while quiet: median {np.median(looks):.2f}, most {looks.max():.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smile_latency", description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True, help="the Face Research Lab London Set")
    parser.add_argument("--people", type=int, default=60, help="how many at most (default: %(default)s)")
    parser.add_argument("--quiet", type=float, default=60, help="seconds before the smile (default: %(default)s)")
    parser.add_argument("--onset", type=float, default=0.5, help="seconds that the smile takes (default: %(default)s)")
    parser.add_argument("--sway", type=float, default=0.1, help="of a lively listener's (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default=registry.DEFAULT)
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    with face_stage.finding("benchmarks.smile_latency") as find:
        resting, smiling = (portrait_frames.load(args.portraits, find, kind) for kind in ("neutral", "happy"))
    names = sorted(resting.keys() & smiling.keys())[: args.people]
    runs = []
    for number, name in enumerate(tqdm(names, unit="person", leave=False, disable=None)):
        rng = np.random.default_rng([args.seed, number])
        runs.append(run((resting[name], smiling[name]), args.model, args.quiet, args.onset, args.sway, rng))
    tell(runs, args.quiet)


if __name__ == "__main__":
    main()
