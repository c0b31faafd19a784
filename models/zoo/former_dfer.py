"""Former-DFER (Zhao and Liu 2021, "Former-DFER: Dynamic Facial Expression Recognition Transformer", Fig. 2).

The CS-Former looks at each frame by itself: a ResNet18 (``resnet.py``) in which, after the third stage, one transformer
layer lets the 49 places of the map see each other before the fourth stage. The T-Former looks at the features of the 16
frames together: three transformer layers over them and one token of its own, from which the answer is read.
"""

import torch
from torch import Tensor, nn

from models.zoo import resnet
from models.zoo.attention import transformer
from models.zoo.entry import UNIT, Architecture

FRAMES, SIZE = 16, 112
PLACES, PLACE_WIDTH = 7 * 7, 256
WIDTH = 512


class CSFormer(nn.Module):
    """Convolutional spatial transformer: frames (M, 3, 112, 112) to features (M, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = resnet.Trunk(resnet.BasicBlock, (2, 2, 2, 2))
        self.position = nn.Parameter(torch.randn(1, PLACES, PLACE_WIDTH))
        self.transformer = transformer(PLACE_WIDTH, depth=1, heads=8, head_width=32, hidden=512)

    def forward(self, x: Tensor) -> Tensor:
        x = self.trunk.stem(x)
        for stage in self.trunk.stages[:3]:
            x = stage(x)
        tokens = self.transformer(x.flatten(2).transpose(1, 2) + self.position)
        x = tokens.transpose(1, 2).unflatten(2, x.shape[2:])
        return self.trunk.stages[3](x).mean((2, 3))


class TFormer(nn.Module):
    """Temporal transformer: the frames' features (N, 16, 512) to those of the clip (N, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.position = nn.Parameter(torch.randn(1, FRAMES + 1, WIDTH))
        self.transformer = transformer(WIDTH, depth=3, heads=8, head_width=64, hidden=1024)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.transformer(x)[:, 0]


class FormerDFER(nn.Module):
    """RGB clips (N, 3, 16, 112, 112) in 0..1 to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.cs_former = CSFormer()
        self.t_former = TFormer()
        self.fc = nn.Linear(WIDTH, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        features = self.cs_former(x.transpose(1, 2).flatten(0, 1))
        return self.fc(self.t_former(features.unflatten(0, (-1, FRAMES))))


ENTRIES = (
    Architecture(
        "former-dfer",
        FormerDFER,
        "Zhao and Liu 2021",
        112,
        UNIT,
        18_031_943,
        published="18 M",
        official=18_031_943,
        frames=16,
        official_gmacs=8.30,
        published_gmacs="9 G",
    ),
)
