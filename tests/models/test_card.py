"""Model cards: of an evaluation of now, and those that are committed."""

import json
from pathlib import Path

import pytest
from PIL import Image

import moodcast
from docs import card
from models.inference import registry
from tests.tiles import write_tiles

CARDS = Path(__file__).parents[2] / "docs" / "models"


def test_card_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, file, target = write_tiles(tmp_path / "faces", 14), tmp_path / "result.json", tmp_path / "cards"
    command = ["models", "evaluate", "moodnet", "--data", str(data), "--split", "Training", "--json", str(file)]
    assert moodcast.main(command) == 0
    assert "moodnet on Training" in capsys.readouterr().out
    assert card.main([str(file), str(target)]) == 0
    page = (target / "moodnet.md").read_text()
    assert page == card.markdown(json.loads((target / "moodnet.json").read_text()))
    for figure in ("moodnet-confusion.png", "moodnet-reliability.png"):
        assert f"({figure})" in page
        with Image.open(target / figure) as image:
            assert min(image.size) > 300


def test_the_card_tells_of_the_rule_for_small_smiles(tmp_path: Path) -> None:
    data, file = write_tiles(tmp_path / "faces", 14), tmp_path / "result.json"
    for model, ruled in (("moodnet-tiny", True), (str(registry.path("moodnet-tiny")), False)):
        command = ["models", "evaluate", model, "--data", str(data), "--split", "Training", "--json", str(file)]
        assert moodcast.main(command) == 0
        page = card.markdown(json.loads(file.read_text()))
        assert ("CC BY 4.0" in page) == ruled
        assert ("with what of the rule for small smiles needs no blendshapes" in page) == ruled


def test_a_clip_networks_run_has_the_confusion_figure(tmp_path: Path) -> None:
    card.write({"network": "tiny", "recall": {"down": 1.0, "up": 0.5}, "confusion": [[2, 0], [1, 1]]}, tmp_path)
    with Image.open(tmp_path / "tiny-confusion.png") as figure:
        assert figure.width > 100


@pytest.mark.parametrize("numbers", sorted(CARDS.glob("*.json")), ids=lambda path: path.stem)
def test_committed_card_is_of_the_shipped_weights(numbers: Path) -> None:
    model = json.loads(numbers.read_text())["model"]
    assert model["sha256"] == registry.get(model["name"]).sha256, (
        f"the card is of other weights: python -m benchmarks.evaluate {model['name']} --json, then python -m docs.card"
    )
