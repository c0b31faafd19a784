"""What the page reckons of a face is what the agent reckons: overlay/reading beside the Python that it is a port of.

All cases of a test go to Node.js at once, so that there is one process for each of its modules.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from agent import covered, hints, readable
from agent.face import FoundFace
from agent.hints import Hints
from agent.pace import _BELOW_EYES, _EYES, Box, LookRate, difference, thumbnail
from agent.proportions import _POINTS, _SHAPE, Proportions, face_width
from agent.readable import Readability
from agent.resting import RestingFace
from agent.search import Lookout, around, holds, is_whole, outweighs, windows
from agent.smoothing import Reading, Smoother
from agent.unread import Unread
from models.inference import align, boxes, registry, smile
from models.inference.contract import CropSpec
from relay.protocol import EXPRESSIONS
from tests.overlay import ports

Frame = NDArray[np.uint8]
CROP = {"size": 48, "margin": 1.0}


def noise(rng: np.random.Generator, height: int, width: int, blur: float = 0.0) -> Frame:
    """A frame (H, W, 3) of which each pixel is chance, or of soft spots."""
    frame = rng.integers(0, 256, (height, width, 3), np.uint8)
    if not blur:
        return frame
    soft = cv2.GaussianBlur(frame, (0, 0), blur).astype(float)
    return np.clip((soft - 128) * 2 * blur + 128, 0, 255).astype(np.uint8)


def frames(rng: np.random.Generator, count: int) -> list[Frame]:
    sizes = rng.integers((12, 12), (260, 330), (count, 2)).tolist()
    return [noise(rng, *size, blur=float(rng.choice([0, 2, 5]))) for size in sizes]


def mesh(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Landmarks with eyes and mouth about where a face has them, of any size, turned and not wholly in the picture."""
    tile, roll = rng.uniform(0.2, 1.2) * height, rng.uniform(-1.5, 1.5)
    points = rng.normal(0.5, 0.2, (478, 2))
    points[[10, 152]] = (0.5, 0.0), (0.5, 1.0)
    half = align.EYES_APART / 2
    for indices, x, y in (
        (align.RIGHT_EYE, 0.5 - half, align.EYES_Y),
        (align.LEFT_EYE, 0.5 + half, align.EYES_Y),
        (align.MOUTH, 0.5, align.MOUTH_Y),
    ):
        points[list(indices)] = rng.normal((x, y), 0.02, (2, 2))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    found: NDArray[np.float64] = (points - 0.5) * tile @ turn.T + rng.uniform(0, 1, 2) * (width, height)
    return found


