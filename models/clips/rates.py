"""How many frames a second a clip has: what a data set's table says of it, and what its file does. Pure."""

import math

PLAUSIBLE = (5.0, 500.0)
"""Frames a second of cameras that films of faces come from; the fastest of the published sets has 200."""
AGREE = 0.02
"""Rates this close, in relation to each other, are the same: 29.97 and 30."""


def plausible(rate: float) -> bool:
    """Whether a camera may have filmed at ``rate`` frames a second; NaN is no rate."""
    return PLAUSIBLE[0] <= rate <= PLAUSIBLE[1]


def settled(table: float, header: float | None, name: object) -> tuple[float, str]:
    """The rate that counts, NaN where none is known; and a sentence where the two don't go together, else ``""``.

    ``table`` is what is known of the data set, NaN where nothing is; ``header`` what the clip's file says, None for a
    folder of pictures, which says nothing. The table goes before the header: high-speed films are often saved under
    the rate at which they are to be played. ``name`` is the clip's, for the sentence.
    """
    if header is None:
        return table, ""
    known = not math.isnan(table)
    if not plausible(header):
        low, high = PLAUSIBLE
        counts = f"the table's {table:g} count" if known else "its rate counts as not known"
        return table, f"expected {low:g} to {high:g} frames a second in the header of {name}, got {header:g}: {counts}"
    if not known:
        return header, ""
    if abs(header - table) <= AGREE * table:
        return table, ""
    return table, f"the header of {name} says {header:g} frames a second, and the table {table:g}: the table counts"
