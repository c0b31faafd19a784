"""Adapters of data sets' folder layouts, on tiny trees with the official names: who, what, when, and which fold."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.clips import layouts
from models.clips.layouts import LAYOUTS, Listing, as_expressions
from models.clips.layouts.entry import expression_of
from models.errors import DatasetError
from relay.protocol import EXPRESSIONS

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Empty files, or files with a text, under the folder."""

    def put(*names: str, text: str = "") -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    return put


def labels(listing: Listing) -> dict[str, str]:
    return {clip.path.name: listing.classes[clip.label] for clip in listing.clips}


def names(listing: Listing, fold: str) -> tuple[list[str], list[str]]:
    parts = listing.folds[fold]
    train, test = ([listing.clips[i].path.name for i in part] for part in (parts.train, parts.test))
    return train, test


def test_every_layout_has_as_many_expressions_as_classes() -> None:
    for layout in LAYOUTS.values():
        assert len(layout.expressions) == len(layout.classes)
        assert {name for name in layout.expressions if name} <= set(EXPRESSIONS)


def test_plain(tmp_path: Path, write: Write) -> None:
    write("happy/anna_1.mp4", "happy/anna_10.mp4", "sadness/ben_2/0001.png", "sadness/7.avi", "sadness/notes.txt")
    listing = layouts.find(tmp_path)
    assert listing.classes == EXPRESSIONS
    assert labels(listing) == {"anna_1.mp4": "happy", "anna_10.mp4": "happy", "ben_2": "sad", "7.avi": "sad"}
    assert [clip.subject for clip in listing.clips] == ["anna", "anna", "sadness/7", "ben"]
    write("bored/1.mp4")
    assert layouts.find(tmp_path).classes == ("bored", "happy", "sadness")
    seven = as_expressions(layouts.find(tmp_path))
    assert seven.classes == EXPRESSIONS
    assert labels(seven) == labels(listing)


def test_people(tmp_path: Path, write: Write) -> None:
    write("anna/happy/1.mp4", "anna/happy/10.mp4", "anna/fear/2/0001.png", "ben/Happiness/1.mp4", "ben/notes.txt")
    listing = layouts.find(tmp_path, "people")
    assert listing.classes == EXPRESSIONS
    shown = [(clip.subject, listing.classes[clip.label], clip.path.name) for clip in listing.clips]
    assert shown == [
        ("anna", "fear", "2"),
        ("anna", "happy", "1.mp4"),
        ("anna", "happy", "10.mp4"),
        ("ben", "happy", "1.mp4"),
    ]
    write("ben/bored/1.mp4")
    assert layouts.find(tmp_path, "people").classes == ("Happiness", "bored", "fear", "happy")
    with pytest.raises(DatasetError, match=r"expected clips as SUBJECT/CLASS/CLIP.mp4 or .*, got none"):
        layouts.find(tmp_path / "anna", "people")


def test_plain_takes_no_folder_without_a_picture_for_a_clip(tmp_path: Path, write: Write) -> None:
    write("pip-1/build/lib/module.py", "user/deep/cache/pictures/1.png", "user/.hidden/1.png", "user/1.png")
    write("happy/a/1.png", "happy/b/notes.txt")
    listing = layouts.find(tmp_path)
    assert [clip.path.name for clip in listing.clips] == ["a"]
    write("anna/happy/1/1.png")
    with pytest.raises(DatasetError, match=r"expected clips as CLASS/CLIP.mp4 or CLASS/CLIP/PICTURES in .*, got none"):
        layouts.find(tmp_path / "user")
    assert not layouts.find(tmp_path / "anna").missing


def test_plain_with_the_root_as_a_clip(tmp_path: Path, write: Write) -> None:
    write("clips.csv", text="file,label,subject,intensity,onset,apex\n/,happy,a\n")
    assert [clip.sound for clip in layouts.find(tmp_path).clips] == [None]


def test_plain_with_sound(tmp_path: Path, write: Write) -> None:
    """Sound beside pictures of its name is theirs, and otherwise a clip."""
    write("happy/a_1.mp4", "happy/a_1.wav", "happy/a_1.mp3", "happy/b_1/0001.png", "happy/b_1.flac", "sad/c_1.opus")
    write("ben/sad/1.wav", "ben/sad/1.mp4", "ben/happy/2.ogg")
    found = {clip.path.name: clip.sound.name if clip.sound else "" for clip in layouts.find(tmp_path).clips}
    assert found == {"a_1.mp4": "a_1.wav", "b_1": "b_1.flac", "c_1.opus": ""}
    people = layouts.find(tmp_path, "people").clips
    assert {clip.path.name: clip.sound.name if clip.sound else "" for clip in people} == {"2.ogg": "", "1.mp4": "1.wav"}
    write("clips.csv", text="file,label,subject,intensity,onset,apex\nhappy/a_1,happy,a\nsad/c_1,sad,c\n")
    assert labels(layouts.find(tmp_path)) == {"a_1.mp4": "happy", "c_1.opus": "sad"}


