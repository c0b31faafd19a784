"""Losses and the schedule against their definitions."""

import math

import pytest

torch = pytest.importorskip("torch", reason="training needs torch: make test TRAIN=1, or pip install '.[train]'")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from models.training import losses, sam, schedule  # noqa: E402

COUNTS = st.lists(st.integers(0, 5000), min_size=7, max_size=7)


def logits(seed: int, n: int = 5) -> "torch.Tensor":
    return torch.randn(n, 7, generator=torch.Generator().manual_seed(seed)) * 3


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_soft_cross_entropy_of_one_hot_targets_is_cross_entropy_and_is_least_at_the_target(seed: int) -> None:
    z = logits(seed)
    labels = z.roll(1, 1).argmax(1)
    expected = F.cross_entropy(z, labels)
    torch.testing.assert_close(losses.soft_cross_entropy(z, F.one_hot(labels, 7).float()), expected)
    targets = logits(seed + 1).softmax(1)
    assert losses.soft_cross_entropy(targets.log(), targets) <= losses.soft_cross_entropy(z, targets)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_hinge_is_that_of_crammer_and_singer(seed: int) -> None:
    """max(0, 1 + x_max - x_t), x_max the largest margin other than the target's."""
    z, labels = logits(seed), torch.randint(7, (5,), generator=torch.Generator().manual_seed(seed))
    targets = F.one_hot(labels, 7).float()
    terms = [max(0.0, 1 + max(x[:t] + x[t + 1 :]) - x[t]) for x, t in zip(z.tolist(), labels.tolist(), strict=True)]
    assert float(losses.hinge(z, targets)) == pytest.approx(sum(terms) / 5, rel=1e-5, abs=1e-6)
    weights = torch.arange(7.0)
    weighed = [term * t for term, t in zip(terms, labels.tolist(), strict=True)]
    assert float(losses.hinge(z, targets, weights)) == pytest.approx(sum(weighed) / 5, rel=1e-5, abs=1e-6)


def test_hinge_asks_nothing_more_beyond_the_margin() -> None:
    z = torch.tensor([[3.0, 1.9, 0.0], [0.5, 0.0, 0.4]], requires_grad=True)
    losses.hinge(z, F.one_hot(torch.tensor([0, 0]), 3).float()).backward()
    assert z.grad is not None
    assert z.grad.tolist() == [[0, 0, 0], [-0.5, 0, 0.5]]


def intensity_aware(z: "torch.Tensor", labels: "torch.Tensor") -> "torch.Tensor":
    return losses.intensity_aware(z, F.one_hot(labels, z.shape[1]).float())


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_intensity_aware_loss_is_the_papers_equation(seed: int) -> None:
    """-log(e^x_t / (e^x_t + e^x_max)), x_max the largest logit other than the target's (Li et al. 2023)."""
    z, labels = logits(seed), torch.randint(7, (5,), generator=torch.Generator().manual_seed(seed))
    terms = []
    for x, t in zip(z.double().tolist(), labels.tolist(), strict=True):
        x_t, x_max = x[t], max(x[:t] + x[t + 1 :])
        terms.append(-math.log(math.exp(x_t) / (math.exp(x_t) + math.exp(x_max))))
    assert float(intensity_aware(z, labels)) == pytest.approx(sum(terms) / 5, rel=1e-5)
    assert intensity_aware(z, labels) <= F.cross_entropy(z, labels), "two classes can't cost more than all"
    torch.testing.assert_close(intensity_aware(z[:, :2], labels % 2), F.cross_entropy(z[:, :2], labels % 2))


def test_intensity_aware_loss_pushes_the_target_and_its_strongest_rival_alone() -> None:
    z = torch.tensor([[2.0, 1.9, 0.5, -1.0]], requires_grad=True)
    intensity_aware(z, torch.tensor([1])).backward()
    assert z.grad is not None
    assert z.grad[0, 1] < 0 < z.grad[0, 0]
    assert z.grad[0, 2:].tolist() == [0, 0]


def test_intensity_aware_loss_stays_a_number_at_any_margin() -> None:
    z = torch.tensor([[1e4, -1e4], [-1e4, 1e4]])
    assert intensity_aware(z, torch.tensor([0, 1])) == 0
    assert intensity_aware(z, torch.tensor([1, 0])) == 2e4


