"""The part of a screen that exports what is kept of the viewer's face, and deletes it."""

import tkinter
from pathlib import Path
from tkinter import filedialog, ttk

from agent.window.surface import Screen
from agent.window.troubles import explained
from agent.window.widgets import button, paragraph, put

_FILE = "moodcast-answers.json"


class StoredPanel:
    """Pack ``frame``. Deleting asks once more, in place."""

    def __init__(self, screen: Screen, parent: tkinter.Misc, exports: bool = True) -> None:
        """``exports``: whether there may be something to export; deleting what is not there does no harm."""
        self._screen, px = screen, screen.px
        self.frame = ttk.Frame(parent)
        texts = screen.texts
        self._usual = ttk.Frame(self.frame)
        self._usual.pack(fill="x")
        if exports:
            button(screen, self._usual, texts("learned.export"), self._export).pack(side="left", padx=(0, px(8)))
        self._delete = button(screen, self._usual, texts("learned.delete"), self._ask)
        self._delete.pack(side="left")
        self._question = ttk.Frame(self.frame, style="Card.TFrame", padding=px(12))
        paragraph(self._question, texts("learned.sure")).pack(fill="x")
        choice = ttk.Frame(self._question)
        choice.pack(fill="x", pady=(px(10), 0))
        # Without letters: those would press what does not show, too.
        ttk.Button(choice, text=texts("learned.yes"), command=self._delete_all).pack(side="left")
        self._no = ttk.Button(choice, text=texts("learned.no"), command=self._spare)
        self._no.pack(side="left", padx=(px(8), 0))
        self._told = paragraph(self.frame, "", "Muted.TLabel")
        self._told.pack(fill="x", pady=(px(6), 0))

    def _export(self) -> None:
        texts = self._screen.texts
        path = filedialog.asksaveasfilename(
            parent=self.frame.winfo_toplevel(), title=texts("learned.export_as"), initialfile=_FILE,
            defaultextension=".json", filetypes=[("JSON", "*.json")],
        )  # fmt: skip
        if path and not self._screen.left:
            self._screen.wait(self._screen.app.export_personal(Path(path)), self._say, self._failed)

    def _ask(self) -> None:
        self._say("")
        self._usual.pack_forget()
        self._question.pack(fill="x", before=self._told)
        self._no.focus_set()  # a Return too many deletes nothing

    def _spare(self) -> None:
        self._question.pack_forget()
        self._usual.pack(fill="x", before=self._told)
        self._delete.focus_set()

    def _delete_all(self) -> None:
        self._spare()
        self._screen.wait(self._screen.app.delete_personal(), self._say, self._failed)

    def _say(self, sentence: str) -> None:
        put(self._told, text=sentence, style="Muted.TLabel")

    def _failed(self, error: BaseException) -> None:
        put(self._told, text=explained(self._screen.texts, error, ""), style="Problem.TLabel")
