"""AKMNet's ablation on synthetic clips.

``python -m benchmarks.key_frames DIR --run RUN --json FILE``; results: docs/micro.md.

DIR is the folder ``short`` of ``moodcast models synth --micro``. The study is that of ``moodcast models micro
key-frames``, with a small edition of the network for a processor core: faces of 64 px, a quarter as wide, and 8 frames
of each clip to learn from, of three expressions. A run that was stopped goes on where it was.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

from agent import face_stage
from benchmarks import machine
from models import atomic
from models.clips.cache import Prepared
from models.clips.cutting import preparing
from models.clips.layouts.entry import Listing
from models.micro import key_frames
from models.micro.key_frames_study import NETWORK, study
from models.training import recipe
from models.zoo import networks, resnet

SIZE, FRAMES = 64, 8
WIDTHS = (16, 32, 64, 128)
CLASSES = ("disgust", "happy", "surprise")
RECIPE = {
    "network": {"name": NETWORK},
    "data": {"validation_share": 0.3},
    "clips": {"layout": "plain", "aligned": True},
    "augmentation": {
        "roll_degrees": 4, "zoom": 0.05, "shift": 0.04, "operations": 0, "erase_share": 0, "mixup_alpha": 0,
    },
    "loss": {"penalty": 1.0},
    "optimizer": {"kind": "adamw", "learning_rate": 1e-3, "weight_decay": 0.05, "precision": "float32"},
    "schedule": {"epochs": 25, "batch": 8, "warm_up": 0.1, "ema_decay": 0.9},
}  # fmt: skip
CELL, EDGE, COLUMNS = 88, 4, 12
"""A frame's side in the picture and its frame's width, and how many of a clip are drawn."""
CHOSEN, OTHER, INK, PAPER = (60, 140, 20), (205, 205, 205), (50, 50, 50), (250, 248, 246)


def prepare(folder: Path, listing: Listing, size: int, aligned: bool) -> Prepared:
    """The faces of ``CLASSES``."""
    few = [i for i, clip in enumerate(listing.clips) if listing.classes[clip.label] in CLASSES]
    return preparing(face_stage, "benchmarks.key_frames")(folder, listing.keep(few), size, aligned)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.key_frames", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="short clips of moodcast models synth --micro")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder where the trainings go")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="the figures")
    args = parser.parse_args()
    resnet.WIDTHS = WIDTHS
    entry = dataclasses.replace(networks.get(NETWORK), size=SIZE, frames=FRAMES)
    began = time.process_time()
    found = study(recipe.parse(RECIPE, "benchmarks.key_frames"), entry, args.folder, args.run, prepare)
    found |= {"machine": machine.describe(), "cpu_seconds": time.process_time() - began}
    atomic.write((json.dumps(found, indent=1) + "\n").encode(), args.json)
    print("\n".join(key_frames.lines(found)))


if __name__ == "__main__":
    main()