def shapes(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.uniform(0, 1, 52).astype(np.float32) ** 3


def seven(rng: np.random.Generator) -> list[float]:
    """Probabilities; now and then some are 0."""
    drawn = rng.exponential(1, 7) ** 2 * (rng.uniform(0, 1, 7) > 0.1)
    return [float(p) for p in (drawn + 1e-9) / (drawn + 1e-9).sum()]


def box(rng: np.random.Generator) -> Box:
    """Of a face, which may reach beyond the picture, or be out of it."""
    (left, top), (wide, high) = rng.uniform(-0.3, 1, 2).tolist(), rng.uniform(0.02, 0.7, 2).tolist()
    return left, top, left + wide, top + high


def js_face(face: FoundFace) -> dict[str, Any]:
    return {"points": face.points.ravel(), "shapes": face.shapes}


def key(reason: Unread | None) -> str | None:
    return reason.key if reason else None


def test_a_crop_differs_by_one_grey_level_at_most() -> None:
    rng = np.random.default_rng(1)
    pairs = [(frame, mesh(rng, frame.shape[1], frame.shape[0])) for frame in frames(rng, 40)]
    cases = [ports.of_function("alignedFace", ports.image(frame), points.ravel(), CROP) for frame, points in pairs]
    wanted = np.stack([align.aligned_face(frame, points, CropSpec(48, margin=1.0)) for frame, points in pairs])
    apart = np.abs(np.stack(ports.answers("align", cases)).reshape(-1, 48, 48).astype(int) - wanted)
    assert apart.max() <= 1
    # OpenCV before 5 reckons a place between pixels in 32 steps.
    assert (apart > 0).mean() < (0.001 if cv2.__version__ >= "5" else 0.3)


def test_a_matrix_is_the_same() -> None:
    rng = np.random.default_rng(2)
    meshes = [mesh(rng, 320, 240) for _ in range(50)] + [np.zeros((478, 2))]
    found = ports.answers("align", [ports.of_function("cropMatrix", points.ravel(), 96, 1.2) for points in meshes])
    for points, matrix in zip(meshes, found, strict=True):
        np.testing.assert_allclose(np.reshape(matrix, (2, 3)), align.crop_matrix(points, 96, 1.2), rtol=1e-9, atol=1e-9)


def test_a_picture_made_smaller_or_larger_differs_by_one_level_at_most() -> None:
    rng = np.random.default_rng(3)
    pictures = [*frames(rng, 40), noise(rng, 32, 32), noise(rng, 48, 80), noise(rng, 3, 186), noise(rng, 40, 5)]

    def whole(picture: Frame) -> dict[str, Any]:
        return {**ports.image(picture), "start": 0, "stride": 4 * picture.shape[1]}

    cases = [ports.of_function("areaResized", whole(picture), 16, 16) for picture in pictures]
    for x, y in ((4 / 3, 1), (1, 4 / 3)):
        cases += [ports.of_function("linearResized", whole(picture), x, y) for picture in pictures]
    wanted = [cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA) for picture in pictures]
    for x, y in ((4 / 3, 1), (1, 4 / 3)):
        wanted += [cv2.resize(picture, None, fx=x, fy=y, interpolation=cv2.INTER_LINEAR) for picture in pictures]
    for found, picture in zip(ports.answers("pixels", cases), wanted, strict=True):
        apart = np.abs(ports.pixels(found).astype(int) - picture)
        assert apart.max() <= 1
        assert (apart > 0).mean() < 0.01


def test_faces_are_looked_for_in_the_same_places() -> None:
    rng = np.random.default_rng(14)
    sizes = [(int(w), int(h)) for w, h in rng.integers(20, 2000, (40, 2))] + [(320, 240), (640, 480), (1920, 1080)]
    cases, wanted = [ports.of_function("windows", *size) for size in sizes], [windows(*size) for size in sizes]
    for _ in range(200):
        face, other = (mesh(rng, 320, 240)[:8] for _ in range(2))
        window = tuple(int(edge) for edge in rng.choice([0, 20, 150, 240, 320, 400], 4))
        flat = face.ravel()
        cases.append(ports.of_function("around", flat, 3.0, 320, 240))
        cases.append(ports.of_function("holds", window, flat, 320, 240))
        cases.append(ports.of_function("isWhole", flat, window, 320, 240))
        cases.append(ports.of_function("outweighs", other.ravel(), flat))
        wanted.append(around(face, 3.0, 320, 240))
        wanted += [holds(window, face, 320, 240), is_whole(face, window, 320, 240), outweighs(other, face)]
    for _ in range(10):
        lookout, calls, told, now = Lookout(), [], [], 0.0
        for _ in range(60):
            now += float(rng.choice([0.2, 1.0, 6.0], p=[0.8, 0.15, 0.05]))
            if rng.uniform() < 0.05:
                lookout.in_vain(now)
                calls.append(("inVain", now))
                told.append(None)
            followed = bool(rng.uniform() < 0.6)
            calls.append(("where", now, 640, 480, followed))
            told.append(lookout.where(now, 640, 480, followed))
        cases.append(ports.of_object("Lookout", calls=calls))
        wanted.append(told)
    assert ports.answers("search", cases) == json.loads(json.dumps(wanted))  # which has no tuples


def test_boxes_overlap_the_same() -> None:
    rng = np.random.default_rng(15)
    pairs = [(mesh(rng, 320, 240)[:5], mesh(rng, 320, 240)[:5]) for _ in range(200)]
    found = ports.answers("boxes", [ports.of_function("overlap", one.ravel(), two.ravel()) for one, two in pairs])
    wanted = [boxes.overlap(one, two) for one, two in pairs]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert 0.0 < np.mean([overlap > 0 for overlap in wanted]) < 1


