"""The overlay as a picture: what overlay/overlay.html shows, drawn with Pillow for an OBS without a browser source.

``look`` has what the two must agree in to look alike at every size.
"""

import asyncio
import functools
import io
import math
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, get_args

import numpy as np
from PIL import Image, ImageFilter

from relay.common import look, paint
from relay.common.condition import number_word
from relay.common.lettering import Pen
from relay.common.texts import Language, Texts
from relay.core.channel import RECENT_S
from relay.core.limits import Ledger
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, Crowd, Mood, Reaction

MIN_WIDTH, MAX_WIDTH = 160, 1920
MIN_HEIGHT, MAX_HEIGHT = 60, 1080
LONGEST_TITLE = 60

_DISC = 0.52
"""Diameter of the countdown's disc, as a share of the smaller side of what the panel leaves free. The page has it in
the middle of everything; this is a still picture a few times a second, whose panel it would hide."""


_LEAST_TITLE = 6
"""Characters of a title that is cut."""
_FIRST_IDEOGRAPH = "\u2e80"


class Asked(NamedTuple):
    """A reaction that no viewer made, for the one picture that is asked for with it."""

    name: str
    """An expression or a tap."""
    age: float
    """Seconds since it began, 0 to ``RECENT_S``."""


class Wording(NamedTuple):
    """What stands in the picture besides figures."""

    language: Language = "en"
    title: str = ""


PLAIN = Wording()


class Finished(NamedTuple):
    """A picture, and what it should have shown and can't."""

    png: bytes
    notice: str
    """A sentence; empty if all is there."""


class BusyError(Exception):
    """So many pictures are being drawn that no other is begun; the message says whose."""


class Pictures:
    """Draws in a thread of its own, each size of a channel's picture at most once a tick, whoever asks for it."""

    KEPT = 32
    A_CHANNEL = 8
    """Pictures that are drawn for a channel, or wait for it: a set-up has one size, or a few."""

    def __init__(self, ledger: Ledger) -> None:
        self._threads = ThreadPoolExecutor(1, "draw")
        self._places = ledger.places("pictures", self.A_CHANNEL)
        self._drawn: dict[
            tuple[str, int, int, Wording, Asked | None, int | None], tuple[Mood, asyncio.Task[Finished]]
        ] = {}

    async def get(
        self, channel: str, mood: Mood, reactions: Sequence[Reaction], width: int, height: int,
        asked: Asked | None = None, digit: int | None = None, words: Wording = PLAIN,
    ) -> Finished:  # fmt: skip
        """The picture; arguments as for ``draw``.

        Raises:
            BusyError: too many others of the channel are being drawn.
        """
        key = (channel, width, height, words, asked, digit)
        mood_drawn, task = self._drawn.pop(key, (None, None))
        if task is None or mood_drawn is not mood:
            if not self._places.take(channel):
                raise BusyError(f"{self.A_CHANNEL} other pictures of {channel!r} are being drawn")
            work = functools.partial(_drawn, mood, tuple(reactions), width, height, asked, digit, words)
            task = asyncio.create_task(self._draw(channel, work))
        self._drawn[key] = (mood, task)
        while len(self._drawn) > self.KEPT:
            del self._drawn[next(iter(self._drawn))]
        return await asyncio.shield(task)

    async def _draw(self, channel: str, work: Callable[[], Finished]) -> Finished:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._places.free(channel)


def _drawn(
    mood: Mood, reactions: Sequence[Reaction], width: int, height: int, asked: Asked | None, digit: int | None,
    words: Wording,
) -> Finished:  # fmt: skip
    file = io.BytesIO()
    draw(mood, reactions, width, height, asked, digit, words).save(file, "PNG", compress_level=1)
    return Finished(file.getvalue(), notice(words))


def notice(words: Wording) -> str:
    """What can't be drawn, in a sentence without any letters but ASCII."""
    said = []
    if _spoken(words.language) != words.language:
        said.append(
            f"The picture's words are in English: no font on the relay's machine has all letters of {words.language}."
        )
    if missing := Pen(words.language).missing(words.title):
        names = ", ".join(f"U+{ord(letter):04X}" for letter in missing[:8])
        said.append(f"The title lacks {names}, which no font on the relay's machine has.")
    return " ".join(said)


