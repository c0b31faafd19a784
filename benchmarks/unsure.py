"""Which faces make no vote, of those that can't be read and of those that can: ``python -m benchmarks.unsure``.

It prints each figure of docs/decisions/0019: confidence against the FER+ majority on validation faces; portraits that
are spoilt (``benchmarks.spoilt_portraits``), by five folds by person and three deals of them; people who talk and yawn;
films of turning heads. ``benchmarks.stillness`` has how still a photograph is, and how still people are.

``--fit`` writes the weights of ``agent.covered``, of all portraits and of FER2013's training faces.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import covered
from agent.face import FoundFace, StillFaceFinder
from agent.readable import placed, unsure
from agent.unread import Unread
from benchmarks import portrait_frames, spoilt_portraits
from benchmarks.spoilt_portraits import COVERED, CUT, ORDINARY, TURNED, Picture, Spoil
from benchmarks.tile_geometry import BORDER, ENLARGED
from models.clips import video
from models.evaluation import KINDS
from models.inference import boxes, registry, smile
from models.inference.align import aligned_face
from models.inference.infer import Classifier, load_still
from models.stills import fer2013
from models.training import data
from models.training.recipe import Recipe

NETWORKS = ("moodnet", "moodnet-tiny")
CONDITIONS: Mapping[str, Spoil] = {**ORDINARY, **CUT, **TURNED, **COVERED}
_ANY, _ANY_MASKS = "any mask", 8
"""For the fit alone: masks of any colour, pattern and shape, so many a portrait."""
_FOLDS, _DEALS = 5, 3
_TILES = 3000
"""Of FER2013's training faces, for the fit."""
_RIDGE = 30.0
_DOUBT = 1.0
"""Log-odds by which a face has to seem covered: masks leave room for it, and fewer faces are refused in vain."""
_ACT_FPS, _ACT_S = 1.0, 6.0

Array = NDArray[np.float64]


class Shot(NamedTuple):
    """A picture of a person: ``measured`` (528,) and probabilities (7,) are None without a face."""

    person: str
    kind: str
    condition: str
    placed: Unread | None = None
    measured: Array | None = None
    probabilities: Sequence[float] | None = None


class Samples(NamedTuple):
    """What is fitted to: ``measured`` (N, 528), whether it is to be refused, and which of the sources it is from."""

    measured: Array
    refused: NDArray[np.bool_]
    source: NDArray[np.int64]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unsure", description=str(__doc__).partition(":")[0])
    parser.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 (default: %(default)s)")
    parser.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="Face Research Lab London Set")
    parser.add_argument("--videos", type=Path, metavar="DIR", help="films of turning heads")
    parser.add_argument("--fit", action="store_true", help=f"write {covered.WEIGHTS.name}")
    asked = parser.parse_args(arguments)
    learn, held_out = data.split(fer2013.load(asked.data, fer2013.TRAINING), Recipe().data)
    for name in NETWORKS:
        tell_confidence(name, load_still(name), held_out)
    finder = StillFaceFinder(registry.path("face_landmarker"))
    classifier = load_still(NETWORKS[0])
    chosen = np.random.default_rng(0).permutation(len(learn))[:_TILES]
    tiles = [tile_samples(finder, learn.pixels[chosen]), tile_samples(finder, held_out.pixels)]
    seen = list(look_at_portraits(finder, classifier, asked.portraits))
    for deal in range(_DEALS):
        folds = deal_people(sorted({one.person for one in seen}), deal)
        weights = [fit(seen, tiles[0], {p for p in folds if folds[p] != k}) for k in range(_FOLDS)]
        tell_portraits(seen, folds, weights, deal)
        if deal == 0:
            tell_tiles(tiles[1], weights)
            tell_acts(finder, classifier, asked.portraits, folds, weights)
    if asked.fit:
        np.save(covered.WEIGHTS, fit(seen, tiles[0], {one.person for one in seen}))
    if asked.videos:
        tell_videos(finder, classifier, asked.videos)
    return 0


