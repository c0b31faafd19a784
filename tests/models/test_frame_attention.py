"""Heads that weigh a clip's frames do what their papers' equations say, over any network that looks at faces."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from models.zoo import networks  # noqa: E402
from models.zoo.frame_attention import (  # noqa: E402
    FLOOR,
    ClipHead,
    FrameAttention,
    FrameMaximum,
    OverSum,
    PrintedSelfAttention,
    RelationAttention,
    SelfAttention,
    SingleAttention,
    weighted_mean,
)

FACES = [entry for entry in networks.listed().values() if entry.sees_faces]
HEADS = pytest.mark.parametrize(
    "head", [FrameMaximum, SingleAttention, RelationAttention, SelfAttention, PrintedSelfAttention]
)
SCORES = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=9)


def features(seed: int = 0, frames: int = 5) -> Any:
    """Of two clips, eight to a frame."""
    return torch.randn(2, frames, 8, generator=torch.Generator().manual_seed(seed))


def built(head: Any) -> Any:
    torch.manual_seed(1)
    return head(8)


def count(network: Any) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_single_attention_is_the_papers_equation() -> None:
    """a_i = sigmoid(f_i q0), f_v = sum a_i f_i / sum a_i (Meng et al. 2019)."""
    head, f = built(SingleAttention), features()
    a = (f @ head.query.weight.T).sigmoid()
    torch.testing.assert_close(head(f), (a * f).sum(1) / a.sum(1))


@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
def test_relation_attention_weighs_by_both_weights_also_in_evaluation(mode: bool) -> None:
    """b_i = sigmoid([f_i, f_v] q1), sum a_i b_i [f_i, f_v] / sum a_i b_i (same paper)."""
    head, f = built(RelationAttention).train(mode), features()
    a = (f @ head.single.weight.T).sigmoid()
    both = torch.cat([f, ((a * f).sum(1) / a.sum(1))[:, None].expand_as(f)], 2)
    ab = a * (both @ head.relation.weight.T).sigmoid()
    torch.testing.assert_close(head(f), (ab * both).sum(1) / ab.sum(1))


def test_self_attention_is_the_papers_equation_with_a_softmax() -> None:
    """a_i = q_i k_i / sqrt(d), b_i = softmax(a)_i v_i, g_i = sigmoid(b_i q0), f_v = sum g_i f_i / sum g_i; k is v."""
    head, f = built(SelfAttention), features()
    q, v = f @ head.query.weight.T, f @ head.value.weight.T
    b = ((q * v).sum(2, keepdim=True) / 8**0.5).softmax(1) * v
    g = (b @ head.single.weight.T).sigmoid()
    torch.testing.assert_close(head(f), (g * f).sum(1) / g.sum(1))


def test_printed_self_attention_is_equations_3_to_7_word_by_word() -> None:
    """One frame after the other, as the paper is read (Churaev and Savchenko 2023)."""
    head, clips = built(PrintedSelfAttention), features()
    w_q, w_k, q_0 = (layer.weight.detach().double().numpy().T for layer in (head.query, head.value, head.single))
    for clip, f_v in zip(clips.double().numpy(), head(clips).detach().numpy(), strict=True):
        q, k = [f @ w_q for f in clip], [f @ w_k for f in clip]
        a = [q_i @ k_i / np.sqrt(8) for q_i, k_i in zip(q, k, strict=True)]
        b = [a_i * v_i / sum(a) for a_i, v_i in zip(a, k, strict=True)]
        g = [1 / (1 + np.exp(-b_i @ q_0)) for b_i in b]
        expected = sum(g_i * f_i for g_i, f_i in zip(g, clip, strict=True)) / sum(g)
        np.testing.assert_allclose(f_v, expected, rtol=1e-4, atol=1e-5)


@given(scores=SCORES, opposite=st.booleans())
def test_shares_of_a_sum_near_zero_are_finite_and_keep_their_sign(scores: list[float], opposite: bool) -> None:
    """Also where each score has its opposite, so that the sum is zero but for rounding."""
    a = torch.tensor(scores + [-score for score in scores] * opposite).view(1, -1, 1).requires_grad_()
    shares = OverSum()(a)
    assert torch.isfinite(shares).all()
    assert shares.abs().max() <= 1.001 / FLOOR
    (gradient,) = torch.autograd.grad(shares.square().sum(), a)
    assert torch.isfinite(gradient).all()
    total = a.detach().sum()
    assert (shares.sign() * a.sign() * (1 if total >= 0 else -1) >= 0).all()
    if not OverSum.is_floored(a).any():
        torch.testing.assert_close(shares, a / a.sum())


def test_a_sum_that_is_too_near_zero_is_seen_and_the_frames_still_weigh() -> None:
    a = torch.tensor([[1.0, -1.0], [1.0, -0.999], [1.0, 1.0], [0.0, 0.0]])[..., None]
    assert OverSum.is_floored(a).tolist() == [True, True, False, True]
    head = built(PrintedSelfAttention)
    head.query.weight.data = -head.value.weight.data * torch.tensor([1.0, -1.0] * 4)[:, None]  # scores of both signs
    found = head(features(frames=50))
    assert torch.isfinite(found).all()
    assert head(torch.zeros(2, 3, 8)).tolist() == torch.zeros(2, 8).tolist()


def test_maximum_is_that_of_each_feature() -> None:
    f = torch.tensor([[[1.0, 5.0], [3.0, -2.0]]])
    assert built(FrameMaximum)(f).tolist() == [[3.0, 5.0]]


@HEADS
def test_frames_that_are_not_there_do_not_count(head: Any) -> None:
    attention, f = built(head), features()
    there = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    f[1, 2:] = 1e3
    found = attention(f, there)
    torch.testing.assert_close(found[:1], attention(f[:1]))
    torch.testing.assert_close(found[1:], attention(f[1:, :2]))


@pytest.mark.parametrize(
    ("head", "more"),
    [(FrameMaximum, 0), (SingleAttention, 256), (SelfAttention, 131_328), (PrintedSelfAttention, 131_328)],
)
def test_heads_have_the_papers_sizes(head: Any, more: int) -> None:
    """Over D features and for K classes: D K + K of the dense layer, D of q_0, D^2 of either matrix."""
    assert count(ClipHead(head(256), 8)) == 256 * 8 + 8 + more


@HEADS
def test_order_does_not_matter_and_one_frame_is_its_own_clip(head: Any) -> None:
    attention, f = built(head), features()
    torch.testing.assert_close(attention(f), attention(f.flip(1)))
    torch.testing.assert_close(attention(f[:, :1])[:, :8], f[:, 0])
    torch.testing.assert_close(attention(f[:, :1].expand(2, 7, 8))[:, :8], f[:, 0])


def test_frames_that_all_weigh_nothing_weigh_alike() -> None:
    f = features()
    torch.testing.assert_close(weighted_mean(f, torch.full((2, 5, 1), -1e4)), f.mean(1))


@pytest.mark.parametrize("entry", FACES, ids=lambda entry: entry.name)
def test_heads_go_over_every_network_that_sees_faces(entry: Any) -> None:
    with torch.device("meta"):
        frames = networks.build(entry.name)
        network = FrameAttention(
            5, functools.partial(networks.build, entry.name), entry.pixels.channels, SingleAttention
        ).eval()
        logits = network(torch.empty(2, 3, 3, entry.size, entry.size))
    assert logits.shape == (2, 5)
    width, heads = network.attention.width, 2 if entry.name.startswith("moodnet") else 1
    patch = 9 if entry.name == "mini-xception" else 1  # its classifier is a 3x3 convolution
    assert count(network.frames) == count(frames) - heads * entry.classes * (patch * width + 1)
    assert count(network) == count(network.frames) + width + 5 * (width + 1)


def test_a_network_that_sees_grey_gets_the_luma() -> None:
    torch.manual_seed(0)
    network = networks.build("moodnet-tiny")
    clips = torch.rand(1, 3, 4, 48, 48) * 255
    attention = FrameAttention(7, functools.partial(networks.build, "moodnet-tiny"), 1, SingleAttention).eval()
    attention.frames.load_state_dict(network.state_dict(), strict=False)
    grey = clips.mul(torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1, 1)).sum(1, keepdim=True)
    torch.testing.assert_close(attention(clips), attention(grey.expand_as(clips)), rtol=1e-3, atol=1e-4)
