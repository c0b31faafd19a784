"""What several screens are built of."""

import sys
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import Any, Literal

from agent.window import lines
from agent.window.surface import Screen

_SETTLED_MS = 100
"""What is in a frame that scrolls has come to its size."""


class _Paragraph(ttk.Label):
    """Its text is what it was given; what Tk shows of it has line feeds where ``lines`` puts them."""

    def __init__(self, parent: tkinter.Misc, text: str, style: str) -> None:
        super().__init__(parent, text=text, style=style, justify="left")
        self._given = text
        self.bind("<Configure>", lambda event: self._lay(event.width))

    def configure(self, cnf: Any = None, **options: Any) -> Any:
        if "text" not in options:
            return super().configure(cnf, **options)
        self._given = str(options["text"])
        found = super().configure(cnf, **options)
        if self.winfo_width() > 1:
            self._lay(self.winfo_width())
        return found

    def cget(self, key: str) -> Any:
        return self._given if key == "text" else super().cget(key)

    def _lay(self, width: int) -> None:
        laid = lines.laid(self._given, width - 2, measured(self, str(super().cget("style"))))
        super().configure(text=laid, wraplength=max(width - 2, 1))


def paragraph(parent: tkinter.Misc, text: str = "", style: str = "TLabel") -> ttk.Label:
    """A text that is broken into as many lines as its width asks for."""
    return _Paragraph(parent, text, style)


def put(widget: tkinter.Widget, **options: object) -> None:
    """Give a widget those of the options that it does not have yet: what changes nothing costs nothing."""
    changed = {name: value for name, value in options.items() if str(widget.cget(name)) != str(value)}
    if changed:
        widget.configure(**changed)


def put_state(widget: ttk.Widget, state: str) -> None:
    """Have a state, such as ``disabled``, or not have it (``!disabled``)."""
    if not widget.instate([state]):
        widget.state([state])


def measured(widget: tkinter.Misc, style: str) -> Callable[[str], int]:
    """How many pixels wide a line is in a style's letters."""
    used = ttk.Style(widget).lookup(style, "font")
    return lambda text: int(widget.tk.call("font", "measure", used, text))


def button(screen: Screen, parent: tkinter.Misc, text: str, press: Callable[[], None]) -> ttk.Button:
    """A button. The letter after ``&`` in its text, Alt held, presses it as well."""
    at = text.find("&")
    made = ttk.Button(parent, text=text.replace("&", "", 1), command=press, underline=at)
    if at >= 0:
        screen.access[text[at + 1].lower()] = made
    return made


def check(screen: Screen, parent: tkinter.Misc, text: str, on: tkinter.BooleanVar) -> ttk.Checkbutton:
    """A check box, with a key like a button's."""
    at = text.find("&")
    made = ttk.Checkbutton(parent, text=text.replace("&", "", 1), variable=on, underline=at)
    if at >= 0:
        screen.access[text[at + 1].lower()] = made
    return made


