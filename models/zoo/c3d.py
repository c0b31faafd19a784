"""C3D (Tran et al. 2015, "Learning Spatiotemporal Features with 3D Convolutional Networks", Fig. 3).

Eight 3x3x3 convolutions and five poolings; the first pools places alone, so that frames are not merged too early.
"""

from torch import Tensor, nn

from models.zoo.entry import UNIT, Architecture

WIDTHS: tuple[tuple[int, ...], ...] = ((64,), (128,), (256, 256), (512, 512), (512, 512))
"""Of the convolutions before each pooling."""


class C3D(nn.Module):
    """RGB clips (N, 3, 16, 112, 112) to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage, widths in enumerate(WIDTHS):
            for width in widths:
                layers += [nn.Conv3d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            first, last = stage == 0, stage == len(WIDTHS) - 1
            kernel = (1, 2, 2) if first else (2, 2, 2)
            # Seven places have no half: a ring of padding makes four of them.
            layers.append(nn.MaxPool3d(kernel, padding=(0, 1, 1) if last else 0))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(512 * 4 * 4, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
        )
        self.fc = nn.Linear(4096, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.head(self.features(x)))


ENTRIES = (
    Architecture(
        "c3d",
        C3D,
        "Tran et al. 2015",
        112,
        UNIT,
        78_024_455,
        published="78 M",
        official=78_024_455,
        frames=16,
        official_gmacs=38.55,
        published_gmacs="39 G",
    ),
)
