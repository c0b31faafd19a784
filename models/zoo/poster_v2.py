"""POSTER V2 (Mao et al. 2023, "POSTER++: A simpler and stronger facial expression recognition network").

Two streams look at the face at three scales: an image network (IR50: Deng et al. 2019, "ArcFace") and a landmark
network (MobileFaceNet, trained to find landmarks and then frozen). At each scale the landmarks' map asks (query) and
the image's map answers (key, value), all within one window; a small vision transformer joins the three answers.

Left out of the official build, since no output depends on them (14,562,653 of its 58,316,594 parameters): IR50's own
output layer, MobileFaceNet's landmark head, and, in the transformer, a second patch embedding, a 1x1 convolution
(CON1), two linear layers (IRLinear1, IRLinear2), the channel attention (eca_block) and each block's 1x1 convolution.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo import mobilefacenet
from models.zoo.entry import Architecture
from models.zoo.layers import DropPath, Mlp

SIZES = (28, 14, 7)
"""Side of the window (and of the whole map) at each scale."""
WIDTHS = (64, 128, 256)
HEADS = (2, 4, 8)
DROP_PATH = (0.0, 0.125, 0.25)
TOKENS = 3 * 49
WIDTH, DEPTH, VIT_HEADS = 768, 2, 8


class IRBlock(nn.Module):
    """Improved residual unit: normalise, convolve, PReLU, convolve with the stride, normalise; plus the shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, width, 3, 1, 1, bias=False),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.MaxPool2d(1, stride)
        if channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + self.shortcut(x)