@pytest.mark.parametrize(
    ("folders", "rows", "complaint"),
    [
        ("happy sad", ["happy/1.mp4,happy", "sad/1.mp4,sda"], r"expected one of happy, sad on line 3 of .*, got 'sda'"),
        ("happy sad", ["happy/1.mp4,Happiness", "sad/1.mp4,"], r"expected one of happy, sad on line 3 of .*, got ''"),
        ("yes no", ["yes/1.mp4,yes", "no/1.mp4,on"], r"expected one of no, yes on line 3 of .*, got 'on'"),
        (
            "ann/yes ann/no",
            ["ann/yes/1.mp4,yes", "ann/no/1.mp4,on"],
            r"expected one of no, yes on line 3 of .*, got 'on'",
        ),
    ],
)
def test_plain_with_a_class_that_is_none(
    tmp_path: Path, write: Write, folders: str, rows: list[str], complaint: str
) -> None:
    write(*(f"{folder}/1.mp4" for folder in folders.split()))
    write("clips.csv", text="\n".join(["file,label,subject,intensity,onset,apex", *rows]))
    with pytest.raises(DatasetError, match=complaint):
        layouts.find(tmp_path)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["clips/1.mp4,tired", "clips/2.mp4,awake"], ["tired", "awake"]),  # no folder tells of classes
        (["happy/1.mp4,Happiness", "sad/1.mp4,sadness"], ["happy", "sad"]),
        (["happy/1.mp4,sad", "sad/1.mp4,happy"], ["sad", "happy"]),
    ],
)
def test_plain_with_labels_in_other_words(tmp_path: Path, write: Write, rows: list[str], found: list[str]) -> None:
    write("clips/1.mp4", "clips/2.mp4", "happy/1.mp4", "sad/1.mp4")
    write("clips.csv", text="\n".join(["file,label,subject,intensity,onset,apex", *rows]))
    listing = layouts.find(tmp_path)
    assert [listing.classes[clip.label] for clip in listing.clips] == found


def test_plain_with_a_table(tmp_path: Path, write: Write) -> None:
    write("happy/a_1.mp4", "happy/unnamed.mp4", "neutral/a_2.mp4")
    rows = "happy/a_1.mp4,happy,ann,0.4,2,7,12,60\nneutral/a_2.mp4,neutral,ann,,NaN,nan,,\nsad/lost.mp4,sad,ann\n"
    write("clips.csv", text="file,label,subject,intensity,onset,apex,offset,fps\n" + rows)
    listing = layouts.find(tmp_path)
    smile, calm = listing.clips
    assert (smile.subject, smile.intensity, smile.fps) == ("ann", 0.4, 60)
    assert (smile.onset, smile.apex, smile.offset) == (2, 7, 12)
    assert math.isnan(calm.intensity)
    assert math.isnan(calm.fps)
    assert (calm.onset, calm.apex, calm.offset) == (-1, -1, -1)
    assert len(listing.missing) == 1
    assert "lost.mp4 is named in clips.csv, but is not there" in listing.missing[0]
    write("clips.csv", text="file,label,subject,intensity,onset,apex,offset\nhappy/a_1.mp4,happy,,,2,7,6\n")
    with pytest.raises(DatasetError, match=r"expected the offset after onset and apex on line 2 of .*, got 6"):
        layouts.find(tmp_path)


def test_dfew(tmp_path: Path, write: Write) -> None:
    for fold in range(1, 6):
        train = [f"{i},{i}" for i in range(1, 8) if i != fold] + ["8,1"]
        write(f"EmoLabel_DataSplit/train(single-labeled)/set_{fold}.csv", text="video_name,label\n" + "\n".join(train))
        write(f"EmoLabel_DataSplit/test(single-labeled)/set_{fold}.csv", text=f"video_name,label\n{fold},{fold}\n")
    write(*(f"Clip/jpg_256/0000{i}/00001.jpg" for i in range(1, 7)), "Clip/original/7.mp4")
    listing = layouts.find(tmp_path, "dfew")
    assert labels(listing) == {
        "00002": "sad", "00003": "neutral", "00004": "angry", "00005": "surprise", "00006": "disgust", "7.mp4": "fear",
        "00001": "happy",
    }  # fmt: skip
    assert list(listing.folds) == ["1", "2", "3", "4", "5"]
    assert names(listing, "3") == (["00001", "00002", "00004", "00005", "00006", "7.mp4"], ["00003"])
    assert len(listing.missing) == 1
    assert "00008 is named in a split file" in listing.missing[0]
    write("Clip/clip_224x224/00003/00003_00001.jpg")
    assert {clip.path.parent.name for clip in layouts.find(tmp_path, "dfew").clips if clip.label == 2} == {
        "clip_224x224"
    }
    write("EmoLabel_DataSplit/train(single-labeled)/set_2.csv", text="video_name,label\n1,8\n")
    with pytest.raises(DatasetError, match=r"labels from 1 to 7 .*'8'"):
        layouts.find(tmp_path, "dfew")


