"""What the page /try needs of a recogniser. The relay has none: whoever starts it may bring one along.

Nothing here stores or logs a picture, and no implementation may.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A classifier to choose. ``name`` is what requests call it."""

    name: str
    description: str


class DecodedPicture(NamedTuple):
    """A decoded picture, upright."""

    width: int
    height: int
    rgb: bytes
    """Row by row, three bytes a pixel."""


class TriedFace(msgspec.Struct, frozen=True, kw_only=True):
    """A face in a picture."""

    outline: tuple[tuple[float, float], ...]
    """The corners of what the classifier saw, in pixels: left and right of the forehead, then right and left of the
    chin, as in an upright picture of the face."""
    probabilities: tuple[float, ...]
    """Seven, in the order of the protocol's expressions."""
    unread: str = ""
    """Why a viewer with such a face would make no vote, as ``agent.unread`` names it; empty for one that would."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a picture."""

    model: str
    width: int
    height: int
    """Of the upright picture in which ``outline`` counts its pixels; large ones were shrunk to it."""
    faces: tuple[TriedFace, ...]
    """Row by row, from left to right; empty where there is none."""
    milliseconds: dict[str, float]
    """``load`` (of models, once), ``find``, ``classify``; the relay adds ``decode``."""


class BadPictureError(Exception):
    """The picture can't be read, or there is no such classifier: a sentence for who sent it."""


class UnavailableError(Exception):
    """Nothing can be recognised here; a sentence says why, and what would change that."""


class PictureRecogniser(Protocol):
    """Finds expressions in pictures. Made, used and closed in one thread."""

    def choices(self) -> Sequence[Choice]:
        """The classifiers, the default first."""

    def look(self, picture: DecodedPicture, model: str) -> Findings:
        """The faces of a picture; ``model`` is the name of a choice.

        Raises:
            BadPictureError, UnavailableError
        """

    def close(self) -> None:
        """Free what it holds."""


Maker = Callable[[], PictureRecogniser]
"""Makes a recogniser, or raises UnavailableError."""
