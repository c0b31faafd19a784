"""Size and cost of every network of the registry: ``python -m benchmarks.networks``.

Parameters as ``numel``; multiplications from torch's own counter (half of its FLOPs) for one face or clip of the
network's size; milliseconds for it with ONNX Runtime on one thread, random weights, batch 1. Other programs on the
machine can only make a run slower, so the figure is the best of many short rounds; the median of all runs stands beside
it. The last columns: the weights as float16, as they are shipped (the graph adds a few kilobytes), and how far ONNX
Runtime's answer is from torch's; more than 1e-4 ends with an error.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import machine
from benchmarks.table import multiplications
from models.inference.runtime import onnxruntime
from models.zoo import networks
from models.zoo.entry import Architecture

ROUND = 5
TOLERANCE = 1e-4


def open_session(file: Path) -> Any:
    options = onnxruntime().SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime().InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def milliseconds(file: Path, entry: Architecture, seconds: float) -> tuple[float, float]:
    """Mean of the best round, and the median run, of all that ``seconds`` hold."""
    session = open_session(file)
    chance = np.random.default_rng(0)
    face = {name: chance.normal(size=shape).astype(np.float32) for name, shape in entry.inputs(1).items()}
    session.run(None, face)
    rounds: list[list[float]] = []
    end = time.monotonic() + seconds
    while not rounds or time.monotonic() < end:
        runs = []
        for _ in range(ROUND):
            began = time.perf_counter()
            session.run(None, face)
            runs.append((time.perf_counter() - began) * 1000)
        rounds.append(runs)
    return min(float(np.mean(runs)) for runs in rounds), float(np.median(rounds))


def difference(file: Path, network: torch.nn.Module, entry: Architecture) -> float:
    """The largest from torch's answers to one input, as a share of the largest answer: some start near zero."""
    generator = torch.Generator().manual_seed(0)
    ones = {name: torch.randn(shape, generator=generator) for name, shape in entry.inputs(1).items()}
    with torch.inference_mode():
        answer = network(*ones.values())
    expected = answer[0] if isinstance(answer, tuple) else answer
    found = open_session(file).run(None, {name: one.numpy() for name, one in ones.items()})[0]
    return float(np.abs(found - expected.numpy()).max() / float(expected.abs().max()))


def measure(entry: Architecture, seconds: float) -> dict[str, Any]:
    torch.manual_seed(0)
    network = networks.build(entry.name).eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.onnx's own
        file = Path(folder) / "network.onnx"
        samples = {name: torch.zeros(shape) for name, shape in entry.inputs(2).items()}
        with torch.no_grad():
            networks.export(network, samples, file)
        off = difference(file, network, entry)
        best, median = milliseconds(file, entry, seconds)
    count = sum(parameter.numel() for parameter in network.parameters())
    return {
        "params": count,
        "gmacs": multiplications(entry) / 1e9,
        "ms": best,
        "ms_median": median,
        "float16_mb": 2 * count / 1e6,
        "onnx_difference": off,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--seconds", type=float, default=10, help="timing of each; default: %(default)s")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    args = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    print(f"Machine: {machine.describe()}")
    chosen = [networks.get(name) for name in args.names or networks.listed()]
    width = max(len(entry.name) for entry in chosen)
    print(f"{'':{width}} {'sees':>16} {'params':>12} {'GMAC':>8} {'ms':>8} {'median':>8} {'MB f16':>7} {'off':>7}")
    results = {}
    for entry in chosen:
        results[entry.name] = row = measure(entry, args.seconds)
        print(
            f"{entry.name:{width}} {entry.sees:>16} {row['params']:12,} {row['gmacs']:8.3f} {row['ms']:8.2f} "
            f"{row['ms_median']:8.2f} {row['float16_mb']:7.2f} "
            f"{row['onnx_difference']:7.0e}",
            flush=True,
        )
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    off = [name for name, row in results.items() if row["onnx_difference"] > TOLERANCE]
    if off:
        sys.exit(f"ONNX Runtime and torch differ by more than {TOLERANCE}: {', '.join(off)}")


if __name__ == "__main__":
    main()
