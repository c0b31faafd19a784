"""Every network of the registry is what its paper says: its size, its answers, nothing dead in it, its ONNX twin."""

import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from models.errors import MissingTorchError, UnknownModelError
from models.zoo import networks
from models.zoo.entry import Architecture

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from benchmarks.table import multiplications  # noqa: E402
from docs import table  # noqa: E402
from models.zoo import mobilefacenet, poster_v2  # noqa: E402
from tests.shallow import DEPTH, SHALLOW  # noqa: E402

NETWORKS = networks.listed()


def heavy(entry: Architecture) -> bool:
    """Whether a test should do only what it must, and ``benchmarks/networks.py`` checks the export. Large transformers
    are not heavy: here they have fewer blocks (``tests/shallow.py``)."""
    return (entry.official_gmacs or 0) > 30 and entry.name not in SHALLOW


NO_OTHER_EXPORT = {
    "mae-dfer",
    "mae-dfer-ca",
    "mae-dfer-ca-pc",
    "mae-dfer-ca-concat",
    "mobilefacenet-single",
    "mobilefacenet-self",
    "resnet18-single",
    "resnet18-self",
    "apex-resnet10",
    "dtscnn-60",
    "dtscnn-120",
    "dtscnn-same-rate",
}
"""Built of the same parts as another that is exported here."""
LIGHT = {"moodnet-tiny", "moodnet-clip", "moodnet-small-self", "mini-xception", "mobilefacenet", "resnet18", "r3d18"}
"""What is shipped, and one of each kind of the others, exported within some seconds."""
OTHER_KINDS = {
    "poster-v2",
    "former-dfer",
    "mmnet",
    "micro-attention",
    "dtscnn",
    "atnet",
    "akmnet",
    "spot-cnn",
    "vgg16-differences",
    "au-autoencoder",
    "gabor-dbn",
    "landmark-svm",
    "av-small",
}
"""Further ones that are built and learn once in the usual tests: one of each way to look at a face or a clip."""
EXPORTED = pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, marks=() if entry.name in LIGHT else pytest.mark.nightly)
        for entry in NETWORKS.values()
        if not heavy(entry) and entry.name not in NO_OTHER_EXPORT
    ],
    ids=lambda entry: entry.name,
)
EVERY = pytest.mark.parametrize("entry", NETWORKS.values(), ids=lambda entry: entry.name)
ONLY_IN_TRAINING = (
    "encoder.masked",
    *(f"encoder.blocks.{DEPTH - 1}.{part}." for part in ("interaction", "interaction_norm", "representative_norm")),
)
"""What XLSR-53 is given in place of hidden steps; and what the last block of MAE-DFER does to local tokens, from which
pre-training draws, and at which the classifier does not look."""
BATCH_NORM = torch.nn.modules.batchnorm._BatchNorm
SMALLER = {
    "r3d18": 56,
    "vgg16": 64,
    "resnet18": 64,
    "resnet50": 64,
    "micro-attention": 64,
    "atnet": 64,
    "apex-resnet10": 64,
    "mobilenet-v1": 64,
    "resmaskingnet": 64,
    "efficientnet-b2": 96,
    "inception-v3": 139,
    "vgg16-differences": 32,
    "av-gru": 64,
    "av-lstm": 64,
    "av-sum": 64,
}
"""Sides that do for the test where the network takes any."""


def count(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def seen(entry: Architecture, number: int) -> dict[str, Any]:
    """Faces, or clips where it looks at clips, and further inputs where it has some; by name."""
    size = SMALLER.get(entry.over or entry.name, entry.size)
    smaller = replace(entry, size=size, frames=3 if entry.over else entry.frames)  # frame attention takes any number
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in smaller.inputs(number).items()}


def first(x: dict[str, Any]) -> dict[str, Any]:
    return {name: part[:1] for name, part in x.items()}


def awake(entry: Architecture) -> Any:
    """The network in evaluation mode, with fewer blocks if it is large, its norms adjusted to the test's faces.

    Fresh ones let random weights shrink a face until only the last bias is left.
    """
    torch.manual_seed(0)
    network = SHALLOW[entry.name]() if entry.name in SHALLOW else networks.build(entry.name)
    if entry.name in SHALLOW:
        torch.nn.init.normal_(network.fc.weight, std=0.1)  # it starts too near zero to tell two clips apart
    if not any(isinstance(module, BATCH_NORM) for module in network.modules()):
        return network.eval()
    for module in network.modules():
        if isinstance(module, BATCH_NORM):
            module.momentum = 1.0
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for part in network.modules():
        part.training = True  # not train(): the frozen landmark network of POSTER V2 would stay asleep
    with torch.no_grad():
        network(*seen(entry, 4 if entry.frames == 1 else 2).values())
    return network.eval()


def answers(network: Any, x: dict[str, Any]) -> list[Any]:
    """The logits; our own networks have two."""
    found = network(*x.values())
    return list(found) if isinstance(found, tuple) else [found]


def learned(network: Any, x: dict[str, Any]) -> list[Any]:
    """What training has a loss of: the logits, those of auxiliary classifiers, or a loss of the network's own."""
    if hasattr(network, "with_penalty"):
        return list(network.with_penalty(*x.values()))
    if not hasattr(network, "with_auxiliary"):
        return answers(network, x)
    logits, auxiliary = network.with_auxiliary(*x.values())
    return [logits, *auxiliary]


