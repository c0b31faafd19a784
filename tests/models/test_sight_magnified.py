"""AKMNet's sight: a frame of each part to learn from, all frames in tests, and batches of clips of any lengths."""

import dataclasses
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from torch import Tensor, nn  # noqa: E402

from models.clips import flow, magnify  # noqa: E402
from models.clips.source import Clips, in_memory  # noqa: E402
from models.errors import TrainingError  # noqa: E402
from models.training import sights  # noqa: E402
from models.training.classify_clips import probabilities  # noqa: E402
from models.training.recipe import ClipsSection  # noqa: E402
from models.zoo import networks  # noqa: E402

ENTRY = dataclasses.replace(networks.get("akmnet"), size=32, frames=4)
LENGTHS = (8, 1, 8, 6)


def source() -> Clips:
    rng = np.random.default_rng(0)
    clips = [rng.integers(60, 200, (length, 32, 32, 3), np.uint8) for length in LENGTHS]
    return in_memory(clips, [0, 1, 0, 1], ("a", "b"))


def expected(clips: Clips, index: int) -> Any:
    return magnify.magnified(flow.grey(clips.frames(index)).astype(np.float32))


def test_tests_see_every_frame_and_training_one_of_each_part() -> None:
    sight, clips = sights.of(ENTRY, ClipsSection()), source()
    (every,) = sight.views(clips, 0, None)
    np.testing.assert_allclose(every[0], expected(clips, 0), atol=0.51)
    (few,) = sight.views(clips, 0, np.random.default_rng(1))
    assert few.shape == (1, 4, 32, 32)
    places = [next(i for i in range(8) if torch.equal(frame, every[0, i])) for frame in few[0]]
    assert [place // 2 for place in places] == [0, 1, 2, 3]


def test_a_clip_that_is_too_short_repeats_frames_in_training_alone() -> None:
    sight, clips = sights.of(ENTRY, ClipsSection()), source()
    assert sight.views(clips, 1, None)[0].shape == (1, 1, 32, 32)
    (few,) = sight.views(clips, 1, np.random.default_rng(1))
    assert few.shape == (1, 4, 32, 32)
    assert (few == few[:, :1]).all()


def test_interpolated_clips_have_one_length() -> None:
    sight, clips = sights.of(dataclasses.replace(ENTRY, sight="interpolated"), ClipsSection()), source()
    for index in range(len(clips)):
        (seen,), (again,) = (sight.views(clips, index, rng) for rng in (None, np.random.default_rng(0)))
        assert seen.shape == (1, 4, 32, 32)
        assert torch.equal(seen, again)


def test_a_network_is_given_grey_clips_from_0_to_1_and_their_mirror_image() -> None:
    sight = sights.of(ENTRY, ClipsSection())
    inputs = sight.ready(sight.views(source(), 0, None))
    assert inputs[0].shape == (1, 1, 8, 32, 32)
    assert 0 <= inputs[0].min() <= inputs[0].max() <= 1
    assert torch.equal(sight.mirrored(inputs)[0][..., 0], inputs[0][..., -1])


class Mean(nn.Module):
    """Answers by the mean of a whole clip."""

    def forward(self, clips: Tensor) -> Tensor:
        mean = clips.mean((1, 2, 3, 4))
        return 100 * torch.stack([mean, 1 - mean], 1)


def test_an_answer_does_not_depend_on_the_lengths_of_other_clips() -> None:
    sight, clips, device = sights.of(ENTRY, ClipsSection()), source(), torch.device("cpu")
    together = probabilities(Mean(), clips, sight, False, device)
    for index in range(len(clips)):
        alone = Mean()(*sight.ready(sight.views(clips, index, None))).softmax(1)
        torch.testing.assert_close(together[index : index + 1], alone)


@pytest.mark.parametrize("how", [{"sampling": "apex"}, {"sampling": "strided"}, {"run": 2}])
def test_another_sampling_is_a_sentence(how: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match="one frame of each of 4 equal parts"):
        sights.of(ENTRY, ClipsSection(**how))
