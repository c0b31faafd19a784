"""The study of persons on made-up features: what a user of the report sees, and what a stopped run has left."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips.layouts import Listing  # noqa: E402
from models.errors import DatasetError, EvaluationError  # noqa: E402
from models.inference.contract import IMAGENET, CropSpec  # noqa: E402
from models.inference.face_stage import FaceStage  # noqa: E402
from models.personal import adaptation, face_networks, features, page, report  # noqa: E402
from models.personal.face_networks import FaceNetwork  # noqa: E402
from models.personal.features import FeatureClips  # noqa: E402
from models.personal.heads import HeadState  # noqa: E402
from models.personal.report import Wanted  # noqa: E402

CLASSES = ("happy", "sad", "fear")


def features_of(listing: Listing) -> FeatureClips:
    """Everybody shows each expression in a place of their own, which is nobody else's."""
    found = []
    for i, clip in enumerate(listing.clips):
        of_person = np.random.default_rng([sum(map(ord, clip.subject)), clip.label]).normal(size=8) * 20
        found.append((of_person + np.random.default_rng(i).normal(size=(3, 8))).astype(np.float32))
    labels = np.array([clip.label for clip in listing.clips], np.int64)
    subjects = [clip.subject for clip in listing.clips]
    return FeatureClips(found, labels, subjects, listing.classes, [clip.path.name for clip in listing.clips])


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose features are made up from who shows what."""

    def of_folder(folder: Path, listing: Listing, *rest: Any) -> FeatureClips:
        return features_of(listing)

    def find(name: str, weights: Path | None = None) -> FaceNetwork:
        return FaceNetwork(name, "", CropSpec(48, 1.0, IMAGENET), lambda faces: faces[:, 0, :8, 0].astype(np.float32))

    monkeypatch.setattr(features, "of_folder", of_folder)
    monkeypatch.setattr(face_networks, "find", find)


def lay_out(folder: Path, people: dict[str, Sequence[int]]) -> Path:
    """Empty clips, so many of each class of each person."""
    for person, counts in people.items():
        for name, count in zip(CLASSES, counts, strict=False):
            for i in range(count):
                file = folder / "set" / person / name / f"{person}-{name}-{i}.mp4"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
    return folder


def asked(folder: Path, **more: Any) -> dict[str, Any]:
    wanted = Wanted(
        folder / "set", "people", ("net",), ("linear",), (), 1, 0, seven=False, aligned=True, out=folder / "report"
    )
    return report.report(dataclasses.replace(wanted, **more), cast(FaceStage, None))  # nobody looks for faces


def test_a_report(tmp_path: Path) -> None:
    lay_out(tmp_path, dict.fromkeys(("anna", "ben", "cleo", "dora", "emil"), (3, 3, 3)))
    result = asked(tmp_path, heads=("linear", "self"))
    assert result["held_out"] == ["anna", "ben"]
    about = {"name": "set", "layout": "people", "clips": 45, "people": 5, "classes": ["fear", "happy", "sad"]}
    assert result["set"] == about
    row, with_equation = result["rows"]
    assert [step["clips"] for step in row["curve"]] == [1, 2, "80%"]
    last = row["curve"][-1]
    assert last["personal"]["accuracy"] > row["universal"]["accuracy"]  # the person is all there is to learn here
    assert last["personal"]["answers"] == 2 * 3  # people, a clip of each class
    assert {sum(map(sum, row["confusion"][when])) for when in ("before", "after")} == {6}
    assert set(row["users"]) == {"anna", "ben"}
    assert row["equation_5"] is None
    assert with_equation["equation_5"]["sums"] > 0
    assert json.loads((tmp_path / "report" / "results.json").read_text()) == json.loads(json.dumps(result))
    text = (tmp_path / "report" / "report.md").read_text()
    for name in ("net-curves.png", "net-linear-confusion.png", "net-self-confusion.png"):
        assert f"({name})" in text
        with Image.open(tmp_path / "report" / name) as picture:
            assert min(picture.size) > 400
    told = page.describe(result)
    for words in (text, told):
        assert f"{last['personal']['accuracy']:.1%}" in words
        assert f"{with_equation['equation_5']['floored']:,} of {with_equation['equation_5']['sums']:,} times" in words


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, dict.fromkeys(("anna", "ben", "cleo"), (3, 3)))
    whole = asked(tmp_path, out=tmp_path / "whole")
    trained, allowed = adaptation.train_personal, 3

    def until_stopped(*args: Any) -> HeadState:
        nonlocal allowed
        if not allowed:
            raise KeyboardInterrupt
        allowed -= 1
        return trained(*args)

    monkeypatch.setattr(adaptation, "train_personal", until_stopped)
    with pytest.raises(KeyboardInterrupt):
        asked(tmp_path)
    assert len((tmp_path / "report" / "cells.jsonl").read_text().splitlines()) == 2 + 3
    monkeypatch.setattr(adaptation, "train_universal", None)  # nothing of what was done is done again
    allowed = 100
    assert asked(tmp_path)["rows"] == whole["rows"]
    allowed = 0
    assert asked(tmp_path)["rows"] == whole["rows"]


def test_a_universal_head_whose_file_is_lost_is_trained_again(tmp_path: Path) -> None:
    lay_out(tmp_path, dict.fromkeys(("anna", "ben", "cleo"), (2, 2)))
    asked(tmp_path)
    (file,) = (tmp_path / "report").glob("*.npz")
    before = file.read_bytes()
    file.write_bytes(before[:100])
    asked(tmp_path, draws=2)
    assert file.read_bytes() == before
    file.unlink()
    asked(tmp_path, draws=3)
    assert file.read_bytes() == before


def test_what_can_be_done_is_done_and_the_rest_is_told(tmp_path: Path) -> None:
    lay_out(tmp_path, {"anna": (3, 3, 0), "ben": (4, 1, 2), "cleo": (3, 3, 3)})
    result = asked(tmp_path)
    assert result["left_out"] == [
        "anna has no clip of fear: neither learned nor asked about.",
        "ben has one clip of sad: learned from, but not asked about.",
    ]
    assert [step["clips"] for step in result["rows"][0]["curve"]] == [1, 2, 3, "80%"]
    alone = asked(tmp_path, held_out=("ben",))
    assert "the common head and all intervals" in alone["left_out"][-1]
    assert alone["rows"][0]["curve"][0]["common"] is None
    assert alone["rows"][0]["universal"]["interval"] is None
    text = (tmp_path / "report" / "report.md").read_text()
    assert all(sentence in text and sentence in page.describe(alone) for sentence in alone["left_out"])


@pytest.mark.parametrize(
    ("people", "held_out", "complaint"),
    [
        ({"anna": (3, 3)}, (), "expected clips of two people at least, got those of anna alone"),
        ({"anna": (3,), "ben": (3,)}, (), "expected clips of two classes at least in .*, got happy alone"),
        ({"anna": (1, 1), "ben": (3, 3)}, (), "expected two clips of a class at least of one of anna"),
        ({"anna": (3, 3), "ben": (3, 3)}, ("carl",), "expected users to hold out of anna, ben, got carl"),
    ],
)
def test_a_set_that_is_of_no_use(
    tmp_path: Path, people: dict[str, Sequence[int]], held_out: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(DatasetError, match=complaint):
        asked(lay_out(tmp_path, people), held_out=held_out)


def test_faces_that_are_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, dict.fromkeys(("anna", "ben", "cleo"), (3, 3)))

    def seeing(*names: str) -> None:
        def of_folder(folder: Path, listing: Listing, *rest: Any) -> FeatureClips:
            return features_of(listing.keep([i for i, clip in enumerate(listing.clips) if clip.subject in names]))

        monkeypatch.setattr(features, "of_folder", of_folder)

    seeing("ben", "cleo")
    result = asked(tmp_path)
    assert result["held_out"] == ["ben"]
    assert result["left_out"][:2] == [
        "6 of 18 clips, which show no face or can't be read.",
        "anna: no clip shows a face.",
    ]
    seeing("cleo")
    with pytest.raises(DatasetError, match=r"no clip of anna, ben shows a face: hold out others"):
        asked(tmp_path)


def test_a_report_that_can_not_be_written(tmp_path: Path) -> None:
    lay_out(tmp_path, dict.fromkeys(("anna", "ben"), (2, 2)))
    (tmp_path / "report").touch()
    with pytest.raises(EvaluationError, match="can't write"):
        asked(tmp_path)
    with pytest.raises(EvaluationError, match="expected networks of different names"):
        asked(tmp_path, networks=("net", "net"))
