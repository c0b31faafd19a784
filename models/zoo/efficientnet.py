"""EfficientNet-B0 and B2 (Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
table 1), the trunks of EmotiEffNet (Savchenko 2022, "Video-based frame-level facial analysis of affective behavior on
mobile devices using EfficientNets"), which reads eight expressions.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture

STAGES = (
    # expansion, kernel, stride, width and blocks of B0
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
AFFECTNET = 8
"""Classes of AffectNet, on which EmotiEffNet reads: our seven and contempt."""
MAX_DROP = 0.2
"""How often, in training, the deepest block would be skipped; earlier ones less often in proportion."""


def scaled(channels: int, width: float) -> int:
    """A width of B0 times the factor, rounded to a multiple of 8 but never down by more than a tenth."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


class SqueezeExcite(nn.Module):
    """Weighs the channels by what all of the map holds (Hu et al. 2018); (N, C, H, W) keeps its shape."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.expand(F.silu(self.reduce(x.mean((2, 3), keepdim=True)))).sigmoid()


class MBConv(nn.Module):
    """Mobile inverted bottleneck (Sandler et al. 2018) with squeeze and excitation: widen, filter each channel, narrow.

    The shortcut is taken where shapes agree; in training whole blocks are then skipped with probability ``drop``
    (stochastic depth, Huang et al. 2016).
    """

    def __init__(self, channels: int, width: int, expansion: int, kernel: int, stride: int, drop: float) -> None:
        super().__init__()
        wide = channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.SiLU(inplace=True)]
        self.layers = nn.Sequential(
            *layers,
            nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.SiLU(inplace=True),
            SqueezeExcite(wide, channels // 4),
            nn.Conv2d(wide, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut = stride == 1 and channels == width
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        if not self.shortcut:
            return y
        if self.training and self.drop > 0:
            keep = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.drop
            y = y * keep / (1 - self.drop)
        return x + y


class EfficientNet(nn.Module):
    """RGB faces (N, 3, S, S), ImageNet normalisation, to logits (N, classes)."""

    def __init__(self, width: float, depth: float, dropout: float, classes: int) -> None:
        super().__init__()
        channels = scaled(32, width)
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.SiLU(inplace=True)
        )
        counts = [math.ceil(count * depth) for *_, count in STAGES]
        blocks: list[MBConv] = []
        for (expansion, kernel, stride, base_width, _), count in zip(STAGES, counts, strict=True):
            out = scaled(base_width, width)
            for i in range(count):
                drop = MAX_DROP * len(blocks) / sum(counts)
                blocks.append(MBConv(channels, out, expansion, kernel, stride if i == 0 else 1, drop))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.channels = scaled(1280, width)
        """Size of the feature vector."""
        self.head = nn.Sequential(
            nn.Conv2d(channels, self.channels, 1, bias=False), nn.BatchNorm2d(self.channels), nn.SiLU(inplace=True)
        )
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(self.features(x)))

    def features(self, x: Tensor) -> Tensor:
        """The pooled features (N, channels)."""
        return self.head(self.blocks(self.stem(x))).mean((2, 3))


def efficientnet_b0(classes: int) -> EfficientNet:
    """For 224 px; features 1280."""
    return EfficientNet(width=1.0, depth=1.0, dropout=0.2, classes=classes)


def efficientnet_b2(classes: int) -> EfficientNet:
    """For 260 px; features 1408."""
    return EfficientNet(width=1.1, depth=1.2, dropout=0.3, classes=classes)


ENTRIES = (
    Architecture(
        "efficientnet-b0",
        efficientnet_b0,
        "Tan and Le 2019; Savchenko 2022",
        224,
        IMAGENET,
        4_017_796,
        classes=AFFECTNET,
        official=4_017_796,
        published_gmacs="0.38 G",
    ),
    Architecture(
        "efficientnet-b2",
        efficientnet_b2,
        "Tan and Le 2019; Savchenko 2022",
        260,
        IMAGENET,
        7_712_266,
        classes=AFFECTNET,
        official=7_712_266,
        published_gmacs="0.99 G",
    ),
)
