"""The overlay as a picture: what overlay/overlay.html shows, drawn with Pillow for an OBS without a browser source.

``look`` has what the two must agree in to look alike at every size.
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

from relay.common.condition import condition
from relay.core.channel import RECENT_S
from relay.core.limits import Places
from relay.http import look
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, Mood, Reaction

MIN_WIDTH, MAX_WIDTH = 160, 1920
MIN_HEIGHT, MAX_HEIGHT = 60, 1080

_FILES = Path(__file__).parents[2] / "overlay"
_DISC = 0.52
"""Diameter of the countdown's disc, as a share of the smaller side of what the panel leaves free. The page has it in
the middle of everything; this is a still picture a few times a second, whose panel it would hide."""

Bitmap = npt.NDArray[np.uint8]
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
    em = look.em(width, height)
    canvas = _backdrop(width, height).copy()
    margin = look.MARGIN * em
    left, right = margin + look.PADDING_X * em, width - margin - look.PADDING_X * em
    top = height - margin - look.PANEL_HEIGHT * em
    for reaction in reactions:
        _draw_reaction(canvas, reaction, mood.time - reaction.time, em, top)
    if asked is not None:
        # Always of the same time, so that it keeps to one path from picture to picture.
        kind: Literal["expression", "tap"] = "tap" if asked.name in TAPS else "expression"
        _draw_reaction(canvas, Reaction(time=0, kind=kind, name=asked.name, strength=0.5, count=1), asked.age, em, top)
    row = top + (look.PADDING_TOP + look.ROW / 2) * em
    under_row = top + (look.PADDING_TOP + look.ROW + look.ROW_BELOW) * em
    bar = (round(left), round(under_row), round(right - left), round(look.BAR * em))
    if mood.visible:
        _draw_bar(canvas, mood.shares, bar)
        start = _draw_leader(canvas, mood.shares, left, row, em)
        _draw_figures(canvas, mood, (start + look.ROW_GAP * em, right), row, em)
    else:
        _draw_resting(canvas, bar)
        words = look.PAUSED if mood.paused else f"{look.SHOWN_ONCE} {condition(mood.min_viewers, mood.crowd)}"
        _draw_condition(canvas, words, (left, right), row, em)
    if digit is not None:
        _draw_countdown(canvas, digit, top)
    return canvas


# --- the panel's contents --------------------------------------------------------------------------------------------


def _draw_leader(canvas: Image.Image, shares: Sequence[float], left: float, middle: float, em: float) -> float:
    """Picture and share of the most frequent expression besides neutral; returns where it ends."""
    expressive = [index for index in range(len(EXPRESSIONS)) if index != NEUTRAL and shares[index] > 0]
    leader = max(expressive, key=lambda index: shares[index], default=NEUTRAL)
    name = EXPRESSIONS[leader]
    size = round(look.LEADER * em)
    canvas.alpha_composite(_picture(name, size), (round(left), round(middle - size / 2)))
    text, start = f"{_percent(shares[leader])} {look.WORDS[name]}", left + size + look.LEADER_GAP * em
    return _write(canvas, text, start, middle, look.LEADER_TEXT * em, look.TEXT, bold=True)


def _draw_figures(canvas: Image.Image, mood: Mood, room: tuple[float, float], middle: float, em: float) -> None:
    """At the right how many share and how much in tune they are; what does not fit is left out, the meter first."""
    start, right = room
    value, sharing = _percent(mood.resonance), f"{mood.sharing} {look.SHARING}"
    value_width = max(_length(value, em, bold=True), look.TUNE_VALUE * em)
    meter, tune_gap, gap = look.METER_WIDTH * em, look.TUNE_GAP * em, look.FIGURES_GAP * em
    needed = _length(look.IN_TUNE, em) + tune_gap + value_width
    if right - start >= needed:
        with_meter = right - start >= needed + meter + tune_gap + gap + _length(sharing, em)
        _write(canvas, value, right, middle, em, look.TEXT, bold=True, anchor="rm")
        right -= value_width + tune_gap
        if with_meter:
            _draw_meter(canvas, mood.resonance, right - meter, middle, em)
            right -= meter + tune_gap
        _write(canvas, look.IN_TUNE, right, middle, em, look.MUTED, anchor="rm")
        right -= _length(look.IN_TUNE, em) + gap
    if right - start >= _length(sharing, em):
        _write(canvas, sharing, right, middle, em, look.MUTED, anchor="rm")


def _draw_meter(canvas: Image.Image, share: float, left: float, middle: float, em: float) -> None:
    width, height = round(look.METER_WIDTH * em), max(4, round(look.METER_HEIGHT * em))
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = look.METER_TRACK
    filled = round(share * width)
    along = np.linspace(0, 1, width)[:filled, None]
    pixels[:, :filled, :3] = np.array(look.METER[0]) * (1 - along) + np.array(look.METER[1]) * along
    pixels[:, :filled, 3] = 255
    _put(canvas, pixels, _rounded(width, height, height / 2), (round(left), round(middle - height / 2)))


def _draw_bar(canvas: Image.Image, shares: Sequence[float], box: tuple[int, int, int, int]) -> None:
    left, top, width, height = box
    pixels = _track(width, height)
    faces = []
    for index, (start, end) in segments(shares, width).items():
        pixels[:, start:end] = (*_palette()[EXPRESSIONS[index]], 255)
        if end - start > look.FACE_ROOM * height:
            faces.append((index, (start + end) // 2))
    _put(canvas, _lit(pixels), _rounded(width, height, height / 2), (left, top))
    for index, middle in faces:
        _draw_face(canvas, EXPRESSIONS[index], left + middle, top + height / 2, height)


def segments(shares: Sequence[float], width: int) -> dict[int, tuple[int, int]]:
    """Start and end, in pixels, of each expression's segment in a bar of ``width`` pixels; those of share 0 have none.

    Every segment is at least one pixel wide, and ``look.SEGMENT_GAP`` pixels separate two of them.
    """
    shown = [index for index, share in enumerate(shares) if share > 0]
    if not shown:
        return {}
    total = sum(shares)
    room = width - look.SEGMENT_GAP * (len(shown) - 1)
    found, before, offset = {}, 0.0, 0
    for index in shown:
        start = offset + round(room * before / total)
        before += shares[index]
        end = offset + round(room * before / total)
        found[index] = (start, max(start + 1, end))
        offset += look.SEGMENT_GAP
    return found


def _draw_face(canvas: Image.Image, name: str, x: float, y: float, bar_height: int) -> None:
    size = round(look.FACE * bar_height)
    place = round(x - size / 2), round(y - size / 2)
    ring = np.zeros((size + 2, size + 2, 4), np.uint8)
    ring[:] = look.FACE_RING
    _put(canvas, ring, _rounded(size + 2, size + 2, size / 2 + 1), (place[0] - 1, place[1] - 1))
    disc = np.zeros((size, size, 4), np.uint8)
    disc[:] = look.FACE_GROUND
    _put(canvas, disc, _rounded(size, size, size / 2), place)
    canvas.alpha_composite(_picture(name, size), place)


def _draw_resting(canvas: Image.Image, box: tuple[int, int, int, int]) -> None:
    """The faces side by side, in the bar's place while nothing is shown: no bar that could look like one that fills."""
    left, top, width, height = box
    for index, name in enumerate(EXPRESSIONS):
        face = Image.new("RGBA", (height + 2, height + 2))
        _draw_face(face, name, height / 2 + 1, height / 2 + 1, height)
        face.putalpha(face.getchannel("A").point([round(alpha * look.RESTING) for alpha in range(256)]))
        middle = left + width * (index + 0.5) / len(EXPRESSIONS)
        canvas.alpha_composite(face, (round(middle - face.width / 2), top - 1))


