"""What training minimises: cross-entropy against distributions or the hinge loss, their balanced and smoothed forms,
what is asked of clips on top of them, and distillation."""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.training.recipe import LossSection


def soft_cross_entropy(logits: Tensor, targets: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of logits (N, K) against distributions (N, K), in nats.

    ``class_weights`` (K,) multiplies each class's share of it.
    """
    terms = targets * F.log_softmax(logits.float(), 1)
    if class_weights is not None:
        terms = terms * class_weights
    return -terms.sum(1).mean()


def effective_number_weights(counts: Tensor, beta: float) -> Tensor:
    """Class weights (K,) by effective numbers of faces, (1 - beta) / (1 - beta^n) (Cui et al. 2019), mean 1.

    ``counts`` (K,) may be fractions (sums of vote shares). Classes without faces count as if they had one.
    """
    weights = (1 - beta) / (1 - beta ** counts.double().clamp(min=1))
    return (weights / weights.mean()).float()


def log_prior(counts: Tensor) -> Tensor:
    """Logarithm (K,) of how common each class is; classes without faces count as if they had one."""
    counts = counts.double().clamp(min=1)
    return (counts / counts.sum()).log().float()


def adjusted(logits: Tensor, log_priors: Tensor, tau: float) -> Tensor:
    """Logits (N, K) that are to be trained in place of the network's own (Menon et al. 2021, eq. 10).

    A network trained so has taken the classes' frequencies out of its answers; at run time nothing is added.
    """
    return logits.float() + tau * log_priors


def smoothed(targets: Tensor, share: float) -> Tensor:
    """Distributions (N, K) of which ``share`` is spread over all classes (Szegedy et al. 2016, section 7)."""
    return targets * (1 - share) + share / targets.shape[1]


def _lead(logits: Tensor) -> Tensor:
    """How far each of the logits (N, K) is above the largest other one."""
    first, second = logits.float().topk(2, 1).values.split(1, 1)
    return logits.float() - torch.where(logits.float() == first, second, first)


def hinge(logits: Tensor, targets: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean multi-class hinge loss of margins (N, K) against distributions (N, K) (Crammer and Singer 2001, eq. 6).

    For one class: max(0, 1 - lead), its lead over the largest other one. ``class_weights`` (K,) as in
    ``soft_cross_entropy``.
    """
    terms = targets * F.relu(1 - _lead(logits))
    if class_weights is not None:
        terms = terms * class_weights
    return terms.sum(1).mean()


def intensity_aware(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean intensity-aware loss of logits (N, K) against distributions (N, K), in nats (Li et al. 2023, eq. 9).

    For one class: -log(e^target / (e^target + e^rival)) with the largest other logit as rival. An expression shown
    weakly looks like one other above all, so only that one counts; the gradient is then larger than cross-entropy's.
    """
    return (targets * F.softplus(-_lead(logits))).sum(1).mean()


def classification(
    logits: Tensor, targets: Tensor, how: LossSection, log_priors: Tensor, class_weights: Tensor | None
) -> Tensor:
    """What a recipe asks of logits (N, K) for distributions (N, K)."""
    soft = smoothed(targets, how.smoothing) if how.smoothing else targets
    of = hinge if how.kind == "hinge" else soft_cross_entropy
    total = of(adjusted(logits, log_priors, how.logit_adjustment), soft, class_weights)
    return total + how.intensity * intensity_aware(logits, targets) if how.intensity else total


def distillation(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Cross-entropy against a teacher's probabilities (N, K), both softened (Hinton et al. 2015, section 2).

    Scaled by the squared temperature, so that its gradients stay as long as those of the other targets.
    """
    soft = (taught.clamp(min=1e-8).log() / temperature).softmax(1)
    return soft_cross_entropy(logits.float() / temperature, soft) * temperature**2
