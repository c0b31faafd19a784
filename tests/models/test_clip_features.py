"""Features of clips: what the network makes of chosen frames, reckoned once, whatever happens to disk and files."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent import face_stage
from models import atomic
from models.clips import layouts, video
from models.errors import DatasetError
from models.inference.contract import IMAGENET, CropSpec
from models.personal import features
from models.personal.face_networks import FaceNetwork
from models.personal.features import FeatureClips


class Means:
    """A network whose features are a face's mean colours; it counts the faces that it saw."""

    def __init__(self, identity: str = "1") -> None:
        self.seen = 0
        self.network = FaceNetwork("means", identity, CropSpec(16, 1.0, IMAGENET), self.read)

    def read(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.seen += len(faces)
        assert faces.shape[1:] == (16, 16, 3)
        return faces.mean((1, 2), dtype=np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three clips of people, each brighter than the one before, frame by frame; one has more frames than are seen."""
    folder = tmp_path / "data"
    for i, (name, frames) in enumerate((("happy/ann_1", 3), ("sad/ann_2", features.FRAMES + 9), ("sad/ben_1", 5))):
        video.write_pictures([np.full((20, 20, 3), 40 * i + t, np.uint8) for t in range(frames)], folder / name)
    return folder


def read(data: Path, means: Means) -> FeatureClips:
    return features.of_folder(data, layouts.find(data), means.network, face_stage, "models test", aligned=True)


def stored(data: Path) -> list[Path]:
    return sorted((data / features.FOLDER).rglob("*.npz"))


def test_clips_come_with_their_features_names_and_people(data: Path) -> None:
    found = read(data, Means())
    assert found.clips == ["happy/ann_1", "sad/ann_2", "sad/ben_1"]
    assert found.subjects == ["ann", "ann", "ben"]
    assert [found.classes[label] for label in found.labels] == ["happy", "sad", "sad"]
    assert [one.shape for one in found.features] == [(3, 3), (features.FRAMES, 3), (5, 3)]
    assert found.width == 3
    brightness = found.features[1][:, 0]
    np.testing.assert_allclose(brightness[[0, -1]], [40, 40 + features.FRAMES + 8], atol=2)
    assert (np.diff(brightness) > 0).all()


def test_no_face_is_looked_at_twice_by_the_same_network(data: Path) -> None:
    means = Means()
    first = read(data, means)
    seen = means.seen
    again = read(data, means)
    assert means.seen == seen
    for one, other in zip(first.features, again.features, strict=True):
        np.testing.assert_array_equal(one, other)
    other = Means("2")
    read(data, other)
    assert other.seen == seen


def test_a_changed_clip_is_looked_at_anew(data: Path) -> None:
    means = Means()
    before = read(data, means).features
    seen = means.seen
    video.write_pictures([np.full((20, 20, 3), 200, np.uint8)], data / "happy" / "ann_1")
    for picture in (data / "happy" / "ann_1").iterdir():
        os.utime(picture, ns=(1, 10**18))
    after = read(data, means).features
    assert means.seen - seen < 5
    assert after[0][0, 0] > 150 > before[0][0, 0]
    np.testing.assert_array_equal(after[2], before[2])


def other_compression(archive: bytes) -> bytes:
    """One bit is another in the first entry of the archive's list: it is said to be compressed in an unknown way."""
    place = archive.index(b"PK\1\2") + 10
    return archive[:place] + b"\x20" + archive[place + 1 :]


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "one bit", "wrong", "pickle", "no numbers"])
def test_a_damaged_file_is_made_anew_and_told_of(data: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    means = Means()
    before = read(data, means).features
    file, seen = stored(data)[0], means.seen
    if damage in ("empty", "cut", "other"):
        file.write_bytes({"empty": b"", "cut": file.read_bytes()[:100], "other": b"no archive at all"}[damage])
    elif damage == "one bit":
        file.write_bytes(other_compression(file.read_bytes()))
    elif damage == "pickle":
        np.savez(file, features=np.array([{"run": print}], object))
    else:
        np.savez(
            file, features=np.full((2, 3), np.nan if damage == "no numbers" else 1, "f4" if damage[0] == "n" else "f8")
        )
    after = read(data, means).features
    assert 0 < means.seen - seen <= features.FRAMES
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    out, told = capsys.readouterr()
    assert not out  # figures may go there
    assert f"{file} can't be read" in told
    assert "made anew" in told
    assert read(data, Means()).width == 3
    assert "made anew" not in "".join(capsys.readouterr())


def test_a_full_disk_keeps_what_was_made_and_the_next_run_goes_on(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(data, Means("faces are cut now"))
    means, write, left = Means(), atomic.write, [2]

    def filling(content: bytes, path: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write(content, path)

    monkeypatch.setattr(atomic, "write", filling)
    with pytest.raises(DatasetError, match=r"No space left on device\); 2 of 3 clips are looked at: make room"):
        read(data, means)
    monkeypatch.undo()
    seen = means.seen
    assert len(read(data, means).features) == 3
    assert means.seen - seen == 5
    assert not [file for file in data.rglob(".moodcast-*") if file.is_file()]


def test_clips_without_a_picture_are_left_out_and_told_of(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "sad" / "cy_1").mkdir()
    (data / "sad" / "cy_1" / "1.png").write_bytes(b"no picture")
    assert read(data, Means()).clips == ["happy/ann_1", "sad/ann_2", "sad/ben_1"]
    out, told = capsys.readouterr()
    assert "1 of 4 clips are left out, such as" in told
    assert not out  # figures may go there


def test_as_many_of_everything() -> None:
    with pytest.raises(DatasetError, match="expected one clip or more and as many labels"):
        FeatureClips([], np.array([], np.int64), [], ("a",), [])
    with pytest.raises(DatasetError, match="got 1, 2, 1, 1"):
        FeatureClips([np.zeros((1, 2), np.float32)], np.array([0, 1]), ["s"], ("a",), ["c"])
