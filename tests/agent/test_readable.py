"""Why a face makes no vote: the rules on plain values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent import covered
from agent.face import FoundFace
from agent.readable import Readability, placed, unsure
from agent.unread import Unread
from models.inference.align import LEFT_EYE, RIGHT_EYE
from models.inference.blendshapes import BLENDSHAPES
from relay.protocol import EXPRESSIONS

FRAME = np.zeros((480, 640, 3), np.uint8)
PARTS = st.lists(st.floats(0, 1), min_size=7, max_size=7).filter(lambda parts: sum(parts) > 0.1)


def face(x: float = 320, y: float = 240, height: float = 200, roll: float = 0, blink: float = 0) -> FoundFace:
    """An oval of points around (x, y) pixels, turned by ``roll`` degrees."""
    rng = np.random.default_rng(0)
    radius, angle = np.sqrt(rng.uniform(0, 1, 478)), rng.uniform(0, 2 * np.pi, 478)
    points = np.stack([0.35 * radius * np.cos(angle), 0.5 * radius * np.sin(angle)], 1)
    points[10], points[152] = (0, -0.5), (0, 0.5)
    points[list(RIGHT_EYE)], points[list(LEFT_EYE)] = (-0.17, -0.12), (0.17, -0.12)
    cos, sin = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    shapes = np.zeros(len(BLENDSHAPES), np.float32)
    shapes[[BLENDSHAPES.index("eyeBlinkLeft"), BLENDSHAPES.index("eyeBlinkRight")]] = blink
    return FoundFace(points @ np.array([(cos, sin), (-sin, cos)]) * height + (x, y), shapes)


def probabilities(**named: float) -> list[float]:
    """Those, and what is missing to 1 in equal parts."""
    others = (1 - sum(named.values())) / (len(EXPRESSIONS) - len(named))
    return [named.get(expression, others) for expression in EXPRESSIONS]


@given(st.floats(150, 490), st.floats(120, 360), st.floats(20, 220), st.floats(-90, 90))
def test_a_whole_face_is_read_at_any_place_and_roll(x: float, y: float, height: float, roll: float) -> None:
    assert placed(face(x, y, height, roll), 640, 480) is None


@given(st.floats(150, 490), st.floats(40, 220), st.floats(-30, 30))
def test_a_chin_below_the_edge_is_told(x: float, height: float, roll: float) -> None:
    assert placed(face(x, 480 - 0.15 * height, height, roll), 640, 480) is Unread.CHIN_CUT


@given(st.floats(150, 330), st.floats(40, 220), st.booleans())
def test_half_a_face_is_told(y: float, height: float, right: bool) -> None:
    x = 640 - 0.05 * height if right else 0.05 * height
    assert placed(face(x, y, height), 640, 480) is Unread.FACE_CUT


@given(st.floats(115, 245))
def test_a_face_on_its_head_is_told(roll: float) -> None:
    assert placed(face(roll=roll), 640, 480) is Unread.UPSIDE_DOWN


@given(PARTS, st.floats(0, 1))
def test_moving_mass_between_happy_and_neutral_makes_no_face_unsure(parts: list[float], share: float) -> None:
    answer = [part / sum(parts) for part in parts]
    happy, neutral = EXPRESSIONS.index("happy"), EXPRESSIONS.index("neutral")
    moved = list(answer)
    mass = answer[happy] + answer[neutral]
    moved[happy], moved[neutral] = share * mass, mass - share * mass
    if abs(mass - 0.52) > 1e-9:
        assert unsure(moved) is unsure(answer)


def test_a_small_smile_is_sure_and_an_answer_between_two_others_is_not() -> None:
    assert unsure(probabilities(happy=0.45, neutral=0.45)) is None
    assert unsure(probabilities(sad=0.9)) is None
    assert unsure(probabilities(sad=0.45, fear=0.45)) is Unread.UNSURE


def readability(live: bool = True) -> Readability:
    return Readability(live, covered.CROP)


def is_lifeless(of: Readability, seen: FoundFace, time: float) -> bool:
    return of.of_face(seen, FRAME, FRAME[:48, :48, 0], time) is Unread.LIFELESS


def noisy(rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 256, FRAME.shape, np.uint8)


@pytest.mark.parametrize("fps", [0.5, 1, 5, 30])
def test_a_camera_that_sends_one_frame_for_ten_seconds_is_frozen_until_it_sends_another(fps: float) -> None:
    rng, of = np.random.default_rng(0), readability()
    stuck = noisy(rng)
    times = [i / fps for i in range(round(20 * fps))]
    found = [of.of_frame(stuck.copy(), time) for time in times]
    assert found == [Unread.FROZEN if time >= 10 else None for time in times]
    assert of.of_frame(noisy(rng), 20) is None
    assert of.of_frame(stuck, 25) is None


def test_a_single_pixel_that_trembles_is_no_frozen_camera() -> None:
    of = readability()
    for i in range(100):
        frame = FRAME.copy()
        frame[17, 23] = i
        assert of.of_frame(frame, i) is None


@pytest.mark.parametrize("fps", [0.5, 1, 5, 30])
def test_a_face_that_does_not_move_for_a_minute_is_a_picture_until_it_moves(fps: float) -> None:
    of, rng = readability(), np.random.default_rng(0)
    for i in range(round(100 * fps)):
        still = face()
        trembling = still._replace(points=still.points + rng.normal(0, 0.003 * 200 / 2, still.points.shape))
        assert is_lifeless(of, trembling, i / fps) == (i / fps >= 60)
    assert not is_lifeless(of, face(x=323), 100)


@given(st.integers(0, 59))
def test_one_blink_or_a_shift_of_two_percent_within_the_minute_is_life(at: int) -> None:
    for alive in (face(blink=0.6), face(y=244), face(height=210)):
        of = readability()
        for time in range(61):
            assert not is_lifeless(of, alive if time == at else face(), time)


def test_a_face_is_still_before_it_is_lifeless_until_it_blinks_and_never_in_a_file() -> None:
    for live in (True, False):
        of = readability(live)
        for time in range(50):
            of.of_face(face(), FRAME, FRAME[:48, :48, 0], time)
            assert of.is_still == (live and time >= 10)
        of.of_face(face(blink=0.6), FRAME, FRAME[:48, :48, 0], 50)
        assert not of.is_still


def test_in_a_file_pictures_may_stand_still() -> None:
    of = readability(live=False)
    for time in range(200):
        assert of.of_frame(FRAME, time) is None
        assert not is_lifeless(of, face(), time)


def test_each_reason_has_its_own_name_and_words() -> None:
    assert len({reason.key for reason in Unread}) == len({reason.words for reason in Unread}) == len(Unread)
    assert all(reason.hint.endswith((".", "?")) for reason in Unread)
