"""The door of a channel: asked for by several screens, always in the same way."""

from collections.abc import Callable
from typing import NamedTuple

from agent.app.state import Place, Promise
from agent.window.surface import Screen
from agent.window.troubles import explained
from relay.errors import WrongPasswordError


class Door(NamedTuple):
    """Where it leads."""

    open: Callable[[Promise], None]
    """The relay takes the viewer; they are to be asked."""
    locked: Callable[[Place], None]
    """The channel has a password, and none was given, or a wrong one: the place has it."""


def knock(door: Door, screen: Screen, place: Place, problem: Callable[[str], None]) -> None:
    """Ask the relay for the channel; nothing is shared. ``problem``: gets the sentence on why there is no way in."""

    def failed(error: BaseException) -> None:
        if isinstance(error, WrongPasswordError):
            door.locked(place)
        else:
            problem(explained(screen.texts, error, place.relay, place.channel))

    screen.wait(screen.app.promises(place), door.open, failed)
