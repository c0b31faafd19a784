"""Layers that several networks of the zoo share, transformers above all."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey value (ITU-R BT.601), as in the agent's own conversion, OpenCV's."""


def luma(faces: Tensor) -> Tensor:
    """RGB faces or clips (N, 3, ...) as grey ones (N, 1, ...)."""
    red, green, blue = LUMA
    return red * faces[:, 0:1] + green * faces[:, 1:2] + blue * faces[:, 2:3]


class DropPath(nn.Module):
    """In training, drops a whole branch of an example with this probability (stochastic depth, Huang et al. 2016)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0:
            return x
        keep = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) >= self.probability
        return x * keep / (1 - self.probability)


class Mlp(nn.Sequential):
    """The feed-forward network of a transformer, ``ratio`` times as wide inside."""

    def __init__(self, width: int, ratio: int = 4) -> None:
        super().__init__(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width))


class Attention(nn.Module):
    """Multi-head attention: tokens (N, T, C) ask, ``context`` (N, S, C) answers; (N, T, C).

    Masked autoencoders give the keys no bias: it would move all scores of a query alike, so no softmax would change.
    """

    def __init__(self, width: int, heads: int, key_bias: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=key_bias)
        self.value = nn.Linear(width, width)
        self.project = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        query, key, value = self.split(self.query(x)), self.split(self.key(context)), self.split(self.value(context))
        return self.project(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))

    def split(self, x: Tensor) -> Tensor:
        """(N, T, C) to (N, heads, T, C / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """A pre-norm transformer block (Dosovitskiy et al. 2021); tokens (N, T, C) keep their shape."""

    def __init__(self, width: int, heads: int, ratio: int = 4, drop_path: float = 0.0, key_bias: bool = False) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads, key_bias)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, ratio)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm1(x)
        x = x + self.drop_path(self.attention(tokens, tokens))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def start_small(module: nn.Module) -> None:
    """For ``apply``: linear layers start from a narrow truncated normal distribution, without bias."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def start_xavier(module: nn.Module) -> None:
    """For ``apply``: linear layers start as Glorot and Bengio (2010) advise, without bias."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def quiet_head(width: int, classes: int) -> nn.Linear:
    """A last layer that starts near zero: fine-tuning then begins with the pre-trained features, not with noise."""
    head = nn.Linear(width, classes)
    nn.init.trunc_normal_(head.weight, std=0.02 * 0.001)
    nn.init.zeros_(head.bias)
    return head
