"""Residual Masking Network (Pham, Vu and Tran 2020, "Facial Expression Recognition Using Residual Masking Network").

After each stage of ResNet34 a small U-Net (Ronneberger et al. 2015) looks at the map and weighs it: x * (1 + mask). The
deeper the stage, the shallower its U-Net: four, three, two levels and one.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.zoo.entry import UNIT, Architecture
from models.zoo.resnet import WIDTHS, BasicBlock, Trunk


class MaskingBlock(nn.Module):
    """A U-Net of residual blocks: (N, C, H, W) to a mask of the same shape, a softmax over the channels.

    Each level doubles the channels; between levels the size is halved, so H and W must be multiples of
    ``2 ** (levels - 1)``.
    """

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList(BasicBlock(widths[i], widths[i + 1]) for i in range(levels))
        self.up = nn.ModuleList(up_pooling(widths[i + 1], widths[i]) for i in range(levels - 1, 0, -1))
        self.join = nn.ModuleList(BasicBlock(widths[i + 1], widths[i]) for i in range(levels - 1, 0, -1))
        self.last = BasicBlock(widths[1], widths[0])

    def forward(self, x: Tensor) -> Tensor:
        maps: list[Tensor] = []
        for block in self.down:
            x = block(F.max_pool2d(x, 2) if maps else x)
            maps.append(x)
        for up, join, skipped in zip(self.up, self.join, reversed(maps[:-1]), strict=True):
            x = join(torch.cat([up(x), skipped], 1))
        return self.last(x).softmax(1)


def up_pooling(channels: int, width: int) -> nn.Sequential:
    """(N, channels, H, W) to (N, width, 2 H, 2 W)."""
    return nn.Sequential(nn.ConvTranspose2d(channels, width, 2, 2), nn.BatchNorm2d(width), nn.ReLU(inplace=True))


class ResMaskingNet(nn.Module):
    """RGB faces (N, 3, S, S), x / 255, to logits (N, classes); S is 224 in the paper, a multiple of 32 works."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = Trunk(BasicBlock, (3, 4, 6, 3))
        self.masks = nn.ModuleList(
            MaskingBlock(width, levels) for width, levels in zip(WIDTHS, (4, 3, 2, 1), strict=True)
        )
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(self.trunk.channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.trunk.stem(x)
        for stage, mask in zip(self.trunk.stages, self.masks, strict=True):
            x = stage(x)
            x = x * (1 + mask(x))
        return self.fc(self.dropout(x.mean((2, 3))))


ENTRIES = (
    Architecture(
        "resmaskingnet",
        ResMaskingNet,
        "Pham et al. 2020",
        224,
        UNIT,
        137_796_423,
        official=137_796_423,
    ),
)
