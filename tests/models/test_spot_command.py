"""`moodcast models spot` and `spot-report`: what a user gets of videos, good ones and bad ones."""

import argparse
import csv
import io
import json
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models import json_output
from models.clips import video
from models.clips.cutting import preparing
from models.clips.source import Frames
from models.errors import DatasetError, EvaluationError
from models.inference.blendshapes import Shapes
from models.inference.boxes import Points
from models.inference.face_stage import TrackFaces
from models.micro import commands, methods, spot_videos
from models.micro.methods import Method
from models.micro.recogniser import ClipRecogniser
from models.training import recipe


class Stage:
    """Of faces that are cut already."""

    def tracking(self, command: str) -> AbstractContextManager[TrackFaces]:
        raise AssertionError(f"{command} asked for the face stage")

    finding = describing = tracking


def command(*words: object) -> int:
    parser = argparse.ArgumentParser()
    commands.add_actions(parser.add_subparsers(), Stage())
    options = parser.parse_args([str(word) for word in words])
    code: int = options.perform(options)
    return code


def film(count: int = 90, top: int = 50, side: int = 64) -> Frames:
    """A face of noise, whose mouth moves a little to the right and back around one frame."""
    rng = np.random.default_rng(3)
    face = rng.integers(60, 200, (side, side, 3)).astype(np.float64)
    for _ in range(3):
        face = (face + np.roll(face, 1, 0) + np.roll(face, 1, 1)) / 3
    clip = np.repeat(face[None], count, 0)
    for i in range(count):
        far = 2.5 * math.exp(-0.5 * ((i - top) / 4) ** 2)
        low, share = int(far), far - int(far)
        mouth = (1 - share) * np.roll(face, low, 1) + share * np.roll(face, low + 1, 1)
        clip[i, 42:56, 16:48] = mouth[42:56, 16:48]
    return np.rint(clip).astype(np.uint8)


def stored(path: Path, clip: Frames) -> Path:
    """As a folder of pictures, so that no video library is needed."""
    video.write_pictures(clip, path)
    return path


def test_the_table_tells_when_and_for_how_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stored(tmp_path / "film", film())
    assert command("spot", path, "--method", "flow", "--aligned", "--fps", 60) == 0
    first, _, row = capsys.readouterr().out.splitlines()
    assert first == f"{path}: 90 frames, 60 a second; 1 spotted"
    onset, apex, offset, *_ = row.split()
    assert 36 <= int(onset) < int(apex) < int(offset) <= 64
    assert abs(int(apex) - 50) <= 3


def test_csv_and_json_say_the_same_and_the_curve_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stored(tmp_path / "film", film())
    plot = tmp_path / "curve.png"
    words = ("spot", path, "--method", "peak", "--aligned", "--fps", 60, "--plot", plot)
    assert command(*words, "--csv", tmp_path / "found.csv", "--json", "-") == 0
    (row,) = csv.DictReader(io.StringIO((tmp_path / "found.csv").read_text()))
    said = json.loads(capsys.readouterr().out)
    (one,) = said["videos"]
    assert said["method"] == "peak"
    assert len(one["curve"]) == 90
    assert one["spotted"][0]["apex"] == int(row["apex"]) == 50
    assert float(row["apex_s"]) == pytest.approx(50 / 60, abs=1e-3)
    picture = np.asarray(Image.open(plot).convert("RGB"))
    assert (picture == (0, 114, 178)).all(2).any(), "no apex is marked"
    assert (picture.max(2) < 60).sum() > 500, "no curve is drawn"


def test_bad_videos_are_told_and_the_rest_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = stored(tmp_path / "good", film())
    short = stored(tmp_path / "short", film(20))
    single = stored(tmp_path / "single", film(1))
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    bad = [single, short, tmp_path / "empty", tmp_path / "text.mp4", tmp_path / "gone.mp4"]
    assert command("spot", *bad, good, "--method", "peak", "--aligned", "--fps", 60) == 0
    said = capsys.readouterr()
    assert str(good) in said.out
    assert "expected a face for 36 frames (0.6 s) or more in" in said.err
    assert all(str(path) in said.err for path in bad)
    with pytest.raises(DatasetError, match=r"gone\.mp4"):
        command("spot", bad[4], "--method", "peak", "--aligned")


@pytest.mark.parametrize(("fps", "got"), [("1000", "1000"), ("0", "0"), ("-3", "-3")])
def test_frames_a_second_that_can_not_be_are_refused(tmp_path: Path, fps: str, got: str) -> None:
    path = stored(tmp_path / "film", film(40))
    with pytest.raises(DatasetError, match=f"with --fps, got {got}: say with --fps what is true"):
        command("spot", path, "--method", "peak", "--aligned", "--fps", fps)


def test_a_header_that_can_not_be_true_and_a_folder_ask_for_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(tmp_path / "film", film(40))
    with pytest.raises(
        DatasetError, match=r"pictures do not say how many of them are a second: say it with --fps for .*film"
    ):
        command("spot", path, "--method", "peak", "--aligned")
    (tmp_path / "film.mp4").touch()
    monkeypatch.setattr(video, "header", lambda _: video.Header(90000.0, 40))
    with pytest.raises(DatasetError, match="got 90000"):
        command("spot", tmp_path / "film.mp4", "--method", "peak", "--aligned")


