"""What browsers read faces with, from a real relay: what there is, how it is sent, what it does about missing files."""

import argparse
import asyncio
import contextlib
import gzip
import hashlib
import logging
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp
import brotli
import psutil
import pytest

from models.inference import registry
from models.inference.assets import BrowserFiles
from models.inference.registry import NpmMember
from relay import app, settings
from relay.config import RelaySettings
from relay.core.limits import Limits
from relay.errors import SettingsError
from tests.assets import Store, fill
from tests.support import HANG_S, SOON, wait_until

WASM = b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() + bytes(32) for i in range(8_000))
"""512 kB, of which half can be left out."""
SCRIPT = b"export const reader = 1;" * 100


FILES = {
    "vision": ("vision.mjs", SCRIPT),
    "vision_wasm": ("vision.wasm", WASM),
    "moodnet": ("moodnet.onnx", WASM[::-1]),
}


Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts relays, which end with the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def started(store: Store | None, limits: Limits = SOON, **options: Any) -> app.Relay:
            given = RelaySettings(**{"port": 0, "data": str(tmp_path / "data"), **options})
            relay = await app.start(given, limits, assets=store)
            stack.push_async_callback(relay.stop)
            return relay

        yield started


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that shows what comes as it comes."""
    async with aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "identity"}) as session:
        yield session


async def about(http: aiohttp.ClientSession, relay: app.Relay, accepted: str = "identity") -> dict[str, Any]:
    async with http.get(f"{relay.url}/v1/assets", headers={"Accept-Encoding": accepted}) as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


async def settled(http: aiohttp.ClientSession, relay: app.Relay) -> dict[str, Any]:
    """What the relay tells once it has looked, and tried."""

    async def told() -> dict[str, Any] | None:
        found = await about(http, relay)
        return None if found["state"] == "loading" else found

    return await wait_until(told)


async def ready(http: aiohttp.ClientSession, relay: app.Relay, accepted: str = "identity") -> dict[str, Any]:
    async def told() -> dict[str, Any] | None:
        found = await about(http, relay, accepted)
        return found if found["state"] == "ready" else None

    found = await wait_until(told)
    assert found
    return found


def address(relay: app.Relay, told: dict[str, Any], key: str) -> str:
    return urljoin(f"{relay.url}/v1/assets", told["files"][key]["url"])


async def test_every_file_comes_as_it_is_told_under_its_sum_and_for_good(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES))
    told = await ready(http, relay)
    assert set(told) == {"state", "advice", "raw", "transfer", "files"}
    assert told["raw"] == told["transfer"] == sum(len(data) for _, data in FILES.values())
    types = {"vision": "text/javascript", "vision_wasm": "application/wasm", "moodnet": "application/octet-stream"}
    for (key, kind), (_, data) in zip(types.items(), FILES.values(), strict=True):
        url = told["files"][key]["url"]
        assert url.startswith(f"../assets/{hashlib.sha256(data).hexdigest()[:16]}/")
        async with http.get(address(relay, told, key)) as response:
            assert await response.read() == data
            assert (response.status, response.content_type, response.content_length) == (200, kind, len(data))
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.headers["Vary"] == "Accept-Encoding"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Content-Encoding" not in response.headers
        assert (told["files"][key]["sha256"], told["files"][key]["bytes"]) == (
            hashlib.sha256(data).hexdigest(),
            len(data),
        )


@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [("gzip, deflate, br", "br", brotli.decompress), ("gzip, deflate", "gzip", gzip.decompress)],
)
async def test_a_client_gets_the_smallest_that_it_takes_and_is_told_what_that_costs(
    accepted: str,
    coding: str,
    unpack: Callable[[bytes], bytes],
    start: Start,
    http: aiohttp.ClientSession,
    tmp_path: Path,
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES))
    told = await ready(http, relay, accepted)
    came = 0
    for key, (_, data) in zip(told["files"], FILES.values(), strict=True):
        async with http.get(address(relay, told, key), headers={"Accept-Encoding": accepted}) as response:
            body = await response.read()
            assert response.headers["Content-Encoding"] == coding
            assert unpack(body) == data
            came += len(body)
    assert told["transfer"] == came < told["raw"]


async def test_what_is_not_compressed_yet_comes_as_it_is(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES, compress=False)
    relay = await start(Store(tmp_path / "files", FILES), no_fetch=True)
    told = await ready(http, relay, "gzip, br")
    async with http.get(address(relay, told, "vision_wasm"), headers={"Accept-Encoding": "gzip, br"}) as response:
        assert await response.read() == WASM


@pytest.mark.parametrize("path", ["0000000000000000/vision.wasm", "{sum}/other.wasm", "{sum}/..%2f..%2fvision.wasm"])
async def test_nothing_but_the_files_is_there(
    path: str, start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES))
    await ready(http, relay)
    place = path.format(sum=hashlib.sha256(WASM).hexdigest()[:16])
    async with http.get(f"{relay.url}/assets/{place}") as response:
        assert response.status == 404


async def test_the_licences_lie_beside(start: Start, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    relay = await start(BrowserFiles([]), no_fetch=True)
    async with http.get(f"{relay.url}/assets/licences.txt") as response:
        assert response.content_type == "text/plain"
        text = await response.text()
    for part in ("Apache License", "MIT License", "Copyright (c) Microsoft Corporation", "The MediaPipe Authors"):
        assert part in text
    for name in registry.BROWSER.values():
        assert registry.get(name).file in text
    for source in (source for entry in registry.WEIGHTS.values() if entry.for_browsers for source in entry.sources):
        if isinstance(source, NpmMember):
            assert f"{source.project} {source.version}" in text
    async with http.get(f"{(await start(None, data=str(tmp_path / 'other'))).url}/assets/licences.txt") as response:
        assert response.status == 404


async def test_pages_of_other_sites_get_nothing(start: Start, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES))
    told = await ready(http, relay)
    for url in (f"{relay.url}/v1/assets", address(relay, told, "vision_wasm")):
        async with http.get(url, headers={"Sec-Fetch-Site": "cross-site"}) as response:
            assert response.status == 403


async def test_large_files_come_from_the_static_host_and_scripts_from_the_relay(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES), assets_url="https://files.example:8443/moodcast")
    told = await ready(http, relay)
    assert told["files"]["vision"]["url"].startswith("../assets/")
    sum_ = hashlib.sha256(WASM).hexdigest()[:16]
    assert told["files"]["vision_wasm"]["url"] == f"https://files.example:8443/moodcast/{sum_}/vision.wasm"
    policies = {}
    for path in ("join/demo", "try", "static/reading/worker.js", "overlay", "dashboard"):
        async with http.get(f"{relay.url}/{path}") as response:
            rules = dict(rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; "))
            policies[path] = rules
    for path in ("join/demo", "try", "static/reading/worker.js"):
        assert policies[path]["connect-src"] == "'self' https://files.example:8443"
        assert "files.example" not in policies[path]["script-src"]
    for path in ("overlay", "dashboard"):
        assert "files.example" not in str(policies[path])


# --- missing files ---------------------------------------------------------------------------------------------------

MAKE = """
import shutil, sys
shutil.copytree(sys.argv[1] + "-source", sys.argv[1], dirs_exist_ok=True)
print("fetched", flush=True)
"""
WAIT = """
import sys, time
print("fetched", flush=True)
time.sleep(600)
"""
FAIL = """
import sys
print("  10%|bar\\rmoodcast: could not fetch 'x' from any source:\\n  https://x.example: refused", file=sys.stderr)
sys.exit("Check the network.")
"""


async def test_a_relay_without_files_and_without_a_store_says_what_to_do(
    start: Start, http: aiohttp.ClientSession
) -> None:
    told = await about(http, await start(None))
    assert (told["state"], told["files"], told["raw"]) == ("missing", {}, 0)
    assert "moodcast relay" in told["advice"]


async def test_missing_files_are_made_beside_the_relay_and_both_is_said_in_a_line(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "relay.http.shelf")
    fill(tmp_path / "files-source", FILES)
    relay = await start(Store(tmp_path / "files", FILES, MAKE))
    told = await ready(http, relay)
    async with http.get(address(relay, told, "vision_wasm")) as response:
        assert await response.read() == WASM
    await wait_until(lambda: len(caplog.records) == 2)
    first, second = caplog.messages
    assert "fetched (1 MB from registry.example) and compressed in the background" in first
    assert "--no-fetch" in first
    assert second == "What browsers read faces with is ready"


async def test_before_it_has_looked_it_does_not_say_that_they_are_missing(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_look = threading.Event()
    store = Store(tmp_path / "files", FILES)
    fill(tmp_path / "files", FILES)
    look = store.look
    monkeypatch.setattr(store, "look", lambda: (may_look.wait(HANG_S), look())[1])
    relay = await start(store, no_fetch=True)
    assert (await about(http, relay))["state"] == "loading"
    may_look.set()
    await ready(http, relay)


async def test_while_they_are_fetched_it_says_so_and_the_program_ends_with_the_relay(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    relay = await start(Store(tmp_path / "files", FILES, WAIT))

    async def loading() -> bool:
        return (await about(http, relay))["state"] == "loading"

    def its_program() -> psutil.Process | None:  # among all that this process has started, or is about to
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                if str(tmp_path) in " ".join(child.cmdline()):
                    return child
        return None

    await wait_until(loading)
    child = await wait_until(its_program)
    if sys.platform == "linux":
        await wait_until(lambda: child.nice() == 19)
    await relay.stop()
    await wait_until(lambda: not child.is_running())


async def test_a_failure_is_a_sentence_in_the_log_and_advice_on_the_page_and_the_relay_goes_on(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    relay = await start(Store(tmp_path / "files", FILES, FAIL))
    await wait_until(lambda: caplog.messages)
    assert caplog.messages == [
        "What browsers read faces with is not ready: could not fetch 'x' from any source: https://x.example: refused "
        "Check the network. (next try in 60 s)"
    ]
    told = await settled(http, relay)
    assert (told["state"], told["advice"]) == ("missing", "Run `the command`.")


async def test_a_program_that_is_not_there_is_told(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "files", FILES)
    store.command = (str(tmp_path / "nowhere"),)
    await start(store)
    await wait_until(lambda: caplog.messages)
    assert "can't be started (No such file or directory)" in caplog.messages[0]


async def test_a_failed_try_is_made_again(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.shelf._RETRY_S", 0.01)
    relay = await start(Store(tmp_path / "files", FILES, MAKE))
    told = await about(http, relay)
    assert told["state"] != "ready"
    fill(tmp_path / "files-source", FILES)
    await ready(http, relay)


async def test_no_fetch_starts_nothing_and_finds_what_was_fetched_meanwhile(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.shelf._LOOK_AGAIN_S", 0.0)
    relay = await start(
        Store(tmp_path / "files", FILES, "import sys, pathlib; pathlib.Path(sys.argv[1]).mkdir()"), no_fetch=True
    )
    assert (await settled(http, relay))["state"] == "missing"
    assert not (tmp_path / "files").exists()
    fill(tmp_path / "files", FILES)
    await ready(http, relay)


async def test_the_disk_is_not_searched_for_each_who_asks(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.shelf._LOOK_AGAIN_S", 3600.0)
    store = Store(tmp_path / "files", FILES)
    relay = await start(store, no_fetch=True)
    await asyncio.gather(*(about(http, relay) for _ in range(20)))
    assert store.looks <= 2


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(b"shorter")], ids=["gone", "cut"])
async def test_a_file_that_went_away_is_no_answer_and_no_fault(
    spoil: Callable[[Path], object], start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES))
    told = await ready(http, relay)
    spoil(tmp_path / "files" / "vision.wasm")
    async with http.get(address(relay, told, "vision_wasm")) as response:
        assert response.status == 404
    async with http.get(address(relay, told, "vision")) as response:
        assert await response.read() == SCRIPT


# --- the rate, and those who take too little -------------------------------------------------------------------------

BEHIND_PROXY: dict[str, Any] = {"proxies": 1, "hosts": "mood.example"}
FROM = {"X-Forwarded-For": "192.0.2.1"}


async def test_all_downloads_together_keep_to_the_rate(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES), asset_rate=2.0, **BEHIND_PROXY)
    told = await ready(http, relay)

    async def load(number: int) -> int:
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        async with http.get(address(relay, told, "vision_wasm"), headers=headers) as response:
            return len(await response.read())

    began = time.monotonic()
    sizes = await asyncio.gather(*(load(number) for number in range(4)))
    assert sizes == [len(WASM)] * 4
    assert time.monotonic() - began >= 4 * len(WASM) / 2e6 - 0.5


async def test_this_machine_alone_has_no_rate(start: Start, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES), asset_rate=0.0001)
    told = await ready(http, relay)
    async with http.get(address(relay, told, "vision_wasm")) as response:
        assert await response.read() == WASM


async def test_who_finds_no_room_is_told_when_to_come_back_and_another_network_is_not_kept_out(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.assets.A_HOUSE", 2)
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES), asset_rate=0.05, **BEHIND_PROXY)
    told = await ready(http, relay)
    url = address(relay, told, "vision_wasm")
    async with contextlib.AsyncExitStack() as open_ones:
        for _ in range(2):
            response = await open_ones.enter_async_context(http.get(url, headers=FROM))
            assert response.status == 200
        async with http.get(url, headers=FROM) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "5")
            assert (await response.json())["error"]["name"] == "full"
        async with http.get(url, headers={"X-Forwarded-For": "192.0.2.2"}) as response:
            assert response.status == 200
            response.close()
    # Those who left have freed their places.

    async def has_room() -> bool:
        async with http.get(url, headers=FROM) as response:
            response.close()
            return response.status == 200

    await wait_until(has_room)


async def test_who_takes_nothing_is_cut_off_and_its_place_is_free_again(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.assets.A_HOUSE", 1)
    fill(tmp_path / "files", FILES)
    (tmp_path / "files" / "vision.wasm").write_bytes(bytes(32 << 20))  # more than the system keeps for a connection
    relay = await start(Store(tmp_path / "files", FILES), SOON._replace(stalled=0.2), asset_rate=0, **BEHIND_PROXY)
    told = await ready(http, relay)
    path = address(relay, told, "vision_wasm").removeprefix(relay.url)
    with socket.create_connection(("127.0.0.1", int(relay.url.rpartition(":")[2]))) as lazy:
        lazy.sendall(f"GET {path} HTTP/1.1\r\nHost: mood.example\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n".encode())

        async def has_room() -> bool:
            async with http.get(relay.url + path, headers=FROM) as response:
                response.close()
                return response.status == 200

        await wait_until(has_room)


async def test_who_takes_little_for_long_is_cut_off(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.assets._PATIENCE_S", 0.0)
    monkeypatch.setattr("relay.http.assets._SLOWEST", 1e15)
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES))
    told = await ready(http, relay)
    async with http.get(address(relay, told, "vision_wasm")) as response:
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_a_client_that_leaves_stops_the_download(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.http.assets.A_HOUSE", 1)
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES), asset_rate=0.01, **BEHIND_PROXY)
    told = await ready(http, relay)
    response = await http.get(address(relay, told, "vision_wasm"), headers=FROM)
    assert response.status == 200
    response.close()

    async def has_room() -> bool:
        async with http.get(address(relay, told, "vision"), headers=FROM) as other:
            return other.status == 200

    await wait_until(has_room)


async def test_those_who_leave_take_nothing_of_the_rate_along(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES), asset_rate=0.02, **BEHIND_PROXY)  # a piece takes 0.8 s
    told = await ready(http, relay)
    left = 0
    while left < 2 * HANG_S:
        async with http.get(address(relay, told, "vision_wasm"), headers=FROM) as response:
            response.close()
            left += response.status == 200

    async def load() -> bytes:
        async with http.get(address(relay, told, "vision"), headers={"X-Forwarded-For": "192.0.2.2"}) as response:
            return await response.read()

    assert await asyncio.wait_for(load(), HANG_S) == SCRIPT


async def test_a_relay_that_stops_does_not_wait_for_downloads(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    fill(tmp_path / "files", FILES)
    relay = await start(Store(tmp_path / "files", FILES), asset_rate=0.001, **BEHIND_PROXY)
    told = await ready(http, relay)
    response = await http.get(address(relay, told, "vision_wasm"), headers=FROM)
    await asyncio.wait_for(relay.stop(), HANG_S)
    with pytest.raises(aiohttp.ClientError):
        await response.read()


@pytest.mark.parametrize("coding", ["br", "gzip"])
async def test_a_small_body_that_unpacks_to_much_is_not_unpacked(
    coding: str, start: Start, http: aiohttp.ClientSession
) -> None:
    """aiohttp unpacks bodies by itself, with brotli since that is installed."""
    relay = await start(None)
    body = brotli.compress(bytes(1 << 26), quality=1) if coding == "br" else gzip.compress(bytes(1 << 26), 1)
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    tracemalloc.start()
    try:
        async with http.post(f"{relay.url}/v1/channels", data=body, headers=headers) as response:
            assert response.status == 413
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://files.example.org/moodcast/", "https://files.example.org/moodcast"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://files.example.org/?a=b", None),
        ("https://files.example.org/a b", None),
        ("https://me:secret@files.example.org", None),
        ("https://files.example.org; script-src *", None),
        ("//files.example.org", None),
        ("ftp://files.example.org", None),
        ("https://[::1]/x", None),
        ("https://files.example.org/x'y", None),
    ],
)
def test_the_address_of_a_static_host_is_one_that_a_policy_can_name(text: str, expected: str | None) -> None:
    given = argparse.Namespace(assets_url=text)
    if expected is None:
        with pytest.raises(SettingsError, match=r"--assets-url: expected an address"):
            settings.load(RelaySettings, given, {})
    else:
        assert settings.load(RelaySettings, given, {}).assets_url == expected
