"""AKMNet: which frames it chooses, and that the others have no say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from torch import Tensor  # noqa: E402

from models.zoo import akmnet  # noqa: E402
from models.zoo.akmnet import AKMNet, KeyFrames, PassingGRU  # noqa: E402

SIDE = 32
"""Of the smallest frames that it can see."""


@pytest.fixture(scope="module")
def net() -> AKMNet:
    torch.manual_seed(0)
    return AKMNet(4, SIDE).eval()


def clips(number: int, frames: int, seed: int = 0) -> Tensor:
    return torch.rand(number, 1, frames, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def test_passed_frames_are_as_if_they_were_not_there() -> None:
    torch.manual_seed(0)
    gru, x = PassingGRU(6), torch.randn(3, 9, 6)
    mask = (torch.rand(3, 9) < 0.5).float()
    mask[:, 4] = 1
    with torch.no_grad():
        found = gru(x, mask)
        for i in range(3):
            kept = mask[i] > 0
            expected, _ = gru.gru(x[i : i + 1, kept])
            torch.testing.assert_close(found[i, kept], expected[0])


def test_frames_as_like_the_whole_as_the_mean_one_are_chosen() -> None:
    frames = akmnet.choose(torch.tensor([[0.9, 0.1, 0.5, 0.5], [0.3, 0.2, 0.1, 0.0]]))
    assert frames.mask.tolist() == [[1, 0, 1, 1], [1, 1, 0, 0]]


def test_a_still_clip_has_key_frames() -> None:
    """Of equal numbers the mean is often above all of them by rounding."""
    for value in np.random.default_rng(0).uniform(0.9, 1, 200):
        assert akmnet.choose(torch.full((1, 7), float(value))).mask.sum() >= 1


def test_the_choice_learns_as_if_the_mask_were_the_likeness() -> None:
    likeness = torch.tensor([[0.9, 0.1, 0.4]], requires_grad=True)
    frames = akmnet.choose(likeness)
    (frames.mask * torch.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    assert likeness.grad is not None
    assert likeness.grad.tolist() == [[1, 2, 3]]


def test_the_losses_are_those_of_the_paper() -> None:
    frames = akmnet.choose(torch.tensor([[0.9, 0.7, 0.2, 0.0], [1.0, 0.0, 0.0, -1.0]]))
    # (0.8 - 0.1) and (1 / 3 - (-1)): 0 is the mean of the second, so three frames are chosen of it
    assert float(akmnet.unclear(frames)) == pytest.approx(2 - (0.7 + 4 / 3) / 2)
    assert float(akmnet.many(frames)) == (1 + 2) / 2


def test_where_all_frames_are_key_frames_the_loss_is_a_number() -> None:
    frames = KeyFrames(torch.full((2, 1), 0.5), torch.ones(2, 1))
    assert float(akmnet.unclear(frames)) == 1.5
    assert float(akmnet.many(frames)) == 0


@pytest.mark.parametrize("frames", [1, 2, 5, 23])
def test_any_number_of_frames(net: AKMNet, frames: int) -> None:
    with torch.no_grad():
        logits, chosen = net.with_key_frames(clips(2, frames))
    assert logits.shape == (2, 4)
    assert chosen.mask.shape == chosen.likeness.shape == (2, frames)
    assert set(chosen.mask.unique().tolist()) <= {0, 1}
    assert (chosen.mask.sum(1) >= 1).all()
    assert (chosen.likeness.abs() <= 1 + 1e-5).all()


def test_a_clip_s_answer_does_not_depend_on_the_others(net: AKMNet) -> None:
    with torch.no_grad():
        both = net(clips(2, 9))
        torch.testing.assert_close(both[1:], net(clips(2, 9)[1:]))


def test_the_label_s_error_reaches_the_attention_that_chooses() -> None:
    torch.manual_seed(0)
    net = AKMNet(4, SIDE)
    net(clips(2, 6)).square().sum().backward()
    assert net.attention.weight.grad is not None
    assert net.attention.weight.grad.abs().sum() > 0


def test_without_mining_every_frame_counts_and_none_is_chosen() -> None:
    torch.manual_seed(0)
    net = AKMNet(4, SIDE, mining=False).eval()
    with torch.no_grad():
        logits, frames = net.with_key_frames(clips(1, 6))
        changed = clips(1, 6)
        changed[:, :, 3] = 0
        assert frames.mask.all()
        assert not torch.allclose(logits, net(changed))


def test_the_penalty_weighs_both_losses() -> None:
    torch.manual_seed(0)
    net = AKMNet(4, SIDE).eval()
    with torch.no_grad():
        logits, penalty = net.with_penalty(clips(3, 8))
        again, frames = net.with_key_frames(clips(3, 8))
        torch.testing.assert_close(logits, again)
        torch.testing.assert_close(penalty, akmnet.unclear(frames) + 0.1 * akmnet.many(frames))
