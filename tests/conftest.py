"""Fixtures for all tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay import app
from relay.config import RelaySettings
from relay.hub import Limits


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "relay(**options): settings of the `relay` fixture's relay (tick_ms=50, min_viewers=1, ...); "
        "`limits=Limits(...)` shortens its times",
    )


@pytest.fixture
async def relay(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[app.Relay]:
    """A real relay on a free port with an empty data folder, in the test's event loop; one viewer is enough to show.

    ``@pytest.mark.relay(min_viewers=5, tick_ms=100)`` sets its options. Channels: ``relay.create_channel("demo")``.
    """
    marker = request.node.get_closest_marker("relay")
    options = {"port": 0, "data": str(tmp_path / "relay"), "tick_ms": 50, "min_viewers": 1}
    options |= marker.kwargs if marker else {}
    limits = options.pop("limits", Limits())
    assert isinstance(limits, Limits)
    running = await app.start(RelaySettings(**options), limits)
    yield running
    await running.stop()