def test_a_smile_is_decided_the_same() -> None:
    rng = np.random.default_rng(4)
    rule = registry.smile_rule("moodnet")
    assert rule
    told = {
        "odds": rule.odds, "smile": rule.smile, "base": rule.base, "oddsAlone": rule.odds_alone,
        "baseAlone": rule.base_alone, "unhappy": rule.unhappy,
    }  # fmt: skip
    given = [(seven(rng), shapes(rng) if k % 5 else None) for k in range(400)]
    found = ports.answers("smile", [ports.of_function("decided", told, *case) for case in given])
    wanted = [smile.decided(rule, *case) for case in given]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_mouth_is_covered_for_both() -> None:
    rng = np.random.default_rng(5)
    crops = [noise(rng, 48, 48, blur=float(rng.choice([0, 1, 4])))[..., 0] for _ in range(60)]
    crops += [np.zeros((48, 48), np.uint8), np.full((48, 48), 200, np.uint8)]
    found = ports.answers(
        "covered", [ports.of_function("scores", np.ascontiguousarray(crop).ravel()) for crop in crops]
    )
    np.testing.assert_allclose(found, [covered.scores(crop) for crop in crops], rtol=1e-4, atol=1e-4)


def test_a_face_is_placed_the_same_and_as_sure() -> None:
    rng = np.random.default_rng(6)
    faces = [FoundFace(mesh(rng, 320, 240), shapes(rng)) for _ in range(200)]
    answers = [seven(rng) for _ in range(200)]
    cases = [ports.of_function("placed", js_face(face), 320, 240) for face in faces]
    cases += [ports.of_function("unsure", answer) for answer in answers]
    cases += [ports.of_function("movement", js_face(one), js_face(two)) for one, two in pairwise(faces)]
    found = ports.answers("readable", cases)
    placed = [key(readable.placed(face, 320, 240)) for face in faces]
    assert found[:200] == placed
    assert len(set(placed)) > 2  # else it says little
    assert found[200:400] == [key(readable.unsure(answer)) for answer in answers]
    moved = [readable.movement(one, two) for one, two in pairwise(faces)]
    np.testing.assert_allclose(found[400:], moved, rtol=1e-6)


def test_what_stands_still_is_told_at_the_same_time() -> None:
    rng = np.random.default_rng(7)
    frame, face = noise(rng, 24, 32), FoundFace(mesh(rng, 32, 24), shapes(rng))
    crop = noise(rng, 48, 48, blur=4)[..., 0]
    of_python, calls, wanted = Readability(True, covered.CROP), [], []
    for second in np.cumsum(rng.uniform(0.5, 3, 120)).tolist():
        if rng.uniform() < 0.1:
            frame = noise(rng, 24, 32)
        if rng.uniform() < 0.02:
            face = FoundFace(face.points + rng.choice([0.2, 2]), shapes(rng))
        calls += [("ofFrame", ports.image(frame), second), ("isStill",)]
        calls += [("ofFace", js_face(face), ports.image(frame), np.ascontiguousarray(crop).ravel(), second)]
        wanted += [key(of_python.of_frame(frame, second)), of_python.is_still]
        wanted += [key(of_python.of_face(face, frame, crop, second))]
    assert ports.answers("readable", [ports.of_object("Readability", True, calls=calls)]) == [wanted]
    assert {"frozen", "lifeless"} <= set(wanted)


def a_film(rng: np.random.Generator, seconds: float) -> list[tuple[float, list[float] | None]]:
    """Times and probabilities as they come: moods that last a while, frames without a face, gaps."""
    film: list[tuple[float, list[float] | None]] = []
    now, mood, until = 0.0, seven(rng), 0.0
    while now < seconds:
        if now >= until:
            mood, until = seven(rng), now + float(rng.choice([0.5, 3, 40]))
        shown = np.array(mood) + rng.uniform(0, 0.2, 7)
        film.append((now, None if rng.uniform() < 0.1 else (shown / shown.sum()).tolist()))
        now += float(rng.choice([0.1, 0.2, 1.0, 2.5, 35], p=[0.3, 0.45, 0.2, 0.04, 0.01]))
    return film


