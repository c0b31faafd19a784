"""What a number was measured on, for the first line of every benchmark's output."""

import os
import platform
import sys

from models.evaluation.cost import processor


def describe() -> str:
    """Processor, cores, system and Python in one line."""
    system = f"{platform.system()} {platform.release()}, Python {sys.version.split()[0]}"
    return f"{processor()}, {os.cpu_count()} cores, {system}"
