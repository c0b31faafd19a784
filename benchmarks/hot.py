"""A hot channel on several nodes, simulated from measured costs: ``python -m benchmarks.hot``.

It measures on this machine what a label, a mood to a viewer, a joining viewer, a tick and a message between nodes cost
a core. From that it simulates nodes of a core each, event by event: all labels, the ticks, the reports on their way,
the moods that viewers are told in between as ``relay.live.teller`` does, and how long a label takes to the mood that
an overlay is shown. In the middle one node dies, and its viewers come back to the others as agents do.

A core takes one piece of work after the other, in the order in which they come; a join is one piece. The overlay hangs
on the first node, and the last one dies. What is not simulated is told in docs/cluster.md.
"""

import argparse
import heapq
import itertools
import math
import random
import statistics
from collections.abc import Iterator

from agent.sending import STEADY_S, Backoff
from benchmarks import machine
from benchmarks.node_costs import LABELS_PER_S, TICK_S, Costs, measure
from relay.core.limits import Limits

WIRE_S = 0.001
"""A report's way to another node: a network's, since Redis' own part is far less."""
SPREAD_S, STEP_S = 0.9 * TICK_S, 0.005
LEAST, MOST = 16, 64
"""How viewers are told: as in ``relay.live.teller``."""


# --- the simulation --------------------------------------------------------------------------------------------------


class _Node:
    """A core, and what waits there."""

    def __init__(self, number: int, seconds: int) -> None:
        self.number = number
        self.alive = True
        self.free = 0.0
        """When it has done all that came."""
        self.busy = [0.0] * (seconds + 60)
        """By the second."""
        self.turns: list[int] = [0] * round(Limits().viewer_mood / TICK_S)
        """Viewers by the tick at which they are told."""
        self.ticks = 0
        self.fresh: list[float] = []
        """When the labels were sent that no tick has counted."""
        self.arrived: list[float] = []
        """The same of other nodes, as reports told."""
        self.waiting: dict[int, None] = {}
        """Turns to be told."""
        self.is_telling = False
        self.now = 0.0
        """At which a step of that is taken."""
        self.told_at = [0.0] * len(self.turns)
        self.rounds: list[tuple[float, float]] = []
        """When viewers were told, and how long after the time before."""

    def work(self, at: float, cost: float) -> float:
        """What comes at this time is done at the time that is returned."""
        self.free = max(at, self.free) + cost
        self.busy[min(int(self.free), len(self.busy) - 1)] += cost
        return self.free


