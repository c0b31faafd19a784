"""Draw where micro-attention looks: ``python -m benchmarks.attention_picture --run RUN --out FILE.webp``.

One person, the packaged portrait, at the apex of three micro-expressions (``models.clips.micro_synth``): the face as
the network of a run sees it, and the masks of its four units. A mask is painted over the face from dark, where it is
lowest in all rows of its column, to bright.
"""

import argparse
import dataclasses
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from agent import face_stage
from benchmarks.micro_picture import EVENT, RATE, SEED, SIZE, titled
from models.clips import micro_synth, synth
from models.clips.micro_synth import MicroScene
from models.clips.source import in_memory
from models.clips.synth import Frame
from models.inference import registry
from models.training import checkpoint, classify_clips, sights
from models.training.inputs import architecture
from models.training.recipe import ClipsSection

SHOWN = ("happy", "angry", "surprise")
INTENSITY = 0.3


def apexes() -> list[Frame]:
    """Of each expression, the apex (SIZE, SIZE, 3) RGB."""
    with face_stage.finding("benchmarks.attention_picture") as find:
        who = synth.load_portraits({"somebody": registry.path("portrait")}, find, SIZE)["somebody"]
    found = []
    for expression in SHOWN:
        event = dataclasses.replace(EVENT, expression=expression, intensity=INTENSITY)
        scene = MicroScene("somebody", 0.85, 51, (event,), ())
        film = list(micro_synth.perform(who, scene, RATE, SIZE, np.random.default_rng(SEED)))
        found.append(film[event.apex])
    return found


def painted(face: NDArray[np.uint8], mask: NDArray[np.float32], low: float, high: float) -> Frame:
    """A grey face (S, S) under a mask, (SIZE, SIZE, 3) RGB; ``low`` and ``high`` are the darkest and the brightest."""
    share = np.clip((mask - low) / max(high - low, 1e-6), 0, 1)
    colour = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_CIVIDIS)[..., ::-1]
    colour = cv2.resize(colour, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)  # what the unit sees is one square
    grey = cv2.cvtColor(cv2.resize(face, (SIZE, SIZE)), cv2.COLOR_GRAY2RGB)
    return np.asarray(np.rint(0.45 * grey + 0.55 * colour), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attention_picture", description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="a run of micro-attention")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    network, made_by, _ = checkpoint.load_network(args.run)
    clips = in_memory([face[None] for face in apexes()], [0] * len(SHOWN), SHOWN, moments=[(0, 0)] * len(SHOWN))
    seen = sights.of(architecture(made_by), ClipsSection(sampling="apex"))
    views = [seen.views(clips, i, None) for i in range(len(clips))]
    (faces,) = seen.ready(classify_clips.joined(views, torch.device("cpu")))
    with torch.inference_mode():
        masks = [mask[:, 0].numpy() for mask in network.masks(faces)]
    ranges = [(float(mask.min()), float(mask.max())) for mask in masks]
    grey = (255 * faces[:, 0]).round().byte().numpy()
    titles = ["apex", *(f"unit {k}: {low:.2f} to {high:.2f}" for k, (low, high) in enumerate(ranges, 1))]
    rows = []
    for i in range(len(SHOWN)):
        cells = [cv2.cvtColor(cv2.resize(grey[i], (SIZE, SIZE)), cv2.COLOR_GRAY2RGB)]
        cells += [painted(grey[i], mask[i], *of) for mask, of in zip(masks, ranges, strict=True)]
        rows.append(np.hstack([titled(*pair) for pair in zip(cells, titles, strict=True)] if i == 0 else cells))
    cv2.imwrite(str(args.out), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 85])


if __name__ == "__main__":
    main()
