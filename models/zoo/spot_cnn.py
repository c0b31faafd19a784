"""A spotter of micro-expressions after SMEConvNet (Zhang et al. 2018, "SMEConvNet: A Convolutional Neural Network for
Spotting Spontaneous Facial Micro-Expression From Long Videos").

As there, a convolutional network makes features of each frame, these make a feature matrix over the film, and a window
slides over it. The paper leaves open what the layers are: all of them are our own, small enough for a processor. A
frame comes with how it differs from its neighbours, for the motion of a micro-expression is a fraction of a pixel.
Dilated convolutions over time then see what a blink, a turning head or flicker look like before and after.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import RAW_GREY
from models.zoo.entry import Architecture

SIDE = 64
RATE = 60
"""Frames a second."""
LAGS = (3, 8)
"""Differences are of the frame so many later and the one so many earlier: over 0.1 s, and over 0.27 s."""
DILATIONS = (1, 2, 4, 8, 16)
WIDTHS, WIDTH = (24, 32), 64
"""Of the convolutions over a frame, and of its features."""
AROUND = sum(DILATIONS) + max(LAGS)
"""Frames before and after the one that is judged."""
FRAMES = 2 * AROUND + 1
CLASSES = ("none", "micro", "apex")
"""Of a frame: no micro-expression, one, and near its strongest frame."""


class FrameFeatures(nn.Module):
    """Grey frames (N, T, S, S) in any scale to features (N, 64, T - 2 * max(LAGS)).

    Each frame is standardised by itself, so that flicker of the light leaves nothing behind. What follows the
    convolutions is a dense layer, since in aligned faces a place is a muscle.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1 + len(LAGS), WIDTHS[0], 8, 4, 2, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(),
            nn.Conv2d(WIDTHS[0], WIDTHS[1], 3, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTHS[1]),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.dense = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(WIDTHS[-1] * (side // 8) ** 2, WIDTH, bias=False),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(),
        )

    def forward(self, grey: Tensor) -> Tensor:
        mean = grey.mean((2, 3), keepdim=True)
        spread = (grey - mean).square().mean((2, 3), keepdim=True).sqrt()
        frames = (grey - mean) / (spread + 1e-3 * grey.abs().amax((2, 3), keepdim=True) + 1e-6)
        count, most = grey.shape[1], max(LAGS)
        seen = [frames[:, most : count - most]]
        for lag in LAGS:
            later, earlier = frames[:, most + lag : count - most + lag], frames[:, most - lag : count - most - lag]
            seen.append(8 * (later - earlier))
        stacked = torch.stack(seen, 2)  # (N, T', 3, S, S)
        return self.dense(self.layers(stacked.flatten(0, 1))).unflatten(0, stacked.shape[:2]).transpose(1, 2)


class Dilated(nn.Module):
    """A feature matrix (N, C, T) to (N, C, T - 2 * dilation): only where the kernel sees three frames."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.layers = nn.Sequential(
            nn.Conv1d(width, width, 3, dilation=dilation, bias=False), nn.BatchNorm1d(width), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, self.dilation : x.shape[2] - self.dilation] + self.layers(x)


class SpotCNN(nn.Module):
    """Grey faces (N, 1, 79, 64, 64) at 60 frames a second, in any scale, to logits (N, classes) of the middle one."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = FrameFeatures(SIDE)
        self.window = nn.Sequential(*(Dilated(WIDTH, dilation) for dilation in DILATIONS))
        self.fc = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.each(x.squeeze(1)).squeeze(1)

    def each(self, grey: Tensor) -> Tensor:
        """Grey frames (N, T, S, S) to logits (N, T - 2 * AROUND, classes) of all frames with enough around them."""
        return self.judged(self.features(grey))

    def judged(self, matrix: Tensor) -> Tensor:
        """A feature matrix (N, 64, T) to logits (N, T - 2 * sum(DILATIONS), classes): the window slid over it."""
        seen = F.dropout(self.window(matrix), 0.2, self.training)
        return self.fc(seen.transpose(1, 2))


ENTRIES = (
    Architecture(
        "spot-cnn",
        SpotCNN,
        "own, after Zhang et al. 2018",
        64,
        RAW_GREY,
        205_107,
        classes=3,
        frames=79,
        interval_s=1 / 60,
        micro=True,
    ),
)
