"""`moodcast models synth --micro`: faint, short expressions where the tables say, among what means nothing."""

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import moodcast
from agent import face_stage
from models.clips import layouts, micro_synth, styles, synth, video, warp
from models.clips.layouts import long
from models.clips.micro_synth import Blink, MicroExpression, MicroScene
from models.errors import ModelMissingError
from models.inference import registry
from relay.protocol import EXPRESSIONS

LONDON = Path(__file__).parents[2] / ".." / "shared" / "data" / "photos" / "london"
SIZE = 96
BROWS, EYES, MOUTH = slice(26, 38), slice(38, 50), slice(62, 80)
"""Rows of a picture."""


def portrait_file() -> Path:
    try:
        registry.path("face_landmarker")
        return LONDON / "001_neutral.jpg" if LONDON.is_dir() else registry.path("portrait")
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def someone() -> warp.FaceMesh:
    file = portrait_file()
    with face_stage.finding("tests") as find:
        return synth.load_portraits({"me": file}, find, SIZE)["me"]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads don't move."""
    monkeypatch.setattr(micro_synth, "_head", lambda times, seconds, rng: [synth.Pose(0, 0, 1, 0, 0)] * len(times))


def changes(who: warp.FaceMesh, scene: MicroScene, since: int, rows: slice) -> NDArray[np.float64]:
    """How much of these rows is another picture than in the frame ``since``, whatever the light: (F,)."""
    film = np.stack(list(micro_synth.perform(who, scene, 60, SIZE, np.random.default_rng(3)))).astype(float)
    film = film[:, rows, 20:76] / film.mean((1, 2, 3), keepdims=True)
    return np.asarray(np.abs(film - film[since]).mean((1, 2, 3)))


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("expression", micro_synth.SHOWN)
def test_what_is_shown_is_strongest_at_the_apex(someone: warp.FaceMesh, expression: str) -> None:
    event = MicroExpression(expression, 0.3, 10, 22, 38)
    found = changes(someone, MicroScene("me", 50 / 60, 50, (event,), ()), 5, slice(BROWS.start, MOUTH.stop))
    rest = found[[*range(5), *range(6, event.onset + 1), *range(event.offset, 50)]]
    assert abs(int(found.argmax()) - event.apex) <= 2
    assert found.max() > 1.5 * rest.max()


@pytest.mark.usefixtures("still")
def test_a_blink_shuts_the_eyes_and_moves_no_brow(someone: warp.FaceMesh) -> None:
    blink = Blink(0.3, 0.25, 1)
    scene = MicroScene("me", 50 / 60, 50, (), (blink,))
    eyes, brows = (changes(someone, scene, 5, rows) for rows in (EYES, slice(20, 30)))
    assert blink.middle(60) == 24
    assert abs(int(eyes.argmax()) - 24) <= 2
    assert eyes[24] > 2 * max(*eyes[:5], *eyes[6:18], *eyes[34:])
    assert brows[24] < 1.5 * brows[40:].max()


@given(number=st.integers(0, 10**4), people=st.integers(1, 70), rate=st.sampled_from((60, 120, 200)), data=st.data())
def test_scenes(number: int, people: int, rate: int, data: st.DataObject) -> None:
    draw = data.draw(st.sampled_from([micro_synth.short_scene, micro_synth.long_scene]))
    subjects = [str(i) for i in range(people)]
    scene = draw(number, subjects, rate, np.random.default_rng(data.draw(st.integers(0, 99))))
    low, high = micro_synth.SHORT_S if draw is micro_synth.short_scene else micro_synth.LONG_S
    assert low <= scene.frames / rate <= high + 1 / rate
    assert len(scene.events) == 1 or draw is micro_synth.long_scene
    assert len(scene.events) <= 3
    before = 0
    for event in scene.events:
        assert event.expression != "neutral"
        assert 0.1 <= event.intensity <= 0.3
        assert event.onset < event.apex < event.offset
        assert (event.apex - event.onset) / rate <= 0.26
        assert 0.2 - 1 / rate <= (event.offset - event.onset) / rate <= 0.5
        assert event.onset - before >= micro_synth.REST_S * rate - 1
        before = event.offset
    assert scene.frames - before >= micro_synth.REST_S * rate - 1
    for blink in scene.blinks:
        assert 0.1 <= blink.lasting <= 0.4
        assert 0 <= blink.middle(rate) < scene.frames


def scenes(draw: Any, count: int, people: int, rate: int = 60) -> list[MicroScene]:
    subjects = [f"{i:02}" for i in range(people)]
    return [draw(i, subjects, rate, np.random.default_rng(i)) for i in range(count)]


def test_everybody_shows_everything_before_anybody_does_twice() -> None:
    shown = Counter((scene.subject, scene.events[0].expression) for scene in scenes(micro_synth.short_scene, 60, 10))
    assert len(shown) == 60
    assert {expression for _, expression in shown} == set(EXPRESSIONS) - {"neutral"}


@pytest.mark.parametrize("people", [1, 20, 33, 60])
def test_three_in_ten_long_clips_have_a_blink_alone_and_not_always_of_the_same_people(people: int) -> None:
    made = scenes(micro_synth.long_scene, 200, people)
    assert Counter(len(scene.events) for scene in made) == {0: 80, 1: 60, 2: 40, 3: 20}
    blinking = [scene for scene in made if not scene.events and scene.blinks]
    assert 60 <= len(blinking) < 80  # some show nothing at all
    assert len({scene.subject for scene in blinking}) > 0.7 * people
    assert len({scene.subject for scene in made if scene.events}) > 0.9 * people


