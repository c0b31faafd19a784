"""The crop puts eyes and mouth where the training faces have them, whatever the head does."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.inference import align
from models.inference.contract import CropSpec


def face_mesh(
    centre: tuple[float, float], tile: float, roll: float, across: float = 1.0, down: float = 1.0
) -> NDArray[np.float64]:
    """A mesh whose eyes and mouth stand as in a training tile of ``tile`` px, rolled by ``roll`` radians.

    ``across`` and ``down``: how far apart the eyes, and eyes and mouth, are seen of a head that is turned or nods.
    """
    mesh = np.zeros((478, 2))
    half = align.EYES_APART / 2 * across
    for indices, x, y in (
        (align.RIGHT_EYE, 0.5 - half, align.EYES_Y),
        (align.LEFT_EYE, 0.5 + half, align.EYES_Y),
        (align.MOUTH, 0.5, align.EYES_Y + (align.MOUTH_Y - align.EYES_Y) * down),
    ):
        mesh[list(indices)] = (x, y)
    rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    result: NDArray[np.float64] = (mesh - 0.5) * tile @ rotation.T + centre
    return result


@given(
    x=st.floats(-500, 2000),
    y=st.floats(-500, 2000),
    tile=st.floats(10, 1500),
    roll=st.floats(-1.5, 1.5),
    margin=st.floats(0.8, 1.5),
)
def test_eyes_are_level_and_in_place(x: float, y: float, tile: float, roll: float, margin: float) -> None:
    mesh, side = face_mesh((x, y), tile, roll), 48
    matrix = align.crop_matrix(mesh, side, margin)
    placed = mesh @ matrix[:, :2].T + matrix[:, 2]
    right, left = placed[list(align.RIGHT_EYE)].mean(0), placed[list(align.LEFT_EYE)].mean(0)
    assert abs(right[1] - left[1]) < 1e-6 * side + 1e-4
    np.testing.assert_allclose(left[0] - right[0], align.EYES_APART * side / margin, rtol=1e-6)
    np.testing.assert_allclose((right + left)[0] / 2, (side - 1) / 2, atol=1e-3)


@given(
    across=st.floats(0.2, 1.0),
    down=st.floats(0.2, 1.0),
    tile=st.floats(10, 1500),
    roll=st.floats(-1.5, 1.5),
    margin=st.floats(0.8, 1.5),
)
def test_a_turned_or_nodding_head_is_no_larger(
    across: float, down: float, tile: float, roll: float, margin: float
) -> None:
    """Of the eyes' distance and that from eyes to mouth, the one seen less shortened is as in the training tiles."""
    mesh, side = face_mesh((320, 240), tile, roll, across, down), 48
    matrix = align.crop_matrix(mesh, side, margin)
    placed = mesh @ matrix[:, :2].T + matrix[:, 2]
    right, left, mouth = (placed[list(part)].mean(0) for part in (align.RIGHT_EYE, align.LEFT_EYE, align.MOUTH))
    seen = side / margin / max(across, down)
    np.testing.assert_allclose(left[0] - right[0], align.EYES_APART * across * seen, rtol=1e-6)
    np.testing.assert_allclose(
        mouth[1] - (left + right)[1] / 2, (align.MOUTH_Y - align.EYES_Y) * down * seen, rtol=1e-6
    )


def test_the_frontal_crop_has_eyes_and_mouth_as_high_as_the_training_tiles() -> None:
    mesh, side = face_mesh((320, 240), 200, 0.4), 48
    matrix = align.crop_matrix(mesh, side, margin=1.0)
    placed = (mesh @ matrix[:, :2].T + matrix[:, 2] + 0.5) / side
    eyes = placed[list(align.RIGHT_EYE + align.LEFT_EYE)].mean(0)
    np.testing.assert_allclose(eyes, (0.5, align.EYES_Y), atol=1e-9)
    np.testing.assert_allclose(placed[list(align.MOUTH)].mean(0), (0.5, align.MOUTH_Y), atol=1e-9)


def test_landmarks_that_are_one_point_make_a_crop_all_the_same() -> None:
    assert np.isfinite(align.crop_matrix(np.full((478, 2), 7.0), 48, 1.0)).all()


def test_crop_shows_the_face_and_not_its_surroundings() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[100:300, 200:400] = 200  # the tile around a face at (300, 200)
    face = align.aligned_face(frame, face_mesh((299.5, 199.5), 200, 0), CropSpec(size=48, margin=1.0))
    assert face.shape == (48, 48)
    assert face.dtype == np.uint8
    assert (face[1:-1, 1:-1] == 200).all()
    wide = align.aligned_face(frame, face_mesh((299.5, 199.5), 200, 0), CropSpec(size=48, margin=1.5))
    assert wide[0, 0] == 0
    assert wide[24, 24] == 200


def test_large_faces_are_averaged_not_sampled() -> None:
    """Stripes far finer than a crop pixel become grey; sampling would keep them black and white."""
    frame = np.zeros((1000, 1000, 3), np.uint8)
    frame[:, ::2] = 255
    face = align.aligned_face(frame, face_mesh((500, 500), 800, 0), CropSpec(size=48, margin=1.0))
    assert 110 < face.mean() < 145
    assert face.std() < 20


def test_face_at_the_edge_of_the_frame_is_filled() -> None:
    frame = np.full((100, 100, 3), 90, np.uint8)
    face = align.aligned_face(frame, face_mesh((0, 0), 120, 0.3), CropSpec(size=48, margin=1.0))
    assert (face == 90).all()
