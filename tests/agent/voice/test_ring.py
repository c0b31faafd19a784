"""The last seconds of sound: in order, no more than fit, and gone after ``clear``."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.voice.ring import RingBuffer


@given(st.integers(1, 20), st.lists(st.integers(0, 50), max_size=12), st.data())
def test_the_newest_are_there_in_their_order_whatever_came_in_which_parts(
    size: int, parts: list[int], data: st.DataObject
) -> None:
    ring = RingBuffer(size)
    sound = np.arange(1, sum(parts) + 1, dtype=np.float32)
    for end, part in zip(np.cumsum(parts), parts, strict=True):
        ring.write(sound[end - part : end])
    count = data.draw(st.integers(0, size))
    before = np.concatenate([np.zeros(size, np.float32), sound])
    assert ring.newest(count).tolist() == before[len(before) - count :].tolist()
    assert ring.written == sum(parts)


def test_what_is_read_is_a_copy_and_nothing_outlives_the_end() -> None:
    ring = RingBuffer(4)
    ring.write(np.ones(9, np.float32))
    ring.newest(4).fill(7)
    assert ring.newest(4).tolist() == [1, 1, 1, 1]
    ring.clear()
    assert not ring.newest(4).any()