def test_every_bad_video_is_told_where_none_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = [tmp_path / "gone", tmp_path / "lost"]
    with pytest.raises(DatasetError, match="lost"):
        command("spot", *bad, "--method", "peak", "--aligned")
    assert str(bad[0]) in capsys.readouterr().err


def test_standard_output_is_for_one_of_them(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="--csv or --json on standard output, got both"):
        command("spot", tmp_path, "--method", "peak", "--csv", "-", "--json", "-")


def test_what_was_found_is_told_even_if_a_file_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stored(tmp_path / "film", film())

    def full(text: str, target: str) -> None:
        raise EvaluationError(f"can't write {target}")

    monkeypatch.setattr(json_output, "write_text", full)
    with pytest.raises(EvaluationError):
        command("spot", path, "--method", "peak", "--aligned", "--fps", 60, "--csv", tmp_path / "found.csv")
    assert "1 spotted" in capsys.readouterr().out


def test_a_file_that_can_not_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    for option in ("--csv", "--json", "--plot"):
        with pytest.raises(EvaluationError, match="there is no folder"):
            command("spot", tmp_path / "film", "--method", "peak", option, tmp_path / "nowhere" / "file")


def landmarks(frame: NDArray[np.uint8]) -> Sequence[tuple[Points, Shapes]]:
    """A face whose eyes and mouth are where alignment puts them; none in a black frame."""
    if frame.max() == 0:
        return []
    points = np.full((478, 2), 48.0)
    points[[33, 133, 362, 263, 61, 291]] = [(36, 40), (40, 40), (56, 40), (60, 40), (40, 66), (56, 66)]
    points[[10, 152, 234, 454]] = [(48, 16), (48, 88), (16, 48), (80, 48)]
    return [(points, np.zeros(52, np.float32))]


def see_nothing(frames: Frames, rate: float) -> NDArray[np.float64]:
    return np.arange(len(frames), dtype=np.float64)


def test_where_no_face_is_seen_nothing_is_said_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    """Two stretches with a face, and a gap that is too long to be bridged; frames count from the video's first."""
    clip = np.repeat(film(1, side=96), 150, 0)
    clip[60:90] = 0
    path = stored(tmp_path / "film", clip)
    method = Method("ramp", 64, see_nothing, lambda seen, rate, count: methods.FilmAnswer(seen, [], 0))
    found = spot_videos.look_at(path, 60, method, lambda frame, _: landmarks(frame), None)
    assert np.isnan(found.curve).nonzero()[0].tolist() == list(range(60, 90))
    assert found.curve[:60].tolist() == found.curve[90:].tolist() == list(range(60))
    assert found.remarks == (f"{path}: no face for long enough in frames 60 to 89",)


def test_moments_in_a_later_stretch_count_from_the_videos_first_frame(tmp_path: Path) -> None:
    clip = np.repeat(film(1, side=96), 160, 0)
    clip[:50] = 0
    path = stored(tmp_path / "film", clip)
    spotted = [methods.Spotted(10, 20, 30, 0.9)]
    method = Method("fixed", 64, see_nothing, lambda seen, rate, count: methods.FilmAnswer(seen, spotted, 20))
    found = spot_videos.look_at(path, 60, method, lambda frame, _: landmarks(frame), None)
    assert [one.spotted for one in found.named] == [methods.Spotted(60, 70, 80, 0.9)]


