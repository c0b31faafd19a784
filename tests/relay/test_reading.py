"""Who reads sessions over HTTP: everything arrives whole, and nobody gets the relay to do or keep too much."""

import asyncio
import shutil
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil
import pytest

from relay import app
from relay.config import RelaySettings
from relay.core.limits import Limits
from relay.http import reading
from relay.protocol import EXPRESSIONS, encode
from relay.store import archive, database, export
from relay.store.archive import Archive
from relay.store.channels import ChannelKeys
from tests.support import HANG_S, request, stored, wait_until

SECONDS = 30 * 3600
"""Its files are three times as large as what the kernel keeps for who reads nothing."""
STARTED = 1_700_000_000
STALLED = Limits(stalled=0.5)


def fill(place: database.Place, channel: str = "demo", number: int = 1, seconds: int = SECONDS) -> None:
    """A session, by default a very long one."""
    row = f"INSERT INTO moments VALUES (?, ?, ?, 100, 70, {', '.join('?' * len(EXPRESSIONS))}, 0.5, 0.25)"
    with database.opened(place) as file:
        file.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, 250, 5, '')", (channel, number, STARTED, STARTED + seconds)
        )
        for second in range(STARTED, STARTED + seconds):
            counts = [(second * factor) % 20 for factor in range(7)]
            file.execute(row, (channel, number, second, *counts))


class Running:
    def __init__(self, relay: app.Relay, place: database.Place, keys: ChannelKeys) -> None:
        self.relay, self.place, self.keys = relay, place, keys
        self.url = f"{relay.url}/v1/channels/demo"
        self.headers = {"Authorization": f"Bearer {keys.display_key}"}

    def connections(self) -> int:
        """How many connections the relay has."""
        port = int(self.relay.url.rpartition(":")[2])
        found = psutil.Process().net_connections("tcp")
        return sum(one.laddr.port == port and one.status == "ESTABLISHED" for one in found)

    async def mute(self, path: str, version: str = "1.1") -> socket.socket:
        """A request of whose answer the first word is read, and then nothing; the kernel keeps as little as it can."""
        host, _, port = self.relay.url.removeprefix("http://").partition(":")
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (host, int(port)))
        head = f"GET /v1/channels/demo/{path} HTTP/{version}\r\nHost: localhost\r\n"
        await loop.sock_sendall(client, f"{head}Authorization: {self.headers['Authorization']}\r\n\r\n".encode())
        assert await loop.sock_recv(client, 12) == f"HTTP/{version} 200".encode()
        return client


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose channel ``demo`` has a very long session, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    fill(database.prepare(str(folder)))
    return folder


