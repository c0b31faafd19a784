"""The resting face of one's own, tried on ten minutes at a time: ``python -m benchmarks.resting --portraits DIR``.

Frames are made of portraits of known people (``benchmarks.portrait_frames``): neutral and smiling, still and talking,
in changing light and through noise, a camera of its own for each scene of some seconds. They go through the agent's own
face stage, network, rule for small smiles (fitted to other people, five folds by person), ``agent.resting`` and
smoothing, without and with the resting face. The scenes are played again and again, forwards and backwards, in drawn
order: what is measured is how a rule bears them, not how people look for ten minutes.

* ``resting sad`` and ``resting angry``: no portrait's neutral face reads so. Everybody's odds are moved by as much as
  makes their neutral frames read so at a drawn strength. Told is for how long they are called it from the second to the
  fifth minute, and in the next one, in which they are it (stronger by ``STRONGER``).
* ``turns sad`` and ``turns angry``: the same of a face that reads neutral for four minutes and is moved for five.
* ``false smiles``: share of the time that a neutral face is called happy, over ten minutes, and in how many people for
  more than a fiftieth of it; also said: sad or angry.
* ``smile from the start`` and ``after 1 / 4 minutes of rest``: share of five minutes of smiling called happy, how many
  people are found (most of it happy), and how much is kept of what is happy without the resting face.

``tried`` are rules that also correct smiles, as the agent does not (docs/decisions/0018-the-resting-face.md).
``--video``: how the shares of a film's labels change that was seen ``ROUNDS`` times before.

``--cache FILE`` keeps what the network and the face stage said of the made frames, some minutes of work.
"""

import argparse
import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from agent.face import FaceFinder
from agent.resting import RestingFace, RestingRules
from agent.smoothing import Smoother
from benchmarks import machine, portrait_frames, smiles
from models.evaluation import portraits
from models.inference import registry, smile
from models.inference.align import aligned_face
from models.inference.infer import load_still
from relay.protocol import EXPRESSIONS

FPS = portrait_frames.FPS
SCENES = {
    "neutral": (("still", 40), ("talking", 40), ("talking", 40), ("still", 30), ("talking", 30)),
    "happy": (("still", 30), ("talking", 30), ("still", 30), ("talking", 30)),
}
"""What somebody does, and for how many frames."""
TEN_MINUTES, FIVE_MINUTES = 600, 300
RESTED_S = (60, 240)
LEANINGS = (0.0, 2.0)
"""Log odds against neutral, of the median frame, between which a resting face's strength is drawn."""
STRONGER = 2.5
ROUNDS = 12
"""Of a film: somebody who laughs and cries in it rests for a part of the time only."""
TRIED = {
    f"tried: smiles brought down to log odds of {rest:g}": RestingRules(
        known_after_s=known_after_s, rest={**RestingRules().rest, "happy": rest}
    )
    for rest, known_after_s in ((-1.5, 60), (-2.0, 45))
}
Array = NDArray[np.float64]
Scenes = Mapping[tuple[str, str], Sequence[tuple[Array, NDArray[np.float32]]]]
"""By person and kind: answers of the network (T, 7) and blendshapes (T, 52) of each scene."""
Played = Mapping[tuple[str, str], Sequence[Array]]
"""The same after the rule for small smiles."""
Make = Callable[[], RestingFace | None]


def watched(folder: Path) -> Scenes:
    """Everybody's scenes as face stage and network see them."""
    found: dict[tuple[str, str], list[tuple[Array, NDArray[np.float32]]]] = {}
    network = load_still(registry.DEFAULT)
    for kind, scenes in SCENES.items():
        with face_stage.finding("benchmarks.resting") as find:
            people = portrait_frames.load(folder, find, kind)
        for name, who in tqdm(people.items(), desc=kind, unit="person", disable=None):
            with contextlib.closing(FaceFinder(registry.path("face_landmarker"))) as finder:
                for number, (act, frames) in enumerate(scenes):
                    rng = np.random.default_rng([13, int(name), number, kind == "happy"])
                    answers, shapes = [], []
                    for frame in portrait_frames.filmed(who, act, np.arange(frames) / FPS, rng):
                        # A scene is another camera's: its time begins long after that of the one before.
                        face = finder.find(frame, 100_000 * number + 200 * len(answers))
                        if face is not None:
                            crop = aligned_face(frame, face.points, network.network.contract.crop)
                            answers.append(network.probabilities(crop))
                            shapes.append(face.shapes)
                    if answers:
                        found.setdefault((name, kind), []).append((np.array(answers, np.float64), np.array(shapes)))
    return found