def test_a_reading_is_the_same() -> None:
    rng = np.random.default_rng(8)
    films = [a_film(rng, 120) for _ in range(8)]
    cases = [ports.of_object("Smoother", calls=[("update", *frame) for frame in film]) for film in films]
    for film, found in zip(films, ports.answers("smoothing", cases), strict=True):
        smoother = Smoother()
        wanted = [smoother.update(*frame) for frame in film]
        assert [one and one["expression"] for one in found] == [one and one.emotion for one in wanted]
        sure = [(one["confidence"], two.confidence) for one, two in zip(found, wanted, strict=True) if one and two]
        np.testing.assert_allclose(*zip(*sure, strict=True), atol=1e-9)


def test_a_resting_face_is_learned_the_same() -> None:
    rng = np.random.default_rng(9)
    cases, films = [], []
    for _ in range(3):
        heavy = np.array([0.3, 0.01, 0.02, 0.05, 0.35, 0.02, 0.25]) * rng.uniform(0.7, 1.3, 7)
        times = np.cumsum(rng.choice([0.2, 1.0, 4.0, 40.0], 600, p=[0.6, 0.35, 0.048, 0.002])).tolist()
        drawn = heavy * rng.uniform(0.5, 1.5, (600, 7)) * (rng.uniform(0, 1, (600, 7)) > 0.02)
        films.append([(time, (row / row.sum()).tolist()) for time, row in zip(times, drawn, strict=True)])
        cases.append(ports.of_object("RestingFace", calls=[("read", *frame) for frame in films[-1]]))
    for film, found in zip(films, ports.answers("resting", cases), strict=True):
        resting = RestingFace()
        wanted = [resting.read(*frame) for frame in film]
        np.testing.assert_allclose(found, wanted, atol=1e-9)
        assert np.abs(np.array(wanted) - [row for _, row in film]).max() > 0.1  # else no face was learned


def test_a_thumbnail_is_the_same_and_differs_as_much() -> None:
    rng = np.random.default_rng(10)
    parts = [_BELOW_EYES, _EYES]
    given: list[tuple[Frame, Box | None, Sequence[float]]] = [
        (frame, None if k % 5 == 0 else box(rng), parts[k % 2]) for k, frame in enumerate(frames(rng, 60))
    ]
    given.append((noise(rng, 500, 700, blur=5), None, parts[0]))
    wanted = [thumbnail(frame, place, (rows[0], rows[1])) for frame, place, rows in given]
    pairs = list(pairwise(wanted))
    pairs += [(one, one + rng.normal(0, 3, (16, 16)).astype(np.float32)) for one in wanted]
    pairs += [(np.zeros((16, 16), np.float32), pairs[0][0])]
    cases = [ports.of_function("thumbnail", ports.image(frame), place, rows) for frame, place, rows in given]
    cases += [
        ports.of_function("difference", *(thumb.astype(np.float64).ravel() for thumb in pair), bands)
        for pair in pairs
        for bands in (False, True)
    ]
    found = ports.answers("pace", cases)
    for one, thumb in zip(found[: len(wanted)], wanted, strict=True):
        assert np.abs(one - thumb.ravel()).max() <= 1
    differences = [difference(*pair, bands) for pair in pairs for bands in (False, True)]
    np.testing.assert_allclose(found[len(given) :], differences, rtol=2e-3, atol=2e-3)


