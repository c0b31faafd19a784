"""Inception-v3 (Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", table 1).

Each block looks at its input in several ways side by side. Large windows are built of small ones: 5x5 of two 3x3
(figure 5), 7x7 of 1x7 and 7x1 (figure 6), and on the last, coarsest grid the two directions stand side by side
(figure 7). As in the authors' later code, and so in timm's ``inception_v3``, the first of figure 5's branches keeps its
5x5.

The paper's auxiliary classifier helps in training alone and is left out.
"""

import torch
from torch import Tensor, nn

from models.inference.contract import Pixels
from models.zoo.entry import Architecture

PLUS_MINUS_ONE = Pixels((127.5,) * 3, (127.5,) * 3)
"""-1 to 1, as the authors' weights were trained."""


def unit(inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU. What does not move by 2 keeps the map's size."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (height // 2, width // 2) if stride == 1 else 0
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3),
        nn.ReLU(inplace=True),
    )


def unpadded(inputs: int, outputs: int) -> nn.Sequential:
    """As ``unit``, 3x3, but the map loses its edge."""
    layers = unit(inputs, outputs, 3)
    layers[0].padding = (0, 0)
    return layers


class Branches(nn.ModuleList):
    """Several ways to look at one map (N, C, H, W), their channels side by side."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], 1)


def pooled(inputs: int, outputs: int) -> nn.Sequential:
    """The mean of each place's neighbourhood."""
    return nn.Sequential(nn.AvgPool2d(3, 1, 1), unit(inputs, outputs, 1))


def fine(inputs: int, pool: int) -> Branches:
    """Figure 5: a fine map to 224 + ``pool`` channels."""
    return Branches(
        [
            unit(inputs, 64, 1),
            nn.Sequential(unit(inputs, 48, 1), unit(48, 64, 5)),
            nn.Sequential(unit(inputs, 64, 1), unit(64, 96, 3), unit(96, 96, 3)),
            pooled(inputs, pool),
        ]
    )


def fine_to_middle(inputs: int) -> Branches:
    """Figure 10: half the side, 480 channels more."""
    return Branches(
        [
            unit(inputs, 384, 3, 2),
            nn.Sequential(unit(inputs, 64, 1), unit(64, 96, 3), unit(96, 96, 3, 2)),
            nn.MaxPool2d(3, 2),
        ]
    )


def middle(width: int) -> Branches:
    """Figure 6: 768 channels to 768, ``width`` of them inside."""
    lying, standing = (1, 7), (7, 1)
    return Branches(
        [
            unit(768, 192, 1),
            nn.Sequential(unit(768, width, 1), unit(width, width, lying), unit(width, 192, standing)),
            nn.Sequential(
                unit(768, width, 1),
                unit(width, width, standing),
                unit(width, width, lying),
                unit(width, width, standing),
                unit(width, 192, lying),
            ),
            pooled(768, 192),
        ]
    )


def middle_to_coarse() -> Branches:
    """768 channels to 1,280 at half the side."""
    return Branches(
        [
            nn.Sequential(unit(768, 192, 1), unit(192, 320, 3, 2)),
            nn.Sequential(unit(768, 192, 1), unit(192, 192, (1, 7)), unit(192, 192, (7, 1)), unit(192, 192, 3, 2)),
            nn.MaxPool2d(3, 2),
        ]
    )


def coarse(inputs: int) -> Branches:
    """Figure 7: to 2,048 channels."""

    def both_ways() -> Branches:
        return Branches([unit(384, 384, (1, 3)), unit(384, 384, (3, 1))])

    return Branches(
        [
            unit(inputs, 320, 1),
            nn.Sequential(unit(inputs, 384, 1), both_ways()),
            nn.Sequential(unit(inputs, 448, 1), unit(448, 384, 3), both_ways()),
            pooled(inputs, 192),
        ]
    )


class InceptionV3(nn.Module):
    """RGB faces (N, 3, S, S) in -1..1 to logits (N, classes); S is 299 in the paper, any from 75 will do."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            unit(3, 32, 3, 2),
            unpadded(32, 32),
            unit(32, 64, 3),
            nn.MaxPool2d(3, 2),
            unit(64, 80, 1),
            unpadded(80, 192),
            nn.MaxPool2d(3, 2),
        )
        self.blocks = nn.Sequential(
            fine(192, 32),
            fine(256, 64),
            fine(288, 64),
            fine_to_middle(288),
            *(middle(width) for width in (128, 160, 160, 192)),
            middle_to_coarse(),
            coarse(1280),
            coarse(2048),
        )
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(2048, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(self.blocks(self.stem(x)).mean((2, 3))))


ENTRIES = (
    Architecture(
        "inception-v3",
        InceptionV3,
        "Szegedy et al. 2016",
        299,
        PLUS_MINUS_ONE,
        21_799_911,
        official=24_362_990,
        left_out={"auxiliary classifier": 2_563_079},
        official_gmacs=5.71,
        published_accuracy="66.40 % on FER2013, begun with ImageNet's weights (Barkah and 'Uyun 2026).",
    ),
)