def _draw_condition(canvas: Image.Image, text: str, room: tuple[float, float], middle: float, em: float) -> None:
    """A sentence on one line where there is room, else on two."""
    start, right = room
    size, font_size = round(look.LEADER * em), look.WAITING_TEXT * em
    canvas.alpha_composite(_picture("neutral", size), (round(start), round(middle - size / 2)))
    start += size + look.LEADER_GAP * em
    lines = [text] if _length(text, font_size) <= right - start else _halves(text)
    font_size *= min(1.0, (right - start) / max(_length(line, font_size) for line in lines))
    for number, line in enumerate(lines):
        _write(canvas, line, start, middle + (number - (len(lines) - 1) / 2) * 1.15 * font_size, font_size, look.TEXT)


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
    x, height = look.FROM_LEFT + look.SPREAD * chance.random(), look.RISE + look.MORE_RISE * chance.random()
    sway = chance.choice([-1.0, 1.0]) * look.SWAY * canvas.width * math.sin(2 * math.pi * progress)
    grown = look.FIRST_SIZE + (1 - look.FIRST_SIZE) * min(1.0, progress / look.GROWN)
    fade = 1 - max(0.0, progress - look.FADES) / (1 - look.FADES)
    size = em * (look.SMALLEST + look.GROWTH * math.sqrt(reaction.strength))
    size = min(size, max(floor, 2 * em) / look.REACTION)  # above a low panel there is little room
    side = max(8, 2 * round(look.REACTION * size * grown / 2))
    left = x * canvas.width + sway - side / 2
    top = floor - side - (floor * height - side) * progress if floor * height > side else floor - side
    sprite = Image.new("RGBA", (round(side * 1.5), round(side * 1.1)))
    sprite.alpha_composite(_picture(reaction.name, side))
    if reaction.count > 1:
        _draw_badge(sprite, f"x{reaction.count}", side, size * grown)  # Pillow's font has no multiplication sign
    if fade < 1:
        sprite.putalpha(sprite.getchannel("A").point([round(alpha * fade) for alpha in range(256)]))
    _stamp(canvas, sprite, round(left), round(top))


