"""The simulation of a hot channel: what it says has to follow from its costs."""

import pytest

from benchmarks.hot import Simulation, simulate
from benchmarks.node_costs import LABELS_PER_S, TICK_S, Costs

CHEAP = Costs(label=1e-5, mood=1e-5, join=4e-4, tick=1e-3, message=2e-4, heard=1e-4)
VIEWERS, NODES, SECONDS, DIES_AT = 1200, 4, 24, 10.0


@pytest.fixture(scope="module")
def found() -> Simulation:
    return simulate(CHEAP, VIEWERS, NODES, SECONDS, DIES_AT)


def test_a_core_is_busy_for_what_comes_in_and_goes_out(found: Simulation) -> None:
    each = VIEWERS / NODES * (LABELS_PER_S * CHEAP.label + CHEAP.mood)
    ticks = (CHEAP.tick + CHEAP.message + (NODES - 1) * CHEAP.heard) / TICK_S
    for node in found.nodes:
        assert sum(node.busy[2:9]) / 7 == pytest.approx(each + ticks, rel=0.1)
    assert sum(found.nodes[-1].busy[11:]) == 0
    later = VIEWERS / (NODES - 1) * (LABELS_PER_S * CHEAP.label + CHEAP.mood)
    less = (CHEAP.tick + CHEAP.message + (NODES - 2) * CHEAP.heard) / TICK_S
    assert sum(sum(node.busy[14:23]) / 9 for node in found.nodes[:-1]) / 3 == pytest.approx(later + less, rel=0.1)


def test_a_label_waits_for_a_tick_and_one_of_another_node_for_two(found: Simulation) -> None:
    settled = [(took, elsewhere) for sent, took, elsewhere in found.latencies if 2 <= sent < DIES_AT - 1]
    here, there = ([took for took, elsewhere in settled if elsewhere == where] for where in (False, True))
    assert 0 < min(here) < max(here) < TICK_S + 0.02
    assert TICK_S < max(there) < 2 * TICK_S + 0.02
    assert len(here) + len(there) == pytest.approx(VIEWERS * LABELS_PER_S * (DIES_AT - 3), rel=0.02)


def test_all_viewers_of_the_node_that_died_come_back_and_are_told(found: Simulation) -> None:
    assert len(found.back) == VIEWERS // NODES
    assert DIES_AT < min(found.back) <= max(found.back) < DIES_AT + 5
    assert sum(sum(node.turns) for node in found.nodes if node.alive) == VIEWERS
    assert max(took for node in found.nodes for at, took in node.rounds if at > DIES_AT + 5) < 1.5


def test_where_there_is_no_time_viewers_are_told_later_and_labels_do_not_wait() -> None:
    """Labels and moods together want 1.2 of each core."""
    found = simulate(CHEAP._replace(label=2e-3, mood=3e-3), VIEWERS, NODES, 20, 19.0)
    assert min(sum(node.busy[5:15]) / 10 for node in found.nodes) > 0.95
    late = [took for node in found.nodes for at, took in node.rounds if 10 < at < 19]
    assert sum(late) / len(late) > 1.1
    assert max(took for sent, took, _ in found.latencies if sent < 18) < 1.0
