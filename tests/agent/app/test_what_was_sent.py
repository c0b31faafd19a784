"""What the window lists as sent, beside the bytes that came out of the agent."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from agent.app.state import Place
from relay.app import Relay
from tests.agent.app.test_app import running
from tests.packets import Request, said
from tests.raw import TEXT
from tests.support import request, wait_until


@contextlib.asynccontextmanager
async def recorded(relay: Relay, streams: list[bytearray]) -> AsyncIterator[str]:
    """An address between an agent and its relay; what the agent says on each connection comes into ``streams``."""
    there = urlsplit(relay.url)

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            while chunk := await reader.read(1 << 16):
                kept += chunk
                writer.write(chunk)
                await writer.drain()

    async def opened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection(there.hostname, there.port)
        streams.append(kept := bytearray())
        await asyncio.gather(passed(reader, onward[1], kept), passed(onward[0], writer, bytearray()))

    server = await asyncio.start_server(opened, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def lines(stream: bytes) -> list[str]:
    """As the window lists them; what is secret hidden as there."""
    found = []
    for one in said(stream):
        if isinstance(one, Request):
            found.append(f"{one.method} {one.path} {one.body.decode()}".rstrip())
        elif one.opcode == TEXT:
            found.append(one.payload.decode())
    return [re.sub(r'("(?:password|ticket)": ?)"[^"]+"', r'\1"…"', line) for line in found]


async def test_the_list_is_what_came_to_the_relay_to_the_letter(relay: Relay, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"}))[0] == 200
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True}))[0] == 200
    streams: list[bytearray] = []

    def came() -> Counter[str]:
        with contextlib.suppress(ValueError):  # half of something is under way
            return Counter(line for stream in streams for line in lines(bytes(stream)))
        return Counter()

    def kinds() -> set[str]:
        return set(re.findall(r'"type":"(\w+)"', "\n".join(one.text for one in agent.state().sent)))

    with running(tmp_path / "settings") as agent:
        async with recorded(relay, streams) as url:
            await asyncio.wrap_future(agent.channels(url))
            created = await asyncio.wrap_future(agent.create(url, "mine"))
            await asyncio.wrap_future(agent.enlist(url, created, True))
            agent.change(name="Zoë")
            promise = await asyncio.wrap_future(agent.promises(Place(relay=url, channel="demo", password="sesame")))
            agent.agree(promise)
            agent.join(promise)
            await wait_until(lambda: agent.state().grid_allowed and agent.state().link == "joined")
            agent.share("face")
            agent.tap("heart")
            agent.open_grid(True)
            agent.show_me(True)
            assert (await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3}))[0] < 300
            await wait_until(lambda: agent.state().countdown is not None)
            agent.tap_zero()
            await wait_until(lambda: kinds() >= {"hello", "label", "tap", "look", "show", "zero"})
            agent.show_me(False)
            agent.share("paused")
            await wait_until(lambda: "away" in kinds())
            agent.change(delay=2.0)  # joined anew
            await wait_until(lambda: agent.state().link == "joined")
            agent.leave()
            await wait_until(lambda: agent.state().link == "none")
            listed = Counter(one.text for one in agent.state().sent)
            await wait_until(lambda: came() == listed)
    assert "sesame" not in "".join(listed)
    assert created.admin_key not in "".join(listed)
