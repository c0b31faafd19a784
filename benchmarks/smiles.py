"""The rule for small smiles, fitted and tried: ``python -m benchmarks.smiles --portraits DIR``.

The rule (``models.inference.smile``) is fitted to portraits of known people, one neutral and one smiling each, as the
agent sees them: a logistic regression with an L2 penalty on standardised inputs, in which a neutral face weighs more
than a smile. It is tried on people whom it does not know, five folds by person, dealt ``DEALS`` times anew:

* how many smiles are happy and how many neutral faces are (the label counts, of seven), women, men and ``face_eth``,
* AUC of the network's odds, of the mouth's corners and of the rule,
* how many frames become happy that are made of the neutral portraits (``benchmarks.portrait_frames``), each judged by
  rules that do not know the person: of all people, and of those whose neutral portrait is not taken for a smile,
* ``--video``: how many frames of somebody who cries are happy (``CRYING_S`` of the video), by the shipped rule.
* ``--data``: majorities of FER2013's validation faces that the network finds alone, and with what of the rule needs no
  blendshapes (needs torch).

``--fit`` only prints the rules for the registry, fitted to all people.
"""

import argparse
import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from agent.recognition import Recogniser
from benchmarks import machine, portrait_frames
from models.clips.warp import FaceMesh
from models.evaluation import portraits
from models.evaluation.portraits import Portrait
from models.inference import boxes, registry, smile
from models.inference.align import aligned_face
from models.inference.contract import CropSpec
from models.inference.face_stage import DescribeFaces
from models.inference.infer import Classifier, FaceByFace, load
from models.inference.smile import HAPPY, NEUTRAL, SmileRule
from models.metrics import wilson
from relay.protocol import EXPRESSIONS

FOLDS, DEALS = 5, 20
FPS = 5
CRYING_S = 6.0
Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Strictness:
    """How a rule is fitted: what a neutral face weighs, a smile being 1, and the penalty on each weight.

    ``unhappy`` is as in ``SmileRule``, and not fitted: nobody among these people looks unhappy.
    """

    neutral: float
    penalty: float
    unhappy: float


STRICTNESS: Mapping[str, Strictness] = {
    "moodnet": Strictness(2.0, 0.3, 0.1),
    "moodnet-tiny": Strictness(2.5, 0.3, 0.1),
    "moodnet-clip": Strictness(2.5, 0.3, 1.0),
}
"""As strict as leaves two false smiles by folds, and men not further than 25 points behind women.

The clip network leans to FER2013's label and takes every resting face for a little sad.
"""
ALONE = Strictness(3.0, 3.0, 1.0)
"""Without blendshapes: strict enough for FER2013's faces, where more would take neutral ones for happy."""


@dataclass(frozen=True)
class Faces:
    """N faces as a network and the face stage see them."""

    people: NDArray[np.str_]
    smiling: Flags
    answers: Array
    """Of the network, (N, 7)."""
    shapes: NDArray[np.float32]
    """Blendshapes (N, 52)."""

    def take(self, chosen: Flags) -> "Faces":
        return Faces(self.people[chosen], self.smiling[chosen], self.answers[chosen], self.shapes[chosen])


