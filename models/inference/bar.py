"""Fetching in a terminal: who is asked, and a bar. All on standard error."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from models.inference import fetch, registry
from models.inference.fetch import Progress


@contextlib.contextmanager
def shown(label: str) -> Iterator[Progress]:
    """A bar, while something is told."""
    with tqdm(unit="B", unit_scale=True, desc=label) as bar:

        def tell(here: int, size: int) -> None:
            bar.total = size
            bar.update(here - bar.n)

        yield tell


def fetched(name: str) -> Path:
    """The file of that entry, fetched before the user's eyes where it is not here; errors as ``fetch.fetch``."""
    entry, needed = registry.get(name), fetch.missing([name])
    if not needed.hosts:
        return fetch.fetch(entry)
    others = f"; should that fail, from {', '.join(needed.other_hosts)}" if needed.other_hosts else ""
    tqdm.write(f"{name}: from {', '.join(needed.hosts)}{others}", sys.stderr)
    with shown(name) as progress:
        return fetch.fetch(entry, progress)
