"""A portrait as a mesh that can be moved: piecewise affine over a triangulation of the landmarks.

The inverse map is looked up triangle by triangle, so lips that touch in the portrait can part: what opens between them
is no part of the portrait and is painted.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.clips.motions import INNER_LOWER, INNER_UPPER, Points
from models.inference import align
from models.inference.contract import IMAGENET, CropSpec

Picture = NDArray[np.uint8]

_SURROUNDINGS = 1.5
"""Side of what is kept of a portrait relative to the pictures made of it: a moving head must not show an edge."""
MESH = 468
"""Points of the face itself; the landmarker's last ten lie on the irises."""
_FRAME_POINTS = 10
"""On each side of the square around the face."""
_LIPS_APART = 0.008
"""Of a tile: pairs of points on closed lips are parted by it, so that no triangle between them is turned over."""
_SHUT = 0.03
"""Of a tile: from which opening on a portrait's own mouth shows an inside, and none is painted."""
_TEETH = 0.03
"""Of a tile: their height, as far as the opening has room."""
_SUBPIXEL = 4
"""Bits of a pixel's fraction in OpenCV's drawing functions."""


@dataclass(frozen=True)
class FaceMesh:
    """``picture`` (B, B, 3) RGB, and in its pixels the mesh at rest (P, 2): the face, then points around it.

    ``triangles`` (T, 3) index the mesh. ``tile`` is the length of the unit of ``models.clips.motions``.
    """

    picture: Picture
    rest: Points
    triangles: NDArray[np.int32]
    tile: float

    @property
    def face(self) -> Points:
        """The mesh at rest (468, 2) in tiles, its eyes and mouth where ``models.inference.align`` puts them."""
        return (self.rest[:MESH] - len(self.picture) / 2) / self.tile + 0.5


def portrait(picture: Picture, landmarks: Points, size: int, margin: float) -> FaceMesh:
    """The face of a picture (H, W, 3) RGB, made ready for pictures of ``size`` px that are cut at ``margin``.

    ``landmarks`` (478, 2) in pixels.
    """
    side = round(size * _SURROUNDINGS)
    crop = CropSpec(side, margin * side / size, IMAGENET)
    matrix = align.crop_matrix(landmarks, side, crop.margin)
    tile = size / margin
    rest = landmarks[:MESH] @ matrix[:, :2].T + matrix[:, 2]
    rest = _part_lips(rest, _LIPS_APART * tile)
    along = np.linspace(-0.25, 1.25, _FRAME_POINTS, endpoint=False) * side
    low, high = np.full_like(along, -0.25 * side), np.full_like(along, 1.25 * side)
    back = side - along
    frame = np.concatenate([np.stack(edge, 1) for edge in ((along, low), (high, along), (back, high), (low, back))])
    rest = np.concatenate([rest, frame])
    return FaceMesh(align.aligned_face(picture, landmarks, crop), rest, _triangulate(rest), tile)


def _part_lips(mesh: Points, apart: float) -> Points:
    """The mesh with the edge of the upper lip at least ``apart`` above that of the lower one."""
    upper, lower = list(INNER_UPPER[1:-1]), list(INNER_LOWER[1:-1])
    missing = np.clip(apart - (mesh[lower, 1] - mesh[upper, 1]), 0, None) / 2
    parted = np.array(mesh)
    parted[upper, 1] -= missing
    parted[lower, 1] += missing
    return parted


def _triangulate(points: Points) -> NDArray[np.int32]:
    """Delaunay triangles (T, 3) of points (P, 2); one of two points in the same place is left out."""
    exact = points.astype(np.float32)
    (left, top), (right, bottom) = np.floor(exact.min(0)) - 1, np.ceil(exact.max(0)) + 2
    plane = cv2.Subdiv2D((int(left), int(top), int(right - left), int(bottom - top)))
    for x, y in exact.tolist():
        plane.insert((x, y))
    number = {(x, y): i for i, (x, y) in enumerate(exact.tolist())}
    corners = np.asarray(plane.getTriangleList(), np.float32).reshape(-1, 3, 2).tolist()
    found = [[number.get((x, y)) for x, y in triangle] for triangle in corners]
    inside = [triangle for triangle in found if None not in triangle]  # the others touch OpenCV's own outer corners
    return np.array(inside, np.int32)


def render(of: FaceMesh, mesh: Points, size: int, teeth: float = 1) -> Picture:
    """The portrait with its mesh moved to ``mesh`` (P, 2): the middle (size, size, 3) of its square.

    Lips that are pressed together meet, they do not cross. ``teeth`` is how much of the upper ones' white shows between
    lips that part, 0 to 1.
    """
    mesh = _part_lips(mesh, _LIPS_APART * of.tile)
    shift = (len(of.picture) - size) / 2
    moved = (mesh - shift)[of.triangles]
    rest = of.rest[of.triangles]
    edges = moved[:, 1:] - moved[:, :1]
    area = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    seen = (area > 1e-3) & (moved.max(1) > 0).all(1) & (moved.min(1) < size).all(1)
    moved, rest = moved[seen], rest[seen]
    # For each triangle, the affine map (3, 2) from a pixel (x, y, 1) of the result to the portrait.
    maps = np.linalg.solve(np.concatenate([moved, np.ones((*moved.shape[:2], 1))], 2), rest)
    which = np.zeros((size, size), np.int32)
    corners = np.rint(moved * (1 << _SUBPIXEL)).astype(np.int32)
    for i, triangle in enumerate(corners):
        cv2.fillConvexPoly(which, triangle, i, shift=_SUBPIXEL)
    # Coefficient by coefficient, which takes a sixth of the time of the same by einsum.
    y, x = np.mgrid[:size, :size]
    along_x, along_y, start = np.ascontiguousarray(maps.transpose(1, 2, 0))
    source = np.empty((size, size, 2), np.float32)
    for k in (0, 1):
        source[..., k] = x * along_x[k].take(which) + y * along_y[k].take(which) + start[k].take(which)
    result = cv2.remap(of.picture, source, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return _paint_mouth(of, np.asarray(result, np.uint8), mesh - shift, teeth)


def _paint_mouth(of: FaceMesh, picture: Picture, mesh: Points, white: float) -> Picture:
    """What opened between lips that were closed: dark, with the upper teeth."""
    upper, lower = mesh[list(INNER_UPPER)], mesh[list(INNER_LOWER)]
    gap = np.maximum(lower[:, 1] - upper[:, 1], 0)
    was = (of.rest[list(INNER_LOWER), 1] - of.rest[list(INNER_UPPER), 1]).max()
    shown = np.clip((gap.max() - was) / (0.02 * of.tile), 0, 1) * np.clip(2 - was / (_SHUT * of.tile), 0, 1)
    if shown == 0:
        return picture
    light = float(of.picture.mean()) / 128
    teeth = upper + np.stack([np.zeros_like(gap), np.minimum(0.5 * gap, _TEETH * of.tile)], 1)
    result = picture.astype(np.float32)
    for outline, colour, part in (
        (np.concatenate([upper, lower[::-1]]), (52, 18, 18), 1.0),
        (np.concatenate([upper[2:-2], teeth[-3:1:-1]]), (178, 165, 152), white),
    ):
        mask = np.zeros(picture.shape[:2], np.uint8)
        points = np.rint(outline * (1 << _SUBPIXEL)).astype(np.int32)
        cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, _SUBPIXEL)
        share = (cv2.GaussianBlur(mask, (3, 3), 0)[..., None] / np.float32(255)) * np.float32(shown * part)
        result += share * (np.array(colour, np.float32) * light - result)
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)
