"""Which weights and which blend of their heads are best by default: ``python -m benchmarks.default_classifier``.

On the validation faces of ``--data`` alone (those that no training of ours learned from). Candidates are the moodnets
in ``--weights``: state dicts as ``moodnet-small.pt``, and files that were shipped, as ``moodnet-small-of-before.onnx``.
A blend's label weight is the share of the head that was taught FER2013's label; the rest is that of the votes head.
Each line tells how often the blend is right about the label and about the FER+ majority, how many of the faces that
most call neutral it calls so, and how many sad or angry, and how often it is right about the majority over all spoilt
copies of ``models.evaluation.degrade``.

``--run DIR`` makes a run folder of one of the candidates, from which ``moodcast models export`` makes the shipped file.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from models.evaluation import degrade
from models.stills import fer2013
from models.training import checkpoint, data, recipe, unfold
from models.training.recipe import Recipe
from models.zoo import networks
from models.zoo.moodnet import MirroredMoodnet, Moodnet
from relay.protocol import EXPRESSIONS

LABEL_WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 0.75, 1.0)
NETWORKS = ("moodnet-small", "moodnet-tiny")
NEUTRAL, UNHAPPY = EXPRESSIONS.index("neutral"), (EXPRESSIONS.index("sad"), EXPRESSIONS.index("angry"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.default_classifier", description=str(__doc__).partition(":")[0]
    )
    parser.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 (default: %(default)s)")
    parser.add_argument("--weights", type=Path, metavar="DIR", required=True, help="folder of the candidates")
    parser.add_argument("--run", type=Path, metavar="DIR", help="only make DIR/NAME, a run folder, of each state dict")
    asked = parser.parse_args(arguments)
    if asked.run:
        for name in NETWORKS:
            as_run(asked.weights / f"{name}.pt", recipe.load(recipe.find(name)), asked.run / name)
        return 0
    learn, held_out = data.split(fer2013.load(asked.data, fer2013.TRAINING), Recipe().data)
    print(f"{len(held_out.pixels)} validation faces\n")
    print(
        "| weights | label weight | labels | majorities | neutral found | neutral called sad or angry "
        "| majorities, spoilt |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, net in candidates(asked.weights, learn.pixels):
        for line in lines(net, held_out):
            print(f"| {name} | {line} |", flush=True)
    return 0


def candidates(weights: Path, learned_from: NDArray[np.uint8]) -> Iterator[tuple[str, Moodnet]]:
    """Names and networks, in evaluation mode."""
    some = torch.from_numpy(learned_from[:2000]).unsqueeze(1).float()
    for name in NETWORKS:
        for file in sorted(weights.glob(f"{name}*")):
            net = networks.build(name)
            if file.suffix == ".onnx":
                unfold.take_up(file, net, some)
            else:
                net.load_state_dict(torch.load(file, weights_only=True))
            yield file.name, net.eval()


def lines(net: Moodnet, faces: fer2013.LabelledFaces) -> Iterator[str]:
    majority = fer2013.majority(faces.votes)
    counted, neutral = majority >= 0, majority == NEUTRAL
    by_votes, by_label = answers(net, faces.pixels)
    spoilt = [answers(net, how.apply(faces.pixels[counted])) for how in degrade.DEGRADATIONS]
    for weight in LABEL_WEIGHTS:
        guess = (weight * by_label + (1 - weight) * by_votes).argmax(1)
        right = [((weight * b + (1 - weight) * a).argmax(1) == majority[counted]).mean() for a, b in spoilt]
        yield (
            f"{weight:.2f} | {np.mean(guess == faces.labels):.1%} | {np.mean((guess == majority)[counted]):.1%} | "
            f"{np.mean(guess[neutral] == NEUTRAL):.1%} | {np.mean(np.isin(guess[neutral], UNHAPPY)):.1%} | "
            f"{np.mean(right):.1%}"
        )


@torch.inference_mode()
def answers(net: Moodnet, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities (N, 7) of the votes and of the label head for faces (N, 48, 48) uint8 and their mirrors."""
    mirrored = MirroredMoodnet(net)
    chunks = [mirrored(chunk.unsqueeze(1).float()) for chunk in torch.from_numpy(pixels).split(256)]
    by_votes, _, by_label = (torch.cat(part).numpy() for part in zip(*chunks, strict=True))
    return by_votes, by_label


def as_run(weights: Path, made_by: Recipe, run: Path) -> None:
    """Put a state dict where ``moodcast models export`` finds it."""
    net = torch.load(weights, weights_only=True)
    run.mkdir(parents=True)
    checkpoint.save(
        {
            "recipe": msgspec.to_builtins(made_by),
            "classes": EXPRESSIONS,
            "step": 0,
            "losses": [],
            "history": [],
            "net": net,
            "average": {f"module.{name}": value for name, value in net.items()},
            "optimizer": {},
        },
        run,
    )


if __name__ == "__main__":
    sys.exit(main())