@functools.cache
def _spoken(language: Language) -> Language:
    """The language, or English where there are no fonts for it."""
    hand = _Hand(language)
    written = hand.say("common.paused") + hand.say("common.taps_only") + hand.say("overlay.tune")
    written += "".join(hand.say(f"common.expression.{name}") for name in EXPRESSIONS)
    written += "".join(_condition(hand, least, crowd) for least in (1, 5) for crowd in get_args(Crowd))
    return "en" if hand.pen.missing(written) else language


def draw(
    mood: Mood, reactions: Sequence[Reaction], width: int, height: int,
    asked: Asked | None = None, digit: int | None = None, words: Wording = PLAIN,
) -> Image.Image:  # fmt: skip
    """The overlay at the mood's time as a transparent RGBA picture.

    ``reactions``: those of the last ``RECENT_S`` seconds. ``width`` 160 to 1920 and ``height`` 60 to 1080 pixels.
    ``asked``: one more reaction, for this picture alone. ``digit``: the number of a countdown, which 0 ends. ``notice``
    tells what of the words it can't show.
    """
    em = look.em(width, height)
    hand = _Hand(_spoken(words.language))
    canvas = _backdrop(width, height).copy()
    outer = _panel_width(width, em)
    left, right = ((width - outer) / 2 + look.PADDING_X * em, (width + outer) / 2 - look.PADDING_X * em)
    top = height - (look.MARGIN + look.PANEL_HEIGHT) * em
    for reaction in reactions:
        _draw_reaction(canvas, hand, reaction, mood.time - reaction.time, em, top)
    if asked is not None:
        # Always of the same time, so that it keeps to one path from picture to picture.
        kind: Literal["expression", "tap"] = "tap" if asked.name in TAPS else "expression"
        alone = Reaction(time=0, kind=kind, name=asked.name, strength=0.5, count=1)
        _draw_reaction(canvas, hand, alone, asked.age, em, top)
    row = top + (look.PADDING_TOP + look.ROW / 2) * em
    under_row = top + (look.PADDING_TOP + look.ROW + look.ROW_BELOW) * em
    face = (left, (row - look.ROW / 2 * em + under_row + look.BAR * em) / 2)
    left += (look.LEADER + look.LEADER_GAP) * em
    bar = (round(left), round(under_row), round(right - left), round(look.BAR * em))
    if mood.visible:
        paint.bar(canvas, mood.shares, bar)
        leader = _leader(mood.shares)
        name = EXPRESSIONS[leader]
        _draw_face(canvas, name, face, em)
        share = _percent(hand, mood.shares[leader])
        text = hand.say("common.share", percent=share, word=hand.say(f"common.expression.{name}"))
        start = hand.pen.write(canvas, text, left, row, look.LEADER_TEXT * em, look.TEXT, bold=True) + look.ROW_GAP * em
        end = _draw_figures(canvas, hand, mood, (start, right), row, em) - look.ROW_GAP * em
        _draw_title(canvas, hand, words.title, (start, end), row, em)
    else:
        paint.resting(canvas, bar)
        _draw_face(canvas, "neutral", face, em, look.LEADER_RESTING)
        _draw_condition(canvas, hand, _hidden_words(hand, mood), (left, right), row, em)
    if digit is not None:
        _draw_countdown(canvas, hand, digit, top)
    return canvas


class _Hand:
    """What is said, and with which pen."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.pen = Pen(language)

    def say(self, key: str, **values: object) -> str:
        """``PART.KEY``, as the pages name texts."""
        part, _, name = key.partition(".")
        return Texts(self.language, part)(name, **values)


def _hidden_words(hand: _Hand, mood: Mood) -> str:
    """As overlay/figures.js says it."""
    if mood.paused:
        return hand.say("common.paused")
    return _condition(hand, mood.min_viewers, mood.crowd) if mood.cameras else hand.say("common.taps_only")


def _condition(hand: _Hand, least: int, crowd: Crowd) -> str:
    """As overlay/figures.js says it."""
    number = number_word(least) if hand.language == "en" else least
    return hand.say(f"common.shown_once.{'one' if least == 1 else crowd}", count=least, number=number)


# --- the panel's contents --------------------------------------------------------------------------------------------


def _leader(shares: Sequence[float]) -> int:
    """The most frequent expression besides neutral."""
    expressive = [index for index in range(len(EXPRESSIONS)) if index != NEUTRAL and shares[index] > 0]
    return max(expressive, key=lambda index: shares[index], default=NEUTRAL)


def _draw_face(canvas: Image.Image, name: str, place: tuple[float, float], em: float, opacity: float = 1.0) -> None:
    """An expression's picture; ``place`` is the middle of its left side."""
    size = round(look.LEADER * em)
    face = paint.picture(name, size)
    if opacity < 1:
        face = face.copy()
        face.putalpha(face.getchannel("A").point([round(alpha * opacity) for alpha in range(256)]))
    canvas.alpha_composite(face, (round(place[0]), round(place[1] - size / 2)))


