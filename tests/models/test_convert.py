"""Official checkpoints become ours: the same answers as the official build, and clear words for what does not fit."""

import argparse
import json
import pickle
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

import moodcast  # noqa: E402
from models import convert  # noqa: E402
from models.errors import ConversionError  # noqa: E402
from models.inference.contract import IMAGENET  # noqa: E402
from models.training.classify_clips import start_from  # noqa: E402
from models.zoo import (  # noqa: E402
    mae_dfer,
    mobilefacenet,
    networks,
    videomae,
)
from tests import seeded  # noqa: E402
from tests.shallow import DEPTH, SHALLOW  # noqa: E402

GOLDEN = Path(__file__).parent / "golden"
"""What the official builds answered (``benchmarks/official.py``)."""


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def official(name: str) -> dict[str, Any]:
    """A state dict as the official build has it; the large transformers have fewer blocks."""
    kept = golden(name)
    return seeded.weights(kept["shapes"], kept.get("gain", 2.0))


def converted(name: str) -> Any:
    """Our network with these weights."""
    if name not in SHALLOW:
        return convert.build(name, official(name))
    network = SHALLOW[name]()
    convert.fit(network, convert.converter(name)(official(name)), name)
    return network.eval()


def assert_agrees(found: Any, expected: list[list[float]]) -> None:
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=1e-4)


