"""moodnet-clip from the shipped classifier to a file of its own that the agent loads."""

import csv
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402
from models.inference.contract import ClipSpec  # noqa: E402
from models.inference.infer import FaceByFace, load, load_still  # noqa: E402
from models.training import checkpoint, distil  # noqa: E402
from tests import full_disk  # noqa: E402
from tests.tiles import write_tiles  # noqa: E402

RECIPE = """
[network]
name = "moodnet-clip"
start = "{start}"
[augmentation]
operations = 0
[distillation]
teachers = [{teachers}]
share = 0.5
[optimizer]
kind = "adamw"
learning_rate = 2e-3
[schedule]
epochs = {epochs}
batch = 8
ema_decay = 0.5
"""


def write_recipe(folder: Path, epochs: int = 2, start: str = "moodnet", teachers: str = '"moodnet"') -> str:
    file = folder / "recipe.toml"
    file.write_text(RECIPE.format(epochs=epochs, start=start, teachers=teachers))
    return str(file)


def test_from_the_start_to_a_file_for_the_agent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distil, "SEQUENCES", 8)
    data, run, file = write_tiles(tmp_path / "data", 36), tmp_path / "run", tmp_path / "clip.onnx"
    assert (
        moodcast.main(["models", "distil", write_recipe(tmp_path, epochs=6), "--data", str(data), "--run", str(run)])
        == 0
    )
    rows = list(csv.DictReader((run / "log.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == [str(i) for i in range(1, 7)]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert 0 <= float(rows[-1]["moving_label"]) <= 1
    assert moodcast.main(["models", "export", str(run), str(file), "--weights", "float16"]) == 0
    told = capsys.readouterr().out
    assert "largest difference to torch" in told
    assert "float16: 8.1 MB became 4." in told
    assert file.stat().st_size < 10e6
    found = load(str(file))
    assert isinstance(found, FaceByFace)
    assert found.network.contract.clip == ClipSpec(8, 0.2, every=1, features=256)
    clips = np.random.default_rng(0).integers(0, 256, (2, 8, 48, 48, 3)).astype(np.uint8)
    np.testing.assert_allclose(found.batch(clips).sum(1), 1, atol=1e-4)


def test_a_disk_that_is_full_from_the_first_step_on_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distil, "SEQUENCES", 8)
    data, config, run = write_tiles(tmp_path / "data", 36), write_recipe(tmp_path, epochs=1), tmp_path / "run"
    command = ["models", "distil", config, "--data", str(data)]
    done = full_disk.run(full_disk.TRAINING, tmp_path / "disk", "64m", *command, str(run))
    assert done.returncode == 0, done.stderr
    assert "can't keep the features" in done.stderr
    assert "checkpoint.pt" not in done.stderr
    assert moodcast.main([*command, "--run", str(tmp_path / "whole")]) == 0
    one, other = (checkpoint.load_network(folder).net.state_dict() for folder in (run, tmp_path / "whole"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_before_it_learns_it_finds_in_still_faces_what_its_start_does(tmp_path: Path) -> None:
    """The head begins near the mean of the frames, so a face that does not move is read as by the still network."""
    from models.training import data as splits
    from models.training.data import Split
    from models.training.recipe import load as load_recipe

    faces = splits.fer2013.load(write_tiles(tmp_path / "data", 20), "Training")
    here, recipe = Split.of(faces, torch.device("cpu")), load_recipe(Path(write_recipe(tmp_path)))
    task = distil.PseudoClips(recipe, here, here, torch.full((20, 2, 7), 1 / 7), tmp_path, torch.device("cpu"))
    task.start_from("moodnet")
    clips = torch.from_numpy(faces.pixels[:20]).float()[:, None, None].expand(-1, 3, 8, -1, -1)
    with torch.no_grad():
        found = task.net.eval()(clips).argmax(1).numpy()
    expected = load_still("moodnet").batch(faces.pixels[:20]).argmax(1)
    assert (found == expected).mean() >= 0.8


@pytest.mark.parametrize(
    ("start", "teachers", "code", "says"),
    [
        ("moodnet", "", 27, "at least one teacher"),
        ("emotieffnet-b0", '"moodnet"', 22, "moodcast models fetch emotieffnet-b0"),
        ("nowhere", '"moodnet"', 27, "nowhere"),
    ],
)
def test_what_cannot_be_distilled_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], start: str, teachers: str, code: int, says: str
) -> None:
    data, config = write_tiles(tmp_path / "data", 36), write_recipe(tmp_path, start=start, teachers=teachers)
    assert moodcast.main(["models", "distil", config, "--data", str(data), "--run", str(tmp_path / "run")]) == code
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error