def test_no_face_at_all_is_a_sentence(tmp_path: Path) -> None:
    path = stored(tmp_path / "film", np.zeros((60, 96, 96, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"expected a face in .*film, found none"):
        spot_videos.look_at(path, 60, methods.PLAIN["peak"], lambda frame, _: landmarks(frame), None)


def annotated(folder: Path) -> Path:
    folder.mkdir()
    stored(folder / "a", film(90, 50))
    stored(folder / "b", film(80, 30))
    stored(folder / "c", film(60, 500))
    rows = [
        "file,subject,fps,onset,apex,offset,label",
        "a,anna,60,40,50,60,happy",
        "b,ben,60,20,30,40,sad",
        "c,carl,60,,,,",
    ]
    (folder / "events.csv").write_text("\n".join([*rows, ""]))
    return folder


def test_a_report_has_megcs_measures_and_what_is_found_where_nothing_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="the report reads runs: pip install '.[train]'")
    folder = annotated(tmp_path / "set")
    assert command("spot-report", folder, "--aligned", "--json", tmp_path / "report.json") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "3 films of 3 people, 2 micro-expressions"
    result = json.loads((tmp_path / "report.json").read_text())
    figures = result["methods"]["flow"]
    assert (figures["true"], figures["hits"], figures["recall"]) == (2, 2, 1)
    assert figures["apex_ms"][1] < 50
    assert figures["quiet"]["films"] == 1
    assert list((folder / ".moodcast-faces").glob("**/*main-flow*")), "flow is not kept"


def test_a_report_on_films_without_a_micro_expression_says_so(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the report reads runs: pip install '.[train]'")
    folder = annotated(tmp_path / "set")
    (folder / "events.csv").write_text("file,subject,fps,onset,apex,offset,label\nc,carl,60,,,,\n")
    with pytest.raises(EvaluationError, match=r"expected micro-expressions in .*, but none is known in its 1 films"):
        command("spot-report", folder, "--aligned")


def always(answer: int, monkeypatch: pytest.MonkeyPatch) -> ClipRecogniser:
    """A recogniser of two classes that looks at a clip and says the same of each."""
    torch = pytest.importorskip("torch", reason="recognisers need torch: pip install '.[train]'")
    from models.zoo import networks
    from tests.moving import ENTRY, Tiny

    net = Tiny(2).eval()
    torch.nn.init.zeros_(net.fc.weight)
    net.fc.bias.data = torch.tensor([0.0, 0.0])
    net.fc.bias.data[answer] = 1
    monkeypatch.setattr(networks, "get", lambda _: ENTRY)
    made_by = recipe.parse({"clips": {"layout": "plain"}, "network": {"name": "tiny"}}, "here")
    return ClipRecogniser(("happy", "sad"), 32, net, made_by, torch.device("cpu"))


def test_a_recogniser_names_what_is_spotted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(tmp_path / "film", film())
    found = spot_videos.look_at(path, 60, methods.PLAIN["peak"], None, always(1, monkeypatch))
    assert [one.label for one in found.named] == ["sad"]
    assert ",sad" in spot_videos.as_csv([found])
    assert "sad" in spot_videos.describe([found])


def test_a_recogniser_of_small_faces_is_given_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `models evaluate` does: a run whose epochs all saw 48 px knows nothing of 224."""
    pytest.importorskip("torch", reason="recognisers need torch: pip install '.[train]'")
    from models.micro import recogniser
    from models.training import checkpoint
    from models.zoo import networks

    small = {"epochs": 2, "small_epochs": 2, "small_size": 48}
    how = {"clips": {"layout": "plain", "sampling": "apex"}, "network": {"name": "micro-attention"}, "schedule": small}
    made_by, net = recipe.parse(how, "here"), networks.build("micro-attention", 2).eval()
    seen: list[tuple[int, ...]] = []
    net.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[-2:])))
    monkeypatch.setattr(checkpoint, "load_network", lambda run: checkpoint.Trained(net, made_by, ("happy", "sad")))
    knows = recogniser.load(tmp_path)
    assert knows.size == 48
    knows.name(film(20, 10, knows.size), methods.Spotted(0, 10, 19, 1.0), 60)
    assert set(seen) == {(48, 48)}


def test_what_a_recogniser_can_not_name_is_spotted_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At few frames a second a micro-expression may be a single one."""
    path = stored(tmp_path / "film", film(40))
    single = [methods.Spotted(10, 10, 10, 0.9), methods.Spotted(20, 21, 22, 0.9)]
    method = Method("fixed", 64, see_nothing, lambda seen, rate, count: methods.FilmAnswer(seen, single, 10))
    found = spot_videos.look_at(path, 6, method, None, always(1, monkeypatch))
    assert [one.label for one in found.named] == ["", "sad"]
    assert "no label for frames 10 to 10: " in found.remarks[0]


def report(tmp_path: Path, knows: ClipRecogniser, method: Method) -> dict[str, Any]:
    from models.micro import spot_study

    prepare = preparing(Stage(), "tests")
    result = spot_study.study(annotated(tmp_path / "set"), "long-plain", [method], knows, prepare, True)
    found: dict[str, Any] = result["methods"][method.name]
    return found


def test_strs_is_zero_without_a_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never = Method("never", 64, see_nothing, lambda seen, rate, count: methods.FilmAnswer(seen, [], 0))
    figures = report(tmp_path, always(0, monkeypatch), never)
    assert (figures["recognition_f1"], figures["strs"]) == (0, 0)


def test_a_recogniser_of_other_words_is_asked_under_what_both_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows = replace(always(0, monkeypatch), classes=("sad", "Happiness"))
    figures = report(tmp_path, knows, methods.PLAIN["flow"])
    assert figures["recognition_f1"] == pytest.approx(1 / 3)
    (tmp_path / "other").mkdir()
    with pytest.raises(DatasetError, match="expected two sets that share classes"):
        report(tmp_path / "other", replace(knows, classes=("open", "shut")), methods.PLAIN["flow"])


def test_strs_is_the_f1_of_spotting_times_that_of_what_the_hits_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows = always(0, monkeypatch)
    figures = report(tmp_path, knows, methods.PLAIN["flow"])
    assert figures["hits"] == 2
    assert figures["recognition_f1"] == pytest.approx(1 / 3)  # happy 2/3, sad 0
    assert figures["strs"] == pytest.approx(figures["f1"] / 3)
