"""wav2vec 2.0, in its large edition with layer norms as XLSR-53 has it, with MMEmotionRecognition's head.

``wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations``, Baevski et al. 2020, and
``Unsupervised Cross-lingual Representation Learning for Speech Recognition``, Conneau et al. 2021. The head is that of
``A Proposal for Multimodal Emotion Recognition Using Aural Transformers and Action Units on RAVDESS Dataset``,
Luna-Jimenez et al. 2022: the mean over time, a dense layer of the encoder's width with tanh, and the classes.

Sound of any loudness is brought to mean 0 and variance 1, as the official feature extractor does.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.zoo.entry import UNIT, Architecture
from models.zoo.layers import Attention

SAMPLES = 48_000
"""3 s."""
CHANNELS = 512
"""Of the feature encoder."""
KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)
"""Together 320 samples: 20 ms."""
WIDTH, DEPTH, HEADS, RATIO = 1024, 24, 16, 4
"""Of the transformer."""
POSITION_KERNEL, POSITION_GROUPS = 128, 16
MASKED, SPAN = 0.05, 10
"""In training, the share of time steps that are hidden, about, and the length of a span of them."""


class ConvLayer(nn.Module):
    """A block of the feature encoder: (N, C, L) to (N, ``CHANNELS``, shorter)."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, CHANNELS, kernel, stride)
        self.norm = nn.LayerNorm(CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2))


class PositionalConv(nn.Module):
    """Relative positions by a grouped convolution over time, whose kernel has a learned length at each of its places
    (weight normalisation, Salimans and Kingma 2016)."""

    def __init__(self) -> None:
        super().__init__()
        conv = nn.Conv1d(WIDTH, WIDTH, POSITION_KERNEL, groups=POSITION_GROUPS)
        self.direction = nn.Parameter(conv.weight.detach().clone())
        self.length = nn.Parameter(conv.weight.detach().norm(dim=(0, 1), keepdim=True))
        self.bias = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, C) to the same shape."""
        weight = self.length * self.direction / self.direction.norm(dim=(0, 1), keepdim=True)
        padding = POSITION_KERNEL // 2
        out = F.conv1d(x.transpose(1, 2), weight, self.bias, padding=padding, groups=POSITION_GROUPS)
        if POSITION_KERNEL % 2 == 0:
            out = out[:, :, :-1]
        return F.gelu(out).transpose(1, 2)


class Block(nn.Module):
    """A block of the transformer, its norms first."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = Attention(WIDTH, HEADS, key_bias=True)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, RATIO * WIDTH), nn.GELU(), nn.Linear(RATIO * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm1(x)
        x = x + self.attention(normed, normed)
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    """Sound (N, samples), 16 kHz, to features (N, T, ``WIDTH``), one each 20 ms."""

    def __init__(self, depth: int = DEPTH) -> None:
        super().__init__()
        sizes = (1, *[CHANNELS] * (len(KERNELS) - 1))
        self.convs = nn.Sequential(
            *(ConvLayer(size, kernel, stride) for size, kernel, stride in zip(sizes, KERNELS, STRIDES, strict=True))
        )
        self.project_norm = nn.LayerNorm(CHANNELS)
        self.project = nn.Linear(CHANNELS, WIDTH)
        self.masked = nn.Parameter(torch.rand(WIDTH))
        self.position = PositionalConv()
        self.blocks = nn.Sequential(*(Block() for _ in range(depth)))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, sound: Tensor) -> Tensor:
        centred = sound - sound.mean(1, keepdim=True)
        normalised = centred / (centred.square().mean(1, keepdim=True) + 1e-7).sqrt()
        features = self.convs(normalised.unsqueeze(1)).transpose(1, 2)
        x = self.project(self.project_norm(features))
        if self.training:
            x = torch.where(spans(x), self.masked.to(x.dtype), x)
        return self.norm(self.blocks(x + self.position(x)))


def spans(x: Tensor) -> Tensor:
    """Which time steps of (N, T, C) are hidden, (N, T, 1): spans that begin anywhere, one at least (Baevski et al.
    2020, section 3.1)."""
    number, steps, _ = x.shape
    begin = torch.rand(number, steps, device=x.device) < MASKED / SPAN
    begin[torch.arange(number), torch.randint(steps, (number,), device=x.device)] = True
    hidden = F.max_pool1d(F.pad(begin.float(), (SPAN - 1, 0)).unsqueeze(1), SPAN, 1)[:, 0]
    return hidden.bool().unsqueeze(2)


class Wav2Vec2(nn.Module):
    """Sound (N, samples), -1..1 at 16 kHz, to logits (N, classes)."""

    def __init__(self, classes: int, depth: int = DEPTH) -> None:
        super().__init__()
        self.encoder = Encoder(depth)
        self.dense = nn.Linear(WIDTH, WIDTH)
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(WIDTH, classes)

    def forward(self, sound: Tensor) -> Tensor:
        mean = self.dropout(self.encoder(sound).mean(1))
        return self.fc(self.dropout(self.dense(mean).tanh()))


ENTRIES = (
    Architecture(
        "xlsr-53",
        Wav2Vec2,
        "Baevski et al. 2020; Conneau et al. 2021; head: Luna-Jimenez et al. 2022",
        0,
        UNIT,
        316_496_520,
        classes=8,
        published="317M",
        official=316_496_520,
        published_accuracy="81.82 % on RAVDESS' speech, 8 classes, 5 folds by actor.",
        sight="sound",
        signals={"sound": (SAMPLES,)},
    ),
)
