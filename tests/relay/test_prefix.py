"""A relay below a path of a proxy with TLS: its addresses, with the path and without, and whose pages are its own."""

import asyncio
import contextlib
import json

import aiohttp
import pytest

from relay import protocol
from relay.app import Relay
from relay.core.hosts import home_of
from tests.relay.test_foreign_pages import ask
from tests.support import Viewer, request, subscribe

HOME = "https://mood.example.org/mood"
PROXIED = pytest.mark.relay(proxies=1, hosts="mood.example.org", public_url=HOME)
SITE = {"Host": "mood.example.org", "Origin": "https://mood.example.org", "X_Forwarded_For": "198.51.100.7"}
OWN = {**SITE, "Sec_Fetch_Site": "same-origin"}
JSON = {"Content_Type": "application/json"}


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("", None), ("https://mood.example.org", "https://mood.example.org"), (HOME, "https://mood.example.org"),
        ("https://mood.example.org:443/a/b", "https://mood.example.org"), ("http://192.0.2.1:80", "http://192.0.2.1"),
        ("https://mood.example.org:8443/mood", "https://mood.example.org:8443"), ("https://other.example", None),
        ("http://[2001:db8::1]:8765/x", "http://[2001:db8::1]:8765"), ("http://localhost:9000", "http://localhost:9000"),
    ],
)  # fmt: skip
def test_home_is_the_origin_of_the_public_address(url: str, home: str | None) -> None:
    assert home_of(url, frozenset({"mood.example.org"})) == home


@PROXIED
@pytest.mark.parametrize("prefix", ["", "/mood"], ids=["taken off", "kept"])
async def test_all_addresses_are_there_whether_the_proxy_takes_the_path_off_or_not(relay: Relay, prefix: str) -> None:
    keys = relay.create_channel("demo")
    key = {"Authorization": f"Bearer {keys.display_key}"}
    for path, kind in (
        ("/overlay", "text/html"), ("/dashboard", "text/html"), ("/settings/demo", "text/html"),
        ("/settings/", "text/html"), ("/join/demo", "text/html"),
        ("/static/session/chart.js", "application/javascript"),
        ("/static/fonts/inter.woff2", "font/woff2"), ("/static/texts/common.json", "application/json"),
        ("/healthz", "application/json"), ("/v1/channels/demo/sessions", "application/json"),
    ):  # fmt: skip
        found = await ask(relay.url, "GET", prefix + path, Host="mood.example.org", **key)
        assert (found.status, found.headers["Content-Type"].partition(";")[0]) == (200, kind), path
        kept = "no-store" if path.startswith("/v1/") else "no-cache"
        assert found.headers["Cache-Control"] == kept
        assert "default-src 'none'" in found.headers["Content-Security-Policy"]
    found = await ask(relay.url, "POST", f"{prefix}/v1/channels/demo/tickets", b"{}", **OWN, **JSON)
    ticket = json.loads(found.text)["ticket"]
    async with (
        await Viewer.connect(relay.url + prefix, ticket=ticket) as viewer,
        await subscribe(relay.url + prefix, "demo", keys.display_key) as reader,
    ):
        await viewer.label("happy")
        await reader.mood(lambda mood: mood.visible and mood.sharing == 1)


@PROXIED
@pytest.mark.parametrize("path", ["/", "/mood", "/mood/"])
async def test_home_leads_to_the_dashboard_below_the_path(relay: Relay, path: str) -> None:
    found = await ask(relay.url, "GET", path, Host="mood.example.org")
    assert (found.status, found.headers["Location"]) == (302, "/mood/dashboard")


async def test_without_a_path_it_leads_there_as_ever(relay: Relay) -> None:
    found = await ask(relay.url, "GET", "/")
    assert (found.status, found.headers["Location"]) == (302, "/dashboard")


@PROXIED
@pytest.mark.parametrize(
    "path",
    [
        "/moodx/dashboard", "/mood%2Fdashboard", "/mooddashboard", "/mood/mood/dashboard", "/MOOD/dashboard",
        "/x/mood/dashboard", "//mood/dashboard", "/mood//dashboard", "/mood/%2e%2e/dashboardx", "/mood/static/../../x",
        "/moodx/v1/channels/demo/tickets", "/mood/static/%2e%2e%2f%2e%2e%2fpyproject.toml", "/mood/static//etc/passwd",
    ],
)  # fmt: skip
async def test_what_only_looks_like_the_path_is_nothing(relay: Relay, path: str) -> None:
    relay.create_channel("demo")
    assert (await ask(relay.url, "GET", path, Host="mood.example.org")).status in (400, 404, 405)


