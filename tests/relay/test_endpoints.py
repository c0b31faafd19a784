"""The relay over plain HTTP: pages, channels, errors."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from relay.app import Relay
from tests.raw import RawClient, upgrade_request


@pytest.fixture
async def http(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(relay.url) as session:
        yield session


async def test_health(http: aiohttp.ClientSession) -> None:
    async with http.get("/healthz") as response:
        assert response.status == 200
        assert (await response.json())["status"] == "ok"


async def test_a_channel_is_made_and_its_key_opens_it(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/channels", json={"channel": "demo"}) as response:
        assert response.status == 201
        keys = await response.json()
    assert set(keys) == {"channel", "admin_key", "display_key"}
    headers = {"Authorization": f"Bearer {keys['display_key']}"}
    async with http.get("/v1/channels/demo/sessions", headers=headers) as response:
        assert (response.status, await response.json()) == (200, {"sessions": []})
    async with http.post("/v1/channels", json={"channel": "demo"}) as response:
        assert response.status == 409
        assert (await response.json())["error"]["name"] == "channel_exists"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"channel":"a b"}', "application/json", 400),
        (b'{"channel":3}', "application/json", 400),
        (b'{"channel":"\xff"}', "application/json", 400),
        (b"{}", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"channel":"demo"}', "text/plain", 415),
        (b'{"channel":"' + b"x" * 100_000 + b'"}', "application/json", 413),
    ],
)
async def test_a_bad_request_for_a_channel(
    http: aiohttp.ClientSession, body: bytes, content_type: str, status: int
) -> None:
    async with http.post("/v1/channels", data=body, headers={"Content-Type": content_type}) as response:
        assert response.status == status
        assert (await response.json())["error"]["message"]


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For"])
async def test_channels_are_not_made_through_a_proxy(http: aiohttp.ClientSession, header: str) -> None:
    async with http.post("/v1/channels", json={"channel": "demo"}, headers={header: "for=192.0.2.1"}) as response:
        assert response.status == 403


@pytest.mark.parametrize("path", ["mood", "sessions", "sessions/1", "overlay.png"])
@pytest.mark.parametrize(
    ("authorization", "status", "name"),
    [
        ("", 401, "wrong_key"),
        ("Bearer wrong", 401, "wrong_key"),
        ("Bearer ", 401, "wrong_key"),
        ("Basic QTpC", 401, "wrong_key"),
        ("unknown", 404, "unknown_channel"),
    ],
)
async def test_without_its_key_a_channel_tells_nothing(
    relay: Relay, http: aiohttp.ClientSession, path: str, authorization: str, status: int, name: str
) -> None:
    relay.create_channel("demo")
    channel = "demo" if status == 401 else "nowhere"
    async with http.get(f"/v1/channels/{channel}/{path}", headers={"Authorization": authorization}) as response:
        assert response.status == status
        error = (await response.json())["error"]
        assert error["name"] == name
        assert len(error["message"]) > 20
        assert ("WWW-Authenticate" in response.headers) == (status == 401)


@pytest.mark.parametrize(
    "number", ["1", "0", "-1", "current", "x", "1e3", "99999999999999999999", "\N{SUPERSCRIPT TWO}"]
)
async def test_a_session_that_is_not_there(relay: Relay, http: aiohttp.ClientSession, number: str) -> None:
    headers = {"Authorization": f"Bearer {relay.create_channel('demo').display_key}"}
    async with http.get(f"/v1/channels/demo/sessions/{number}", headers=headers) as response:
        assert response.status == 404
        assert (await response.json())["error"]["name"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v1/",
        "/static/nothing.js",
        "/static/%2e%2e/relay/app.py",
        "/static/__init__.py",
        "/v1/channels/demo/nothing",
    ],
)
async def test_what_is_not_there_is_said_in_json(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == 4405


async def test_a_wrong_method_is_said_in_json(http: aiohttp.ClientSession) -> None:
    async with http.get("/v1/channels/demo/tickets") as response:
        assert response.status == 405
        assert "POST" in response.headers["Allow"]
        assert "POST" in (await response.json())["error"]["message"]


async def test_pages_and_their_files(http: aiohttp.ClientSession) -> None:
    async with http.get("/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/dashboard")
    async with http.get("/static/palette.json") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    async with http.get("/overlay") as response:
        assert (response.status, response.content_type) == (200, "text/html")


async def test_a_request_that_is_no_http_does_no_harm(relay: Relay, http: aiohttp.ClientSession) -> None:
    host, port = relay.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01 nonsense\r\n\r\n")
    await writer.drain()
    assert b"400" in await reader.readline()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    async with http.get("/healthz") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "header",
    [
        b"Sec-WebSocket-Key: \xff\xff",
        b"Sec-WebSocket-Key: AAAA",
        b"Upgrade: websocket\xe4",
        b"Sec-WebSocket-Version: 1",
    ],
)
async def test_a_handshake_that_is_none_is_said_in_json(relay: Relay, header: bytes) -> None:
    relay.create_channel("demo")
    name = header.partition(b":")[0]
    lines = upgrade_request("/v1/channels/demo/viewer", "Connection: close").split(b"\r\n")
    said = b"\r\n".join(header if line.startswith(name + b":") else line for line in lines)
    async with await RawClient.connect(relay.url) as client:
        await client.send(said)
        found = await client.read_to_end()
        assert found.startswith(b"HTTP/1.1 400 ")
        assert b'"code":4400' in found


async def test_no_address_is_logged_for_a_subprotocol(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    relay.create_channel("demo")
    async with await RawClient.upgrade(relay.url, "/v1/channels/demo/viewer", "Sec-WebSocket-Protocol: chat"):
        pass
    assert "127.0.0.1" not in caplog.text


async def test_who_leaves_in_the_middle_of_a_request_is_no_error(
    relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    keys = relay.create_channel("demo")
    for line in ("POST /v1/channels", "PUT /v1/channels/demo/password", "POST /v1/channels/demo/tickets"):
        async with await RawClient.connect(relay.url) as client:
            await client.send(
                f"{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {keys.admin_key}\r\n"
                "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
            )
            await asyncio.sleep(0.05)
    async with aiohttp.ClientSession(relay.url) as http, http.get("/healthz") as response:
        assert response.status == 200
    assert caplog.text == ""
