"""Whether another OpenCV makes the same bytes of pictures, with the functions that the agent uses of it.

    python -m benchmarks.same_pictures
    PYTHONPATH=build/opencv python -m benchmarks.same_pictures     # after deploy/small-opencv.sh build/opencv

Prints which OpenCV it is and a digest for each function, over 300 pictures: the fetched portrait, smooth ones and
noise, scaled and turned by chance (seed 7).
"""

import hashlib
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.inference import registry

PICTURES = 300


def pictures(chance: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    face = np.asarray(Image.open(registry.path("portrait")).convert("RGB"))
    for number in range(PICTURES):
        if number % 3 == 0:
            yield face
        elif number % 3 == 1:
            few = chance.integers(0, 256, (*chance.integers(8, 60, 2), 3), dtype=np.uint8)
            yield np.asarray(Image.fromarray(few).resize((640, 480), Image.Resampling.BICUBIC))
        else:
            yield chance.integers(0, 256, (480, 640, 3), dtype=np.uint8)


def digests() -> dict[str, str]:
    chance = np.random.default_rng(7)
    sums = {name: hashlib.sha256() for name in ("cvtColor", "resize area", "resize linear", "warpAffine", "blur")}
    for picture in pictures(chance):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        sums["cvtColor"].update(grey)
        sums["cvtColor"].update(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        size = [int(side) for side in chance.integers(20, 300, 2)]
        sums["resize area"].update(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        sums["resize area"].update(cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA))
        across, down = chance.uniform(0.7, 1.4, 2)
        sums["resize linear"].update(cv2.resize(picture, None, fx=across, fy=down, interpolation=cv2.INTER_LINEAR))
        turn, scale, x, y = chance.uniform((-0.6, 0.2, -200, -200), (0.6, 2, 50, 50))
        cos, sin = scale * np.cos(turn), scale * np.sin(turn)
        matrix = np.array([[cos, -sin, x], [sin, cos, y]])
        side = int(chance.integers(48, 300))
        for one in (picture, grey):
            face = cv2.warpAffine(one, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            sums["warpAffine"].update(face)
        sums["blur"].update(cv2.blur(chance.random((18, 18), dtype=np.float32), (3, 3)))
    return {name: one.hexdigest() for name, one in sums.items()}


if __name__ == "__main__":
    cv2.setNumThreads(1)
    print(cv2.__version__, cv2.__file__)
    for name, digest in digests().items():
        print(f"{name:<14} {digest[:32]}")
