from pathlib import Path

import pytest

from models import json_output
from models.errors import EvaluationError


def test_a_target_that_can_not_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="there is no folder"):
        json_output.check(str(tmp_path / "nowhere" / "figures.json"))
    with pytest.raises(EvaluationError, match="expected the name of a file, but it is a folder"):
        json_output.check(str(tmp_path))
    json_output.check("-")
    json_output.check(str(tmp_path / "figures.json"))