@PROXIED
async def test_invitations_lead_below_the_path(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    _, answer = await request(relay.url, "POST", "demo/invitation", keys.admin_key, {})
    assert answer["link"] == f"{HOME}/join/demo"
    assert "relay=https%3A%2F%2Fmood.example.org%2Fmood" in answer["app_link"]


# --- whose pages -----------------------------------------------------------------------------------------------------

FOREIGN = {
    "another site": {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
    "another site, and an old browser": {"Origin": "https://evil.example"},
    "no origin at all": {"Origin": "null"},
    "a subdomain": {"Origin": "https://x.mood.example.org", "Sec_Fetch_Site": "same-site"},
    "the site around it": {"Origin": "https://example.org", "Sec_Fetch_Site": "same-site"},
    "a name that begins so": {"Origin": "https://mood.example.org.evil.example"},
    "a user": {"Origin": "https://mood.example.org@evil.example"},
    "another port": {"Origin": "https://mood.example.org:8443", "Sec_Fetch_Site": "same-site"},
    "a path": {"Origin": "https://mood.example.org/mood"},
    "without TLS, on the way": {"Origin": "http://mood.example.org", "Sec_Fetch_Site": "cross-site"},
    "two origins": {"Origin": "https://mood.example.org, https://evil.example"},
    "a frame that says otherwise": {"Origin": "https://mood.example.org", "Sec_Fetch_Site": "cross-site"},
    "none but the sign of a browser": {"Sec_Fetch_Site": "cross-site"},
}
FORGED = {
    "": {},
    "forwarded": {
        "X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https", "X_Forwarded_Prefix": "/mood",
        "Forwarded": 'host="evil.example";proto=https', "X_Original_Host": "evil.example", "X_Forwarded_Port": "443",
        "X_Original_URL": "/v1/channels", "X_Rewrite_URL": "/v1/channels",
    },
}  # fmt: skip


@PROXIED
@pytest.mark.parametrize("forged", FORGED.values(), ids=[*FORGED])
@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=[*FOREIGN])
async def test_pages_of_others_get_neither_ticket_nor_socket(
    relay: Relay, foreign: dict[str, str], forged: dict[str, str]
) -> None:
    relay.create_channel("demo")
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
               "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    headers = {"Host": "mood.example.org", "X_Forwarded_For": "198.51.100.7", **forged, **foreign}
    for prefix in ("", "/mood"):
        path = f"{prefix}/v1/channels/demo"
        answer = await ask(relay.url, "POST", f"{path}/tickets", b"{}", **headers, **JSON)
        assert answer.status == 403, answer
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert (await ask(relay.url, "GET", f"{path}/viewer", **headers, **upgrade)).status == 403
        assert (await ask(relay.url, "OPTIONS", f"{path}/tickets", **headers)).status == 403
    assert relay._hub.counts.tickets_issued == 0


@PROXIED
@pytest.mark.parametrize("host", ["mood.example.org", "mood.example.org:443", "127.0.0.1:8765", "localhost"])
@pytest.mark.parametrize("forged", FORGED.values(), ids=[*FORGED])
async def test_the_relays_own_page_of_https_gets_a_ticket_whatever_host_the_proxy_asks_by(
    relay: Relay, host: str, forged: dict[str, str]
) -> None:
    """The relay itself speaks plain HTTP."""
    relay.create_channel("demo")
    path = "/v1/channels/demo/tickets"
    assert (await ask(relay.url, "POST", path, b"{}", **{**OWN, "Host": host, **forged}, **JSON)).status == 201
    assert (await ask(relay.url, "POST", path, b"{}", **{**SITE, "Host": host, **forged}, **JSON)).status == 201


@pytest.mark.relay(host="0.0.0.0", hosts="mylaptop.local", public_url="https://mood.example.org")
async def test_a_public_address_that_hosts_leave_out_is_no_name_of_the_relays(relay: Relay) -> None:
    relay.create_channel("demo")
    answer = await ask(relay.url, "POST", "/v1/channels/demo/tickets", b"{}", **OWN, **JSON)
    assert answer.status == 403


# --- limits ----------------------------------------------------------------------------------------------------------


@PROXIED
async def test_a_flood_of_tickets_by_a_page_is_its_networks_own(relay: Relay) -> None:
    """Also where it says that it came by others, before those whom the proxy heard."""
    relay.create_channel("demo")
    statuses = []
    async with aiohttp.ClientSession(relay.url) as http:

        async def wanted(number: int, address: str) -> int:
            headers = {"Origin": "https://mood.example.org", "Host": "mood.example.org",
                       "X-Forwarded-For": f"203.0.113.{number % 250}, {address}"}  # fmt: skip
            async with http.post("/mood/v1/channels/demo/tickets", json={}, headers=headers) as response:
                return response.status

        for first in range(0, 130, 26):
            numbers = range(first, first + 26)
            statuses += await asyncio.gather(*(wanted(number, "198.51.100.7") for number in numbers))
        assert 120 <= statuses.count(201) <= 125
        assert set(statuses) == {201, 429}
        assert await wanted(0, "198.51.100.8") == 201


@PROXIED
async def test_neither_key_nor_password_is_taken_from_an_address(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"})
    query = f"?password=sesame&key={keys.admin_key}&role=streamer"
    answer = await ask(relay.url, "POST", f"/mood/v1/channels/demo/tickets{query}", b"{}", **OWN, **JSON)
    assert (answer.status, json.loads(answer.text)["error"]["code"]) == (403, protocol.WRONG_PASSWORD.number)
    with contextlib.suppress(aiohttp.ClientError):
        assert (await ask(relay.url, "GET", f"/mood/v1/channels/demo/sessions{query}", **OWN)).status == 401