def test_heads_move_little() -> None:
    times = np.arange(0, 10, 1 / 60)
    jolts = 0
    for seed in range(20):
        poses = micro_synth._head(times, 10, np.random.default_rng(seed))
        ways = np.array([(pose.turn, pose.roll, pose.scale - 1, pose.x, pose.y) for pose in poses])
        assert 0 < np.ptp(ways[:, 3]) < 0.08  # of a tile: some pixels of a hundred
        assert np.ptp(ways[:, 0]) < 0.25
        jolts += np.abs(np.diff(ways[:, 3])).max() > 0.0003
    assert 5 < jolts < 20


def test_a_lamp_flickers_as_fast_as_the_frame_rate_lets_it_seem() -> None:
    times = np.arange(0, 5, 1 / 60)
    fastest = set()
    for seed in range(20):
        light = micro_synth._flicker(times, 60, np.random.default_rng(seed))
        assert np.abs(light).max() <= 0.04
        spectrum = np.abs(np.fft.rfft(light))
        fastest.add(round(float(np.fft.rfftfreq(len(times), 1 / 60)[spectrum.argmax()])))
    assert fastest == {0, 20}  # mains of 60 Hz and of 50


def test_what_means_nothing_does_not_depend_on_the_label() -> None:
    others = {micro_synth.short_scene(i, ["me"], 60, np.random.default_rng(5)).blinks for i in range(6)}
    assert len(others) == 1


def test_at_another_rate_it_is_the_same() -> None:
    slow, fast = (scenes(micro_synth.long_scene, 20, 4, rate) for rate in (60, 200))
    for one, other in zip(slow, fast, strict=True):
        assert [event.expression for event in one.events] == [event.expression for event in other.events]
        assert one.blinks == other.blinks
        for a, b in zip(one.events, other.events, strict=True):
            times = np.array([[a.onset, a.apex, a.offset]]) / 60 - np.array([[b.onset, b.apex, b.offset]]) / 200
            assert np.abs(times).max() < 0.06


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portraits")
    file = portrait_file()
    shutil.copy(file, folder / f"anna_neutral{file.suffix}")
    return folder


def rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text().splitlines()))


def test_command(tmp_path: Path, portraits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    out, again = tmp_path / "out", tmp_path / "again"
    command = ["--micro", "--portraits", str(portraits), "--rate", "120", "--size", "32"]
    assert moodcast.main(["models", "synth", str(out), *command, "--clips", "2", "--long", "1"]) == 0
    assert f"{out}: 3 clips of 1 people" in capsys.readouterr().out
    listing = layouts.find(out / "short")
    assert len(listing.clips) == 2
    for clip in listing.clips:
        header = video.header(clip.path)
        assert (clip.subject, header.rate) == ("anna", 120)
        assert 0 < clip.onset < clip.apex < header.frames
        assert 0.1 <= clip.intensity <= 0.3
    (film,) = long.find(out / "long", "long-plain").clips
    assert (film.subject, film.fps) == ("anna", 120)
    told = rows(out / "long" / "events.csv")
    assert {int(row["frames"]) for row in told} == {film.frames} == {video.header(film.path).frames}
    assert [event.apex for event in film.events] == [int(row["apex"]) for row in told]
    assert moodcast.main(["models", "synth", str(again), *command, "--clips", "1"]) == 0
    (clip,) = layouts.find(again / "short").clips  # as many more as there are: one seed, one first clip
    assert clip.path.read_bytes() == (out / clip.path.relative_to(again)).read_bytes()


def test_long_clips_of_nothing_have_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_synth, "perform", lambda who, scene, *more: [np.zeros((32, 32, 3), np.uint8)] * 2)
    nobody = warp.FaceMesh(np.zeros((8, 8, 3), np.uint8), np.zeros((warp.MESH, 2)), np.zeros((0, 3), np.int32), 1)
    own = {"me": styles.draw("me", 0)}
    made = micro_synth.make(tmp_path / "out", {"me": nobody}, (0, 10), 200, 0, 32, True, own)
    assert {place.name for place in (tmp_path / "out").iterdir()} == {"long", "styles.json", "synthetic.txt"}
    table = rows(tmp_path / "out" / "long" / "events.csv")
    assert len(table) == sum(max(len(scene.events), 1) for scene in made) == 14
    for i, scene in enumerate(made):
        told = [row for row in table if row["file"] == f"me_{i:05}"]
        assert [row["onset"] for row in told] == ([str(event.onset) for event in scene.events] or [""])
        assert {(row["fps"], row["frames"]) for row in told} == {("200", str(scene.frames))}
        assert {len(row["blinks"].split()) for row in told} == {len(scene.blinks)}


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--long", "3"], "give --micro with them"), (["--micro", "--clips", "0"], "expected one clip or more")],
)
def test_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], told: str) -> None:
    assert moodcast.main(["models", "synth", str(tmp_path / "out"), *options]) == 28
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_stopped_set_leaves_nothing(tmp_path: Path, someone: warp.FaceMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    perform = micro_synth.perform

    def stops(who: warp.FaceMesh, scene: MicroScene, *more: Any) -> Iterator[video.Frame]:
        yield from list(perform(who, scene, *more))[:3]
        if not scene.events or scene.events[0].expression == "disgust":
            raise KeyboardInterrupt

    monkeypatch.setattr(micro_synth, "perform", stops)
    with pytest.raises(KeyboardInterrupt):
        micro_synth.make(tmp_path / "new", {"me": someone}, (6, 2), 60, 0, SIZE, True)
    assert list(tmp_path.iterdir()) == []
