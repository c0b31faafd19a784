"""The transformer of Former-DFER and of the IAL network: pre-norm layers, attention heads of a width of their own."""

from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2.2); tokens (N, T, width) keep their shape.

    Queries, keys and values have no bias, the projection has one. ``heads * head_width`` need not be ``width``.
    """

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * heads * head_width, bias=False)
        self.project = nn.Linear(heads * head_width, width)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.query_key_value(x).chunk(3, 2)
        query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        scores = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
        return self.project((scores.softmax(3) @ value).transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Attention, then a perceptron with GELU in its tanh form, each normalised before and added to what came in."""

    def __init__(self, width: int, heads: int, head_width: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, head_width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def transformer(width: int, depth: int, heads: int, head_width: int, hidden: int) -> nn.Sequential:
    """``depth`` layers, without a norm behind the last."""
    return nn.Sequential(*(Layer(width, heads, head_width, hidden) for _ in range(depth)))
