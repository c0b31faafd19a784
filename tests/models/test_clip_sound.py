"""The sound of clips: whatever the file's track is like, in step with the faces, kept, or told of in a sentence."""

import contextlib
import math
import resource
import shutil
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import moodcast
from agent import face_stage
from models.clips import cache, layouts, sound, video
from models.clips.cutting import preparing
from models.clips.layouts.entry import SYNTHETIC
from models.errors import DatasetError
from models.inference.blendshapes import Shapes
from models.inference.boxes import Points
from models.inference.sound import RATE
from models.training import recipe, sets
from models.training.recipe import Recipe
from models.zoo import networks

av = pytest.importorskip("av", reason="sound needs PyAV: pip install '.[train]'")

HZ = 440


def tone(seconds: float, rate: int = RATE, hz: float = HZ) -> NDArray[np.float32]:
    """A sine of half the full scale, (n,)."""
    wave: NDArray[np.float32] = (0.5 * np.sin(2 * math.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("f4")
    return wave


def film(
    file: Path,
    channels: list[NDArray[np.float32]],
    rate: int = RATE,
    layout: str = "mono",
    late: float = 0.0,
    pictures: int = 25,
) -> Path:
    """A film at 25 frames a second of a grey that gets brighter, and a PCM track whose time stamps begin ``late``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        if pictures:
            stream = container.add_stream("libx264", 25)
            stream.height, stream.width, stream.pix_fmt = 64, 64, "yuv420p"
        track = container.add_stream("pcm_s16le", rate, layout=layout) if channels else None
        for i in range(pictures):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 50 + 4 * i % 200, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i + (round(-late * 25) if late < 0 else 0), Fraction(1, 25)
            container.mux(stream.encode(frame))
        if pictures:
            container.mux(stream.encode())
        if track is not None:
            samples = np.round(np.stack(channels, 1) * 32767).astype(np.int16)
            for begin in range(0, len(samples), 1000):
                part = av.AudioFrame.from_ndarray(samples[begin : begin + 1000].reshape(1, -1), "s16", layout)
                part.sample_rate, part.time_base = rate, Fraction(1, rate)
                part.pts = begin + round(max(late, 0) * rate)
                container.mux(track.encode(part))
            container.mux(track.encode())
    return file


def loudness(samples: NDArray[np.int16]) -> float:
    return float(np.sqrt((samples / 32768.0) ** 2).mean())


def pitch(samples: NDArray[np.int16]) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax()) * RATE / len(samples)


@pytest.mark.parametrize("rate", [8000, 11025, RATE, 44100, 48000])
def test_any_rate_becomes_ours(tmp_path: Path, rate: int) -> None:
    heard = sound.heard(film(tmp_path / "a.mkv", [tone(1, rate)], rate))
    assert heard.dtype == np.int16
    assert abs(len(heard) - RATE) < 50
    assert abs(pitch(heard) - HZ) < 2
    assert abs(np.abs(heard).max() / 32768 - 0.5) < 0.02
    assert abs(float(sound.as_float(heard).max()) - 0.5) < 0.02


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_channels_become_one_without_clipping(tmp_path: Path, layout: str, channels: int) -> None:
    """The same loud tone in all channels is no louder in one."""
    heard = sound.heard(film(tmp_path / "a.mkv", [1.98 * tone(1)] * channels, layout=layout))
    assert 0.7 < np.abs(heard).max() / 32768 < 1.0
    assert abs(pitch(heard) - HZ) < 2
    bent = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))[3 * HZ - 3 : 3 * HZ + 4].max()
    assert bent < 1e-3 * np.abs(np.fft.rfft(heard * np.hanning(len(heard)))).max()  # clipped sines have that overtone


def test_one_ear_is_heard(tmp_path: Path) -> None:
    heard = sound.heard(film(tmp_path / "a.mkv", [tone(1), 0 * tone(1)], layout="stereo"))
    assert 0.2 < np.abs(heard).max() / 32768 < 0.4


@pytest.mark.parametrize("late", [0.0, 0.4, -0.4])
def test_sound_out_of_step_is_put_in_step(tmp_path: Path, late: float) -> None:
    """A click that is made 0.6 s after the first picture is heard there, however the streams begin."""
    click = np.zeros(RATE + RATE // 2, np.float32)
    click[round((0.6 - late) * RATE)] = 0.9
    file = film(tmp_path / "a.mkv", [click], late=late)
    heard = sound.heard(file, 0, 1)
    assert len(heard) == RATE
    assert abs(int(np.abs(heard).argmax()) - 0.6 * RATE) < 0.003 * RATE
    later = sound.heard(file, 0.5, 0.5)
    assert abs(int(np.abs(later).argmax()) - 0.1 * RATE) < 0.003 * RATE


def test_sound_and_pictures_too_far_apart(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mkv", [tone(1)], late=3.0, pictures=125)
    with pytest.raises(DatasetError, match=r"begin within 2 s of each other, but their time stamps are \+3.00 s apart"):
        sound.heard(file)


def test_sound_that_ends_early_becomes_silence_or_is_refused(tmp_path: Path) -> None:
    file = film(tmp_path / "a.mkv", [tone(0.7)], pictures=50)
    heard = sound.heard(file, 0, 1)
    assert len(heard) == RATE
    assert loudness(heard[: RATE // 2]) > 0.2
    assert not heard[round(0.71 * RATE) :].any()
    with pytest.raises(DatasetError, match=r"expected sound of 2.00 s from second 0.00 of .* has only 0.70 s of them"):
        sound.heard(file, 0, 2)
    with pytest.raises(DatasetError, match=r"has only 0.00 s"):
        sound.heard(file, 1, 1)


def test_a_pause_of_the_track_is_one_of_the_sound(tmp_path: Path) -> None:
    """Some recorders write no packets while nothing is heard."""
    file = tmp_path / "a.mkv"
    with av.open(str(file), "w") as container:
        track = container.add_stream("pcm_s16le", RATE, layout="mono")
        for begin in (0.0, 1.0):
            part = av.AudioFrame.from_ndarray((tone(0.5) * 32767).astype(np.int16)[None], "s16", "mono")
            part.sample_rate, part.time_base, part.pts = RATE, Fraction(1, RATE), round(begin * RATE)
            container.mux(track.encode(part))
        container.mux(track.encode())
    heard = sound.heard(file)
    assert abs(len(heard) - 1.5 * RATE) < 50
    assert loudness(heard[: RATE // 2 - 50]) > 0.2 < loudness(heard[RATE + 50 :])
    assert loudness(heard[RATE // 2 + 50 : RATE - 50]) < 1e-3


def test_files_without_sound(tmp_path: Path) -> None:
    silent = film(tmp_path / "a.mkv", [])
    with pytest.raises(DatasetError, match=r"expected sound, but .*a.mkv has no sound track"):
        sound.heard(silent)
    whole = film(tmp_path / "b.mp4", []).read_bytes()
    for broken in (b"", b"This is no sound.", whole[: len(whole) // 2]):
        (tmp_path / "c.mp4").write_bytes(broken)
        with pytest.raises(DatasetError, match=r"expected sound, but .*c.mp4 can't be decoded"):
            sound.heard(tmp_path / "c.mp4")
    with pytest.raises(DatasetError, match="can't be decoded"):
        sound.heard(tmp_path / "none.wav")


@pytest.mark.parametrize(("rate", "count"), [(1, 1000), (192_000, 1)])
def test_headers_that_no_recorder_writes(tmp_path: Path, rate: int, count: int) -> None:
    """Of a sample a second there would be 16,000; of one sample in 192,000, none is left."""
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * count))
    with pytest.raises(
        DatasetError, match=r"expected sound( of 1000 samples a second at least|, but .* is shorter than one sample)"
    ):
        sound.heard(tmp_path / "a.wav")


def test_sound_beside_a_film_may_be_written_in_capitals(tmp_path: Path) -> None:
    film(tmp_path / "happy" / "a_1.mkv", [])
    film(tmp_path / "happy" / "a_1.wav", [tone(1)], pictures=0).rename(tmp_path / "happy" / "a_1.WAV")
    (clip,) = layouts.find(tmp_path).clips
    assert clip.sound is not None
    assert clip.sound.samefile(tmp_path / "happy" / "a_1.WAV")


def test_a_take_in_two_formats_is_one_clip(tmp_path: Path) -> None:
    film(tmp_path / "happy" / "a_1.wav", [tone(1)], pictures=0)
    (tmp_path / "happy" / "a_1.MP3").write_bytes(b"")
    (clip,) = layouts.find(tmp_path).clips
    assert clip.path.name == "a_1.wav"
    assert clip.sound is None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two films of a second with sound, and one without; the pitch says who it is."""
    folder = tmp_path / "data"
    film(folder / "happy" / "a_1.mkv", [tone(1, hz=300)])
    film(folder / "sad" / "b_1.mkv", [tone(1, hz=500)])
    film(folder / "sad" / "c_1.mkv", [])
    return folder


def test_sound_is_kept_beside_the_faces(data: Path) -> None:
    for _ in range(2):
        clips = cache.prepare(data, layouts.find(data), 48, None).source
        heard = clips.signal(1, "sound")
        assert heard.dtype == np.float32
        assert len(heard) == RATE
        assert abs(pitch(np.asarray(heard * 32767, np.int16)) - 500) < 2
    (kept,) = (data / cache.FOLDER).rglob("*.sound.npz")
    assert np.load(kept)["derived"].dtype == np.int16
    before = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(clips.signal(1, "sound"), heard)
    assert kept.stat().st_mtime_ns == before
    with pytest.raises(DatasetError, match=r"c_1.mkv has no sound track"):
        clips.signal(2, "sound")


def test_sound_is_that_of_the_time_of_the_faces(tmp_path: Path) -> None:
    """Faces are seen from frame 5 on only, and a clip may be a part of its file."""
    steps = np.concatenate([tone(0.2, hz=hz) for hz in (200, 400, 600, 800, 1000)])
    file = film(tmp_path / "happy" / "a_1.mkv", [steps])
    listing = layouts.find(tmp_path)
    part = layouts.entry.Clip(file, 3, "a", start=10, stop=15)
    few = layouts.Listing(listing.layout, listing.classes, (part,), {})
    heard = cache.prepare(tmp_path, few, 48, None).source.signal(0, "sound")
    assert len(heard) == RATE // 5
    assert abs(pitch(np.asarray(heard * 32767, np.int16)) - 600) < 10


def test_sound_begins_with_the_first_face(tmp_path: Path) -> None:
    """Nobody is seen before frame 10, and somebody speaks on after the last frame."""
    steps = np.concatenate([tone(0.4, hz=300), tone(0.6, hz=600), tone(2, hz=900)])
    film(tmp_path / "happy" / "a_1.mkv", [steps])
    mesh = np.random.default_rng(0).random((478, 2)) * 40

    def look(frame: video.Frame, time_ms: int) -> list[tuple[Points, Shapes]]:
        return [(mesh, np.zeros(52, np.float32))] if time_ms >= 400 else []

    prepared = cache.prepare(tmp_path, layouts.find(tmp_path), 48, look)
    heard = prepared.source.signal(0, "sound")
    assert len(heard) == 15 * RATE // 25
    assert abs(pitch(np.asarray(heard * 32767, np.int16)) - 600) < 3


def test_sound_of_pictures_needs_their_rate(tmp_path: Path) -> None:
    video.write_pictures([np.full((48, 48, 3), 9 * i, np.uint8) for i in range(10)], tmp_path / "happy" / "a_1")
    film(tmp_path / "happy" / "a_1.wav", [tone(1)], pictures=0)
    with pytest.raises(DatasetError, match=r"expected 5 to 500 frames a second of .*a_1, but the rate is not known"):
        cache.prepare(tmp_path, layouts.find(tmp_path), 48, None).source.signal(0, "sound")
    for fps in (20, 25):  # when the table is mended, what was kept before does not count
        (tmp_path / "clips.csv").write_text(
            f"file,label,subject,intensity,onset,apex,fps\nhappy/a_1,happy,a,,,,{fps}\n"
        )
        clips = cache.prepare(tmp_path, layouts.find(tmp_path), 48, None).source
        assert len(clips.signal(0, "sound")) == 10 * RATE // fps
    (tmp_path / "happy" / "a_1.wav").unlink()
    with pytest.raises(DatasetError, match=r"a folder of pictures: put a file of sound beside it, a_1.wav"):
        cache.prepare(tmp_path, layouts.find(tmp_path), 48, None).source.signal(0, "sound")


def test_a_full_disk_while_sound_is_kept(data: Path) -> None:
    clips = cache.prepare(data, layouts.find(data), 48, None).source
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # no file may grow larger than this: as a full disk
    try:
        with pytest.raises(cache.CacheError, match="make room and give the command again"):
            clips.signal(0, "sound")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [file for file in (data / cache.FOLDER).rglob("*") if "sound" in file.name or "part" in file.name]
    assert len(clips.signal(0, "sound")) == RATE


def test_a_damaged_store_of_sound_says_what_to_do(data: Path) -> None:
    clips = cache.prepare(data, layouts.find(data), 0, None).source
    for file in (data / cache.FOLDER).rglob("*.npz"):
        file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(DatasetError, match=r"can't be read .*: delete it and run again"):
        clips.signal(0, "sound")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ending=st.sampled_from(["mkv", "wav", "mp4"]), damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255))))
