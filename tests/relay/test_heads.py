"""HEAD is answered with a head alone: what came behind it, a proxy would take for the answer to somebody else."""

import asyncio
from pathlib import Path

import aiohttp

from relay import app
from relay.config import RelaySettings
from relay.store import database
from tests.assets import Store, fill
from tests.relay.test_reading import fill as fill_history
from tests.support import HANG_S, SOON, wait_until


async def behind_the_head(relay: app.Relay, path: str, key: str) -> bytes:
    """What comes behind the answer's head, on a connection on which something else is asked next."""
    host = relay.url.removeprefix("http://")
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    head = f"HEAD {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(f"{head}GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    told = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HANG_S)
    assert told.startswith(b"HTTP/1.1 200 "), told
    rest = await asyncio.wait_for(reader.read(), HANG_S)
    writer.close()
    return rest


async def test_the_next_answer_follows_at_once(tmp_path: Path) -> None:
    fill(tmp_path / "files")
    fill_history(database.prepare(str(tmp_path)), seconds=3000)  # too long to be sent at once
    store = Store(tmp_path / "files")
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path), no_fetch=True), SOON, assets=store)
    key = relay.create_channel("demo").display_key
    asset = store.look()[0][0]

    async def is_there() -> bool:
        async with aiohttp.ClientSession() as http, http.get(f"{relay.url}/v1/assets") as answer:
            return (await answer.json())["state"] == "ready"

    await wait_until(is_there)
    channel = "/v1/channels/demo"
    for path in (f"/assets/{asset.place}", f"{channel}/sessions/1", f"{channel}/sessions/1.csv", f"{channel}/mood"):
        rest = await behind_the_head(relay, path, key)
        assert rest.startswith(b"HTTP/1.1 200 "), (path, rest[:80])
        assert rest.endswith(b"}"), path
    await relay.stop()
