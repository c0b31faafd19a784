"""MobileNet-v1 (Howard et al. 2017, "MobileNets", table 1), as MobileEmotiFace uses it: Savchenko 2021, "Facial
expression and attributes recognition based on multi-task learning of lightweight neural networks".
"""

from torch import Tensor, nn

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture

BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
"""Width and stride of each depth-wise separable block."""


def conv_bn(channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution without bias, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class MobileNetV1(nn.Module):
    """RGB faces (N, 3, S, S), ImageNet normalisation, to logits (N, classes); S is 224 in the paper."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers, channels = [conv_bn(3, 32, 3, 2)], 32
        for width, stride in BLOCKS:
            layers += [conv_bn(channels, channels, 3, stride, groups=channels), conv_bn(channels, width, 1)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


ENTRIES = (Architecture("mobilenet-v1", MobileNetV1, "Howard et al. 2017; Savchenko 2021", 224, IMAGENET, 3_214_151),)
