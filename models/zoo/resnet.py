"""Residual networks (He et al. 2016, "Deep Residual Learning for Image Recognition", table 1).

ResNet18 with its usual head; ResNet50 with that of the study behind this project: global average pooling, dropout 0.2,
one dense layer, learning rate 5e-4. ResNet34's trunk carries the Residual Masking Network (``resmasking.py``).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture

WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (Fig. 5 left); (N, in, H, W) to (N, width, H / stride, W / stride)."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut (Fig. 5 right); four times ``width`` channels come out.

    The stride is in the 3x3 convolution, as in all later implementations, not in the first 1x1.
    """

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * 4)
        self.shortcut = shortcut(channels, width * 4, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


def shortcut(channels: int, out: int, stride: int) -> nn.Module:
    """The identity where shapes agree, else a projection (option B of the paper)."""
    if stride == 1 and channels == out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


def stage(block: type[BasicBlock | Bottleneck], channels: int, width: int, count: int, stride: int) -> nn.Sequential:
    """``count`` blocks, of which the first changes width and size."""
    blocks = [block(channels, width, stride)]
    blocks += [block(width * block.expansion, width) for _ in range(count - 1)]
    return nn.Sequential(*blocks)


class Trunk(nn.Module):
    """Faces (N, 3, S, S) to four maps, of S / 4, S / 8, S / 16 and S / 32 px; ``stages`` are applied one by one."""

    def __init__(self, block: type[BasicBlock | Bottleneck], counts: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        self.stages = nn.ModuleList()
        channels = WIDTHS[0]
        for i, (width, count) in enumerate(zip(WIDTHS, counts, strict=True)):
            self.stages.append(stage(block, channels, width, count, 1 if i == 0 else 2))
            channels = width * block.expansion
        self.channels = channels
        """How many come out of the last stage."""

    def forward(self, x: Tensor) -> Tensor:
        """The last map, (N, channels, S / 32, S / 32)."""
        x = self.stem(x)
        for each in self.stages:
            x = each(x)
        return x


class ResNet(nn.Module):
    """RGB faces (N, 3, S, S), ImageNet normalisation, to logits (N, classes); S is 224 in the papers, any will do."""

    def __init__(
        self, block: type[BasicBlock | Bottleneck], counts: Sequence[int], classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.trunk = Trunk(block, counts)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.trunk.channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(torch.mean(self.trunk(x), (2, 3))))


def resnet18(classes: int) -> ResNet:
    return ResNet(BasicBlock, (2, 2, 2, 2), classes, dropout=0.0)


def resnet50(classes: int) -> ResNet:
    """With the study's head."""
    return ResNet(Bottleneck, (3, 4, 6, 3), classes, dropout=0.2)


ENTRIES = (
    Architecture("resnet18", resnet18, "He et al. 2016", 224, IMAGENET, 11_180_103),
    Architecture(
        "resnet50",
        resnet50,
        "He et al. 2016; the study's recipe",
        224,
        IMAGENET,
        23_522_375,
        official=23_522_375,
        learning_rate=5e-4,
    ),
)
