"""Portraits as they can't be read, and as cameras and rooms make them, which must be read: drawn, not photographed.

Each function gets a picture (H, W, 3) RGB, the landmarks (478, 2) of its face in pixels, and random numbers.
"""

from collections.abc import Callable, Mapping
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
Spoil = Callable[[Picture, Points, np.random.Generator], Picture]

_FOREHEAD, _CHIN, _NOSE = 10, 152, 4
_JAW = (93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323)
"""Along the jaw, from the right ear to the left one."""
_UPPER_EDGES = ((345, 347, 197, 118, 116), (345, 346, 6, 117, 116), (280, 329, 195, 100, 50), (366, 280, 5, 50, 137))
"""Of masks, from the left cheek over the nose to the right one: worn as usual, high, low, and lower still."""
_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_COLOURS = {"blue": (150, 190, 220), "white": (235, 235, 235), "black": (25, 25, 28)}
MASKS = (*_COLOURS, "patterned")
_FRAME = (640, 480)


def masked(picture: Picture, points: Points, rng: np.random.Generator, kind: str, folds: bool) -> Picture:
    """A mask over nose, mouth and chin; ``kind`` is one of ``MASKS``, or "any" colour, pattern, shape and light.

    With ``folds`` it has three of them, and the light of the face below.
    """
    edge = _UPPER_EDGES[rng.integers(len(_UPPER_EDGES)) if kind == "any" else 0]
    cover = _filled(picture, points[list(_JAW + edge)])
    plain = kind in _COLOURS or (kind == "any" and rng.random() < 0.4)
    colour = _COLOURS.get(kind) or rng.uniform(15, 245, 3)
    cloth = (
        np.ones((*picture.shape[:2], 1), np.float32) * np.float32(colour) if plain else _pattern(picture, points, rng)
    )
    if folds:
        cloth = _folded(cloth, picture, points, cover) + rng.normal(0, rng.uniform(1, 6), picture.shape)
    return _laid(picture, cloth, cover, 3)


