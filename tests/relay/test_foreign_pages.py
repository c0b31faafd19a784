"""Pages of other sites, and sites that lead their names here: of all that the relay serves, they get no work done."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from relay import app
from relay.app import Relay
from relay.config import RelaySettings
from relay.http.endpoints import ENDPOINTS, ROWS, Endpoint
from relay.trial import PictureRecogniser
from tests.raw import address

KEY = "correct-horse-battery"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def message(self) -> str:
        """The sentence of a refusal; empty where the relay did as it was asked."""
        return str(json.loads(self.text)["error"]["message"]) if self.status == 403 else ""


class LoadedError(Exception):
    """The recogniser was made."""


@pytest.fixture
async def at_home(tmp_path: Path) -> AsyncIterator[tuple[Relay, list[int]]]:
    """A relay as on a laptop, and how often its recogniser was loaded."""
    loads: list[int] = []

    def make() -> PictureRecogniser:
        loads.append(1)
        raise LoadedError

    relay = await app.start(RelaySettings(port=0, data=str(tmp_path)), recogniser=make)
    yield relay, loads
    await relay.stop()


def path_of(endpoint: Endpoint) -> str:
    named = {"channel": "demo", "number": "1", "file": "base.css", "sum": "0" * 16, "name": "demo"}
    return endpoint.path.format(**named)


async def ask(url: str, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
    """One request on a connection of its own, with exactly these headers (``_`` for ``-``).

    An empty Host is none, in HTTP/1.0, which needs none.
    """
    reader, writer = await asyncio.open_connection(*address(url))
    host = headers.pop("Host", url.removeprefix("http://"))
    lines = [f"{method} {path} HTTP/1.{1 if host else 0}", *([f"Host: {host}"] if host else []), "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode()
    status, *fields = head.rstrip().split("\r\n")
    length = next((int(field.split(":")[1]) for field in fields if field.lower().startswith("content-length")), 0)
    text = (await asyncio.wait_for(reader.readexactly(length), 60)).decode(errors="replace")
    writer.close()
    return Answer(int(status.split()[1]), dict(field.split(": ", 1) for field in fields), text)


WORK = [row for row in ENDPOINTS if row.pages in ("own", "opened", "listed")]
NO_WORK = {
    "/", "/healthz", "/readyz", "/static/{file}", "/overlay", "/dashboard", "/settings/", "/settings/{name}",
    "/join/{name}", "/try", "/assets/licences.txt",
}  # fmt: skip
"""What a link may lead to."""
by_name = pytest.mark.parametrize("endpoint", WORK, ids=lambda row: f"{row.method} {row.path}")


def test_each_address_says_whose_pages_may_ask() -> None:
    assert len(ROWS) == len(ENDPOINTS)
    assert {row.path for row in ENDPOINTS} - {row.path for row in WORK} == NO_WORK
    assert all(row.method == "GET" for row in ENDPOINTS if row.path in NO_WORK)


def upgrade(endpoint: Endpoint) -> dict[str, str]:
    """What asks for a WebSocket, where there is one."""
    if endpoint.path.endswith(("/viewer", "/mood")):
        return {"Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "A" * 22 + "=="}
    return {}


FOREIGN = {
    "another site": {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
    "another site's GET": {"Sec_Fetch_Site": "cross-site"},
    "another site's link": {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
    "another port of this machine": {"Origin": "http://localhost:3000", "Sec_Fetch_Site": "same-site"},
    "that port's GET": {"Sec_Fetch_Site": "same-site"},
    "a file or a sandboxed frame": {"Origin": "null"},
    "an older browser": {"Origin": "https://evil.example"},
    "two origins": {"Origin": "http://localhost, https://evil.example"},
}
REBOUND = {"Host": "evil.example:8765", "Origin": "http://evil.example:8765", "Sec_Fetch_Site": "same-origin"}


@by_name
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=list(FOREIGN))
async def test_pages_of_other_sites_get_no_work_done(
    at_home: tuple[Relay, list[int]], endpoint: Endpoint, headers: dict[str, str]
) -> None:
    """Even with the key, which they don't have."""
    relay, loads = at_home
    keys = relay.create_channel("demo")
    headers = headers | upgrade(endpoint) | {"Authorization": f"Bearer {keys.admin_key}"}
    for kind in ({}, {"Content_Type": "application/json"}, {"Content_Type": "image/png"}):
        answer = await ask(relay.url, endpoint.method, path_of(endpoint), b'{"channel": "new"}', **headers, **kind)
        assert answer.status == 403
        assert "ages of" in answer.message
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert loads == []
    assert relay.has_channel("demo")
    assert not relay.has_channel("new")


