"""The network of the intensity-aware loss (Li et al. 2023, "Intensity-Aware Loss for Dynamic Facial Expression
Recognition in the Wild"); the loss itself is ``models.training.losses.intensity_aware``.

Frames pass through a small residual network whose later blocks are global convolution-attention (GCA) blocks: a
depth-wise convolution as large as the map looks at the whole face at once and weighs the channels, in agreement with
the other frames of the clip. Then a dynamic branch sees the differences of neighbouring frames and a static branch the
frames; the sum of both goes through a transformer over time.

Left out of the official build, since no output depends on them (146,752 of its 19,083,527 parameters): the gate and the
auxiliary classifier of the first, plain block, and a 1x1 convolution and two biases in each block that are never used.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.zoo.attention import transformer
from models.zoo.entry import UNIT, Architecture
from models.zoo.resnet import BasicBlock, stage

FRAMES, SIZE = 16, 112
WIDTH = 256
PLACES = 4 * 4
REDUCTION = 16


class GlobalConvolutionAttention(nn.Module):
    """Weights of the channels: maps (N * 16, C, S, S) to (N * 16, C, 1, 1), each in 0..2, and logits (N, classes).

    The logits are those of the auxiliary classifier, which makes the global convolution look for the expression.
    """

    def __init__(self, channels: int, size: int, classes: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, size, groups=channels, bias=False)
        self.reduce = nn.Conv2d(channels, channels // REDUCTION, 1, bias=False)
        self.expand = nn.Conv2d(channels // REDUCTION, channels, 1, bias=False)
        self.auxiliary = nn.Sequential(
            nn.Linear(channels, 2 * channels, bias=False), nn.Linear(2 * channels, classes, bias=False)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.convolution(x)
        gate = 2 * self.expand(F.relu(self.reduce(seen))).sigmoid().unflatten(0, (-1, FRAMES))
        # The geometric mean with the clip's own average keeps a frame from going its own way.
        gate = torch.sqrt(gate * gate.mean(1, keepdim=True) + 1e-5).flatten(0, 1)
        return gate, self.auxiliary(seen.flatten(1).unflatten(0, (-1, FRAMES)).mean(1))


class GCABlock(BasicBlock):
    """A residual block whose channels are weighed before the shortcut is added: (N * 16, in, 2 S, 2 S) to
    (N * 16, C, S, S) and the auxiliary logits (N, classes)."""

    def __init__(self, channels: int, width: int, size: int, classes: int) -> None:
        super().__init__(channels, width, stride=2)
        self.attention = GlobalConvolutionAttention(width, size, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        gate, logits = self.attention(y)
        return F.relu(y * gate + self.shortcut(x)), logits


class DynamicStaticFusion(nn.Module):
    """Maps of the frames (N, 16, 256, 7, 7) to 15 tokens (N, 15, 4096): what changes, and what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.dynamic = stage(BasicBlock, WIDTH, WIDTH, 3, 2)
        self.patch = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, 2, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True)
        )
        self.position = nn.Parameter(torch.randn(1, PLACES, WIDTH))
        self.static = transformer(WIDTH, depth=2, heads=4, head_width=32, hidden=256)

    def forward(self, x: Tensor) -> Tensor:
        before, after = x[:, :-1], x[:, 1:]
        dynamic = self.dynamic((after - before).flatten(0, 1)).flatten(2)
        tokens = self.patch(before.flatten(0, 1)).flatten(2).transpose(1, 2)
        static = self.static(tokens + self.position).transpose(1, 2)
        return (dynamic + static).flatten(1).unflatten(0, (-1, FRAMES - 1))


class IALNetwork(nn.Module):
    """RGB clips (N, 3, 16, 112, 112) in 0..1 to logits (N, classes).

    ``with_auxiliary`` also gives the logits of the GCA blocks' own classifiers, which the loss takes in training.
    ``position`` has a row for a sixteenth token, as the official build has; sixteen frames have fifteen differences.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 3, 2, 1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, 3, 1, 1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        self.plain = BasicBlock(64, 64)
        self.gca1 = GCABlock(64, 128, SIZE // 8, classes)
        self.gca2 = GCABlock(128, WIDTH, SIZE // 16, classes)
        self.fusion = DynamicStaticFusion()
        self.position = nn.Parameter(torch.randn(1, FRAMES, WIDTH * PLACES))
        self.temporal = transformer(WIDTH * PLACES, depth=2, heads=4, head_width=32, hidden=512)
        self.fc = nn.Linear(WIDTH * PLACES, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.with_auxiliary(x)[0]

    def with_auxiliary(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Logits (N, classes), and those of the auxiliary classifiers of the two GCA blocks, the earlier one first."""
        x = self.plain(self.stem(x.transpose(1, 2).flatten(0, 1)))
        x, first = self.gca1(x)
        x, second = self.gca2(x)
        tokens = self.fusion(x.unflatten(0, (-1, FRAMES)))
        tokens = self.temporal(tokens + self.position[:, : FRAMES - 1])
        return self.fc(tokens.mean(1)), (first, second)


ENTRIES = (
    Architecture(
        "ial",
        IALNetwork,
        "Li et al. 2023",
        112,
        UNIT,
        18_936_775,
        published="19 M",
        official=19_083_527,
        left_out={
            "bias after the stem": 64,
            "biases of the three blocks": 896,
            "1x1 convolutions (glb) of the three blocks": 86_016,
            "gate and auxiliary classifier of the first block, which is plain": 59_776,
        },
        frames=16,
        official_gmacs=5.94,
        left_out_gmacs={"every layer of the transformers, computed a second time": 0.316},
        published_gmacs="10 G",
    ),
)
