"""DTSCNN: which rate it sees where, and a last layer that is a support vector machine."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from models.clips.source import Clips, in_memory  # noqa: E402
from models.clips.windows import WINDOW_60  # noqa: E402
from models.errors import DatasetError  # noqa: E402
from models.micro import svm  # noqa: E402
from models.micro.two_rates_study import put_on  # noqa: E402
from models.training import sights  # noqa: E402
from models.training.recipe import AugmentationSection, ClipsSection  # noqa: E402
from models.zoo import networks  # noqa: E402


def one_jump(fps: float, seconds: float, at: float) -> Clips:
    """A clip of one square that jumps a pixel to the right ``at`` a second."""
    frames = np.full((round(seconds * fps) + 1, 64, 64, 3), 60, np.uint8)
    rng = np.random.default_rng(0)
    square = np.kron(rng.integers(90, 255, (8, 8)), np.ones((4, 4))).astype(np.uint8)[..., None]
    jump = round(at * fps)
    frames[:jump, 16:48, 16:48] = square
    frames[jump:, 16:48, 17:49] = square
    return in_memory([frames], [0], ("one", "two"), rate=[fps])


@pytest.mark.parametrize(
    ("name", "fps"),
    [("dtscnn", 60), ("dtscnn", 200), ("dtscnn-60", 120), ("dtscnn-120", 120), ("dtscnn-same-rate", 60)],
)
def test_every_stream_sees_the_same_seconds(name: str, fps: float) -> None:
    """In the middle 1.07 s of 1.4 s lies what happens at 0.7 s in the middle of every stream, whatever was recorded."""
    entry = networks.get(name)
    sight = sights.of(entry, ClipsSection())
    (flow,) = sight.views(one_jump(fps, 1.4, 0.7), 0, None)
    assert tuple(flow.shape) == entry.shape(1)
    streams = {64: [64], 128: [128], 192: [64, 128]}[entry.frames]
    for part in flow.split(streams, 2):
        moved = part[0, 0, :, 12:20, 12:20].mean((1, 2))
        assert moved.sum() == pytest.approx(1, abs=0.15)  # at every rate it has gone one pixel in all
        assert abs(int(moved.argmax()) - part.shape[2] / 2) <= 2


def test_chance_moves_the_window_within_the_clip() -> None:
    sight, clips = sights.of(networks.get("dtscnn-60"), ClipsSection()), one_jump(60, 1.5, 0.75)
    places = set()
    for seed in range(20):
        (flow,) = sight.views(clips, 0, np.random.default_rng(seed))
        places.add(int(flow[0, 0, :, 12:20, 12:20].mean((1, 2)).argmax()))
    assert len(places) > 5
    assert max(places) - min(places) <= 90 - WINDOW_60.steps


def test_a_mirror_image_moves_to_the_other_side() -> None:
    sight = sights.of(networks.get("dtscnn-60"), ClipsSection())
    views = sight.views(one_jump(60, 1.2, 0.6), 0, None)
    (mirrored,) = sight.mirrored(views)
    assert mirrored[0, 0].sum() == -views[0][0, 0].sum()
    torch.testing.assert_close(sight.mirrored((mirrored,))[0], views[0])
    still = AugmentationSection(roll_degrees=0, zoom=0, shift=0, mixup_alpha=0)
    batch = (views[0].repeat(8, 1, 1, 1, 1),)
    (varied,), kept = sight.varied(batch, still, torch.Generator().manual_seed(0))
    is_mirrored = [torch.allclose(each, mirrored[0], atol=1e-4) for each in varied]
    is_same = [torch.allclose(each, views[0][0], atol=1e-4) for each in varied]
    assert kept == 1
    assert 0 < sum(is_mirrored) < 8
    assert sum(is_mirrored) + sum(is_same) == 8


def test_a_clip_without_a_rate_is_told() -> None:
    sight = sights.of(networks.get("dtscnn"), ClipsSection())
    clips = in_memory([np.zeros((80, 64, 64, 3), np.uint8)], [0], ("one",), subjects=["anna"])
    with pytest.raises(DatasetError, match="clip 0 of anna"):
        sight.views(clips, 0, None)


def test_each_stream_has_its_own_steps() -> None:
    torch.manual_seed(0)
    net = networks.build("dtscnn").eval()
    flow = torch.randn(1, 2, 192, 32, 32)
    other = flow.clone()
    other[:, :, 64:] += 1
    given: list[torch.Tensor] = []
    net.fc.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    with torch.no_grad():
        net(flow), net(other)
    changed = (given[0] != given[1])[0]
    assert not changed[:128].any()
    assert changed[128:].any()


def test_the_last_layer_answers_as_the_support_vector_machine() -> None:
    torch.manual_seed(0)
    net = networks.build("dtscnn-60", 3).eval()
    rng = np.random.default_rng(0)
    features, labels = rng.normal(3, 2, (30, 128)).astype(np.float32), np.arange(30) % 3
    machine = svm.fit(features, labels, 3)
    put_on(net, machine)
    with torch.no_grad():
        answers = net.fc(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(answers, machine.margins(features), rtol=1e-4, atol=1e-4)
    assert (answers.argmax(1) == labels).all()
