"""Training, on faces made here: it learns, and a killed run ends as if it had not been killed."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

from models import export, fer2013, registry, train  # noqa: E402
from models.infer import Classifier  # noqa: E402
from models.zoo.moodnet import Moodnet  # noqa: E402

FACES = 80
RECIPE = train.Recipe(epochs=4, small_epochs=1, batch=16, learning_rate=0.02, ema_decay=0.5, mixup_alpha=0.2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Happy faces are bright in the middle, sad ones dark, the rest is noise."""
    folder = tmp_path / "faces"
    folder.mkdir()
    chance = np.random.default_rng(0)
    tiles = chance.integers(90, 160, (FACES, 48, 48))
    tiles[: FACES // 2, 12:36, 12:36] += 90
    tiles[FACES // 2 :, 12:36, 12:36] -= 90
    Image.fromarray(np.concatenate(tiles, 1).astype(np.uint8)).save(folder / "sheet.png")
    with (folder / "fer2013-labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "usage", "emotion", "sheet", "r", "c", "duplicate_of", "pixel_source", *fer2013.VOTES])
        for i in range(FACES):
            happy = i < FACES // 2
            votes = [0, 0, 0, 10 * happy, 10 * (not happy), 0, 0, 0, 0, 0]
            writer.writerow([i, "Training", "happy" if happy else "sad", "sheet.png", 0, i, "", "png", *votes])
    return folder


def test_learns_and_resumes_as_if_never_killed(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    train.train(data, straight, RECIPE, threads=1)

    with monkeypatch.context() as patch:
        whole_epoch = train.Trainer.run_epoch

        def dies_in_third(trainer: train.Trainer, epoch: int) -> float:
            if epoch == 2:
                raise KeyboardInterrupt
            return whole_epoch(trainer, epoch)

        patch.setattr(train.Trainer, "run_epoch", dies_in_third)
        with pytest.raises(KeyboardInterrupt):
            train.train(data, killed, RECIPE, threads=1)
    train.train(data, killed, RECIPE, threads=1)

    expected, found = export.load(straight).state_dict(), export.load(killed).state_dict()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, msg=lambda text, name=name: f"{name}: {text}")

    rows = list(csv.reader((killed / "log.csv").read_text().splitlines()))
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    faces = fer2013.load(data, "Training")
    by_label, by_votes = export.head_probabilities(export.load(killed), faces.pixels, flip=False)
    assert (by_label.argmax(1) == faces.labels).mean() > 0.9
    assert (by_votes.argmax(1) == faces.labels).mean() > 0.9


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # torch.onnx's own
def test_export_answers_like_torch_and_meets_the_registered_contract(tmp_path: Path, flip: bool) -> None:
    torch.manual_seed(0)
    file = tmp_path / "net.onnx"
    export.export(Moodnet().eval(), 0.4, flip, file)
    answers = Classifier(file, registry.get("moodnet")).batch(np.full((2, 48, 48), 7, np.uint8))
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-4)


def test_augmented_faces_stay_faces() -> None:
    faces = torch.full((8, 1, 48, 48), 128.0)
    out = train.augment(faces, train.Recipe(erase_probability=0), torch.Generator().manual_seed(1))
    assert out.shape == faces.shape
    assert out.min() >= 0
    assert out.max() <= 255
    assert (out.std((1, 2, 3)) < 1).all()  # a plain face stays plain: no black borders come in


def test_stray_votes_do_not_count_and_empty_rows_fall_back_on_the_label() -> None:
    votes = np.zeros((2, 10), np.float32)
    votes[0, [3, 6, 0]] = 6, 3, 1
    targets = train.vote_targets(votes, np.array([0, 4]))
    np.testing.assert_allclose(targets[0], [0, 0, 0, 6 / 9, 0, 0, 3 / 9])
    assert targets[1].tolist() == [0, 0, 0, 0, 1, 0, 0]