class Page:
    """A screen's usual shape: a title, what scrolls if the window is small, and buttons that always show.

    The screen puts its widgets into ``body``, with ``add``.
    """

    def __init__(self, screen: Screen, title: str, lead: str = "", stacked: bool = False) -> None:
        """``stacked``: the buttons lie one below the other, all as wide as the page, in the order they are made."""
        self._screen, self._stacked, px = screen, stacked, screen.px
        self._foot = ttk.Frame(screen.frame, padding=(px(24), px(12), px(24), px(20)))
        self._foot.pack(side="bottom", fill="x")
        self._status = paragraph(screen.frame, "", "Muted.TLabel")
        self._status.configure(padding=(px(24), px(8), px(24), 0))
        self._scroll = Scroll(screen, screen.frame)
        self._scroll.outer.pack(side="top", fill="both", expand=True)
        self._foot.lift()  # Tab comes to it last
        self.body = self._scroll.inner
        self.body.configure(padding=(px(24), px(24), px(24), px(4)))
        self.add(paragraph(self.body, title, "Title.TLabel"), 0)
        if lead:
            self.add(paragraph(self.body, lead, "Muted.TLabel"), 6)

    def add(self, widget: tkinter.Widget, above: float = 12, expand: bool = False) -> None:
        """Put it below what is there, with this distance."""
        widget.pack(fill="both" if expand else "x", expand=expand, pady=(self._screen.px(above), 0))
        widget.bind("<Configure>", self._scroll.fit, add="+")

    def accent(self, text: str, press: Callable[[], None]) -> ttk.Button:
        """The button that the screen is about, at the right end of the foot; Return presses it."""
        made = self._button(text, press, "right")
        made.configure(style="Accent.TButton")
        self._screen.accent = made
        return made

    def button(self, text: str, press: Callable[[], None]) -> ttk.Button:
        """A button left of the accent button, which was made before."""
        made = self._button(text, press, "right")
        if not self._stacked and self._screen.accent:
            made.lower(self._screen.accent)  # Tab goes from left to right
        return made

    def back(self, press: Callable[[], None], text: str = "") -> ttk.Button:
        """The button at the left end; Escape presses it, too. ``text``: where going back means more than that."""
        self._screen.escape = press
        return self._button(text or self._screen.texts("go.back"), press, "left")

    def _button(self, text: str, press: Callable[[], None], side: Literal["left", "right"]) -> ttk.Button:
        px = self._screen.px
        made = button(self._screen, self._foot, text, press)
        made.configure(padding=(px(14), px(4)))
        if self._stacked:
            made.pack(side="top", fill="x", pady=(px(8), 0))
        else:
            made.pack(side=side, padx=(px(8), 0) if side == "right" else 0)
        return made

    def busy(self, text: str) -> None:
        """Say, above the buttons, what is under way; the accent button waits until ``idle``."""
        self.say(text)
        if self._screen.accent:
            self._screen.accent.state(["disabled"])

    def say(self, text: str) -> None:
        """Say it above the buttons."""
        self._status.configure(text=text)
        self._status.pack(side="bottom", fill="x")

    def idle(self) -> None:
        """Nothing is under way any more."""
        self._status.pack_forget()
        if self._screen.accent:
            self._screen.accent.state(["!disabled"])


def scrollable(view: tkinter.Canvas | ttk.Treeview) -> ttk.Scrollbar:
    """Put a bar beside what is packed at the left of its frame, while there is more than it shows."""
    bar = ttk.Scrollbar(view.master, orient="vertical", command=view.yview)
    root = view.winfo_toplevel()  # see Screen.later

    def hide() -> None:
        if view.winfo_exists() and bar.winfo_manager() and view.yview() == (0.0, 1.0):
            bar.pack_forget()

    def moved(first: float, last: float) -> None:
        bar.set(first, last)  # as texts, whatever the types say
        whole = float(first) <= 0.0 and float(last) >= 1.0
        if whole and bar.winfo_manager():
            # Not at once: texts that are as wide as before still have to be broken anew for the room beside the bar.
            root.after(_SETTLED_MS, hide)
        elif not whole and not bar.winfo_manager():
            bar.pack(side="right", fill="y", before=view)

    view.configure(yscrollcommand=moved)
    return bar


