"""Two sets of micro-expressions under the same classes: the three of the MEGC 2019 challenge, or those that both have.

Pure: names in, indices out.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from models.clips.layouts.entry import expression_of
from models.errors import DatasetError

THREE = ("negative", "positive", "surprise")
_OTHER_WORDS: Mapping[str, str] = MappingProxyType({"contempt": "negative", "repression": "negative"})
_KIND: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(("angry", "disgust", "fear", "sad"), "negative"), "happy": "positive", "surprise": "surprise"}
)


class Common(NamedTuple):
    """``classes``, and for each class of either set its index among them, -1 where it has no place there."""

    classes: tuple[str, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]


def common(first: Sequence[str], second: Sequence[str]) -> Common:
    """What the classes of two sets have in common.

    That is negative, positive and surprise where both have all three, under whatever words: See et al. 2019 count
    anger, contempt, disgust, fear, sadness and repression as negative, happiness as positive. Neutral clips and
    "others" are none of them. Else it is the classes that both name, in the order of the first set.

    Raises:
        DatasetError: they share fewer than two classes.
    """
    kinds = [[_kind(name) for name in names] for names in (first, second)]
    if all(set(THREE) <= set(found) for found in kinds):
        return Common(THREE, *(tuple(THREE.index(kind) if kind else -1 for kind in found) for found in kinds))
    own, other = ([_plain(name) for name in names] for names in (first, second))
    shared = [name for name in own if name in other]
    if len(shared) < 2:
        raise DatasetError(
            f"expected two sets that share classes, but one has {', '.join(first)}, and the other {', '.join(second)}"
        )
    return Common(
        tuple(shared),
        *(tuple(shared.index(name) if name in shared else -1 for name in names) for names in (own, other)),
    )


def _plain(name: str) -> str:
    """Moodcast's word for an expression, or the set's own in lower case."""
    return expression_of(name) or name.strip().lower()


def _kind(name: str) -> str | None:
    plain = _plain(name)
    return plain if plain in THREE else _KIND.get(plain) or _OTHER_WORDS.get(plain)
