"""VideoMAE (Tong et al. 2022, "VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video
Pre-Training"): a plain vision transformer (ViT-B) over the cubes of a clip, here 160 px wide as in the study.

Pre-training hides 90 % of the clip behind tubes (the same places in all frames), the encoder sees what is left, and a
narrow decoder draws the hidden cubes. Fine-tuning keeps the encoder and reads the mean of its tokens.

Tokens are in the order of time, row, column: 8 slots of two frames x 10 x 10 patches.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture
from models.zoo.layers import Block, quiet_head, start_small, start_xavier

FRAMES, SIZE = 16, 160
TUBELET, PATCH = 2, 16
"""A cube of a clip, one token, is this many frames by so many pixels squared."""
SLOTS, SIDE = FRAMES // TUBELET, SIZE // PATCH
TOKENS = SLOTS * SIDE**2
CUBE = 3 * TUBELET * PATCH**2
"""Numbers that the decoder draws for one token: frame, row, column, colour."""
WIDTH, DEPTH, HEADS = 768, 12, 12
DROP_PATH = 0.1
DECODER_WIDTH, DECODER_DEPTH, DECODER_HEADS = 384, 4, 6
HIDDEN = 0.9


def sinusoids(tokens: int, width: int) -> Tensor:
    """(tokens, width) float32: the fixed positions of Vaswani et al. (2017)."""
    channel = torch.arange(width, dtype=torch.float64)
    angles = torch.arange(tokens, dtype=torch.float64)[:, None] / 10_000 ** (2 * (channel // 2) / width)
    return torch.where(channel % 2 == 0, angles.sin(), angles.cos()).float()


def drop_paths(depth: int) -> list[float]:
    """Deeper blocks are dropped more often, the last one at ``DROP_PATH``."""
    return [DROP_PATH * place / max(depth - 1, 1) for place in range(depth)]


class CubeEmbedding(nn.Module):
    """Clips (N, 3, 16, 160, 160) to tokens (N, 800, width) that know their place."""

    position: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        cube = (TUBELET, PATCH, PATCH)
        self.project = nn.Conv3d(3, width, cube, cube)
        self.register_buffer("position", sinusoids(TOKENS, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x).flatten(2).transpose(1, 2) + self.position


class Encoder(nn.Module):
    """Clips (N, 3, 16, 160, 160) to tokens (N, 800, 768)."""

    def __init__(self, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.embed = CubeEmbedding(WIDTH)
        self.blocks = nn.Sequential(*(Block(WIDTH, HEADS, drop_path=probability) for probability in drop_path))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.embed(x))

    def visible(self, x: Tensor, hidden: Tensor) -> Tensor:
        """The tokens that (N, 800) bool does not hide, all that the encoder sees: (N, visible, 768)."""
        return self.blocks(select(self.embed(x), ~hidden))


class VideoMAE(nn.Module):
    """RGB clips (N, 3, 16, 160, 160), ImageNet normalisation, to logits (N, classes)."""

    def __init__(self, classes: int, depth: int = DEPTH) -> None:
        super().__init__()
        self.encoder = Encoder(drop_paths(depth))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.apply(start_small)
        self.fc = quiet_head(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.encoder(x).mean(1)))


class Decoder(nn.Module):
    """All tokens (N, T, 384), the hidden ones last, to the cubes (N, ``hidden``, 1536) of these."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(DECODER_WIDTH, DECODER_HEADS) for _ in range(depth)))
        self.norm = nn.LayerNorm(DECODER_WIDTH, eps=1e-6)
        self.draw = nn.Linear(DECODER_WIDTH, CUBE)

    def forward(self, x: Tensor, hidden: int) -> Tensor:
        return self.draw(self.norm(self.blocks(x)[:, -hidden:]))


class MaskedAutoencoder(nn.Module):
    """Clips (N, 3, 16, 160, 160) and what of them is hidden (N, 800) bool, to the hidden cubes (N, hidden, 1536).

    ``encoder.visible`` gives tokens ``width`` wide. All clips have equally many hidden tokens.
    """

    position: Tensor

    def __init__(self, encoder: nn.Module, width: int, decoder_depth: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.narrow = nn.Linear(width, DECODER_WIDTH, bias=False)
        self.mask_token = nn.Parameter(torch.empty(1, 1, DECODER_WIDTH))
        self.decoder = Decoder(decoder_depth)
        self.register_buffer("position", sinusoids(TOKENS, DECODER_WIDTH), persistent=False)
        self.apply(start_xavier)
        nn.init.trunc_normal_(self.mask_token, std=0.02, a=-0.02, b=0.02)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        position = self.position.expand(len(x), -1, -1)
        seen = self.narrow(self.norm(self.encoder.visible(x, hidden))) + select(position, ~hidden)
        unseen = self.mask_token + select(position, hidden)
        return self.decoder(torch.cat([seen, unseen], 1), unseen.shape[1])


def pretraining(depth: int = DEPTH, decoder_depth: int = DECODER_DEPTH) -> MaskedAutoencoder:
    """The network that VideoMAE is pre-trained as; its ``encoder`` fits ``VideoMAE.encoder``."""
    return MaskedAutoencoder(Encoder([0.0] * depth), WIDTH, decoder_depth)


def select(tokens: Tensor, chosen: Tensor) -> Tensor:
    """(N, T, ...) and (N, T) bool with as many chosen in each row, to (N, chosen, ...)."""
    return tokens[chosen].unflatten(0, (len(tokens), -1))


def tube_masks(clips: int, generator: torch.Generator) -> Tensor:
    """(clips, 800) bool, True where hidden: 90 of the 100 places of each clip, the same in all slots of time."""
    order = torch.rand(clips, SIDE**2, generator=generator).argsort(1)
    return (order < round(HIDDEN * SIDE**2)).repeat(1, SLOTS)


def cubes(clips: Tensor) -> Tensor:
    """(N, 3, 16, 160, 160) to (N, 800, 2, 256, 3): what each token shows, by frame, pixel and colour."""
    x = clips.unflatten(4, (SIDE, PATCH)).unflatten(3, (SIDE, PATCH)).unflatten(2, (SLOTS, TUBELET))
    return x.permute(0, 2, 4, 6, 3, 5, 7, 1).flatten(1, 3).flatten(3, 4)


def standardised(clips: Tensor) -> Tensor:
    """RGB clips (N, 3, 16, 160, 160), 0 to 1, to (N, 800, 2, 256, 3): each colour of each cube with mean 0, variance 1.

    A cube of one colour becomes 0.
    """
    x = cubes(clips)
    centred = x - x.mean((2, 3), keepdim=True)
    return centred / (x.var((2, 3), unbiased=True, keepdim=True).sqrt() + 1e-6)


def target(clips: Tensor, hidden: Tensor) -> Tensor:
    """What the decoder has to draw: the standardised pixels of the hidden cubes, (N, hidden, 1536)."""
    return select(standardised(clips).flatten(2), hidden)


def loss(drawn: Tensor, clips: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error of the drawn cubes (N, hidden, 1536), a number. ``clips`` are RGB, 0 to 1."""
    return F.mse_loss(drawn, target(clips, hidden))


ENTRIES = (
    Architecture(
        "videomae",
        VideoMAE,
        "Tong et al. 2022",
        160,
        IMAGENET,
        86_232_583,
        published="86 M",
        official=86_232_583,
        frames=16,
        official_gmacs=80.69,
        published_gmacs="81 G",
    ),
)
