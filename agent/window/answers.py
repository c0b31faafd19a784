"""The part of the live screen where the viewer says whether what is read is right, or what it is."""

import time
import tkinter
from functools import partial
from tkinter import ttk

from agent.app.state import State
from agent.window import pictures, shown, taught
from agent.window.surface import Screen
from agent.window.widgets import paragraph, put, put_state
from relay.protocol import EXPRESSIONS, Expression

_FACE = 26
_TOLD_S = 6.0
_YES = ("y", "Y", "Cyrillic_en", "Cyrillic_EN")
"""The key of that letter, also where a Russian layout is on."""


class AnswerPanel:
    """Pack ``frame`` once, with nothing around it: it is empty but while the agent learns the viewer's face.

    1 to 5 are taps on this screen, which go to the relay: so these keys are F1 to F7.
    """

    def __init__(self, screen: Screen, parent: tkinter.Misc) -> None:
        self._screen = screen
        self.frame = ttk.Frame(parent)
        self._card = ttk.Frame(self.frame, style="Card.TFrame", padding=screen.px(10))
        self._presses = taught.Presses(time.monotonic())
        self._taught = screen.app.state().taught
        self._told_until = 0.0
        self._named = ""
        self._faces: list[tkinter.PhotoImage] = []
        head = ttk.Frame(self._card)
        head.pack(fill="x")
        self._right = ttk.Button(head, text=screen.texts("teach.right"), command=partial(self._answer, None))
        self._right.pack(side="right", padx=(screen.px(8), 0))
        self._words = paragraph(head)
        self._words.pack(side="left", fill="x", expand=True)
        self._buttons = [self._right, *self._expressions()]
        for button in self._buttons:
            button.bind("<KeyPress>", partial(self._note, button), add="+")
        self._is_on = False

    def update(self, state: State) -> None:
        """Show what can be answered, and what became of the last answer."""
        is_on = self._screen.app.remembered.personal
        if is_on != self._is_on:
            self._is_on = is_on
            self._place()
        if not is_on:
            return
        now = time.monotonic()
        wanted = "!disabled" if taught.may_answer(state) and self._presses.may(now) else "disabled"
        for button in self._buttons:
            put_state(button, wanted)
        if state.taught is not self._taught:
            self._taught = state.taught
            self._told_until = now + _TOLD_S
        put(self._words, text=self._said(state, now))

    def _said(self, state: State, now: float) -> str:
        if self._taught is not None and now < self._told_until:
            return shown.say(self._screen.texts, taught.answered(self._taught, state.personal))
        return self._named or self._screen.texts("teach.question")

    def _answer(self, label: Expression | None) -> None:
        if self._presses.counts(time.monotonic()):
            self._screen.app.teach(label)

    def _press(self, button: ttk.Button) -> None:
        """By its key."""
        self._note(button)
        button.invoke()

    def _note(self, button: ttk.Button, _: object = None) -> None:
        """A key that presses nothing now may be held until it would."""
        if button.instate(["disabled"]):
            self._presses.counts(time.monotonic())

    def _expressions(self) -> list[ttk.Button]:
        texts, px = self._screen.texts, self._screen.px
        row = ttk.Frame(self._card)
        row.pack(fill="x", pady=(px(8), 0))
        made = []
        for column, name in enumerate(EXPRESSIONS):
            face = pictures.face(name, px(_FACE))
            bright, pale = pictures.photo(row, face), pictures.photo(row, pictures.pale(face))
            button = ttk.Button(
                row, text=f"F{column + 1}", image=(bright, "disabled", pale),  # type: ignore[arg-type]
                compound="top",
                command=partial(self._answer, name), width=1, padding=(px(2), px(4)),
            )  # fmt: skip
            button.grid(row=0, column=column, sticky="nsew", padx=(0 if column == 0 else px(4), 0))
            row.columnconfigure(column, weight=1, uniform="answer")
            said = f"{texts(f'label.{name}')}: F{column + 1}"
            for event in ("<Enter>", "<FocusIn>"):
                button.bind(event, lambda _, said=said: self._name(said), add="+")
            for event in ("<Leave>", "<FocusOut>"):
                button.bind(event, lambda _: self._name(""), add="+")
            self._faces += bright, pale
            made.append(button)
        return made

    def _name(self, said: str) -> None:
        """Of the expression that the mouse is at, or the keyboard: for its picture alone stands on the button."""
        self._named = said

    def _place(self) -> None:
        keys = self._screen.keys
        pressed = dict.fromkeys(_YES, partial(self._press, self._right))
        pressed |= {f"F{number}": partial(self._press, one) for number, one in enumerate(self._buttons) if number}
        if self._is_on:
            self._card.pack(fill="x", pady=(self._screen.px(10), 0))
            keys.update(pressed)
        else:
            self._card.pack_forget()
            self.frame.configure(height=1)  # a frame keeps the height of what was in it last
            for name in pressed:
                keys.pop(name, None)
