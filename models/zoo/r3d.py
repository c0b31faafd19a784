"""3D ResNet18 (Hara et al. 2018, "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?", table 1).

A residual network (``resnet.py``) whose convolutions also run over time. Its stem keeps the frames apart at first
(stride 1 over time) and then pools frames and places by two, which makes it five times cheaper than the variant of Tran
et al. 2018 that has no pooling there.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.zoo.entry import UNIT, Architecture

WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions beside a shortcut; (N, in, T, H, W) to (N, width, T, H, W), divided by the stride."""

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv3d(channels, width, 1, stride, bias=False), nn.BatchNorm3d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class R3D(nn.Module):
    """RGB clips (N, 3, T, S, S) to logits (N, classes); T is 16 and S is 112 in the paper, any will do."""

    def __init__(self, counts: tuple[int, int, int, int], classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, WIDTHS[0], 7, (1, 2, 2), 3, bias=False),
            nn.BatchNorm3d(WIDTHS[0]),
            nn.ReLU(inplace=True),
            nn.MaxPool3d(3, 2, 1),
        )
        blocks: list[nn.Module] = []
        channels = WIDTHS[0]
        for stage, (width, count) in enumerate(zip(WIDTHS, counts, strict=True)):
            for i in range(count):
                blocks.append(BasicBlock(channels, width, 2 if stage > 0 and i == 0 else 1))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.mean(self.blocks(self.stem(x)), (2, 3, 4)))


def r3d18(classes: int) -> R3D:
    return R3D((2, 2, 2, 2), classes)


ENTRIES = (
    Architecture(
        "r3d18",
        r3d18,
        "Hara et al. 2018",
        112,
        UNIT,
        33_207_495,
        published="33 M",
        official=33_207_495,
        frames=16,
        official_gmacs=8.31,
        published_gmacs="8 G",
    ),
)
