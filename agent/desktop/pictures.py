"""The icon's pictures, drawn as they are needed: a face that is seen, taps alone, a pause, trouble."""

import io

from PIL import Image, ImageDraw

from agent.desktop.menu import Sign

_FINE = 8
"""Drawn so many times larger, then made smaller: Pillow's own lines have stairs."""
_FACE = {"sharing": "#ffc83d", "taps": "#5aa9f5", "paused": "#8b93a1", "trouble": "#ffc83d"}
_INK = "#2b2f36"
_ALARM = "#e5484d"


def draw(sign: Sign, size: int) -> Image.Image:
    """An RGBA picture, ``size`` pixels wide and high. Signs differ in their form, not in their colour alone."""
    large = size * _FINE
    picture = Image.new("RGBA", (large, large))
    pen = ImageDraw.Draw(picture)

    def at(*numbers: float) -> list[float]:
        return [number * large for number in numbers]

    pen.ellipse(at(0.03, 0.03, 0.97, 0.97), fill=_FACE[sign])
    if sign == "paused":
        for left in (0.3, 0.56):
            pen.rounded_rectangle(at(left, 0.27, left + 0.14, 0.73), radius=0.04 * large, fill="white")
    elif sign == "taps":
        pen.polygon(at(0.53, 0.16, 0.28, 0.56, 0.46, 0.56, 0.4, 0.84, 0.72, 0.42, 0.53, 0.42), fill="white")
    else:
        for left in (0.28, 0.58):
            pen.ellipse(at(left, 0.27, left + 0.14, 0.46), fill=_INK)
        if sign == "sharing":
            pen.chord(at(0.24, 0.34, 0.76, 0.82), 0, 180, fill=_INK)
        else:
            pen.chord(at(0.24, 0.58, 0.76, 1.06), 180, 360, fill=_INK)
    if sign == "sharing":
        pen.ellipse(at(0.64, 0.64, 1, 1), fill="white")
        pen.ellipse(at(0.69, 0.69, 0.95, 0.95), fill=_ALARM)  # as cameras have one that record
    if sign == "trouble":
        pen.ellipse(at(0.52, 0.52, 1, 1), fill=_ALARM)
        pen.rounded_rectangle(at(0.72, 0.58, 0.8, 0.79), radius=0.02 * large, fill="white")
        pen.ellipse(at(0.72, 0.84, 0.8, 0.92), fill="white")
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def png(sign: Sign, size: int) -> bytes:
    """The same as a file."""
    file = io.BytesIO()
    draw(sign, size).save(file, "PNG")
    return file.getvalue()


def argb(sign: Sign, size: int) -> bytes:
    """The same as four bytes a pixel in the order alpha, red, green, blue, as StatusNotifierItem has them."""
    red, green, blue, alpha = draw(sign, size).split()
    return Image.merge("RGBA", (alpha, red, green, blue)).tobytes()
