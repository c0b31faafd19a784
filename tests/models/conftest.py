"""What the tests of the models share."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Torch, where a test has imported it, takes one: more would only fight other programs for the cores.

    Sums also come in another order then, and so does what is learned.
    """
    if (torch := sys.modules.get("torch")) is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
