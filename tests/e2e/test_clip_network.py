"""The real agent with a clip network of its own, given by its file."""

import asyncio
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import moodcast
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.contract import ClipSpec
from relay import app
from tests.bright import FRAMES, network


@pytest.fixture(scope="module")
def portrait() -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    try:
        registry.path("face_landmarker")
        file = registry.path("portrait")
    except ModelMissingError as error:
        pytest.skip(str(error))
    return np.asarray(cv2.imread(str(file)), np.uint8)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("clip", [ClipSpec(FRAMES, 0.2, every=2), ClipSpec(FRAMES, 0.2, features=1)])
async def test_the_agent_shares_labels_of_it_and_tells_its_cost(
    clip: ClipSpec,
    portrait: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]",
    relay: app.Relay,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    relay.create_channel("demo")
    film, report = tmp_path / "film.avi", tmp_path / "report.json"
    file = network(tmp_path / "bright.onnx", clip)
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter_fourcc(*"MJPG"), 5, portrait.shape[1::-1])
    for _ in range(10):
        writer.write(portrait)
    writer.release()
    arguments = [
        "agent",
        "--relay",
        relay.url,
        "--channel",
        "demo",
        "--source",
        str(film),
        "--model",
        str(file),
        "--yes",
    ]
    assert await asyncio.to_thread(moodcast.main, [*arguments, "--report", str(report)]) == 0
    summary = json.loads(report.read_text())
    assert set(summary["by_expression"]) <= {"happy", "sad"}
    assert summary["labels"] > 0
    assert (summary["model"], summary["device"], summary["frames_without_face"]) == (str(file), "cpu", 0)
    assert summary["core_share"] > 0
    assert f"bright.onnx looks at clips: the last {FRAMES} faces, 0.2 s apart" in capfd.readouterr().err
    # The film, the network and the report: no frame was written.
    assert names(tmp_path) - {"relay"} == {"film.avi", "bright.onnx", "report.json"}
