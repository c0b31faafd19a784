"""Which face of a clip counts, and where it is in each frame. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.inference.blendshapes import Shapes
from models.inference.boxes import SAME_FACE, Points, area, overlap

LONGEST_GAP = 5
"""Frames in a row that a face may be lost; a longer gap ends its track."""
FEWEST = 4
"""Frames in which a face must be found to count; of shorter clips, all."""


@dataclass(frozen=True)
class Track:
    """One face from frame ``first`` on: its landmarks (K, 478, 2) and blendshapes (K, 52) in K frames without a gap."""

    first: int
    points: Points
    shapes: Shapes


def largest(faces: Sequence[Sequence[tuple[Points, Shapes]]]) -> Track | None:
    """The track with the largest sum of areas, of the faces found in each frame of a clip; None where none counts.

    A face goes on as the one of the next frame that overlaps it most. Where it is lost for up to ``LONGEST_GAP``
    frames, both are interpolated linearly; frames before it is first found and after it is last found are
    dropped, so that a clip gets shorter but never jumps.
    """
    found = [track for track in _tracks(faces) if len(track) >= min(FEWEST, len(faces))]
    if not found:
        return None
    best = max(found, key=lambda track: sum(area(points) for points, _ in track.values()))
    at = np.array(list(best))
    points, shapes = (np.stack(known) for known in zip(*best.values(), strict=True))
    every = np.arange(at[0], at[-1] + 1)
    before = np.clip(np.searchsorted(at, every, side="right") - 1, 0, None)
    after = np.minimum(before + 1, len(at) - 1)
    share = ((every - at[before]) / np.maximum(at[after] - at[before], 1))[:, None]
    between = (1 - share) * shapes[before] + share * shapes[after]
    share = share[..., None]
    return Track(int(at[0]), (1 - share) * points[before] + share * points[after], between.astype(np.float32))


def _tracks(faces: Sequence[Sequence[tuple[Points, Shapes]]]) -> list[dict[int, tuple[Points, Shapes]]]:
    """All tracks, each what was found by frame, in order."""
    tracks: list[dict[int, tuple[Points, Shapes]]] = []
    for i, present in enumerate(faces):
        alive = [track for track in tracks if i - next(reversed(track)) <= LONGEST_GAP + 1]
        pairs = [
            (overlap(track[next(reversed(track))][0], face[0]), a, b)
            for a, track in enumerate(alive)
            for b, face in enumerate(present)
        ]
        taken: set[int] = set()
        given: set[int] = set()
        for shared, a, b in sorted(pairs, reverse=True):
            if shared >= SAME_FACE and a not in taken and b not in given:
                alive[a][i] = present[b]
                taken.add(a)
                given.add(b)
        tracks += [{i: face} for b, face in enumerate(present) if b not in given]
    return tracks
