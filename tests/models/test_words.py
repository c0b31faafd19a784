"""A bag of visual words: what a face has and where is told, whatever its light."""

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="k-means is scikit-learn's: pip install '.[train]'")

from models.compared.words import Vocabulary

WORDS = 12
CELLS = 1 + 4 + 9


def faces(number: int, seed: int = 0) -> NDArray[np.uint8]:
    """Grey noise (number, 48, 48) that leaves room for other light."""
    return np.random.default_rng(seed).integers(60, 120, (number, 48, 48)).astype(np.uint8)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.of(faces(20), WORDS, 0)


def has(vocabulary: Vocabulary, face: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which words a face has in each cell, (cells, words)."""
    return vocabulary.present(face[None]).toarray().reshape(CELLS, WORDS) > 0


def test_a_face_is_a_row_of_length_one_with_a_word_or_more_in_each_cell(vocabulary: Vocabulary) -> None:
    rows = vocabulary.present(faces(5, 1))
    assert rows.shape == (5, CELLS * WORDS)
    np.testing.assert_allclose(rows.multiply(rows).sum(1), 1, rtol=1e-5)
    for face in faces(5, 1):
        found = has(vocabulary, face)
        assert found.any(1).all()
        assert (found[0] == found[1:5].any(0)).all(), "each level has all words"
        assert (found[0] == found[5:].any(0)).all()


def test_light_changes_no_word(vocabulary: Vocabulary) -> None:
    (face,) = faces(1, 2)
    brighter = has(vocabulary, (2 * face.astype(int) + 10).astype(np.uint8))
    assert (brighter == has(vocabulary, face)).mean() > 0.98


def test_what_changes_in_a_corner_changes_the_words_there_alone(vocabulary: Vocabulary) -> None:
    (face,) = faces(1, 3)
    other = face.copy()
    other[:12, :12] = np.linspace(60, 120, 12).astype(np.uint8)
    changed = (has(vocabulary, face) != has(vocabulary, other)).any(1)
    assert changed[5], "the upper left of nine"
    assert not changed[[2, 3, 4]].any()
    assert not changed[[7, 10, 11, 12, 13]].any()


def test_the_seed_decides_the_vocabulary() -> None:
    one, again, other = (Vocabulary.of(faces(8), 4, seed).words for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