def test_ferv39k(tmp_path: Path, write: Write) -> None:
    write("4_setups/All_scenes/train_All.csv", text="Action/Happy/0267 Happy\nCrime/Angry/0063 Angry\n")
    write("4_setups/All_scenes/test_All.csv", text="Action/Fear/0001 Fear\n")
    write(
        *(f"2_ClipsforFaceCrop/{name}/1.jpg" for name in ("Action/Happy/0267", "Crime/Angry/0063", "Action/Fear/0001"))
    )
    listing = layouts.find(tmp_path, "ferv39k")
    assert listing.classes == ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
    assert labels(listing) == {"0267": "happy", "0063": "angry", "0001": "fear"}
    assert names(listing, "all scenes") == (["0267", "0063"], ["0001"])
    write("4_setups/All_scenes/test_All.csv", text="Action/Fear/0001 Bored\n")
    with pytest.raises(DatasetError, match="got 'bored'"):
        layouts.find(tmp_path, "ferv39k")


def test_mafw(tmp_path: Path, write: Write) -> None:
    for fold in range(1, 6):
        write(f"Train & Test Set/single/no_caption/set_{fold}/train.txt", text="00001.mp4 anger\n00002.mp4 contempt\n")
        write(f"Train & Test Set/single/no_caption/set_{fold}/test.txt", text="00003.mp4 happiness\n")
    write("data/clips/00001.mp4", "data/frames/00002/00001.png", "data/frames/00003/00001.png")
    listing = layouts.find(tmp_path, "mafw")
    assert labels(listing) == {"00001.mp4": "anger", "00002": "contempt", "00003": "happiness"}
    assert listing.classes.index("contempt") == 7
    seven = as_expressions(listing)
    assert labels(seven) == {"00001.mp4": "angry", "00003": "happy"}
    assert names(seven, "5") == (["00001.mp4"], ["00003"])


def test_afew(tmp_path: Path, write: Write) -> None:
    write("Train_AFEW/Sad/000046280.wav")  # what somebody took out of a film
    write("Train_AFEW/Angry/1.avi", "Train_AFEW/Sad/2.avi", "Train_AFEW/AlignedFaces_LBPTOP_Points/Faces/1/1.jpg")
    write("Val_AFEW/Angry/1.avi")
    listing = layouts.find(tmp_path, "afew")
    assert [listing.classes[clip.label] for clip in listing.clips] == ["angry", "sad", "angry"]
    assert listing.folds["validation"].train == (0, 1)
    assert listing.folds["validation"].test == (2,)


def test_ravdess(tmp_path: Path, write: Write) -> None:
    for actor in range(1, 25):
        write(f"Actor_{actor:02}/02-01-06-02-01-01-{actor:02}.mp4")
    write("Actor_01/01-01-06-02-01-01-01.mp4")  # the same take with sound
    write("Actor_01/01-01-08-01-01-01-01.mp4")  # with sound only
    write("Actor_01/02-02-03-01-01-01-01.mp4")  # song
    write("Actor_01/02-02-07-01-01-01-01.mp4")  # which nobody sings
    write("Actor_01/03-01-03-01-01-01-01.wav", "Audio/Actor_02/03-01-06-02-01-01-02.wav")
    listing = layouts.find(tmp_path, "ravdess")
    assert len(listing.clips) == 26
    heard = {clip.path.name: clip.sound.name if clip.sound else "" for clip in listing.clips}
    assert heard["02-01-06-02-01-01-01.mp4"] == "01-01-06-02-01-01-01.mp4"
    assert heard["02-01-06-02-01-01-02.mp4"] == "03-01-06-02-01-01-02.wav"
    assert heard["02-01-06-02-01-01-03.mp4"] == heard["01-01-08-01-01-01-01.mp4"] == ""
    assert heard["03-01-03-01-01-01-01.wav"] == ""  # nothing but sound
    assert labels(listing)["02-01-06-02-01-01-07.mp4"] == "fearful"
    assert labels(listing)["01-01-08-01-01-01-01.mp4"] == "surprised"
    assert {clip.intensity for clip in listing.clips if clip.label == 5} == {1.0}
    tested = [{listing.clips[i].subject for i in fold.test} for fold in listing.folds.values()]
    assert tested[0] == {"02", "05", "14", "15", "16"}
    assert tested[5] == {"01", "02", "03", "04"}
    for folds in (tested[:5], tested[5:]):
        assert sorted(subject for fold in folds for subject in fold) == [f"{actor:02}" for actor in range(1, 25)]
    for fold in listing.folds.values():
        assert sorted(fold.train + fold.test) == list(range(26))
    song = layouts.find(tmp_path, "ravdess-song")
    assert labels(song) == {"02-02-03-01-01-01-01.mp4": "happy"}
    assert song.classes == ("neutral", "calm", "happy", "sad", "angry", "fearful")
    assert song.folds["5"].test == (0,)
    both = layouts.find(tmp_path, "ravdess-both")
    assert len(both.clips) == 28
    assert len(both.classes) == 8


