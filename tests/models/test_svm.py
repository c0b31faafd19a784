"""The support vector machine: it answers as scikit-learn's own, from the raw features, with arrays alone."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from models.errors import DatasetError
from models.micro import svm


def clouds(classes: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of each class around another place; the features' units differ by thousands, and one is always 3."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    places = np.random.default_rng(9).normal(0, 2, (classes, 6))
    features = (places[labels] + rng.normal(0, 1, (count, 6))) * 10.0 ** np.arange(-3, 3) + 5
    return np.c_[features, np.full(count, 3.0)].astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("classes", [2, 4])
def test_it_is_scikit_learns_on_standardised_features(classes: int) -> None:
    features, labels = clouds(classes, 80, 0)
    asked, _ = clouds(classes, 40, 1)
    theirs = make_pipeline(StandardScaler(), LinearSVC(C=svm.COST, max_iter=20_000, random_state=0))
    theirs.fit(features.astype(np.float64), labels)
    margins = svm.fit(features, labels, classes).margins(asked)
    expected = theirs.decision_function(asked.astype(np.float64))
    np.testing.assert_allclose(margins[:, 1] if classes == 2 else margins, expected, rtol=2e-3, atol=2e-3)
    np.testing.assert_array_equal(margins.argmax(1), theirs.predict(asked))


def test_a_class_that_nobody_showed_is_never_the_answer() -> None:
    features, labels = clouds(3, 60, 0)
    found = svm.fit(features, labels + (labels > 0), 4)
    assert found.weight.shape == (4, 7)
    assert set(found.margins(clouds(3, 500, 1)[0]).argmax(1)) == {0, 2, 3}


def test_one_class_alone_is_told() -> None:
    with pytest.raises(DatasetError, match="two classes or more"):
        svm.fit(np.zeros((4, 2), np.float32), np.ones(4, np.int64), 3)
