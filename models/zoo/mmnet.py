"""MMNet (Li et al. 2022, "MMNet: Muscle Motion-Guided Network for Micro-Expression Recognition").

The main branch sees the difference of apex and onset frame, so muscles that move and no face that rests; its blocks
of continuous attention (CA) hand the map of where they look on to the next. Where on the face that is, the position
calibration module (PC) says: a small vision transformer over the onset frame, shrunk to the size of the last map.

Left out of the official build, since no output depends on them (532,106 of its 9,970,947 parameters): a second
classifier, an embedding of time, a 1x1 convolution, and the class token, classifier and mask of the PC transformer.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture
from models.zoo.layers import Block, start_small

SIDE = 14
"""Side of the last map, and of the onset frame as the PC module sees it, for faces of 224 px."""
STEM, WIDTHS = 180, (128, 128, 256, 512)
STRIDES = (1, 2, 2, 2)
WIDTH = WIDTHS[-1]
POSITION_HEADS = 4


class CABlock(nn.Module):
    """Map (N, C, S, S) and the previous block's attention (N, 1, S, S), None for the first, to the same two.

    Attention as CBAM's spatial one (Woo et al. 2018), but from a 1x1 convolution, and multiplied by the previous one.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        self.attention = nn.Sequential(nn.Conv2d(2, 1, 1, bias=False), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        x = F.relu(self.layers(x) + self.shortcut(x))
        attention = self.attention(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1))
        if before is not None:
            attention = attention * before
        return x * attention, attention


class CABranch(nn.Module):
    """Motion, the difference of two frames (N, 3, S, S), to a map (N, 512, S / 16, S / 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM, 3, 2, 1, bias=False),
            nn.BatchNorm2d(STEM),
            nn.ReLU(),
            nn.Conv2d(STEM, WIDTHS[0], 3, 1, 1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(),
        )
        before = (WIDTHS[0], *WIDTHS)
        self.blocks = nn.ModuleList(CABlock(*each) for each in zip(before, WIDTHS, STRIDES, strict=False))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, motion: Tensor) -> Tensor:
        x, attention = self.blocks[0](self.stem(motion), None)
        for block in list(self.blocks)[1:]:
            x, attention = block(x, F.max_pool2d(attention, 3, 2, 1))
        return x


class PositionCalibration(nn.Module):
    """A face (N, 3, S, S) of any size to a map (N, 512, side, side); each pixel of the shrunk face is one token."""

    def __init__(self, side: int, depth: int, ratio: int) -> None:
        super().__init__()
        self.side = side
        self.embed = nn.Conv2d(3, WIDTH, 1)
        self.position = nn.Parameter(torch.empty(1, side**2, WIDTH))
        self.blocks = nn.Sequential(*(Block(WIDTH, POSITION_HEADS, ratio, key_bias=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.apply(start_small)
        nn.init.trunc_normal_(self.position, std=0.02)

    def forward(self, face: Tensor) -> Tensor:
        small = F.interpolate(face, size=(self.side, self.side), mode="bilinear", align_corners=False)
        tokens = self.embed(small).flatten(2).transpose(1, 2) + self.position
        return self.norm(self.blocks(tokens)).transpose(1, 2).unflatten(2, (self.side, self.side))


class MMNet(nn.Module):
    """Onset and apex frame, RGB (N, 3, 2, 224, 224), ImageNet normalisation, to logits (N, classes).

    For three classes the authors use a PC module of another shape than for five. (Their file for three asks for a first
    layer with 2 groups of 3 channels, which can't be built; here it is that of five.)
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.motion = CABranch()
        depth, ratio = (3, 2) if classes == 3 else (2, 4)
        self.position = PositionCalibration(SIDE, depth, ratio)
        self.fc = nn.Linear(WIDTH * SIDE**2, classes)

    def forward(self, x: Tensor) -> Tensor:
        onset, apex = x.unbind(2)
        return self.fc((self.motion(apex - onset) + self.position(onset)).flatten(1))


ENTRIES = (
    Architecture(
        "mmnet",
        MMNet,
        "Li et al. 2022",
        224,
        IMAGENET,
        9_438_841,
        classes=5,
        official=9_970_947,
        left_out={
            "class token, classifier and mask of the PC transformer": 3_590,
            "second classifier": 476_672,
            "embedding of time": 49_284,
            "1x1 convolution of the onset frame": 2_560,
        },
        frames=2,
        official_gmacs=7.21,
    ),
)
