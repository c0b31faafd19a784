"""Which frames of a clip are taken: always frames of the clip, in order, spread over all of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.clips import sampling

FRAMES = st.integers(1, 400)
CHANCE = st.none() | st.integers(0, 2**32)


def generator(seed: int | None) -> np.random.Generator | None:
    return None if seed is None else np.random.default_rng(seed)


def check(indices: sampling.Indices, frames: int, count: int) -> None:
    assert indices.shape == (count,)
    assert indices.dtype == np.int64
    assert indices.min() >= 0
    assert indices.max() < frames


@given(frames=FRAMES, count=st.integers(1, 32), length=st.integers(1, 4), seed=CHANCE)
def test_segments(frames: int, count: int, length: int, seed: int | None) -> None:
    indices = sampling.segments(frames, count, length, generator(seed))
    check(indices, frames, count * length)
    runs = indices.reshape(count, length)
    assert (np.diff(runs[:, 0]) >= 0).all()
    if frames >= length:
        assert (np.diff(runs, axis=1) == 1).all()
    if seed is None and frames >= count + length - 1:  # a part each, so none is taken twice
        assert (np.diff(runs[:, 0]) > 0).all()


@given(frames=st.integers(16, 400))
def test_eight_times_two_is_the_papers_formula(frames: int) -> None:
    tick = (frames - 2 + 1) / 8
    expected = [int(tick / 2 + tick * x) + i for x in range(8) for i in range(2)]
    assert sampling.segments(frames, 8, 2).tolist() == expected


def test_training_reaches_every_frame_and_testing_is_always_the_same() -> None:
    rng = np.random.default_rng(0)
    seen = {i for _ in range(300) for i in sampling.segments(30, 8, 2, rng).tolist()}
    assert seen == set(range(30))
    seen = {i for _ in range(300) for i in sampling.strided(70, rng=rng).tolist()}
    assert seen == set(range(70))
    assert (sampling.segments(30, 8, 2) == sampling.segments(30, 8, 2)).all()


@given(frames=FRAMES, count=st.integers(1, 32), stride=st.integers(1, 8), seed=CHANCE)
def test_strided(frames: int, count: int, stride: int, seed: int | None) -> None:
    indices = sampling.strided(frames, count, stride, generator(seed))
    check(indices, frames, count)
    assert (np.diff(indices) >= 0).all()
    if frames > (count - 1) * stride:
        assert (np.diff(indices) == stride).all()
    else:
        assert indices[0] == 0


@given(frames=FRAMES, count=st.integers(1, 32), stride=st.integers(1, 8), number=st.integers(1, 4))
def test_views_begin_with_the_clip_and_end_with_it(frames: int, count: int, stride: int, number: int) -> None:
    found = sampling.views(frames, count, stride, number)
    assert len(found) == number
    for indices in found:
        check(indices, frames, count)
        assert (np.diff(indices) >= 0).all()
    assert found[0][0] == 0
    if number > 1:
        assert frames - found[-1][-1] <= stride


def test_views_of_a_known_clip() -> None:
    first, second = sampling.views(100)
    assert first.tolist() == list(range(0, 64, 4))
    assert second.tolist() == list(range(36, 100, 4))
