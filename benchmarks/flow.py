"""How exact optical flow of a face is: ``python -m benchmarks.flow [--portraits DIR] [--picture FILE.webp]``.

Portraits (the fetched one where no folder is named) are filmed before and after a motion whose field is known: a shift,
a rotation, a head that comes nearer, a muscle that pulls at the corner of the mouth, and both at once. A pixel of a
frame is the mean of the portrait's pixels below it, rounded to 8 bits. ``--picture`` draws one case.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from benchmarks import machine
from benchmarks.style_picture import INK, LINES, OVAL, PAPER
from models.clips import flow, synth
from models.clips.flow import Flow, Grey
from models.clips.motions import Points
from models.clips.warp import FaceMesh
from models.inference import registry

Find = Callable[[Grey, Grey], Flow]

FILMED = 4
"""A portrait's pixels are so many times smaller than a frame's."""
PIXELS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
MUSCLE_PIXELS = (0.5, 1.0, 1.5, 2.0, 3.0)
CORNER, PULL = 61, (-0.6, -0.8)
"""The corner of the mouth at the left in the picture goes outwards and up."""
WIDTH = 1 / 14
"""Standard deviation of the muscle's reach, of the face's side."""
TURNED = 2.0
"""Pixels by which a head turns while the muscle pulls."""
SHIFT = (0.8, 0.6)


class Motion(NamedTuple):
    """Of points (..., 2) in pixels: the muscle's pull of ``most`` px around ``corner``, then the ``head``'s (2, 3)."""

    head: NDArray[np.float64]
    corner: Points
    most: float
    reach: float

    def pulled(self, points: Points) -> Points:
        share = np.exp(-((points - self.corner) ** 2).sum(-1, keepdims=True) / (2 * self.reach**2))
        return self.most * share * np.array(PULL)

    def there(self, points: Points) -> Points:
        return _applied(self.head, points + self.pulled(points))

    def back(self, points: Points) -> Points:
        """Where they come from."""
        before = _applied(cv2.invertAffineTransform(self.head), points)
        start = before
        for _ in range(12 if self.most else 0):
            start = before - self.pulled(start)
        return start


class Case(NamedTuple):
    """Two frames (S, S), the true flow (S, S, 2), and where it counts (S, S)."""

    first: Grey
    second: Grey
    true: Flow
    counts: NDArray[np.bool_]


def _applied(affine: NDArray[np.float64], points: Points) -> Points:
    return points @ affine[:, :2].T + affine[:, 2]


def filmed(who: FaceMesh, size: int, motion: Motion) -> Grey:
    """A frame (size, size) of a portrait that was made for ``size * FILMED`` px."""
    places = motion.back((grid(size * FILMED) + 0.5) / FILMED - 0.5)
    where = ((places + 0.5) * FILMED - 0.5 + (len(who.picture) - size * FILMED) / 2).astype(np.float32)
    grey = cv2.cvtColor(who.picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.remap(grey, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(np.rint(cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)), 0, 255).astype(np.uint8)


def grid(size: int) -> Points:
    """The places (size, size, 2) of a picture's pixels."""
    return np.stack(np.meshgrid(np.arange(size, dtype=np.float64), np.arange(size)), 2)


def in_frame(who: FaceMesh, size: int) -> Points:
    """A portrait's landmarks in a frame's pixels."""
    return (who.rest - (len(who.picture) - size * FILMED) / 2 + 0.5) / FILMED - 0.5


def oval(mesh: Points, size: int) -> NDArray[np.bool_]:
    """The face (size, size)."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.rint(mesh[list(OVAL)] * 16).astype(np.int32)], 1, shift=4)
    return mask > 0


def head_motion(kind: str, pixels: float, face: NDArray[np.bool_]) -> NDArray[np.float64]:
    """An affine (2, 3) that moves the face's pixels by so many on average."""
    places, middle = grid(len(face))[face], np.full(2, (len(face) - 1) / 2)
    share = pixels / np.linalg.norm(places - middle, axis=1).mean()
    if kind == "shift":
        return np.column_stack([np.eye(2), np.array(SHIFT) * pixels])
    linear = np.eye(2) * (1 + share)
    if kind == "rotation":
        angle = 2 * np.arcsin(share / 2)
        linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, middle - linear @ middle])


def motions(face: NDArray[np.bool_], corner: Points) -> dict[tuple[str, float], Motion]:
    """All that are tried, by their kind and pixels: of a head the mean over the face, of a muscle its most."""
    still, reach = np.eye(2, 3), WIDTH * len(face)
    turned = head_motion("rotation", TURNED, face)
    found = {
        (kind, pixels): Motion(head_motion(kind, pixels, face), corner, 0, reach)
        for kind in ("shift", "rotation", "scale")
        for pixels in PIXELS
    }
    for kind, head in (("muscle", still), (f"muscle, head turns by {TURNED:g} px", turned)):
        found |= {(kind, pixels): Motion(head, corner, pixels, reach) for pixels in MUSCLE_PIXELS}
    return found


def cases(who: FaceMesh, size: int) -> dict[tuple[str, float], Case]:
    """Of one portrait. A head's motion counts on the face, a muscle's where it is a fifth of its most at least."""
    mesh, places = in_frame(who, size), grid(size)
    face = oval(mesh, size)
    still = filmed(who, size, Motion(np.eye(2, 3), mesh[CORNER], 0, 1))
    found = {}
    for name, motion in motions(face, mesh[CORNER]).items():
        counts = face
        if motion.most:
            counts = face & (np.linalg.norm(motion.pulled(places), axis=2) > motion.most / 5)
        true = (motion.there(places) - places).astype(np.float32)
        found[name] = Case(still, filmed(who, size, motion), true, counts)
    return found


