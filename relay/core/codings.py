"""Content codings: which of those that an answer is kept in a client takes. Pure."""

import re
from collections.abc import Iterable

IDENTITY = "identity"
_PART = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?", re.ASCII)
_LONGEST = 1000
"""Characters of a header that are read."""


def accepted(header: str, kept: Iterable[str]) -> list[str]:
    """Which of the codings that are ``kept`` a client takes that sends this ``Accept-Encoding`` (RFC 9110, 12.5.3).

    ``identity`` is always among them: a client that takes nothing else gets it, whatever it says.
    """
    weights: dict[str, float] = {}
    for part in header[:_LONGEST].split(","):
        if found := _PART.fullmatch(part):
            weights[found[1].lower()] = float(found[2] or 1)
    rest = weights.get("*", 0.0)
    return [name for name in kept if name == IDENTITY or weights.get(name, rest) > 0]
