"""A picture that comes squeezed or stretched: is it known, and what does undoing it bring?

``python -m benchmarks.stretched --portraits DIR``

Everybody of the Face Research Lab London Set talks for a minute (``benchmarks.portrait_frames``) before a camera whose
picture comes right, squeezed to 0.75 or stretched to 1.33; what the agent learned then is undone in the two portraits.
Where that is decided from is fitted anew for each fifth of the people, on the others. The network's smile rule is the
shipped one, which was fitted on the undistorted portraits (decision 17 has its figures by folds).
"""

import argparse
import contextlib
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import proportions
from agent.face import FaceFinder, FoundFace, StillFaceFinder
from agent.proportions import Proportions, face_width
from benchmarks import machine, portrait_frames
from models.clips import video
from models.clips.warp import Picture
from models.inference import registry, smile
from models.inference.align import aligned_face
from models.inference.boxes import area
from models.inference.infer import Classifier, load_still
from relay.protocol import EXPRESSIONS

STRETCHES = (1.0, 0.75, 4 / 3)
BETWEEN = (8 / 9, 9 / 8)
"""Of pictures with other pixels than square ones; looked at, not looked for."""
KINDS = ("happy", "neutral")
LEARNS_S = 64
"""Frames are one a second, and not every one shows a frontal face."""
FOLDS, DEALS = 5, 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stretched", description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True, help="the Face Research Lab London Set")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    model = registry.path("face_landmarker")
    with contextlib.closing(StillFaceFinder(model)) as stills:
        films = portrait_frames.load(args.portraits, lambda picture: [face.points for face in stills.find(picture)])
        portraits = {who: [video.read_picture(args.portraits / f"{who}_{kind}.jpg") for kind in KINDS] for who in films}
        tell_widths({s: widths(stills, portraits, s) for s in (*STRETCHES, *BETWEEN)})
        told = [learned(model, film, number) for number, film in enumerate(tqdm(films.values(), unit="person"))]
        classifier = load_still(registry.DEFAULT)
        for stretch, found in zip(STRETCHES, zip(*told, strict=True), strict=True):
            right = sum(math.isclose(one.stretch, stretch) for one in found)
            print(f"comes {stretch:.2f} wide: {right} of {len(found)} known as that after a minute")
            for name, undoing in (("as it comes", [Proportions()] * len(found)), ("undone", found)):
                pairs = zip(undoing, portraits.values(), strict=True)
                tell_answers(name, [[answers(stills, classifier, one, p, stretch) for p in two] for one, two in pairs])


def came(picture: Picture, stretch: float) -> Picture:
    """The picture as a camera gives it that makes it so much wider."""
    method = cv2.INTER_AREA if stretch < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, None, fx=stretch, fy=1, interpolation=method), np.uint8)


def largest(stills: StillFaceFinder, picture: Picture) -> FoundFace:
    return max(stills.find(picture), key=lambda face: area(face.points))


def widths(stills: StillFaceFinder, portraits: dict[str, list[Picture]], stretch: float) -> NDArray[np.float64]:
    """Logarithms of ``face_width`` (N,), of each person the mean of both pictures."""
    found = [[face_width(largest(stills, came(p, stretch)).points) for p in two] for two in portraits.values()]
    return np.log(np.array(found, float)).mean(1)


def tell_widths(told: dict[float, NDArray[np.float64]]) -> None:
    print("logarithm of the face's width, by how wide the picture comes:")
    for stretch, rows in told.items():
        print(f"  {stretch:.2f}: {rows.mean():+.3f}, sd {rows.std():.3f}, {rows.min():+.3f} to {rows.max():+.3f}")
    rng, false, missed = np.random.default_rng(0), 0, 0
    plain, narrow, broad = (told[stretch] for stretch in STRETCHES)
    for _ in range(DEALS):
        folds = rng.permutation(len(plain)) % FOLDS
        for fold in range(FOLDS):
            seen, asked = folds != fold, folds == fold
            low = (plain[seen].min() + narrow[seen].max()) / 2
            high = (plain[seen].max() + broad[seen].min()) / 2
            false += int(((plain < low) | (plain > high))[asked].sum())
            missed += int((narrow > low)[asked].sum() + (broad < high)[asked].sum())
    asked_of = DEALS * len(plain)
    print(
        f"  limits halfway between the others' extremes, {FOLDS} folds by person, {DEALS} deals: {false} of {asked_of}"
    )
    print(f"  undistorted ones beyond them, {missed} of {2 * asked_of} distorted ones within; shipped: +-", end="")
    print(proportions.DIFFERENT)


def learned(model: Path, film: portrait_frames.FaceMesh, number: int) -> list[Proportions]:
    """What a minute of somebody who talks tells, for each of ``STRETCHES``."""
    rng, times = np.random.default_rng([21, number]), np.arange(LEARNS_S) * 1.0
    frames = list(portrait_frames.filmed(film, "talking", times, rng))
    found = []
    for stretch in STRETCHES:
        found.append(Proportions())
        with contextlib.closing(FaceFinder(model)) as finder:
            for second, frame in enumerate(frames):
                face = finder.find(found[-1].undone(came(frame, stretch)), 1000 * second)
                if face is not None:
                    found[-1].learn(second, face.points)
    return found


def answers(
    stills: StillFaceFinder, classifier: Classifier, undoing: Proportions, picture: Picture, stretch: float
) -> tuple[str, str]:
    """What the network says of a picture that comes so wide, alone and by the smile rule."""
    picture = undoing.undone(came(picture, stretch))
    face = largest(stills, picture)
    alone = classifier.probabilities(aligned_face(picture, face.points, classifier.network.contract.crop))
    ruled = smile.decided(registry.smile_rule(registry.DEFAULT), alone, face.shapes)
    return EXPRESSIONS[int(alone.argmax())], EXPRESSIONS[int(ruled.argmax())]


def tell_answers(name: str, found: list[list[tuple[str, str]]]) -> None:
    """``found``: of each person, of each of ``KINDS``, the network's answer and the rule's."""
    told = np.array(found)
    for column, by in enumerate(("network", "smile rule")):
        smiles, calm = (told[:, kind, column] for kind in range(2))
        print(
            f"  {name}, {by}: {(smiles == 'happy').sum()} of {len(told)} smiles happy; of {len(told)} neutral ones "
            f"{(calm == 'neutral').sum()} neutral, {(calm == 'happy').sum()} happy"
        )


if __name__ == "__main__":
    main()