SAME_PARTS = {"mae-dfer-ca", "mae-dfer-ca-concat", "mae-dfer-ca-pc"}
"""All that these are made of is in mae-dfer-ca-pc-concat."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.nightly if name in SAME_PARTS else ())
        for name in sorted(convert.CONVERTERS.keys() - convert.WITHOUT_CLASSES.keys())
    ],
)
def test_answers_are_those_of_the_official_build(name: str) -> None:
    entry = networks.get(name)
    if entry.hears:
        given = seeded.uniform("sound", (2, 16_000))
    else:
        clips = seeded.clip(entry.frames, entry.size, 2)
        given = clips if entry.frames > 1 else clips[:, :, 0]
    with torch.no_grad():
        found = converted(name)(given)
    assert_agrees(found, golden(name)["answers"]["logits"])


def test_mmnet_of_three_classes_has_the_authors_other_calibration() -> None:
    network = convert.build("mmnet", official("mmnet-3"))
    with torch.no_grad():
        assert_agrees(network(seeded.clip(2, 224, 2)), golden("mmnet-3")["answers"]["logits"])


@pytest.mark.parametrize("name", ["videomae", "mae-dfer"])
def test_pretraining_draws_and_wants_what_the_official_one_does(name: str) -> None:
    module: Any = {"videomae": videomae, "mae-dfer": mae_dfer}[name]
    answers = golden(f"{name}-pretraining")["answers"]
    hidden = torch.ones(2, 100, dtype=torch.bool)
    hidden.scatter_(1, torch.tensor(answers["shown"]).long(), False)
    hidden, rgb = hidden.repeat(1, 8), seeded.clip(16, 160, 2)
    mean, std = (torch.tensor(each).view(3, 1, 1, 1) / 255 for each in (IMAGENET.mean, IMAGENET.std))
    with torch.no_grad():
        drawn = converted(f"{name}-pretraining")((rgb - mean) / std, hidden)
    assert_agrees(drawn[:, ::80, ::96].flatten(1), answers["drawn"])
    assert_agrees(module.target(rgb, hidden)[:, ::80, ::96].flatten(1), answers["wanted"])
    assert_agrees(module.loss(drawn, rgb, hidden).view(1, 1), answers["loss"])


@pytest.mark.parametrize("name", ["videomae", "mae-dfer"])
def test_encoder_of_the_pretraining_fits_the_network_that_is_fine_tuned(name: str) -> None:
    network, pretrained = SHALLOW[name](), SHALLOW[f"{name}-pretraining"]()
    network.encoder.load_state_dict(pretrained.encoder.state_dict())


def test_landmark_network_of_poster_has_the_official_maps_and_landmarks() -> None:
    answers, faces = golden("mobilefacenet-landmarks")["answers"], seeded.clip(1, 112, 2)[:, :, 0]
    network = converted("mobilefacenet-landmarks")
    with torch.no_grad():
        assert_agrees(network(faces), answers["landmarks"])
        for name, found in zip(("fine", "middle", "coarse"), network.trunk(faces), strict=True):
            assert_agrees(found.flatten(1)[:, :: found[0].numel() // 64], answers[name])


def test_auxiliary_classifiers_of_ial_answer_like_the_official_ones() -> None:
    network: Any = convert.build("ial", official("ial"))
    with torch.no_grad():
        _, (first, second) = network.with_auxiliary(seeded.clip(16, 112, 2))
    assert_agrees(first, golden("ial")["answers"]["auxiliary1"])
    assert_agrees(second, golden("ial")["answers"]["auxiliary2"])


def all_blocks(name: str) -> dict[str, list[int]]:
    """Names and shapes of the official state dict with every block: those after the second are like it."""
    shapes = golden(name)["shapes"]
    depth = {"videomae": 12, "mae-dfer": 16, "xlsr-53": 24}.get(
        name.removesuffix("-pretraining").partition("-ca")[0], DEPTH
    )
    encoder = re.compile(r"((?:encoder\.)?blocks\.|wav2vec2\.encoder\.layers\.)1(\..*)")
    for key, shape in list(shapes.items()):
        if match := encoder.fullmatch(key):
            shapes |= {match.expand(rf"\g<1>{place}\2"): shape for place in range(DEPTH, depth)}
    return shapes


@pytest.mark.parametrize("name", sorted(convert.CONVERTERS.keys() - convert.WITHOUT_CLASSES.keys()))
def test_every_official_name_has_its_place_and_what_is_dropped_is_listed(name: str) -> None:
    shapes = all_blocks(name)
    entry = networks.get(name)
    with torch.device("meta"):
        ours = networks.build(name)
        weights = convert.converter(name)({key: torch.empty(shape) for key, shape in shapes.items()})
    assert {key: list(tensor.shape) for key, tensor in weights.items()} == {
        key: list(tensor.shape) for key, tensor in ours.state_dict().items()
    }
    buffers = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index")
    theirs = sum(torch.Size(shape).numel() for key, shape in shapes.items() if not key.endswith(buffers))
    assert theirs == entry.official
    assert theirs - sum(entry.left_out.values()) == entry.params


def test_encoder_of_xlsr_53_is_what_the_network_for_emotions_starts_from(tmp_path: Path) -> None:
    """Its own checkpoint has what pre-training asks of it, no head, and older names of the weight normalisation."""
    prefix, older = "wav2vec2.", {"parametrizations.weight.original0": "weight_g"}
    older["parametrizations.weight.original1"] = "weight_v"
    given = {name: tensor for name, tensor in official("xlsr-53").items() if name.startswith(prefix)}
    for new, old in older.items():
        given = {name.replace(new, old): tensor for name, tensor in given.items()}
    given |= {"quantizer.codevectors": torch.zeros(1, 4, 8), "project_q.bias": torch.zeros(8)}
    weights = convert.converter("xlsr-53-encoder")({name.removeprefix(prefix): t for name, t in given.items()})
    torch.save(weights, tmp_path / "encoder.pt")
    network = SHALLOW["xlsr-53"]()
    start_from(network, tmp_path / "encoder.pt")
    whole = converted("xlsr-53").encoder.state_dict()
    assert whole.keys() == weights.keys()
    assert all(torch.equal(tensor, whole[name]) for name, tensor in network.encoder.state_dict().items())


def test_number_of_classes_is_that_of_the_checkpoint() -> None:
    shapes = golden("former-dfer")["shapes"] | {"fc.weight": [11, 512], "fc.bias": [11]}
    network: Any = convert.build("former-dfer", seeded.weights(shapes))
    assert network.fc.out_features == 11


def test_what_does_not_fit_is_listed_in_one_sentence() -> None:
    weights = official("former-dfer")
    del weights["t_former.cls_token"]
    weights["t_former.extra"] = torch.zeros(1)
    weights["s_former.conv1.weight"] = torch.zeros(64, 3, 3, 3)
    with pytest.raises(ConversionError) as raised:
        convert.build("former-dfer", weights)
    sentence = str(raised.value)
    assert "former-dfer" in sentence
    assert "unknown: t_former.extra" in sentence
    assert "missing: t_former.cls" in sentence
    assert "cs_former.trunk.stem.0.weight (64, 3, 3, 3), expected (64, 3, 7, 7)" in sentence


def store(kind: str, file: Path) -> None:
    """A checkpoint as training programs store it: bare, by several processors, or beside options and curves."""
    weights = official("former-dfer")
    if kind == "data-parallel":
        weights = {f"module.{name}": tensor for name, tensor in weights.items()}
    stored: Any = {"epoch": 3, "state_dict": weights, "args": argparse.Namespace(lr=0.01), "rate": np.float64(0.01)}
    torch.save(weights if kind == "bare" else stored, file)


@pytest.mark.parametrize(
    "kind", ["data-parallel", *(pytest.param(kind, marks=pytest.mark.nightly) for kind in ("bare", "wrapped"))]
)
def test_command_writes_weights_that_our_network_loads(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(kind, tmp_path / "official.pth")
    out = tmp_path / "ours.pt"
    assert moodcast.main(["models", "convert", "former-dfer", str(tmp_path / "official.pth"), str(out)]) == 0
    assert "7 classes" in capsys.readouterr().out
    with torch.device("meta"):
        network = networks.build("former-dfer")
    network.load_state_dict(torch.load(out, weights_only=True), assign=True)
    assert torch.equal(network.state_dict()["fc.weight"], official("former-dfer")["fc.weight"])


def test_command_says_no_classes_of_what_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "official.pth", tmp_path / "ours.pt"]
    torch.save({"state_dict": official("mobilefacenet-landmarks")}, files[0])
    assert moodcast.main(["models", "convert", "mobilefacenet-landmarks", *map(str, files)]) == 0
    assert capsys.readouterr().out.endswith("ours.pt: mobilefacenet-landmarks\n")
    mobilefacenet.Landmarks().load_state_dict(torch.load(files[1], weights_only=True))


def test_a_full_disk_leaves_the_old_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "official.pth", tmp_path / "ours.pt"]
    torch.save({"state_dict": official("mobilefacenet-landmarks")}, files[0])
    command = ["models", "convert", "mobilefacenet-landmarks", *map(str, files)]
    assert moodcast.main(command) == 0
    before = files[1].read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # no file may grow larger than this: as a full disk
    try:
        assert moodcast.main(command) == ConversionError.exit_code
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"can't write {files[1]}" in capsys.readouterr().err
    assert files[1].read_bytes() == before
    assert set(tmp_path.iterdir()) == set(files)


class RecorderMeter:
    """Former-DFER's training program stores its curves beside the weights."""

    def __init__(self) -> None:
        self.epoch_losses = seeded.uniform("curve", (3, 2)).numpy()
        self.total_epoch = 3


def test_curves_beside_the_weights_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecorderMeter, "__module__", "__main__")
    monkeypatch.setattr("__main__.RecorderMeter", RecorderMeter, raising=False)
    torch.save({"state_dict": {"w": torch.ones(2)}, "recorder": RecorderMeter()}, tmp_path / "official.pth")
    assert list(convert.read(tmp_path / "official.pth")) == ["w"]


class Trap:
    """Would write a file where unpickling ran it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": Trap(tmp_path / "sprung")}, tmp_path / "evil.pth")
    with pytest.raises(ConversionError, match="without running what is in it"):
        convert.read(tmp_path / "evil.pth")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    command = ["models", "convert", "former-dfer", str(tmp_path / "evil.pkl"), str(tmp_path / "out")]
    assert moodcast.main(command) == ConversionError.exit_code
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "out").exists()


def test_other_files_and_names_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"former-dfer, .*got 'c3d'"):
        convert.converter("c3d")
    with pytest.raises(ConversionError, match="No such file"):
        convert.read(tmp_path / "none.pth")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(ConversionError, match="found neither"):
        convert.read(tmp_path / "empty.pth")
