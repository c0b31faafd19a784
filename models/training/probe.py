"""Linear probing: how much a linear classifier can read off a network's features, while the network stays as it is."""

import torch
from torch import Tensor, nn

from models.clips.source import ClipSource
from models.training.clips import CHUNK, Seen

PENALTY = 1e-2
"""Weight of the classifier's squared weights: with few clips it would otherwise learn them by heart."""


@torch.inference_mode()
def features(net: nn.Module, source: ClipSource, seen: Seen, device: torch.device) -> Tensor:
    """What a network's last layer (``fc``) is given for each clip, (N, D) float32: the mean over its test views."""
    given: list[Tensor] = []
    hook = net.fc.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].float().cpu()))
    net.eval()
    try:
        counts = []
        for start in range(0, len(source), CHUNK):
            views = [seen.views(source, i, None) for i in range(start, min(start + CHUNK, len(source)))]
            net(seen.ready(torch.cat(views).to(device)))
            counts += [len(view) for view in views]
    finally:
        hook.remove()
    return torch.stack([part.mean(0) for part in torch.cat(given).split(counts)])


def probe(learn: Tensor, labels: Tensor, test: Tensor, classes: int) -> Tensor:
    """The classes (M,) that logistic regression, fitted to features (N, D) and ``labels`` (N,), gives others (M, D).

    Features are standardised by those that are learned from.
    """
    mean, std = learn.mean(0), learn.std(0).clamp(min=1e-6)
    learn, test = (learn - mean) / std, (test - mean) / std
    weight = torch.zeros(classes, learn.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        total = nn.functional.cross_entropy(learn @ weight.T + bias, labels) + PENALTY * weight.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    return (test @ weight.T + bias).argmax(1)
