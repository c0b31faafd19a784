"""DTSCNN (Peng et al. 2017, "Dual Temporal Scale Convolutional Neural Network for Micro-Expression Recognition").

Micro-expressions of two frame rates: two streams of shallow 3D convolutions over optical flow, one of 64 steps at 60
frames a second, one of 128 at 120, which is the same 1.07 s. Shallow, since there are few clips of micro-expressions;
flow, since it is a level up from pixels and so saves layers. The joined features are what a linear support vector
machine answers from: its weights are those of ``fc`` (``models.micro.svm``). Before that, and while the convolutions
learn, ``fc`` is a linear layer like any other.

The paper prints no number of parameters. Batch norms, and dropout before ``fc``, are ours.
"""

import torch
from torch import Tensor, nn

from models.inference.contract import Pixels
from models.zoo.entry import Architecture

SIZE = 32
"""Side of the flow that is seen."""
FINER = 2
"""It is found in faces of twice that, and averaged over 2 x 2 pixels: what moves is a part of a pixel."""
CHANNELS = 2
"""Of the flow: to the right and down."""
STEPS_60 = 64
"""Of flow, one less than frames: 1.07 s."""
STEPS_120 = 128
KERNELS = ((8, 3, 3), (4, 3, 3), (4, 3, 3), (4, 3, 3))
STRIDES = ((4, 2, 2), (1, 1, 1), (1, 1, 1), (1, 1, 1))
WIDTHS = (16, 32, 64, 128)
FLOW = Pixels((0.0,) * CHANNELS, (1.0,) * CHANNELS)


def stream() -> nn.Sequential:
    """Flow (N, 2, T, S, S) to features (N, 128 * (T / 64) * (S / 32)^2): 128 of 64 steps, 256 of 128 at 32 px.

    Four convolutions, each followed by a pooling that halves time and place.
    """
    layers: list[nn.Module] = []
    for before, width, kernel, stride in zip((CHANNELS, *WIDTHS), WIDTHS, KERNELS, STRIDES, strict=False):
        layers += [
            nn.Conv3d(before, width, kernel, stride, padding=(2, 1, 1), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool3d(2),
        ]
    return nn.Sequential(*layers, nn.Flatten())


class DTSCNN(nn.Module):
    """Flow (N, 2, T, 32, 32), in pixels of faces of 64 px a step, to logits (N, classes).

    T = 192: first the 64 steps at 60 frames a second, then the 128 at 120. Of one stream alone T is its own steps.
    """

    def __init__(self, classes: int, steps: tuple[int, ...] = (STEPS_60, STEPS_120)) -> None:
        super().__init__()
        self.steps = steps
        self.streams = nn.ModuleList(stream() for _ in steps)
        width = WIDTHS[-1] * (SIZE // 32) ** 2 * sum(steps) // STEPS_60
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, flow: Tensor) -> Tensor:
        parts = flow.split(list(self.steps), 2)
        joined = torch.cat([each(part) for each, part in zip(self.streams, parts, strict=True)], 1)
        return self.fc(self.dropout(joined))


def both(classes: int) -> nn.Module:
    return DTSCNN(classes)


def only_60(classes: int) -> nn.Module:
    return DTSCNN(classes, (STEPS_60,))


def only_120(classes: int) -> nn.Module:
    return DTSCNN(classes, (STEPS_120,))


ENTRIES = (
    Architecture(
        "dtscnn",
        both,
        "Peng et al. 2017",
        SIZE,
        FLOW,
        781_252,
        classes=4,
        frames=STEPS_60 + STEPS_120,
        sight="flow-60-120",
        micro=True,
        needs_rate=True,
        finer=FINER,
    ),
    Architecture(
        "dtscnn-60",
        only_60,
        "Peng et al. 2017",
        SIZE,
        FLOW,
        390_372,
        classes=4,
        frames=STEPS_60,
        sight="flow-60",
        micro=True,
        needs_rate=True,
        finer=FINER,
    ),
    Architecture(
        "dtscnn-120",
        only_120,
        "Peng et al. 2017",
        SIZE,
        FLOW,
        390_884,
        classes=4,
        frames=STEPS_120,
        sight="flow-120",
        micro=True,
        needs_rate=True,
        finer=FINER,
    ),
    Architecture(
        "dtscnn-same-rate",
        both,
        "Peng et al. 2017",
        SIZE,
        FLOW,
        781_252,
        classes=4,
        frames=STEPS_60 + STEPS_120,
        sight="flow-60-as-120",
        micro=True,
        needs_rate=True,
        finer=FINER,
    ),
)
