"""`moodcast models synth --speech`: portraits that speak as their labels say, more or less, and with their mouths."""

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import moodcast
from agent import face_stage
from models.clips import cache, layouts, motions, sound, speaking, synth, video, voices, warp
from models.clips.voices import PROSODY, Prosody
from models.errors import DatasetError, ModelMissingError
from models.inference import registry
from models.inference.sound import RATE
from relay.protocol import EXPRESSIONS
from tests.murmurs import murmur

pytest.importorskip("av", reason="sound needs PyAV: pip install '.[train]'")

SIZE = 64
espeak = pytest.mark.skipif(
    shutil.which(voices.PROGRAM) is None, reason="espeak-ng is not installed: apt-get install espeak-ng"
)


def fourfold(how: Prosody) -> list[float]:
    return [np.log(how.speed), how.pitch / 30, np.log(how.range), np.log(how.volume)]


def takes(expression: str, people: int = 30, number: int = 8) -> NDArray[np.float64]:
    """The prosody of strong expressions, (people * number, 4), less what is usual."""
    rng = np.random.default_rng(EXPRESSIONS.index(expression))
    every = [voices.voice_of(str(i), 0) for i in range(people)]
    return np.array([fourfold(voices.delivery(expression, 0.8, who, rng)) for who in every for _ in range(number)])


def test_voices_follow_their_expressions_on_average() -> None:
    usual = takes("neutral").mean(0)
    speed, pitch, width = range(3)
    means = {name: takes(name).mean(0) - usual for name in EXPRESSIONS}
    assert min(means["angry"]) > 0.05
    assert means["sad"].max() < -0.1
    assert means["fear"][speed] > 0.1 < means["fear"][pitch]
    assert means["fear"][width] < -0.1
    assert means["happy"][pitch] > 0.1 < means["happy"][width]
    assert means["disgust"][speed] < -0.05
    assert means["surprise"][width] > means["happy"][width]


def test_no_voice_gives_its_expression_away() -> None:
    """Whoever knew the four numbers of a take, and the means of all expressions, would often be wrong."""
    every = {name: takes(name) for name in EXPRESSIONS}
    spread = np.concatenate(list(every.values())).std(0)
    means = np.stack([found.mean(0) for found in every.values()]) / spread
    right = [
        (np.abs(found[:, None] / spread - means) ** 2).sum(2).argmin(1) == label
        for label, found in enumerate(every.values())
    ]
    assert 0.3 < np.mean(right) < 0.75


@given(st.sampled_from(EXPRESSIONS), st.floats(0, 1), st.integers(0, 99))
def test_what_is_drawn_can_be_spoken(expression: str, intensity: float, seed: int) -> None:
    how = voices.delivery(expression, intensity, voices.voice_of("ann", seed), np.random.default_rng(seed))
    assert 80 < how.speed * 175 < 450  # espeak-ng's own limits
    assert how.range > 0 < how.volume


def test_a_voice_is_its_persons_own() -> None:
    assert voices.voice_of("ann", 3) == voices.voice_of("ann", 3) != voices.voice_of("ben", 3)
    assert len({voices.voice_of(str(i), 0).variant for i in range(60)}) > 8


def test_expressions_are_all_there() -> None:
    assert set(PROSODY) == set(EXPRESSIONS)


def test_a_mouth_opens_with_a_voice_and_stretches_with_a_hiss() -> None:
    rng = np.random.default_rng(0)
    voice = murmur(1, rng, pace=0.01)
    hiss = np.diff(rng.normal(0, 0.1, RATE + 1), 1)
    samples = np.concatenate([np.zeros(RATE), voice, np.zeros(RATE), hiss])
    opened, stretched = speaking.mouth(np.asarray(samples * 20000, np.int16)).T
    assert len(opened) == 100
    assert opened[27:48].mean() > 0.5 > 10 * opened[:24].max()
    assert stretched[77:98].mean() > 0.5 > 4 * stretched[27:48].mean()
    assert opened[52:73].max() < 0.05 > stretched[52:73].max()
    assert not speaking.mouth(np.zeros(RATE, np.int16)).any()