def dis(finest: int) -> Find:
    """OpenCV's DIS with its preset "medium", down to the pyramid's level ``finest``."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(finest)
    return lambda first, second: np.asarray(method.calc(first, second, None), np.float32)


def tv_l1(first: Grey, second: Grey) -> Flow:
    """scikit-image's, whose flow is (2, S, S), down before right."""
    from skimage.registration import optical_flow_tvl1

    return np.asarray(optical_flow_tvl1(first, second)[::-1].transpose(1, 2, 0), np.float32)


def methods() -> dict[str, Find]:
    found: dict[str, Find] = {"DIS medium": dis(1), "DIS finest": dis(0)}
    if importlib.util.find_spec("skimage") is not None:
        found["TV-L1"] = tv_l1
    return found | {"ours": flow.FlowFinder()}


def error(case: Case, found: Flow) -> float:
    """Mean end-point error in pixels."""
    return float(np.linalg.norm(found - case.true, axis=2)[case.counts].mean())


def tell(people: Mapping[str, FaceMesh], size: int) -> None:
    """A table for docs/micro.md."""
    errors: dict[tuple[str, str], dict[float, list[float]]] = {}
    spent = dict.fromkeys(methods(), 0.0)
    pairs = 0
    for who in tqdm(people.values(), unit="face", disable=None):
        for (kind, pixels), case in cases(who, size).items():
            pairs += 1
            for name, find in methods().items():
                start = time.process_time()
                found = find(case.first, case.second)
                spent[name] += time.process_time() - start
                errors.setdefault((kind, name), {}).setdefault(pixels, []).append(error(case, found))
    print(f"{len(people)} faces of {size} px, {machine.describe()}")
    print(f"| motion | method | {' | '.join(f'{pixels:g} px' for pixels in PIXELS)} |")
    print(f"|---|---|{'---|' * len(PIXELS)}")
    for (kind, name), row in errors.items():
        cells = (f"{np.mean(row[pixels]):.3f}" if pixels in row else "" for pixels in PIXELS)
        print(f"| {kind} | {name} | {' | '.join(cells)} |")
    print("processor time a pair: " + ", ".join(f"{name} {1000 * s / pairs:.1f} ms" for name, s in spent.items()))


CELL, HEAD = 180, 24
"""Side of a drawn field and height of the line of names, in pixels."""
FULL, FULL_STRAIN = 4.0, 0.2
"""Flow of so many pixels has the deepest colour, so much strain the darkest."""


def drawn(colours: NDArray[np.uint8], mesh: Points) -> NDArray[np.uint8]:
    """A field (S, S, 3) BGR, enlarged, with the lines of the face over it."""
    scale = CELL / len(colours)
    cell = cv2.resize(colours, (CELL, CELL), interpolation=cv2.INTER_CUBIC)
    lines = [np.rint(((mesh[list(line)] + 0.5) * scale - 0.5) * 16).astype(np.int32) for line in LINES]
    cv2.polylines(cell, lines, False, INK, 1, cv2.LINE_AA, 4)
    return np.asarray(cell, np.uint8)


def flow_colours(field: Flow) -> NDArray[np.uint8]:
    """Its direction as the hue, its length as how deep the colour is."""
    length, angle = cv2.cartToPolar(field[..., 0], field[..., 1], angleInDegrees=True)
    hsv = np.stack([angle / 2, np.clip(length / FULL, 0, 1) * 255, np.full_like(length, 255)], 2)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR), np.uint8)


def strain_colours(field: Flow) -> NDArray[np.uint8]:
    share = np.clip(flow.strain(field) / FULL_STRAIN, 0, 1)[..., None]
    return np.asarray(np.rint(np.array(PAPER) * (1 - share) + np.array((40, 30, 150)) * share), np.uint8)


def draw(who: FaceMesh, size: int, out: Path) -> None:
    """A muscle that pulls while the head turns: the flow above, its strain below; the truth, then each method's."""
    case = cases(who, size)[f"muscle, head turns by {TURNED:g} px", 2.0]
    found = {"true": case.true} | {name: find(case.first, case.second) for name, find in methods().items()}
    mesh, columns = in_frame(who, size), []
    for name, field in found.items():
        head = np.full((HEAD, CELL, 3), PAPER, np.uint8)
        cv2.putText(head, name, (8, HEAD - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)
        columns.append(np.vstack([head, drawn(flow_colours(field), mesh), drawn(strain_colours(field), mesh)]))
    cv2.imwrite(str(out), np.hstack(columns), [cv2.IMWRITE_WEBP_QUALITY, 85])


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flow", description=__doc__.split("\n")[0])
    parser.add_argument("--portraits", type=Path, metavar="DIR", help="folder of pictures, a face each")
    parser.add_argument("--size", type=int, default=112, help="of the faces in pixels (default: 112)")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw one case of the first face instead")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parsed(arguments)
    files = synth.find_portraits(args.portraits) if args.portraits else {"portrait": registry.path("portrait")}
    with face_stage.finding("benchmarks.flow") as find:
        people = synth.load_portraits(files, find, args.size * FILMED)
    if args.picture:
        draw(next(iter(people.values())), args.size, args.picture)
    else:
        tell(people, args.size)


if __name__ == "__main__":
    main()