def test_the_same_frames_are_looked_at() -> None:
    rng = np.random.default_rng(11)
    cases, wanted = [], []
    for _ in range(3):
        rate, calls, due = LookRate(5), [], []
        picture, now, probabilities, place = noise(rng, 60, 80, blur=4), 0.0, seven(rng), box(rng)
        for _ in range(150):
            now += float(rng.uniform(0.18, 0.22))
            if rng.uniform() < 0.08:
                picture, probabilities = noise(rng, 60, 80, blur=4), seven(rng)
            if rng.uniform() < 0.03:
                place = box(rng)
            frame = np.clip(picture + rng.normal(0, 1, picture.shape), 0, 255).astype(np.uint8)
            has_face, still = bool(rng.uniform() < 0.9), bool(rng.uniform() < 0.3)
            due.append(rate.due(now, frame))
            calls.append(("due", now, ports.image(frame)))
            if due[-1]:
                given = (place, probabilities) if has_face else (None, None)
                reading = Reading(EXPRESSIONS[int(np.argmax(probabilities))], 0.5) if has_face else None
                rate.looked(now, frame, *given, reading, still)
                told = reading and {"expression": reading.emotion, "confidence": reading.confidence}
                calls.append(("looked", now, ports.image(frame), *given, told, still))
                due.append(None)
        assert set(due) == {True, False, None}
        cases.append(ports.of_object("LookRate", 5, calls=calls))
        wanted.append(due)
    assert ports.answers("pace", cases) == wanted


def stiff_face(rng: np.random.Generator, wide: float) -> NDArray[np.float64]:
    """The average face as a picture that is ``wide`` times too wide has it, from about ahead."""
    turn, nod, roll = rng.normal(0, 0.15, 3)
    (s, c), (t, d), (u, e) = ((np.sin(angle), np.cos(angle)) for angle in (turn, nod, roll))
    rotation = np.array([[e, -u, 0], [u, e, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, d, -t], [0, t, d]])
    rotation = rotation @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    points = np.zeros((478, 2))
    points[_POINTS] = ((_SHAPE @ rotation.T)[:, :2] * rng.uniform(2, 20)) * (wide, 1) + rng.uniform(0, 300, 2)
    noisy: NDArray[np.float64] = points + rng.normal(0, 0.2, points.shape)
    return noisy


def test_squeezed_pictures_are_told_and_undone_the_same() -> None:
    rng = np.random.default_rng(12)
    faces = [stiff_face(rng, wide) for wide in rng.uniform(0.6, 1.6, 100)]
    frame, cases, wanted = noise(rng, 24, 32, blur=2), [], []
    for wide in (0.75, 1.0, 4 / 3):
        known, calls = Proportions(), []
        for second in range(100):
            points = stiff_face(rng, wide / known.stretch)
            known.learn(second + 0.5, points)
            calls.append(("learn", second + 0.5, points.ravel()))
        cases.append(ports.of_object("Proportions", calls=[*calls, ("stretch",), ("undone", ports.image(frame))]))
        wanted.append((known.stretch, known.undone(frame)))
    cases += [ports.of_function("faceWidth", face.ravel()) for face in faces]
    found = ports.answers("proportions", cases)
    for (stretch, picture), answers in zip(wanted, found[: len(wanted)], strict=True):
        assert answers[-2] == pytest.approx(stretch)
        assert np.abs(ports.pixels(answers[-1]).astype(int) - picture).max() <= 1
    assert len({stretch for stretch, _ in wanted}) == 3
    widths = [face_width(face) for face in faces]
    assert [width is None for width in widths] == [width is None for width in found[3:]]
    told = [(one, two) for one, two in zip(found[3:], widths, strict=True) if two is not None]
    assert len(told) > 20
    np.testing.assert_allclose(*zip(*told, strict=True), rtol=1e-6)


def test_hints_come_at_the_same_time() -> None:
    rng = np.random.default_rng(13)
    cases, wanted = [], []
    by_sentence = {hints.NO_FACE: "no_face"} | {reason.hint: reason.key for reason in Unread}
    for _ in range(6):
        now, of_python, calls, told = 3.0, Hints(3.0), [], []
        state: tuple[bool, Unread | None] = (True, None)
        for _ in range(500):
            now += float(rng.uniform(0.1, 4))
            if rng.uniform() < 0.05:
                reason = list(Unread)[rng.integers(len(Unread))]
                state = [(True, None), (False, None), (True, reason), (False, Unread.FROZEN)][rng.integers(4)]
            sentence = of_python.update(now, *state)
            told.append(sentence and by_sentence[sentence])
            calls.append(("update", now, state[0], key(state[1])))
        assert len(set(told)) > 2
        cases.append(ports.of_object("Hints", 3.0, calls=calls))
        wanted.append(told)
    assert ports.answers("hints", cases) == wanted
