"""What a network costs: time a face in this process, memory in a process of its own, which this module also is."""

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.inference.runtime import onnxruntime

_WARM_UP, _REPEATS = 30, 300
ROOT = Path(__file__).parents[2]


def milliseconds(predict: Callable[[NDArray[np.uint8]], Any], tiles: NDArray[np.uint8]) -> dict[str, float]:
    """Median and 95th percentile of the time of one face (1, 48, 48), of ``_REPEATS`` after a warm-up."""
    times = []
    for i in range(_WARM_UP + _REPEATS):
        face = tiles[i % len(tiles)][None]
        began = time.perf_counter()
        predict(face)
        times.append((time.perf_counter() - began) * 1000)
    kept = times[_WARM_UP:]
    return {"ms_median": float(np.median(kept)), "ms_p95": float(np.percentile(kept, 95))}


def memory(file: Path, side: int, channels: int) -> dict[str, float | None]:
    """``ram_mb`` that loading and running the network adds at its peak, ``process_mb`` of the whole process.

    Both None where the system does not tell (only Linux does, in /proc).
    """
    command = [sys.executable, "-m", "models.evaluation.cost", str(file.resolve()), str(side), str(channels)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own module
    found: dict[str, float | None] = json.loads(answer.stdout)
    return found


def _measure_memory(file: Path, side: int, channels: int) -> dict[str, float | None]:
    """In this process; see ``memory``."""
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    before = _resident("VmRSS")
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    face = np.zeros((1, channels, side, side), np.float32)
    for _ in range(10):
        session.run(None, {session.get_inputs()[0].name: face})
    peak = _resident("VmHWM")
    return {"ram_mb": None if before is None or peak is None else peak - before, "process_mb": peak}


def _resident(field: str) -> float | None:
    """A figure of /proc/self/status in MB."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024 / 1e6


def processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure_memory(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