def _draw_figures(
    canvas: Image.Image, hand: _Hand, mood: Mood, room: tuple[float, float], middle: float, em: float
) -> float:
    """At the right how many share and how much in tune they are; what does not fit is left out, the meter first.

    Returns where they begin.
    """
    pen, (start, right) = hand.pen, room
    in_tune, value = hand.say("overlay.tune"), _percent(hand, mood.resonance)
    sharing = hand.say("overlay.sharing", count=mood.sharing, sharing=mood.sharing, viewers=mood.viewers)
    value_width = max(pen.length(value, em, bold=True), look.TUNE_VALUE * em)
    meter, tune_gap, gap = look.METER_WIDTH * em, look.TUNE_GAP * em, look.FIGURES_GAP * em
    needed = pen.length(in_tune, em) + tune_gap + value_width
    if right - start >= needed:
        with_meter = right - start >= needed + meter + tune_gap + gap + pen.length(sharing, em)
        pen.write(canvas, value, right, middle, em, look.TEXT, bold=True, anchor="r")
        right -= value_width + tune_gap
        if with_meter:
            _draw_meter(canvas, mood.resonance, right - meter, middle, em)
            right -= meter + tune_gap
        pen.write(canvas, in_tune, right, middle, em, look.MUTED, anchor="r")
        right -= pen.length(in_tune, em) + gap
    if right - start >= pen.length(sharing, em):
        pen.write(canvas, sharing, right, middle, em, look.MUTED, anchor="r")
        right -= pen.length(sharing, em)
    return right


def _draw_title(
    canvas: Image.Image, hand: _Hand, title: str, room: tuple[float, float], middle: float, em: float
) -> None:
    """In the middle of its room; cut where that is short, left out where hardly any of it would be there."""
    start, end = room
    text = title
    while text and hand.pen.length(text, em) > end - start:
        text = text.rstrip("\N{HORIZONTAL ELLIPSIS}")[:-1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
        if len(text) < _LEAST_TITLE:
            return
    hand.pen.write(canvas, text, (start + end) / 2, middle, em, look.MUTED, anchor="m")


def _draw_meter(canvas: Image.Image, share: float, left: float, middle: float, em: float) -> None:
    width, height = round(look.METER_WIDTH * em), max(4, round(look.METER_HEIGHT * em))
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = look.METER_TRACK
    filled = round(share * width)
    along = np.linspace(0, 1, width)[:filled, None]
    pixels[:, :filled, :3] = np.array(look.METER[0]) * (1 - along) + np.array(look.METER[1]) * along
    pixels[:, :filled, 3] = 255
    paint.put(canvas, pixels, paint.rounded(width, height, height / 2), (round(left), round(middle - height / 2)))


def _draw_condition(
    canvas: Image.Image, hand: _Hand, text: str, room: tuple[float, float], middle: float, em: float
) -> None:
    """A sentence on one line where there is room, else on two."""
    start, right = room
    font_size = look.WAITING_TEXT * em
    lines = [text] if hand.pen.length(text, font_size) <= right - start else _halves(text)
    font_size *= min(1.0, (right - start) / max(hand.pen.length(line, font_size) for line in lines))
    for number, line in enumerate(lines):
        y = middle + (number - (len(lines) - 1) / 2) * 1.15 * font_size
        hand.pen.write(canvas, line, start, y, font_size, look.TEXT)


def _halves(text: str) -> list[str]:
    """The two lines of a text whose lengths differ least; one where it can't be broken.

    Chinese and Japanese, which have no spaces, are broken anywhere but before a mark such as a full stop.
    """
    cuts = [
        cut
        for cut in range(1, len(text))
        if text[cut] == " " or (text[cut - 1] >= _FIRST_IDEOGRAPH and unicodedata.category(text[cut])[0] != "P")
    ]
    pairs = [[text[:cut], text[cut:].lstrip()] for cut in cuts]
    return min(pairs, key=lambda pair: abs(len(pair[0]) - len(pair[1])), default=[text])


def _draw_reaction(canvas: Image.Image, hand: _Hand, reaction: Reaction, age: float, em: float, floor: float) -> None:
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
    sprite.alpha_composite(paint.picture(reaction.name, side))
    if reaction.count > 1:
        _draw_badge(sprite, hand, f"\N{MULTIPLICATION SIGN}{reaction.count}", side, size * grown)
    if fade < 1:
        sprite.putalpha(sprite.getchannel("A").point([round(alpha * fade) for alpha in range(256)]))
    _stamp(canvas, sprite, round(left), round(top))


def _draw_badge(sprite: Image.Image, hand: _Hand, text: str, side: int, em: float) -> None:
    width, height = round(hand.pen.length(text, em, bold=True) + look.COUNT_WIDER * em), round(look.COUNT_HEIGHT * em)
    left = min(sprite.width - width, round(look.COUNT_LEFT * side))
    top = min(sprite.height, side + round(look.COUNT_BELOW * em)) - height
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:] = look.COUNT_GROUND
    paint.put(sprite, pixels, paint.rounded(width, height, height / 2), (max(0, left), top))
    hand.pen.write(sprite, text, max(0, left) + width / 2, top + height / 2, em, look.TEXT, bold=True, anchor="m")


