"""The promises about the default classifier, on the real public test split where it is at hand."""

from pathlib import Path

import pytest

from benchmarks import accuracy
from models import fer2013, registry
from models.infer import Classifier

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "data" / "fer2013"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the FER2013 folder ../shared/data/fer2013, which is not here")
def test_beats_what_a_user_would_install_today() -> None:
    classifier = Classifier(registry.path(registry.DEFAULT), registry.get(registry.DEFAULT))
    row = accuracy.scores(classifier.batch, fer2013.load(FOLDER, "PublicTest"))
    assert row["fer2013"] >= 0.66
    assert row["fer_plus_majority"] >= 0.78
    recorded = registry.get(registry.DEFAULT).accuracy
    assert row["fer2013"] == pytest.approx(recorded["FER2013 public test, labels"], abs=5e-4)
    assert row["fer_plus_majority"] == pytest.approx(recorded["FER2013 public test, FER+ majority"], abs=5e-4)
