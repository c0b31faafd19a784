"""Weights under other names: what the converters of all networks are made of. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "Mapping[str, Tensor]"
"""Weights and running statistics by name."""


def translate(official: State, names: Iterable[tuple[str, str]], left_out: Iterable[str] = ()) -> "dict[str, Tensor]":
    """Weights under new names, the tensors as they are.

    ``names`` are pairs of a regular expression for a whole official name and what it becomes (``\\1`` is its first
    group); the first that fits is taken. Names that an expression of ``left_out`` fits are dropped. A name that nothing
    fits stays as it is: ``fit`` then says that our network does not know it.
    """
    rules = [(re.compile(pattern), ours) for pattern, ours in names]
    dead = [re.compile(pattern) for pattern in left_out]
    found = {}
    for name, tensor in official.items():
        if any(pattern.fullmatch(name) for pattern in dead):
            continue
        fitting = (match.expand(ours) for pattern, ours in rules if (match := pattern.fullmatch(name)))
        found[next(fitting, name)] = tensor
    return found


def divide(official: State, fused: Mapping[str, Sequence[str]]) -> "dict[str, Tensor]":
    """Tensors that hold several layers, one behind the other, as one tensor for each.

    ``fused`` maps a regular expression for a whole official name to what its equal parts become.
    """
    found = {}
    for name, tensor in official.items():
        fitting = ((match, parts) for pattern, parts in fused.items() if (match := re.fullmatch(pattern, name)))
        if (first := next(fitting, None)) is None:
            found[name] = tensor
            continue
        match, parts = first
        found |= {match.expand(part): piece for part, piece in zip(parts, tensor.chunk(len(parts)), strict=True)}
    return found