def test_whatever_is_damaged_is_told_of(tmp_path: Path, ending: str, damage: list[tuple[float, int]]) -> None:
    """Whatever bytes are others, there is sound or a sentence."""
    whole = tmp_path / f"whole.{ending}"
    if not whole.exists() and ending == "mp4":
        video.write_mp4([np.zeros((48, 48, 3), np.uint8)] * 5, whole, sound=np.asarray(tone(0.2) * 32767, np.int16))
    elif not whole.exists():
        film(whole, [tone(0.2)], pictures=5 if ending == "mkv" else 0)
    data = bytearray(whole.read_bytes())
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    broken = tmp_path / f"broken.{ending}"
    broken.write_bytes(data)
    with contextlib.suppress(DatasetError):
        assert sound.heard(broken, 0, 0.2).shape == (RATE // 5,)


def test_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film(data / "sad" / "d_1.mkv", [0 * tone(2)])
    film(data / "sad" / "e_1.mkv", [np.clip(5 * tone(1), -1, 1)])
    assert moodcast.main(["models", "clips", str(data), "--sound"]) == 0  # without a face stage
    out = capsys.readouterr().out
    assert "4 clips with sound, 1.0 to 2.0 s, 0.1 minutes" in out
    assert "silent: 1\n" in out
    assert "d_1.mkv is silent: nothing in it is louder than -60 dB" in out
    assert "clipped: 1\n" in out
    assert "e_1.mkv is clipped: 7" in out
    assert "without sound: 1\n" in out
    assert "c_1.mkv has no sound track" in out
    (data / SYNTHETIC).write_text("")
    assert moodcast.main(["models", "clips", str(data)]) == 0
    assert "made by a program: no recordings" in capsys.readouterr().out


def test_networks_that_only_hear_need_no_faces(data: Path) -> None:
    for _ in range(2):
        prepared = cache.prepare(data, layouts.find(data), 0, None)
        assert prepared.source.subjects == ("a", "b")
        assert len(prepared.source.signal(0, "sound")) == RATE
        (left_out,) = prepared.broken
        assert left_out.endswith("c_1.mkv has no sound track")
    assert not prepared.remarks
    with pytest.raises(DatasetError, match="holds the sound of a clip alone"):
        prepared.source.frames(0)
    assert {file.parent.name for file in (data / cache.FOLDER).rglob("*.npz")} == {"sound"}


def test_no_clip_with_sound(tmp_path: Path) -> None:
    film(tmp_path / "happy" / "a_1.mkv", [])
    with pytest.raises(DatasetError, match=r"expected sound in the 1 clips of .*, got none: .* has no sound track"):
        cache.prepare(tmp_path, layouts.find(tmp_path), 0, None)


def test_a_set_that_a_program_made_says_so(data: Path) -> None:
    assert layouts.find(data).recorded
    (data / SYNTHETIC).write_text("")
    assert not layouts.find(data).recorded
    (data / SYNTHETIC).rename(data / "happy" / SYNTHETIC)  # one half of it is enough
    assert not layouts.find(data).recorded


@pytest.mark.parametrize("name", ["a_1.mkv", "a_1.wav"])
def test_links_to_clips_that_a_program_made_say_so(data: Path, tmp_path: Path, name: str) -> None:
    (data / SYNTHETIC).write_text("")
    film(data / "happy" / "a_1.wav", [tone(1)], pictures=0)
    own = tmp_path / "own" / "happy"
    own.mkdir(parents=True)
    for each in ("a_1.mkv", "a_1.wav"):
        shutil.copy(data / "happy" / each, own / each)
    assert layouts.find(own.parent).recorded
    (own / name).unlink()
    (own / name).symlink_to(data / "happy" / name)
    assert not layouts.find(own.parent).recorded


def hearing(monkeypatch: pytest.MonkeyPatch, size: int) -> Recipe:
    """A recipe over a network that also hears, or does nothing else (size 0)."""
    entry = replace(networks.get("r3d18"), size=size, signals={"sound": (RATE,)})
    monkeypatch.setattr(networks, "get", lambda name: entry)
    return recipe.parse({"network": {"name": "r3d18"}, "clips": {"layout": "plain", "aligned": True}}, "a test")


@pytest.mark.parametrize("size", [0, 48])
def test_what_hears_learns_from_clips_with_sound_alone(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    how = hearing(monkeypatch, size)
    film(data / "sad" / "d_1.mkv", [tone(0.2)])
    film(data / "sad" / "e_1.mkv", [tone(1)], late=2.5, pictures=100)
    film(data / "happy" / "f_1.wav", [tone(1)], pictures=0)
    opened = sets.opened(how, data, networks.get("r3d18").face_size, preparing(face_stage, "tests"))
    left_out = ["c_1.mkv has no sound track", "e_1.mkv to begin within 2 s of each other"]
    # Where no face limits the time, 0.2 s are all there is of d_1; and f_1 has no face.
    left_out += ["d_1.mkv on, but its track has only 0.20 s of them", "f_1.wav has no pictures in it"] if size else []
    assert len(opened.broken) == len(left_out)
    for sentence in left_out:
        assert any(sentence in told for told in opened.broken)
    assert set(opened.clips.subjects) == ({"a", "b"} if size else {"a", "b", "d", "f"})
    assert len(opened.listing.clips) == len(opened.clips)
    assert f"{len(left_out)} of 6 clips are left out, such as: " in capsys.readouterr().err


def test_a_set_without_sound_for_a_network_that_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = hearing(monkeypatch, 48)
    for name in ("happy/a_1.mkv", "sad/b_1.mkv"):
        film(tmp_path / name, [])
    with pytest.raises(DatasetError, match=r"no clip with a face has sound: .* has no sound track"):
        sets.opened(how, tmp_path, 48, preparing(face_stage, "tests"))
