import resource
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


def test_a_full_disk_leaves_the_figures_before(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    json_output.write({"right": 1}, str(file))
    before = file.read_text()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # no file may grow larger than this: as a full disk
    try:
        with pytest.raises(EvaluationError, match=r"can't write .*figures.json"):
            json_output.write({"right": [0] * 1000}, str(file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_text() == before
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_no_file_of_its_own_is_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "figures.json")
    json_output.write({"right": 1}, str(link))
    assert link.is_symlink()
    assert "right" in (tmp_path / "figures.json").read_text()
