"""Sharpness-aware minimisation (Foret et al. 2021, algorithm 1): the gradient is taken at the worst point nearby."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def worst_nearby(parameters: Iterable[Tensor], rho: float) -> Iterator[None]:
    """Within, each parameter is moved along its gradient, all together by ``rho``; afterwards they are back."""
    moved = [p for p in parameters if p.grad is not None]
    with torch.no_grad():
        length = torch.stack([p.grad.norm() for p in moved if p.grad is not None]).norm()
        before = [p.clone() for p in moved]
        for p in moved:
            p.add_(p.grad, alpha=float(rho / (length + 1e-12)))
    try:
        yield
    finally:
        with torch.no_grad():
            for p, old in zip(moved, before, strict=True):
                p.copy_(old)


@contextmanager
def frozen_statistics(net: nn.Module) -> Iterator[None]:
    """Within, batch norms normalise by the batch but do not count it in their running statistics.

    The second pass of a step sees the same faces with other weights, which are never the network's own.
    """
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    before = [m.momentum for m in norms]
    for m in norms:
        m.momentum = 0.0
    try:
        yield
    finally:
        for m, momentum in zip(norms, before, strict=True):
            m.momentum = momentum
