"""The screen of a channel that was joined: what is shared, and what the audience feels."""

import tkinter
from tkinter import ttk

from PIL import Image

from agent.app.state import Place, State
from agent.window import pictures, shown
from agent.window.answers import AnswerPanel
from agent.window.audience import AudiencePanel
from agent.window.calibration import CalibrationPanel
from agent.window.mirror import Mirror
from agent.window.people import PeopleScreen
from agent.window.preferences import Preferences
from agent.window.sent import SentScreen
from agent.window.surface import Screen, Surface
from agent.window.teach import teaching
from agent.window.widgets import Scroll, button, measured, paragraph, put, put_state

_WIDEST = 250
"""Of a channel's name, and of its relay's with what has become of it; in pixels of a usual screen."""
_NOTICE_S = 20.0


class Live(Screen):
    """Above what is shared, below the audience, and at the foot the button that pauses."""

    def __init__(self, surface: Surface) -> None:
        super().__init__(surface)
        self._status: shown.ShownSharing | None = None
        self._photos: dict[str, tkinter.PhotoImage] = {}
        self._mirrored = False
        self._noticed = ""
        self._head()
        self._foot()
        scroll = Scroll(self, self.frame)
        scroll.outer.pack(side="top", fill="both", expand=True)
        body = scroll.inner
        body.configure(padding=(self.px(20), 0, self.px(20), self.px(4)))
        self._calibration = CalibrationPanel(self, body)
        self._calibration.frame.pack(fill="x")
        self._own(body)
        self._answers = AnswerPanel(self, body)
        self._answers.frame.pack(fill="x")
        ttk.Separator(body).pack(fill="x", pady=self.px(14))
        self._audience = AudiencePanel(self, body)
        self._audience.frame.pack(fill="x")
        self._ways(body)
        if self.app.state().wish != "paused":  # a Return too many, for the screen before, must not resume
            self.focus = self._main

    def _head(self) -> None:
        """Where one is, and the settings."""
        head = ttk.Frame(self.frame, padding=(self.px(20), self.px(14), self.px(20), self.px(10)))
        head.pack(side="top", fill="x")
        self._dot = ttk.Label(head)
        self._dot.pack(side="left", padx=(0, self.px(8)))
        names = ttk.Frame(head)
        names.pack(side="left")
        self._channel = ttk.Label(names, style="Strong.TLabel")
        self._channel.pack(anchor="w")
        self._relay = ttk.Label(names, style="Caption.TLabel")
        self._relay.pack(anchor="w")
        gear = button(self, head, f" {self.texts('live.settings')}", self._settings)
        self._gear = pictures.photo(head, pictures.sign("gear", self.px(16), self.surface.colors.text))
        gear.configure(image=self._gear, compound="left")
        gear.pack(side="right")

    def _own(self, body: ttk.Frame) -> None:
        """The viewer's own picture, and what is shared of it."""
        self._card = ttk.Frame(body, style="Card.TFrame", padding=self.px(2))
        self._mirror = Mirror(self, self._card, self.app.remembered.camera.startswith("webcam"))
        self._mirror.canvas.pack(fill="both", expand=True)
        self._line = line = ttk.Frame(body)
        line.pack(fill="x", pady=(self.px(10), 0))
        line.columnconfigure(1, weight=1)
        line.rowconfigure(1, minsize=self.px(38))  # of two lines, so that what lies around moves seldom
        self._face = ttk.Label(line)
        self._face.grid(row=0, column=0, rowspan=2, sticky="n", padx=(0, self.px(12)))
        self._headline = paragraph(line, style="Large.TLabel")
        self._headline.grid(row=0, column=1, sticky="ew")
        self._picture_button = ttk.Button(line, command=self._hide_or_show)
        self._picture_button.grid(row=0, column=2, sticky="e", padx=(self.px(8), 0))
        self._details = paragraph(line, style="Muted.TLabel")
        self._details.grid(row=1, column=1, columnspan=2, sticky="ew", pady=(self.px(2), 0))
        self._notice = paragraph(line, style="Strong.TLabel")

    def _ways(self, body: ttk.Frame) -> None:
        """To the screens behind this one."""
        row = ttk.Frame(body)
        row.pack(fill="x", pady=(self.px(12), self.px(8)))
        ways = (
            ("live.people", self._people), ("live.sent", self._sent),
            ("live.elsewhere", self.surface.elsewhere), ("live.teach", self._teach),
        )  # fmt: skip
        for number, (text, press) in enumerate(ways):
            made = button(self, row, self.texts(text), press)
            made.configure(padding=(self.px(6), self.px(4)))
            left, above = self.px(8) * (number % 2), self.px(8) * (number // 2)
            made.grid(row=number // 2, column=number % 2, sticky="ew", padx=(left, 0), pady=(above, 0))
            row.columnconfigure(number % 2, weight=1, uniform="ways")

    def _foot(self) -> None:
        foot = ttk.Frame(self.frame, padding=(self.px(20), self.px(10), self.px(20), self.px(16)))
        foot.pack(side="bottom", fill="x")
        self._main = ttk.Button(foot, compound="left", padding=(self.px(12), self.px(10)))
        self._main.pack(side="left", fill="x", expand=True)
        self._taps_only = tkinter.BooleanVar(foot, self.app.remembered.taps_only)
        ttk.Checkbutton(
            foot, text=self.texts("live.taps_only"), variable=self._taps_only, command=self._switch,
            style="Switch.TCheckbutton",
        ).pack(side="left", padx=(self.px(16), 0))  # fmt: skip

    def update(self, state: State) -> None:
        """As ``Screen.update``."""
        self._show_place(state.place, state.link)
        self._show_status(shown.status(state))
        self._show_notice(state.notice)
        self._show_action(shown.action(state))
        self._show_picture(state)
        self._calibration.update(state)
        self._answers.update(state)
        self._audience.update(state)

    def cover(self) -> None:
        """Nobody sees the picture."""
        self._ask(False)

    def leave(self) -> None:
        """As ``cover``: the screen that comes asks anew."""
        self._ask(False)

    def _photo(self, name: str, image: Image.Image) -> tkinter.PhotoImage:
        """Made once for this screen."""
        if name not in self._photos:
            self._photos[name] = pictures.photo(self.frame, image)
        return self._photos[name]

    def _show_place(self, place: Place | None, link: str) -> None:
        colors = self.surface.colors
        color = {"joined": colors.good, "ended": colors.problem, "none": colors.muted}.get(link, "#f5a623")
        put(self._dot, image=self._photo(f"dot {color}", pictures.sign("dot", self.px(12), color)))
        name, where = self.texts("live.nowhere"), self.texts(f"link.{link}")
        if place:
            widest, measure = self.px(_WIDEST), measured(self._relay, "Caption.TLabel")
            name = shown.shortened(place.channel, widest, measured(self._channel, "Strong.TLabel"))
            relay = place.relay.removeprefix("https://")
            where = f"{shown.shortened(relay, widest - measure(f' · {where}'), measure)} · {where}"
        put(self._channel, text=name)
        put(self._relay, text=where)

    def _show_status(self, status: shown.ShownSharing) -> None:
        if status == self._status:
            return
        self._status = status
        put(self._headline, text=shown.say(self.texts, status.headline))
        put(self._details, text="\n".join(shown.say(self.texts, words) for words in status.details))
        style = "Problem.TLabel" if status.tone == "bad" else "Muted.TLabel"
        put(self._details, style=style)
        size = self.px(40)
        name = status.face or "neutral"
        image = pictures.face(name, size) if status.face else pictures.pale(pictures.face(name, size))
        put(self._face, image=self._photo(f"face {status.face}", image))

    def _show_notice(self, notice: str) -> None:
        """What the relay objected to, for a while."""
        if notice == self._noticed:
            return
        self._noticed = notice
        put(self._notice, text=notice)
        if notice:
            self._notice.grid(row=2, column=1, columnspan=2, sticky="ew", pady=(self.px(6), 0))
            self.later(_NOTICE_S, lambda: self._notice.grid_remove() if self._noticed == notice else None)
        else:
            self._notice.grid_remove()

    def _show_action(self, action: shown.Action) -> None:
        put_state(self._main, "disabled" if action == "resume" and not self.surface.may_resume else "!disabled")
        if self._main.cget("text") == (text := f"  {self.texts(f'live.{action}')}"):
            return
        sign: pictures.Sign = "pause" if action == "pause" else "play"
        color = self.surface.colors.text if action == "pause" else self.surface.colors.ground
        image = self._photo(f"{sign} {color}", pictures.sign(sign, self.px(16), color))
        press = self.surface.elsewhere if action == "rejoin" else self.surface.toggle
        self._main.configure(
            text=text, image=image, command=press, style="TButton" if action == "pause" else "Accent.TButton"
        )

    def _show_picture(self, state: State) -> None:
        wanted = self.app.remembered.show_picture
        put(self._picture_button, text=self.texts("live.hide" if wanted else "live.show"))
        if wanted != bool(self._card.winfo_manager()):
            if wanted:
                self._card.pack(fill="both", expand=True, before=self._line)
            else:
                self._card.pack_forget()
        self._ask(wanted)
        if not wanted:
            return
        picture = self.app.picture()
        if picture is None:
            self._mirror.say(shown.say(self.texts, shown.in_place_of_picture(state)))
        else:
            beside = shown.beside_face(state)
            self._mirror.show(picture, state.label, shown.say(self.texts, beside) if beside else "")

    def _ask(self, on: bool) -> None:
        if on != self._mirrored:
            self._mirrored = on
            self.app.mirror(on)

    def _hide_or_show(self) -> None:
        self.app.change(show_picture=not self.app.remembered.show_picture)

    def _switch(self) -> None:
        """What resuming shares is changed, and what is shared now, unless paused."""
        self.app.change(taps_only=self._taps_only.get())
        if self.app.state().wish != "paused":
            self.surface.share(self.app.remembered.resumed)

    def _settings(self) -> None:
        self.surface.show(lambda: Preferences(self.surface))

    def _teach(self) -> None:
        self.surface.show(lambda: teaching(self.surface, self.surface.home))

    def _people(self) -> None:
        self.surface.show(lambda: PeopleScreen(self.surface))

    def _sent(self) -> None:
        self.surface.show(lambda: SentScreen(self.surface))
