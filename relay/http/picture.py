"""The overlay as a picture: what overlay/overlay.html shows, drawn with Pillow for an OBS without a browser source.

Lengths are in em as in overlay.css, so that the two look alike at every size.
"""

import asyncio
import functools
import io
import json
import math
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from relay.common.crowd import condition
from relay.core.channel import RECENT_S
from relay.core.limits import Places
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, Mood, Reaction

MIN_WIDTH, MAX_WIDTH = 160, 1920
MIN_HEIGHT, MAX_HEIGHT = 60, 1080

FILES = Path(__file__).parents[2] / "overlay"
WORDS = {"disgust": "disgusted", "fear": "afraid", "surprise": "surprised"}
"""How a person says it, where the wire's word is another: "62 % afraid"."""

PANEL = (16, 18, 24, 184)
TEXT = (255, 255, 255)
MUTED = (211, 217, 226)
METER = ((79, 209, 197), (167, 243, 208))

MARGIN, PADDING_X, PADDING_TOP, PADDING_BOTTOM = 1.1, 0.95, 0.7, 0.95
ROW, ROW_GAP, BAR, RADIUS = 2.5, 0.5, 1.75, 1.1
PANEL_HEIGHT = PADDING_TOP + ROW + ROW_GAP + BAR + PADDING_BOTTOM
SEGMENT_GAP = 2
FACE_ROOM = 1.25
"""A segment shows its face when it is this many times wider than the bar is high."""
RESTING = 0.4
"""Opacity of the faces while no mood is shown."""
REACTION = 4.0
DISC = 0.52
"""Diameter of the countdown's disc, as a share of the smaller side of what the panel leaves free."""
ZERO = (255, 201, 60)

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]


class Asked(NamedTuple):
    """A reaction that no viewer made, for the one picture that is asked for with it."""

    name: str
    """An expression or a tap."""
    age: float
    """Seconds since it began, 0 to ``RECENT_S``."""


class BusyError(Exception):
    """So many pictures are being drawn that no other is begun; the message says whose."""


class Pictures:
    """Draws in a thread of its own, each size of a channel's picture at most once a tick, whoever asks for it."""

    KEPT = 32
    A_CHANNEL = 8
    """Pictures that are drawn for a channel, or wait for it: a set-up has one size, or a few."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, "draw")
        self._places = Places(self.A_CHANNEL)
        self._drawn: dict[tuple[str, int, int, Asked | None, int | None], tuple[Mood, asyncio.Task[bytes]]] = {}

    async def get(
        self, channel: str, mood: Mood, reactions: Sequence[Reaction], width: int, height: int,
        asked: Asked | None = None, digit: int | None = None,
    ) -> bytes:  # fmt: skip
        """The picture as PNG; arguments as for ``draw``.

        Raises:
            BusyError: too many others of the channel are being drawn.
        """
        key = (channel, width, height, asked, digit)
        mood_drawn, task = self._drawn.pop(key, (None, None))
        if task is None or mood_drawn is not mood:
            if not self._places.take(channel):
                raise BusyError(f"{self.A_CHANNEL} other pictures of {channel!r} are being drawn")
            work = functools.partial(_png, mood, tuple(reactions), width, height, asked, digit)
            task = asyncio.create_task(self._draw(channel, work))
        self._drawn[key] = (mood, task)
        while len(self._drawn) > self.KEPT:
            del self._drawn[next(iter(self._drawn))]
        return await asyncio.shield(task)

    async def _draw(self, channel: str, work: Callable[[], bytes]) -> bytes:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._places.free(channel)


def _png(
    mood: Mood, reactions: Sequence[Reaction], width: int, height: int, asked: Asked | None, digit: int | None
) -> bytes:
    file = io.BytesIO()
    draw(mood, reactions, width, height, asked, digit).save(file, "PNG", compress_level=1)
    return file.getvalue()


def draw(
    mood: Mood, reactions: Sequence[Reaction], width: int, height: int,
    asked: Asked | None = None, digit: int | None = None,
) -> Image.Image:  # fmt: skip
    """The overlay at the mood's time as a transparent RGBA picture.

    ``reactions``: those of the last ``RECENT_S`` seconds. ``width`` 160 to 1920 and ``height`` 60 to 1080 pixels.
    ``asked``: one more reaction, for this picture alone. ``digit``: the number of a countdown, which 0 ends.
    """
    em = _em(width, height)
    canvas = _backdrop(width, height).copy()
    margin = MARGIN * em
    left, right = margin + PADDING_X * em, width - margin - PADDING_X * em
    top = height - margin - PANEL_HEIGHT * em
    for reaction in reactions:
        _draw_reaction(canvas, reaction, mood.time - reaction.time, em, top)
    if asked is not None:
        # Always of the same time, so that it keeps to one path from picture to picture.
        kind: Literal["expression", "tap"] = "tap" if asked.name in TAPS else "expression"
        _draw_reaction(canvas, Reaction(time=0, kind=kind, name=asked.name, strength=0.5, count=1), asked.age, em, top)
    row = top + (PADDING_TOP + ROW / 2) * em
    bar = (round(left), round(top + (PADDING_TOP + ROW + ROW_GAP) * em), round(right - left), round(BAR * em))
    if mood.visible:
        _draw_bar(canvas, mood.shares, bar)
        start = _draw_leader(canvas, mood.shares, left, row, em)
        _draw_figures(canvas, mood, (start + em, right), row, em)
    else:
        _draw_resting(canvas, bar)
        _draw_condition(canvas, f"Shown once {condition(mood.min_viewers, mood.crowd)}", (left, right), row, em)
    if digit is not None:
        _draw_countdown(canvas, digit, top)
    return canvas


def _em(width: int, height: int) -> float:
    """The font size in pixels: the page's, but small enough for the panel to fit in."""
    return min(max(12.0, min(0.0125 * width, 0.08 * height)), 48.0, height / (PANEL_HEIGHT + 2 * MARGIN), width / 22)


