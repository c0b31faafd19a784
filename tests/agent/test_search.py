"""Where faces are looked for, and when."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.search import (
    LARGEST_SIDE,
    OTHERS_S,
    ROOMY,
    TIGHT,
    Lookout,
    Window,
    around,
    holds,
    is_whole,
    others_s,
    outweighs,
    windows,
)
from models.inference.boxes import Points

SIZES = st.integers(1, 4000)


def box(x: float, y: float, side: float) -> Points:
    """The corners of a face's box around a point."""
    return np.array([(x - side / 2, y - side / 2), (x + side / 2, y + side / 2)])


@given(SIZES, SIZES, st.data())
def test_a_face_of_half_a_windows_side_lies_wholly_in_one(width: int, height: int, data: st.DataObject) -> None:
    found = windows(width, height)
    assert found[0] == (0, 0, width, height)
    assert (len(found) == 1) == (max(width, height) < LARGEST_SIDE // 2)
    assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in found)
    if len(found) == 1:
        return
    sides = sorted({max(right - left, bottom - top) for left, top, right, bottom in found[1:]})
    face = data.draw(st.sampled_from(sides)) // 2
    x, y = (data.draw(st.integers(0, max(0, length - face))) for length in (width, height))
    right, bottom = min(x + face, width), min(y + face, height)
    assert any(w[0] <= x and w[1] <= y and right <= w[2] and bottom <= w[3] for w in found[1:])


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("fps", [2, 5, 30])
def test_who_is_far_away_is_looked_for_everywhere_within_three_seconds(width: int, height: int, fps: int) -> None:
    if fps == 2 and width > 640:
        return  # bounded work a look goes first
    lookout, seen, longest = Lookout(), set[Window](), 0
    for i in range(3 * fps):
        where = lookout.where(7 + i / fps, width, height, followed=False)
        assert where[0] == (0, 0, width, height)  # who is near, at once
        seen |= set(where)
        longest = max(longest, len(where))
    assert seen == set(windows(width, height))
    assert longest <= 4


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1920, 1080)])
def test_at_one_look_a_second_a_screen_is_searched_within_five_seconds(width: int, height: int) -> None:
    """As the agent looks at what does not change."""
    lookout, seen = Lookout(), set[Window]()
    for second in range(6):
        seen |= set(lookout.where(second, width, height, followed=False))
    assert seen == set(windows(width, height))


@given(SIZES, SIZES, st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=40), st.sampled_from([0, OTHERS_S]))
def test_a_look_is_never_at_more_than_nine_windows(
    width: int, height: int, looks: list[tuple[float, bool]], every_s: float
) -> None:
    lookout, now = Lookout(every_s), 0.0
    for later, followed in looks:
        now += later
        where = lookout.where(now, width, height, followed)
        assert len(where) <= (2 if followed else 9)
        assert len(set(where)) == len(where)
        assert bool(where) or followed
        assert set(where) <= set(windows(width, height))


def test_while_a_face_is_followed_others_are_looked_for_every_five_seconds() -> None:
    lookout = Lookout()
    looked = [i / 5 for i in range(100) if lookout.where(i / 5, 640, 480, followed=i > 0)]
    assert looked == pytest.approx([0, 5, 10, 15])
    assert lookout.where(20, 640, 480, followed=False)  # and at once when it is lost


@pytest.mark.parametrize("gap", [0.2, 0.9, 1.0, 1.1])
def test_others_wait_for_no_more_than_five_seconds_at_one_look_a_second_either(gap: float) -> None:
    lookout = Lookout()
    looks = [i * gap for i in range(round(60 / gap))]
    searched = [now for now in looks if lookout.where(now, 640, 480, followed=True)]
    assert max(np.diff(searched)) <= OTHERS_S + 0.01
    assert min(np.diff(searched)) >= OTHERS_S - 2 * gap


def test_on_a_screen_others_are_looked_for_in_every_frame_but_not_again_and_again_in_vain() -> None:
    assert others_s("webcam") == others_s("webcam:1") == others_s("film.mp4") == OTHERS_S
    lookout = Lookout(others_s("screen"))
    assert all(lookout.where(i / 5, 1920, 1080, followed=True) for i in range(10))
    lookout.in_vain(2)
    assert next(i for i in range(10, 50) if lookout.where(i / 5, 1920, 1080, followed=True)) == 35


FACES = st.builds(box, st.floats(-500, 4500), st.floats(-500, 4500), st.floats(0, 3000))


@given(FACES, st.floats(0.1, 8), SIZES, SIZES)
def test_a_window_around_a_face_is_a_part_of_the_picture(face: Points, sides: float, width: int, height: int) -> None:
    left, top, right, bottom = around(face, sides, width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@given(SIZES, SIZES, st.data())
def test_a_new_window_holds_its_face(width: int, height: int, data: st.DataObject) -> None:
    side = data.draw(st.floats(2, max(2, min(width, height))))
    face = box(data.draw(st.floats(0, width)), data.draw(st.floats(0, height)), side)
    for sides in (ROOMY, TIGHT):
        window = around(face, sides, width, height)
        assert holds(window, face, width, height)
        assert is_whole(face, window, width, height)


def test_a_face_gets_a_new_window_before_it_leaves_the_old_one() -> None:
    window = around(box(300, 200, 60), ROOMY, 640, 480)
    moved = [x for x in range(300, 640, 5) if not holds(window, box(x, 200, 60), 640, 480)]
    assert 330 < moved[0] < 360
    assert not holds(window, box(300, 200, 200), 640, 480)  # comes near
    assert holds((0, 0, 1920, 1080), box(900, 500, 400), 1920, 1080)
    assert not holds((0, 0, 1920, 1080), box(900, 500, 60), 1920, 1080)  # goes away, and would be shrunk
    assert not holds((100, 0, 740, 480), box(300, 200, 60), 640, 480)  # the camera sends smaller pictures


def test_of_two_alike_the_one_that_is_followed_stays() -> None:
    assert not outweighs(box(400, 200, 104), box(100, 200, 100))
    assert outweighs(box(400, 200, 115), box(100, 200, 100))
