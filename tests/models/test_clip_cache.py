"""Faces of clips: found, cut and kept; and what becomes of broken clips, kills and full disks."""

import os
import resource
import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import moodcast
from agent import face_stage
from models.clips import cache, layouts, source, video
from models.clips.layouts import Listing
from models.clips.layouts.entry import Clip
from models.clips.source import Frames
from models.clips.video import Frame
from models.errors import DatasetError, ModelMissingError
from models.inference import align, registry
from models.inference.blendshapes import Shapes
from models.inference.boxes import Points

SIZE = 48


def disc(x: int, y: int = 60, grey: int = 200) -> Frame:
    """A bright disc of 40 px on the dark."""
    frame = np.full((120, 160, 3), 20, np.uint8)
    return np.asarray(cv2.circle(frame, (x, y), 20, (grey, grey, grey), -1), np.uint8)


class Discs:
    """Finds a disc as a face that fills it, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, frame: Frame, time_ms: int) -> Sequence[tuple[Points, Shapes]]:
        self.asked += 1
        rows, columns = np.nonzero(frame[..., 0] > 150)
        if len(rows) == 0:
            return []
        mesh = np.random.default_rng(0).random((478, 2))
        for corners, x, y in (
            (align.RIGHT_EYE, 0.5 - align.EYES_APART / 2, align.EYES_Y),
            (align.LEFT_EYE, 0.5 + align.EYES_APART / 2, align.EYES_Y),
            (align.MOUTH, 0.5, align.MOUTH_Y),
        ):
            mesh[list(corners)] = (x, y)
        where = columns.mean(), rows.mean()
        return [((mesh - 0.5) * 40 + where, np.full(52, where[0] / 160, np.float32))]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three clips of a disc that moves; in the last one it comes after three frames."""
    folder = tmp_path / "data"
    video.write_pictures([disc(40 + 5 * i) for i in range(10)], folder / "happy" / "a_1")
    video.write_pictures([disc(60, 40 + 2 * i) for i in range(6)], folder / "sad" / "b_1")
    late = [disc(0, grey=20) if i < 3 else disc(80, grey=220) for i in range(9)]
    video.write_pictures(late, folder / "sad" / "a_2")
    rows = "happy/a_1,happy,a,0.5,1,4\nsad/b_1,sad,b,1,,\nsad/a_2,sad,a,,0,5\n"
    (folder / "clips.csv").write_text("file,label,subject,intensity,onset,apex\n" + rows)
    return folder


