"""The benchmark of what telling an audience costs: how it finds a label again in the moods, and its generator."""

import contextlib
import itertools
import random
import sys
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.live.websocket import PING, encode_frame
from relay.protocol import EXPRESSIONS

if sys.platform != "linux":
    pytest.skip("its generator waits with epoll", allow_module_level=True)

from benchmarks import telling
from benchmarks.audience_load import MoodReader, counted
from benchmarks.load import TEXT


@given(probes=st.integers(1, 50), steps=st.lists(st.floats(0, 1.9), max_size=30), chance=st.randoms())
def test_the_counts_tell_how_many_labels_were_counted(probes: int, steps: list[float], chance: random.Random) -> None:
    shown = [2] * probes
    total = 0
    for step in steps:
        before = total
        for _ in range(int(step * probes)):
            shown[total % probes] = total // probes % 3
            total += 1
        others = [chance.randrange(1000) for _ in EXPRESSIONS]
        for number, name in enumerate(("disgust", "fear", "surprise")):
            others[EXPRESSIONS.index(name)] = shown.count(number)
        assert counted(others, probes, before) == total


@given(texts=st.lists(st.binary(max_size=400)), cuts=st.lists(st.integers(0, 3000)))
def test_frames_are_read_wherever_the_stream_is_cut(texts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(PING + encode_frame(text) for text in texts)
    places = [0, *sorted(cuts), len(stream)]
    reader = MoodReader()
    read = [frame for begin, end in itertools.pairwise(places) for frame in reader.take(stream[begin:end])]
    assert read == [frame for text in texts for frame in ((PING[0], b""), (TEXT, text))]


def test_a_small_audience_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_SETTLE_S", 0.2)
    monkeypatch.setattr(telling, "_WINDOW_S", 1.5)
    monkeypatch.setattr(telling, "PATIENCE_S", ())  # the machine would have to be quiet
    rests, changes = telling.telling(telling.ROOT, "now", (40,))
    for row in (rests, changes):
        assert row["lost"] == 0
        assert row["moods"] > 0
        assert "| 40 |" in telling.line(row)
    assert rests["changed"] < changes["changed"]
    assert 0 < changes["p50"] <= changes["p99"]
    assert 0 < changes["viewer_p50"] <= changes["viewer_p99"]


@given(needs=st.floats(0.02, 0.4), patient=st.floats(0.5, 1), used=st.just(0.2))
def test_the_smallest_part_of_a_core_is_found(needs: float, patient: float, used: float) -> None:
    """A relay that tells all in time in a part of a core, and in less of it who waits for two seconds."""
    part = 1.0

    def measured(*_: object) -> telling.Row:
        late = part < patient * needs
        return {"p99": 1.0 if late else 0.25, "viewer_p99": 1.2 if part >= needs else 2.2}

    @contextlib.contextmanager
    def hog(share: float, _: object) -> Iterator[None]:
        nonlocal part
        part = 1 - share
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telling, "window", measured)
        patch.setattr(telling, "hog", hog)
        strict, loose = telling.squeezed(Mock(), Mock(), used)
    for row, least in ((strict, needs), (loose, patient * needs)):
        assert row["share"] >= least - 1e-9
        assert row["share"] <= 1.1 * max(least, 0.4 * used)