class Scroll:
    """A frame, ``inner``, that can be scrolled where it is higher than its place. Pack ``outer``."""

    def __init__(self, screen: Screen, parent: tkinter.Misc) -> None:
        self.outer = ttk.Frame(parent)
        ground = screen.surface.colors.ground
        screen.scroll = self
        self._canvas = tkinter.Canvas(self.outer, highlightthickness=0, borderwidth=0, background=ground)
        self._canvas.pack(side="left", fill="both", expand=True)
        scrollable(self._canvas).configure(command=self._dragged)
        self.inner = ttk.Frame(self._canvas)
        self._fitted = (0, 0)
        self._kept: tuple[tkinter.Misc, int] | None = None
        self._item = self._canvas.create_window(0, 0, anchor="nw", window=self.inner)
        self.inner.bind("<Configure>", self.fit)
        self._canvas.bind("<Configure>", self.fit)
        top = self.outer.winfo_toplevel()
        self._wheels = ("<MouseWheel>",) if sys.platform != "linux" else ("<Button-4>", "<Button-5>")
        for wheel in self._wheels:
            top.bind(wheel, self._turned)
        top.bind("<FocusIn>", self._show_focused)

    def fit(self, _: object = None) -> None:
        """As wide as its place, and at least as high; for whatever in it may have grown, or shrunk."""
        height = max(self.inner.winfo_reqheight(), self._canvas.winfo_height())
        size = self._canvas.winfo_width(), height
        if size != self._fitted:
            self._fitted = size
            self._canvas.itemconfigure(self._item, width=size[0], height=height)
            self._canvas.configure(scrollregion=(0, 0, 1, height))
        if self._kept and height > 1:
            widget, above = self._kept
            self._canvas.yview_moveto((widget.winfo_rooty() - self.inner.winfo_rooty() - above) / height)

    def above(self, widget: "tkinter.Misc | None") -> int:
        """How far below the upper edge of what is seen this begins, or, where it is not in here, all of it."""
        return self._own(widget).winfo_rooty() - self._canvas.winfo_rooty()

    def keep(self, widget: "tkinter.Misc | None", above: int) -> None:
        """Have ``above`` stay so, whatever sizes the texts around come to, until somebody scrolls or goes elsewhere."""
        self._kept = self._own(widget), above
        self.fit()

    def _own(self, widget: "tkinter.Misc | None") -> tkinter.Misc:
        return widget if widget and self._is_inside(widget) else self.inner

    def _is_inside(self, widget: tkinter.Misc) -> bool:
        return str(widget).startswith(f"{self.inner}.")

    def _dragged(self, *to: str) -> None:
        self._kept = None
        self._canvas.yview(*to)

    def _turned(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        if self._canvas.winfo_exists() and self.inner.winfo_reqheight() > self._canvas.winfo_height():
            self._kept = None
            up = event.num == 4 or event.delta > 0
            self._canvas.yview_scroll(-2 if up else 2, "units")

    def _show_focused(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        """What gets the focus by Tab comes into sight."""
        if not self._canvas.winfo_exists() or not self._is_inside(event.widget):
            return
        if str(event.widget) != str(self._canvas.tk.call("focus")):  # what it lies in is told, too
            return
        if self._kept and event.widget == self._kept[0]:
            return
        self._kept = None
        height = self.inner.winfo_height()
        top = event.widget.winfo_rooty() - self.inner.winfo_rooty()
        bottom = top + event.widget.winfo_height()
        first, last = (part * height for part in self._canvas.yview())
        if top < first:
            self._canvas.yview_moveto(max(top - 8, 0) / height)
        elif bottom > last:
            self._canvas.yview_moveto((bottom + 8 - (last - first)) / height)


class Field:
    """An entry with its name above and, below, what is wrong with what stands in it. Pack ``frame``."""

    def __init__(self, screen: Screen, parent: tkinter.Misc, name: str, text: str = "", hidden: bool = False) -> None:
        px = screen.px
        self.frame = ttk.Frame(parent)
        ttk.Label(self.frame, text=name).pack(anchor="w", pady=(0, px(4)))
        self._text = tkinter.StringVar(self.frame, text)
        self.entry = ttk.Entry(self.frame, textvariable=self._text, show="•" if hidden else "")
        self.entry.icursor("end")
        self.entry.pack(fill="x", ipady=px(3))
        self._problem = paragraph(self.frame, "", "Problem.TLabel")
        self._text.trace_add("write", lambda *_: self.problem(""))

    @property
    def text(self) -> str:
        """What stands in it, without blanks around."""
        return self._text.get().strip()

    @property
    def exact(self) -> str:
        """What stands in it, to the letter."""
        return self._text.get()

    def put(self, text: str) -> None:
        """Have this stand in it."""
        self._text.set(text)
        self.entry.icursor("end")

    def hide(self, hidden: bool) -> None:
        """Show dots for letters, or the letters."""
        self.entry.configure(show="•" if hidden else "")

    def problem(self, sentence: str) -> None:
        """Say what is wrong with it; empty: nothing is. What is typed takes it away again."""
        self._problem.configure(text=sentence)
        self.entry.state(["invalid" if sentence else "!invalid"])
        if sentence:
            self._problem.pack(fill="x", pady=(4, 0))
            self.entry.focus_set()
        else:
            self._problem.pack_forget()
