"""The window: Tk's loop, what opens, hides and closes it, and which screen it begins with."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.desktop import display, pictures, shade
from agent.desktop.keys import Keys
from agent.desktop.presence import Closing
from agent.errors import NoWindowError
from agent.window import texts
from relay.common.texts import Language

if TYPE_CHECKING:  # without Tk the program still starts, and says what is missing
    import tkinter

    from agent.app.app import App

_SHOWN_MS, _HIDDEN_MS = 100, 250
_WIDTH, _HEIGHT = 500, 800
_ICONS = (64, 32, 16)
_LEAST_WIDTH, _LEAST_HEIGHT = 440, 420
"""In pixels of a usual screen."""
_TYPED = ("TEntry", "TSpinbox", "TCombobox", "Entry", "Text")
_PRESSED = ("TButton", "TCheckbutton", "TRadiobutton", "Button")
"""Kinds of widgets: what is typed into, and what Space presses."""


class Window:
    """The window of a running agent. Make it in the main thread, which then stays in ``run``.

    ``keys``: where passwords and keys are kept. ``closes``: called when its user closes it, to say what becomes of it.

    Raises:
        NoWindowError: there is no screen to show it on, or Python has no Tk.
    """

    def __init__(self, app: "App", keys: Keys, closes: Callable[[], Closing] = lambda: "quit") -> None:
        self._root = _root()
        import tkinter

        from agent.window import theme
        from agent.window.live import Live
        from agent.window.surface import Surface
        from agent.window.way_in import WayIn

        self._app, self._closes = app, closes
        self._shown, self._is_hidden = False, True
        spoken = self._language()
        scale = theme.scale_of(theme.desktop_dpi(self._root), os.environ)
        theme.load(self._root, scale)
        self._surface = Surface(self._root, app, keys, texts.window_texts(spoken), "dark", scale)
        self._look: object = None
        self._desktop: shade.Shade = "dark"
        self._dress()
        icons = [tkinter.PhotoImage(data=pictures.png("sharing", size)) for size in _ICONS]
        self._root.iconphoto(True, *icons)
        self._way_in = WayIn(self._surface)
        self._surface.home = lambda: self._surface.show(lambda: Live(self._surface))
        self._surface.elsewhere = self._way_in.again
        self._surface.consent = self._way_in.consent
        width = min(self._surface.px(_WIDTH), self._root.winfo_screenwidth())
        height = min(self._surface.px(_HEIGHT), self._root.winfo_screenheight() - self._surface.px(60))
        self._root.geometry(f"{width}x{height}")
        self._root.minsize(min(self._surface.px(_LEAST_WIDTH), width), min(self._surface.px(_LEAST_HEIGHT), height))
        self._root.protocol("WM_DELETE_WINDOW", self._closed)
        for names, pressed in (
            ("<Return>", self._return),
            ("<KP_Enter>", self._return),
            ("<Escape>", self._escape),
            ("<Alt-KeyPress>", self._alt),
            ("<Control-p>", self._toggle),
            ("<Control-P>", self._toggle),  # with Caps Lock
            ("<Control-KeyPress>", lambda _: None),  # Ctrl+1 is no 1
            ("<KeyPress>", self._key),
            ("<Map>", self._mapped),
            ("<Unmap>", self._mapped),
        ):
            self._root.bind(names, pressed)
        for kind in ("TEntry", "TCombobox"):  # under X, Tk has Emacs' meaning of it
            self._root.tk.call("bind", kind, "<Control-a>", "%W selection range 0 end; %W icursor end; break")
        self._has_begun = False
        self._invitation = ""
        """That waits to be shown."""

    def run(self, background: bool = False) -> None:
        """Until ``quit``, or until it is closed. ``background``: hidden at first, and idle until ``begin``."""
        if not background:
            self._appear()
        self._root.after(0, self._tick)
        self._root.mainloop()
        if self._surface.screen:
            self._surface.screen.leave()
        self._root.destroy()

    def show(self) -> None:
        """Have it in front, with the keyboard. From any thread."""
        self._surface.post(self._appear)

    def hide(self) -> None:
        """Have it gone until ``show``. From any thread."""
        self._surface.post(self._vanish)

    def open_invitation(self, text: str) -> None:
        """Show an invitation that came from outside, and ask; nothing happens before a yes. From any thread."""
        self._surface.post(partial(self._invited, text))
        self.show()

    def begin(self) -> None:
        """Return to the last channel, and whatever else the first screen does; ``show`` and ``minimise`` do it, too.

        For a window that is hidden at first, once an icon tells of it. From any thread.
        """
        self._surface.post(self._begin)

    def minimise(self) -> None:
        """Have it there again, but out of the way. From any thread."""
        self._surface.post(self._minimise)

    @property
    def is_hidden(self) -> bool:
        """Whether there is nothing of it on the screen, minimised neither. From any thread."""
        return self._is_hidden

    def quit(self) -> None:
        """Have ``run`` return. From any thread."""
        self._surface.post(self._root.quit)

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._way_in.begin()

    def _invited(self, text: str) -> None:
        self._has_begun = True  # the way out of an invitation leads there
        self._invitation = text

    def _ask_shade(self) -> None:
        """Learn what the desktop is; the window follows where its theme is ``auto``."""

        def told(asked: "Future[shade.Shade | None]") -> None:
            self._desktop = asked.result() or "dark"

        with contextlib.suppress(RuntimeError):  # the agent has ended
            asyncio.run_coroutine_threadsafe(shade.preferred(), self._app.loop).add_done_callback(told)

    def _appear(self) -> None:
        self._ask_shade()
        self._begin()
        self._root.deiconify()
        self._root.lift()
        last = self._root.focus_lastfor()
        if last in (None, self._root) and self._surface.screen:
            last = self._surface.screen.focus
        (last or self._root).focus_force()

    def _minimise(self) -> None:
        self._begin()
        self._root.iconify()
        self._is_hidden = False

    def _vanish(self) -> None:
        self._root.withdraw()
        self._is_hidden = True

    def _mapped(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        """Shown again, or hidden or minimised: then nothing is drawn, and no picture asked for."""
        if event.widget is self._root:
            self._shown = event.type.name == "Map"
            if self._shown:
                self._is_hidden = False
            elif self._surface.screen:
                self._surface.screen.cover()

    def _closed(self) -> None:
        what = self._closes()
        if what == "hide":
            self._tell_of_the_tray()
            self._vanish()
        elif what == "quit" or self._agrees():
            self._root.quit()

    def _tell_of_the_tray(self) -> None:
        """Once: whoever closes a window may take that for the end."""
        from tkinter import messagebox

        if not self._app.remembered.knows_tray:
            self._app.change(knows_tray=True)
            say = self._surface.texts
            title, more = say("tray.goes_on"), say("tray.goes_on.how")
            messagebox.showinfo(say("window.title"), title, detail=more, parent=self._root)

    def _agrees(self) -> bool:
        """Whether its user means to end all."""
        from tkinter import messagebox

        say = self._surface.texts
        title, more = say("close.title"), say("close.question")
        return messagebox.askokcancel(say("window.title"), title, detail=more, parent=self._root, icon="question")

    def _tick(self) -> None:
        self._root.after(_SHOWN_MS if self._shown else _HIDDEN_MS, self._tick)
        self._surface.drain()
        screen = self._surface.screen
        if self._invitation and not (screen and screen.holds):
            text, self._invitation = self._invitation, ""
            self._way_in.invited(text)
        if self._shown:
            if self._dress():
                self._surface.again()
            self._surface.update()

    def _language(self) -> Language:
        return texts.spoken(self._app.remembered.language, os.environ)

    def _dress(self) -> bool:
        """Put on the theme and the language that the settings have now; whether one is new."""
        from agent.window import theme

        spoken = self._language()
        if self._app.remembered.language == "auto" and not theme.reads(self._root, spoken):
            spoken = "en"  # rather than boxes
        wanted = self._app.remembered.theme
        worn = self._desktop if wanted == "auto" else wanted
        if (worn, spoken) == self._look:
            return False
        self._look = worn, spoken
        self._surface.texts, self._surface.shade = texts.window_texts(spoken), worn
        theme.wear(self._root, worn, spoken, self._surface.scale)
        self._root.title(self._surface.texts("window.title"))
        return True

    def _return(self, event: "tkinter.Event[Any]") -> None:
        """Return presses the button that has the focus, else the screen's own."""
        screen = self._surface.screen
        if isinstance(event.widget, str):  # of a list that is gone with its screen, by the same key
            return
        if event.widget.winfo_class() in ("TButton", "Button"):
            event.widget.invoke()
        elif screen and screen.accent and event.widget.winfo_class() != "Text":
            screen.accent.invoke()

    def _escape(self, _: object) -> None:
        if self._surface.screen and self._surface.screen.escape:
            self._surface.screen.escape()

    def _alt(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        access = self._surface.screen.access if self._surface.screen else {}
        if button := access.get(event.keysym.lower()) or access.get(event.char.lower()):  # в is called Cyrillic_ve
            button.invoke()

    def _toggle(self, _: object) -> None:
        self._surface.toggle()

    def _key(self, event: "tkinter.Event[Any]") -> None:
        """A key of the screen's, unless it is typed somewhere or presses what has the focus."""
        if isinstance(event.widget, str):  # the name of what is gone with its screen, by the same key
            return
        kind, screen = event.widget.winfo_class(), self._surface.screen
        if kind in _TYPED or (event.keysym == "space" and kind in _PRESSED) or screen is None:
            return
        if press := screen.keys.get(event.keysym):
            press()


def _root() -> "tkinter.Tk":
    """Tk's window, hidden yet."""
    try:
        import tkinter

        import sv_ttk  # noqa: F401

        root = tkinter.Tk(className="Moodcast")
    except Exception as error:  # Tk's own kind can't be named where Tk is missing
        raise NoWindowError(
            f"{display.missing() or error}; or use the agent in the terminal (moodcast agent --channel NAME)"
        ) from error
    root.withdraw()
    return root
