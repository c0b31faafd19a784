"""mini-XCEPTION (Arriaga, Valdenegro-Toro and Ploeger 2017, "Real-time Convolutional Neural Networks for Emotion and
Gender Classification", Fig. 4): depth-wise separable convolutions beside strided shortcuts, no dense layer at all.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import Pixels
from models.zoo.entry import Architecture


class SeparableConv(nn.Sequential):
    """A 3x3 convolution of each channel, then a 1x1 over all (Chollet 2017), then batch normalisation."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.Conv2d(channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )


class Module(nn.Module):
    """Two separable convolutions and a max pooling beside a 1x1 shortcut: (N, C, H, W) to (N, width, H / 2, W / 2)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, 2, bias=False), nn.BatchNorm2d(width))
        self.conv1 = SeparableConv(channels, width)
        self.conv2 = SeparableConv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x)))
        return F.max_pool2d(y, 3, 2, 1) + self.shortcut(x)


class MiniXception(nn.Module):
    """Grey faces (N, 1, S, S), x / 127.5 - 1, to logits (N, classes); S is 64 in the paper, 48 works as well."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 8, 3, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
        )
        self.body = nn.Sequential(Module(8, 16), Module(16, 32), Module(32, 64), Module(64, 128))
        self.classes = nn.Conv2d(128, classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.body(self.stem(x))).mean((2, 3))


ENTRIES = (
    Architecture(
        "mini-xception",
        MiniXception,
        "Arriaga et al. 2017",
        64,
        Pixels((127.5,), (127.5,)),
        56_951,
        published="60 k",
        official=56_951,
    ),
)