class Simulation:
    """See the module. Times are in seconds."""

    def __init__(self, costs: Costs, viewers: int, nodes: int, seconds: int, dies_at: float, seed: int = 0) -> None:
        self.costs, self.seconds, self.dies_at = costs, seconds, dies_at
        self._chance = random.Random(seed)
        self._order = itertools.count()
        self._events: list[tuple[float, int, str, int, object]] = []
        self.nodes = [_Node(number, seconds) for number in range(nodes)]
        self._at = [number % nodes for number in range(viewers)]
        """The node of each viewer, -1 for none."""
        self.latencies: list[tuple[float, float, bool]] = []
        """When a label was sent, how long it took, and whether from another node than the overlay's."""
        self.back: list[float] = []
        """When viewers of the node that died were in again."""
        for viewer, node in enumerate(self._at):
            self.nodes[node].turns[viewer // nodes % len(self.nodes[node].turns)] += 1
            self._plan(self._chance.random() / LABELS_PER_S, "label", node, viewer)
        for node in range(nodes):
            self._plan(self._chance.random() * TICK_S, "tick", node, None)
        self._plan(dies_at, "death", nodes - 1, None)

    def run(self) -> None:
        """Until the time is over."""
        while self._events[0][0] < self.seconds:
            at, _, what, number, detail = heapq.heappop(self._events)
            node = self.nodes[number]
            if node.alive:
                getattr(self, f"_{what}")(at, node, detail)

    def _plan(self, at: float, what: str, node: int, detail: object) -> None:
        heapq.heappush(self._events, (at, next(self._order), what, node, detail))

    def _label(self, at: float, node: _Node, viewer: int) -> None:
        if self._at[viewer] == node.number:
            node.work(at, self.costs.label)
            node.fresh.append(at)
            self._plan(at + 1 / LABELS_PER_S, "label", node.number, viewer)

    def _tick(self, at: float, node: _Node, _: None) -> None:
        begun = max(at, node.free)
        counted, node.fresh = node.fresh, []
        heard, node.arrived = node.arrived, []
        done = node.work(at, self.costs.tick)
        if node.number == 0:
            self.latencies += [(sent, done - sent, False) for sent in counted]
            self.latencies += [(sent, done - sent, True) for sent in heard]
        sent = node.work(done, self.costs.message)
        for other in self.nodes:
            if other is not node:
                self._plan(sent + WIRE_S, "report", other.number, counted)
        node.waiting[node.ticks % len(node.turns)] = None
        node.ticks += 1
        if not node.is_telling:
            node.is_telling = True
            self._plan(sent, "tell", node.number, self._steps(begun, node))
        self._plan(max(at + TICK_S, node.free), "tick", node.number, None)

    def _report(self, at: float, node: _Node, labels: list[float]) -> None:
        node.work(at, self.costs.heard)
        node.arrived += labels

    def _tell(self, at: float, node: _Node, steps: Iterator[float]) -> None:
        """One step of telling; the next comes when its time has come and this one is done."""
        node.now = at
        due = next(steps, None)
        if due is None:
            node.is_telling = False
        else:
            self._plan(max(due, node.free), "tell", node.number, steps)

    def _steps(self, begun: float, node: _Node) -> Iterator[float]:
        """Tells, and says when to go on."""
        while node.waiting:
            turns, node.waiting = list(node.waiting), {}
            crowd = sum(node.turns[turn] for turn in turns)
            size, done = min(MOST, max(LEAST, math.ceil(crowd * STEP_S / SPREAD_S))), 0
            for turn in turns:
                for first in range(0, node.turns[turn], size):
                    some = min(size, node.turns[turn] - first)
                    node.work(node.now, self.costs.mood * some)
                    done += some
                    yield begun + SPREAD_S * done / crowd
                node.rounds.append((node.free, node.free - node.told_at[turn]))
                node.told_at[turn] = node.free

    def _death(self, at: float, node: _Node, _: None) -> None:
        node.alive = False
        rest = [other.number for other in self.nodes if other.alive]
        for viewer, there in enumerate(self._at):
            if there == node.number:
                self._at[viewer] = -1
                wait = Backoff(self._chance.random).wait(STEADY_S)
                self._plan(at + wait, "join", self._chance.choice(rest), viewer)

    def _join(self, at: float, node: _Node, viewer: int) -> None:
        done = node.work(at, self.costs.join)
        self._at[viewer] = node.number
        node.turns[self._chance.randrange(len(node.turns))] += 1
        self.back.append(done)
        self._plan(done, "label", node.number, viewer)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot", description=__doc__)
    parser.add_argument("--viewers", type=int, default=50_000, metavar="N", help="of the channel; default: %(default)s")
    parser.add_argument("--nodes", type=int, default=4, metavar="N", help="of a core each; default: %(default)s")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    costs = measure(args.viewers // args.nodes, args.nodes)
    show(simulate(costs, args.viewers, args.nodes))


def simulate(costs: Costs, viewers: int, nodes: int, seconds: int = 60, dies_at: float = 20.0) -> Simulation:
    """A minute, in which the last node dies."""
    simulation = Simulation(costs, viewers, nodes, seconds, dies_at)
    simulation.run()
    return simulation


def show(found: Simulation) -> None:
    """The table."""
    died, end = found.dies_at, float(found.seconds)
    print(
        "| when | busy, by node | label to mood, from the overlay's node: p50, p99 | from another: p50, p99 |", end=""
    )
    print(" viewers told every, p99 |\n|---|---|---|---|---|")
    for name, begin, until in (
        ("all nodes", 5.0, died),
        ("the first 3 s after one died", died, died + 3),
        ("the next 7 s", died + 3, died + 10),
        ("then", died + 10, end - 5),
    ):
        busy = [sum(node.busy[int(begin) : int(until)]) / (until - begin) for node in found.nodes]
        rounds = [took for node in found.nodes for at, took in node.rounds if begin <= at < until]
        print(f"| {name} | {', '.join(f'{share:.0%}' for share in busy)} | ", end="")
        for elsewhere in (False, True):
            took = [took for sent, took, other in found.latencies if other == elsewhere and begin <= sent < until]
            cuts = statistics.quantiles(took, n=100) if len(took) > 1 else [math.nan] * 99
            print(f"{cuts[49] * 1e3:.0f}, {cuts[98] * 1e3:.0f} ms | ", end="")
        print(f"{statistics.quantiles(rounds, n=100)[98]:.2f} s |")
    back = sorted(found.back)
    print(
        f"{len(back):,} viewers of the node that died were in again: half of them within "
        f"{back[len(back) // 2] - died:.1f} s, 99 % within {back[len(back) * 99 // 100] - died:.1f} s, all within "
        f"{back[-1] - died:.1f} s"
    )


if __name__ == "__main__":
    main()
