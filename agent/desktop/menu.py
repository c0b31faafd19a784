"""What the icon in the tray and its menu say of a state, and what a click asks for. Pure.

The words are the window's: ``say(key, **values)`` gives the text of a key of ``overlay/texts/window.json``.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from agent.app.state import State

Say = Callable[..., str]
"""From the key of a text, and the values in it, to the text."""
Act = Literal["paused", "taps", "face", "show", "quit"]
"""What a click asks for: a wish (``agent.app.state.Wish``), the window, the end."""
Sign = Literal["sharing", "taps", "paused", "trouble"]
"""How the icon looks. With the camera on it is ``sharing`` or ``trouble``, whatever else holds."""


class Item(NamedTuple):
    """A line of the menu; one without an ``act`` is there to be read."""

    text: str
    act: Act | None = None
    enabled: bool = True
    chosen: bool | None = None
    """Of one that is chosen among others; None for all else."""


class Menu(NamedTuple):
    """All that the tray shows."""

    sign: Sign
    title: str
    tooltip: str
    items: tuple[Item | None, ...]
    """None is a line between two groups."""


def menu(state: State, say: Say) -> Menu:
    """As the state is now. The lines are the same in every state, in the same order: their words change."""
    title = say(_title(state), label=say(f"label.{state.label}") if state.label else "")
    problem = state.camera_problem or state.problem
    place = (state.place.channel,) if state.place else ()
    can_share = state.place is not None and state.link in ("connecting", "joined", "lost")
    items = (
        Item(title, enabled=False),
        None,
        # Never out of reach: this is how the camera is shut without looking for the window.
        Item(say("tray.pause"), "paused", chosen=state.wish == "paused"),
        Item(say("tray.taps"), "taps", enabled=can_share, chosen=state.wish == "taps"),
        Item(say("tray.face"), "face", enabled=can_share and state.cameras_allowed, chosen=state.wish == "face"),
        None,
        Item(say("tray.show"), "show"),
        Item(say("tray.quit"), "quit"),
    )
    return Menu(sign(state), title, "\n".join(filter(None, (title, *place, problem))), items)


def sign(state: State) -> Sign:
    """How the icon looks."""
    wants = state.wish != "paused" or state.camera != "off"
    if state.link == "ended" or (wants and (state.link == "lost" or state.camera == "waiting")):
        return "trouble"
    if state.camera != "off" or state.wish == "face":
        return "sharing"
    return "taps" if state.wish == "taps" else "paused"


def _title(state: State) -> str:
    """The key of the sentence that tells the state."""
    if state.link == "ended":
        return "tray.is_ended"
    if state.wish != "face":
        if state.camera in ("starting", "on"):
            return "tray.is_camera_alone"  # a look at its picture in the settings
        if state.camera == "waiting":
            return "tray.is_without_camera"  # for that look; or it is not let go of
        return "tray.is_taps" if state.wish == "taps" else "tray.is_paused"
    if state.camera == "waiting":
        return "tray.is_without_camera"
    if state.camera in ("starting", "off"):
        return "tray.is_starting"
    if state.link != "joined":
        return "tray.is_lost"
    return "tray.is_sharing" if state.label else "tray.is_away"
