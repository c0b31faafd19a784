"""The networks of the apex frame: micro-attention (Wang et al. 2020) and the ResNet10 that it was put on.

The trunk is cvjena's ResNet10 (Simon et al. 2016), of pre-activation units (He et al. 2016). Micro-attention gives each
unit a mask of where to look, made of the unit's three layers: what comes in, what is half done, what comes out.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import Pixels
from models.zoo.entry import Architecture

WIDTHS = (64, 128, 256, 512)
WIDTH = WIDTHS[-1]
GREY_UNIT = Pixels((0.0,), (255.0,))
"""0 to 1; the networks' first layer standardises by what it saw in training."""


class PreActivationUnit(nn.Module):
    """Map (N, C, S, S) to (N, width, S / stride, S / stride): two convolutions beside a shortcut.

    Norm and ReLU come before a convolution. ``fresh`` says that the map needs them; that of the stem has had them. A
    shortcut that changes the shape is a 1x1 convolution, of the map after norm and ReLU as in the authors' trunk.
    """

    def __init__(self, channels: int, width: int, stride: int, fresh: bool) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU()) if fresh else nn.Identity()
        self.first = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        same = stride == 1 and channels == width
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels, width, 1, stride, bias=False)

    def layers(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shortcut, first layer after its ReLU, and second layer, all of the unit's new shape."""
        x = self.before(x)
        first = self.first(x)
        return self.shortcut(x), first, self.second(first)

    def forward(self, x: Tensor) -> Tensor:
        shortcut, _, second = self.layers(x)
        return shortcut + second


class MicroAttentionUnit(PreActivationUnit):
    """A unit whose sum is multiplied by 1 + mask; the mask is made of all three layers, one above the other.

    As published there is nothing between the mask's two 1x1 convolutions, and neither has a bias.
    """

    def __init__(self, channels: int, width: int, stride: int, fresh: bool) -> None:
        super().__init__(channels, width, stride, fresh)
        self.attention = nn.Sequential(
            nn.Conv2d(3 * width, width, 1, bias=False), nn.Conv2d(width, 1, 1, bias=False), nn.Sigmoid()
        )

    def look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The unit's map, and its mask (N, 1, S / stride, S / stride) in 0..1."""
        shortcut, first, second = self.layers(x)
        mask = self.attention(torch.cat([shortcut, first, second], 1))
        return (shortcut + second) * (1 + mask), mask

    def forward(self, x: Tensor) -> Tensor:
        return self.look(x)[0]


class ApexTrunk(nn.Module):
    """Grey faces (N, 1, S, S) in 0..1 to features (N, 512): the mean of the last map, S / 32 wide, after its ReLU.

    ``unit`` makes the four units, from channels, width, stride and whether their map still needs norm and ReLU.
    """

    def __init__(self, unit: Callable[[int, int, int, bool], PreActivationUnit] = PreActivationUnit) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.BatchNorm2d(1),
            nn.Conv2d(1, WIDTHS[0], 7, 2, 3),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        first = unit(WIDTHS[0], WIDTHS[0], 1, False)
        rest = (unit(before, width, 2, True) for before, width in itertools.pairwise(WIDTHS))
        self.units = nn.Sequential(first, *rest)
        self.after = nn.Sequential(nn.BatchNorm2d(WIDTH), nn.ReLU())
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.out_channels == 1:  # a mask, near a half at first: a sigmoid at its ends learns nothing
                    nn.init.normal_(module.weight, std=0.01)

    def forward(self, faces: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.after(self.units(self.stem(faces))), 1).flatten(1)


class ApexResNet10(nn.Module):
    """Grey apex frames (N, 1, 224, 224) in 0..1 to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = ApexTrunk()
        self.fc = nn.Linear(WIDTH, classes)

    def forward(self, faces: Tensor) -> Tensor:
        return self.fc(self.trunk(faces))


class MicroAttention(nn.Module):
    """Grey apex frames (N, 1, 224, 224) in 0..1 to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = ApexTrunk(MicroAttentionUnit)
        self.fc = nn.Linear(WIDTH, classes)

    def forward(self, faces: Tensor) -> Tensor:
        return self.fc(self.trunk(faces))

    def masks(self, faces: Tensor) -> list[Tensor]:
        """Where each unit looks, first to last: (N, 1, S, S) in 0..1, of S = 56, 28, 14 and 7 for faces of 224 px."""
        x, found = self.trunk.stem(faces), []
        for unit in self.trunk.units:
            x, mask = unit.look(x)
            found.append(mask)
        return found


ENTRIES = (
    Architecture(
        "micro-attention",
        MicroAttention,
        "Wang et al. 2020",
        224,
        GREY_UNIT,
        5_945_799,
        classes=5,
        official=5_945_799,
        micro=True,
    ),
    Architecture(
        "apex-resnet10",
        ApexResNet10,
        "Simon et al. 2016",
        224,
        GREY_UNIT,
        4_900_359,
        classes=5,
        official=4_900_359,
        micro=True,
    ),
)