def kept(file: Path | None, make: Callable[[], Scenes]) -> Scenes:
    if file is None or not file.is_file():
        scenes = make()
        if file is not None:
            parts = {
                f"{who}/{kind}/{i}": np.hstack(pair) for (who, kind), s in scenes.items() for i, pair in enumerate(s)
            }
            np.savez(file, **parts)
        return scenes
    found: dict[tuple[str, str], list[tuple[Array, NDArray[np.float32]]]] = {}
    with np.load(file) as parts:
        for name in parts:
            who, kind, _ = name.split("/")
            rows = parts[name]
            found.setdefault((who, kind), []).append((rows[:, :7], rows[:, 7:].astype(np.float32)))
    return found


def ruled(scenes: Scenes, folder: Path, seed: int) -> Played:
    """The scenes with happy and neutral decided by a rule that does not know the person."""
    with face_stage.describing("benchmarks.resting") as find:
        faces = smiles.of_portraits(portraits.load(folder, find), registry.DEFAULT)
    played: dict[tuple[str, str], list[Array]] = {}
    for out in smiles.deal(faces.people, seed):
        rule = smiles.fitted(faces.take(~np.isin(faces.people, out)), smiles.STRICTNESS[registry.DEFAULT])
        for (who, kind), parts in scenes.items():
            if who in out:
                played[who, kind] = [smile.decided(rule, answers, shapes) for answers, shapes in parts]
    return played


