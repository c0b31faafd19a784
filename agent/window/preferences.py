"""The settings' screen."""

import tkinter
from collections.abc import Callable, Mapping
from functools import partial
from tkinter import ttk

from agent.app.state import CameraInfo, State
from agent.window import shown
from agent.window.mirror import Mirror
from agent.window.surface import Screen, Surface
from agent.window.teach import teaching
from agent.window.widgets import Field, Page, paragraph, put, put_state
from relay.common.texts import languages as all_languages
from relay.protocol import MAX_DELAY_S

_TOLD_S = 3.0


class Preferences(Screen):
    """Everything counts as soon as it is chosen."""

    def __init__(self, surface: Surface) -> None:
        super().__init__(surface)
        self._cameras: tuple[CameraInfo, ...] = ()
        self._switches: dict[str, tuple[tkinter.BooleanVar, ttk.Checkbutton, ttk.Label]] = {}
        page = self._page = Page(self, self.texts("settings.title"))
        for warning in self.app.warnings():
            page.add(paragraph(page.body, warning, "Problem.TLabel"), 8)
        self._camera()
        self._looks()
        self._background()
        self._you()
        self._delay()
        self._channel()
        self._section("settings.keys")
        page.add(paragraph(page.body, self.texts("settings.keys.list"), "Muted.TLabel"), 6)
        page.back(surface.home)
        self.focus = self._choice

    def update(self, state: State) -> None:
        """As ``Screen.update``."""
        on = state.previewed
        if on != self._preview_on.get():  # whoever pauses has ended it
            self._preview_on.set(on)
        if on:
            picture = self.app.picture()
            if picture is not None:
                self._mirror.show(picture, None, "")
            elif state.camera == "waiting" and state.camera_problem:
                self._mirror.say(state.camera_problem)
            else:
                self._mirror.say(self.texts("live.no_picture.starting"))
        if on != bool(self._card.winfo_manager()):
            if on:
                self._card.pack(fill="x", pady=(self.px(10), 0), after=self._preview_switch)
            else:
                self._card.pack_forget()
        self._follow_switches()
        put_state(self._leave, "disabled" if state.link == "none" else "!disabled")

    def cover(self) -> None:
        """The camera is shut, and stays so until the preview is asked for anew."""
        self.app.preview(False)

    def leave(self) -> None:
        """As ``cover``."""
        self.cover()

    def _section(self, key: str) -> None:
        self._page.add(ttk.Label(self._page.body, text=self.texts(key), style="Strong.TLabel"), 22)

    def _switched(self, key: str, field: str) -> None:
        """A switch for a setting that is true or false."""
        variable = tkinter.BooleanVar(self._page.body, getattr(self.app.remembered, field))
        switch = ttk.Checkbutton(
            self._page.body, text=self.texts(key), variable=variable, style="Switch.TCheckbutton",
            command=lambda: self.app.change(**{field: variable.get()}),
        )  # fmt: skip
        self._page.add(switch, 8)
        problem = paragraph(self._page.body, "", "Problem.TLabel")
        self._switches[field] = variable, switch, problem

    def _follow_switches(self) -> None:
        """What could not be done, or was undone elsewhere, is as it is, and says why."""
        for field, (variable, switch, problem) in self._switches.items():
            if variable.get() != (now := getattr(self.app.remembered, field)):
                variable.set(now)
            why = self.app.refused.get(field, "")
            put(problem, text=self.texts("settings.refused", why=why) if why else "")
            if bool(why) != bool(problem.winfo_manager()):
                if why:
                    problem.pack(fill="x", pady=(self.px(4), 0), after=switch)
                else:
                    problem.pack_forget()

    def _chosen(self, key: str, choices: Mapping[str, str], now: str, choose: Callable[[str], None]) -> ttk.Combobox:
        """A list to choose from, with its name before it. ``choices``: values and what they are called."""
        row = ttk.Frame(self._page.body)
        ttk.Label(row, text=self.texts(key)).pack(side="left")
        box = ttk.Combobox(row, state="readonly", values=list(choices.values()), width=24)
        box.set(choices.get(now, now))
        box.pack(side="right")
        box.bind("<<ComboboxSelected>>", lambda _: choose(list(choices)[box.current()]))
        self._page.add(row, 8)
        return box

    def _camera(self) -> None:
        self._section("settings.camera")
        self._choice = ttk.Combobox(self._page.body, state="readonly", values=[self.app.remembered.camera])
        self._choice.current(0)
        self._choice.bind("<<ComboboxSelected>>", self._choose_camera)
        self._page.add(self._choice, 8)
        self._preview_on = tkinter.BooleanVar(self._page.body, False)
        self._preview_switch = ttk.Checkbutton(
            self._page.body, text=self.texts("settings.preview"), variable=self._preview_on,
            command=lambda: self.app.preview(self._preview_on.get()), style="Switch.TCheckbutton",
        )  # fmt: skip
        self._page.add(self._preview_switch, 10)
        self._card = ttk.Frame(self._page.body, style="Card.TFrame", padding=self.px(2))
        self._mirror = Mirror(self, self._card, self.app.remembered.camera.startswith("webcam"))
        self._mirror.canvas.configure(height=self.px(180))
        self._mirror.canvas.pack(fill="both", expand=True)
        self._page.add(paragraph(self._page.body, self.texts("settings.preview.meaning"), "Caption.TLabel"), 4)
        self._switched("settings.show_picture", "show_picture")
        self.wait(self.app.cameras(), self._list_cameras, lambda _: None)

    def _list_cameras(self, cameras: tuple[CameraInfo, ...]) -> None:
        now = self.app.remembered.camera
        self._cameras = shown.cameras(cameras, now)
        self._choice.configure(values=[camera.name for camera in self._cameras])
        self._choice.current(shown.chosen(self._cameras, now))

    def _choose_camera(self, _: object) -> None:
        if self._cameras:
            self.app.change(camera=self._cameras[self._choice.current()].id)

    def _looks(self) -> None:
        self._section("settings.looks")
        now, texts = self.app.remembered, self.texts
        themes = {one: texts(f"settings.theme.{one}") for one in ("auto", "dark", "light")}
        self._chosen("settings.theme", themes, now.theme, lambda theme: self.app.change(theme=theme))
        languages = {"auto": texts("settings.language.auto")}
        for tag, known in all_languages().items():
            languages[tag] = known.name if known.read else f"{known.name} *"
        self._chosen("settings.language", languages, now.language, lambda spoken: self.app.change(language=spoken))
        self._page.add(paragraph(self._page.body, texts("settings.language.unread"), "Caption.TLabel"), 4)

    def _background(self) -> None:
        self._section("settings.background")
        self._switched("settings.start_at_login", "start_at_login")
        self._switched("settings.open_links", "open_links")
        self._switched("settings.close_to_tray", "close_to_tray")

    def _you(self) -> None:
        self._section("settings.you")
        self._name = Field(self, self._page.body, self.texts("settings.name"), self.app.remembered.name)
        self._page.add(self._name.frame, 8)
        self._name.entry.bind("<FocusOut>", lambda _: self._rename())
        self._name.entry.bind("<Return>", lambda _: self._rename())
        row = ttk.Frame(self._page.body)
        forget = ttk.Button(row, text=self.texts("settings.forget"))
        forget.pack(side="left")
        told = ttk.Label(row, style="Good.TLabel")
        told.pack(side="left", padx=(self.px(12), 0))

        def forgotten() -> None:
            self.app.forget_resting()
            put(told, text=self.texts("settings.forgotten"))
            self.later(_TOLD_S, lambda: put(told, text=""))

        forget.configure(command=forgotten)
        self._page.add(row, 12)
        self._page.add(paragraph(self._page.body, self.texts("settings.forget.meaning"), "Caption.TLabel"), 4)
        teach = ttk.Button(self._page.body, text=self.texts("teach.name"), command=self._teach)
        self._page.add(teach, 12)
        teach.pack_configure(fill="none", anchor="w")
        self._page.add(paragraph(self._page.body, self.texts("settings.teach.meaning"), "Caption.TLabel"), 4)

    def _teach(self) -> None:
        again = partial(Preferences, self.surface)
        self.surface.show(lambda: teaching(self.surface, lambda: self.surface.show(again)))

    def _rename(self) -> None:
        if self._name.text != self.app.remembered.name:
            try:
                self.app.change(name=self._name.text)
            except ValueError as error:
                self._name.problem(str(error))

    def _delay(self) -> None:
        self._section("settings.delay")
        row = ttk.Frame(self._page.body)
        box = ttk.Spinbox(row, from_=0, to=MAX_DELAY_S, increment=1, width=6)
        box.set(f"{self.app.remembered.delay:g}")
        box.pack(side="left")
        ttk.Label(row, text=self.texts("settings.delay.unit")).pack(side="left", padx=(self.px(8), 0))
        problem = ttk.Label(row, style="Problem.TLabel")
        problem.pack(side="left", padx=(self.px(8), 0))

        def set_delay(_: object = None) -> None:
            seconds = shown.delay_of(box.get())
            put(problem, text="" if seconds is not None else self.texts("settings.delay.wrong", most=MAX_DELAY_S))
            if seconds is not None and seconds != self.app.remembered.delay:
                self.app.change(delay=seconds)

        box.configure(command=set_delay)
        box.bind("<FocusOut>", set_delay)
        box.bind("<Return>", set_delay)
        self._page.add(row, 8)
        self._page.add(paragraph(self._page.body, self.texts("settings.delay.meaning"), "Caption.TLabel"), 4)

    def _channel(self) -> None:
        self._section("settings.channel")
        self._leave = ttk.Button(self._page.body, text=self.texts("settings.leave"), command=self._leave_channel)
        self._page.add(self._leave, 8)
        self._leave.pack_configure(fill="none", anchor="w")

    def _leave_channel(self) -> None:
        self.app.leave()
        self.surface.elsewhere()