# --- the panel's contents --------------------------------------------------------------------------------------------


def _draw_leader(canvas: Image.Image, shares: Sequence[float], left: float, middle: float, em: float) -> float:
    """Picture and share of the most frequent expression besides neutral; returns where it ends."""
    expressive = [index for index in range(len(EXPRESSIONS)) if index != NEUTRAL and shares[index] > 0]
    leader = max(expressive, key=lambda index: shares[index], default=NEUTRAL)
    name = EXPRESSIONS[leader]
    size = round(2.3 * em)
    canvas.alpha_composite(_picture(name, size), (round(left), round(middle - size / 2)))
    text = f"{_percent(shares[leader])} {WORDS.get(name, name)}"
    return _write(canvas, text, left + size + 0.55 * em, middle, 1.3 * em, TEXT, bold=True)


def _draw_figures(canvas: Image.Image, mood: Mood, room: tuple[float, float], middle: float, em: float) -> None:
    """At the right how many share and how much in tune they are; what does not fit is left out, the meter first."""
    start, right = room
    value, label, sharing = _percent(mood.resonance), "In tune", f"{mood.sharing} sharing"
    value_width = max(_length(value, em, bold=True), 3.1 * em)
    needed = _length(label, em) + 0.55 * em + value_width
    meter, gap = 5 * em, 1.4 * em
    if right - start >= needed:
        with_meter = right - start >= needed + meter + 0.55 * em + gap + _length(sharing, em)
        _write(canvas, value, right, middle, em, TEXT, bold=True, anchor="rm")
        right -= value_width + 0.55 * em
        if with_meter:
            _draw_meter(canvas, mood.resonance, right - meter, middle, em)
            right -= meter + 0.55 * em
        _write(canvas, label, right, middle, em, MUTED, anchor="rm")
        right -= _length(label, em) + gap
    if right - start >= _length(sharing, em):
        _write(canvas, sharing, right, middle, em, MUTED, anchor="rm")


def _draw_meter(canvas: Image.Image, share: float, left: float, middle: float, em: float) -> None:
    width, height = round(5 * em), max(4, round(0.5 * em))
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = (255, 255, 255, 51)
    filled = round(share * width)
    along = np.linspace(0, 1, width)[:filled, None]
    pixels[:, :filled, :3] = np.array(METER[0]) * (1 - along) + np.array(METER[1]) * along
    pixels[:, :filled, 3] = 255
    _put(canvas, pixels, _rounded(width, height, height / 2), (round(left), round(middle - height / 2)))


