"""The simulated crowd follows the show, in any order of chance."""

import itertools
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from demo.show import LENGTH, SHOW, SimulatedViewer, scene_at
from relay.protocol import EXPRESSIONS, MAX_LABELS_PER_S


def test_scenes_come_in_order_and_repeat() -> None:
    starts, at = [], 0.0
    for scene in SHOW:
        starts.append(at)
        at += scene.seconds
    assert [scene_at(start + 0.01) for start in starts] == list(SHOW)
    assert scene_at(LENGTH + 0.01) is SHOW[0]
    assert scene_at(-3) is SHOW[0]


def test_each_scene_moves_most_of_the_crowd() -> None:
    """Two seconds into a scene, the expression it is about leads among 300 viewers."""
    at = 0.0
    for scene in SHOW:
        counts: Counter[str] = Counter()
        for seed in range(300):
            viewer = SimulatedViewer(random.Random(seed))
            label = "neutral"
            for i in range(int((at + scene.seconds - 0.2) / viewer.PERIOD)):
                label = viewer.step(i * viewer.PERIOD)[0] or label
            counts[label] += 1
        expected = EXPRESSIONS[max(range(7), key=lambda k: scene.weights[k])]
        assert counts.most_common(1)[0][0] == expected, scene.name
        at += scene.seconds


@given(seed=st.integers(0, 2**32))
def test_a_viewer_keeps_to_the_contract(seed: int) -> None:
    """Never more labels than allowed, and never silent for longer than the heartbeat and one step."""
    viewer = SimulatedViewer(random.Random(seed))
    sent = [i * viewer.PERIOD for i in range(400) if viewer.step(i * viewer.PERIOD)[0] is not None]
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert min(gaps) >= 1 / MAX_LABELS_PER_S
    assert max(gaps) <= viewer.HEARTBEAT + viewer.PERIOD
