"""A colour classifier of another project in the agent; a network of its shape, with random weights, stands in."""

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import moodcast
from agent.face import FaceFinder
from agent.recognition import Recogniser
from models.errors import ChecksumMismatchError, ModelMissingError
from models.inference import registry
from models.inference.align import aligned_face
from models.zoo import networks
from relay import app
from relay.protocol import EXPRESSIONS

torch = pytest.importorskip("torch", reason="the stand-in needs torch: make test TRAIN=1, or pip install '.[train]'")
pytest.importorskip("onnxscript", reason="export needs onnxscript: make test TRAIN=1, or pip install '.[train]'")

AFFECTNET_COLUMNS = [0, 2, 3, 4, 6, 7, 5]
"""Anger, Disgust, Fear, Happiness, Sadness, Surprise, Neutral, in the order of ours."""


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    try:
        registry.path("face_landmarker")
        file = registry.path("portrait")
    except ModelMissingError as error:
        pytest.skip(str(error))
    return np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8)


@pytest.fixture(scope="module", params=["b0", pytest.param("b2", marks=pytest.mark.nightly)])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def network(kind: str) -> Any:
    """Random weights, normalised for random faces: so that its answers depend on the face."""
    entry = networks.get(f"efficientnet-{kind}")
    torch.manual_seed(0)
    network = networks.build(entry.name).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network(torch.randn(2, 3, entry.size, entry.size))
    return network.eval()


@pytest.fixture(scope="module")
def file(kind: str, network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("weights") / f"{kind}.onnx"
    size = networks.get(f"efficientnet-{kind}").size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.onnx's own
        networks.export(network, {"faces": torch.zeros(2, 3, size, size)}, target)
    return target


@pytest.fixture
def model(kind: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The registry takes the stand-in for the real file: same place, but its own sum."""
    name = f"emotieffnet-{kind}"
    entry = dataclasses.replace(registry.get(name), sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setattr(registry, "WEIGHTS", MappingProxyType({**registry.WEIGHTS, name: entry}))
    real = registry.location
    monkeypatch.setattr(registry, "location", lambda entry: file if entry.name == name else real(entry))
    return name


def test_agent_reads_the_seven_expressions_from_colour(model: str, network: Any, portrait: NDArray[np.uint8]) -> None:
    recogniser = Recogniser(model)
    found = recogniser.look(portrait, 1).probabilities
    recogniser.close()
    with contextlib.closing(FaceFinder(registry.path("face_landmarker"))) as finder:
        seen = finder.find(portrait, 1)
    assert found is not None
    assert seen is not None
    crop = registry.get(model).crop
    assert crop is not None
    face = aligned_face(portrait, seen.points, crop)
    assert face.shape == (crop.size, crop.size, 3)
    x = (torch.from_numpy(face).float() / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor(
        [0.229, 0.224, 0.225]
    )
    with torch.no_grad():
        logits = network(x.permute(2, 0, 1)[None])[0]
    expected = logits[AFFECTNET_COLUMNS].softmax(0)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    # The same as dropping contempt and scaling the rest up.
    dropped = logits.softmax(0)[AFFECTNET_COLUMNS]
    np.testing.assert_allclose(found, dropped / dropped.sum(), atol=1e-3)


async def test_agent_shares_labels_with_it(
    model: str, portrait: NDArray[np.uint8], relay: app.Relay, tmp_path: Path
) -> None:
    relay.create_channel("demo")
    film, report = tmp_path / "film.avi", tmp_path / "report.json"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"MJPG"), 5, portrait.shape[1::-1])
    for _ in range(10):
        writer.write(cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR))
    writer.release()
    arguments = ["agent", "--relay", relay.url, "--channel", "demo", "--source", str(film), "--model", model, "--yes"]
    assert await asyncio.to_thread(moodcast.main, [*arguments, "--report", str(report)]) == 0
    summary = json.loads(report.read_text())
    assert summary["stopped"] == "end"
    assert summary["frames_without_face"] == 0
    assert set(summary["by_expression"]) <= set(EXPRESSIONS)


def test_any_other_file_in_its_place_is_refused(kind: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "location", lambda entry: file)
    with pytest.raises(ChecksumMismatchError, match=f"moodcast models fetch emotieffnet-{kind}"):
        registry.path(f"emotieffnet-{kind}")
