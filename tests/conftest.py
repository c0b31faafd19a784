"""Fixtures for all tests."""

import contextlib
import gc
import os
import signal
import sys
import traceback
import warnings
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from relay import app
from relay.config import RelaySettings
from relay.core.limits import Limits
from tests.postgres import PostgresServer
from tests.support import SOON
from tests.tunnels import StandIn

MARKERS = {
    "slow": "takes more than a second or two, or needs a server, a program or a network; not in `make quick`",
    "browser": "needs Chromium",
    "obs": "needs OBS Studio",
    "torch": "needs the training's packages",
    "nightly": "takes a minute or more, as all layouts in all themes do: `make nightly` alone runs it",
}
SIGNS = {
    "browser": {"browser", "engine", "open_page", "chromium_options"},
    "obs": {"ObsStudio", "studio"},
    "slow": {"RedisServer", "display", "postgres", "wheel"},
    "torch": {"torch"},
}
"""Names of fixtures that a test asks for or of what its module imports, by which it is marked."""


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(signal, "SIGHUP"):  # `nohup make test` ignores it, and so would every program that the tests start
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    config.addinivalue_line(
        "markers",
        "relay(**options): settings of the `relay` fixture's relay (tick_ms=50, min_viewers=1, ...); "
        "`limits=SOON._replace(...)` shortens its times, `limits=Limits()` are the product's",
    )
    # Programs that the tests start would fetch and compress for a minute what browsers read faces with.
    os.environ.setdefault("MOODCAST_NO_FETCH", "true")
    for marker, needs in MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {needs}")
    if "nightly" not in config.option.markexpr:
        config.option.markexpr = f"({config.option.markexpr or 'not nightly'}) and not nightly"


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Marks each test by what it needs, as its folder, fixtures and imports tell."""
    for item in items:
        names = vars(item.module).keys() | set(item.fixturenames)
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        for marker, signs in SIGNS.items():
            if not names.isdisjoint(signs):
                item.add_marker(marker)
        if item.path.parent.name in ("e2e", "models") or "postgres" in parameters:
            item.add_marker("slow")


FAILURES = pytest.StashKey[list[BaseException]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let go of what a failed test left open, without complaint: its failure is told already.

    Its traceback keeps clients and sockets alive. Else the garbage collection of a later test finds them, mostly of one
    that makes much garbage by its many examples, and that fails for an unclosed session that it never had.
    """
    report = yield
    failures = item.stash.setdefault(FAILURES, [])
    if report.failed and call.excinfo is not None:
        failures.append(call.excinfo.value)
    if call.when == "teardown" and failures:  # now the event loop is closed, too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while failures:
                last = failures.pop().__traceback__
                traceback.clear_frames(last)
                for frame, _ in traceback.walk_tb(last):
                    assert isinstance(frame.f_locals, Mapping)  # looking at what pytest has shown makes it anew, empty
            gc.collect()
    return report


# How long an example takes tells of the machine and its other work, not of the code.
settings.register_profile("moodcast", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
settings.register_profile("thorough", settings.get_profile("moodcast"), max_examples=300)
settings.register_profile("quick", settings.get_profile("moodcast"), max_examples=10)
# A mutant is judged by the same examples each time, and nobody reads its shortest one.
settings.register_profile(
    "mutants",
    settings.get_profile("moodcast"),
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile("moodcast")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server of this test run; skips with the reason where none can be started."""
    with PostgresServer.started() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Runs the test with each kind of database: empty for SQLite, else the URL of a new PostgreSQL database.

    The ``relay`` fixture uses it, where a test or module asks for it.
    """
    if request.param == "sqlite":
        return ""
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def relay(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[app.Relay]:
    """A real relay on a free port with an empty data folder, in the test's event loop; one viewer is enough to show.

    ``@pytest.mark.relay(min_viewers=5, tick_ms=100)`` sets its options. Channels: ``relay.create_channel("demo")``.
    """
    marker = request.node.get_closest_marker("relay")
    options: dict[str, Any] = {"port": 0, "data": str(tmp_path / "relay"), "tick_ms": 50, "min_viewers": 1}
    if "database_url" in request.fixturenames:
        options["database"] = request.getfixturevalue("database_url")
    options |= marker.kwargs if marker else {}
    limits = options.pop("limits", SOON)
    assert isinstance(limits, Limits)
    running = await app.start(RelaySettings(**options), limits)
    yield running
    await running.stop()


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Stand-ins for cloudflared and tailscale: ``stand_in.will_serve("cloudflared")`` before a relay starts one."""
    if sys.platform != "linux":
        pytest.skip("the stand-in is a script, and looked for in /proc")
    made = StandIn(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN", str(made.folder))
    yield made
    for pid in made.runs():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
