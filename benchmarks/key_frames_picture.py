"""Draw which frames AKMNet chooses: ``python -m benchmarks.key_frames_picture RUN --out FILE.webp``.

RUN is the folder of ``python -m benchmarks.key_frames``. The packaged portrait, whom the network has never seen, shows
a micro-expression: some of the frames as they are, the same as the network sees them, and below how like each frame is
to the whole clip. Green is what was chosen.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from agent import face_stage
from benchmarks import key_frames
from models.clips import flow, micro_synth, synth
from models.clips.magnify import magnified
from models.clips.micro_synth import MicroExpression, MicroScene
from models.inference import registry
from models.training import checkpoint
from models.zoo import akmnet, resnet
from relay.protocol import EXPRESSIONS

SIZE, RATE, SEED, COUNT = 96, 60, 5, 78
"""Of the faces, as in the set that was learned from, and how many frames the clip has."""
EVENT = MicroExpression("surprise", 0.28, 26, 38, 52)
SHOWN, CELL, EDGE, LEFT, FINE = 12, 84, 4, 76, 2
"""Frames that are shown, their side and that of their edge, and the place for words; drawn ``FINE`` times as large."""
CURVE, FOOT = 92, 40
INK, QUIET, PAPER, CHOSEN, OTHER = (34, 34, 34), (110, 110, 110), (255, 255, 255), (0, 140, 80), (205, 205, 205)


def frames_and_choice(run: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8], akmnet.KeyFrames]:
    """The clip (F, SIZE, SIZE, 3), the same magnified and grey (F, SIZE, SIZE), and what of it is chosen."""
    with face_stage.finding("benchmarks.key_frames_picture") as find:
        who = synth.load_portraits({"somebody": registry.path("portrait")}, find, SIZE)["somebody"]
    scene = MicroScene("somebody", COUNT / RATE, COUNT, (EVENT,), ())
    clip = np.stack(list(micro_synth.perform(who, scene, RATE, SIZE, np.random.default_rng(SEED))))
    small = np.stack([cv2.resize(frame, (key_frames.SIZE,) * 2, interpolation=cv2.INTER_AREA) for frame in clip])
    resnet.WIDTHS = key_frames.WIDTHS
    net = akmnet.AKMNet(len(EXPRESSIONS), key_frames.SIZE)
    net.load_state_dict(checkpoint.weights(run / f"{key_frames.NETWORK}-{key_frames.SIZE}px"))
    seen = magnified(flow.grey(small).astype(np.float32)) / 255
    with torch.inference_mode():
        _, chosen = net.eval().with_key_frames(torch.from_numpy(seen)[None, None])
    larger = magnified(flow.grey(clip).astype(np.float32))
    return clip, np.rint(larger).astype(np.uint8), chosen


def draw(clip: NDArray[np.uint8], larger: NDArray[np.uint8], chosen: akmnet.KeyFrames) -> Image.Image:
    count = len(clip)
    picked, likeness = chosen.mask[0].numpy() > 0, chosen.likeness[0].numpy()
    shown = np.linspace(0, count - 1, SHOWN).round().astype(int)
    width, rows = LEFT + SHOWN * CELL, 2 * CELL
    picture = Image.new("RGB", (width * FINE, (rows + CURVE + FOOT) * FINE), PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(12 * FINE)

    def write(x: float, y: float, words: str, anchor: str, colour: tuple[int, int, int] = INK) -> None:
        pen.text((x * FINE, y * FINE), words, colour, font, anchor=anchor)

    def box(left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int]) -> None:
        pen.rectangle([left * FINE, top * FINE, right * FINE - 1, bottom * FINE - 1], colour)

    for row, (title, pictures) in enumerate((("recorded", clip), ("magnified", larger))):
        write(LEFT - 8, (row + 0.5) * CELL, title, "rm")
        for column, frame in enumerate(shown):
            left, top = LEFT + column * CELL, row * CELL
            box(left, top, left + CELL, top + CELL, CHOSEN if picked[frame] else PAPER)
            inner = Image.fromarray(pictures[frame]).convert("RGB")
            side = (CELL - 2 * EDGE) * FINE
            picture.paste(inner.resize((side, side)), ((left + EDGE) * FINE, (top + EDGE) * FINE))
    low, high = float(likeness.min()), float(likeness.max())
    step, foot = (width - LEFT) / count, rows + CURVE
    write(LEFT - 8, rows + CURVE / 2, "likeness", "rm")
    for frame in range(count):
        left = LEFT + frame * step
        tall = 6 + (CURVE - 18) * (likeness[frame] - low) / max(high - low, 1e-6)
        box(left + 1, foot - tall, left + step - 1, foot, CHOSEN if picked[frame] else OTHER)
    for name, frame in (("onset", EVENT.onset), ("apex", EVENT.apex), ("offset", EVENT.offset)):
        at = LEFT + (frame + 0.5) * step
        box(at - 0.5, foot + 3, at + 0.5, foot + 10, INK)
        write(at, foot + 13, name, "mt")
    write(width - 2, foot + 13, f"{count / RATE:.1f} s", "rt", QUIET)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.key_frames_picture", description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of python -m benchmarks.key_frames")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the picture to write")
    args = parser.parse_args()
    draw(*frames_and_choice(args.run)).save(args.out, quality=85)


if __name__ == "__main__":
    main()
