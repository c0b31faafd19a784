"""moodnet: our own small residual network for grey 48 px faces.

Basic residual blocks (He et al. 2016, "Deep Residual Learning for Image Recognition", Fig. 5 left) in three stages of
24, 12 and 6 px, global average pooling, and two linear heads on one trunk:

* ``label``: the single label of FER2013 (Goodfellow et al. 2013),
* ``votes``: the distribution of ten taggers' votes on the same faces, FER+ (Barsoum et al. 2016, eq. 3).

The two answer slightly different questions (they agree on 68 % of the faces), so training them side by side costs
nothing at run time and leaves the blend of the two, ``BlendedMoodnet.label_weight``, to be chosen on validation data.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EXPRESSIONS = 7


def conv_bn(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution without bias, followed by batch normalisation."""
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False), nn.BatchNorm2d(channels_out))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and an identity shortcut; keeps shape (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv_bn(channels, channels)
        self.conv2 = conv_bn(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


class Stage(nn.Module):
    """Halves height and width, then one residual block."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.down = conv_bn(channels_in, channels_out, stride=2)
        self.block = BasicBlock(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(F.relu(self.down(x)))


class Moodnet(nn.Module):
    """Grey faces (N, 1, 48, 48), any range, to two sets of logits (N, 7): ``label`` and ``votes``.

    Each face is standardised to zero mean and unit variance first, so brightness and contrast of a webcam drop out.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (32, 64, 128, 256), dropout: float = 0.3) -> None:
        super().__init__()
        self.stem = conv_bn(1, widths[0])
        self.stages = nn.Sequential(*(Stage(a, b) for a, b in itertools.pairwise(widths)))
        self.dropout = nn.Dropout(dropout)
        self.label = nn.Linear(widths[3], EXPRESSIONS)
        self.votes = nn.Linear(widths[3], EXPRESSIONS)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x - x.mean((2, 3), keepdim=True)
        x = x * torch.rsqrt((x * x).mean((2, 3), keepdim=True) + 1e-3)
        x = self.stages(F.relu(self.stem(x))).mean((2, 3))
        x = self.dropout(x)
        return self.label(x), self.votes(x)


class BlendedMoodnet(nn.Module):
    """A trained ``Moodnet`` as it is shipped: faces (N, 1, 48, 48) in 0..255 to probabilities (N, 7).

    ``label_weight`` in 0..1 is the share of the ``label`` head in the blend. With ``flip`` the network also sees the
    mirrored face and the two answers are averaged, at twice the cost.
    """

    def __init__(self, net: Moodnet, label_weight: float, flip: bool) -> None:
        super().__init__()
        self.net, self.label_weight, self.flip = net, label_weight, flip

    def forward(self, x: Tensor) -> Tensor:
        if not self.flip:
            return self.blend(x)
        return (self.blend(x) + self.blend(torch.flip(x, [3]))) / 2

    def blend(self, x: Tensor) -> Tensor:
        label, votes = self.net(x)
        return self.label_weight * label.softmax(1) + (1 - self.label_weight) * votes.softmax(1)
