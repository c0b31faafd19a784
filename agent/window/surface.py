"""What a screen is, and the surface that shows one at a time."""

import math
import queue
import time
import tkinter
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from tkinter import ttk
from typing import TYPE_CHECKING, Protocol, TypeVar

from agent.app.state import State, Wish
from agent.desktop.keys import Keys
from agent.desktop.shade import Shade
from agent.errors import NoConsentError
from agent.window.theme import COLORS, Colors
from relay.common.texts import Texts

if TYPE_CHECKING:
    from agent.app.app import App

_AGAIN_S = 1.0
"""Within so long of a pause nobody means to resume; a key that is held is repeated sooner."""

Answer = TypeVar("Answer")


class _Scrolled(Protocol):
    """What scrolls; see ``agent.window.widgets.Scroll``."""

    def fit(self) -> None: ...

    def above(self, widget: tkinter.Misc | None) -> int: ...

    def keep(self, widget: tkinter.Misc | None, above: int) -> None: ...


class Screen:
    """A screen: widgets in ``frame``, made in ``__init__``, from there on changed by ``update`` alone.

    ``frame`` fills the window. Whoever makes it also says with ``focus`` what has the keyboard at first.
    """

    def __init__(self, surface: "Surface") -> None:
        self.surface = surface
        self.app = surface.app
        self.texts = surface.texts
        self.px = surface.px
        self.frame = ttk.Frame(surface.root)
        self.focus: tkinter.Misc = self.frame
        self.accent: ttk.Button | None = None
        """What Return presses while no other button has the focus."""
        self.escape: Callable[[], None] | None = None
        """What Escape does."""
        self.access: dict[str, ttk.Button | ttk.Checkbutton] = {}
        """What a letter presses together with Alt."""
        self.keys: dict[str, Callable[[], None]] = {}
        """What other keys do while nothing is typed, by their names in Tk."""
        self.scroll: _Scrolled | None = None
        """What of it scrolls."""
        self.holds = False
        """Whether nothing but its own buttons leads on, and an invitation waits: what it shows is shown this once."""
        self.left = False

    def update(self, state: State) -> None:
        """Show this; called about ten times a second while the window is shown."""

    def cover(self) -> None:
        """The window is hidden until the next ``update``: ask for nothing meanwhile."""

    def leave(self) -> None:
        """Another screen comes: let go of what outlives the widgets."""

    def wait(
        self,
        future: "Future[Answer]",
        done: Callable[[Answer], None],
        failed: Callable[[BaseException], None],
        even_left: bool = False,
    ) -> None:
        """Call one of both in Tk's thread when the future is done; neither once this screen was left.

        ``even_left``: ``done`` even then, for an answer that comes only once.
        """

        def answer(ended: "Future[Answer]") -> None:
            if ended.cancelled():
                return
            if error := ended.exception():
                if not self.left:
                    failed(error)
            elif even_left or not self.left:
                done(ended.result())

        future.add_done_callback(lambda ended: self.surface.post(partial(answer, ended)))

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it once in Tk's thread after this time, unless this screen was left by then."""
        # By the root: Tk calls a timer of a widget that is gone by a name that a new widget's command may have by then.
        self.surface.root.after(round(seconds * 1000), lambda: None if self.left else call())


class Surface:
    """The window's inside: one screen at a time, and what all screens need."""

    def __init__(self, root: tkinter.Tk, app: "App", keys: Keys, texts: Texts, shade: Shade, scale: float) -> None:
        self.root, self.app, self.keys = root, app, keys
        self.texts, self.shade, self.scale = texts, shade, scale
        self.home: Callable[[], None] = lambda: None
        """Shows the live screen."""
        self.elsewhere: Callable[[], None] = lambda: None
        """Shows the way into another channel."""
        self.consent: Callable[[], None] = lambda: None
        """Asks for consent to share the face with the channel that was joined."""
        self.screen: Screen | None = None
        self._make: Callable[[], Screen] | None = None
        self._toggled_at = -math.inf
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    @property
    def colors(self) -> Colors:
        """Of the theme that is worn."""
        return COLORS[self.shade]

    def px(self, length: float) -> int:
        """Pixels of this screen for pixels of a usual one."""
        return round(length * self.scale)

    def show(self, make: Callable[[], Screen]) -> None:
        """Leave the screen that is shown, make this one and show it. It is made anew when language or theme change."""
        self._make = make
        self._put(make).focus.focus_set()

    def _put(self, make: Callable[[], Screen]) -> Screen:
        if self.screen:
            self.screen.left = True
            self.screen.leave()
            self.screen.frame.destroy()
        self.screen = None
        self.screen = screen = make()
        screen.frame.pack(fill="both", expand=True)
        screen.update(self.app.state())
        return screen

    def update(self) -> None:
        """Show the state as it is now."""
        if self.screen:
            self.screen.update(self.app.state())
            if self.screen.scroll:
                self.screen.scroll.fit()  # Tk does not tell when what is in it would be higher

    def again(self) -> None:
        """Make the screen that is shown anew; what has the keyboard has it again, and where it was."""
        before = self.screen
        if not self._make or not before:
            return
        focus = str(self.root.tk.call("focus", "-lastfor", self.root))  # whose list is open tkinter can't tell
        inside = focus.removeprefix(f"{before.frame}.").removesuffix(".popdown.f.l")
        scrolled = before.scroll.above(self._inside(before, inside)) if before.scroll else 0
        screen = self._put(self._make)
        focused = self._inside(screen, inside)
        (focused or screen.focus).focus_set()
        if screen.scroll:
            screen.scroll.keep(focused, scrolled)

    def _inside(self, screen: Screen, name: str) -> tkinter.Misc | None:
        """The widget that has this name there."""
        try:
            found: tkinter.Misc = self.root.nametowidget(f"{screen.frame}.{name}")
        except KeyError:
            return None
        return found

    def toggle(self) -> None:
        """Pause; or, paused, share as before, unless the key is held, or the button was clicked twice."""
        state, may_resume, self._toggled_at = self.app.state(), self.may_resume, time.monotonic()
        if state.wish != "paused":
            self.share("paused")
        elif state.place is not None and may_resume:
            self.share(self.app.remembered.resumed)

    @property
    def may_resume(self) -> bool:
        """Whether the last ``toggle`` is so long ago that another one is meant to resume."""
        return time.monotonic() - self._toggled_at > _AGAIN_S

    def share(self, wish: Wish) -> None:
        """Share so, at once; asks for consent where it is still to be given."""
        try:
            self.app.share(wish)
        except NoConsentError:
            if self.screen is None or not self.screen.holds:
                self.consent()

    def post(self, call: Callable[[], None]) -> None:
        """Have it called in Tk's thread, soon. From any thread."""
        self._calls.put(call)

    def drain(self) -> None:
        """Call what was posted."""
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            call()