def test_what_is_derived_from_faces_is_kept_beside_them(data: Path) -> None:
    def mean(frames: Frames) -> NDArray[np.float64]:
        asked.append(len(frames))
        return frames.mean((1, 2, 3))

    asked: list[int] = []
    for _ in range(2):
        source = cache.prepare(data, layouts.find(data), SIZE, Discs()).source
        found = source.derived(0, "mean", mean)
        np.testing.assert_array_equal(found, source.frames(0).mean((1, 2, 3)))
    assert asked == [len(found)]
    (kept,) = (data / cache.FOLDER).rglob("*.mean.npz")
    whole = kept.read_bytes()
    for damaged in (b"", b"no file of ours", whole[: len(whole) // 2]):
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(source.derived(0, "mean", mean), found)
        assert kept.read_bytes() == whole
    assert len(asked) == 4


def test_faces_are_aligned_and_kept(data: Path) -> None:
    look, listing = Discs(), layouts.find(data)
    prepared = cache.prepare(data, listing, SIZE, look)
    clips = prepared.source
    assert prepared.broken == ()
    assert [len(clips.frames(i)) for i in range(3)] == [10, 6, 6]
    for face in clips.frames(0):
        assert face.shape == (SIZE, SIZE, 3)
        assert face[SIZE // 2, SIZE // 2, 0] > 190
        assert face[1, 1, 0] < 60
        assert abs(float(face[:, : SIZE // 2].mean()) - float(face[:, SIZE // 2 :].mean())) < 8  # always in the middle
    assert clips.labels.tolist() == [3, 4, 4]
    assert clips.subjects == ("a", "b", "a")
    np.testing.assert_equal(clips.intensity, np.array([0.5, 1, np.nan], np.float32))
    assert clips.moments.tolist() == [[1, 4], [-1, -1], [0, 2]]  # the last clip's first three frames show nobody
    np.testing.assert_allclose(clips.signal(0, "shapes")[:, 7], (40 + 5 * np.arange(10)) / 160, atol=0.01)
    assert clips.signal(2, "points").shape == (6, 478, 2)  # of the frames with a face
    with pytest.raises(DatasetError, match=r"expected smell of .*a_1, but none were kept"):
        clips.signal(0, "smell")
    assert look.asked == 10 + 6 + 9 + 3  # and an empty frame before each clip
    again = cache.prepare(data, layouts.find(data), SIZE, look).source
    assert look.asked == 28
    np.testing.assert_array_equal(again.frames(2), clips.frames(2))


def test_a_changed_clip_or_another_crop_is_cut_anew(data: Path) -> None:
    look = Discs()
    cache.prepare(data, layouts.find(data), SIZE, look)
    video.write_pictures([disc(90, grey=180)] * 6, data / "sad" / "b_1")
    clips = cache.prepare(data, layouts.find(data), SIZE, look).source
    assert look.asked == 28 + 7
    assert abs(int(clips.frames(1)[0, 24, 24, 0]) - 180) < 4
    assert cache.prepare(data, layouts.find(data), 64, look).source.frames(0).shape == (10, 64, 64, 3)
    assert cache.prepare(data, layouts.find(data), SIZE, look, margin=2.0).source.frames(0)[0, 10, 10, 0] < 60


def test_broken_clips_are_named_and_the_others_count(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "sad" / "b_1" / "0003.png").write_bytes(b"no picture")
    video.write_pictures([disc(0, grey=20)] * 5, data / "sad" / "c_1")
    (data / "sad" / "d_1").mkdir()
    table = data / "clips.csv"
    table.write_text(table.read_text() + "sad/c_1,sad,c,,,\nsad/d_1,sad,d,,,\n")
    look, listing = Discs(), layouts.find(data)
    for _ in range(2):  # cut, and from the cache
        prepared = cache.prepare(data, listing, SIZE, look)
        assert [clip.path.name for clip in prepared.listing.clips] == ["a_1", "a_2"]
        assert prepared.source.subjects == ("a", "a")
        picture, nobody, empty = prepared.broken
        assert picture.endswith("0003.png can't be decoded")
        assert nobody == f"expected a face in {data / 'sad' / 'c_1'} for 4 frames at least, found none"
        assert empty.endswith("d_1 has no frame")


def shown(faces: Sequence[int], folder: Path) -> None:
    """A clip whose frames show a disc where ``faces`` has one, else nobody."""
    video.write_pictures([disc(60 if face else 0, grey=220 if face else 20) for face in faces], folder)


@pytest.mark.parametrize(
    ("faces", "moments", "kept", "remarks"),
    [
        ([1] * 9, "2,9", (2, -1), ["the apex 9 of {} comes after its 9 frames: it counts as unknown"]),
        ([1] * 9, "20,30", (-1, -1), ["the onset 20 of {} comes after its 9", "the apex 30 of {} comes after its 9"]),
        (
            [0] * 3 + [1] * 6,
            "0,2",
            (0, -1),
            ["of the 9 frames of {}, only 3 to 8 show the same face", "no face is seen at the apex 2 of {}"],
        ),
        (
            [1] * 6 + [0] * 7 + [1] * 5,
            "1,15",
            (1, -1),
            ["of the 18 frames of {}, only 0 to 5 show the same face", "no face is seen at the apex 15 of {}"],
        ),
        ([1] * 4 + [0] * 3 + [1] * 5, "1,5", (1, 5), []),  # a short gap is filled
    ],
)
def test_moments_that_no_face_shows(
    tmp_path: Path, faces: list[int], moments: str, kept: tuple[int, int], remarks: list[str]
) -> None:
    shown(faces, tmp_path / "happy" / "a_1")
    shown([1] * 5, tmp_path / "happy" / "b_1")
    rows = f"happy/a_1,happy,a,,{moments}\nhappy/b_1,happy,b,,1,3\n"
    (tmp_path / "clips.csv").write_text("file,label,subject,intensity,onset,apex\n" + rows)
    for _ in range(2):  # cut, and from the cache
        prepared = cache.prepare(tmp_path, layouts.find(tmp_path), SIZE, Discs())
        assert prepared.source.moments.tolist() == [list(kept), [1, 3]]
        for text, remark in zip(remarks, prepared.remarks, strict=True):
            assert remark.startswith(text.format(tmp_path / "happy" / "a_1"))


@pytest.mark.parametrize(("offset", "kept"), [("", -1), ("1", 0), ("7", 4), ("8", 5), ("9", -1)])
def test_an_offset_is_counted_from_the_first_face(tmp_path: Path, offset: str, kept: int) -> None:
    shown([0] * 3 + [1] * 6, tmp_path / "happy" / "a_1")
    table = f"file,label,subject,intensity,onset,apex,offset\nhappy/a_1,happy,a,,,,{offset}\n"
    (tmp_path / "clips.csv").write_text(table)
    prepared = cache.prepare(tmp_path, layouts.find(tmp_path), SIZE, Discs())
    assert prepared.source.offset.tolist() == [kept]
    assert source.take(prepared.source, [0]).offset.tolist() == [kept]


def test_a_clip_of_one_frame_is_left_out(data: Path) -> None:
    shown([1], data / "sad" / "c_1")
    with (data / "clips.csv").open("a") as table:
        table.write("sad/c_1,sad,c,,,\n")
    for look in (Discs(), None):
        prepared = cache.prepare(data, layouts.find(data), SIZE, look)
        assert len(prepared.source) == 3
        assert prepared.broken == (
            f"expected a clip, but {data / 'sad' / 'c_1'} has one frame, in which nothing can move",
        )


def test_rates_come_from_the_table_or_else_from_the_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A header that can't be true, or that contradicts the table, is told and does not count."""
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    rows = []
    for name, fps in (("a", ""), ("b", "200"), ("c", "25"), ("d", ""), ("e", "60")):
        file = tmp_path / "happy" / f"{name}_1.mp4"
        file.parent.mkdir(exist_ok=True)
        video.write_mp4([disc(40 + 5 * i) for i in range(6)], file)
        if name in "de":
            faster(file, 40)
        rows.append(f"happy/{file.name},happy,{name},,,,{fps}")
    (tmp_path / "clips.csv").write_text("\n".join(["file,label,subject,intensity,onset,apex,fps", *rows]))
    for _ in range(2):  # cut, and from the cache
        prepared = cache.prepare(tmp_path, layouts.find(tmp_path), SIZE, Discs())
        np.testing.assert_equal(prepared.source.rate, np.array([25, 200, 25, np.nan, 60], np.float32))
        slow, none, table = prepared.remarks
        assert slow.endswith("b_1.mp4 says 25 frames a second, and the table 200: the table counts")
        assert none.startswith("expected 5 to 500 frames a second in the header of")
        assert none.endswith("d_1.mp4, got 1000: its rate counts as not known")
        assert table.endswith("e_1.mp4, got 1000: the table's 60 count")
    assert moodcast.main(["models", "clips", str(tmp_path), "--faces", "48", "--aligned"]) == 0
    assert "remarks: 3" in capsys.readouterr().out


def faster(file: Path, times: int) -> None:
    """Let the header say that each second of the film has ``times`` as many ticks: wrong, as some cameras write it."""
    data = bytearray(file.read_bytes())
    place = data.index(b"mdhd") + 16
    (scale,) = struct.unpack_from(">I", data, place)
    struct.pack_into(">I", data, place, scale * times)
    file.write_bytes(data)


def test_no_clip_that_can_be_cut(data: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected faces in the 3 clips .* got none: expected a face in"):
        cache.prepare(data, layouts.find(data), SIZE, lambda frame, time_ms: [])


def test_a_cache_without_a_face_goes_again(data: Path, tmp_path: Path) -> None:
    listing, before = layouts.find(data), set(tmp_path.rglob("*"))
    for kept in (None, tmp_path / "new" / "kept"):
        with pytest.raises(DatasetError, match="got none"):
            cache.prepare(data, listing, SIZE, lambda frame, time_ms: [], kept)
        assert set(tmp_path.rglob("*")) == before
    cache.prepare(data, listing, SIZE, Discs())
    with pytest.raises(DatasetError, match="got none"):
        cache.prepare(data, listing, 64, lambda frame, time_ms: [])
    assert len(list((data / cache.FOLDER).rglob("*.npz"))) == 3  # of others, nothing goes


def test_a_full_disk_loses_nothing(data: Path, tmp_path: Path) -> None:
    look, listing, kept = Discs(), layouts.find(data), tmp_path / "kept"
    video.write_pictures([np.random.default_rng(i).integers(0, 256, (120, 160, 3)).astype(np.uint8) for i in range(99)],
                         data / "sad" / "a_2")  # fmt: skip
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))  # no file may grow larger than this: as a full disk
    try:
        with pytest.raises(DatasetError, match="2 of 3 clips are cut: make room"):
            cache.prepare(data, listing, SIZE, None, kept)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(kept.rglob("*.part"))
    before = {file: file.stat().st_mtime_ns for file in kept.rglob("*.npz")}
    assert len(before) == 2
    assert len(cache.prepare(data, listing, SIZE, None, kept).source.frames(2)) == 99
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert look.asked == 0


def test_a_folder_that_can_not_be_written(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="name another folder for the cache"):
        cache.prepare(data, layouts.find(data), SIZE, Discs(), tmp_path / "file")


def test_a_damaged_cache_says_what_to_do(data: Path) -> None:
    clips = cache.prepare(data, layouts.find(data), SIZE, Discs()).source
    for file in (data / cache.FOLDER).rglob("*.npz"):
        os.truncate(file, 100)
    with pytest.raises(DatasetError, match=r"can't be read .*: delete it and run again"):
        clips.frames(0)


def test_faces_that_are_cut_already_are_scaled(data: Path) -> None:
    clips = cache.prepare(data, layouts.find(data), 60, None).source
    first = clips.frames(0)[0].astype(int)
    assert first.shape == (60, 60, 3)
    half = cv2.resize(disc(40)[:, 20:140], (60, 60), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(first - half).mean() < 2


def steady(data: Path, clip: Clip) -> list[Frame]:
    found = cache.cut(clip, SIZE, cache.MARGIN, Discs(), steady=True)
    assert found is not None
    return found.frames


def test_where_heads_hardly_move_all_frames_are_cut_as_the_first(data: Path) -> None:
    """Alignment of its own for each frame would take faint motion out, or add its own."""
    frames = steady(data, Clip(data / "happy" / "a_1", 0, "a", start=2, stop=6))
    assert len(frames) == 4
    middles = [float(np.nonzero(frame[..., 0] > 100)[1].mean()) for frame in frames]
    assert np.diff(middles).min() > 2  # 5 px a frame, until the disc is cut by the edge


def test_frames_beyond_the_end(data: Path) -> None:
    with pytest.raises(DatasetError, match="expected frames from 50 on"):
        steady(data, Clip(data / "happy" / "a_1", 0, "a", start=50))


def test_folds_follow(data: Path) -> None:
    listing = Listing(
        layouts.LAYOUTS["plain"],
        ("x",),
        tuple(Clip(data / str(i), 0, "a") for i in range(4)),
        {"1": layouts.entry.OfficialFold((0, 1, 3), (2,))},
    )
    few = listing.keep([0, 2, 3])
    assert [clip.path.name for clip in few.clips] == ["0", "2", "3"]
    assert (few.folds["1"].train, few.folds["1"].test) == ((0, 2), (1,))


def test_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["models", "clips", str(data), "--faces", "48", "--aligned"]) == 0
    out = capsys.readouterr().out
    assert "3 clips, of 2 people" in out
    assert "sad                   2" in out
    assert "with an intensity: 2; with an apex: 2" in out
    assert "3 clips of faces" in out
    assert moodcast.main(["models", "clips", str(data), "--layout", "-"]) == 0
    assert "casme2-3" in capsys.readouterr().out
    assert moodcast.main(["models", "clips", str(data), "--layout", "ravdess"]) == 28
    assert "expected clips such as Actor_01/" in capsys.readouterr().err


def weights(name: str) -> Path:
    try:
        return registry.path(name)
    except ModelMissingError as error:
        pytest.skip(str(error))


def test_the_agents_face_stage_follows_a_portrait(tmp_path: Path) -> None:
    """A portrait that wanders through the picture and leaves it: cut with its eyes level and in place."""
    weights("face_landmarker")
    portrait = video.read_picture(weights("portrait"))[:300, 100:400]
    frames = []
    for i in range(12):
        frame = np.full((360, 640, 3), 90, np.uint8)
        if i < 10:
            frame[30:330, 20 + 25 * i : 320 + 25 * i] = portrait
        frames.append(frame)
    video.write_pictures(frames, tmp_path / "happy" / "ann_1")
    with face_stage.tracking("tests") as track:
        clips = cache.prepare(tmp_path, layouts.find(tmp_path), 96, track).source
    faces = clips.frames(0).astype(int)
    assert 9 <= len(faces) <= 12  # the tracker may see a ghost for a moment
    assert np.abs(faces[1:9] - faces[0]).mean() < 12


def test_videos(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    film = [disc(20 + 3 * i) for i in range(30)]
    file = tmp_path / "film.mp4"
    video.write_mp4(film, file)
    decoded = list(video.frames(file))
    assert len(decoded) == 30
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(decoded, film, strict=True)) < 2
    data = file.read_bytes()
    for broken in (b"", b"This is no film.", data[: len(data) // 2]):
        file.write_bytes(broken)
        with pytest.raises(DatasetError, match=r"film.mp4 can't be decoded|has no"):
            list(video.frames(file))
    with pytest.raises(DatasetError, match=r"none.mp4 can't be decoded"):
        list(video.frames(tmp_path / "none.mp4"))
    with pytest.raises(DatasetError, match=r"can't write .*nowhere"):
        video.write_mp4(film, tmp_path / "nowhere" / "film.mp4")


@pytest.mark.parametrize(
    ("turn", "corner"), [((0, 1, -1, 0), (0, -1)), ((0, -1, 1, 0), (-1, 0)), ((-1, 0, 0, -1), (-1, -1))]
)
def test_a_film_from_a_phone_stands_upright(
    tmp_path: Path, turn: tuple[int, int, int, int], corner: tuple[int, int]
) -> None:
    """A phone stores its pictures lying and notes how it was held, as a matrix in the track's header."""
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[:30, :30] = 255
    file = tmp_path / "film.mp4"
    video.write_mp4([frame] * 3, file)
    data = bytearray(file.read_bytes())
    place = data.index(b"tkhd") + 44
    a, b, c, d = (number << 16 for number in turn)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    file.write_bytes(data)
    upright = next(iter(video.frames(file)))
    assert upright.shape == ((64, 96, 3) if turn[0] else (96, 64, 3))
    assert upright[corner].min() > 200
    assert upright[0, 0].max() < 50


def test_pictures_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name, grey in (("img10.png", 100), ("img9.png", 90), ("img101.png", 110)):
        cv2.imwrite(str(tmp_path / name), np.full((4, 4, 3), grey, np.uint8))
    assert [int(frame[0, 0, 0]) for frame in video.frames(tmp_path)] == [90, 100, 110]
    cv2.imwrite(str(tmp_path / "img11.png"), np.zeros((5, 4, 3), np.uint8))
    with pytest.raises(DatasetError, match="frames of one size"):
        list(video.frames(tmp_path))
