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


def test_a_video_under_two_names_is_one(data: Path) -> None:
    events(data, "anna_1,,60,40,45,52,happy", "./anna_1,,60,10,,30,macro", "anna_1/,,60,70,75,80,")
    listing = long.find(data)
    (anna,) = listing.clips
    assert [event.onset for event in anna.events] == [10, 40, 70]


def test_classes_that_are_no_expressions(data: Path) -> None:
    events(data, "anna_1,,60,1,2,3,repression", "anna_1,,60,5,6,7,disgust", "anna_1,,60,8,8,9,Macro")
    listing = long.find(data)
    assert listing.classes == ("disgust", "repression")
    assert [event.label for event in listing.clips[0].events] == [1, 0, -1]


@pytest.mark.parametrize(
    ("row", "kept", "sentence"),
    [
        ("20,30,25,sad", Event(20, -1, 25, 4, True), "an apex is not between onset and offset on line 2 of"),
        ("20,10,25,sad", Event(20, -1, 25, 4, True), "an apex is not between onset and offset on line 2 of"),
        ("25,26,40,sad", Event(25, 26, 29, 4, True), "an offset comes after the 30 frames of"),
        ("25,35,40,sad", Event(25, -1, 29, 4, True), "an apex is not between onset and offset on line 2 of"),
        ("9,,8,sad", None, "an event is left out: its onset comes after its offset on line 2 of"),
        ("30,31,32,sad", None, "an event is left out: its onset comes after the 30 frames of"),
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
    with pytest.raises(DatasetError, match=r"expected the table of what happens in the videos in .*, as events\.csv"):
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
    assert "expected neither --faces, --seven nor --sound with long videos" in capsys.readouterr().err


def official(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def numbered(folder: Path, name: str, first: int, last: int) -> None:
    folder.mkdir(parents=True)
    for i in range(first, last + 1):
        (folder / name.format(i)).touch()


def test_samm_long(tmp_path: Path) -> None:
    header = "SAMM Long Videos\n\nSubject,Filename,Inducement Code,Onset,Apex,Offset,Duration,Type,Action Units,Notes\n"
    rows = "006,006_1_2,1,11,15,20,10,Micro - 1/2,4,\n006,006_1_3,1,31,0,0,,Macro,4,\n006,006_1_4,1,0,3,9,,Macro,12,\n"
    official(tmp_path, "SAMM_LongVideos_V3_Release.csv", header + rows + "007,007_3_1,3,1,2,3,3,Micro - 1/2,1,\n")
    numbered(tmp_path / "SAMM_longvideos" / "006_1", "006_1_{:04}.jpg", 1, 50)
    numbered(tmp_path / "SAMM_longvideos" / "008_2", "008_2_{:04}.jpg", 1, 9)
    listing = long.find(tmp_path, "samm-long")
    first, second = listing.clips
    assert (first.subject, first.fps, first.frames, first.events) == ("006", 200, 50, (Event(10, 14, 19, -1, True),))
    assert (second.subject, second.events) == ("008", ())
    assert any("007_3 is named in" in text for text in listing.missing)
    assert sum("it has no offset" in text for text in listing.missing) == 1
    assert sum("it has no onset" in text for text in listing.missing) == 1


CODES = """1,anger1_1,557,572,608,4,negative,micro-expression,anger
1,anger1_2,11,31,0,4,negative,macro-expression,anger
2,happy2_1,1,2,3,12,positive,micro-expression,happiness
"""


@pytest.mark.parametrize("excel", [False, True])
def test_casme_squared_long(tmp_path: Path, excel: bool) -> None:
    tables = {
        "CASFEcode_final": CODES,
        "naming_rule1": "1,s15,1\n2,s16,2\n",
        "naming_rule2": "401,anger1\n507,happy2\n",
    }
    if excel:
        openpyxl = pytest.importorskip("openpyxl", reason="Excel tables need openpyxl: pip install '.[train]'")
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, text in tables.items():
            sheet = book.create_sheet(name)
            for line in text.splitlines():
                sheet.append([int(cell) if cell.isdigit() else cell or None for cell in line.split(",")])
        book.save(tmp_path / "CAS(ME)^2code_final.xlsx")
    else:
        for name, text in tables.items():
            official(tmp_path, f"{name}.csv", text)
    numbered(tmp_path / "rawpic" / "s15" / "15_0401girlcrashing", "img{:03}.jpg", 1, 700)
    listing = long.find(tmp_path, "casme-squared-long")
    (clip,) = listing.clips
    assert (clip.subject, clip.fps) == ("s15", 30)
    assert clip.events == (Event(10, 30, 30, -1, False), Event(556, 571, 607, 0, True))
    assert "s16/16_0507 is named in" in listing.missing[0]
    assert "an event has no offset on line 2 of" in listing.remarks[0]


def test_casme_squared_with_a_person_that_no_rule_has(tmp_path: Path) -> None:
    """Nobody can mend an official table: the other events count."""
    official(tmp_path, "CASFEcode_final.csv", CODES)
    official(tmp_path, "naming_rule1.csv", "2,s16,2\n")
    official(tmp_path, "naming_rule2.csv", "401,anger1\n507,happy2\n")
    numbered(tmp_path / "rawpic" / "s16" / "16_0507happy", "img{:03}.jpg", 1, 9)
    listing = long.find(tmp_path, "casme-squared-long")
    assert [clip.events for clip in listing.clips] == [(Event(0, 1, 2, 1, True),)]
    first, second = listing.missing
    assert "an event is left out: the naming rules lack 1 or anger1_1, on line 1 of" in first
    assert "anger1_2, on line 2 of" in second


def test_casme_cubed_long(tmp_path: Path) -> None:
    header = "Subject,Filename,Onset,Apex,Offset,AU,Expression type,emotion\n"
    rows = "spNO.1,A,8,10,12,4,Micro-expression,disgust\nspNO.1,a,20,22,90,4,Macro-expression,disgust\n"
    official(tmp_path, "annotation/CAS(ME)3_part_A_v2.csv", header + rows)
    numbered(tmp_path / "data" / "part_A" / "spNO.1" / "a" / "color", "{}.jpg", 0, 59)
    listing = long.find(tmp_path, "casme-cubed-long")
    (clip,) = listing.clips
    assert (clip.subject, clip.fps) == ("spNO.1", 30)
    assert clip.events == (Event(8, 10, 12, 1, True), Event(20, 22, 59, -1, False))
    assert "an offset comes after the 60 frames of" in listing.remarks[0]


def test_smic_long(tmp_path: Path) -> None:
    header = "Subject,Filename,OnsetF,OffsetF,TotalMF1,Onset2F,Offset2F,Emotion\n"
    rows = "3,s3_sur_01,308860,308864,5,308870,308872,surprise\nthese are,notes,,,,,,\n"
    official(tmp_path, "HS_long/SMIC-HS-E_annotation.csv", header + rows)
    numbered(tmp_path / "HS_long" / "SMIC-HS-E" / "s03" / "s3_sur_01", "image{}.jpg", 308850, 308880)
    listing = long.find(tmp_path, "smic-long")
    (clip,) = listing.clips
    assert (clip.subject, clip.fps) == ("03", 100)
    assert clip.events == (Event(10, -1, 14, 2, True), Event(20, -1, 22, 2, True))
    assert listing.missing == ()


@pytest.mark.parametrize("name", list(long.LAYOUTS))
def test_a_folder_that_is_laid_out_otherwise(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="expected") as caught:
        long.find(tmp_path, name)
    assert str(tmp_path) in str(caught.value)
