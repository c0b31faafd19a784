"""VGG13 for small grey faces (Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution", figure 4): ten convolutions in four steps, dropout after each.

The network of FER+; one whose features can stand beside a bag of visual words (``models.compared``).
"""

from torch import Tensor, nn

from models.inference.contract import Pixels
from models.zoo.entry import Architecture

STEPS = ((64, 64), (128, 128), (256, 256, 256), (256, 256, 256))
"""Widths of the 3x3 convolutions between two 2x2 max poolings."""
SIDE = 64
GREY = Pixels((127.5,), (127.5,))
"""-1 to 1."""
WIDE = 1024


class Vgg13(nn.Module):
    """Grey faces (N, 1, 64, 64) in -1..1 to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for widths in STEPS:
            for width in widths:
                convolution = nn.Conv2d(channels, width, 3, padding=1)
                nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
                layers += [convolution, nn.ReLU(inplace=True)]
                channels = width
            layers += [nn.MaxPool2d(2), nn.Dropout(0.25)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        places = (SIDE // 2 ** len(STEPS)) ** 2
        self.dense = nn.Sequential(
            nn.Linear(channels * places, WIDE),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(WIDE, WIDE),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
        )
        self.fc = nn.Linear(WIDE, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dense(self.features(x)))


ENTRIES = (
    Architecture(
        "vgg13",
        Vgg13,
        "Barsoum et al. 2016",
        SIDE,
        GREY,
        8_756_679,
        published_accuracy="the features of several networks beside a bag of visual words, with local learning, reach "
        "75.42 % on FER2013 (Georgescu et al. 2019).",
    ),
)