def answers(model: str, crops: NDArray[np.uint8]) -> Array:
    """(N, 7) of the network alone; one for clips sees each face as one that has been there for a while."""
    network = load(model)
    rows = []
    for chunk in np.array_split(crops, max(1, len(crops) // 64)):
        if isinstance(network, Classifier):
            rows.append(network.batch(chunk))
        else:
            assert isinstance(network, FaceByFace)  # ours all are one or the other
            clip = network.network.contract.clip
            assert clip is not None
            rows.append(network.batch(np.repeat(chunk[:, None], clip.frames, 1)))
    return np.concatenate(rows).astype(np.float64)


def crop_of(model: str) -> CropSpec:
    crop = registry.get(model).crop
    assert crop is not None  # a classifier has one
    return crop


def of_portraits(people: list[Portrait], model: str) -> Faces:
    found = [p for p in people if p.shapes is not None]
    return Faces(
        np.array([p.person for p in found]),
        np.array([p.kind == "happy" for p in found]),
        answers(model, portraits.crops(found, crop_of(model))),
        np.array([p.shapes for p in found], np.float32),
    )


def fit(inputs: Array, smiling: Flags, how: Strictness) -> tuple[Array, float]:
    """Weights (D,) and intercept for inputs (N, D): Newton's method, which for this has one minimum."""
    mean, scale = inputs.mean(0), inputs.std(0) + 1e-9
    rows = np.column_stack([(inputs - mean) / scale, np.ones(len(inputs))])
    penalty = np.diag([how.penalty] * inputs.shape[1] + [0.0])
    counts = np.where(smiling, 1.0, how.neutral)
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        share = (1 + np.tanh(rows @ weights / 2)) / 2
        slope = rows.T @ (counts * (share - smiling)) + penalty @ weights
        bend = (rows * (counts * share * (1 - share))[:, None]).T @ rows + penalty
        weights -= np.linalg.solve(bend, slope)
    found = weights[:-1] / scale
    return found, float(weights[-1] - found @ mean)


def fitted(faces: Faces, how: Strictness) -> SmileRule:
    """The rule for these faces, its numbers rounded as they stand in the registry."""
    (odds, mouth), base = fit(smile.features(faces.answers, faces.shapes), faces.smiling, how)
    (alone,), base_alone = fit(smile.features(faces.answers), faces.smiling, ALONE)
    return SmileRule(*(round(float(number), 3) for number in (odds, mouth, base, alone, base_alone, how.unhappy)))


def deal(people: NDArray[np.str_], seed: int) -> Iterator[NDArray[np.str_]]:
    """The folds, each the people who are left out."""
    mixed = np.random.default_rng(seed).permutation(np.unique(people))
    return (mixed[fold::FOLDS] for fold in range(FOLDS))


def by_folds(faces: Faces, asked: Faces, how: Strictness, seed: int, with_shapes: bool = True) -> Array:
    """Probabilities (M, 7) of ``asked``, each by a rule that was fitted to the others among ``faces``."""
    found = np.zeros_like(asked.answers)
    for out in deal(faces.people, seed):
        rule, chosen = fitted(faces.take(~np.isin(faces.people, out)), how), np.isin(asked.people, out)
        shapes = asked.shapes[chosen] if with_shapes else None
        found[chosen] = smile.decided(rule, asked.answers[chosen], shapes)
    return found


def auc(scores: Array, smiling: Flags) -> float:
    """How often a smile has the higher score of a smile and a neutral face."""
    smiles, rest = scores[smiling, None], scores[~smiling]
    return float(((smiles > rest) + 0.5 * (smiles == rest)).mean())


def happy(probabilities: Array) -> Flags:
    return np.asarray(probabilities.argmax(-1) == HAPPY)


def odds_of(probabilities: Array) -> Array:
    return smile.features(probabilities)[:, 0]


def tell_portraits(model: str, faces: Faces, groups: Mapping[str, Mapping[str, str]]) -> None:
    """What becomes of people whom the rule does not know."""
    how = STRICTNESS[model]
    dealt = [by_folds(faces, faces, how, seed) for seed in range(DEALS)]
    bare = [by_folds(faces, faces, how, seed, with_shapes=False) for seed in range(DEALS)]
    smiles, rest = int(faces.smiling.sum()), int((~faces.smiling).sum())
    print(f"\n## {model}\n\n| | smiles of {smiles}, mean (least) | false of {rest}, mean (most) |\n|---|---|---|")
    for name, rows in (("network alone", [faces.answers]), ("rule", dealt), ("rule without blendshapes", bare)):
        found = np.array([happy(row) for row in rows])
        right, false = found[:, faces.smiling].sum(1), found[:, ~faces.smiling].sum(1)
        print(f"| {name} | {right.mean():.1f} ({right.min()}) | {false.mean():.1f} ({false.max()}) |")
    print("\n| by | group | smiles, network alone | smiles | false |\n|---|---|---|---|---|")
    found, alone = np.mean([happy(row) for row in dealt], 0), happy(faces.answers)
    for by in ("gender", "ethnicity"):
        values = np.array([groups[person][by] for person in faces.people])
        for value in np.unique(values):
            chosen = faces.smiling & (values == value)
            cells = [_share(float(count[chosen].sum()), int(chosen.sum())) for count in (alone, found)]
            chosen = ~faces.smiling & (values == value)
            print(f"| {by} | {value} | {' | '.join([*cells, _share(float(found[chosen].sum()), int(chosen.sum()))])} |")
    corners = smile.features(faces.answers, faces.shapes)[:, 1]
    told = np.mean([auc(odds_of(row), faces.smiling) for row in dealt])
    asked = faces.answers[np.arange(len(faces.people)), np.where(faces.smiling, HAPPY, NEUTRAL)]
    given = np.mean([row[np.arange(len(row)), np.where(faces.smiling, HAPPY, NEUTRAL)] for row in dealt], 0)
    print(
        f"\nAUC: odds {auc(odds_of(faces.answers), faces.smiling):.3f}, mouth {auc(corners, faces.smiling):.3f}, "
        f"rule {told:.3f}. Mean probability of what was asked for: {asked.mean():.3f} alone, {given.mean():.3f} by the "
        f"rule. Shipped: {registry.smile_rule(model)}"
    )


def _share(count: float, of: int) -> str:
    low, high = wilson(round(count), of)
    return f"{count:.1f} of {of} ({low:.0%} to {high:.0%})"


def frames_of(
    meshes: Mapping[str, FaceMesh], find: DescribeFaces, models: list[str], count: int
) -> tuple[NDArray[np.str_], dict[str, Faces]]:
    """What was acted in each frame, and the faces as each network sees them; ``count`` frames of each person's acts."""
    acts, people, shapes = [], [], []
    crops: dict[str, list[NDArray[np.uint8]]] = {model: [] for model in models}
    times: Array = np.arange(count, dtype=np.float64) * 1.37  # at all moments of what is done again and again
    for number, (person, mesh) in enumerate(tqdm(meshes.items(), desc="frames", unit="person", disable=None)):
        for act in portrait_frames.ACTS:
            rng = np.random.default_rng([number, *map(ord, act)])
            for frame in portrait_frames.filmed(mesh, act, times, rng):
                points, seen = max(find(frame), key=lambda face: boxes.area(face[0]), default=(None, None))
                if points is None or seen is None:
                    continue
                acts.append(act)
                people.append(person)
                shapes.append(seen)
                for model in models:
                    crops[model].append(aligned_face(frame, points, crop_of(model)))
    who, still = np.array(people), np.zeros(len(people), bool)
    told = {m: Faces(who, still, answers(m, np.array(crops[m])), np.array(shapes, np.float32)) for m in models}
    return np.array(acts), told


def tell_frames(model: str, acts: NDArray[np.str_], frames: Faces, faces: Faces) -> None:
    how = STRICTNESS[model]
    found = np.mean([happy(by_folds(faces, frames, how, seed)) for seed in range(4)], 0)
    resting = np.mean([happy(by_folds(faces, faces, how, seed)) for seed in range(4)], 0)
    smilers = faces.people[~faces.smiling & (resting >= 0.5)]
    others = ~np.isin(frames.people, smilers)
    alone = happy(frames.answers)
    print(f"\n| {model}: frames of | frames | happy, network alone | happy | without {', '.join(smilers)} |")
    print("|---|---|---|---|---|")
    for act in (*portrait_frames.ACTS, "all"):
        chosen = (acts == act) | (act == "all")
        cells = [
            f"{share:.1%}" for share in (alone[chosen].mean(), found[chosen].mean(), found[chosen & others].mean())
        ]
        print(f"| {act} | {chosen.sum()} | {' | '.join(cells)} |")


def crying(model: str, file: Path) -> list[str]:
    """The labels of the crying seconds, frame by frame, without smoothing; of frames that can be read."""
    labels: list[str] = []
    capture = cv2.VideoCapture(str(file))
    rate = capture.get(cv2.CAP_PROP_FPS)
    with contextlib.closing(Recogniser(model)) as recogniser:
        for number in range(int(CRYING_S * rate)):
            read, frame = capture.read()
            if not read or number % round(rate / FPS):
                continue
            look = recogniser.look(
                np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8), int(1000 * number / rate)
            )
            if look.probabilities is not None:
                labels.append(EXPRESSIONS[int(np.argmax(look.probabilities))])
    capture.release()
    return labels


def tell_video(model: str, file: Path) -> None:
    labels = crying(model, file)
    counts = ", ".join(f"{labels.count(name)} {name}" for name in EXPRESSIONS if name in labels)
    print(f"\n{model}, crying: {counts}")


def tell_tiles(model: str, folder: Path) -> None:
    from models.stills import fer2013  # with torch, which the rest does without
    from models.training import data
    from models.training.recipe import Recipe

    _, held_out = data.split(fer2013.load(folder, fer2013.TRAINING), Recipe().data)
    majority = fer2013.majority(held_out.votes)
    counted = majority >= 0
    found = answers(model, held_out.pixels[counted])
    ruled = smile.decided(registry.smile_rule(model), found, None)
    alone, moved = ((rows.argmax(1) == majority[counted]).mean() for rows in (found, ruled))
    print(
        f"\n{model}, {counted.sum()} validation faces: {alone:.2%} of majorities alone, {moved:.2%} with the odds' part"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smiles", description=str(__doc__).partition(":")[0])
    parser.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="the Face Research Lab London Set")
    parser.add_argument("--video", type=Path, metavar="FILE", help="also somebody who cries in the first seconds")
    parser.add_argument("--data", type=Path, metavar="DIR", help="also FER2013's validation faces")
    parser.add_argument("--frames", type=int, default=12, help="of each person's acts; 0: none (default: %(default)s)")
    parser.add_argument("--models", nargs="+", default=list(STRICTNESS), choices=list(STRICTNESS), metavar="NAME")
    parser.add_argument("--fit", action="store_true", help="only print the rules for the registry")
    asked = parser.parse_args(arguments)
    with face_stage.describing("benchmarks.smiles") as find:
        people = portraits.load(asked.portraits, find)
        faces = {model: of_portraits(people, model) for model in asked.models}
        if asked.fit:
            for model in asked.models:
                rule = dataclasses.asdict(fitted(faces[model], STRICTNESS[model]))
                print(f"{model}: smile_rule=SmileRule({', '.join(f'{name}={n}' for name, n in rule.items())}),")
            return
        print(f"Machine: {machine.describe()}")
        for model in asked.models:
            tell_portraits(model, faces[model], {p.person: p.groups for p in people})
        if asked.frames:
            meshes = portrait_frames.load(asked.portraits, lambda picture: [points for points, _ in find(picture)])
            acts, frames = frames_of(meshes, find, asked.models, asked.frames)
            for model in asked.models:
                tell_frames(model, acts, frames[model], faces[model])
    for model in asked.models:
        if asked.video:
            tell_video(model, asked.video)
        if asked.data and registry.get(model).is_still:
            tell_tiles(model, asked.data)


if __name__ == "__main__":
    main()