def shuffled(parts: Sequence[Array], seconds: float, rng: np.random.Generator) -> Array:
    """Scenes for so long, each from a moment of its first half on, forwards or backwards."""
    rows: list[Array] = []
    while sum(map(len, rows)) < seconds * FPS:
        part = parts[rng.integers(len(parts))]
        part = part[rng.integers(len(part) // 2 + 1) :]
        rows.append(part if rng.random() < 0.5 else part[::-1])
    return np.concatenate(rows)[: round(seconds * FPS)]


def shown(*parts: Array, resting: RestingFace | None) -> list[NDArray[np.str_]]:
    """What is sent of each of the parts (T, 7), which follow one another."""
    smoother, frame, labels = Smoother(), 0, []
    for rows in parts:
        said = []
        for row in rows:
            at = frame / FPS
            reading = smoother.update(at, row.tolist() if resting is None else resting.read(at, row.tolist()))
            said.append(reading.emotion if reading else "")
            frame += 1
        labels.append(np.array(said))
    return labels


def tell_rest(rests: Mapping[str, Array], make: Make) -> None:
    shares = {name: Counter(shown(rows, resting=make())[0].tolist()) for name, rows in rests.items()}
    of = TEN_MINUTES * FPS
    happy = np.array([count["happy"] / of for count in shares.values()])
    unhappy = np.mean([(count["sad"] + count["angry"]) / of for count in shares.values()])
    print(f"    false smiles {happy.mean():.2%}, of {(happy > 0.02).sum()} people over 2 %; unhappy {unhappy:.2%}")


def smiling(rests: Mapping[str, Array], grins: Mapping[str, Array], rested_s: int, make: Make) -> Array:
    """For everybody, the share of the smiling that is called happy."""
    calm = {name: rows[: rested_s * FPS] for name, rows in rests.items()}
    labels = (shown(calm[name], grins[name], resting=make())[1] for name in grins)
    return np.array([float((said == "happy").mean()) for said in labels])


def tell_smiles(rests: Mapping[str, Array], grins: Mapping[str, Array], make: Make) -> None:
    for rested_s in (0, *RESTED_S):
        before, after = (smiling(rests, grins, rested_s, rule) for rule in (lambda: None, make))
        when = f"after {rested_s / 60:g} minutes of rest" if rested_s else "smile from the start"
        stays = np.minimum(before, after).sum() / before.sum()
        lost = int(((before > 0.5) & (after < 0.95 * before)).sum())
        print(
            f"    {when}: {before.mean():.1%} happy, {(before > 0.5).sum()} found without; {after.mean():.1%}, "
            f"{(after > 0.5).sum()} with; kept {stays:.1%}, {lost} people lose over 5 %"
        )


def leaning(rows: Array, expression: str, odds: float) -> Array:
    """Answers (T, 7) with an expression's log odds raised by ``odds``."""
    moved = rows.copy()
    moved[:, EXPRESSIONS.index(expression)] *= np.exp(odds)
    return np.asarray(moved / moved.sum(1, keepdims=True))


def said_share(expression: str, *parts: Array, resting: RestingFace | None) -> float:
    """Of the last of the parts, which follow one another, the share that is called so."""
    return float((shown(*parts, resting=resting)[-1] == expression).mean())


def tell_leaning(rests: Mapping[str, Array], expression: str) -> None:
    number, told = EXPRESSIONS.index(expression), []
    minute = 60 * FPS
    for place, rows in enumerate(rests.values()):
        usual = np.median(np.log(np.maximum(rows[:, number], 1e-6) / np.maximum(rows[:, smile.NEUTRAL], 1e-6)))
        odds = np.random.default_rng([3, number, place]).uniform(*LEANINGS) - usual
        first, rest, meant, turned = (
            leaning(rows[a * minute : b * minute], expression, by)
            for a, b, by in ((0, 1, odds), (1, 5, odds), (5, 6, odds + STRONGER), (4, 9, odds))
        )
        told.append(
            [
                said_share(expression, *parts, resting=make())
                for parts in ((first, rest), (first, rest, meant), (rows[: 4 * minute], turned))
                for make in (lambda: None, RestingFace)
            ]
        )
    means = [f"{share:.1%}" for share in np.mean(told, 0)]
    print(
        f"  resting {expression}: called so {means[0]} of the time without, {means[1]} with the resting face; when "
        f"they are it {means[2]} and {means[3]}\n  turns {expression}: {means[4]} and {means[5]}"
    )


def tell_video(file: Path) -> None:
    """The labels of a film that was seen ``ROUNDS`` times before."""
    import cv2

    frames, capture = [], cv2.VideoCapture(str(file))
    rate = capture.get(cv2.CAP_PROP_FPS)
    number = 0
    while capture.grab():
        if number % round(rate / FPS) == 0:
            frames.append(np.asarray(cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB), np.uint8))
        number += 1
    capture.release()
    rule, rows = registry.smile_rule(registry.DEFAULT), []
    network = load_still(registry.DEFAULT)
    with contextlib.closing(FaceFinder(registry.path("face_landmarker"))) as finder:
        for at, frame in enumerate(frames):
            if (face := finder.find(frame, 200 * at)) is not None:
                crop = aligned_face(frame, face.points, network.network.contract.crop)
                rows.append(smile.decided(rule, network.probabilities(crop), face.shapes))
    for name, make in (("without", lambda: None), ("with", RestingFace)):
        _, said = shown(np.array(rows * ROUNDS), np.array(rows), resting=make())
        counts = Counter(said.tolist())
        print(f"  {name}: " + ", ".join(f"{label} {count / len(said):.1%}" for label, count in counts.most_common()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resting", description=__doc__.split("\n")[0])
    parser.add_argument("--portraits", type=Path, required=True, help="the Face Research Lab London Set")
    parser.add_argument("--deals", type=int, default=3, help="how often folds and sequences are drawn (default 3)")
    parser.add_argument("--video", type=Path, help="a video of one face")
    parser.add_argument("--cache", type=Path, help="an .npz file")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    scenes = kept(args.cache, lambda: watched(args.portraits))
    for seed in range(args.deals):
        played = ruled(scenes, args.portraits, seed)
        drawn = {
            kind: {
                who: shuffled(parts, seconds, np.random.default_rng([seed, int(who), seconds]))
                for (who, of), parts in played.items()
                if of == kind
            }
            for kind, seconds in (("neutral", TEN_MINUTES), ("happy", FIVE_MINUTES))
        }
        print(f"\nDeal {seed + 1}: {len(drawn['neutral'])} people")
        for expression in RestingRules().rest:
            tell_leaning(drawn["neutral"], expression)
        print("  without the resting face")
        tell_rest(drawn["neutral"], lambda: None)
        for name, rules in {"as shipped": RestingRules(), **TRIED}.items():
            make = functools.partial(RestingFace, rules)
            print(f"  {name}")
            tell_rest(drawn["neutral"], make)
            tell_smiles(drawn["neutral"], drawn["happy"], make)
    if args.video:
        print(f"\n{args.video.name}, once the face is known")
        tell_video(args.video)


if __name__ == "__main__":
    main()
