"""The benchmark of flicker counts what a viewer sees."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import flicker
from models import registry
from models.errors import ModelMissingError

VIDEO = Path(__file__).parents[3] / "shared" / "data" / "video" / "WolfgangLanger_Pexels.mp4"


def test_changes_and_total_variation_are_counted_a_second() -> None:
    answers = np.zeros((5, 7))
    answers[[0, 1, 3, 4], 3] = 1.0  # happy, for one frame of the five sad
    answers[2, 4] = 1.0
    assert flicker.flicker(answers, seconds=2.0) == (1.0, 1.0)
    assert flicker.flicker(np.full((5, 7), 1 / 7), seconds=2.0) == (0.0, 0.0)


def test_a_truth_is_a_label_and_a_span() -> None:
    assert flicker.Truth.parse("sad:0-6.5") == flicker.Truth("sad", 0.0, 6.5)


def test_the_default_on_the_video_is_sad_then_happy() -> None:
    if not VIDEO.is_file():
        pytest.skip(f"needs the video {VIDEO.name}, which is not part of the project")
    try:
        registry.path("face_landmarker")
    except ModelMissingError as error:
        pytest.skip(str(error))
    truths = [flicker.Truth("sad", 0, 6), flicker.Truth("happy", 11, 20)]
    row = flicker.on_video(flicker.made(registry.DEFAULT), [flicker.sights(VIDEO, 0)], truths)
    assert row["sad"] > 0.8
    assert row["happy"] > 0.8
    assert row["sad from"] < 2 < row["happy from"] < 12
    assert 0 <= row["shown/s"] <= row["changes/s"] < 5
