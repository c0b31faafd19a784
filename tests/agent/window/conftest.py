"""A screen for the tests of the window."""

from collections.abc import Iterator

import pytest

from tests.agent.window import desk


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """The name of an X display with a window manager; skips with the reason where there can be none."""
    if lacking := desk.missing():
        pytest.skip(lacking)
    with desk.screen() as name:
        yield name