def tell_confidence(name: str, classifier: Classifier, faces: fer2013.LabelledFaces) -> None:
    """How many validation faces are unsure, and how often the rest is right about the majority."""
    chunks = np.array_split(faces.pixels, len(faces.pixels) // 256 + 1)
    answers = np.concatenate([classifier.batch(chunk) for chunk in chunks])
    majority = fer2013.majority(faces.votes)
    counted = majority >= 0
    right = answers.argmax(1) == majority
    kept = np.array([unsure(answer) is None for answer in answers.tolist()])
    print(
        f"{name}: {1 - kept.mean():.1%} of {len(kept)} validation faces are unsure, {1 - kept[counted].mean():.1%} of "
        f"the {counted.sum()} with a majority; right about it: {right[counted].mean():.2%} of all, "
        f"{right[counted & kept].mean():.2%} of the sure ones"
    )


def look_at_portraits(finder: StillFaceFinder, classifier: Classifier, folder: Path) -> Iterator[Shot]:
    """Each portrait in each of the conditions."""
    files = sorted(file for kind in KINDS for file in folder.glob(f"*_{kind}.jpg"))
    for number, file in enumerate(tqdm(files, unit="portrait")):
        person, kind = file.stem.split("_")
        picture = video.read_picture(file)
        face = largest(finder.find(picture))
        if face is None:
            continue
        rng = np.random.default_rng([11, number])
        for condition, spoil in CONDITIONS.items():
            yield look(finder, classifier, Shot(person, kind, condition), spoil(picture, face.points, rng))
        for _ in range(_ANY_MASKS):
            folds = bool(rng.integers(2))
            masked = spoilt_portraits.masked(picture, face.points, rng, "any", folds)
            yield look(finder, classifier, Shot(person, kind, _ANY), masked)


def look(finder: StillFaceFinder, classifier: Classifier, whose: Shot, picture: Picture) -> Shot:
    face = largest(finder.find(picture))
    if face is None:
        return whose
    crop = aligned_face(picture, face.points, covered.CROP)
    return whose._replace(
        placed=placed(face, picture.shape[1], picture.shape[0]),
        measured=both_ways(crop),
        probabilities=classifier.probabilities(crop).tolist(),
    )


def largest(faces: Sequence[FoundFace]) -> FoundFace | None:
    return max(faces, key=lambda face: boxes.area(face.points), default=None)


def both_ways(crop: NDArray[np.uint8]) -> Array:
    """What is measured of a crop and of its mirror image, half of each: weights that are fitted to it know no side."""
    return np.asarray((covered.measured(crop) + covered.measured(crop[:, ::-1])) / 2, np.float64)


def tile_samples(finder: StillFaceFinder, tiles: NDArray[np.uint8]) -> dict[str, Array]:
    """Measures (N, 528) of FER2013's faces as they are, aligned, with a mask of any kind, and upside down."""
    rng = np.random.default_rng(12)
    measures: dict[str, list[Array]] = {"as they are": [], "aligned": [], "masked": [], "upside down": []}
    for tile in tqdm(tiles, unit="tile"):
        measures["as they are"].append(both_ways(tile))
        picture, face = enlarged(tile), largest(finder.find(enlarged(tile)))
        if face is not None:
            crop = aligned_face(picture, face.points, covered.CROP)
            masked = spoilt_portraits.masked(picture, face.points, rng, "any", bool(rng.integers(2)))
            measures["aligned"].append(both_ways(crop))
            measures["masked"].append(both_ways(aligned_face(masked, face.points, covered.CROP)))
            measures["upside down"].append(both_ways(crop[::-1]))
    return {kind: np.array(found) for kind, found in measures.items()}


def enlarged(tile: NDArray[np.uint8]) -> Picture:
    """With room around it, as the landmarker needs it."""
    large = cv2.resize(cv2.cvtColor(tile, cv2.COLOR_GRAY2RGB), (ENLARGED, ENLARGED), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
    return np.asarray(framed, np.uint8)


def deal_people(people: Sequence[str], deal: int) -> dict[str, int]:
    """The fold of each: all pictures of a person are in one."""
    order = np.random.default_rng(deal).permutation(len(people))
    return {people[i]: place % _FOLDS for place, i in enumerate(order)}


def fit(seen: Sequence[Shot], tiles: Mapping[str, Array], people: set[str]) -> NDArray[np.float32]:
    """The weights (2, 529) of ``agent.covered`` of these people's portraits and of the tiles."""
    of = [one for one in seen if one.person in people and one.measured is not None]
    fine = np.concatenate([tiles["as they are"], tiles["aligned"]])
    rows = []
    for bad, more in (({*COVERED, _ANY}, tiles["masked"]), (set(TURNED), tiles["upside down"])):
        chosen = [one for one in of if one.condition in ORDINARY or one.condition in bad]
        rows.append(
            logistic(
                Samples(
                    np.concatenate([np.array([one.measured for one in chosen]), fine, more]),
                    np.concatenate(
                        [
                            np.array([one.condition in bad for one in chosen]),
                            np.zeros(len(fine), bool),
                            np.ones(len(more), bool),
                        ]
                    ),
                    np.repeat([0, 1], [len(chosen), len(fine) + len(more)]),
                )
            )
        )
    weights = np.array(rows, np.float32)
    weights[:, -1] -= _DOUBT
    return weights


def logistic(samples: Samples) -> Array:
    """Weights (529,), the last one added, by Newton's method with a ridge.

    Portraits and tiles, to be refused or not, weigh a quarter each.
    """
    x, y = samples.measured, samples.refused.astype(float)
    share = np.zeros(len(y))
    for group in np.unique(2 * samples.source + samples.refused):
        members = 2 * samples.source + samples.refused == group
        share[members] = len(y) / 4 / members.sum()
    mean, spread = x.mean(0), x.std(0) + 1e-3
    z = np.column_stack([(x - mean) / spread, np.ones(len(x))]).astype(np.float32)
    ridge = np.full(z.shape[1], _RIDGE)
    ridge[-1] = 1e-6
    weights = np.zeros(z.shape[1])
    for _ in range(12):
        said = 1 / (1 + np.exp(-np.clip(z @ weights, -30, 30)))
        slope = z.T @ (share * (said - y)).astype(np.float32) + ridge * weights
        bend = (z * (share * said * (1 - said)).astype(np.float32)[:, None]).T @ z + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-2:
            break
    inner = weights[:-1] / spread
    return np.append(inner, weights[-1] - inner @ mean)


def refusal(one: Shot, weights: NDArray[np.float32]) -> str:
    """Why a picture makes no vote, in the order of the agent; empty where it does."""
    if one.measured is None or one.probabilities is None:
        return "no face"
    if one.placed:
        return one.placed.key
    mouth, turned = weights[:, :-1] @ one.measured + weights[:, -1]
    if mouth > 0 or turned > 0:
        return Unread.UPSIDE_DOWN.key if turned > mouth else Unread.COVERED.key
    reason = unsure(one.probabilities)
    return reason.key if reason else ""


def tell_portraits(
    seen: Sequence[Shot], folds: Mapping[str, int], weights: Sequence[NDArray[np.float32]], deal: int
) -> None:
    why = [(one, refusal(one, weights[folds[one.person]])) for one in seen]
    print(f"\ndeal {deal}: {_FOLDS} folds by person\n")
    print("| condition | " + " | ".join(f"no vote, {kind}" for kind in KINDS) + " | why | right of the others |")
    print("|---|---|---|---|---|")
    for condition in (*CONDITIONS, _ANY):
        found = [(one, reason) for one, reason in why if one.condition == condition]
        print(f"| {condition} | {line(found)} |")


def line(found: Sequence[tuple[Shot, str]]) -> str:
    """The cells of a table: refused of each kind, the reasons, and how often the rest is read as asked for."""
    cells = []
    for kind in KINDS:
        reasons = [reason for one, reason in found if one.kind == kind]
        cells.append(f"{sum(map(bool, reasons))} of {len(reasons)}")
    names = [reason for _, reason in found if reason]
    cells.append(", ".join(f"{name} {names.count(name)}" for name in dict.fromkeys(names)))
    said = [
        (one.probabilities[smile.HAPPY] > one.probabilities[smile.NEUTRAL]) == (one.kind == "happy")
        for one, reason in found
        if not reason and one.probabilities is not None
    ]
    return " | ".join([*cells, f"{np.mean(said):.0%}" if said else ""])


def tell_tiles(tiles: Mapping[str, Array], weights: Sequence[NDArray[np.float32]]) -> None:
    """How many of the validation faces each score refuses; none of the fits has seen them."""
    for kind, measured in tiles.items():
        scores = np.mean([measured @ row[:, :-1].T + row[:, -1] for row in weights], 0)
        mouth, turned = (scores > 0).mean(0)
        print(f"validation faces {kind}: {mouth:.1%} of {len(measured)} covered, {turned:.1%} upside down")


def tell_acts(
    finder: StillFaceFinder,
    classifier: Classifier,
    folder: Path,
    folds: Mapping[str, int],
    weights: Sequence[NDArray[np.float32]],
) -> None:
    """People who talk, yawn and so on, made of their resting portraits (``benchmarks.portrait_frames``)."""
    people = portrait_frames.load(folder, lambda picture: [face.points for face in finder.find(picture)])
    times = np.arange(0, _ACT_S, 1 / _ACT_FPS)
    for act in portrait_frames.ACTS:
        why = []
        for number, (person, who) in enumerate(people.items()):
            for frame in portrait_frames.filmed(who, act, times, np.random.default_rng([13, number])):
                why.append(
                    refusal(look(finder, classifier, Shot(person, "neutral", act), frame), weights[folds[person]])
                )
        print(f"{act}: {sum(map(bool, why))} of {len(why)} frames make no vote: {counts(why)}")


def tell_videos(finder: StillFaceFinder, classifier: Classifier, folder: Path) -> None:
    """With the weights that are shipped: nobody in the films is in the fit."""
    weights = np.load(covered.WEIGHTS)
    for file in sorted(folder.iterdir()):
        film, why = cv2.VideoCapture(str(file)), []
        step = max(1, round(film.get(cv2.CAP_PROP_FPS) / 5))
        while film.grab():
            if film.get(cv2.CAP_PROP_POS_FRAMES) % step == 0:
                picture = np.asarray(cv2.cvtColor(film.retrieve()[1], cv2.COLOR_BGR2RGB), np.uint8)
                why.append(refusal(look(finder, classifier, Shot("", "", file.name), picture), weights))
        print(f"{file.name}: {sum(map(bool, why))} of {len(why)} frames make no vote: {counts(why)}")


def counts(reasons: Sequence[str]) -> str:
    names = [reason for reason in reasons if reason]
    return ", ".join(f"{name} {names.count(name)}" for name in dict.fromkeys(names)) or "none"


if __name__ == "__main__":
    sys.exit(main())
