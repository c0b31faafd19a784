"""What a user of the registry relies on: every entry is whole, and a damaged file is never used."""

import dataclasses
from pathlib import Path

import pytest

from models.errors import ChecksumMismatchError, ModelMissingError, UnknownModelError
from models.inference import registry
from models.inference.registry import Packaged
from relay.protocol import EXPRESSIONS


@pytest.mark.parametrize("entry", registry.WEIGHTS.values(), ids=lambda entry: entry.name)
def test_entry_is_whole(entry: registry.Weights) -> None:
    assert len(entry.sha256) == 64
    assert entry.size > 0
    assert entry.licence
    assert entry.sources


def test_every_classifier_knows_the_seven_expressions() -> None:
    for entry in registry.WEIGHTS.values():
        if entry.contract is not None:
            assert set(EXPRESSIONS) <= set(entry.contract.outputs)


def test_missing_optional_file_is_fetched_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "location", lambda entry: tmp_path / entry.file)
    with pytest.raises(ModelMissingError, match="moodcast models fetch emotieffnet-b0"):
        registry.path("emotieffnet-b0")


def test_packaged_files_are_in_the_repository_and_match() -> None:
    packaged = [e for e in registry.WEIGHTS.values() if any(isinstance(s, Packaged) for s in e.sources)]
    assert packaged
    for entry in packaged:
        file = registry.path(entry.name)
        assert file.stat().st_size == entry.size


def test_default_classifier_is_small_enough_to_commit() -> None:
    assert registry.get(registry.DEFAULT).size <= 5_000_000


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match=r"moodnet.*got 'mudnet'"):
        registry.get("mudnet")


def test_missing_file_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    with pytest.raises(ModelMissingError, match="moodcast models fetch"):
        registry.path("moodnet")


def test_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "moodnet.onnx").write_bytes(b"not the network")
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    with pytest.raises(ChecksumMismatchError, match="expected sha256"):
        registry.path("moodnet")


def test_an_entry_can_not_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        registry.get("moodnet").sha256 = "0"  # type: ignore[misc]