def test_crema_d(tmp_path: Path, write: Write) -> None:
    write(*(f"VideoFlash/{actor}_IEO_HAP_HI.flv" for actor in range(1001, 1092)))
    write("VideoFlash/1001_DFA_NEU_XX.flv", "VideoFlash/1040_ITH_SAD_X.flv", "AudioMP3/1091_TIE_SAD_XX.mp3")
    write("VideoFlash/readme.txt")
    write("AudioMP3/1001_IEO_HAP_HI.mp3", "AudioWAV/1001_IEO_HAP_HI.wav")
    listing = layouts.find(tmp_path, "crema-d")
    assert len(listing.clips) == 94
    heard = {clip.path.name: clip.sound.name for clip in listing.clips if clip.sound}
    assert heard == {"1001_IEO_HAP_HI.flv": "1001_IEO_HAP_HI.wav"}
    assert labels(listing)["1091_TIE_SAD_XX.mp3"] == "SAD"
    (calm,) = (clip for clip in listing.clips if listing.classes[clip.label] == "NEU")
    assert math.isnan(calm.intensity)
    assert calm.subject == "1001"
    tested = [sorted({listing.clips[i].subject for i in fold.test}) for fold in listing.folds.values()]
    assert [(found[0], found[-1]) for found in tested] == [
        ("1001", "1018"), ("1019", "1036"), ("1037", "1054"), ("1055", "1072"), ("1073", "1091"),
    ]  # fmt: skip


CODING = """Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion
1,EP02_01f,,46,59,86,,12,happiness
1,EP03_02,,3,/,9,,,others
17,EP01_06,,10,12,14,,4+7,disgust
2,EP09_01,,1,2,3,,,fear
2,EP99_01,,1,2,3,,,surprise
"""


@pytest.fixture
def casme2(write: Write) -> None:
    write("CASME2-coding-20140508.csv", text=CODING)
    for clip, first, last in (("sub01/EP02_01f", 40, 90), ("sub01/EP03_02", 1, 20), ("sub17/EP01_06", 10, 14)):
        write(*(f"Cropped/{clip}/reg_img{i}.jpg" for i in range(first, last + 1)))
    write(*(f"Cropped/sub02/EP09_01/reg_img{i}.jpg" for i in range(1, 4)))


@pytest.mark.usefixtures("casme2")
def test_casme2(tmp_path: Path) -> None:
    listing = layouts.find(tmp_path, "casme2")
    smile, other, disgust = listing.clips
    assert [listing.classes[clip.label] for clip in listing.clips] == ["happiness", "others", "disgust"]
    assert [clip.subject for clip in listing.clips] == ["01", "01", "17"]
    assert (smile.start, smile.stop, smile.onset, smile.apex, smile.offset) == (6, 47, 0, 13, 40)
    assert (other.start, other.stop, other.apex) == (2, 9, -1)
    assert (disgust.start, disgust.stop, disgust.apex) == (0, 5, 2)
    assert {clip.fps for clip in listing.clips} == {200}
    assert len(listing.missing) == 1
    assert listing.remarks == ()
    assert listing.layout.steady
    three = layouts.find(tmp_path, "casme2-3")
    assert [three.classes[clip.label] for clip in three.clips] == ["positive", "negative", "negative"]
    assert labels(as_expressions(listing)) == {"EP02_01f": "happy", "EP01_06": "disgust"}


