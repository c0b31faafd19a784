"""Sources of clips: in memory, read when asked for, and parts of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.clips import source
from models.clips.source import ClipSource
from models.errors import DatasetError


def grey(level: int, frames: int = 3) -> NDArray[np.uint8]:
    return np.full((frames, 4, 4, 3), level, np.uint8)


def test_clips_in_memory() -> None:
    clips: ClipSource = source.in_memory([grey(1), grey(2)], [1, 0], ("angry", "happy"))
    assert len(clips) == 2
    assert clips.labels.tolist() == [1, 0]
    assert clips.frames(1)[0, 0, 0, 0] == 2
    assert len(set(clips.subjects)) == 2
    assert np.isnan(clips.intensity).all()
    assert (clips.moments == -1).all()


def test_nothing_is_read_before_it_is_asked_for() -> None:
    asked: list[int] = []

    def read(index: int) -> NDArray[np.uint8]:
        asked.append(index)
        return grey(index)

    clips = source.lazy(read, [0, 0, 1], ("a", "b"), subjects=["x", "y", "x"], intensity=[0.1, 0.2, 0.3])
    part = source.take(clips, [2, 0])
    assert asked == []
    assert part.frames(0)[0, 0, 0, 0] == 2
    assert asked == [2]
    assert part.labels.tolist() == [1, 0]
    assert part.subjects == ("x", "x")
    np.testing.assert_allclose(part.intensity, [0.3, 0.1])
    again = source.take(part, [1])
    assert again.frames(0)[0, 0, 0, 0] == 0


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(DatasetError, match="a label for each of 1 clips, got 2"):
        source.in_memory([grey(1)], [0, 1], ("a", "b"))
    with pytest.raises(DatasetError, match="labels from 0 to 1, got 0 to 2"):
        source.in_memory([grey(1), grey(2)], [0, 2], ("a", "b"))
    with pytest.raises(DatasetError, match="as many"):
        source.in_memory([grey(1), grey(2)], [0, 1], ("a", "b"), subjects=["x"])


def test_what_is_derived_from_a_clip_is_computed_once() -> None:
    made: list[int] = []

    def mean(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
        made.append(int(frames[0, 0, 0, 0]))
        return frames.mean((1, 2, 3))

    clips = source.take(source.in_memory([grey(1), grey(2)], [1, 0], ("a", "b"), rate=[60, np.nan]), [1, 0])
    assert [clips.derived(i, "mean", mean)[0] for i in (0, 1, 0)] == [2, 1, 2]
    assert made == [2, 1]
    assert clips.derived(0, "other", mean).tolist() == [2, 2, 2]
    assert made == [2, 1, 2]
    assert np.isnan(clips.rate[0])
    assert clips.rate[1] == 60


def test_signals_of_clips() -> None:
    sounds = [{"sound": np.full(3, at, np.float32)} for at in (0.1, 0.2)]
    clips = source.take(source.in_memory([grey(1), grey(2)], [1, 0], ("a", "b"), signals=sounds), [1])
    np.testing.assert_array_equal(clips.signal(0, "sound"), np.full(3, 0.2, np.float32))
    with pytest.raises(DatasetError, match="expected clips with shapes, but clip 1 has none"):
        clips.signal(0, "shapes")
    with pytest.raises(DatasetError, match="clip 0 has nothing beside its faces"):
        source.lazy(grey, [0], ("a",)).signal(0, "sound")