@by_name
async def test_a_name_that_somebody_leads_here_gets_no_work_done(
    at_home: tuple[Relay, list[int]], endpoint: Endpoint
) -> None:
    """On loopback the name is refused; elsewhere its pages are strangers'."""
    relay, loads = at_home
    answer = await ask(relay.url, endpoint.method, path_of(endpoint), **(REBOUND | upgrade(endpoint)))
    assert "--hosts evil.example" in answer.message
    without_origin = {name: value for name, value in REBOUND.items() if name != "Origin"}
    answer = await ask(relay.url, endpoint.method, path_of(endpoint), **(without_origin | upgrade(endpoint)))
    assert "--hosts evil.example" in answer.message
    assert loads == []


@by_name
@pytest.mark.relay(host="0.0.0.0", create_key=KEY, metrics_key=KEY)
async def test_in_a_network_a_foreign_name_makes_no_page_the_relays_own(relay: Relay, endpoint: Endpoint) -> None:
    answer = await ask(relay.url, endpoint.method, path_of(endpoint), **(REBOUND | upgrade(endpoint)))
    assert "start the relay with --hosts evil.example" in answer.message


@pytest.mark.parametrize(
    "path", ["/", "/overlay", "/dashboard", "/try", "/static/base.css", "/nothing", "/v1/channels"]
)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "localhost.evil.example", "evil.localhost", "127.0.0.1.evil.example",
     "0.0.0.0:8765", "192.168.1.5:8765", "user@localhost", "", "localhost:x", "localhost/"],
)  # fmt: skip
async def test_a_relay_on_loopback_refuses_other_hosts(relay: Relay, path: str, host: str) -> None:
    answer = await ask(relay.url, "GET", path, Host=host)
    assert answer.status in (400, 403)  # 400: aiohttp itself says that this is no request
    assert len(answer.text) < 500


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8765", "localhost.", "127.0.0.1:1", "127.0.0.9", "[::1]:8765"]
)
async def test_a_relay_on_loopback_knows_its_names(relay: Relay, host: str) -> None:
    for path in ("/overlay", "/static/base.css", "/metrics"):
        assert (await ask(relay.url, "GET", path, Host=host)).status == 200
    page = {"Host": host, "Origin": f"http://{host}", "Sec_Fetch_Site": "same-origin"}
    answer = await ask(relay.url, "POST", "/v1/channels", b'{"channel":"new"}', Content_Type="application/json", **page)
    assert answer.status == 201


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_the_health_is_told_to_probes_by_any_name(relay: Relay, path: str) -> None:
    for host in ("", "10.0.0.7:8765", "relay.internal"):
        assert (await ask(relay.url, "GET", path, Host=host)).status == 200