@pytest.mark.usefixtures("casme2")
def test_moments_of_an_official_table_that_contradict_each_other(tmp_path: Path, write: Write) -> None:
    """An apex outside of its expression is not known; without a begin and an end there is no clip."""
    odd = CODING.replace("46,59,86", "46,40,86").replace("10,12,14", "14,12,10")
    write("CASME2-coding-20140508.csv", text=odd)
    listing = layouts.find(tmp_path, "casme2")
    smile, _ = listing.clips
    assert (smile.start, smile.stop, smile.onset, smile.apex) == (6, 47, 0, -1)
    assert len(listing.missing) == 2
    (sentence,) = (text for text in listing.missing if "EP01_06" in text)
    assert "is left out: its onset 14 comes after its offset 10 on line 4 of" in sentence
    (remark,) = listing.remarks
    assert "EP02_01f is not from 46 to 86 on line 2 of" in remark


@pytest.mark.usefixtures("casme2")
def test_an_expression_of_one_picture_is_left_out(tmp_path: Path, write: Write) -> None:
    write("CASME2-coding-20140508.csv", text=CODING.replace("10,12,14", "10,10,10"))
    listing = layouts.find(tmp_path, "casme2")
    assert len(listing.clips) == 2
    (sentence,) = (text for text in listing.missing if "EP01_06" in text)
    assert "is left out: it has fewer than two pictures from onset to offset on line 4 of" in sentence


@pytest.mark.usefixtures("casme2")
def test_an_old_excel_table_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "CASME2-coding-20140508.csv").rename(tmp_path / "CASME2-coding-20140508.xls")
    with pytest.raises(DatasetError, match=r"coding file as .xlsx or .csv, got .*.xls: open it, and save it as .xlsx"):
        layouts.find(tmp_path, "casme2")


@pytest.mark.usefixtures("casme2")
def test_an_excel_table_is_read_like_a_csv(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="Excel tables need openpyxl: pip install '.[train]'")
    by_csv = layouts.find(tmp_path, "casme2")
    book = openpyxl.Workbook()
    for line in CODING.splitlines():
        book.active.append([int(cell) if cell.isdigit() else cell or None for cell in line.split(",")])
    book.save(tmp_path / "CASME2-coding-20190701.xlsx")
    (tmp_path / "CASME2-coding-20140508.csv").unlink()
    assert layouts.find(tmp_path, "casme2").clips == by_csv.clips
    (tmp_path / "CASME2-coding-20190701.xlsx").write_bytes(b"PK broken")
    with pytest.raises(DatasetError, match=r"expected an Excel table \(.xlsx\)"):
        layouts.find(tmp_path, "casme2")


def test_casme(tmp_path: Path, write: Write) -> None:
    rows = "1,EP01_5,,12,14,,16,,disgust\n19,EP19_01,,1,3,,4,,tense\n2,EP03_1,,1,2,,3,,happiness\n"
    write("casme.csv", text="Subject,Filename,,OnsetF,ApexF1,ApexF2,OffsetF,,Emotion\n" + rows)
    write(*(f"CASME_raw_selected/sub01/EP01_5/EP01_5-{i}.jpg" for i in range(10, 20)))
    write(*(f"Section B/sub19/EP19_01/EP19_01-{i:03}.jpg" for i in range(1, 6)))
    listing = layouts.find(tmp_path, "casme")
    disgust, tense = listing.clips
    assert listing.classes == ("disgust", "repression", "surprise", "tense")
    assert labels(listing) == {"EP01_5": "disgust", "EP19_01": "tense"}
    assert (disgust.subject, disgust.start, disgust.stop, disgust.apex, disgust.fps) == ("01", 2, 7, 2, 60)
    assert (tense.subject, tense.start, tense.stop, tense.apex) == ("19", 0, 4, 2)
    assert labels(layouts.find(tmp_path, "casme-3")) == {"EP01_5": "negative"}


def test_casme_squared_has_the_micro_expressions_of_the_long_videos(tmp_path: Path, write: Write) -> None:
    codes = (
        "1,anger1_1,557,572,608,4,negative,micro-expression,anger\n1,anger1_2,5,7,9,4,negative,macro-expression,anger\n"
    )
    write("CASFEcode_final.csv", text=codes)
    write("naming_rule1.csv", text="1,s15,1\n")
    write("naming_rule2.csv", text="401,anger1\n")
    write(*(f"rawpic/s15/15_0401girlcrashing/img{i:03}.jpg" for i in range(1, 701)))
    listing = layouts.find(tmp_path, "casme-squared")
    (clip,) = listing.clips
    assert listing.classes[clip.label] == "negative"
    assert (clip.subject, clip.start, clip.stop, clip.fps) == ("s15", 556, 608, 30)
    assert (clip.onset, clip.apex, clip.offset) == (0, 15, 51)
    write("CASFEcode_final.csv", text=codes.replace("micro-", "macro-"))
    with pytest.raises(DatasetError, match="expected micro-expressions with their emotions"):
        layouts.find(tmp_path, "casme-squared")


