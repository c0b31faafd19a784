"""Size, cost and speed of networks, beside the papers' and the official ones: ``python -m benchmarks.table``.

With ``--json docs/table.json`` it writes what ``make docs`` makes docs/table.md of.

Parameters as ``numel``; multiplications from torch's own counter (half of its FLOPs) for one input; milliseconds of one
input in torch, random weights, float32, on one thread. They are the thread's processor time, which other programs on
the machine hardly change: what an input takes on a core of its own.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from docs import table
from docs.table import Row
from models.evaluation.cost import processor
from models.zoo import networks
from models.zoo.entry import Architecture

RUNS = 3
"""At least, after one to warm up."""
SECONDS = 2.0
"""Of timing, for each network."""


def multiplications(entry: Architecture) -> float:
    """Multiply-accumulates of one input; nothing is computed for it."""
    with torch.device("meta"):
        network = networks.build(entry.name).eval()
        ones = [torch.empty(shape) for shape in entry.inputs(1).values()]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*ones)
    return counter.get_total_flops() / 2


def milliseconds(network: nn.Module, entry: Architecture, seconds: float) -> float:
    """Processor time of the fastest run of one input, of those that ``seconds`` hold, at least ``RUNS``."""
    network.eval()
    generator = torch.Generator().manual_seed(0)
    ones = [torch.rand(shape, generator=generator) for shape in entry.inputs(1).values()]
    times: list[float] = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            network(*ones)
            end = time.monotonic() + seconds
            while len(times) < RUNS or time.monotonic() < end:
                began = time.thread_time()
                network(*ones)
                times.append((time.thread_time() - began) * 1000)
    finally:
        torch.set_num_threads(threads)
    return min(times)


def measure(entry: Architecture) -> Row:
    """A row of the table."""
    torch.manual_seed(0)
    network = networks.build(entry.name)
    params = sum(parameter.numel() for parameter in network.parameters())
    found = table.row(entry, params, multiplications(entry) / 1e9)
    return found | {
        "ms": milliseconds(network, entry, SECONDS),
        "processor": processor(),
    }


def measured(entries: Sequence[Architecture]) -> Iterator[Row]:
    """A row for each entry, with a progress bar on standard error."""
    with tqdm(entries, unit="network", leave=False, disable=None, file=sys.stderr) as bar:
        for entry in bar:
            bar.set_description(entry.name)
            yield measure(entry)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=str(__doc__).partition(":")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: those of the study and of the lecture")
    parser.add_argument("--all", action="store_true", help="every network of the registry")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to this file")
    asked = parser.parse_args(arguments)
    print(table.line(table.HEAD))
    rows = []
    for row in measured(table.chosen(asked.names, asked.all)):
        rows.append(row)
        tqdm.write(table.line(table.cells(row)), sys.stdout)
        sys.stdout.flush()
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n")
    print("\n".join(["", table.LEGEND, *table.notes(rows)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
