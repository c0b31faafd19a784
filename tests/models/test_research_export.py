"""Networks for micro-expressions as files: torch's answers, and no agent takes them."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="export needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

import msgspec  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from models.errors import ModelContractError, TrainingError  # noqa: E402
from models.export import research  # noqa: E402
from models.inference.contract import RESEARCH_KEY, Pixels  # noqa: E402
from models.inference.infer import load, open_session  # noqa: E402
from models.zoo.entry import Architecture  # noqa: E402


class FaceAndMotion(nn.Module):
    """(N, 1, 16, 16) and (N, 4, 8) to logits (N, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.face, self.motion = nn.Linear(256, 3), nn.Linear(32, 3)

    def forward(self, face: Tensor, motion: Tensor) -> Tensor:
        return self.face(face.flatten(1)) + self.motion(motion.flatten(1))


ENTRY = Architecture(
    "two",
    FaceAndMotion,
    "these tests",
    16,
    Pixels((0.0,), (255.0,)),
    0,
    signals={"motion": (4, 8)},
    classes=3,
    micro=True,
)
CLASSES = ("negative", "positive", "surprise")


def test_a_network_with_two_inputs_answers_as_torch_does_and_says_what_it_is(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, file = FaceAndMotion().eval(), tmp_path / "two.onnx"
    assert research.export(network, ENTRY, CLASSES, file) < 1e-4
    face, motion = torch.randn(3, 1, 16, 16), torch.randn(3, 4, 8)
    session = open_session(file)
    (found,) = session.run(None, {"faces": face.numpy(), "motion": motion.numpy()})
    with torch.inference_mode():
        torch.testing.assert_close(torch.from_numpy(found), network(face, motion))
    told = msgspec.json.decode(session.get_modelmeta().custom_metadata_map[RESEARCH_KEY])
    assert told == {
        "network": "two",
        "classes": list(CLASSES),
        "inputs": {"faces": [1, 1, 16, 16], "motion": [1, 4, 8]},
    }


def test_no_agent_takes_it(tmp_path: Path) -> None:
    file = tmp_path / "two.onnx"
    research.export(FaceAndMotion().eval(), ENTRY, CLASSES, file)
    with pytest.raises(ModelContractError, match="no agent shows or sends what they say"):
        load(str(file))


def test_answers_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    network = FaceAndMotion().eval()
    with torch.no_grad():
        network.face.bias[0] = float("nan")
    with pytest.raises(TrainingError, match="no number"):
        research.export(network, ENTRY, CLASSES, tmp_path / "two.onnx")
