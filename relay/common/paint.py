"""The mood bar and the pictures of expressions and taps, drawn with Pillow as the pages show them."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from relay.common import look
from relay.protocol import EXPRESSIONS

Bitmap = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.float32]

_FILES = Path(__file__).parents[2] / "overlay"


class Mark(NamedTuple):
    """What marks a segment: where, in pixels, how large beside a full face, and whether it is a dot."""

    middle: float
    size: float
    dot: bool


def bar(canvas: Image.Image, shares: Sequence[float], box: tuple[int, int, int, int]) -> None:
    """Seven shares, 0 to 1, as segments in ``box`` (left, top, width, height in pixels), each with its face or dot."""
    left, top, width, height = box
    pixels = _track(width, height)
    found = segments(shares, width)
    for index, (start, end) in found.items():
        pixels[:, start:end] = (*palette()[EXPRESSIONS[index]], 255)
    put(canvas, _lit(pixels), rounded(width, height, height / 2), (left, top))
    for index, mark in marks(found, width, height).items():
        draw = _dot if mark.dot else _face
        draw(canvas, EXPRESSIONS[index], left + mark.middle, top + height / 2, mark.size * height)


def marks(parts: Mapping[int, tuple[int, int]], width: int, height: int) -> dict[int, Mark]:
    """The faces and dots of segments, as of ``segments``; none hides another. overlay/figures.js has the same."""
    edge = (1 - look.DISC) * height / 2
    found: dict[int, Mark] = {}
    start = edge
    for index, (left, right) in parts.items():
        room = min(1.0, (right - left) / (look.FACE_ROOM * height))
        size = look.DOT if room < look.LEAST_FACE else room
        half = look.DISC * size * height / 2
        found[index] = Mark(max((left + right) / 2, start + half), size, room < look.LEAST_FACE)
        start = found[index].middle + half
    end = width - edge
    for index, mark in reversed(found.items()):
        half = look.DISC * mark.size * height / 2
        found[index] = mark._replace(middle=min(mark.middle, end - half))
        end = found[index].middle - half
    return found


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


def _face(canvas: Image.Image, name: str, x: float, y: float, height: float) -> None:
    """With its light disc, as large as in a bar of that height."""
    _disc(canvas, look.FACE_RING, x, y, look.DISC * height)
    size = max(1, round(look.FACE * height))
    canvas.alpha_composite(picture(name, size), (max(0, round(x - size / 2)), max(0, round(y - size / 2))))


def _dot(canvas: Image.Image, name: str, x: float, y: float, height: float) -> None:
    _disc(canvas, look.FACE_RING, x, y, look.DISC * height)
    _disc(canvas, palette()[name], x, y, look.DOT_CORE * height)


def _disc(canvas: Image.Image, colour: tuple[int, int, int], x: float, y: float, size: float) -> None:
    side = max(2, round(size))
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[:] = (*colour, 255)
    put(canvas, pixels, rounded(side, side, side / 2), (max(0, round(x - side / 2)), max(0, round(y - side / 2))))


def resting(canvas: Image.Image, box: tuple[int, int, int, int]) -> None:
    """The faces side by side, in the bar's place while nothing is shown: no bar that could look like one that fills.

    ``box`` is as for ``bar``.
    """
    left, top, width, height = box
    for index, name in enumerate(EXPRESSIONS):
        face = Image.new("RGBA", (height, height))
        _face(face, name, height / 2, height / 2, height)
        face.putalpha(face.getchannel("A").point([round(alpha * look.RESTING) for alpha in range(256)]))
        middle = left + width * (index + 0.5) / len(EXPRESSIONS)
        canvas.alpha_composite(face, (round(middle - height / 2), top))


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
def rounded(width: int, height: int, radius: float) -> Mask:
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


def put(canvas: Image.Image, pixels: Bitmap, mask: Mask, place: tuple[int, int]) -> None:
    """Lay RGBA pixels, shape (height, width, 4), in the mask's shape over the canvas."""
    alpha = (pixels[..., 3] * mask).round().astype(np.uint8)
    canvas.alpha_composite(Image.fromarray(np.dstack([pixels[..., :3], alpha])), place)


@functools.lru_cache(maxsize=1)
def palette() -> dict[str, tuple[int, int, int]]:
    """RGB, 0 to 255, per expression."""
    colours: dict[str, str] = json.loads((_FILES / "palette.json").read_text())
    return {name: (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)) for name, text in colours.items()}


@functools.lru_cache(maxsize=32)
def _original(name: str) -> Image.Image:
    with Image.open(_FILES / "pictures" / f"{name}.png") as file:
        original: Image.Image = file.convert("RGBA")
    return original


@functools.lru_cache(maxsize=256)
def picture(name: str, size: int) -> Image.Image:
    """An expression's or tap's picture, ``size`` x ``size`` RGBA."""
    return _original(name).resize((size, size), Image.Resampling.LANCZOS)
