"""Long videos and what happens in them, on tiny folders: events, rates, and what is left out or put right."""

import math
from pathlib import Path

import numpy as np
import pytest

import moodcast
from models.clips import video
from models.clips.layouts import long
from models.clips.layouts.long import Event
from models.errors import DatasetError
from relay.protocol import EXPRESSIONS


def events(folder: Path, *rows: str) -> None:
    (folder / long.TABLE).write_text("\n".join([",".join(long.COLUMNS), *rows]) + "\n")


def pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        (folder / f"{i}.png").touch()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two videos of pictures, of 100 and 30 frames."""
    pictures(tmp_path / "anna_1", 100)
    pictures(tmp_path / "deep" / "ben_1", 30)
    events(
        tmp_path, "anna_1,,60,40,45,52,happy", "anna_1,,60,10,,30,macro", "anna_1,,60,70,75,80,", "deep/ben_1,b,200,,,,"
    )
    return tmp_path


def test_plain(data: Path) -> None:
    listing = long.find(data)
    anna, ben = listing.clips
    assert listing.classes == EXPRESSIONS
    assert (anna.path, anna.subject, anna.fps, anna.frames) == (data / "anna_1", "anna", 60, 100)
    happy = EXPRESSIONS.index("happy")
    assert anna.events == (Event(10, -1, 30, -1, False), Event(40, 45, 52, happy, True), Event(70, 75, 80, -1, True))
    assert (ben.subject, ben.fps, ben.events) == ("b", 200, ())
    assert listing.missing == listing.remarks == ()


def test_classes_that_are_no_expressions(data: Path) -> None:
    events(data, "anna_1,,60,1,2,3,repression", "anna_1,,60,5,6,7,disgust", "anna_1,,60,8,8,9,macro")
    listing = long.find(data)
    assert listing.classes == ("disgust", "repression")
    assert [event.label for event in listing.clips[0].events] == [1, 0, -1]


@pytest.mark.parametrize(
    ("row", "kept", "sentence"),
    [
        ("20,30,25,sad", Event(20, -1, 25, 4, True), "the apex 30 is not from 20 to 25 on line 2 of"),
        ("20,10,25,sad", Event(20, -1, 25, 4, True), "the apex 10 is not from 20 to 25 on line 2 of"),
        ("25,26,40,sad", Event(25, 26, 29, 4, True), "the offset 40 comes after the 30 frames of"),
        ("25,35,40,sad", Event(25, -1, 29, 4, True), "the apex 35 is not from 25 to 29 on line 2 of"),
        ("9,,8,sad", None, "an event is left out: its onset 9 comes after its offset 8 on line 2 of"),
        ("30,31,32,sad", None, "an event is left out: its onset 30 comes after the 30 frames of"),
    ],
)
def test_an_event_that_can_not_be(data: Path, row: str, kept: Event | None, sentence: str) -> None:
    events(data, f"deep/ben_1,,60,{row}", "deep/ben_1,,60,1,2,3,sad")
    listing = long.find(data)
    (ben,) = listing.clips
    assert ben.events == (Event(1, 2, 3, 4, True), *([kept] if kept else []))
    assert sentence in (listing.missing + listing.remarks)[-1]


def test_broken_videos_are_told_and_the_others_count(data: Path) -> None:
    pictures(data / "one", 1)
    (data / "empty").mkdir()
    (data / "film.mp4").write_bytes(b"no film")
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    events(data, *(f"{name},,60,,,," for name in ("one", "empty", "film.mp4", "lost", "anna_1")))
    listing = long.find(data)
    assert [clip.path.name for clip in listing.clips] == ["anna_1"]
    for name, sentence in zip(
        ("one", "empty", "film.mp4", "lost"),
        ("has one frame", "has no frame", "can't be decoded", "is named in events.csv, but is not there"),
        strict=True,
    ):
        assert any(name in text and sentence in text for text in listing.missing), name
    events(data, "lost,,60,,,,")
    with pytest.raises(DatasetError, match=r"none of those that are named can be used: .*lost"):
        long.find(data)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "expected long videos in .*, but none is named"),
        (["anna_1,,60,1,2,,happy"], "expected onset and offset of an event, or no moments at all, on line 2"),
        (["anna_1,,60,one,2,3,happy"], "expected the number of a frame as onset, or none, on line 2 .*'one'"),
        (["anna_1,,1000,,,,"], "expected 5 to 500 frames a second as fps, or none, on line 2 .*'1000'"),
        (["anna_1,,fast,,,,"], "expected 5 to 500 frames a second .*'fast'"),
        (
            ["anna_1,,60,,,,", "anna_1,,30,1,2,3,sad"],
            "expected one fps for all of anna_1, got '60' and, on line 3 .*'30'",
        ),
        (["anna_1,a,60,,,,", "anna_1,b,60,1,2,3,sad"], "expected one subject for all of anna_1, got 'a' and"),
    ],
)
def test_mistakes_in_the_table(data: Path, rows: list[str], complaint: str) -> None:
    events(data, *rows)
    with pytest.raises(DatasetError, match=complaint):
        long.find(data)


def test_without_a_table_or_a_folder(data: Path) -> None:
    (data / long.TABLE).unlink()
    with pytest.raises(DatasetError, match=r"events.csv can't be read"):
        long.find(data)
    with pytest.raises(DatasetError, match="expected a folder of long videos"):
        long.find(data / "nowhere")
    with pytest.raises(DatasetError, match=r"long-plain.*got 'plain'"):
        long.find(data, "plain")


def test_rates_of_videos(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    film = [np.full((32, 32, 3), 9 * i, np.uint8) for i in range(20)]
    video.write_mp4(film, tmp_path / "a.mp4")
    events(tmp_path, "a.mp4,,,,,,")
    listing = long.find(tmp_path)
    assert (listing.clips[0].fps, listing.clips[0].frames, listing.remarks) == (video.FPS, 20, ())
    events(tmp_path, "a.mp4,,200,1,2,3,sad")
    listing = long.find(tmp_path)
    assert listing.clips[0].fps == 200
    (remark,) = listing.remarks
    assert remark.endswith("a.mp4 says 25 frames a second, and the table 200: the table counts")


def test_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(data / "unknown", 7)
    with (data / long.TABLE).open("a") as table:
        table.write("unknown,,,,,,\n")
    assert math.isnan(long.find(data).clips[-1].fps)
    assert moodcast.main(["models", "clips", str(data), "--layout", "long-plain"]) == 0
    out = capsys.readouterr().out
    assert "3 long videos of 3 people" in out
    assert "0.0 minutes (1 of unknown length or rate)" in out
    assert "micro-expressions: 2, in 1 videos" in out
    assert "ordinary expressions: 1" in out
    assert moodcast.main(["models", "clips", str(data), "--layout", "-"]) == 0
    assert "long-plain" in capsys.readouterr().out
    assert moodcast.main(["models", "clips", str(data), "--layout", "long-plain", "--faces", "64"]) != 0
    assert "expected neither --faces nor --seven with long videos" in capsys.readouterr().err
