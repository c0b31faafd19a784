"""What becomes of a window that is closed, such that nothing goes on without a sign of it. Pure."""

from typing import Literal

Closing = Literal["hide", "ask", "quit"]
"""Of a window that its user closes: gone until it is called, a question first, or the end."""
PANEL_S = 15.0
"""So long after the start a panel may take to show the icon: at login, both begin together."""
LOST_S = 5.0
"""So long it may take to come back, as when the panel is restarted."""


def closing(is_in_tray: bool, close_to_tray: bool, is_sharing: bool) -> Closing:
    """Hidden only where the icon is seen and its user wants it so. Else closing is the end.

    While something is shared, that is asked about first: who closes a window may not mean to stop.
    """
    if is_in_tray and close_to_tray:
        return "hide"
    return "ask" if is_sharing else "quit"


def must_return(hidden_s: float, untold_s: float, was_in_tray: bool) -> bool:
    """Whether a hidden window comes back, minimised, since no icon tells of it.

    ``hidden_s``: how long it has been hidden; ``untold_s``: how long there has been no icon; ``was_in_tray``: whether
    there ever was one.
    """
    return min(hidden_s, untold_s) >= (LOST_S if was_in_tray else PANEL_S)
