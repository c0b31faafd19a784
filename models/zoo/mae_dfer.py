"""MAE-DFER (Sun et al. 2023, "MAE-DFER: Efficient Masked Autoencoder for Self-supervised Dynamic Facial Expression
Recognition"): VideoMAE with an encoder that attends locally, and with motion as a second thing to draw.

LGI-Former (local-global interaction) cuts the clip into 8 regions of 2 slots x 5 rows x 10 columns, each with a
representative token. Tokens attend within their region; what regions know of each other passes through their
representatives. Pre-training draws, of each hidden cube, the first frame and how the second differs from it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture
from models.zoo.layers import Attention, DropPath, Mlp, quiet_head, start_small
from models.zoo.videomae import (
    DECODER_DEPTH,
    SIDE,
    SLOTS,
    CubeEmbedding,
    MaskedAutoencoder,
    drop_paths,
    select,
    standardised,
)

WIDTH, DEPTH, HEADS = 512, 16, 8
REGION = (2, 5, 10)
"""A region's slots, rows and columns."""
REGION_TOKENS = REGION[0] * REGION[1] * REGION[2]
REGIONS = SLOTS * SIDE**2 // REGION_TOKENS
VISIBLE = 5
"""Places of a region that pre-training shows; in all slots the same."""


class LGIBlock(nn.Module):
    """Local-global interaction: regions (N, 8, 1 + T, 512), each one's representative first, keep their shape.

    In training, what is done within regions is dropped for single regions, the rest for whole clips.
    """

    def __init__(self, drop_path: float) -> None:
        super().__init__()
        self.local_norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.local_attention = Attention(WIDTH, HEADS)
        self.global_norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.global_attention = Attention(WIDTH, HEADS)
        self.interaction_norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.representative_norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.interaction = Attention(WIDTH, HEADS)
        self.mlp_norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.mlp = Mlp(WIDTH)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.local_norm(x).flatten(0, 1)  # 1. local intra-region self-attention
        x = x + self.drop_path(self.local_attention(tokens, tokens)).unflatten(0, x.shape[:2])
        representatives, local = x[:, :, 0], x[:, :, 1:].flatten(1, 2)
        tokens = self.global_norm(representatives)  # 2. global inter-region self-attention
        representatives = representatives + self.drop_path(self.global_attention(tokens, tokens))
        tokens, context = self.interaction_norm(local), self.representative_norm(representatives)
        local = local + self.drop_path(self.interaction(tokens, context))  # 3. local-global interaction
        x = torch.cat([representatives[:, :, None], local.unflatten(1, (REGIONS, -1))], 2)
        return x + self.drop_path(self.mlp(self.mlp_norm(x)).flatten(0, 1)).unflatten(0, x.shape[:2])


class LGIFormer(nn.Module):
    """Clips (N, 3, 16, 160, 160) to their representatives (N, 8, 512)."""

    def __init__(self, drop_path: Sequence[float]) -> None:
        super().__init__()
        self.embed = CubeEmbedding(WIDTH)
        self.representatives = nn.Parameter(torch.empty(REGIONS, WIDTH))
        self.blocks = nn.Sequential(*(LGIBlock(probability) for probability in drop_path))
        nn.init.trunc_normal_(self.representatives, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return self.interact(regions(self.embed(x)))[:, :, 0]

    def visible(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Tokens that (N, 800) bool does not hide, region by region: (N, visible, 512). All regions show as many.

        The decoder adds positions in the order of time, so of each two slots the lower half of the first and the upper
        half of the second get each other's. So it is in the official build, whose weights are trained that way.
        """
        local = select(regions(self.embed(x)).flatten(0, 1), ~regions(hidden).flatten(0, 1))
        return self.interact(local.unflatten(0, (len(x), REGIONS)))[:, :, 1:].flatten(1, 2)

    def interact(self, local: Tensor) -> Tensor:
        """Regions (N, 8, T, 512) to (N, 8, 1 + T, 512), each one's representative first."""
        representatives = self.representatives[:, None].expand(local.shape[0], -1, -1, -1)
        return self.blocks(torch.cat([representatives, local], 2))


class MaeDfer(nn.Module):
    """RGB clips (N, 3, 16, 160, 160), ImageNet normalisation, to logits (N, classes) over the mean representative.

    The last block's work on local tokens, needed in pre-training, has no part in the answer (1,052,160 parameters, 2.1
    GMAC). It stays, as in the official build, so that the encoder is one and the same in both.
    """

    def __init__(self, classes: int, depth: int = DEPTH) -> None:
        super().__init__()
        self.encoder = LGIFormer(drop_paths(depth))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.apply(start_small)
        self.fc = quiet_head(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.encoder(x).mean(1)))


def pretraining(depth: int = DEPTH, decoder_depth: int = DECODER_DEPTH) -> MaskedAutoencoder:
    """The network that MAE-DFER is pre-trained as; its ``encoder`` fits ``MaeDfer.encoder``."""
    return MaskedAutoencoder(LGIFormer([0.0] * depth), WIDTH, decoder_depth)


def regions(tokens: Tensor) -> Tensor:
    """(N, 800, ...) in the order of time, row, column to (N, 8, 100, ...): cut in time, then from top to bottom."""
    slots, rows, columns = REGION
    x = tokens.unflatten(1, (SLOTS // slots, slots, SIDE // rows, rows, SIDE // columns, columns))
    rest = range(7, x.ndim)
    return x.permute(0, 1, 3, 5, 2, 4, 6, *rest).flatten(4, 6).flatten(1, 3)


def region_masks(clips: int, generator: torch.Generator) -> Tensor:
    """(clips, 800) bool, True where hidden: 5 of 50 places of each region are visible, the same in all slots."""
    places = REGION[1] * REGION[2]
    order = torch.rand(clips, SIDE**2 // places, places, generator=generator).argsort(2)
    return (order >= VISIBLE).flatten(1).repeat(1, SLOTS)


def target(clips: Tensor, hidden: Tensor) -> Tensor:
    """What the decoder has to draw of the hidden cubes, (N, hidden, 1536): appearance, then motion.

    That is the first frame and the difference of the second from it, of standardised RGB clips (N, 3, 16, 160, 160),
    0 to 1.
    """
    first, second = standardised(clips).unbind(2)
    return select(torch.stack([first, second - first], 2).flatten(2), hidden)


def loss(drawn: Tensor, clips: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error of the drawn cubes (N, hidden, 1536), a number; appearance and motion weigh the same."""
    return F.mse_loss(drawn, target(clips, hidden))


REMARK = (
    "1,052,160 parameters and 2.10 GMAC of the last block change only local tokens, which pre-training draws from and "
    "the classifier does not read; they are kept, as in the official build"
)
ENTRIES = (
    Architecture(
        "mae-dfer",
        MaeDfer,
        "Sun et al. 2023",
        160,
        IMAGENET,
        84_878_343,
        published="85 M",
        official=84_878_343,
        frames=16,
        official_gmacs=49.65,
        published_gmacs="50 G",
        remark=REMARK,
    ),
)
