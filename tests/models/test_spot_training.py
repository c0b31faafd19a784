"""Teaching a spotter: what it is asked of each frame, that it learns to tell a micro-expression from a blink, and that
films at any rate come to it at its own."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips import cache, video  # noqa: E402
from models.clips.layouts import long  # noqa: E402
from models.clips.layouts.entry import Listing  # noqa: E402
from models.clips.layouts.long import Event  # noqa: E402
from models.clips.source import Frames, in_memory  # noqa: E402
from models.errors import EvaluationError, RecipeError, TrainingError  # noqa: E402
from models.export import research  # noqa: E402
from models.micro import methods, recogniser  # noqa: E402
from models.training import checkpoint, films, recipe, spot_films, train  # noqa: E402
from models.training.films import Films  # noqa: E402
from models.training.recipe import Recipe  # noqa: E402
from models.training.spot_films import SpotFilms  # noqa: E402
from models.zoo import networks, spot_cnn  # noqa: E402
from relay.protocol import EXPRESSIONS  # noqa: E402

CPU = torch.device("cpu")
STILL = {"roll_degrees": 0, "zoom": 0, "shift": 0, "operations": 0, "erase_share": 0, "mixup_alpha": 0}


def made(**sections: dict[str, Any]) -> Recipe:
    basis: dict[str, dict[str, Any]] = {
        "network": {"name": "spot-cnn", "task": "spot"},
        "clips": {"layout": "long-plain", "aligned": True},
        "augmentation": STILL,
        "optimizer": {"kind": "adamw", "learning_rate": 3e-3},
        "schedule": {"epochs": 2, "batch": 2, "ema_decay": 0.0},
    }
    return recipe.parse({name: basis.get(name, {}) | sections.get(name, {}) for name in basis | sections}, "here")


def film(frames: int, micro: Sequence[int], blinks: Sequence[int], seed: int = 0) -> Frames:
    """A face of noise: in a micro-expression something low in it moves to the right and back, in a blink something
    high in it gets dark."""
    rng = np.random.default_rng(seed)
    face = rng.integers(60, 200, (64, 64, 3)).astype(np.float64)
    face = (face + np.roll(face, 1, 1) + np.roll(face, 1, 0)) / 3
    clip = np.repeat(face[None], frames, 0)
    for first in micro:
        for i, far in enumerate(np.sin(np.linspace(0, math.pi, 20)) * 3):
            if 0 <= first + i < frames:
                clip[first + i, 40:56, 16:48] = np.roll(face[40:56], round(far), 1)[:, 16:48]
    for first in blinks:
        clip[first : first + 12, 16:28, 8:56] *= 0.4
    return np.rint(clip).astype(np.uint8)


def events(*first: int) -> tuple[Event, ...]:
    return tuple(Event(start, start + 10, start + 19, 0, True) for start in first)


def few(rate: float = 60.0) -> Films:
    clips = [film(150, [30], [90], 1), film(150, [100], [40], 2), film(120, [], [50], 3)]
    happening = (events(30), events(100), ())
    return Films(in_memory(clips, [0] * 3, ("film",)), (150, 150, 120), (rate,) * 3, happening)


def shares(targets: NDArray[np.float32]) -> list[str]:
    return [spot_cnn.CLASSES[i] for i in targets.argmax(1)]


def test_a_frame_is_none_micro_or_near_the_apex() -> None:
    said = shares(spot_films.wanted(events(10), np.arange(40), 60))
    assert said[:10] == said[30:] == ["none"] * 10
    assert said[20] == "apex"
    assert said[10:12] == said[28:30] == ["micro"] * 2
    assert set(said[10:30]) == {"micro", "apex"}


def test_an_ordinary_expression_is_none_and_without_a_known_apex_nothing_is_near_it() -> None:
    macro = Event(10, 20, 29, -1, micro=False)
    assert set(shares(spot_films.wanted([macro], np.arange(40), 60))) == {"none"}
    unknown = Event(10, -1, 29, 0, micro=True)
    assert shares(spot_films.wanted([unknown], np.arange(40), 60))[10:30] == ["micro"] * 20


@pytest.mark.parametrize("rate", [25.0, 30.0, 60.0, 200.0])
def test_a_film_is_seen_at_sixty_frames_a_second_whatever_its_own(rate: float) -> None:
    at = spot_films.moments(round(2 * rate), rate)
    assert len(at) == 120
    assert at[0] == 0
    assert (np.diff(at) >= 0).all()
    assert abs(at[60] - rate) <= 1, "after a second it is at the frame of a second"
    assert at[-1] <= 2 * rate - 1


def test_a_whole_film_is_judged_as_its_windows_are() -> None:
    torch.manual_seed(0)
    net = networks.build("spot-cnn").eval()
    clip = film(100, [30], [])
    grey = spot_films.grey_faces(clip, 60)
    found = spot_films.probabilities(net, grey, CPU)
    assert found.shape == (100, 3)
    window = grey[50 - spot_cnn.AROUND : 50 + spot_cnn.AROUND + 1]
    with torch.inference_mode():
        alone = net(torch.from_numpy(window)[None, None].float()).softmax(1)[0].numpy()
    assert found[50] == pytest.approx(alone, abs=1e-5)


def test_flicker_of_the_light_changes_nothing() -> None:
    torch.manual_seed(0)
    net = networks.build("spot-cnn").eval()
    clip = np.random.default_rng(0).random((1, 79, 64, 64), np.float32)
    flickering = clip * np.random.default_rng(1).uniform(0.7, 1.2, (1, 79, 1, 1)).astype(np.float32)
    with torch.inference_mode():
        steady, other = (net(torch.from_numpy(x)[None].squeeze(0)[:, None]) for x in (clip, flickering))
    assert torch.allclose(steady, other, atol=1e-2)


def test_it_learns_films_by_heart_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spot_films, "STRETCH", 60)
    monkeypatch.setattr(spot_films, "_SPEED", 0.0)
    torch.manual_seed(1)
    how = made(schedule={"epochs": 4})
    task = SpotFilms.of(how, few(), few(), CPU)
    assert task.examples == 8  # of 150, 150 and 120 frames
    train.fit(how, task, tmp_path, CPU)
    names, *_, last = (tmp_path / "log.csv").read_text().splitlines()
    found = dict(zip(names.split(","), map(float, last.split(",")), strict=True))
    assert found["frame_f1"] > 0.8
    assert found["apex_ms"] <= 100
    assert checkpoint.load_network(tmp_path).classes == spot_cnn.CLASSES
    answer = methods.of_network(tmp_path)(film(150, [30], [90], 1), 60)
    assert len(answer.curve) == 150
    assert abs(answer.apex - 40) <= 6
    with pytest.raises(EvaluationError, match="expected a run that recognises clips, got one of spot-cnn"):
        recogniser.load(tmp_path)
    assert answer.curve[35:45].mean() > answer.curve[90:102].mean(), "a blink is taken for a micro-expression"


def test_all_chance_of_a_batch_comes_from_its_generator() -> None:
    task = SpotFilms.of(made(augmentation={"roll_degrees": 5}), few(), few(), CPU)
    one, same, other = (task.batch(torch.tensor([0, 1]), 0, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(one.grey, same.grey)
    assert torch.equal(one.targets, same.targets)
    assert not torch.equal(one.grey, other.grey)


def test_every_stretch_has_frames_of_its_film_however_it_is_shifted() -> None:
    short = Films(in_memory([film(37, [], [])], [0], ("film",)), (37,), (60.0,), ((),))
    task = SpotFilms.of(made(schedule={"batch": 2}), short, short, CPU)
    for seed in range(20):
        assert task.stretch((0, 36), np.random.default_rng(seed))[2].any()


def test_only_the_hardest_of_the_others_count() -> None:
    task = SpotFilms.of(made(), few(), few(), CPU)
    logits = torch.zeros(1, 8, 3)
    logits[0, :, 0] = 9  # "none" of all, and it is
    logits[0, 5] = torch.tensor([0.0, 9, 0])  # but here
    targets = torch.zeros(1, 8, 3)
    targets[..., 0] = 1
    batch = spot_films.FilmBatch(torch.zeros(0), targets, torch.ones(1, 8, dtype=torch.bool))
    assert float(task.loss(logits, batch)) == pytest.approx(4.5, abs=0.01)  # the mean of 9 and 0, not of all eight


def test_a_network_that_is_no_spotter_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"network.task: 'spot' is for spot-cnn, got 'c3d'"):
        SpotFilms.of(made(network={"name": "c3d"}), few(), few(), CPU)
    with pytest.raises(RecipeError, match=r"expected clips\.layout"):
        made(clips={"layout": ""})


def as_they_are(folder: Path, listing: Listing, size: int, aligned: bool) -> cache.Prepared:
    assert aligned
    return cache.prepare(folder, listing, size, None)


def written(folder: Path, rows: Sequence[str], clips: dict[str, Frames]) -> None:
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    folder.mkdir()
    for name, clip in clips.items():
        video.write_mp4(clip, folder / name)
    (folder / "events.csv").write_text("\n".join(["file,subject,fps,onset,apex,offset,label", *rows, ""]))


def test_films_of_a_folder_come_with_their_events_and_bad_ones_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["a.mp4,anna,25,10,20,30,happy", "b.mp4,ben,25,,,,", "c.mp4,carl,25,1,2,3,happy", "gone.mp4,dora,25,,,,"]
    written(tmp_path / "set", rows, {"a.mp4": film(60, [10], []), "b.mp4": film(50, [], [10])})
    (tmp_path / "set" / "c.mp4").write_bytes(b"no video")
    every = films.opened(made(data={"validation_share": 0.5}), tmp_path / "set", 64, as_they_are)
    assert every.films.counts == (60, 50)
    assert every.films.events == ((Event(10, 20, 30, EXPRESSIONS.index("happy"), True),), ())
    assert every.films.rates == (25, 25)
    learn, test = every.sides("")
    assert {*learn.source.subjects, *test.source.subjects} == {"anna", "ben"}
    told = capsys.readouterr().err
    assert "gone.mp4" in told
    assert "c.mp4" in told
    listing = long.find(tmp_path / "set")
    assert not films.cut(tmp_path / "set", listing, 64, as_they_are, True)[1]
    written(tmp_path / "fast", ["a.mp4,anna,200,10,20,30,happy"], {"a.mp4": film(60, [10], [])})
    listing = long.find(tmp_path / "fast")
    found, left_out = films.cut(tmp_path / "fast", listing, 64, as_they_are, True)
    assert found.rates == (200,)
    assert (len(listing.remarks), left_out) == (1, ())  # that the header says 25, once
    with pytest.raises(TrainingError, match="expected 8 films or more"):
        films.opened(made(), tmp_path / "set", 64, as_they_are, fewest=8)


def test_a_film_without_a_known_rate_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("a", "b"):
        video.write_pictures(film(12, [], []), folder / name)
    rows = ["file,subject,fps,onset,apex,offset,label", "a,anna,60,2,4,6,happy", "b,ben,,,,,", ""]
    (folder / "events.csv").write_text("\n".join(rows))
    listing = long.find(folder)
    found, left_out = films.cut(folder, listing, 64, as_they_are, True)
    assert found.source.subjects == ("anna",)
    assert "frames a second" in " ".join(left_out)


def test_the_exported_network_answers_as_torch_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = networks.build("spot-cnn").eval()
    assert research.export(network, networks.get("spot-cnn"), spot_cnn.CLASSES, tmp_path / "spot.onnx") < 1e-4