@pytest.mark.parametrize(
    ("pictures", "start"), [("Part_A_ME_clip/frame/spNO.1_a_355/{}.jpg", 0), ("part_A/spNO.1/a/color/{}.jpg", 55)]
)
def test_casme_cubed(tmp_path: Path, write: Write, pictures: str, start: int) -> None:
    rows = "spNO.1,a,355,359,364,4,II,disgust\nspNO.1,b,1,2,3,4,II,bored\n"
    header = "Subject,Filename,Onset,Apex,Offset,AU,Objective class,emotion\n"
    write("annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.csv", text=header + rows)
    write(*(pictures.format(i) for i in range(355 - start, 366)))
    listing = layouts.find(tmp_path, "casme-cubed")
    (clip,) = listing.clips
    assert listing.classes[clip.label] == "disgust"
    assert (clip.subject, clip.start, clip.stop, clip.apex, clip.fps) == ("spNO.1", start, start + 10, 4, 30)
    assert [clip.label for clip in layouts.find(tmp_path, "casme-cubed-3").clips] == [0]


def test_ck_plus(tmp_path: Path, write: Write) -> None:
    images, emotions = "cohn-kanade-images", "Emotion"
    for person, sequence, text, pictures in (("S005", "001", "   3.0000000e+00", 11), ("S010", "002", "5", 1)):
        write(*(f"{images}/{person}/{sequence}/{person}_{sequence}_{i:08}.png" for i in range(1, pictures + 1)))
        write(f"{emotions}/{person}/{sequence}/{person}_{sequence}_{pictures:08}_emotion.txt", text=text)
    write(*(f"{images}/S005/003/S005_003_0000000{i}.png" for i in (1, 2)), f"{images}/S005/.DS_Store")  # no emotion
    (emotion := tmp_path / emotions / "S005" / "003").mkdir(parents=True)
    listing = layouts.find(tmp_path, "ck-plus")
    (clip,) = listing.clips
    assert listing.classes[clip.label] == "disgust"
    assert (clip.subject, clip.onset, clip.apex, clip.fps) == ("S005", 0, 10, 30)
    (sentence,) = listing.missing
    assert sentence.endswith("S010/002 has an emotion, but one picture")
    eight = layouts.find(tmp_path, "ck-plus-8")
    assert [(eight.classes[clip.label], clip.stop) for clip in eight.clips] == [("disgust", None), ("neutral", 2)]
    (emotion / "S005_003_00000001_emotion.txt").write_text("8")
    (emotion / "._S005_003_00000001_emotion.txt").write_bytes(bytes([0, 5, 22, 255]))
    listing = layouts.find(tmp_path, "ck-plus")
    assert listing.clips == (clip,)
    odd, sentence = listing.missing
    assert "S005/003 is left out: expected a number from 1 to 7 in" in odd
    assert odd.endswith("got '8'")


def test_samm(tmp_path: Path, write: Write) -> None:
    header = "Subject,Filename,Inducement Code,Onset Frame,Apex Frame,Offset Frame,Duration,Estimated Emotion"
    notes = "SAMM: spontaneous micro-movements\nCite: Davison et al.\n\n"
    rows = "006,006_1_2,1,5562,5588,5632,71,Anger\n7,007_3_1,3,100,-1,110,11,Other\n8,008_1_1,1,1,2,3,3,Fear\n"
    write("SAMM_Micro_FACS_Codes_v2.csv", text=f"{notes}{header}\n{rows}")
    write(*(f"SAMM/006/006_1_2/006_{i:05}.jpg" for i in range(5562, 5633)))
    write(*(f"SAMM/007/007_3_1/007_{i:05}.jpg" for i in range(100, 111)))
    write(*(f"SAMM/008/008_1_1/008_{i:05}.jpg" for i in range(1, 4)))
    listing = layouts.find(tmp_path, "samm")
    anger, other = listing.clips
    assert labels(listing) == {"006_1_2": "anger", "007_3_1": "other"}
    assert (anger.subject, anger.start, anger.stop, anger.apex) == ("006", 0, 71, 26)
    assert (other.subject, other.apex) == ("007", -1)
    assert set(labels(layouts.find(tmp_path, "samm-3")).values()) == {"negative"}