@pytest.fixture
async def running(tmp_path: Path, filled: Path, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """A relay whose channel ``demo`` has a very long session."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    place = database.prepare(str(tmp_path))
    marker = request.node.get_closest_marker("relay")
    limits = marker.kwargs["limits"] if marker else Limits()
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path), tick_ms=100), limits)
    yield Running(relay, place, relay.create_channel("demo"))
    await relay.stop()


async def read_out(client: socket.socket) -> tuple[bytes, bool]:
    """What still comes, and whether it ends regularly, not with a reset."""
    loop, found = asyncio.get_running_loop(), bytearray()
    try:
        while part := await loop.sock_recv(client, 65536):
            found += part
    except ConnectionResetError:
        return bytes(found), False
    finally:
        client.close()
    return bytes(found), True


@pytest.mark.slow
async def test_a_long_session_arrives_whole(running: Running) -> None:
    whole, reader = stored(running.place, "demo", 1), Archive(running.place)
    assert whole is not None
    async with aiohttp.ClientSession(headers=running.headers) as http:
        async with http.get(running.url + "/sessions/1.csv") as response:
            assert (response.content_type, response.charset) == ("text/csv", "utf-8")
            assert response.headers["Content-Disposition"] == 'attachment; filename="demo-session-1.csv"'
            assert await response.read() == b"".join(
                export.csv_pieces(whole["session"], reader.slices(whole["session"]))
            )
        told = msgspec.structs.asdict(whole["session"])
        del told["created"]  # the channel's
        for path in ("/sessions/1", "/sessions/1.json"):
            async with http.get(running.url + path) as response:
                assert (response.content_type, response.charset) == ("application/json", "utf-8")
                assert await response.read() == encode(whole | {"session": told})


@pytest.mark.slow
async def test_a_hundred_exports_at_once_take_little_memory(running: Running) -> None:
    process, peak = psutil.Process(), 0
    before = process.memory_info().rss

    async def export_once(http: aiohttp.ClientSession) -> int:
        nonlocal peak
        async with http.get(running.url + "/sessions/1.csv") as response:
            if response.status == 503:
                assert int(response.headers["Retry-After"]) > 0
                assert response.headers["Connection"] == "close"
                assert (await response.json())["error"]["name"] == "full"
            async for _ in response.content.iter_any():
                peak = max(peak, process.memory_info().rss)
            return response.status

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=running.headers, connector=connector) as http:
        answers = Counter(await asyncio.gather(*(export_once(http) for _ in range(100))))
        assert answers.keys() == {200, 503}
        assert answers[200] < 20
        assert await export_once(http) == 200
    assert peak - before < 200e6


@pytest.mark.slow
@pytest.mark.relay(limits=Limits(stalled=30))
async def test_of_a_channel_few_sessions_are_read_at_once(running: Running) -> None:
    other = running.relay.create_channel("other")
    fill(running.place, "other", seconds=60)
    mutes = [await running.mute(path) for path in ("sessions/1.csv", "sessions/1")]

    status, body = await request(running.relay.url, "GET", "demo/sessions/1.json", running.keys.display_key)
    assert (status, body["error"]["name"]) == (503, "full")
    assert "2 sessions of 'demo' are being read" in body["error"]["message"]
    # Others have theirs, and what is short does not wait.
    assert (await request(running.relay.url, "GET", "other/sessions/1", other.display_key))[0] == 200
    assert (await request(running.relay.url, "GET", "demo/sessions", running.keys.display_key))[0] == 200
    assert (await request(running.relay.url, "GET", "demo/sessions/1/peaks", running.keys.display_key))[0] == 200
    for client in mutes:
        client.close()

    async def free() -> bool:
        return (await request(running.relay.url, "GET", "demo/sessions/1.json", running.keys.display_key))[0] == 200

    await wait_until(free, 60)


@pytest.mark.slow
@pytest.mark.relay(limits=STALLED)
@pytest.mark.parametrize("path", ["sessions/1.csv", "sessions/1"])
async def test_who_reads_nothing_of_an_export_is_cut_off(running: Running, path: str) -> None:
    mutes = [await running.mute(path) for _ in range(2)]
    await wait_until(lambda: not running.connections(), 60)
    for client in mutes:
        assert not (await read_out(client))[1]
    assert (await request(running.relay.url, "GET", f"demo/{path}", running.keys.display_key))[0] == 200


@pytest.mark.slow
@pytest.mark.relay(limits=STALLED)
async def test_who_reads_nothing_of_any_answer_is_cut_off(running: Running) -> None:
    with database.opened(running.place) as file:
        for number in range(2, 40_000):
            file.execute("INSERT INTO sessions VALUES ('demo', ?, 1.5, 2.5, 250, 5, ?)", (number, "x" * 200))
    mutes = [await running.mute("sessions") for _ in range(5)]
    await wait_until(lambda: not running.connections(), 60)
    for client in mutes:
        assert not (await read_out(client))[1]
    status, body = await request(running.relay.url, "GET", "demo/sessions", running.keys.display_key)
    assert (status, len(body["sessions"])) == (200, 39_999)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel keeps what it has taken")
@pytest.mark.relay(limits=STALLED)
async def test_who_leaves_an_answer_to_the_kernel_is_cut_off(running: Running) -> None:
    mutes = [await running.mute("overlay.png?width=1920&height=1080") for _ in range(5)]
    await wait_until(lambda: not running.connections(), 60)
    for client in mutes:
        await read_out(client)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere who reads slowly is known by what Python keeps alone")
@pytest.mark.relay(limits=Limits(stalled=0.5, slow_reader=3600))
async def test_who_reads_no_event_is_cut_off(running: Running) -> None:
    mutes = [await running.mute("mood") for _ in range(2)]
    await wait_until(lambda: not running.connections(), 60)
    for client in mutes:
        await read_out(client)


@pytest.mark.relay(limits=STALLED)
async def test_nothing_is_logged_of_who_is_cut_off(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    ask = b"GET /static/dashboard.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    mutes = [await running.mute("sessions") for _ in range(20)]
    for client in mutes:
        await asyncio.get_running_loop().sock_sendall(client, 200 * ask)
    await wait_until(lambda: not running.connections(), 60)
    for client in mutes:
        await read_out(client)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_an_export_that_can_not_be_finished_does_not_look_whole(running: Running, version: str) -> None:
    client = await running.mute("sessions/1.csv", version)
    await request(running.relay.url, "DELETE", "demo/sessions/1", running.keys.admin_key)
    rest, regular = await read_out(client)
    assert not regular
    assert not rest.endswith(b"0\r\n\r\n")


async def test_an_error_before_the_first_byte_is_an_answer(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> Iterator[Any]:
        raise archive.GoneError
        yield

    monkeypatch.setattr(Archive, "slices", refuses)
    for path in ("demo/sessions/1.csv", "demo/sessions/1", "demo/sessions/1/peaks"):
        assert (await request(running.relay.url, "GET", path, running.keys.display_key))[0] == 404


@pytest.mark.slow
async def test_peaks_are_looked_for_once(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    searches = 0
    slices = Archive.slices

    def counted(*arguments: Any) -> Any:
        nonlocal searches
        searches += 1
        return slices(*arguments)

    monkeypatch.setattr(Archive, "slices", counted)

    async def ask(number: int) -> tuple[int, Any]:
        return await request(running.relay.url, "GET", f"demo/sessions/{number}/peaks", running.keys.display_key)

    answers = await asyncio.gather(*(ask(1) for _ in range(40)))
    assert {status for status, _ in answers} == {200}
    assert searches == 1
    await ask(1)
    assert searches == 1
    for number in range(2, 8):
        fill(running.place, number=number, seconds=200)
    # Of other sessions a few at once, and afterwards the others.
    statuses = Counter(status for status, _ in await asyncio.gather(*(ask(number) for number in range(2, 8))))
    assert statuses[200] >= reading.A_CHANNEL
    assert set(statuses) <= {200, 503}
    for number in range(2, 8):
        assert (await ask(number))[0] == 200
    with database.opened(running.place) as file:
        file.execute("UPDATE sessions SET ended = ended + 1 WHERE number = 1")  # it went on
    before = searches
    await ask(1)
    assert searches == before + 1


def test_when_peaks_are_looked_for_again() -> None:
    async def search(took: float) -> tuple[list[Any], float]:
        return [], took

    async def check() -> None:
        session = archive.Session(number=1, channel="demo", started=0.0, ended=None, tick_ms=250, min_viewers=5)
        for took, patience in ((0.1, reading.PEAKS_S), (60.0, 60.0 * reading.SHARE)):
            found = reading.Search(None, 100.0, asyncio.create_task(search(took)))
            assert found.serves(session, 1e9)  # it is not done
            await found.found
            assert found.serves(session, 100.0 + patience - 1)
            assert not found.serves(session, 100.0 + patience)

    asyncio.run(check())


@pytest.mark.slow
@pytest.mark.relay(limits=Limits(stalled=3600))
async def test_a_stopping_relay_waits_for_no_export(running: Running) -> None:
    mutes = [await running.mute("sessions/1.csv") for _ in range(2)]
    await asyncio.wait_for(running.relay.stop(), HANG_S)  # and not as long as an export may stall
    for client in mutes:
        assert not (await read_out(client))[0].endswith(b"0\r\n\r\n")
