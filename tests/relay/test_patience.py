"""The relay's event loop: what comes gathers for a moment, and nothing that is due waits for it."""

import asyncio
import socket
import time

import pytest

from relay.live import patience


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, in seconds, which here take no time."""
    pauses: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", pauses.append)
    return pauses


def test_it_waits_between_two_looks_and_not_where_something_is_due(gathered: list[float]) -> None:
    selector = patience._PatientSelector()
    selector.select(0)
    for timeout, most in ((0, 0.0), (-1, 0.0), (0.001, 0.001), (0.002, 0.002)):
        gathered.clear()
        selector.select(timeout)
        assert sum(gathered) <= most
    mine, other = socket.socketpair()
    with mine, other:
        selector.register(mine, 1)
        other.send(b"x")
        gathered.clear()
        assert [key.fileobj for key, _ in selector.select()] == [mine]
        assert len(gathered) == 1
        assert 0 < gathered[0] <= patience.GATHER_S
    selector.close()


def test_after_a_rest_it_is_there_at_once(gathered: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    selector = patience._PatientSelector()
    selector.select(0)
    now = time.monotonic() + 1.0
    monkeypatch.setattr(patience.time, "monotonic", lambda: now)
    selector.select(0.0)
    monkeypatch.setattr(patience.time, "monotonic", lambda: now + 1.0)
    gathered.clear()
    selector.select(0.001)
    assert gathered == []
    selector.close()


def test_a_program_runs_on_it_as_on_any() -> None:
    """Timers, threads, connections, and what is left over when it ends."""
    seen: list[str] = []

    async def late() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            seen.append("cancelled")

    async def main() -> None:
        task = asyncio.create_task(late())
        await asyncio.sleep(0.001)
        assert await asyncio.to_thread(lambda: 7) == 7
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()
        server.close()
        assert not task.done()

    patience.run(main())
    assert seen == ["cancelled"]