def _draw_badge(sprite: Image.Image, text: str, side: int, em: float) -> None:
    width, height = round(_length(text, em, bold=True) + look.COUNT_WIDER * em), round(look.COUNT_HEIGHT * em)
    left = min(sprite.width - width, round(look.COUNT_LEFT * side))
    top = min(sprite.height, side + round(look.COUNT_BELOW * em)) - height
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = look.COUNT_GROUND
    _put(sprite, pixels, _rounded(width, height, height / 2), (max(0, left), top))
    _write(sprite, text, max(0, left) + width / 2, top + height / 2, em, look.TEXT, bold=True, anchor="mm")


def _draw_countdown(canvas: Image.Image, digit: int, floor: float) -> None:
    """The number in a disc, in the middle of what the panel leaves free (or of all where that is little)."""
    free = floor if floor > canvas.height / 3 else canvas.height
    side = max(24, round(_DISC * min(canvas.width, free)))
    place = round((canvas.width - side) / 2), round((free - side) / 2)
    ground, ink = ((*look.ZERO_GROUND, 255), look.ZERO_INK) if digit == 0 else (look.DIGIT_GROUND, look.TEXT)
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[:] = ground
    shape = _rounded(side, side, side / 2)
    _put(canvas, pixels, shape, place)
    ring = shape.copy()
    edge = max(2, round(look.RING_WIDTH * side))
    ring[edge:-edge, edge:-edge] -= _rounded(side - 2 * edge, side - 2 * edge, side / 2 - edge)
    pixels[:] = (*(look.ZERO_RING if digit == 0 else look.DIGIT_RING), 255)
    _put(canvas, pixels, ring.clip(0, 1), place)
    _write(canvas, str(digit), canvas.width / 2, free / 2, look.DIGIT_SIZE * side, ink, bold=True, anchor="mm")


# --- shapes, pictures and text ---------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4)
def _backdrop(width: int, height: int) -> Image.Image:
    """The empty panel with its shadow and rim; the same for every mood."""
    em = look.em(width, height)
    margin, radius = round(look.MARGIN * em), look.RADIUS * em
    panel_width, panel_height = width - 2 * margin, round(look.PANEL_HEIGHT * em)
    place = (margin, height - margin - panel_height)
    shape = _rounded(panel_width, panel_height, radius)
    shadow = Image.new("L", (width, height))
    below = (place[0], place[1] + round(look.SHADOW_DOWN * em))
    shadow.paste(Image.fromarray((shape * look.SHADOW).astype(np.uint8)), below)
    shadow = shadow.filter(ImageFilter.GaussianBlur(look.SHADOW_BLUR / 2 * em))
    # As with a box-shadow, none of it lies under the translucent panel.
    shadow.paste(0, place, Image.fromarray((shape * 255).astype(np.uint8)))
    canvas = Image.new("RGBA", (width, height))
    canvas.putalpha(shadow)
    pixels = np.zeros((panel_height, panel_width, 4), np.uint8)
    pixels[:] = look.PANEL
    _put(canvas, pixels, shape, place)
    rim = shape.copy()
    rim[1:-1, 1:-1] -= _rounded(panel_width - 2, panel_height - 2, radius - 1)
    pixels[:] = look.RIM
    _put(canvas, pixels, rim.clip(0, 1), place)
    return canvas


def _track(width: int, height: int) -> Bitmap:
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = look.TRACK
    return pixels


def _lit(pixels: Bitmap) -> Bitmap:
    """Light from above: whiter towards the top, darker towards the bottom, where there is colour."""
    height = len(pixels)
    down = np.linspace(0, 1, height, dtype=np.float32)
    light = look.LIGHT * (1 - down / look.LIGHT_UNTIL).clip(0, 1)
    shade = look.SHADE * ((down - look.LIGHT_UNTIL) / (1 - look.LIGHT_UNTIL)).clip(0, 1)
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


def _put(canvas: Image.Image, pixels: Bitmap, mask: Mask, place: tuple[int, int]) -> None:
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
    colours: dict[str, str] = json.loads((_FILES / "palette.json").read_text())
    return {name: (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)) for name, text in colours.items()}


@functools.lru_cache(maxsize=32)
def _original(name: str) -> Image.Image:
    with Image.open(_FILES / "pictures" / f"{name}.png") as file:
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
    return f"{math.floor(100 * share + 0.5)} %"  # as the page rounds