def test_a_film_keeps_its_sound_in_step(tmp_path: Path) -> None:
    """A click at 0.5 s is heard there, and sound that is shorter than the pictures ends before them."""
    samples = np.asarray(murmur(0.8, np.random.default_rng(0), loud=0.1) * 32767, np.int16)
    samples[RATE // 2] = 30000
    film = [np.full((48, 48, 3), 5 * i, np.uint8) for i in range(30)]
    for name in ("a.mp4", "b.mp4"):
        video.write_mp4(film, tmp_path / name, sound=samples)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    heard = sound.heard(tmp_path / "a.mp4", 0, 1.2)
    assert len(heard) == 1.2 * RATE
    assert abs(int(np.abs(heard).argmax()) - RATE // 2) < 0.001 * RATE
    assert not heard[RATE:].any()
    assert len(list(video.frames(tmp_path / "a.mp4"))) == 30
    assert np.corrcoef(heard[: len(samples)], samples)[0, 1] > 0.9


def portrait_file() -> Path:
    try:
        registry.path("face_landmarker")
        return registry.path("portrait")
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def people() -> dict[str, warp.FaceMesh]:
    file = portrait_file()
    with face_stage.finding("tests") as find:
        who = synth.load_portraits({"me": file}, find, SIZE)["me"]
    return {"ann": who, "ben": who}


@espeak
def test_prosody_can_be_heard(tmp_path: Path) -> None:
    said = {
        name: voices.say(voices.SENTENCES[0], "m3", how, tmp_path)
        for name, how in {
            "usual": Prosody(),
            "fast": Prosody(speed=1.3),
            "loud": Prosody(volume=1.5),
            "high": Prosody(pitch=25),
        }.items()
    }
    assert RATE < len(said["usual"]) < 2 * RATE
    assert len(said["fast"]) < 0.9 * len(said["usual"])
    assert said["loud"].std() > 1.3 * said["usual"].std()
    assert hertz(said["high"]) > 1.15 * hertz(said["usual"])
    np.testing.assert_array_equal(voices.say(voices.SENTENCES[0], "m3", Prosody(), tmp_path), said["usual"])
    assert not list(tmp_path.iterdir())


def hertz(samples: NDArray[np.int16]) -> float:
    """The median over 40 ms of the strongest periodicity from 60 to 400 Hz."""
    found = []
    for begin in range(0, len(samples) - 640, 320):
        part = samples[begin : begin + 640].astype(float)
        alike = np.correlate(part, part, "full")[639:]
        if part.std() > 500:
            found.append(RATE / (40 + int(alike[40:266].argmax())))
    return float(np.median(found))


@espeak
def test_a_set_that_speaks(tmp_path: Path, people: dict[str, warp.FaceMesh]) -> None:
    roles = speaking.make(tmp_path / "set", people, 8, 3, SIZE, pictures=False)
    listing = layouts.find(tmp_path / "set")
    assert not listing.recorded
    assert listing.classes == EXPRESSIONS
    with (tmp_path / "set" / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["subject"] for row in rows] == ["ann"] * 7 + ["ben"]
    assert {row["sentence"] for row in rows} <= set(voices.SENTENCES)
    assert len({row["voice"] for row in rows[:7]}) == 1
    clips = cache.prepare(tmp_path / "set", listing, SIZE, None).source
    for i, role in enumerate(roles):
        faces, heard = clips.frames(i), clips.signal(i, "sound")
        assert len(faces) == role.frames
        assert len(heard) == role.frames * RATE // 25
        assert 0.9 * RATE < len(heard) < 3.2 * RATE
        assert np.abs(heard).max() > 0.05
        assert 0 <= role.onset < role.apex <= role.release < role.offset
    shutil.copytree(tmp_path / "set" / "happy", tmp_path / "own" / "happy")
    assert not layouts.find(tmp_path / "own").recorded, "a class that is copied out of it is no recording, too"
    speaking.make(tmp_path / "again", people, 2, 3, SIZE, pictures=False)
    for file in (tmp_path / "again").glob("*/*.mp4"):
        assert (tmp_path / "set" / file.relative_to(tmp_path / "again")).read_bytes() == file.read_bytes()


@espeak
def test_pictures_have_their_sound_beside_them(tmp_path: Path, people: dict[str, warp.FaceMesh]) -> None:
    speaking.make(tmp_path, people, 2, 3, SIZE, pictures=True)
    listing = layouts.find(tmp_path)
    clips = cache.prepare(tmp_path, listing, SIZE, None).source
    for i, clip in enumerate(listing.clips):
        assert clip.sound == clip.path.with_name(clip.path.name + ".wav")
        assert len(clips.signal(i, "sound")) == len(clips.frames(i)) * RATE // 25
    assert clip.sound is not None
    clip.sound.write_bytes(clip.sound.read_bytes()[:-2000])  # another file: heard anew
    again = cache.prepare(tmp_path, listing, SIZE, None).source
    assert not again.signal(1, "sound")[-990:].any()


@espeak
def test_a_mouth_moves_as_its_sound_does(tmp_path: Path, people: dict[str, warp.FaceMesh]) -> None:
    """The dark of the open mouth comes and goes with the loudness of the voice."""
    who = people["ann"]
    said = voices.say(voices.SENTENCES[3], "m3", Prosody(), tmp_path)
    samples = np.concatenate(
        [np.zeros(RATE // 2, np.int16), said[: len(said) // 640 * 640], np.zeros(RATE // 2, np.int16)]
    )
    moved = speaking.moved_mouth(who.face, samples, np.random.default_rng(0))
    opened = (who.face + moved)[:, motions.INNER_LOWER[5], 1] - (who.face + moved)[:, motions.INNER_UPPER[5], 1]
    loud = np.abs(samples.reshape(-1, 640)).mean(1)
    assert np.corrcoef(opened, loud)[0, 1] > 0.7
    assert opened[:10].max() < opened.max() - 0.03


def test_without_espeak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    portrait_file()
    assert moodcast.main(["models", "synth", str(tmp_path / "set"), "--speech", "--clips", "1", "--size", "64"]) == 28
    told = capsys.readouterr().err
    assert "expected the program espeak-ng" in told
    assert "apt-get install espeak-ng" in told
    assert not (tmp_path / "set").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a program of a shell")
@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("exit 1", r"espeak-ng to say .*, but it ended with 1 \(without a word\)"),
        ("echo No voice. >&2; exit 3", r"espeak-ng to say .*, but it ended with 3 \(No voice.\)"),
        ("exit 0", "sound, but"),
        ('echo nonsense > "${10}"', "sound, but .* can't be decoded"),
    ],
)
def test_an_espeak_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: dict[str, warp.FaceMesh], does: str, told: str
) -> None:
    program = tmp_path / "bin" / voices.PROGRAM
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    with pytest.raises(DatasetError, match=f"expected {told}.*nothing is left of the set"):
        speaking.make(tmp_path / "set", people, 1, 0, SIZE, pictures=False)
    assert not (tmp_path / "set").exists()


def test_micro_expressions_do_not_speak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["models", "synth", str(tmp_path / "set"), "--speech", "--micro"]) == 28
    assert "expected --micro or --speech, got both" in capsys.readouterr().err
