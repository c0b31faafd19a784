"""Where eyes and mouth lie in FER2013's training tiles: ``python -m benchmarks.tile_geometry --data DIR``.

Gives the constants of ``models/inference/align.py``: the agent's crop puts a face where the tiles have it.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from agent.face import FaceFinder
from benchmarks import machine
from models.inference import align, registry
from models.stills import fer2013

ENLARGED, BORDER = 192, 64
"""The landmarker needs more than 48 px, and some room around the face."""
FRONTAL = 0.05
"""A face counts as frontal if its eyes' middle is within this share of its width from its own middle."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tile_geometry", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fer2013"), help="default: %(default)s")
    parser.add_argument("--tiles", type=int, default=1500, help="how many, drawn at random; default: %(default)s")
    args = parser.parse_args()
    faces = fer2013.load(args.data, "Training")
    rows = []
    finder = FaceFinder(registry.path("face_landmarker"))
    for i in tqdm(np.random.default_rng(0).permutation(len(faces))[: args.tiles], unit="tile"):
        large = cv2.resize(faces.pixels[i], (ENLARGED, ENLARGED), interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
        blank = np.zeros((64, 64, 3), np.uint8)
        finder.find(blank, 0)  # forget the tile before: these are no successive frames
        face = finder.find(np.ascontiguousarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB), np.uint8), 0)
        if face is None:
            continue
        points = (face.points - BORDER) / ENLARGED
        right, left = points[list(align.RIGHT_EYE)].mean(0), points[list(align.LEFT_EYE)].mean(0)
        mouth = points[list(align.MOUTH)].mean(0)
        low, high = points.min(0), points.max(0)
        off_centre = abs((right + left)[0] / 2 - (low + high)[0] / 2) / (high - low)[0]
        rows.append([np.hypot(*(left - right)), (right + left)[1] / 2, mouth[1], off_centre])
    finder.close()
    table = np.array(rows)
    frontal = table[table[:, 3] < FRONTAL]
    print(f"Machine: {machine.describe()}")
    print(f"{len(table)} of {args.tiles} tiles have a face that is found, {len(frontal)} of these are frontal")
    apart, eyes, mouth_y, _ = np.median(frontal, 0)
    print(f"median frontal tile, in sides: eyes {apart:.3f} apart at {eyes:.3f}, mouth at {mouth_y:.3f} from the top")


if __name__ == "__main__":
    main()
