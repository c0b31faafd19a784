"""LHC-Net (Pecoraro et al. 2022, "Local Multi-Head Channel Self-Attention for Facial Expression Recognition").

ResNet34v2 (He et al. 2016, "Identity Mappings in Deep Residual Networks") with five LHC modules: after the stem and
after each of the four stages. The attention runs between channels, not places: each head sees one horizontal band of
all channels, and a channel gathers from those that look alike in this band. How sharply it does so is itself computed
from the scores (the exponent p of the scaling), in place of the fixed square root.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import RAW_RGB
from models.zoo.entry import Architecture

WIDTHS = (64, 128, 256, 512)
COUNTS = (3, 4, 6, 3)
HEADS = (8, 8, 7, 7, 1)
EMBEDDING = (196, 196, 56, 14, 25)
"""Of each head, for the stem's module and those of the four stages (LHC-Net in table 1 of the paper)."""
SIZES = (56, 56, 28, 14, 7)
"""Side of the map that each module sees: the heads' bands make the network one for faces of 224 px."""
EPSILON = 2e-5


class DataNorm(nn.Module):
    """Batch normalisation of the picture itself; only a bias is learned, no scale. (N, C, H, W) keeps its shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=EPSILON, affine=False)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) + self.bias


class PreActivationBlock(nn.Module):
    """Normalise and activate first, then convolve, twice; a projecting shortcut starts behind the first activation."""

    def __init__(self, channels: int, width: int, stride: int, project: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels, eps=EPSILON)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=EPSILON)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(channels, width, 1, stride, bias=False) if project else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(x))
        kept = x if self.shortcut is None else self.shortcut(y)
        return self.conv2(F.relu(self.bn2(self.conv1(y)))) + kept


class LHC(nn.Module):
    """Local multi-head channel self-attention: (N, C, S, S) to the same shape, added to what came in.

    Queries are averages of 3x3 places, keys are maxima; both pass the same linear layer of their head. Values are a
    3x3 convolution, smoothed.
    """

    def __init__(self, channels: int, size: int, heads: int, embedding: int) -> None:
        super().__init__()
        self.heads = heads
        band = size * size // heads
        self.weight = nn.Parameter(torch.empty(heads, band, embedding))
        self.bias = nn.Parameter(torch.zeros(heads, 1, embedding))
        for head in self.weight:
            nn.init.xavier_uniform_(head)
        self.value = nn.Conv2d(channels, channels, 3, padding=1)
        self.exponent = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        query = self.bands(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)) @ self.weight + self.bias
        key = self.bands(F.max_pool2d(x, 3, 1, 1)) @ self.weight + self.bias
        value = self.bands(F.avg_pool2d(self.value(x), 3, 1, 1, count_include_pad=False))
        scores = query @ key.transpose(2, 3)
        p = self.exponent(scores.mean(3)).sigmoid().unsqueeze(3)
        attention = (scores / key.shape[3] ** (1 + p)).softmax(3)
        return x + (attention @ value).transpose(1, 2).reshape(x.shape)

    def bands(self, x: Tensor) -> Tensor:
        """(N, C, S, S) to (N, heads, C, S * S / heads)."""
        return x.flatten(2).unflatten(2, (self.heads, -1)).transpose(1, 2)


class LHCNet(nn.Module):
    """RGB (or tripled grey) faces (N, 3, 224, 224) in 0..255 to logits (N, classes).

    The first layer normalises by the training set's mean and variance, so no other normalisation is needed.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.data = DataNorm(3)
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64, eps=EPSILON),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        self.lhc = nn.ModuleList(LHC(*each) for each in zip((64, *WIDTHS), SIZES, HEADS, EMBEDDING, strict=True))
        self.stages = nn.ModuleList()
        channels = 64
        for i, (width, count) in enumerate(zip(WIDTHS, COUNTS, strict=True)):
            first = PreActivationBlock(channels, width, 1 if i == 0 else 2, project=True)
            rest = (PreActivationBlock(width, width, 1, project=False) for _ in range(count - 1))
            self.stages.append(nn.Sequential(first, *rest))
            channels = width
        self.bn = nn.BatchNorm2d(512, eps=EPSILON)
        self.head = nn.Sequential(
            nn.Linear(512, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.4),
            nn.Linear(4096, 1024),
            nn.ReLU(inplace=True),
            nn.Dropout(0.4),
            nn.Linear(1024, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.lhc[0](self.stem(self.data(x)))
        for stage, attend in zip(self.stages, list(self.lhc)[1:], strict=True):
            x = attend(stage(x))
        return self.head(F.relu(self.bn(x)).mean((2, 3)))


ENTRIES = (
    Architecture(
        "lhc-net",
        LHCNet,
        "Pecoraro et al. 2022",
        224,
        RAW_RGB,
        32_396_302,
        official=32_396_302,
    ),
)
