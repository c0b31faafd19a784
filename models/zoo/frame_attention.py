"""Frame attention: a network that looks at single faces sees each frame of a clip, and a head weighs the frames.

Three heads give the clip's features:

* single: each frame is weighed by itself (Meng et al. 2019, "Frame Attention Networks for Facial Expression Recognition
  in Videos", where it is called self-attention);
* relation: each frame is then weighed again, beside the clip's features so far (same paper);
* self: each frame is weighed by what self-attention makes of it (Churaev and Savchenko 2023).

The first two are Emotion-FAN's. In evaluation the authors' program multiplies the frames by the first weight alone and
divides by the sum of the products of both; here training and evaluation are the same sum.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET, RAW_RGB
from models.zoo.entry import SYMMETRIC, Architecture
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


Build = Callable[[int], nn.Module]
"""From a number of classes to a network that looks at single faces."""


def without_classifier(build: Build) -> tuple[nn.Module, int]:
    """A network that answers what its classifier would read, (M, width), and that width.

    The classifier is every layer with as many outputs as there are classes: one, or two heads side by side.
    """
    network, width = build(UNUSUAL), 0
    for path, layer in list(network.named_modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d) and layer.weight.shape[0] == UNUSUAL:
            width = layer.weight.shape[1]
            network.set_submodule(path, nn.Identity())
    return network, width


class FrameAttention(nn.Module):
    """RGB clips (N, 3, T, S, S), normalised as the frame network wants it, to logits (N, classes); any T will do.

    ``build`` makes the network that looks at frames, ``attention`` is one of the heads. Where ``channels`` is 1, that
    network sees grey, and gets the luma.
    """

    def __init__(
        self,
        classes: int,
        build: Build,
        channels: int,
        attention: type[SingleAttention | RelationAttention | SelfAttention],
    ) -> None:
        super().__init__()
        self.grey = channels == 1
        self.frames, width = without_classifier(build)
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


def single(classes: int, build: Build, channels: int) -> FrameAttention:
    return FrameAttention(classes, build, channels, SingleAttention)


def relation(classes: int, build: Build, channels: int) -> FrameAttention:
    return FrameAttention(classes, build, channels, RelationAttention)


def self_attention(classes: int, build: Build, channels: int) -> FrameAttention:
    return FrameAttention(classes, build, channels, SelfAttention)


FAN = "Meng et al. 2019"
CHURAEV = "Churaev and Savchenko 2023"
ENTRIES = (
    Architecture("moodnet-small-single", single, FAN, 48, RAW_RGB, 1_940_455, frames=16, over="moodnet-small"),
    Architecture(
        "moodnet-small-self",
        self_attention,
        CHURAEV,
        48,
        RAW_RGB,
        2_071_527,
        frames=16,
        over="moodnet-small",
    ),
    Architecture(
        "mobilefacenet-single",
        single,
        FAN,
        112,
        SYMMETRIC,
        1_004_167,
        frames=16,
        over="mobilefacenet",
    ),
    Architecture(
        "mobilefacenet-self",
        self_attention,
        CHURAEV,
        112,
        SYMMETRIC,
        1_036_935,
        frames=16,
        over="mobilefacenet",
    ),
    Architecture("resnet18-single", single, FAN, 224, IMAGENET, 11_180_615, frames=16, over="resnet18"),
    Architecture("resnet18-relation", relation, FAN, 224, IMAGENET, 11_185_223, frames=16, over="resnet18"),
    Architecture(
        "resnet18-self",
        self_attention,
        CHURAEV,
        224,
        IMAGENET,
        11_704_903,
        frames=16,
        over="resnet18",
    ),
)
