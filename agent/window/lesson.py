"""The guided minute: it asks for each expression, one after the other."""

import tkinter
from collections.abc import Callable
from tkinter import ttk

from agent.app.state import State
from agent.personal.lesson import LessonMoment
from agent.window import pictures, shown, taught
from agent.window.mirror import Mirror
from agent.window.surface import Screen, Surface
from agent.window.widgets import Page, paragraph, put, put_state
from relay.protocol import EXPRESSIONS, Expression

_FACE = 48


class LessonScreen(Screen):
    """The camera is on from the press of its button to the end, and only while the window is seen."""

    def __init__(self, surface: Surface, back: Callable[[], None]) -> None:
        super().__init__(surface)
        self._is_running = self._is_asked_for = self._is_opened = False
        self._moment: LessonMoment | None = None
        """What was asked for last; None before the camera is on."""
        self._taught = self.app.state().taught
        self._photos: dict[tuple[Expression, bool], tkinter.PhotoImage] = {}
        self._page = page = Page(self, self.texts("lesson.title"))
        self._intro = ttk.Frame(page.body)
        page.add(self._intro, 6)
        self._lead = paragraph(self._intro, self.texts("lesson.lead"), "Muted.TLabel")
        self._lead.pack(fill="x")
        self._show_all()
        self._stage = ttk.Frame(page.body)
        card = ttk.Frame(self._stage, style="Card.TFrame", padding=self.px(2))
        card.pack(fill="both", expand=True)
        self._mirror = Mirror(self, card, self.app.remembered.camera.startswith("webcam"))
        self._mirror.canvas.pack(fill="both", expand=True)
        self._question()
        self._start = page.accent(self.texts("lesson.start"), self._begin)
        self._stop = page.back(back)
        self.focus = self._start

    def update(self, state: State) -> None:
        """As ``Screen.update``."""
        if self._is_running:
            self._follow(state)
        if self._is_running:
            self._look(state)
        elif self._is_asked_for:
            put(self._lead, text=shown.say(self.texts, taught.ending(self._moment, state)))

    def cover(self) -> None:
        """Nobody sees what is asked for: it ends, and the camera is shut."""
        if self._is_running:
            self._end()

    def leave(self) -> None:
        """As ``cover``."""
        self.cover()

    def _begin(self) -> None:
        self._is_running, self._moment = True, None
        self._is_asked_for = self._is_opened = False
        self._taught = self.app.state().taught
        self.app.preview(True)
        self._place()

    def _follow(self, state: State) -> None:
        """From the camera's beginning to the last expression."""
        is_shut, self._is_opened = self._is_opened and not state.previewed, state.previewed
        if state.lesson is not None:
            self._moment = state.lesson
            self._show(taught.lesson(state.lesson))
        elif is_shut or self._moment is not None or state.taught is not self._taught:  # it is over, or can't begin
            self._end()
        elif state.camera == "on" and not self._is_asked_for:
            self._is_asked_for = True
            self.app.start_lesson()

    def _end(self) -> None:
        self._is_running = False
        self.app.stop_lesson()
        self.app.preview(False)
        if not self.left:
            self._place()

    def _place(self) -> None:
        """What there is to see and to press: while it goes on, there is a way to stop it and no other."""
        running = self._is_running
        put_state(self._start, "disabled" if running else "!disabled")
        back = self.texts("go.back")
        put(self._stop, text=self.texts("lesson.stop") if running else back.replace("&", ""))
        put(self._stop, underline=-1 if running else back.find("&"))
        if running:
            self._intro.pack_forget()
            self._page.add(self._stage, 10, expand=True)
            self._row.pack_forget()
        else:
            self._stage.pack_forget()
            self._page.add(self._intro, 6)

    def _show_all(self) -> None:
        """The expressions that it asks for."""
        row = ttk.Frame(self._intro)
        row.pack(fill="x", pady=(self.px(20), 0))
        for column, name in enumerate(EXPRESSIONS):
            ttk.Label(row, image=self._photo(name, False)).grid(row=0, column=column)
            row.columnconfigure(column, weight=1)

    def _question(self) -> None:
        """Below the picture: what is asked for, and for how long."""
        self._row = row = ttk.Frame(self._stage)
        row.columnconfigure(1, weight=1)
        self._face = ttk.Label(row)
        self._face.grid(row=0, column=0, rowspan=2, padx=(0, self.px(14)))
        self._headline = paragraph(row, style="Large.TLabel")
        self._headline.grid(row=0, column=1, sticky="sew")
        self._step = ttk.Label(row, style="Muted.TLabel")
        self._step.grid(row=1, column=1, sticky="nw")
        self._seconds = ttk.Label(row, font="SunValleyTitleFont")
        self._seconds.grid(row=0, column=2, rowspan=2, padx=(self.px(14), 0))
        self._bar = ttk.Progressbar(row, maximum=1.0)
        self._bar.grid(row=2, column=0, columnspan=3, sticky="ew", pady=(self.px(10), 0))
        self._silent = paragraph(self._stage, self.texts("lesson.silent"), "Muted.TLabel")
        self._silent.pack(side="bottom", fill="x", pady=(self.px(8), 0))

    def _show(self, lesson: taught.ShownLesson) -> None:
        if not self._row.winfo_manager():
            self._row.pack(side="bottom", fill="x", pady=(self.px(12), 0), before=self._silent)
        put(self._headline, text=shown.say(self.texts, lesson.headline))
        put(self._step, text=shown.say(self.texts, lesson.step))
        put(self._seconds, text=self.texts("lesson.seconds", seconds=lesson.seconds))
        put(self._bar, value=round(lesson.done, 2))
        put(self._face, image=self._photo(lesson.face, lesson.is_now))

    def _photo(self, name: Expression, is_now: bool) -> tkinter.PhotoImage:
        """Made once; pale while it is still counted down to."""
        if (name, is_now) not in self._photos:
            face = pictures.face(name, self.px(_FACE))
            self._photos[name, is_now] = pictures.photo(self.frame, face if is_now else pictures.pale(face))
        return self._photos[name, is_now]

    def _look(self, state: State) -> None:
        """The viewer's own picture, and whether their face is seen."""
        picture = self.app.picture()
        if picture is not None:
            self._mirror.show(picture, None, "")
        elif state.camera == "waiting" and state.camera_problem:
            self._mirror.say(state.camera_problem)
        else:
            self._mirror.say(self.texts("live.no_picture.starting"))
        is_lost = state.lesson is not None and state.label is None
        put(self._silent, text=self.texts("lesson.no_face" if is_lost else "lesson.silent"))
        put(self._silent, style="Problem.TLabel" if is_lost else "Muted.TLabel")