def _draw_countdown(canvas: Image.Image, hand: _Hand, digit: int, floor: float) -> None:
    """The number in a disc, in the middle of what the panel leaves free (or of all where that is little)."""
    free = floor if floor > canvas.height / 3 else canvas.height
    side = max(24, round(_DISC * min(canvas.width, free)))
    place = round((canvas.width - side) / 2), round((free - side) / 2)
    ground, ink = ((*look.ZERO_GROUND, 255), look.ZERO_INK) if digit == 0 else (look.DIGIT_GROUND, look.TEXT)
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[:] = ground
    shape = paint.rounded(side, side, side / 2)
    paint.put(canvas, pixels, shape, place)
    ring = shape.copy()
    edge = max(2, round(look.RING_WIDTH * side))
    ring[edge:-edge, edge:-edge] -= paint.rounded(side - 2 * edge, side - 2 * edge, side / 2 - edge)
    pixels[:] = (*(look.ZERO_RING if digit == 0 else look.DIGIT_RING), 255)
    paint.put(canvas, pixels, ring.clip(0, 1), place)
    size = look.DIGIT_SIZE * side
    hand.pen.write(canvas, str(digit), canvas.width / 2, free / 2, size, ink, bold=True, anchor="m")


# --- shapes and pictures ------------------------------------------------------------------------------------------


def _panel_width(width: int, em: float) -> float:
    return min(look.WIDTH * em, width - 2 * look.MARGIN * em)


@functools.lru_cache(maxsize=4)
def _backdrop(width: int, height: int) -> Image.Image:
    """The empty panel with its shadow and rim; the same for every mood."""
    em = look.em(width, height)
    radius = look.RADIUS * em
    panel_width, panel_height = round(_panel_width(width, em)), round(look.PANEL_HEIGHT * em)
    place = (round((width - panel_width) / 2), height - round(look.MARGIN * em) - panel_height)
    shape = paint.rounded(panel_width, panel_height, radius)
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
    paint.put(canvas, pixels, shape, place)
    rim = shape.copy()
    rim[1:-1, 1:-1] -= paint.rounded(panel_width - 2, panel_height - 2, radius - 1)
    pixels[:] = look.RIM
    paint.put(canvas, pixels, rim.clip(0, 1), place)
    return canvas


def _stamp(canvas: Image.Image, sprite: Image.Image, left: int, top: int) -> None:
    """Lay a sprite over the canvas, which it may leave at any side."""
    source = (max(0, -left), max(0, -top))
    if source[0] < sprite.width and source[1] < sprite.height and left < canvas.width and top < canvas.height:
        canvas.alpha_composite(sprite, (max(0, left), max(0, top)), source)


def _percent(hand: _Hand, share: float) -> str:
    return hand.say("common.percent", number=math.floor(100 * share + 0.5))  # as the page rounds
