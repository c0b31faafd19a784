"""moodnet: our own small residual networks for grey faces of 48 to 112 px.

Basic residual blocks (He et al. 2016, "Deep Residual Learning for Image Recognition", Fig. 5 left) in three stages, of
24, 12 and 6 px for a face of 48, global average pooling, and two linear heads on one trunk:

* ``label``: the single label of FER2013 (Goodfellow et al. 2013),
* ``votes``: the distribution of ten taggers' votes on the same faces, FER+ (Barsoum et al. 2016, eq. 3).

The two answer different questions (they agree on 68 % of the faces). Both teach the trunk, which costs nothing at run
time, and each is asked for what it was taught: ``votes`` is the answer that the agent uses, ``label`` is measured.

Three sizes: ``tiny``, ``small`` (the shipped weights) and ``base``. Their 3x3 convolutions are full, not depth-wise:
the file may hold the weights, and ONNX Runtime runs full ones near the processor's peak, depth-wise ones far from it.
Depth is where maps are small: a block at 6 px costs a sixteenth of the same block at 24 px. ``tiny`` and ``base`` weigh
their channels (squeeze and excitation, Hu et al. 2018), which costs next to nothing.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import RAW_GREY
from models.zoo.entry import Architecture
from relay.protocol import EXPRESSIONS


def conv_bn(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution without bias, followed by batch normalisation."""
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False), nn.BatchNorm2d(channels_out))


class SqueezeExcite(nn.Module):
    """Weighs the channels by what all of the map holds; (N, C, H, W) keeps its shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // 8)
        self.expand = nn.Linear(channels // 8, channels)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.expand(F.relu(self.reduce(x.mean((2, 3))))).sigmoid()
        return x * weights[:, :, None, None]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and an identity shortcut; keeps shape (N, C, H, W)."""

    def __init__(self, channels: int, excite: bool) -> None:
        super().__init__()
        self.conv1 = conv_bn(channels, channels)
        self.conv2 = conv_bn(channels, channels)
        self.excite = SqueezeExcite(channels) if excite else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.excite(self.conv2(F.relu(self.conv1(x)))))


class Stage(nn.Module):
    """Halves height and width, then one residual block and ``depth - 1`` further ones."""

    def __init__(self, channels_in: int, channels_out: int, depth: int, excite: bool) -> None:
        super().__init__()
        self.down = conv_bn(channels_in, channels_out, stride=2)
        self.block = BasicBlock(channels_out, excite)
        self.further = nn.Sequential(*(BasicBlock(channels_out, excite) for _ in range(depth - 1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.further(self.block(F.relu(self.down(x))))


class Trunk(nn.Module):
    """Grey faces (N, 1, S, S), any range, to features (N, ``widths[3]``).

    Each face is standardised to zero mean and unit variance first, so brightness and contrast of a webcam drop out. S
    is a multiple of 8. ``widths`` are those of the stem and the three stages, ``depths`` the stages' residual blocks;
    the default is ``small``.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (32, 64, 128, 256),
        depths: tuple[int, int, int] = (1, 1, 1),
        excite: bool = False,
    ) -> None:
        super().__init__()
        self.stem = conv_bn(1, widths[0])
        shapes = zip(itertools.pairwise(widths), depths, strict=True)
        self.stages = nn.Sequential(*(Stage(a, b, depth, excite) for (a, b), depth in shapes))

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)

    def features(self, x: Tensor) -> Tensor:
        x = x - x.mean((2, 3), keepdim=True)
        x = x * torch.rsqrt((x * x).mean((2, 3), keepdim=True) + 1e-3)
        return self.stages(F.relu(self.stem(x))).mean((2, 3))


class Moodnet(Trunk):
    """Grey faces (N, 1, S, S), as for ``Trunk``, to two sets of logits (N, classes), ``label`` and ``votes``."""

    ANSWERS = ("label", "votes")

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (32, 64, 128, 256),
        depths: tuple[int, int, int] = (1, 1, 1),
        excite: bool = False,
        dropout: float = 0.3,
        classes: int = len(EXPRESSIONS),
    ) -> None:
        super().__init__(widths, depths, excite)
        self.dropout = nn.Dropout(dropout)
        self.label = nn.Linear(widths[3], classes)
        self.votes = nn.Linear(widths[3], classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.dropout(self.features(x))
        return self.label(x), self.votes(x)


def tiny(classes: int = len(EXPRESSIONS)) -> Moodnet:
    """At most 1 MB as float16 and 1 ms a face."""
    return Moodnet((16, 32, 64, 88), (1, 1, 2), excite=True, dropout=0.1, classes=classes)


def small(classes: int = len(EXPRESSIONS)) -> Moodnet:
    """The shipped weights."""
    return Moodnet(classes=classes)


def base(classes: int = len(EXPRESSIONS)) -> Moodnet:
    """At most 12 MB as float16 and 6 ms a face."""
    return Moodnet((32, 48, 96, 224), (1, 2, 3), excite=True, classes=classes)


class MirroredMoodnet(nn.Module):
    """A trained ``Moodnet`` as it is shipped: faces (N, 1, 48, 48) in 0..255 to probabilities (N, 7) of either head.

    ``votes`` comes first, then the trunk's features (N, D), then ``label``. The network also sees the mirrored face,
    and the two answers of each head are averaged, as are the features.
    """

    ANSWERS = ("votes", "features", "label")

    def __init__(self, net: Moodnet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = self.net.features(torch.cat([x, torch.flip(x, [3])]))
        answers = self.net.votes(seen).softmax(1), seen, self.net.label(seen).softmax(1)
        votes, features, label = (answer.unflatten(0, (2, -1)).mean(0) for answer in answers)
        return votes, features, label


ENTRIES = (
    Architecture("moodnet-tiny", tiny, "ours", 48, RAW_GREY, 453_008),
    Architecture("moodnet-small", small, "ours; the shipped weights", 48, RAW_GREY, 1_941_998),
    Architecture("moodnet-base", base, "ours", 48, RAW_GREY, 3_383_312),
)