@pytest.mark.parametrize("name", ["Host", "Origin", "Sec-Fetch-Site", "Content-Type", "X-Forwarded-For"])
async def test_headers_that_are_no_text_are_answered(relay: Relay, name: str, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection(*address(relay.url))
    host = b"" if name == "Host" else b"Host: localhost\r\n"
    writer.write(b"POST /v1/channels HTTP/1.1\r\n%s%s: \xff/\x8b\r\nConnection: close\r\n\r\n" % (host, name.encode()))
    status = int((await reader.readline()).split()[1])
    writer.close()
    assert 400 <= status < 500
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_another_host_in_the_target_is_not_this_relay(relay: Relay) -> None:
    assert (await ask(relay.url, "GET", "http://evil.example/metrics", Host="localhost")).status == 403
    reader, writer = await asyncio.open_connection(*address(relay.url))
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert int((await reader.readline()).split()[1]) in (400, 403)
    writer.close()


@pytest.mark.relay(proxies=1, hosts="mood.example.org", create_key=KEY)
async def test_behind_a_proxy_the_names_of_hosts_are_the_relays_own(relay: Relay) -> None:
    relay.create_channel("demo")
    through = {"Host": "mood.example.org", "X_Forwarded_For": "192.0.2.7", "Content_Type": "application/json"}
    page = through | {"Origin": "https://mood.example.org", "Sec_Fetch_Site": "same-origin"}
    tickets, channels = "/v1/channels/demo/tickets", "/v1/channels"
    assert (await ask(relay.url, "POST", tickets, b"{}", **page)).status == 201
    assert (await ask(relay.url, "POST", tickets, b"{}", **(page | {"Origin": "https://evil.example"}))).status == 403
    # Without the header it comes from loopback, and is no owner for that.
    for asked in (
        page,
        {"Content_Type": "application/json"},
        {"Host": "localhost", "Content_Type": "application/json"},
    ):
        body = b'{"channel":"new"}'
        without = {name: value for name, value in asked.items() if name != "X_Forwarded_For"}
        assert (await ask(relay.url, "POST", channels, body, **without)).status == 401
        answer = await ask(relay.url, "POST", channels, body, **without, Authorization=f"Bearer {KEY}")
        assert answer.status in (201, 409)
        assert (await ask(relay.url, "GET", "/metrics", **without)).status == 403
        assert (await ask(relay.url, "GET", "/v1/try", **without)).status == 403
    refused = await ask(relay.url, "GET", "/overlay", Host="other.example.org", X_Forwarded_For="192.0.2.7")
    assert "start it with --hosts other.example.org" in refused.message


@pytest.mark.relay(host="0.0.0.0", hosts="mylaptop.local", require_tickets="off")
async def test_in_a_network_pages_are_opened_by_address_or_by_a_name_of_hosts(relay: Relay) -> None:
    relay.create_channel("demo")
    asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    asked |= {"Sec_WebSocket_Key": "A" * 22 + "=="}
    for host in ("192.168.1.5:8765", "mylaptop.local:8765", "[fd00::5]:8765", "localhost:8765"):
        page = {"Host": host, "Origin": f"http://{host}"}
        assert (await ask(relay.url, "GET", "/v1/channels/demo/viewer", **page, **asked)).status == 101
    page = {"Host": "other.local:8765", "Origin": "http://other.local:8765"}
    answer = await ask(relay.url, "GET", "/v1/channels/demo/viewer", **page, **asked)
    assert "--hosts other.local." in answer.message


@pytest.mark.relay(origins="*", create_key=KEY)
async def test_origins_lets_other_pages_join_and_watch_and_nothing_else(relay: Relay) -> None:
    relay.create_channel("demo")
    foreign: dict[str, Any] = {"Origin": "https://friend.example", "Sec_Fetch_Site": "cross-site"}
    for row in WORK:
        answer = await ask(relay.url, row.method, path_of(row), **foreign, **upgrade(row))
        assert (answer.status == 403) == (row.pages != "listed"), row.path


async def test_a_page_of_http_is_not_that_of_https_and_no_name_would_make_it(relay: Relay) -> None:
    """With the same Origin but for the scheme, which is not compared; the browser tells."""
    answer = await ask(relay.url, "GET", "/metrics", Origin=relay.url, Sec_Fetch_Site="same-site")
    assert "may not ask for this" in answer.message
    assert "--hosts" not in answer.message


async def test_what_the_user_opens_does_no_work(at_home: tuple[Relay, list[int]]) -> None:
    """It may be a link of another site, which sends the browser on to the relay."""
    relay, loads = at_home
    for row in WORK:
        answer = await ask(relay.url, row.method, path_of(row), Sec_Fetch_Site="none", Sec_Fetch_Mode="navigate")
        assert (answer.status, row.path == "/metrics") in [(403, False), (200, True)]
    assert loads == []


@pytest.mark.parametrize("kind", [None, "", "garbage", "application/json, text/plain", "text/plain; image/png"])
async def test_a_body_without_a_content_type_is_refused(at_home: tuple[Relay, list[int]], kind: str | None) -> None:
    """A page can send such a one without being asked first. What is no content type is none."""
    relay, loads = at_home
    keys = relay.create_channel("demo")
    headers = {"Authorization": f"Bearer {keys.admin_key}"} | ({} if kind is None else {"Content_Type": kind})
    for row in WORK:
        if row.method in ("POST", "PUT"):
            answer = await ask(relay.url, row.method, path_of(row), b'{"channel": "new"}', **headers)
            assert answer.status == 415, row.path
            assert "Expected" in answer.text
    assert loads == []
    assert not relay.has_channel("new")


async def test_who_runs_the_relay_still_can_all_of_it(at_home: tuple[Relay, list[int]]) -> None:
    """With curl, and on the relay's own page."""
    relay, loads = at_home
    async with aiohttp.ClientSession(relay.url) as http:
        for page in ({}, {"Origin": relay.url, "Sec-Fetch-Site": "same-origin"}):
            async with http.get("/metrics", headers=page) as response:
                assert response.status == 200
            async with http.get("/v1/try", headers=page) as response:
                assert response.status == 500  # this recogniser breaks
    assert len(loads) == 2
