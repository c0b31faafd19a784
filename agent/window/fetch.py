"""The model files that the agent needs and are not here yet."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from tkinter import ttk

from agent.app.state import State
from agent.window.surface import Screen, Surface
from agent.window.widgets import Page, paragraph
from models.errors import ModelError
from models.inference.download import StoppedError
from models.inference.fetch import Missing, fetch_all

_MEGABYTE = 1e6
_END_S = 0.7
"""For pip to be ended and what it has begun removed."""


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.1f}"


class FetchScreen(Screen):
    """Says what is missing, from where it comes and how much it is; fetches it once asked to. Then ``done``."""

    def __init__(self, surface: Surface, needed: Missing, done: Callable[[], None], back: Callable[[], None]) -> None:
        super().__init__(surface)
        self._needed, self._done, texts = needed, done, self.texts
        self._stop = threading.Event()
        self._worker: threading.Thread | None = None
        self._bytes = (0, needed.size)
        lead = texts("fetch.lead", megabytes=_megabytes(needed.size))
        self._page = page = Page(self, texts("fetch.title"), lead)
        if needed.hosts:
            page.add(paragraph(page.body, texts("fetch.hosts", hosts=", ".join(needed.hosts))), 16)
        if needed.other_hosts:
            hosts, size = ", ".join(needed.other_hosts), _megabytes(needed.other_size)
            page.add(paragraph(page.body, texts("fetch.others", hosts=hosts, megabytes=size), "Muted.TLabel"))
        if not needed.hosts and not needed.other_hosts:
            page.add(paragraph(page.body, texts("fetch.nobody"), "Problem.TLabel"))
        page.add(paragraph(page.body, texts("fetch.later"), "Caption.TLabel"))
        self._bar = ttk.Progressbar(page.body, maximum=1.0)
        self._told = paragraph(page.body, "", "Muted.TLabel")
        self._problem = paragraph(page.body, "", "Problem.TLabel")
        page.back(back)
        self._fetch = page.accent(texts("fetch.go"), self._begin)
        self._end = page.button(texts("fetch.stop"), self._halt)
        self._end.state(["disabled"])
        self.focus = self._fetch

    def update(self, state: State) -> None:
        """How far it is."""
        here, size = self._bytes
        self._bar.configure(value=here / size if size else 0.0)
        if self._bar.winfo_manager() and "disabled" in self._fetch.state() and not self._stop.is_set():
            self._told.configure(text=self.texts("fetch.progress", here=_megabytes(here), size=_megabytes(size)))

    def leave(self) -> None:
        """Also at the end of the program, which would leave pip behind, still asking its index."""
        self._stop.set()
        if self._worker:
            self._worker.join(_END_S)

    def _begin(self) -> None:
        self._stop.clear()
        self._problem.pack_forget()
        self._page.add(self._bar, 20)
        self._page.add(self._told, 6)
        self._fetch.state(["disabled"])
        self._end.state(["!disabled"])
        future: Future[None] = Future()
        args = future, self._needed, self._tell, self._stop
        self._worker = threading.Thread(target=_work, args=args, name="fetch", daemon=True)
        self._worker.start()
        self.wait(future, lambda _: self._done(), self._failed)

    def _halt(self) -> None:
        self._stop.set()
        self._end.state(["disabled"])
        self._told.configure(text=self.texts("fetch.stopping"))

    def _tell(self, here: int, size: int) -> None:
        self._bytes = here, size

    def _failed(self, error: BaseException) -> None:
        self._fetch.state(["!disabled"])
        self._end.state(["disabled"])
        if isinstance(error, StoppedError):
            self._told.configure(text=self.texts("fetch.stopped"))
            return
        why = error.sentence() if isinstance(error, ModelError) else str(error)
        self._problem.configure(text=self.texts("trouble.other", why=why))
        self._page.add(self._problem)


def _work(future: "Future[None]", needed: Missing, tell: Callable[[int, int], None], stop: threading.Event) -> None:
    try:
        fetch_all(needed, tell, stop)
    except BaseException as error:  # told on the screen
        future.set_exception(error)
    else:
        future.set_result(None)