def _filled(picture: Picture, outline: Points) -> Picture:
    cover = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(cover, [np.rint(outline * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    return cover


def _laid(picture: Picture, above: NDArray[np.floating], cover: Picture, soft: int) -> Picture:
    """``above`` (H, W, 3) where ``cover`` is, with an edge of ``soft`` pixels (odd)."""
    share = cv2.GaussianBlur(cover, (soft, soft), 0)[..., None] / 255
    return np.clip(np.rint(picture * (1 - share) + np.clip(above, 0, 255) * share), 0, 255).astype(np.uint8)


def _height(points: Points) -> float:
    return float(np.linalg.norm(points[_FOREHEAD] - points[_CHIN]))


def _pattern(picture: Picture, points: Points, rng: np.random.Generator) -> NDArray[np.float32]:
    """Stripes, checks, dots or blotches of any size, direction and colours."""
    height, (down, across) = _height(points), np.mgrid[: picture.shape[0], : picture.shape[1]]
    angle, number, kind = rng.uniform(0, np.pi), rng.uniform(4, 24), rng.integers(4)
    u = (np.cos(angle) * across + np.sin(angle) * down) / height * number
    v = (np.cos(angle) * down - np.sin(angle) * across) / height * number
    if kind == 0:
        share = np.sin(2 * np.pi * u) > rng.uniform(-0.7, 0.7)
    elif kind == 1:
        share = (np.floor(u) + np.floor(v)) % 2 > 0
    elif kind == 2:
        share = np.hypot(u % 1 - 0.5, v % 1 - 0.5) < rng.uniform(0.2, 0.45)
    else:
        blotches = cv2.GaussianBlur(rng.normal(0, 1, picture.shape[:2]), (0, 0), height / number / 4)
        share = blotches > blotches.std() * rng.uniform(-1, 1)
    one, other = rng.uniform(15, 245, (2, 3))
    return np.where(share[..., None], one, other).astype(np.float32)


def _folded(cloth: NDArray[np.float32], picture: Picture, points: Points, cover: Picture) -> NDArray[np.float32]:
    height = _height(points)
    light = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.06 * height)
    shade = np.clip(light / max(float(light[cover > 0].mean()), 1.0), 0.5, 1.5)
    down = np.arange(len(picture), dtype=np.float32)
    for part in (0.62, 0.70, 0.78):
        at = points[_FOREHEAD, 1] * (1 - part) + points[_CHIN, 1] * part
        shade *= (1 - 0.18 * np.exp(-(((down - at) / (0.012 * height)) ** 2)))[:, None]
    return np.asarray(cloth * shade[..., None], np.float32)


def cut(picture: Picture, points: Points, rng: np.random.Generator, side: str, share: float) -> Picture:
    """The picture ends where ``share`` of the face's height (chin, top) or width (left, right) lies beyond its edge."""
    left, right = points[:468, 0].min(), points[:468, 0].max()
    top, bottom = points[_FOREHEAD, 1], points[_CHIN, 1]
    parts = {
        "chin": np.s_[: round(bottom - share * (bottom - top))],
        "top": np.s_[round(top + share * (bottom - top)) :],
        "left": np.s_[:, round(left + share * (right - left)) :],
        "right": np.s_[:, : round(right - share * (right - left))],
    }
    return np.ascontiguousarray(picture[parts[side]])


def at_the_edge(picture: Picture, points: Points, rng: np.random.Generator, side: str, share: float) -> Picture:
    """The same cut by the edge of a camera's frame of 640 by 480."""
    ended = cut(picture, points, rng, side, share)
    middle = (points[:468].min(0) + points[:468].max(0)) / 2
    x = {"left": 0.0, "right": _FRAME[0] - ended.shape[1]}.get(side, _FRAME[0] / 2 - middle[0])
    y = _FRAME[1] - ended.shape[0] if side == "chin" else _FRAME[1] / 2 - middle[1]
    matrix = np.array([(1, 0, x), (0, 1, y)])
    return np.asarray(cv2.warpAffine(ended, matrix, _FRAME, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def rolled(picture: Picture, points: Points, rng: np.random.Generator, degrees: float) -> Picture:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _upside_down(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    return np.ascontiguousarray(picture[::-1, ::-1])


def _flipped(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    return np.ascontiguousarray(picture[::-1])


def _lit(picture: Picture, points: Points, rng: np.random.Generator, light: tuple[float, ...], base: float) -> Picture:
    return np.clip(np.rint(picture * np.array(light) + base), 0, 255).astype(np.uint8)


def _from_a_side(picture: Picture, points: Points, rng: np.random.Generator, axis: int) -> Picture:
    """0.3 to 1 of the light, rising over the face from left to right (1) or from the chin up (0)."""
    low, high = points[:468, 1 - axis].min(), points[:468, 1 - axis].max()
    share = np.clip((np.arange(picture.shape[axis]) - low) / (high - low), 0, 1)
    light = 0.3 + 0.7 * (share if axis else 1 - share)
    return np.asarray(np.rint(picture * np.expand_dims(light, (1 - axis, 2))), np.uint8)


def grey(picture: Picture) -> Picture:
    """As an infrared or grey camera sends it."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def _grey(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    return grey(picture)


def _compressed(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], 1), np.uint8)


def _blurred(picture: Picture, points: Points, rng: np.random.Generator, share: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), share * _height(points)), np.uint8)


def small(picture: Picture, points: Points, rng: np.random.Generator, height: int) -> Picture:
    """As if the face had been so many pixels high."""
    scale, (rows, columns) = height / _height(points), picture.shape[:2]
    shrunk = cv2.resize(picture, (round(columns * scale), round(rows * scale)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (columns, rows), interpolation=cv2.INTER_LINEAR), np.uint8)


def _noisy(picture: Picture, points: Points, rng: np.random.Generator, sigma: float) -> Picture:
    return np.clip(np.rint(picture + rng.normal(0, sigma, picture.shape)), 0, 255).astype(np.uint8)


def _hand(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    """Fingers over the right half of the mouth."""
    height, cover = _height(points), np.zeros(picture.shape[:2], np.uint8)
    middle = 0.75 * points[61] + 0.25 * points[291] + (0, 0.02 * height)
    axes = (int(0.13 * height), int(0.1 * height))
    cv2.ellipse(cover, (int(middle[0]), int(middle[1])), axes, 15, 0, 360, (255,), -1, cv2.LINE_AA)
    down = np.arange(len(picture)) / height
    fingers = 1 - 0.25 * (np.abs(np.sin(np.pi * down / 0.05)) < 0.15)
    return _laid(picture, fingers[:, None, None] * 0.9 * _skin(picture, points), cover, 5)


def _skin(picture: Picture, points: Points) -> NDArray[np.float64]:
    x, y = np.rint(points[[50, 280, 151]]).astype(int).T
    return np.asarray(picture[y, x].mean(0), np.float64)


def _bearded(
    picture: Picture, points: Points, rng: np.random.Generator, colour: tuple[int, ...], share: float
) -> Picture:
    """Hair over jaw, chin and upper lip."""
    height, cover = _height(points), _filled(picture, points[[*_JAW, 425, 164, 205]])
    cover[_filled(picture, points[list(_LIPS)]) > 0] = 0
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.01 * height) * share, np.uint8)
    hair = np.array(colour) + 45 * cv2.GaussianBlur(rng.normal(0, 1, picture.shape[:2]), (0, 0), 1.2)[..., None]
    return _laid(picture, hair, cover, 1)


def _spectacled(picture: Picture, points: Points, rng: np.random.Generator, dark: bool) -> Picture:
    worn, height = picture.copy(), _height(points)
    thick, axes = max(2, int(0.02 * height)), (int(0.14 * height), int(0.1 * height))
    for corners in ((33, 133), (362, 263)):
        x, y = points[list(corners)].mean(0)
        cv2.ellipse(worn, (int(x), int(y)), axes, 0, 0, 360, (20, 20, 20), -1 if dark else thick, cv2.LINE_AA)
    bridge = [(int(x), int(y)) for x, y in points[[133, 362]]]
    cv2.line(worn, bridge[0], bridge[1], (20, 20, 20), thick)
    return worn


def _after(first: Spoil, then: Spoil) -> Spoil:
    return lambda picture, points, rng: then(first(picture, points, rng), points, rng)


def untouched(picture: Picture, points: Points, rng: np.random.Generator) -> Picture:
    """As it is."""
    return picture


_DIM: Spoil = partial(_lit, light=(0.1, 0.1, 0.1), base=0)

COVERED: Mapping[str, Spoil] = {
    **{f"mask, {kind}": partial(masked, kind=kind, folds=False) for kind in MASKS},
    **{f"mask, {kind}, with folds": partial(masked, kind=kind, folds=True) for kind in MASKS},
    **{f"mask, {kind}, grey camera": _after(partial(masked, kind=kind, folds=True), _grey) for kind in MASKS},
    **{f"mask, {kind}, 10 % of the light": _after(partial(masked, kind=kind, folds=True), _DIM) for kind in MASKS},
    "mask, blue, face of 60 px": _after(partial(masked, kind="blue", folds=True), partial(small, height=60)),
}
TURNED: Mapping[str, Spoil] = {
    "upside down": _upside_down,
    "upside down, mirrored": _flipped,
    "roll 120 degrees": partial(rolled, degrees=120),
    "roll 150 degrees": partial(rolled, degrees=150),
}
CUT: Mapping[str, Spoil] = {
    "chin 30 % out": partial(cut, side="chin", share=0.3),
    "chin 30 % out, in a frame": partial(at_the_edge, side="chin", share=0.3),
    "chin 40 % out": partial(cut, side="chin", share=0.4),
    "left side 40 % out": partial(cut, side="left", share=0.4),
    "right side 40 % out": partial(cut, side="right", share=0.4),
    "left side 40 % out, in a frame": partial(at_the_edge, side="left", share=0.4),
    "right side 40 % out, in a frame": partial(at_the_edge, side="right", share=0.4),
}
UNTOUCHED = "untouched"
ORDINARY: Mapping[str, Spoil] = {
    UNTOUCHED: untouched,
    **{f"{share:.0%} of the light": partial(_lit, light=(share,) * 3, base=0) for share in (0.5, 0.25, 0.1, 0.05)},
    "180 % of the light": partial(_lit, light=(1.8,) * 3, base=0),
    "40 % of the contrast": partial(_lit, light=(0.4,) * 3, base=110),
    "warm light": partial(_lit, light=(1.2, 0.9, 0.6), base=0),
    "cold light": partial(_lit, light=(0.6, 0.85, 1.2), base=0),
    "light from a side": partial(_from_a_side, axis=1),
    "light from above": partial(_from_a_side, axis=0),
    **{f"roll {degrees} degrees": partial(rolled, degrees=degrees) for degrees in (20, -20, 40, -40, 60, -60, 90)},
    "JPEG quality 10": _compressed,
    "grey camera": _grey,
    "grey camera, 10 % of the light": _after(_DIM, _grey),
    **{f"blur of {share:.0%} of the face": partial(_blurred, share=share) for share in (0.01, 0.02, 0.03)},
    **{f"face of {height} px": partial(small, height=height) for height in (60, 40)},
    **{f"noise of {sigma}": partial(_noisy, sigma=sigma) for sigma in (10, 20)},
    "half of the mouth behind a hand": _hand,
    "dark beard": partial(_bearded, colour=(40, 32, 28), share=0.85),
    "grey beard": partial(_bearded, colour=(120, 110, 105), share=0.85),
    "stubble": partial(_bearded, colour=(40, 32, 28), share=0.4),
    "glasses": partial(_spectacled, dark=False),
    "sunglasses": partial(_spectacled, dark=True),
    **{f"chin {share:.0%} out": partial(cut, side="chin", share=share) for share in (0.1, 0.2)},
    **{f"{side} side 20 % out": partial(cut, side=side, share=0.2) for side in ("left", "right")},
    "forehead 20 % out": partial(cut, side="top", share=0.2),
}
