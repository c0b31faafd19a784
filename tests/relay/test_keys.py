"""Keys over real HTTP and sockets: who may create, rotate, read, and what happens to the old ones."""

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest

from relay import protocol
from relay.app import Relay
from relay.http.endpoints import ENDPOINTS, Endpoint
from relay.protocol import Bye
from tests.raw import RawClient
from tests.support import Client, server_sent_events, subscribe

ELSEWHERE = {"X-Forwarded-For": "192.0.2.1"}
CREATE_KEY = "correct-horse-battery"


@pytest.fixture
async def http(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(relay.url) as session:
        yield session


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def ask(
    http: aiohttp.ClientSession, path: str, headers: dict[str, str], body: object
) -> tuple[int, dict[str, str]]:
    """POST; the status, and the answer or its error."""
    async with http.post(path, json=body, headers=headers) as response:
        answer = await response.json()
        return response.status, answer.get("error", answer)


@pytest.mark.relay(create_key=CREATE_KEY)
async def test_the_create_key_makes_channels_from_elsewhere(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"channel": "demo"}
    for key in ("", CREATE_KEY[:-1], CREATE_KEY + "x", "\N{SNOWMAN}"):
        headers = ELSEWHERE | bearer(key)
        status, error = await ask(http, "/v1/channels", headers, body)
        assert (status, error["name"]) == (401, "wrong_key")
    status, keys = await ask(http, "/v1/channels", ELSEWHERE | bearer(CREATE_KEY), body)
    assert status == 201
    for secret in (CREATE_KEY, keys["admin_key"], keys["display_key"]):
        assert secret not in caplog.text


@pytest.mark.relay(create_key=CREATE_KEY)
async def test_this_machine_needs_no_create_key(http: aiohttp.ClientSession) -> None:
    assert (await ask(http, "/v1/channels", {}, {"channel": "demo"}))[0] == 201


async def test_without_a_create_key_no_key_helps_from_elsewhere(http: aiohttp.ClientSession) -> None:
    status, error = await ask(http, "/v1/channels", ELSEWHERE | bearer("x"), {"channel": "demo"})
    assert (status, error["name"]) == (403, "forbidden")
    assert "--create-key" in error["message"]


async def test_the_display_key_does_not_write(relay: Relay, http: aiohttp.ClientSession) -> None:
    keys = relay.create_channel("demo")
    path, body = "/v1/channels/demo/keys", {"rotate": "admin"}
    assert (await ask(http, path, bearer(keys.display_key), body))[0] == 403
    assert (await ask(http, path, bearer("wrong"), body))[0] == 401
    assert (await ask(http, path, {}, body))[0] == 401
    assert (await ask(http, "/v1/channels/nowhere/keys", bearer(keys.admin_key), body))[0] == 404


@pytest.mark.parametrize("body", [{}, {"rotate": "both"}, {"rotate": 1}, [], "admin"])
async def test_a_rotation_of_nothing(relay: Relay, http: aiohttp.ClientSession, body: object) -> None:
    status, error = await ask(http, "/v1/channels/demo/keys", bearer(relay.create_channel("demo").admin_key), body)
    assert status == 400
    assert '{"rotate": "display"}' in error["message"]


async def test_rotating_the_display_key_closes_who_reads_with_the_old_one(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    keys = relay.create_channel("demo")
    path = "/v1/channels/demo/keys"
    stream = server_sent_events(relay.url, "demo", keys.display_key)
    await anext(stream)
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as reader,
        await subscribe(relay.url, "demo", keys.admin_key) as streamer,
    ):
        await asyncio.gather(reader.mood(), streamer.mood())
        status, new = await ask(http, path, bearer(keys.admin_key), {"rotate": "display"})
        assert (status, set(new)) == (200, {"channel", "display_key"})
        bye = await reader.receive_until(lambda message: isinstance(message, Bye))
        assert bye.code == protocol.WRONG_KEY.number
        assert await reader.receive() is None
        assert reader.close_code == protocol.WRONG_KEY.number
        assert [event.name async for event in stream][-1] == "bye"
        for _ in range(3):
            await streamer.mood()
    async with await subscribe(relay.url, "demo", new["display_key"]) as reader:
        await reader.mood()


async def test_rotating_the_admin_key_ends_the_old_one(relay: Relay, http: aiohttp.ClientSession) -> None:
    keys = relay.create_channel("demo")
    path, body = "/v1/channels/demo/keys", {"rotate": "admin"}
    status, new = await ask(http, path, bearer(keys.admin_key), body)
    assert (status, set(new)) == (200, {"channel", "admin_key"})
    assert (await ask(http, path, bearer(keys.admin_key), body))[0] == 401
    assert (await ask(http, path, bearer(new["admin_key"]), body))[0] == 200
    async with http.get("/v1/channels/demo/sessions", headers=bearer(keys.display_key)) as response:
        assert response.status == 200


OPEN_TO_ALL = {"POST /v1/channels/{channel}/tickets", "OPTIONS /v1/channels/{channel}/tickets"}
"""What changes something, or is not only read, without any key: a test of its own says who gets tickets."""
OPEN_TO_DISPLAY = {"POST /v1/channels/{channel}/countdown"}
"""It changes nothing that lasts, and the OBS script has no other key (docs/delay.md)."""


@pytest.mark.parametrize(
    "endpoint",
    [
        row
        for row in ENDPOINTS
        if row.method != "GET" and f"{row.method} {row.path}" not in OPEN_TO_ALL | OPEN_TO_DISPLAY
    ],
    ids=lambda row: f"{row.method} {row.path}",
)
async def test_the_display_key_changes_nothing(relay: Relay, http: aiohttp.ClientSession, endpoint: Endpoint) -> None:
    """Of all that the relay serves: a new endpoint is tried here without anybody remembering to."""
    keys = relay.create_channel("demo")
    path = endpoint.path.replace("{channel}", "demo").replace("{number}", "1")
    body = {"channel": "other", "rotate": "admin", "password": "x", "text": "x", "name": "x"}
    headers = bearer(keys.display_key) | ELSEWHERE
    async with http.request(endpoint.method, path, json=body, headers=headers) as response:
        assert response.status == 403
        assert (await response.json())["error"]["name"] == "forbidden"
    assert relay.has_channel("demo")
    assert not relay.has_channel("other")
    async with await subscribe(relay.url, "demo", keys.admin_key) as streamer:
        await streamer.mood()


async def test_a_request_that_was_begun_with_an_old_key_does_nothing_once_the_key_is_replaced(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    """Of all that take a body, which may come slowly: whoever stole the key holds one back, and waits."""
    keys = relay.create_channel("demo")
    body = b'{"rotate": "admin", "role": "streamer", "password": "x", "text": "x", "name": "heart", "state": "paused"'
    body += b', "hidden": true}'
    waiting: list[RawClient] = []
    for row in ENDPOINTS:
        if "{channel}" not in row.path or row.method not in ("POST", "PUT", "PATCH"):
            continue
        path = row.path.replace("{channel}", "demo").replace("{number}", "1")
        head = [
            f"{row.method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {keys.admin_key}",
            "Content-Type: application/json", f"Content-Length: {len(body)}", "Expect: 100-continue",
            "Connection: close",
        ]  # fmt: skip
        client = await RawClient.connect(relay.url)
        await client.send("\r\n".join([*head, "", ""]).encode())
        assert b" 100 " in await client.reader.readuntil(b"\r\n\r\n")
        waiting.append(client)
    status, new = await ask(http, "/v1/channels/demo/keys", bearer(keys.admin_key), {"rotate": "admin"})
    assert status == 200
    for client in waiting:
        async with client:
            await client.send(body)
            answer = await client.read_to_end()
            assert answer.startswith(b"HTTP/1.1 401 ")
            assert b"wrong_key" in answer
    assert len(waiting) >= 9
    assert (await ask(http, "/v1/channels/demo/keys", bearer(new["admin_key"]), {"rotate": "display"}))[0] == 200


async def test_of_two_who_replace_the_admin_key_at_once_one_has_the_channel(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    keys = relay.create_channel("demo")
    path, body = "/v1/channels/demo/keys", {"rotate": "admin"}
    answers = await asyncio.gather(*(ask(http, path, bearer(keys.admin_key), body) for _ in range(4)))
    (new,) = [answer["admin_key"] for status, answer in answers if status == 200]
    assert sorted(status for status, _ in answers) == [200, 401, 401, 401]
    assert (await ask(http, path, bearer(new), body))[0] == 200


async def test_the_display_key_is_no_viewers_ticket(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await Client.open(relay.url, "/v1/channels/demo/viewer") as client:
        await client.send(protocol.Hello(ticket=keys.display_key))
        bye = await client.receive()
        assert isinstance(bye, Bye)
        assert bye.code == protocol.BAD_TICKET.number


async def test_every_error_has_a_number(relay: Relay, http: aiohttp.ClientSession) -> None:
    """Whatever method comes to whatever address, with nonsense for a body: the contract's JSON, or an answer."""
    relay.create_channel("demo")
    for path in {row.path for row in ENDPOINTS}:
        path = path.replace("{channel}", "demo").replace("{number}", "1").replace("{file}", "nothing")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"):
            async with http.request(method, path, data=b"[" * 3000, allow_redirects=False) as response:
                if response.status >= 400:
                    error = (await response.json())["error"]
                    assert error["code"] in {code.number for code in protocol.CODES}
                    assert response.status < 500 or (path, response.status) == ("/v1/try", 501)  # no recogniser here
    numbers = {"big": (b"x" * 100_000, 413, protocol.TOO_LARGE), "none": (b"", 400, protocol.BAD_MESSAGE)}
    for body, status, code in numbers.values():
        headers = {"Content-Type": "application/json"}
        async with http.post("/v1/channels/demo/tickets", data=body, headers=headers) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (status, code.number)
