"""MobileFaceNet (Chen et al. 2018, "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile
Devices", table 1): inverted bottlenecks with PReLU and, instead of pooling, a global depth-wise convolution that learns
how much each place of the 7x7 map counts.

Its trunk also is POSTER V2's landmark network (``poster_v2.py``).
"""

from torch import Tensor, nn

from models.zoo.entry import SYMMETRIC, Architecture


def conv_bn(channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution without bias and batch normalisation; no activation."""
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(width)
    )


def conv_bn_prelu(channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(conv_bn(channels, width, kernel, stride, groups), nn.PReLU(width))


class Bottleneck(nn.Module):
    """Widen to ``wide`` channels, filter each, narrow; with the shortcut where shapes agree."""

    def __init__(self, channels: int, width: int, wide: int, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_bn_prelu(channels, wide, 1),
            conv_bn_prelu(wide, wide, 3, stride, groups=wide),
            conv_bn(wide, width, 1),
        )
        self.shortcut = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.shortcut else self.layers(x)


def bottlenecks(channels: int, wide: int, count: int) -> list[Bottleneck]:
    """``count`` bottlenecks that keep width and size."""
    return [Bottleneck(channels, channels, wide) for _ in range(count)]


class Trunk(nn.Module):
    """Faces (N, 3, 112, 112) to maps (N, 64, 28, 28), (N, 128, 14, 14) and (N, 512, 7, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(
            conv_bn_prelu(3, 64, 3, 2),
            conv_bn_prelu(64, 64, 3, groups=64),
            Bottleneck(64, 64, 128, 2),
            *bottlenecks(64, 128, 4),
        )
        self.stage2 = nn.Sequential(Bottleneck(64, 128, 256, 2), *bottlenecks(128, 256, 6))
        self.stage3 = nn.Sequential(Bottleneck(128, 128, 512, 2), *bottlenecks(128, 256, 2), conv_bn_prelu(128, 512, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stage1(x)
        middle = self.stage2(fine)
        return fine, middle, self.stage3(middle)


def embedding(size: int) -> nn.Sequential:
    """Maps (N, 512, 7, 7) to vectors (N, size): the global depth-wise convolution, then a linear layer."""
    return nn.Sequential(
        nn.Conv2d(512, 512, 7, groups=512, bias=False),
        nn.BatchNorm2d(512),
        nn.Flatten(),
        nn.Linear(512, size, bias=False),
        nn.BatchNorm1d(size),
    )


class MobileFaceNet(nn.Module):
    """RGB faces (N, 3, 112, 112), (x - 127.5) / 128, to logits (N, classes) over the paper's embedding of 128."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.embedding = embedding(128)
        self.fc = nn.Linear(128, classes)

    def forward(self, x: Tensor) -> Tensor:
        _, _, coarse = self.trunk(x)
        return self.fc(self.embedding(coarse))


class Landmarks(nn.Module):
    """RGB faces (N, 3, 112, 112) to 68 places (N, 136): what POSTER V2's trunk was trained as before it is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.embedding = embedding(136)

    def forward(self, x: Tensor) -> Tensor:
        _, _, coarse = self.trunk(x)
        return self.embedding(coarse)


ENTRIES = (
    Architecture(
        "mobilefacenet",
        MobileFaceNet,
        "Chen et al. 2018",
        112,
        SYMMETRIC,
        1_004_039,
        published="0.99 M",
    ),
)
