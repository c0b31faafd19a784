"""Linear probing: how much a linear classifier can read off a network's features, while the network stays as it is."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.clips.source import ClipSource
from models.training.classify_clips import CHUNK, joined
from models.training.sight import ClipSight

_PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Weights of the classifier's squared weights to choose from: with few clips it would learn them by heart without."""
_FOLDS = 5


@torch.inference_mode()
def features(
    net: nn.Module, source: ClipSource, seen: ClipSight, device: torch.device, layer: nn.Module | None = None
) -> Tensor:
    """What a layer of a network, by default its last (``fc``), is given for each clip, (N, D) float32.

    That is the mean over its test views.
    """
    given: list[Tensor] = []
    hook = (layer or net.fc).register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].float().cpu()))
    net.eval()
    try:
        counts = []
        for start in range(0, len(source), CHUNK):
            views = [seen.views(source, i, None) for i in range(start, min(start + CHUNK, len(source)))]
            net(*seen.ready(joined(views, device)))
            counts += [len(view[0]) for view in views]
    finally:
        hook.remove()
    return torch.stack([part.mean(0) for part in torch.cat(given).split(counts)])


def probe(learn: Tensor, labels: Tensor, subjects: Sequence[str], test: Tensor, classes: int) -> Tensor:
    """The classes (M,) that logistic regression, fitted to features (N, D) and ``labels`` (N,), gives others (M, D).

    Features are standardised by those that are learned from. The penalty of the weights is the one of ``_PENALTIES``
    that answers best for people it was not fitted to, in ``_FOLDS`` folds of the ``subjects`` (N,): how much of it
    features need differs (Radford et al. 2021, appendix A.3, choose it in such a way for each network).
    """
    people = {subject: i for i, subject in enumerate(sorted(set(subjects)))}
    fold = torch.tensor([people[subject] % _FOLDS for subject in subjects])
    folds = [fold == k for k in range(min(_FOLDS, len(people)))]

    def right(penalty: float) -> float:
        found = [_fitted(learn[~held], labels[~held], learn[held], classes, penalty) == labels[held] for held in folds]
        return float(torch.cat(found).float().mean())

    chosen = max(_PENALTIES, key=right) if len(folds) > 1 else _PENALTIES[0]
    return _fitted(learn, labels, test, classes, chosen)


def _fitted(learn: Tensor, labels: Tensor, test: Tensor, classes: int, penalty: float) -> Tensor:
    """Logistic regression with this weight of the squared weights; see ``probe``."""
    mean, std = learn.mean(0), learn.std(0).clamp(min=1e-6)
    learn, test = (learn - mean) / std, (test - mean) / std
    weight = torch.zeros(classes, learn.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        total = nn.functional.cross_entropy(learn @ weight.T + bias, labels) + penalty * weight.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    return (test @ weight.T + bias).argmax(1)
