"""The viewer's own picture with a frame around the face and what it shows, mirrored as in a mirror."""

import tkinter

import numpy as np
from PIL import Image

from agent.app.state import Picture
from agent.window.pictures import solid
from agent.window.surface import Screen
from relay.common import paint
from relay.protocol import Expression

_LARGEST = 2.0
"""A picture is made so many times larger at most: beyond, it looks worse and costs more."""


def fitted(width: int, height: int, room: tuple[int, int], largest: float) -> tuple[int, int]:
    """The size of a picture in ``room`` (pixels), as large as it fits and at most ``largest`` times its own."""
    scale = min(room[0] / width, room[1] / height, largest)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def place_of(
    box: tuple[float, float, float, float], size: tuple[int, int], mirrored: bool
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in pixels of a box that is in shares of the picture, cut off at its edges."""
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in box)
    if mirrored:
        left, right = 1 - right, 1 - left
    return left * size[0], top * size[1], right * size[0], bottom * size[1]


class Mirror:
    """Pack ``canvas``; ``show`` each new picture."""

    def __init__(self, screen: Screen, parent: tkinter.Misc, mirrored: bool) -> None:
        """``mirrored``: left and right change places, as in a mirror; not for a screen or a film."""
        self._px, self._mirrored = screen.px, mirrored
        self._largest = _LARGEST * screen.surface.scale
        self.canvas = tkinter.Canvas(
            parent, highlightthickness=0, borderwidth=0, background=screen.surface.colors.card,
            width=screen.px(240), height=screen.px(110),
        )  # fmt: skip
        self._photo = tkinter.PhotoImage(master=parent)
        canvas, middle = self.canvas, screen.px(120)
        self._item = canvas.create_image(0, 0, image=self._photo, anchor="nw", state="hidden")
        self._frame = canvas.create_rectangle(0, 0, 0, 0, width=screen.px(2), state="hidden")
        self._ground = canvas.create_rectangle(0, 0, 0, 0, width=0, state="hidden")
        self._label = canvas.create_text(
            0, 0, anchor="sw", font="SunValleyBodyStrongFont", fill="#12141a", state="hidden"
        )
        self._words = canvas.create_text(
            screen.px(160), middle, font="SunValleyBodyFont", fill=screen.surface.colors.muted, justify="center",
        )  # fmt: skip
        canvas.bind("<Configure>", lambda event: self._resized(event.width, event.height))
        self._picture: Picture | None = None
        self._said: tuple[Expression | None, str] = None, ""

    def _resized(self, width: int, height: int) -> None:
        self.canvas.coords(self._words, width / 2, height / 2)
        self.canvas.itemconfigure(self._words, width=max(width - self._px(32), 1))
        if self._picture is not None:
            self._draw(self._picture)
            self._mark(self._picture, *self._said)

    def say(self, words: str) -> None:
        """In place of a picture."""
        self._picture = None
        for item in (self._item, self._frame, self._ground, self._label):
            self.canvas.itemconfigure(item, state="hidden")
        self.canvas.itemconfigure(self._words, text=words, state="normal")

    def show(self, picture: Picture, emotion: Expression | None, label: str) -> None:
        """A picture, and beside the face what it shows; nothing beside it where ``label`` is empty."""
        if picture is not self._picture:
            self._picture = picture
            self._draw(picture)
        self._said = emotion, label
        self._mark(picture, emotion, label)

    def _room(self) -> tuple[int, int]:
        return max(self.canvas.winfo_width(), 1), max(self.canvas.winfo_height(), 1)

    def _draw(self, picture: Picture) -> None:
        pixels = picture.pixels[:, ::-1] if self._mirrored else picture.pixels
        image = Image.fromarray(np.ascontiguousarray(pixels))
        room = self._room()
        size = fitted(image.width, image.height, room, self._largest)
        if size != image.size:
            image = image.resize(size, Image.Resampling.BILINEAR)
        self._photo.configure(data=solid(image), format="ppm")
        self.canvas.coords(self._item, (room[0] - size[0]) / 2, (room[1] - size[1]) / 2)
        self.canvas.itemconfigure(self._item, state="normal")
        self.canvas.itemconfigure(self._words, state="hidden")

    def _mark(self, picture: Picture, emotion: Expression | None, label: str) -> None:
        state = "hidden" if picture.box is None else "normal"
        named = "normal" if picture.box is not None and label else "hidden"
        self.canvas.itemconfigure(self._frame, state=state)
        self.canvas.itemconfigure(self._ground, state=named)
        self.canvas.itemconfigure(self._label, state=named)
        if picture.box is None:
            return
        color = "#{:02x}{:02x}{:02x}".format(*paint.palette()[emotion]) if emotion else "#ffffff"
        across, down = self.canvas.coords(self._item)
        left, top, right, bottom = place_of(picture.box, (self._photo.width(), self._photo.height()), self._mirrored)
        self.canvas.coords(self._frame, across + left, down + top, across + right, down + bottom)
        self.canvas.itemconfigure(self._frame, outline=color)
        if label:
            self._name(across + left, down + top, down + bottom, color, label)

    def _name(self, x: float, top: float, bottom: float, color: str, label: str) -> None:
        """Above the frame; where there is no room, below it, or else at its upper edge."""
        canvas, pad = self.canvas, self._px(4)
        canvas.itemconfigure(self._label, text=label)
        canvas.coords(self._label, 0, 0)
        x0, y0, x1, y1 = canvas.bbox(self._label)
        width, height = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad
        below = bottom + height <= self._room()[1]
        y = top if top >= height else bottom + height if below else top + height
        x = min(x, max(self._room()[0] - width, 0))
        canvas.coords(self._label, x + pad, y - pad)
        canvas.coords(self._ground, x - self._px(1), y - height, x + width, y)
        canvas.itemconfigure(self._ground, fill=color)
