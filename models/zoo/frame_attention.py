"""Frame attention: a network that looks at single faces sees each frame of a clip, and a head weighs the frames.

Five heads give the clip's features:

* maximum: of each feature, the largest over the frames (Churaev and Savchenko 2023);
* single: each frame is weighed by itself (Meng et al. 2019, "Frame Attention Networks for Facial Expression Recognition
  in Videos", where it is called self-attention);
* relation: each frame is then weighed again, beside the clip's features so far (same paper);
* self, printed: each frame is weighed by what self-attention makes of it (Churaev and Savchenko 2023), by equations (3)
  to (7) as they are printed;
* self: the same with a softmax in place of equation (5), which divides by a sum that may be zero.

Single and relation are Emotion-FAN's. In evaluation the authors' program multiplies the frames by the first weight
alone and divides by the sum of the products of both; here training and evaluation are the same sum.

Clips of several lengths go together: ``there`` (N, T) is False where a clip has no frame any more, None where all have
T. What stands there does not matter, but has to be finite.
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


FLOOR = 1e-3
"""Equation (5): the least size of a sum of scores, as a share of the sum of their sizes."""


def weighted_mean(frames: Tensor, scores: Tensor, there: Tensor | None = None) -> Tensor:
    """Mean over the frames of (N, T, C), weighed by the logistic function of scores (N, T, 1); (N, C).

    As a softmax of its logarithm, which is the same and never divides by zero.
    """
    return (frames * _only(F.logsigmoid(scores), there, -torch.inf).softmax(1)).sum(1)


def _only(values: Tensor, there: Tensor | None, otherwise: float) -> Tensor:
    """Values (N, T, C) where frames are there, another number where not."""
    return values if there is None else values.masked_fill(~there[..., None], otherwise)


class FrameMaximum(nn.Module):
    """Frames' features (N, T, width) to the clip's (N, width), which learns nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, frames: Tensor, there: Tensor | None = None) -> Tensor:
        return _only(frames, there, -torch.inf).amax(1)


class SingleAttention(nn.Module):
    """Frames' features (N, T, width) to the clip's (N, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.query = nn.Linear(width, 1, bias=False)

    def forward(self, frames: Tensor, there: Tensor | None = None) -> Tensor:
        return weighted_mean(frames, self.query(frames), there)


class RelationAttention(nn.Module):
    """Frames' features (N, T, width) to the clip's (N, 2 width), each frame beside what the first weights make."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = 2 * width
        self.single = nn.Linear(width, 1, bias=False)
        self.relation = nn.Linear(2 * width, 1, bias=False)

    def forward(self, frames: Tensor, there: Tensor | None = None) -> Tensor:
        alone = self.single(frames)
        anchor = weighted_mean(frames, alone, there).unsqueeze(1).expand_as(frames)
        pairs = torch.cat([frames, anchor], 2)
        logarithms = F.logsigmoid(alone) + F.logsigmoid(self.relation(pairs))
        return (pairs * _only(logarithms, there, -torch.inf).softmax(1)).sum(1)


class SelfAttention(nn.Module):
    """Frames' features (N, T, width) to the clip's (N, width). A frame's key is its value, and only its own query asks.

    The paper divides each score by the sum of all (``PrintedSelfAttention``), which has no bound where their signs
    differ; here it is a softmax.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.query = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.single = nn.Linear(width, 1, bias=False)

    def forward(self, frames: Tensor, there: Tensor | None = None) -> Tensor:
        v = self.value(frames)
        a = (self.query(frames) * v).sum(2, keepdim=True) * self.width**-0.5
        return weighted_mean(frames, self.single(self.shares(a, there) * v), there)

    def shares(self, a: Tensor, there: Tensor | None) -> Tensor:
        """What of each frame's value counts, (N, T, 1), by the frames' scores of that shape."""
        return _only(a, there, -torch.inf).softmax(1)


class PrintedSelfAttention(SelfAttention):
    """Frames' features (N, T, width) to the clip's (N, width) by equations (3) to (7) of Churaev and Savchenko 2023.

    With frames f_i, d of them wide, and the learned matrices W_q, W_k and vector q_0::

        q_i = f_i W_q,  k_i = v_i = f_i W_k           (3)
        a_i = q_i k_i^T / sqrt(d)                     (4)
        b_i = a_i v_i / sum_j a_j                     (5)
        g_i = sigmoid(b_i q_0)                        (6)
        f_v = sum_i g_i f_i / sum_i g_i               (7)

    (3), (4), (6) and (7) are those of ``SelfAttention``.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.over_sum = OverSum()

    def shares(self, a: Tensor, there: Tensor | None) -> Tensor:
        """a_i / sum_j a_j."""
        return self.over_sum(_only(a, there, 0.0))


class OverSum(nn.Module):
    """Scores (N, T, 1) over their sum, of the same shape; finite for all that are.

    The scores are of both signs, so their sum crosses zero. It keeps its sign, and a size of ``FLOOR`` times the sum of
    the scores' sizes at least: no share is beyond 1 / ``FLOOR``, and a clip's weights are as before when all scores
    are multiplied by the same. A part of its own, so that a hook can count how often that happens.
    """

    def forward(self, a: Tensor) -> Tensor:
        total = a.sum(1, keepdim=True)
        size = torch.maximum(total.abs(), self.least(a))
        return a / torch.where(total < 0, -size, size)

    @staticmethod
    def least(a: Tensor) -> Tensor:
        """The least size of each clip's sum, (N, 1, 1); above zero for scores that are all zero."""
        return (FLOOR * a.abs().sum(1, keepdim=True)).clamp(min=1e-12)

    @classmethod
    def is_floored(cls, a: Tensor) -> Tensor:
        """Which clips' sums are too small, (N,)."""
        return (a.sum(1).abs() < cls.least(a)[:, 0])[:, 0]


Attention = FrameMaximum | SingleAttention | RelationAttention | SelfAttention


class ClipHead(nn.Module):
    """Frames' features (N, T, D), T to be told by ``there`` (N, T), to logits (N, classes): a dense layer over a head.

    For features that are there already; ``FrameAttention`` has the network that makes them inside.
    """

    def __init__(self, attention: Attention, classes: int) -> None:
        super().__init__()
        self.attention = attention
        self.fc = nn.Linear(attention.width, classes)

    def forward(self, frames: Tensor, there: Tensor | None = None) -> Tensor:
        return self.fc(self.attention(frames, there))


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
        attention: type[Attention],
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


def printed(classes: int, build: Build, channels: int) -> FrameAttention:
    return FrameAttention(classes, build, channels, PrintedSelfAttention)


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
        "moodnet-small-self-printed",
        printed,
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
