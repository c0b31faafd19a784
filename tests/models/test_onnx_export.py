"""From a trained network to a file: torch's answers, a contract, and what smaller weights change."""

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="export needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

from torch import Tensor, nn  # noqa: E402

from models.clips.cache import MARGIN  # noqa: E402
from models.clips.source import in_memory  # noqa: E402
from models.errors import ModelContractError, TrainingError  # noqa: E402
from models.export import onnx_file  # noqa: E402
from models.inference.contract import ClipSpec, Contract, CropSpec, Pixels  # noqa: E402
from models.inference.infer import ClipClassifier, load  # noqa: E402
from models.training.recipe import ClipsSection  # noqa: E402
from models.zoo import networks  # noqa: E402
from models.zoo.entry import Architecture  # noqa: E402
from relay.protocol import EXPRESSIONS  # noqa: E402

SIDE, FRAMES = 16, 4
CONTRACT = Contract(CropSpec(SIDE, 1.0, Pixels((127.5,) * 3, (127.5,) * 3)), logits=True, clip=ClipSpec(FRAMES, 0.2))


class Layers(nn.Module):
    """Clips (N, 3, 4, 16, 16) to logits (N, 7), mostly by matrix products, as the large ones are."""

    def __init__(self, drop: float = 0.0) -> None:
        super().__init__()
        self.inner = nn.Linear(3 * FRAMES * SIDE * SIDE, 128)
        self.outer = nn.Linear(128, len(EXPRESSIONS))
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.dropout(self.inner(x.flatten(1)).relu(), self.drop, training=self.drop > 0)
        return 3 * self.outer(x)


@pytest.fixture(scope="module")
def network() -> Layers:
    torch.manual_seed(0)
    return Layers().eval()


@pytest.fixture(scope="module")
def exported(network: Layers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("files") / "new folder" / "layers.onnx"
    assert onnx_file.export(network, CONTRACT, target) < onnx_file.TOLERANCE
    return target


@pytest.fixture
def file(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(exported, tmp_path))


def test_the_file_answers_like_torch_in_batches_of_any_size(network: Layers, file: Path) -> None:
    found = load(str(file))
    assert isinstance(found, ClipClassifier)
    assert found.network.contract == CONTRACT
    clips = np.random.default_rng(0).integers(0, 256, (5, FRAMES, SIDE, SIDE, 3)).astype(np.uint8)
    with torch.no_grad():
        seen = torch.from_numpy(clips).permute(0, 4, 1, 2, 3) / 127.5 - 1
        expected = network(seen).softmax(1).numpy()
    np.testing.assert_allclose(found.batch(clips), expected, atol=1e-5)
    np.testing.assert_allclose(found.batch(clips[:1]), expected[:1], atol=1e-5)


def test_it_tells_nothing_of_the_machine_it_was_made_on(file: Path) -> None:
    assert str(Path(__file__).parents[2]).encode() not in file.read_bytes()


def test_a_network_that_does_not_answer_like_torch_is_refused(tmp_path: Path) -> None:
    """Dropout that stays on in evaluation answers otherwise each time."""
    with pytest.raises(TrainingError, match=r"within 0.0001 of torch, got a difference of"):
        onnx_file.export(Layers(drop=0.5).eval(), CONTRACT, tmp_path / "layers.onnx")


def test_a_network_that_answers_with_no_number_is_refused(tmp_path: Path) -> None:
    """Its difference to torch was told as 0."""
    broken = Layers().eval()
    with torch.no_grad():
        broken.outer.bias[3] = float("nan")
    with pytest.raises(TrainingError, match="no number"):
        onnx_file.export(broken, CONTRACT, tmp_path / "layers.onnx")


def test_a_contract_that_the_network_does_not_keep_is_refused(network: Layers, tmp_path: Path) -> None:
    three = Contract(CONTRACT.crop, (*EXPRESSIONS, "contempt"), logits=True, clip=CONTRACT.clip)
    with pytest.raises(ModelContractError, match=r"should map .* to \(N, 8\), but maps"):
        onnx_file.export(network, three, tmp_path / "layers.onnx")


@pytest.mark.parametrize(("weights", "share"), [("float16", 0.55), ("int8", 0.35)])
def test_smaller_weights_are_smaller_and_what_they_change_is_told(
    file: Path, weights: Literal["float16", "int8"], share: float
) -> None:
    clips = np.random.default_rng(1).integers(0, 256, (40, FRAMES, SIDE, SIDE, 3)).astype(np.uint8)
    labels = load(str(file)).batch(clips).argmax(1)
    found = onnx_file.make_smaller(file, weights, clips, labels)
    assert found.megabytes[1] < share * found.megabytes[0]
    assert found.agreement >= 0.9
    assert found.accuracy == (1.0, found.agreement)
    assert 0 < found.mean < found.largest < 0.2
    assert "on 40 clips" in str(found)
    assert load(str(file)).network.contract == CONTRACT


def test_of_a_clip_the_frames_are_spread_evenly() -> None:
    frames = np.arange(7, dtype=np.uint8)[:, None, None, None] * np.ones((SIDE, SIDE, 3), np.uint8)
    clips, labels = onnx_file.seen(in_memory([frames, frames], [3, 4], EXPRESSIONS), CONTRACT)
    assert clips.shape == (2, FRAMES, SIDE, SIDE, 3)
    assert clips[0, :, 0, 0, 0].tolist() == [0, 2, 4, 6]
    assert labels is not None
    assert labels.tolist() == [3, 4]
    assert onnx_file.seen(in_memory([frames], [0], ("left", "right")), CONTRACT)[1] is None


def test_of_many_clips_some_are_taken_from_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets list their clips class by class: the first ones would be of one class."""
    monkeypatch.setattr(onnx_file, "MOST_CLIPS", 4)
    clips = [np.full((FRAMES, SIDE, SIDE, 3), i, np.uint8) for i in range(7)]
    found, labels = onnx_file.seen(in_memory(clips, range(7), EXPRESSIONS), CONTRACT)
    assert found[:, 0, 0, 0, 0].tolist() == [0, 2, 4, 6]
    assert labels is not None
    assert labels.tolist() == [0, 2, 4, 6]


def test_what_was_learned_of_clips_decides_how_the_agent_cuts_and_paces_them(network: Layers) -> None:
    entry = networks.get("mae-dfer")
    plain = onnx_file.contract_of(entry, network)
    learned = onnx_file.contract_of(entry, network, learned=ClipsSection(layout="dfew", sampling="strided", stride=5))
    assert (plain.crop.margin, learned.crop.margin) == (1.0, MARGIN)
    assert plain.clip is not None
    assert learned.clip is not None
    assert (plain.clip.interval_s, learned.clip.interval_s) == (0.16, 0.2)


OF_CLIPS = [entry for entry in networks.listed().values() if entry.frames > 1 and not entry.for_research]
"""Networks that an agent may have."""


@pytest.mark.parametrize("entry", OF_CLIPS, ids=lambda entry: entry.name)
def test_every_clip_network_has_a_contract_by_which_the_agent_can_feed_it(entry: Architecture) -> None:
    with torch.device("meta"):
        network = networks.build(entry.name)
    contract = onnx_file.contract_of(entry, network)
    assert contract.clip is not None
    assert contract.clip.frames == entry.frames
    assert contract.crop.pixels.channels == 3
    assert contract.clip.features or contract.inputs == [entry.shape(1)[1:]]