@EVERY
def test_size_is_that_of_the_paper(entry: Architecture) -> None:
    with torch.device("meta"):
        assert count(networks.build(entry.name)) == entry.params
    if entry.official is not None:
        assert entry.params + sum(entry.left_out.values()) == entry.official


def test_mobilefacenet_with_the_landmark_head_is_that_of_poster() -> None:
    with torch.device("meta"):
        assert count(mobilefacenet.Trunk()) + count(mobilefacenet.embedding(136)) == 1_007_248


def test_parts_of_poster_have_their_sizes() -> None:
    with torch.device("meta"):
        poster = poster_v2.PosterV2(7)
    assert count(poster.image) + NETWORKS["poster-v2"].left_out["output layer of IR50"] == 30_459_584
    assert [count(fusion.attention) for fusion in poster.fusions] == [18_530, 52_452, 198_728]
    rest = [(fusion.mlp, fusion.norm2, fusion.gamma1, fusion.gamma2) for fusion in poster.fusions]
    sizes = [count(mlp) + count(norm) + one.numel() + two.numel() for mlp, norm, one, two in rest]
    assert sizes == [33_344, 132_224, 526_592]


@pytest.mark.parametrize("entry", [e for e in NETWORKS.values() if e.official_gmacs], ids=lambda entry: entry.name)
def test_cost_is_that_of_the_official_build(entry: Architecture) -> None:
    expected = (entry.official_gmacs or 0) - sum(entry.left_out_gmacs.values())
    assert multiplications(entry) / 1e9 == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", ["efficientnet-b0", "efficientnet-b2"])
def test_cost_of_efficientnet_is_as_printed(name: str) -> None:
    entry = NETWORKS[name]
    assert table.paper(entry.published_gmacs, multiplications(entry)) == entry.published_gmacs


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(entry, marks=() if entry.name in LIGHT | OTHER_KINDS else pytest.mark.nightly)
        for entry in NETWORKS.values()
    ],
    ids=lambda entry: entry.name,
)
def test_no_parameter_is_dead_and_no_batch_size_special(entry: Architecture) -> None:
    network = awake(entry)
    if not heavy(entry):
        with torch.no_grad():
            pair, single = answers(network, seen(entry, 2)), answers(network, first(seen(entry, 2)))
        for both, one in zip(pair, single, strict=True):
            assert both.shape == (2, entry.classes)
            torch.testing.assert_close(both[:1], one, rtol=1e-3, atol=1e-4)
            assert (both[0] - both[1]).abs().max() > 1e-3, "two faces get the same answer"
    network.requires_grad_(True)  # also what is frozen must matter to the answer
    sum(answer.square().sum() for answer in learned(network, seen(entry, 1))).backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in dead if not name.startswith(ONLY_IN_TRAINING)] == []


def test_the_seed_decides_the_weights() -> None:
    def weights(seed: int) -> Any:
        torch.manual_seed(seed)
        return torch.nn.utils.parameters_to_vector(networks.build("moodnet-tiny").parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_landmarks_of_poster_stay_frozen_in_training() -> None:
    with torch.device("meta"):
        poster = poster_v2.PosterV2(7).train()
    assert poster.image.training
    assert not any(module.training for module in poster.landmarks.modules())
    assert not any(p.requires_grad for p in poster.landmarks.parameters())


@EXPORTED
def test_onnx_answers_like_torch(entry: Architecture, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")
    network, x, file = awake(entry), seen(entry, 2), tmp_path / "network.onnx"
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.onnx's own
        expected = answers(network, x)
        networks.export(network, x, file)
    model = pytest.importorskip("onnx").load(file)
    assert {node.domain for node in model.graph.node} == {""}, "onnxruntime-web knows the standard operators only"
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    found, single = (session.run(None, {name: part.numpy() for name, part in each.items()}) for each in (x, first(x)))
    for want, both, one in zip(expected, found, single, strict=True):
        largest = max(1.0, float(want.abs().max()))
        np.testing.assert_allclose(both, want.numpy(), atol=1e-4 * largest, rtol=0)
        np.testing.assert_allclose(one, want[:1].numpy(), atol=1e-4 * largest, rtol=0)


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [
        ("moodnet-small", 5),
        *(pytest.param(*one, marks=pytest.mark.nightly) for one in (("moodnet-tiny", 1), ("moodnet-base", 12))),
    ],
)
def test_moodnet_of_every_size_ships_in_its_file(name: str, megabytes: float, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")
    from models.export import moodnets
    from models.zoo.moodnet import MirroredMoodnet

    file, faces = tmp_path / "network.onnx", np.random.default_rng(0).integers(0, 256, (4, 48, 48)).astype(np.uint8)
    moodnets.write(MirroredMoodnet(networks.build(name)).eval(), file, "float16", faces, faces)
    assert file.stat().st_size <= megabytes * 1e6


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match=r"poster-v2.*got 'poster'"):
        networks.build("poster")


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingTorchError, match=r"\.\[agent,train\]"):
        networks.build("resnet18")
