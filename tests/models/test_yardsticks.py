"""Published networks beside ours, and the evaluation that measures them in the same run."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import evaluate, yardsticks
from docs import card
from models.inference import registry
from tests.tiles import write_tiles


def test_ensemble_is_the_geometric_mean() -> None:
    a = np.array([[0.8, 0.2, 0, 0, 0, 0, 0]], np.float32)
    b = np.array([[0.2, 0.8, 0, 0, 0, 0, 0]], np.float32)
    mean = yardsticks.geometric_mean([lambda _: a, lambda _: b])(np.zeros((1, 48, 48), np.uint8))
    np.testing.assert_allclose(mean[0, :2], [0.5, 0.5], atol=1e-5)
    assert mean[0, 2:].max() < 1e-5


def test_folder_without_yardsticks_has_none(tmp_path: Path) -> None:
    assert yardsticks.load(tmp_path) == {}


def test_rebuilt_face_api_reads_its_weight_files(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the rebuilt face-api.js needs onnx: make test TRAIN=1")
    widths, entries = [3, 32, 64, 128, 256], []
    for block in range(4):
        for i in range(4):
            name, before, after = (
                f"dense{block}/conv{i}",
                widths[block] if i == 0 else widths[block + 1],
                widths[block + 1],
            )
            if name == "dense0/conv0":
                entries.append((f"{name}/filters", [3, 3, 3, after]))
            else:
                entries += [(f"{name}/depthwise_filter", [3, 3, before, 1])]
                entries += [(f"{name}/pointwise_filter", [1, 1, before, after])]
            entries.append((f"{name}/bias", [after]))
    entries += [("fc/weights", [256, 7]), ("fc/bias", [7])]
    weights, data, chance = [], b"", np.random.default_rng(0)
    for name, shape in entries:
        entry = {"name": name, "shape": shape, "dtype": "float32"}
        if "bias" in name:
            data += np.zeros(shape, np.float32).tobytes()
        else:
            entry["quantization"] = {"dtype": "uint8", "scale": 0.01, "min": -1.2}
            data += chance.integers(90, 150, shape).astype(np.uint8).tobytes()
        weights.append(entry)
    (tmp_path / "face_expression_model-weights_manifest.json").write_text(json.dumps([{"weights": weights}]))
    (tmp_path / "face_expression_model.bin").write_bytes(data)
    (network,) = yardsticks.load(tmp_path).values()
    answers = network(chance.integers(0, 256, (2, 48, 48)).astype(np.uint8))
    assert answers.shape == (2, 7)
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-5)


def test_they_are_measured_in_the_same_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a folder that has none, the blendshapes alone."""
    if not registry.location(registry.get("face_landmarker")).is_file():
        pytest.skip("needs the face landmarker: moodcast models fetch")
    data, file = write_tiles(tmp_path / "faces", 14), tmp_path / "result.json"
    asked = ["moodnet", "--data", str(data), "--split", "Training", "--yardsticks", str(tmp_path), "--json", str(file)]
    assert evaluate.main(asked) == 0
    result = json.loads(file.read_text())
    assert set(result["yardsticks"]) == {"moodnet-tiny", "blendshapes, logistic regression"}
    assert "blendshapes, logistic regression" in capsys.readouterr().out
    assert "| blendshapes, logistic regression |" in card.markdown(result)
