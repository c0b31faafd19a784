"""Golden vectors from the authors' own builds: ``python benchmarks/official.py NAME CHECKOUT > FILE.json``.

``CHECKOUT`` is a copy of the official repository, which is no part of Moodcast; what it needs beside torch (einops,
timm) has to be installed. The build gets the weights and the input of ``tests/seeded.py``; the file keeps the names and
shapes of its state dict and what it answers, to six digits. ``tests/models/test_convert.py`` then asks the same of our
network, through the converter: agreement within 1e-4.

Run it as a file, not with ``-m``: official repositories have a package ``models`` of their own.
"""

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

TESTS = Path(__file__).parents[1] / "tests"
spec = importlib.util.spec_from_file_location("seeded", TESTS / "seeded.py")
assert spec is not None
assert spec.loader is not None
seeded: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(seeded)

Answers = dict[str, torch.Tensor]


def former_dfer() -> tuple[Any, Callable[[Any], Answers]]:
    """zengqunzhao/Former-DFER; frames come before channels there."""
    network = importlib.import_module("models.ST_Former").GenerateModel()
    return network, lambda network: {"logits": network(seeded.clip(16, 112, 2).transpose(1, 2))}


def ial() -> tuple[Any, Callable[[Any], Answers]]:
    """muse1998/IAL-for-Facial-Expression-Recognition, which asks for CUDA to keep a map that nothing reads."""
    torch.Tensor.cuda = lambda tensor: tensor  # type: ignore[method-assign,assignment]
    network = importlib.import_module("final_model").GenerateModel()

    def answers(network: Any) -> Answers:
        logits, _, _, first, second = network(seeded.clip(16, 112, 2).transpose(1, 2))
        return {"logits": logits, "auxiliary1": first, "auxiliary2": second}

    return network, answers


BUILDS = {"former-dfer": former_dfer, "ial": ial}


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in BUILDS:
        sys.exit(f"usage: python benchmarks/official.py {{{','.join(BUILDS)}}} CHECKOUT")
    # Their packages have the names of ours, which must not be found first.
    others = [path for path in sys.path if not (Path(path) / "moodcast.py").is_file()]
    sys.path[:] = [str(Path(sys.argv[2]).resolve()), *others]
    network, answers = BUILDS[sys.argv[1]]()
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict(seeded.weights(shapes))
    with torch.no_grad():
        found = answers(network.eval())
    rounded = {name: [[float(f"{x:.6g}") for x in row] for row in rows.tolist()] for name, rows in found.items()}
    print(json.dumps({"answers": rounded, "shapes": shapes}).replace('], "', '],\n"'))


if __name__ == "__main__":
    main()