def _draw_bar(canvas: Image.Image, shares: Sequence[float], box: tuple[int, int, int, int]) -> None:
    left, top, width, height = box
    pixels = _track(width, height)
    faces = []
    for index, (start, end) in segments(shares, width).items():
        pixels[:, start:end] = (*_palette()[EXPRESSIONS[index]], 255)
        if end - start > FACE_ROOM * height:
            faces.append((index, (start + end) // 2))
    _put(canvas, _lit(pixels), _rounded(width, height, height / 2), (left, top))
    for index, middle in faces:
        _draw_face(canvas, EXPRESSIONS[index], left + middle, top + height / 2, height)


def segments(shares: Sequence[float], width: int) -> dict[int, tuple[int, int]]:
    """Start and end, in pixels, of each expression's segment in a bar of ``width`` pixels; those of share 0 have none.

    Every segment is at least one pixel wide, and ``SEGMENT_GAP`` pixels separate two of them.
    """
    shown = [index for index, share in enumerate(shares) if share > 0]
    if not shown:
        return {}
    total = sum(shares)
    room = width - SEGMENT_GAP * (len(shown) - 1)
    found, before, offset = {}, 0.0, 0
    for index in shown:
        start = offset + round(room * before / total)
        before += shares[index]
        end = offset + round(room * before / total)
        found[index] = (start, max(start + 1, end))
        offset += SEGMENT_GAP
    return found


def _draw_face(canvas: Image.Image, name: str, x: float, y: float, bar_height: int) -> None:
    size = round(0.78 * bar_height)
    place = round(x - size / 2), round(y - size / 2)
    ring = np.zeros((size + 2, size + 2, 4), np.uint8)
    ring[:] = (255, 255, 255, 217)
    _put(canvas, ring, _rounded(size + 2, size + 2, size / 2 + 1), (place[0] - 1, place[1] - 1))
    disc = np.zeros((size, size, 4), np.uint8)
    disc[:] = (60, 62, 68, 255)
    _put(canvas, disc, _rounded(size, size, size / 2), place)
    canvas.alpha_composite(_picture(name, size), place)


def _draw_resting(canvas: Image.Image, box: tuple[int, int, int, int]) -> None:
    """The faces side by side, in the bar's place while nothing is shown: no bar that could look like one that fills."""
    left, top, width, height = box
    for index, name in enumerate(EXPRESSIONS):
        face = Image.new("RGBA", (height + 2, height + 2))
        _draw_face(face, name, height / 2 + 1, height / 2 + 1, height)
        face.putalpha(face.getchannel("A").point([round(alpha * RESTING) for alpha in range(256)]))
        middle = left + width * (index + 0.5) / len(EXPRESSIONS)
        canvas.alpha_composite(face, (round(middle - face.width / 2), top - 1))


def _draw_condition(canvas: Image.Image, text: str, room: tuple[float, float], middle: float, em: float) -> None:
    """A sentence on one line where there is room, else on two."""
    start, right = room
    size = round(2.3 * em)
    canvas.alpha_composite(_picture("neutral", size), (round(start), round(middle - size / 2)))
    start += size + 0.55 * em
    lines = [text] if _length(text, 1.1 * em) <= right - start else _halves(text)
    font_size = 1.1 * em * min(1.0, (right - start) / max(_length(line, 1.1 * em) for line in lines))
    for number, line in enumerate(lines):
        _write(canvas, line, start, middle + (number - (len(lines) - 1) / 2) * 1.15 * font_size, font_size, TEXT)


def _halves(text: str) -> list[str]:
    """The two lines of a text whose lengths differ least; one where there is but one word."""
    words = text.split()
    pairs = [[" ".join(words[:cut]), " ".join(words[cut:])] for cut in range(1, len(words))]
    return min(pairs, key=lambda pair: abs(len(pair[0]) - len(pair[1])), default=[text])


def _draw_reaction(canvas: Image.Image, reaction: Reaction, age: float, em: float, floor: float) -> None:
    """A picture on its way up from the panel, with how many took part. Its path follows from its name and time."""
    progress = age / RECENT_S
    if not 0 <= progress <= 1:
        return
    chance = np.random.default_rng(zlib.crc32(f"{reaction.name}{reaction.time}".encode()))
    x, height, sway = 0.08 + 0.84 * chance.random(), 0.72 + 0.22 * chance.random(), chance.choice([-1.0, 1.0])
    grown = 0.3 + 0.7 * min(1.0, progress / 0.08)
    fade = 1 - max(0.0, progress - 0.75) / 0.25
    size = em * (0.75 + 0.75 * math.sqrt(reaction.strength))  # its own em, as on the page
    size = min(size, max(floor, 2 * em) / REACTION)  # above a low panel there is little room
    side = max(8, 2 * round(REACTION * size * grown / 2))
    left = x * canvas.width + sway * 0.025 * canvas.width * math.sin(2 * math.pi * progress) - side / 2
    top = floor - side - (floor * height - side) * progress if floor * height > side else floor - side
    sprite = Image.new("RGBA", (round(side * 1.5), round(side * 1.1)))
    sprite.alpha_composite(_picture(reaction.name, side))
    if reaction.count > 1:
        _draw_badge(sprite, f"x{reaction.count}", side, size * grown)
    if fade < 1:
        sprite.putalpha(sprite.getchannel("A").point([round(alpha * fade) for alpha in range(256)]))
    _stamp(canvas, sprite, round(left), round(top))


def _draw_badge(sprite: Image.Image, text: str, side: int, em: float) -> None:
    width, height = round(_length(text, em, bold=True) + em), round(1.4 * em)
    left, top = min(sprite.width - width, side - width // 3), min(sprite.height, side + round(0.1 * em)) - height
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = (*PANEL[:3], 217)
    _put(sprite, pixels, _rounded(width, height, height / 2), (max(0, left), top))
    _write(sprite, text, max(0, left) + width / 2, top + height / 2, em, TEXT, bold=True, anchor="mm")


def _draw_countdown(canvas: Image.Image, digit: int, floor: float) -> None:
    """The number in a disc, in the middle of what the panel leaves free (or of all where that is little)."""
    free = floor if floor > canvas.height / 3 else canvas.height
    side = max(24, round(DISC * min(canvas.width, free)))
    place = round((canvas.width - side) / 2), round((free - side) / 2)
    ground, ink = ((*ZERO, 255), PANEL[:3]) if digit == 0 else ((*PANEL[:3], 230), TEXT)
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[:] = ground
    shape = _rounded(side, side, side / 2)
    _put(canvas, pixels, shape, place)
    ring = shape.copy()
    edge = max(2, side // 24)
    ring[edge:-edge, edge:-edge] -= _rounded(side - 2 * edge, side - 2 * edge, side / 2 - edge)
    pixels[:] = (*(TEXT if digit == 0 else ZERO), 255)
    _put(canvas, pixels, ring.clip(0, 1), place)
    _write(canvas, str(digit), canvas.width / 2, free / 2, 0.6 * side, ink, bold=True, anchor="mm")


# --- shapes, pictures and text ---------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4)
def _backdrop(width: int, height: int) -> Image.Image:
    """The empty panel with its shadow and rim; the same for every mood."""
    em = _em(width, height)
    margin, radius = round(MARGIN * em), RADIUS * em
    panel_width, panel_height = width - 2 * margin, round(PANEL_HEIGHT * em)
    place = (margin, height - margin - panel_height)
    shape = _rounded(panel_width, panel_height, radius)
    shadow = Image.new("L", (width, height))
    shadow.paste(Image.fromarray((shape * 71).astype(np.uint8)), (place[0], place[1] + round(0.25 * em)))
    shadow = shadow.filter(ImageFilter.GaussianBlur(0.6 * em))
    # As with a box-shadow, none of it lies under the translucent panel.
    shadow.paste(0, place, Image.fromarray((shape * 255).astype(np.uint8)))
    canvas = Image.new("RGBA", (width, height))
    canvas.putalpha(shadow)
    pixels = np.zeros((panel_height, panel_width, 4), np.uint8)
    pixels[:] = PANEL
    _put(canvas, pixels, shape, place)
    rim = shape.copy()
    rim[1:-1, 1:-1] -= _rounded(panel_width - 2, panel_height - 2, radius - 1)
    pixels[:] = (255, 255, 255, 26)
    _put(canvas, pixels, rim.clip(0, 1), place)
    return canvas


def _track(width: int, height: int) -> Pixels:
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = (255, 255, 255, 31)
    return pixels


def _lit(pixels: Pixels) -> Pixels:
    """Light from above: whiter towards the top, darker towards the bottom, where there is colour."""
    height = len(pixels)
    down = np.linspace(0, 1, height, dtype=np.float32)
    light = 0.22 * (1 - down / 0.45).clip(0, 1)
    shade = 0.1 * ((down - 0.45) / 0.55).clip(0, 1)
    colours = pixels[..., :3].astype(np.float32)
    colours += (255 - colours) * light[:, None, None]
    colours *= 1 - shade[:, None, None]
    return np.dstack([colours.astype(np.uint8), pixels[..., 3]])


@functools.lru_cache(maxsize=24)
def _rounded(width: int, height: int, radius: float) -> Mask:
    """How much of each pixel a rounded rectangle covers, 0 to 1, shape (height, width).

    From the distance to its edge (Quilez, "2D distance functions"), which gives smooth corners without supersampling.
    """
    radius = min(radius, width / 2, height / 2)
    x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2) - (width / 2 - radius)
    y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2) - (height / 2 - radius)
    outside = np.hypot(x.clip(0)[None, :], y.clip(0)[:, None])
    inside = np.minimum(np.maximum(x[None, :], y[:, None]), 0)
    mask: Mask = (radius + 0.5 - outside - inside).clip(0, 1)
    mask.setflags(write=False)
    return mask


def _put(canvas: Image.Image, pixels: Pixels, mask: Mask, place: tuple[int, int]) -> None:
    """Lay RGBA pixels, shape (height, width, 4), in the mask's shape over the canvas."""
    alpha = (pixels[..., 3] * mask).round().astype(np.uint8)
    canvas.alpha_composite(Image.fromarray(np.dstack([pixels[..., :3], alpha])), place)


def _stamp(canvas: Image.Image, sprite: Image.Image, left: int, top: int) -> None:
    """Lay a sprite over the canvas, which it may leave at any side."""
    source = (max(0, -left), max(0, -top))
    if source[0] < sprite.width and source[1] < sprite.height and left < canvas.width and top < canvas.height:
        canvas.alpha_composite(sprite, (max(0, left), max(0, top)), source)


@functools.lru_cache(maxsize=1)
def _palette() -> dict[str, tuple[int, int, int]]:
    """RGB, 0 to 255, per expression."""
    colours: dict[str, str] = json.loads((FILES / "palette.json").read_text())
    return {name: (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)) for name, text in colours.items()}


@functools.lru_cache(maxsize=32)
def _original(name: str) -> Image.Image:
    with Image.open(FILES / "pictures" / f"{name}.png") as file:
        picture: Image.Image = file.convert("RGBA")
    return picture


@functools.lru_cache(maxsize=256)
def _picture(name: str, size: int) -> Image.Image:
    """An expression's or tap's picture, ``size`` x ``size`` RGBA."""
    return _original(name).resize((size, size), Image.Resampling.LANCZOS)


@functools.lru_cache(maxsize=64)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _length(text: str, size: float, bold: bool = False) -> float:
    return float(_font(size).getlength(text)) + (_thickness(size) if bold else 0)


def _thickness(size: float) -> float:
    """Pillow brings one weight alone; drawn twice this far apart it looks bold."""
    return 0.045 * size


def _write(
    canvas: Image.Image, text: str, x: float, y: float, size: float, colour: tuple[int, int, int],
    bold: bool = False, anchor: str = "lm",
) -> float:  # fmt: skip
    """Write a line of text, ``y`` being its middle; returns where it ends on the right."""
    pen = ImageDraw.Draw(canvas)
    font = _font(size)
    # "m" centres between ascender and descender; most of our letters have no descender, so a little higher looks right.
    if bold:
        shift = _thickness(size) * {"l": 1.0, "m": 0.5, "r": 0.0}[anchor[0]]
        x += shift - _thickness(size)
        pen.text((x, y), text, fill=colour, font=font, anchor=anchor)
        x += _thickness(size)
    pen.text((x, y), text, fill=colour, font=font, anchor=anchor)
    return x + float(font.getlength(text))


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"