class IR50(nn.Module):
    """Faces (N, 3, 112, 112) to maps (N, 64, 56, 56), (N, 128, 28, 28) and (N, 256, 14, 14)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        self.stages = nn.ModuleList()
        for channels, width, count in ((64, 64, 3), (64, 128, 4), (128, 256, 14)):
            first, rest = IRBlock(channels, width, 2), (IRBlock(width, width, 1) for _ in range(count - 1))
            self.stages.append(nn.Sequential(first, *rest))

    def forward(self, x: Tensor) -> list[Tensor]:
        maps, x = [], self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class CrossAttention(nn.Module):
    """Window cross-attention: image tokens (N, T, C) and landmark tokens (N, T, C) to (N, T, C); T is a whole map.

    The landmarks' features are the queries as they are. A learned bias for each offset between two places (Liu et al.
    2021, "Swin Transformer") tells the attention where things are.
    """

    def __init__(self, width: int, heads: int, size: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.key_value = nn.Linear(width, 2 * width)
        self.project = nn.Linear(width, width)
        self.position = nn.Parameter(torch.empty((2 * size - 1) ** 2, heads))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.register_buffer("offset", offsets(size), persistent=False)

    def forward(self, image: Tensor, landmarks: Tensor) -> Tensor:
        query = self.split(landmarks) * self.scale
        key, value = (self.split(part) for part in self.key_value(image).chunk(2, 2))
        scores = query @ key.transpose(2, 3) + self.position[self.offset].permute(2, 0, 1)
        return self.project((scores.softmax(3) @ value).transpose(1, 2).flatten(2))

    def split(self, x: Tensor) -> Tensor:
        """(N, T, C) to (N, heads, T, C / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


def offsets(size: int) -> Tensor:
    """(T, T) int64: for two of the ``size * size`` places, the row of the position table that holds their offset."""
    places = torch.cartesian_prod(torch.arange(size), torch.arange(size))
    apart = places[:, None] - places[None] + size - 1
    return apart[..., 0] * (2 * size - 1) + apart[..., 1]


class Fusion(nn.Module):
    """One scale: image map (N, C, 2 S, 2 S) and landmark map (N, C, S, S) to (N, C, S, S)."""

    def __init__(self, width: int, heads: int, size: int, drop_path: float) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(width, width, 3, 2, 1)
        self.norm1 = nn.LayerNorm(width)
        self.attention = CrossAttention(width, heads, size)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        self.gamma1 = nn.Parameter(torch.full((width,), 1e-5))
        self.gamma2 = nn.Parameter(torch.full((width,), 1e-5))
        self.drop_path = DropPath(drop_path)

    def forward(self, image: Tensor, landmarks: Tensor) -> Tensor:
        x = self.norm1(self.shrink(image).permute(0, 2, 3, 1))
        attended = self.attention(x.flatten(1, 2), landmarks.flatten(2).transpose(1, 2))
        x = x + self.drop_path(self.gamma1 * attended.unflatten(1, x.shape[1:3]))
        x = x + self.drop_path(self.gamma2 * self.mlp(self.norm2(x)))
        return x.permute(0, 3, 1, 2)


class Block(nn.Module):
    """A pre-norm transformer block (Dosovitskiy et al. 2021); tokens (N, T, 768) keep their shape."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.mlp = Mlp(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def attend(self, x: Tensor) -> Tensor:
        parts = self.query_key_value(x).chunk(3, 2)
        query, key, value = (part.unflatten(2, (VIT_HEADS, -1)).transpose(1, 2) for part in parts)
        scores = query @ key.transpose(2, 3) * (WIDTH // VIT_HEADS) ** -0.5
        return self.project((scores.softmax(3) @ value).transpose(1, 2).flatten(2))


class VisionTransformer(nn.Module):
    """Tokens (N, 147, 768) to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.empty(1, 1, WIDTH))
        self.position = nn.Parameter(torch.empty(1, TOKENS + 1, WIDTH))
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.gate = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.Sigmoid())
        self.fc = nn.Linear(WIDTH, classes)
        for parameter in (self.cls, self.position):
            nn.init.trunc_normal_(parameter, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.position
        x = self.norm(self.blocks(x))[:, 0]
        return self.fc(x * self.gate(x))


class PosterV2(nn.Module):
    """RGB faces (N, 3, 224, 224), ImageNet normalisation, to logits (N, classes).

    Both streams see every second pixel (112 px). The landmark network is frozen, in evaluation mode even while the
    rest trains: load trained weights into ``landmarks`` first.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.landmarks = mobilefacenet.Trunk().requires_grad_(False)
        self.narrow = nn.Conv2d(512, WIDTHS[2], 3, padding=1)
        self.image = IR50()
        self.fusions = nn.ModuleList(Fusion(*each) for each in zip(WIDTHS, HEADS, SIZES, DROP_PATH, strict=True))
        self.embed = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(64, WIDTH, 3, 2, 1), nn.Conv2d(WIDTH, WIDTH, 3, 2, 1)),
                nn.Conv2d(128, WIDTH, 3, 2, 1),
                nn.Conv2d(256, WIDTH, 1),
            ]
        )
        self.transformer = VisionTransformer(classes)

    def train(self, mode: bool = True) -> "PosterV2":
        super().train(mode)
        self.landmarks.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, size=(112, 112))
        fine, middle, coarse = self.landmarks(x)
        landmarks: Sequence[Tensor] = (fine, middle, self.narrow(coarse))
        tokens = [
            embed(fusion(image, marks)).flatten(2).transpose(1, 2)
            for embed, fusion, image, marks in zip(self.embed, self.fusions, self.image(x), landmarks, strict=True)
        ]
        return self.transformer(torch.cat(tokens, 1))


ENTRIES = (
    Architecture(
        "poster-v2",
        PosterV2,
        "Mao et al. 2023",
        224,
        IMAGENET,
        43_753_941,
        published="58 M",
        official=58_316_594,
        left_out={
            "output layer of IR50": 12_847_616,
            "landmark head of MobileFaceNet": 96_016,
            "second patch embedding": 197_376,
            "CON1": 196_608,
            "IRLinear1": 787_200,
            "IRLinear2": 393_728,
            "eca_block": 5,
            "1x1 convolutions of the two blocks": 44_104,
        },
        official_gmacs=8.59,
        published_gmacs="26 G",
        remark="26 G are those of three pictures",
    ),
)
