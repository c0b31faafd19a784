"""The screen that lists what the relay was told, to the letter."""

import tkinter
from tkinter import font, ttk

from agent.app.state import Said, State
from agent.window import shown
from agent.window.surface import Screen, Surface
from agent.window.widgets import Page, paragraph, put, put_state

_COPIED_S = 2.0


class SentScreen(Screen):
    """The newest last; it keeps to the end while the end is looked at."""

    def __init__(self, surface: Surface) -> None:
        super().__init__(surface)
        self._at_end = True
        page = Page(self, self.texts("sent.title"), self.texts("sent.lead"))
        place = ttk.Frame(page.body)
        page.add(place, 14, expand=True)
        colors = surface.colors
        fixed = font.nametofont("TkFixedFont", place).actual("family")
        self._letters = letters = font.Font(place, family=fixed, size=-self.px(13))
        self._list = tkinter.Text(
            place, wrap="char", state="disabled", font=letters, relief="flat", borderwidth=0, height=8, width=20,
            background=colors.card, foreground=colors.text,
            selectbackground=colors.selected, selectforeground="#ffffff",
            padx=self.px(10), pady=self.px(8), spacing3=self.px(4), highlightthickness=self.px(2),
            highlightbackground=colors.ground, highlightcolor=colors.accent, takefocus=True,
        )  # fmt: skip
        indent = letters.measure("00:00:00  ")
        self._list.tag_configure("said", lmargin2=indent)
        self._list.tag_configure("time", foreground=colors.muted)
        self._list.bind("<Configure>", lambda _: self._list.see("end") if self._at_end else None)
        bar = ttk.Scrollbar(place, orient="vertical", command=self._list.yview)
        self._list.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        self._list.pack(side="left", fill="both", expand=True)
        for keys, steps in (("<Down>", 1), ("<Up>", -1)):
            self._list.bind(keys, lambda _, steps=steps: self._list.yview_scroll(steps, "units"))  # type: ignore[misc]
        self._lines: tuple[Said, ...] = ()
        page.back(surface.home)
        self._copy_button = page.accent(self.texts("sent.copy"), self._copy)
        self._counts = paragraph(page.body, style="Caption.TLabel")
        page.add(self._counts, 6)
        self.focus = self._list

    def update(self, state: State) -> None:
        """As ``Screen.update``."""
        put(self._counts, text=self.texts("sent.counts", labels=state.labels, listed=len(state.sent)))
        put_state(self._copy_button, "!disabled" if state.sent else "disabled")
        if state.sent == self._lines:
            return
        gone, new = shown.news(self._lines, state.sent)
        if self._list.winfo_viewable():
            self._at_end = self._list.yview()[1] >= 1.0
        self._list.configure(state="normal")
        self._list.delete("1.0", f"{gone + 1}.0")
        for said in new:
            self._list.insert("end", f"{shown.clock(said)}  ", ("said", "time"), f"{said.text}\n", "said")
        self._list.configure(state="disabled")
        self._lines = state.sent
        if self._at_end:
            self._list.see("end")

    def _copy(self) -> None:
        self.frame.clipboard_clear()
        self.frame.clipboard_append("".join(f"{shown.clock(said)}  {said.text}\n" for said in self._lines))
        self._copy_button.configure(text=self.texts("sent.copied"))
        self.later(_COPIED_S, lambda: put(self._copy_button, text=self.texts("sent.copy").replace("&", "")))
