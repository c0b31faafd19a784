"""VGG16 (Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", table 1).

Two heads: the paper's three fully connected layers, and that of the study behind this project, which transfers a trunk
trained on ImageNet to faces: global average pooling, dropout 0.2, one dense layer, learning rate 5e-4.
"""

from torch import Tensor, nn

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture

CONFIGURATION_D = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")
"""Widths of the 3x3 convolutions; M is a 2x2 max pooling."""


def convolutions() -> nn.Sequential:
    """Faces (N, 3, S, S) to features (N, 512, S / 32, S / 32).

    Without normalisation layers a face would fade in 13 layers of torch's usual weights, so they start as He et al.
    2015 ("Delving Deep into Rectifiers", eq. 14) propose.
    """
    layers: list[nn.Module] = []
    channels = 3
    for width in CONFIGURATION_D:
        if isinstance(width, int):
            convolution = nn.Conv2d(channels, width, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
            layers += [convolution, nn.ReLU(inplace=True)]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def fully_connected(classes: int) -> nn.Sequential:
    """The paper's head, for 224 px: features (N, 512, 7, 7) to logits (N, classes)."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(512 * 7 * 7, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, classes),
    )


def transfer(classes: int) -> nn.Sequential:
    """The study's head, for any size: features (N, 512, H, W) to logits (N, classes)."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(512, classes))


class Vgg16(nn.Module):
    """RGB faces (N, 3, S, S), ImageNet normalisation, to logits (N, classes).

    ``head`` maps the features (N, 512, S / 32, S / 32) to the logits; S is 224 for ``fully_connected``.
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.features, self.head = convolutions(), head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def vgg16(classes: int) -> Vgg16:
    """As in the paper, for 224 px."""
    return Vgg16(fully_connected(classes))


def vgg16_transfer(classes: int) -> Vgg16:
    """With the study's head."""
    return Vgg16(transfer(classes))


ENTRIES = (
    Architecture(
        "vgg16",
        vgg16_transfer,
        "Simonyan and Zisserman 2015; the study's recipe",
        224,
        IMAGENET,
        14_718_279,
        learning_rate=5e-4,
    ),
    Architecture(
        "vgg16-fc",
        vgg16,
        "Simonyan and Zisserman 2015",
        224,
        IMAGENET,
        134_289_223,
        official=134_289_223,
    ),
)
