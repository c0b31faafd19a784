"""Gabor jets answer to stripes of their own direction and width, and to nothing that lights them."""

import numpy as np
import pytest

from models.clips import gabor

MIDDLE = np.array([[48.0, 48.0]], np.float32)


def stripes(k: float, angle: float, strength: float = 50, light: float = 120) -> np.ndarray:
    y, x = np.mgrid[:96, :96]
    wave = light + strength * np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
    return np.repeat(np.rint(wave)[..., None], 3, 2).astype(np.uint8)


@pytest.mark.parametrize("width", range(3))
@pytest.mark.parametrize("turn", range(6))
def test_stripes_are_answered_most_by_the_wavelet_like_them(width: int, turn: int) -> None:
    picture = stripes(gabor.WAVE_NUMBERS[width], turn * np.pi / 6)
    assert int(gabor.jets(picture, MIDDLE).argmax()) == width * 6 + turn


def test_light_and_contrast_have_no_say() -> None:
    places = np.array([[20, 30], [48, 48], [70, 5]], np.float32)
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 60, (96, 96, 3)).astype(np.uint8)
    found = gabor.jets(picture, places)
    np.testing.assert_allclose(gabor.jets(picture * 3, places), found, atol=1e-5)
    np.testing.assert_allclose(gabor.jets(picture + np.uint8(100), places), found, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert found.min() >= 0


def test_a_plain_face_and_places_beyond_it_give_numbers() -> None:
    beyond = np.array([[-500, 3], [3, 500], [48, 48]], np.float32)
    assert not gabor.jets(np.full((96, 96, 3), 90, np.uint8), beyond).any()
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    found = gabor.jets(picture, beyond)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], gabor.jets(picture, np.array([[0, 3]], np.float32))[0], atol=1e-5)


def test_a_mirror_image_has_the_mirrored_jets() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    places = np.array([[20, 30], [60, 48]], np.float32)
    there = places * np.array([-1, 1], np.float32) + np.array([95, 0], np.float32)
    mirrored = gabor.jets(np.ascontiguousarray(picture[:, ::-1]), there)
    np.testing.assert_allclose(mirrored, gabor.jets(picture, places)[:, gabor.MIRRORED], atol=1e-4)
