"""Pictures for Tk, drawn with Pillow in the pixels of this screen: the overlay's faces and bar, and a few signs."""

import functools
import io
import tkinter
from collections.abc import Sequence
from typing import Literal

from PIL import Image, ImageDraw

from relay.common import look, paint

Sign = Literal["pause", "play", "gear", "dot"]

_FINER = 4
"""Signs are drawn so many times larger and shrunk: Pillow's own edges are hard."""


def photo(root: tkinter.Misc, image: Image.Image) -> tkinter.PhotoImage:
    """For Tk to show; keep it as long as it shows. Pillow's own way to Tk needs a module that not all builds have."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return tkinter.PhotoImage(master=root, data=file.getvalue(), format="png")


def solid(image: Image.Image) -> bytes:
    """An opaque RGB picture as PPM, for ``PhotoImage.configure(data=..., format="ppm")``: the fastest way there is."""
    return b"P6 %d %d 255\n%b" % (image.width, image.height, image.tobytes())


def bar(shares: Sequence[float] | None, width: int, height: int) -> Image.Image:
    """The mood bar in ``width`` x ``height`` pixels; without shares the faces rest side by side."""
    canvas = Image.new("RGBA", (width, height))
    box = (1, 1, width - 2, height - 2)
    if shares is None:
        paint.resting(canvas, box)
    else:
        paint.bar(canvas, shares, box)
    return canvas


def face(name: str, size: int) -> Image.Image:
    """Of an expression or a tap, ``size`` x ``size`` pixels."""
    return paint.picture(name, size)


def pale(image: Image.Image) -> Image.Image:
    """The same, as faint as what rests."""
    copy = image.copy()
    copy.putalpha(image.getchannel("A").point([round(alpha * look.RESTING) for alpha in range(256)]))
    return copy


@functools.lru_cache(maxsize=64)
def sign(name: Sign, size: int, color: str) -> Image.Image:
    """A sign of ``size`` x ``size`` pixels in a color as ``#rrggbb``."""
    side = size * _FINER
    mask = Image.new("L", (side, side))
    _SHAPES[name](ImageDraw.Draw(mask), side)
    image = Image.new("RGBA", (side, side), color)
    image.putalpha(mask)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _pause(pen: ImageDraw.ImageDraw, side: int) -> None:
    for left in (0.2, 0.6):
        pen.rounded_rectangle((left * side, 0.12 * side, (left + 0.2) * side, 0.88 * side), 0.06 * side, fill=255)


def _play(pen: ImageDraw.ImageDraw, side: int) -> None:
    pen.polygon([(0.24 * side, 0.1 * side), (0.9 * side, 0.5 * side), (0.24 * side, 0.9 * side)], fill=255)


def _gear(pen: ImageDraw.ImageDraw, side: int) -> None:
    middle, teeth = side / 2, 8
    for tooth in range(teeth):
        wedge = 360 / teeth * tooth
        pen.pieslice((0.02 * side, 0.02 * side, 0.98 * side, 0.98 * side), wedge - 11, wedge + 11, fill=255)
    for share, fill in ((0.36, 255), (0.17, 0)):
        reach = share * side
        pen.ellipse((middle - reach, middle - reach, middle + reach, middle + reach), fill=fill)


def _dot(pen: ImageDraw.ImageDraw, side: int) -> None:
    pen.ellipse((0.1 * side, 0.1 * side, 0.9 * side, 0.9 * side), fill=255)


_SHAPES = {"pause": _pause, "play": _play, "gear": _gear, "dot": _dot}
