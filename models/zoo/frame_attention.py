"""Frame attention: a network that looks at single faces sees each frame of a clip, and a head weighs the frames.

Three heads give the clip's features:

* single: each frame is weighed by itself (Meng et al. 2019, "Frame Attention Networks for Facial Expression Recognition
  in Videos", where it is called self-attention);
* relation: each frame is then weighed again, beside the clip's features so far (same paper);
* self: each frame is weighed by what self-attention makes of it (Churaev and Savchenko 2023).

The first two are Emotion-FAN's. In evaluation the authors' program multiplies the frames by the first weight alone and
divides by the sum of the products of both; here training and evaluation are the same sum.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.zoo import networks
from models.zoo.layers import luma

UNUSUAL = 997
"""A number of classes by which a classifier is found: no other layer is as wide."""


def weighted_mean(frames: Tensor, scores: Tensor) -> Tensor:
    """Mean over the frames of (N, T, C), weighed by the logistic function of scores (N, T, 1); (N, C).

    As a softmax of its logarithm, which is the same and never divides by zero.
    """
    return (frames * F.logsigmoid(scores).softmax(1)).sum(1)


class SingleAttention(nn.Module):
    """Frames' features (N, T, width) to the clip's (N, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.query = nn.Linear(width, 1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        return weighted_mean(frames, self.query(frames))


class RelationAttention(nn.Module):
    """Frames' features (N, T, width) to the clip's (N, 2 width), each frame beside what the first weights make."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = 2 * width
        self.single = nn.Linear(width, 1, bias=False)
        self.relation = nn.Linear(2 * width, 1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        alone = self.single(frames)
        anchor = weighted_mean(frames, alone).unsqueeze(1).expand_as(frames)
        pairs = torch.cat([frames, anchor], 2)
        weights = (F.logsigmoid(alone) + F.logsigmoid(self.relation(pairs))).softmax(1)
        return (pairs * weights).sum(1)


class SelfAttention(nn.Module):
    """Frames' features (N, T, width) to the clip's (N, width). A frame's key is its value, and only its own query asks.

    The paper divides each score by the sum of all, which has no bound where their signs differ; here it is a softmax.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.query = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.single = nn.Linear(width, 1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        values = self.value(frames)
        scores = (self.query(frames) * values).sum(2, keepdim=True) * self.width**-0.5
        return weighted_mean(frames, self.single(scores.softmax(1) * values))


def without_classifier(name: str) -> tuple[nn.Module, int]:
    """A network of the registry that answers what its classifier would read, (M, width), and that width.

    The classifier is every layer with as many outputs as there are classes: one, or two heads side by side.
    """
    network, width = networks.build(name, UNUSUAL), 0
    for path, layer in list(network.named_modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d) and layer.weight.shape[0] == UNUSUAL:
            width = layer.weight.shape[1]
            network.set_submodule(path, nn.Identity())
    return network, width


class FrameAttention(nn.Module):
    """RGB clips (N, 3, T, S, S), normalised as the frame network wants it, to logits (N, classes); any T will do.

    ``over`` is the name of the frame network, ``attention`` one of the heads. A network that sees grey gets the luma.
    """

    def __init__(
        self, classes: int, over: str, attention: type[SingleAttention | RelationAttention | SelfAttention]
    ) -> None:
        super().__init__()
        self.grey = networks.get(over).pixels.channels == 1
        self.frames, width = without_classifier(over)
        self.attention = attention(width)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(self.attention.width, classes)

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[2]
        if self.grey:
            x = luma(x)
        found = self.frames(x.transpose(1, 2).flatten(0, 1))
        features = found[0] if isinstance(found, tuple) else found
        return self.fc(self.dropout(self.attention(features.unflatten(0, (-1, count)))))


def single(classes: int, over: str) -> FrameAttention:
    return FrameAttention(classes, over, SingleAttention)


def relation(classes: int, over: str) -> FrameAttention:
    return FrameAttention(classes, over, RelationAttention)


def self_attention(classes: int, over: str) -> FrameAttention:
    return FrameAttention(classes, over, SelfAttention)
