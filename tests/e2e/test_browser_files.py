"""What a page reads faces with, as a real browser loads it: from the relay, and from a static host. Small files."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page

from relay import app
from relay.config import RelaySettings
from tests import strange
from tests.assets import SMALL, Store, fill

LOAD = """async () => {
    const { load } = await import("/static/reading/loader.js");
    const told = [];
    try {
        const files = await load(new URL("/", location), (loaded, total) => told.push([loaded, total]));
        const text = (bytes) => new TextDecoder().decode(bytes);
        return {
            files: Object.fromEntries(Object.entries(files).map(([key, { bytes }]) => [key, text(bytes)])),
            last: told.at(-1),
        };
    } catch (error) {
        return { code: error.code };
    }
}"""
CAME = """() => performance.getEntriesByType("resource")
    .filter(({ name }) => new URL(name).pathname.startsWith("/assets/"))
    .map(({ transferSize, encodedBodySize }) => [transferSize, encodedBodySize])"""
WHOLE = {key: data.decode() for key, (_, data) in SMALL.items()}
BYTES = sum(len(data) for _, data in SMALL.values())
SCRIPTS = (".js", ".mjs")
Start = Callable[..., Awaitable[str]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a relay with small files; the address of a page that may read faces."""
    running = []

    async def started(**options: Any) -> str:
        fill(tmp_path / "files")
        settings = RelaySettings(port=0, data=str(tmp_path / "data"), no_fetch=True, **options)
        running.append(await app.start(settings, assets=Store(tmp_path / "files")))
        running[0].create_channel("demo")
        return f"{running[0].url}/join/demo"

    yield started
    for relay in running:
        await relay.stop()


def host(files: dict[str, bytes], cors: bool = True) -> strange.Server:
    """A static host that has these bytes at these paths."""

    def answer(data: bytes) -> strange.Answer:
        async def send(_: web.Request) -> web.Response:
            headers = {"Access-Control-Allow-Origin": "*"} if cors else {}
            return web.Response(body=data, headers=headers | {"Cache-Control": "public, max-age=31536000, immutable"})

        return send

    return strange.Server({path: answer(data) for path, data in files.items()})


def placed(folder: Path) -> dict[str, bytes]:
    """All files at the addresses that a static host has them under."""
    assets, _ = Store(folder).look()
    return {f"/moodcast/{asset.place}": asset.codings["identity"].path.read_bytes() for asset in assets}


async def test_a_browser_loads_all_files_compressed_and_keeps_them(start: Start, watched: Page) -> None:
    page = watched
    await page.goto(await start())
    assert await page.evaluate(LOAD) == {"files": WHOLE, "last": [BYTES, BYTES]}
    came = await page.evaluate(CAME)
    assert len(came) == len(SMALL)
    assert all(0 < body < 500 for _, body in came)  # each has some ten thousand bytes
    await page.reload()
    assert (await page.evaluate(LOAD))["files"] == WHOLE
    assert [size for size, _ in await page.evaluate(CAME)] == [0] * len(SMALL)  # of what the browser has
    assert await page.evaluate("violations") == []


async def test_large_files_come_from_the_static_host_and_no_script_does(
    start: Start, watched: Page, tmp_path: Path
) -> None:
    fill(tmp_path / "files")
    page, files = watched, host(placed(tmp_path / "files"))
    async with files.serve() as server:
        await page.goto(await start(assets_url=f"{server.url}/moodcast"))
        assert (await page.evaluate(LOAD))["files"] == WHOLE
        assert await page.evaluate("violations") == []
    large = [name for name, _ in SMALL.values() if not name.endswith(SCRIPTS)]
    assert sorted(path.rpartition("/")[2] for path in server.asked) == sorted(large)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: data[::-1], "damaged"),
        pytest.param(lambda data: data + b"more", "damaged", marks=pytest.mark.nightly),
        pytest.param(None, "offline", marks=pytest.mark.nightly),
    ],
    ids=["another file", "a longer file", "a host that lets no page read"],
)
async def test_what_the_static_host_changes_is_refused(
    spoil: Callable[[bytes], bytes] | None, code: str, start: Start, watched: Page, tmp_path: Path
) -> None:
    fill(tmp_path / "files")
    files = placed(tmp_path / "files")
    changed = {path: spoil(data) if spoil and path.endswith(".wasm") else data for path, data in files.items()}
    async with host(changed, cors=spoil is not None).serve() as server:
        await watched.goto(await start(assets_url=f"{server.url}/moodcast"))
        assert await watched.evaluate(LOAD) == {"code": code}


@pytest.mark.nightly
async def test_a_relay_without_the_files_is_told_apart(tmp_path: Path, watched: Page) -> None:
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path / "data")))
    try:
        await watched.goto(f"{relay.url}/join/demo")
        assert await watched.evaluate(LOAD) == {"code": "no_assets"}
    finally:
        await relay.stop()