def test_smic(tmp_path: Path, write: Write) -> None:
    for clip in ("s01/micro/negative/s1_ne_01", "s01/micro/positive/s1_po_01", "s20/micro/surprise/s20_sur_01"):
        write(*(f"SMIC_all_cropped/HS/{clip}/reg_image{i:06}.bmp" for i in range(14001, 14012)))
    write("SMIC_all_cropped/HS/s01/non_micro/s1_nm_01/1.bmp")
    listing = layouts.find(tmp_path, "smic")
    assert labels(listing) == {"s1_ne_01": "negative", "s1_po_01": "positive", "s20_sur_01": "surprise"}
    assert [clip.subject for clip in listing.clips] == ["01", "01", "20"]
    assert {(clip.onset, clip.apex) for clip in listing.clips} == {(0, -1)}
    with pytest.raises(DatasetError, match=r"among Moodcast's expressions .*, but of the 1 clips none is"):
        as_expressions(listing.keep([0]))


def test_smic_counts_the_fast_cameras_clips_once(tmp_path: Path, write: Write) -> None:
    for cut in ("SMIC_all_cropped/HS", "SMIC_all_cropped/NIR", "SMIC_all_raw/HS", "A/VIS"):
        write(*(f"{cut}/s01/micro/negative/s1_ne_01/image{i}.bmp" for i in range(1, 9)))
    (clip,) = layouts.find(tmp_path, "smic").clips
    assert "SMIC_all_cropped/HS" in clip.path.as_posix()
    (clip,) = layouts.find(tmp_path / "A", "smic").clips
    assert clip.subject == "01"


def test_smic_long(tmp_path: Path, write: Write) -> None:
    place = "HS_long/SMIC-HS-E"
    write(
        f"{place}/SMIC-HS-E_annotation.csv",
        text="Subject,Filename,,OnsetF,OffsetF,Emotion\n3,s3_sur_01,,308860,308864,surprise\n",
    )
    write(*(f"{place}/s03/s3_sur_01/image{i}.jpg" for i in range(308850, 308870)))
    (clip,) = layouts.find(tmp_path, "smic").clips
    assert (clip.subject, clip.start, clip.stop, clip.onset) == ("03", 10, 15, 0)


SPLITS = {
    "dfew": ("EmoLabel_DataSplit/train(single-labeled)/set_1.csv", "video_name,label\n1,1\n{}\n"),
    "ferv39k": ("4_setups/All_scenes/train_All.csv", "a/b/1 Happy\n{}\n"),
    "mafw": ("Train & Test Set/single/no_caption/set_1/train.txt", "00001.mp4 anger\n{}\n"),
    "plain": ("clips.csv", "file,label,subject,intensity,onset,apex\n{}\n"),
    "casme2": ("CASME2-coding.csv", "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Estimated Emotion\n{}\n"),
    "samm": (
        "SAMM_Micro_FACS_Codes.csv",
        "Subject,Filename,Onset Frame,Apex Frame,Offset Frame,Estimated Emotion\n{}\n",
    ),
    "smic": ("HS_long/SMIC-HS-E_annotation.csv", "Subject,Filename,OnsetF,OffsetF,Emotion\n{}\n"),
    "casme": ("casme.csv", "Subject,Filename,OnsetF,ApexF1,OffsetF,Emotion\n{}\n"),
    "casme-cubed": ("cas(me)3_part_A_ME_label.csv", "Subject,Filename,Onset,Apex,Offset,emotion\n{}\n"),
}
"""A split file or a table of each layout that has some; others and the clips come from ``complete``."""


