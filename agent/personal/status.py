"""What is told of teaching and of what was learned. Plain values that the eyes' process can say: no face is in them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from relay.protocol import EXPRESSIONS

Label = Annotated[int, Meta(ge=0, lt=len(EXPRESSIONS))]
"""An index of ``EXPRESSIONS``."""
Count = Annotated[int, Meta(ge=0)]
WhoseFace = Literal["anyone", "unknown", "unenrolled", "theirs", "stranger"]
"""``anyone``: nobody is told apart. ``unenrolled``: whoever answers next is enrolled. ``unknown``: nobody is seen."""


class Taught(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of an answer that the viewer gave."""

    label: Label | None
    """What was stored as the truth; None where nothing was."""
    answers: Count
    """How many answers that made; 0 where nothing was stored."""
    sentence: str
    """What was stored, or why nothing was: nobody there, too long ago, ..."""


class TeacherStatus(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What is stored, and what it is worth."""

    counts: tuple[Count, Count, Count, Count, Count, Count, Count] = (0,) * 7
    """Answers per expression, in the order of ``EXPRESSIONS``."""
    before: Count = 0
    """How many of the answers ``of`` the universal network alone gets right ..."""
    after: Count = 0
    """... and how many a personal head that was fitted to the answers of other minutes."""
    of: Count = 0
    """Answers that could be left out so; 0 while there are no two minutes of them."""
    in_use: bool = False
    """Whether labels are the personal head's."""
    whose: WhoseFace = "anyone"
    """Whose face is seen; but for ``anyone`` and ``theirs`` the universal network alone answers."""
    learning: bool = False
    """Whether a head is being fitted, or stored answers are being loaded."""
    notice: str = ""
    """What is the matter with the file or its key, or which answers wait; empty while nothing does."""
    sentence: str = ""
    """All of it for the viewer, ``notice`` too."""
