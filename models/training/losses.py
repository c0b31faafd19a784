"""What training minimises: cross-entropy against distributions, its class-balanced and intensity-aware forms, and
distillation."""

import torch
from torch import Tensor
from torch.nn import functional as F


def soft_cross_entropy(logits: Tensor, targets: Tensor, class_weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of logits (N, K) against distributions (N, K), in nats.

    ``class_weights`` (K,) multiplies each class's share of it.
    """
    terms = targets * F.log_softmax(logits.float(), 1)
    if class_weights is not None:
        terms = terms * class_weights
    return -terms.sum(1).mean()


def intensity_aware(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean intensity-aware loss of logits (N, K), K at least 2, and labels (N,) int64, in nats (Li et al. 2023).

    ``-log(exp(x_t) / (exp(x_t) + exp(x_max)))`` with the target's logit ``x_t`` and the largest of the others,
    ``x_max``: cross-entropy between the right class and the one it is most likely taken for. A weak expression is
    mistaken for one other above all, and this is where it has to win. Added to cross-entropy, with a weight of 0.1 in
    the authors' program.
    """
    logits = logits.float()
    target = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return F.softplus(others.amax(1) - target).mean()


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


def distillation(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """Cross-entropy against a teacher's probabilities (N, K), both softened (Hinton et al. 2015, section 2).

    Scaled by the squared temperature, so that its gradients stay as long as those of the other targets.
    """
    soft = (taught.clamp(min=1e-8).log() / temperature).softmax(1)
    return soft_cross_entropy(logits.float() / temperature, soft) * temperature**2


def class_counts(targets: Tensor) -> Tensor:
    """Faces (K,) of each class, from distributions (N, K)."""
    return torch.sum(targets, 0)
