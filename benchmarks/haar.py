"""The yardstick of ``benchmarks.agent_cost``: a film through OpenCV's Haar cascade and mini-XCEPTION.

As most webcam demos do it (Arriaga et al. 2017 and those built on it): the cascade for frontal faces with a scale step
of 1.1 and five neighbours on each frame, the largest face to the network. OpenCV 5 has the cascades no more: ``pip
install --target DIR --no-deps 'opencv-python-headless<5'``, and that folder first in ``PYTHONPATH``. Prints the
processor seconds of a frame.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks import yardsticks


def main(film: str, network: str, count: int) -> float:
    """Processor seconds a frame, over ``count`` frames of a film that begins anew when it ends, 5 a second."""
    cv2.setNumThreads(1)
    cascades = cv2.data.haarcascades  # type: ignore[attr-defined]
    cascade = cv2.CascadeClassifier(cascades + "haarcascade_frontalface_default.xml")  # type: ignore[attr-defined]
    predict, capture = yardsticks.xception(Path(network)), cv2.VideoCapture(film)
    predict(np.zeros((1, 48, 48), np.uint8))
    every = max(1, round(capture.get(cv2.CAP_PROP_FPS) / 5))
    began = time.process_time()
    for _ in range(count):
        due = time.monotonic() + 0.2
        for _ in range(every):
            if not capture.grab():
                capture = cv2.VideoCapture(film)
                capture.grab()
        grey = cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2GRAY)
        faces = cascade.detectMultiScale(grey, 1.1, 5)
        if len(faces):
            x, y, width, height = max(faces, key=lambda face: int(face[2]))
            predict(grey[None, y : y + height, x : x + width])
        time.sleep(max(0.0, due - time.monotonic()))
    return (time.process_time() - began) / count


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
