"""`moodcast models evaluate` with published networks measured in the same run: ``python -m benchmarks.evaluate NAME``.

``--yardsticks DIR`` names the folder with their files (``benchmarks.yardsticks``); with them comes what the face stage
alone could tell (``benchmarks.blendshapes``). ``python -m docs.card`` makes a model card of the result.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path

from agent import face_stage
from benchmarks import blendshapes, yardsticks
from models.evaluation import evaluate, summary
from models.inference import registry
from models.stills import fer2013


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate", description=str(__doc__).partition(":")[0])
    parser.add_argument("name", metavar="NAME", help="a registered classifier of faces, or the ONNX file of one")
    parser.add_argument("--data", type=Path, default=Path("fer2013"), help="FER2013 (default: %(default)s)")
    parser.add_argument("--split", default="PublicTest", help="which of its splits (default: %(default)s)")
    parser.add_argument("--portraits", type=Path, metavar="DIR", help="also the London portraits in this folder")
    parser.add_argument("--yardsticks", type=Path, metavar="DIR", help="also the published networks in this folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    asked = parser.parse_args(arguments)
    network = evaluate.find(asked.name)
    with contextlib.ExitStack() as stack:
        find_faces = None
        if asked.portraits:
            find_faces = stack.enter_context(face_stage.describing("benchmarks.evaluate --portraits"))
        beside = {}
        if asked.yardsticks:
            beside = yardsticks.load(asked.yardsticks)
            reader = stack.enter_context(
                contextlib.closing(blendshapes.BlendshapeReader(registry.path("face_landmarker")))
            )
            beside[blendshapes.NAME] = blendshapes.fit(reader.read, fer2013.load(asked.data, fer2013.TRAINING))
        result = evaluate.evaluate(network, asked.data, asked.split, asked.portraits, find_faces, beside)
    print(summary.summary(result))
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