@pytest.fixture
def complete(write: Write) -> None:
    """A clip of each of these layouts, and all its other split files."""
    for name in range(1, 6):
        for part, clip in (("train", 1), ("test", 3)):
            write(f"EmoLabel_DataSplit/{part}(single-labeled)/set_{name}.csv", text=f"video_name,label\n{clip},1\n")
            write(f"Train & Test Set/single/no_caption/set_{name}/{part}.txt", text=f"0000{clip}.mp4 anger\n")
    for part, clip in (("train", 1), ("test", 3)):
        write(f"4_setups/All_scenes/{part}_All.csv", text=f"a/b/{clip} Happy\n")
    write("Clip/original/1.mp4", "2_ClipsforFaceCrop/a/b/1.mp4", "data/clips/00001.mp4", "happy/1.mp4")
    for i in (1, 2):
        write(f"Cropped/sub01/happy/img{i}.jpg", f"SAMM/001/happy/001_{i}.jpg", f"part_A/spNO.1/a/color/{i}.jpg")
        write(f"HS_long/SMIC-HS-E/s01/happy/{i}.jpg")


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(
    ("name", "line", "complaint"),
    [
        ("dfew", "eins,1", r"expected a clip's number on line 3 of .*set_1.csv, got 'eins'"),
        ("dfew", "2,happy", r"expected labels from 1 to 7 on line 3 of .*set_1.csv, got 'happy'"),
        ("dfew", "2,inf", r"expected labels from 1 to 7 on line 3 of .*set_1.csv, got 'inf'"),
        ("ferv39k", "a/b/2", r"expected a clip's name and its label on line 2 of .*train_All.csv, got 'a/b/2'"),
        ("ferv39k", "\n\n Happy", r"expected a clip's name and its label on line 4 of .*, got 'Happy'"),
        ("ferv39k", "a/b/2 Bored", r"expected one of happy, .* on line 2 of .*, got 'bored'"),
        ("mafw", "00002.mp4", r"expected a clip's name and its label on line 2 of .*train.txt, got '00002.mp4'"),
        ("mafw", "00002.mp4 joy", r"expected one of anger, .* on line 2 of .*train.txt, got 'joy'"),
        ("dfew", "3,1", r"expected each clip in the training or in the test part of fold 1, got 1 in both, .* 00003"),
        ("ferv39k", "a/b/3 Happy", r"the test part of fold all scenes, got 1 in both, such as a/b/3"),
        ("mafw", "00003.mp4 anger", r"the test part of fold 1, got 1 in both, such as 00003"),
        ("plain", "happy/1.mp4,happy,,strong", r"expected an intensity from 0 to 1.* on line 2 of .*, got 'strong'"),
        ("plain", "happy/1.mp4,happy,,40", r"expected an intensity from 0 to 1.* on line 2 of .*, got '40'"),
        ("plain", "happy/1.mp4,happy,,,9,4", r"expected the onset before the apex on line 2 of .*, got 9 and 4"),
        ("plain", "happy/1.mp4,happy,,,2,soon", r"expected the number of a frame as apex.* on line 2 of .*'soon'"),
    ],
)
def test_a_line_that_says_something_else(tmp_path: Path, write: Write, name: str, line: str, complaint: str) -> None:
    file, text = SPLITS[name]
    write(file, text=text.format(line))
    with pytest.raises(DatasetError, match=complaint):
        layouts.find(tmp_path, name)


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["1", "2", "sub01", "happy", "happy/1.mp4", "anger", "a/b/1", "inf", "nan", "1e999", "9" * 5000]
        ),
        st.sampled_from(["", " ", "/", "..", "-1", "\0", '"', "x" * 300, "happiness", "surprise", "negative"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    ),
    max_size=9,
)


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize("name", list(SPLITS))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=LINES, rest=LINES)
def test_whatever_stands_in_a_split_file(
    tmp_path: Path, write: Write, name: str, words: list[str], rest: list[str]
) -> None:
    file, text = SPLITS[name]
    delimiter = " " if name in ("ferv39k", "mafw") else ","
    write(file, text=text.format("\n".join(delimiter.join(line) for line in (words, rest))))
    with contextlib.suppress(DatasetError):
        assert layouts.find(tmp_path, name).clips


@pytest.mark.parametrize("name", ["ferv39k", "mafw", "dfew", "afew"])
def test_split_files_that_name_nothing(tmp_path: Path, write: Write, name: str) -> None:
    write("4_setups/All_scenes/train_All.csv", "4_setups/All_scenes/test_All.csv", "2_ClipsforFaceCrop/readme.txt")
    for fold in range(1, 6):
        for part in ("train", "test"):
            write(f"Train & Test Set/single/no_caption/set_{fold}/{part}.txt")
            write(f"EmoLabel_DataSplit/{part}(single-labeled)/set_{fold}.csv", text="video_name,label\n")
    write("Train_AFEW/notes.txt", "Val_AFEW/notes.txt")
    with pytest.raises(DatasetError, match=r"expected clips in .*, but none is named"):
        layouts.find(tmp_path, name)


def test_smic_with_another_folder_among_its_classes(tmp_path: Path, write: Write) -> None:
    write("HS/s01/micro/negative/s1_ne_01/1.bmp", "HS/s01/micro/others/s1_ot_01/1.bmp")
    with pytest.raises(
        DatasetError, match=r"expected folders called negative, positive, surprise in .*micro.*'others'"
    ):
        layouts.find(tmp_path, "smic")


def test_names_with_digits_of_other_kinds(tmp_path: Path, write: Write) -> None:
    write("happy/1²/1.png", "happy/²/1.png")
    assert len(layouts.find(tmp_path).clips) == 2


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_folder_that_is_laid_out_otherwise(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="expected") as caught:
        layouts.find(tmp_path, name)
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(DatasetError, match="expected a folder of clips"):
        layouts.find(tmp_path / "nowhere", name)


def test_an_unknown_layout(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"plain, people, dfew.*got 'dwef'"):
        layouts.find(tmp_path, "dwef")


def test_words_for_expressions() -> None:
    assert expression_of(" Happiness") == "happy"
    assert expression_of("FEARFUL") == "fear"
    assert expression_of("contempt") is None
