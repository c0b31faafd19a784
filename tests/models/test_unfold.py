"""A shipped file as the start of a training."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

from models.export import moodnets  # noqa: E402
from models.export.onnx_file import Smaller  # noqa: E402
from models.inference import registry  # noqa: E402
from models.inference.infer import load_still  # noqa: E402
from models.training import unfold  # noqa: E402
from models.zoo import networks  # noqa: E402
from models.zoo.moodnet import MirroredMoodnet  # noqa: E402


def faces(number: int, seed: int) -> "torch.Tensor":
    """Smooth pictures, as photographs are."""
    small = torch.rand(number, 1, 6, 6, generator=torch.Generator().manual_seed(seed)) * 255
    return torch.nn.functional.interpolate(small, size=(48, 48), mode="bilinear", align_corners=False)


def test_the_shipped_network_is_taken_up_and_finds_what_its_file_does() -> None:
    net = networks.build("moodnet-small")
    unfold.take_up(registry.path("moodnet"), net, faces(150, 0))
    pixels = faces(60, 1).round()
    expected = load_still("moodnet").heads(pixels[:, 0].byte().numpy())
    with torch.no_grad():
        found = MirroredMoodnet(net)(pixels)[::2]
    for mine, theirs in zip(found, expected, strict=True):  # what calibrates them changes no answer
        assert (mine.numpy().argmax(1) == theirs.argmax(1)).mean() > 0.9


@pytest.mark.parametrize("weights", [pytest.param("float16", marks=pytest.mark.nightly), "int8"])
def test_a_network_with_channel_weights_comes_back_from_its_file(tmp_path: Path, weights: Smaller) -> None:
    torch.manual_seed(0)
    net = networks.build("moodnet-tiny").train()
    with torch.no_grad():
        for _ in range(20):
            net(faces(64, 3))  # running statistics that are those of some faces
    ranged, unseen = (faces(100, seed)[:, 0].byte().numpy() for seed in (6, 7))
    moodnets.write(MirroredMoodnet(net.eval()).eval(), tmp_path / "net.onnx", weights, ranged, unseen)
    other = networks.build("moodnet-tiny")
    unfold.take_up(tmp_path / "net.onnx", other, faces(300, 4))
    with torch.no_grad():
        for mine, theirs in zip(other(faces(20, 5)), net(faces(20, 5)), strict=True):
            torch.testing.assert_close(mine, theirs, atol=0.1 if weights == "int8" else 2e-2, rtol=0)