@given(COUNTS, st.sampled_from([0.9, 0.99, 0.999, 0.9999]))
@settings(deadline=None)
def test_rarer_classes_weigh_more_and_the_mean_weight_is_one(counts: list[int], beta: float) -> None:
    weights = losses.effective_number_weights(torch.tensor(counts), beta)
    assert float(weights.mean()) == pytest.approx(1)
    order = torch.tensor(counts).argsort()
    assert (weights[order].diff() <= 1e-6).all()
    assert weights.isfinite().all()


def test_class_weights_lie_between_even_and_inverse_frequency() -> None:
    counts = torch.tensor([100, 1000, 100, 100, 100, 100, 100])
    ratio = [float(w[0] / w[1]) for w in (losses.effective_number_weights(counts, b) for b in (1e-9, 0.99, 1 - 1e-9))]
    assert ratio[0] == pytest.approx(1)
    assert 1 < ratio[1] < 10
    assert ratio[2] == pytest.approx(10, rel=1e-3)


def test_logit_adjustment_takes_the_frequencies_out_of_the_answer() -> None:
    """One input whose class is drawn by the prior: plain training answers the prior, adjusted training all alike."""
    counts = torch.tensor([50.0, 1, 10, 20, 10, 4, 5])
    prior = losses.log_prior(counts)
    torch.testing.assert_close(prior.exp(), counts / counts.sum())
    for tau, expected in ((0.0, prior.exp()), (1.0, torch.full((7,), 1 / 7))):
        z = torch.zeros(1, 7, requires_grad=True)
        optimizer = torch.optim.Adam([z], lr=0.1)
        for _ in range(400):
            optimizer.zero_grad()
            losses.soft_cross_entropy(losses.adjusted(z, prior, tau), prior.exp()[None]).backward()
            optimizer.step()
        torch.testing.assert_close(z.softmax(1)[0], expected, atol=5e-3, rtol=0)


@given(st.integers(0, 1000), st.floats(1, 8))
@settings(max_examples=20, deadline=None)
def test_a_student_that_answers_as_its_teacher_has_nothing_to_learn(seed: int, temperature: float) -> None:
    z = (logits(seed) / 2).requires_grad_()
    losses.distillation(z, z.detach().softmax(1), temperature).backward()
    assert z.grad is not None
    assert z.grad.abs().max() < 1e-4
    losses.distillation(z, logits(seed + 1).softmax(1), temperature).backward()
    assert z.grad.abs().max() > 1e-3


@given(st.integers(1, 2000), st.floats(0, 1))
def test_learning_rate_rises_to_its_peak_and_falls_to_nothing(steps: int, warm_up: float) -> None:
    rates = [schedule.learning_rate(step, steps, 0.1, warm_up) for step in range(steps)]
    assert 0 < max(rates) <= 0.1 + 1e-12
    top = rates.index(max(rates))
    assert rates == sorted(rates[:top]) + sorted(rates[top:], reverse=True)


def test_sam_steps_uphill_by_rho_and_comes_back() -> None:
    weights = torch.tensor([3.0, 4.0], requires_grad=True)
    (weights**2).sum().backward()
    with sam.worst_nearby([weights], 0.5):
        torch.testing.assert_close(weights.detach(), torch.tensor([3.3, 4.4]))
    assert weights.tolist() == [3.0, 4.0]


def test_the_second_pass_of_sam_leaves_the_running_statistics() -> None:
    norm = torch.nn.BatchNorm2d(1)
    before = norm.running_mean.clone()
    with sam.frozen_statistics(norm):
        norm(torch.full((2, 1, 2, 2), 9.0))
    assert torch.equal(norm.running_mean, before)
    norm(torch.full((2, 1, 2, 2), 9.0))
    assert not torch.equal(norm.running_mean, before)


def test_smoothed_targets_are_those_of_label_smoothing() -> None:
    z, labels = logits(0), torch.tensor([0, 6, 3, 3, 1])
    targets = losses.smoothed(F.one_hot(labels, 7).float(), 0.1)
    torch.testing.assert_close(targets.sum(1), torch.ones(5))
    torch.testing.assert_close(losses.soft_cross_entropy(z, targets), F.cross_entropy(z, labels, label_smoothing=0.1))
