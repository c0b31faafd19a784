"""Invitations of a real relay: who may have one, what stands in it, and when it ends."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from relay.app import Relay
from relay.common import invitation
from relay.common.invitation import Invitation
from relay.core import qr
from relay.http.invitations import Codes
from tests.raw import RawClient
from tests.support import HANG_S, Viewer, request, wait_until

HOUSE = {"X-Forwarded-For": "192.0.2.1"}
OTHER = {"X-Forwarded-For": "198.51.100.7"}
PUBLIC = pytest.mark.relay(proxies=1, hosts="mood.example.org", public_url="https://mood.example.org/cats")


@pytest.fixture
async def http(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(relay.url) as session:
        yield session


Headers = Mapping[str, str]
NOTHING: dict[str, str] = {}


async def invite(
    http: aiohttp.ClientSession, key: str, body: object = NOTHING, headers: Headers = NOTHING, channel: str = "demo"
) -> tuple[int, dict[str, object]]:
    """The status, and the invitation or the error."""
    headers = {"Authorization": f"Bearer {key}", **headers}
    async with http.post(f"/v1/channels/{channel}/invitation", json=body, headers=headers) as response:
        answer = await response.json()
        return response.status, answer.get("error", answer)


async def set_password(relay: Relay, key: str, password: str) -> None:
    status, _ = await request(relay.url, "PUT", "demo/password", key, {"password": password})
    assert status == 200


async def ticket(http: aiohttp.ClientSession, password: str, headers: Headers = NOTHING) -> int:
    """The status with which a viewer's request for a ticket ends."""
    async with http.post("/v1/channels/demo/tickets", json={"password": password}, headers=headers) as response:
        return response.status


async def test_an_invitation_leads_into_the_channel(relay: Relay, http: aiohttp.ClientSession) -> None:
    status, invited = await invite(http, relay.create_channel("demo").admin_key)
    assert status == 200
    assert set(invited) == {"link", "app_link", "svg", "rows", "password", "note"}
    found = invitation.parse(str(invited["link"]))
    assert found == invitation.parse(str(invited["app_link"])) == Invitation(relay.url, "demo")
    assert (invited["svg"], invited["rows"]) == qr.drawn(found.link)
    assert invited["password"] is False
    async with await Viewer.connect(found.relay, found.channel):
        assert relay.connections("demo") == (1, 0)


@PUBLIC
async def test_it_begins_with_the_public_url(relay: Relay, http: aiohttp.ClientSession) -> None:
    _, invited = await invite(http, relay.create_channel("demo").admin_key, headers=HOUSE)
    assert invited["link"] == "https://mood.example.org/cats/join/demo"
    assert invited["note"] == ""


async def test_who_alone_can_open_it_is_told(relay: Relay, http: aiohttp.ClientSession) -> None:
    _, invited = await invite(http, relay.create_channel("demo").admin_key)
    assert str(invited["note"]).startswith("Only this machine can open the invitation")
    assert "--public-url" in str(invited["note"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost:1"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"X-Original-Host": "evil.example", "X-Original-URL": "https://evil.example/"},
        {"Origin": "https://evil.example"},
        {"Referer": "https://evil.example/"},
    ],
)
@pytest.mark.parametrize(
    "listens",
    [
        pytest.param("loopback", marks=pytest.mark.relay(host="127.0.0.2")),
        pytest.param("all", marks=pytest.mark.relay(host="0.0.0.0")),  # takes whatever Host comes
        pytest.param("public", marks=PUBLIC),
    ],
)
async def test_no_header_gets_into_a_link(
    relay: Relay, http: aiohttp.ClientSession, headers: Headers, listens: str
) -> None:
    base = "https://mood.example.org/cats" if listens == "public" else relay.url
    status, invited = await invite(http, relay.create_channel("demo").admin_key, headers=headers)
    assert "evil" not in str(invited.get("link")) + str(invited.get("app_link")) + str(invited.get("svg"))
    assert status == 403 or invited["link"] == f"{base}/join/demo"


async def test_a_request_line_with_another_host_gets_no_link(relay: Relay) -> None:
    key = relay.create_channel("demo").admin_key
    head = (
        # As to a proxy: the line names another host than this relay.
        "POST https://evil.example/v1/channels/demo/invitation HTTP/1.1\r\nHost: evil.example\r\n"
        "Connection: close\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    async with await RawClient.connect(relay.url) as client:
        await client.send(head.encode())
        answer = await client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"/join/" not in answer


async def test_only_the_admin_key_gets_one(relay: Relay, http: aiohttp.ClientSession) -> None:
    keys = relay.create_channel("demo")
    assert (await invite(http, keys.display_key))[0] == 403
    assert (await invite(http, "wrong"))[0] == 401
    assert (await invite(http, keys.admin_key, channel="nowhere"))[0] == 404
    assert (await invite(http, keys.admin_key, {"password": 1}))[0] == 400
    assert (await invite(http, keys.admin_key, {"password": "x" * 129}))[0] == 400


async def test_the_join_password_stands_in_it_if_it_is_right(relay: Relay, http: aiohttp.ClientSession) -> None:
    key = relay.create_channel("demo").admin_key
    status, error = await invite(http, key, {"password": "sesame"})
    assert (status, error["name"]) == (400, "bad_message")
    assert "has no join password" in str(error["message"])
    await set_password(relay, key, "sesame, open & shut")
    status, error = await invite(http, key, {"password": "s3same"})
    assert (status, error["name"]) == (403, "wrong_password")
    assert "s3same" not in str(error["message"])
    status, invited = await invite(http, key, {"password": "sesame, open & shut"})
    assert status == 200
    assert invited["password"] is True
    assert str(invited["link"]) == f"{relay.url}/join/demo#password=sesame%2C%20open%20%26%20shut"
    assert invitation.parse(str(invited["app_link"])).password == "sesame, open & shut"
    assert invited["svg"] == qr.drawn(str(invited["link"])).svg


async def test_without_the_password_it_is_right_too_and_says_that_there_is_one(
    relay: Relay, http: aiohttp.ClientSession
) -> None:
    key = relay.create_channel("demo").admin_key
    await set_password(relay, key, "sesame")
    status, invited = await invite(http, key)
    assert (status, invited["password"]) == (200, True)
    assert "password" not in str(invited["link"])


async def test_a_password_that_can_stand_in_no_link_is_told(relay: Relay, http: aiohttp.ClientSession) -> None:
    key = relay.create_channel("demo").admin_key
    await set_password(relay, key, "se\nsame")
    status, error = await invite(http, key, {"password": "se\nsame"})
    assert (status, error["name"]) == (400, "bad_message")
    assert "on one line" in str(error["message"])
    assert "same" not in str(error["message"])


async def test_it_ends_when_the_password_changes(relay: Relay, http: aiohttp.ClientSession) -> None:
    key = relay.create_channel("demo").admin_key
    await set_password(relay, key, "sesame")
    _, invited = await invite(http, key, {"password": "sesame"})
    old = invitation.parse(str(invited["link"]))
    assert await ticket(http, old.password) == 201
    await set_password(relay, key, "simsim")
    assert await ticket(http, old.password) == 403
    assert (await invite(http, key, {"password": "sesame"}))[0] == 403
    _, invited = await invite(http, key, {"password": "simsim"})
    assert await ticket(http, invitation.parse(str(invited["link"])).password) == 201
    await set_password(relay, key, "")
    assert await ticket(http, old.password) == 201  # nobody is asked for one


@pytest.mark.relay(proxies=1, hosts="a.example")
async def test_guesses_are_limited_as_those_of_viewers_are(relay: Relay, http: aiohttp.ClientSession) -> None:
    key = relay.create_channel("demo").admin_key
    await set_password(relay, key, "sesame")
    answers = [await invite(http, key, {"password": f"guess {number}"}, HOUSE) for number in range(12)]
    statuses = [status for status, _ in answers]
    assert statuses.count(403) in (5, 6, 7)
    assert set(statuses) == {403, 429}
    assert answers[-1][1]["name"] == "too_often"
    assert await ticket(http, "sesame", HOUSE) == 429  # of one purse
    assert (await invite(http, key, {"password": "sesame"}, OTHER))[0] == 200
    assert await ticket(http, "sesame", OTHER) == 201


@pytest.mark.relay(proxies=1, hosts="a.example")
async def test_invitations_are_limited(relay: Relay, http: aiohttp.ClientSession) -> None:
    key = relay.create_channel("demo").admin_key
    statuses = [status for status, _ in await asyncio.gather(*(invite(http, key, headers=HOUSE) for _ in range(140)))]
    assert set(statuses) <= {200, 429, 503}  # 503: as many of the channel are being drawn as may be
    assert 429 in statuses
    assert (await invite(http, key, headers=OTHER))[0] == 200


async def test_codes_are_drawn_one_at_a_time_and_few_for_one_channel(
    relay: Relay, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who has one channel's admin key holds up all that the relay does in threads, and its moods with it."""
    demo, other = (relay.create_channel(name).admin_key for name in ("demo", "other"))
    draw, go_on, running, most = qr.drawn, threading.Event(), 0, 0

    def slow(link: str) -> qr.Drawn:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            assert go_on.wait(HANG_S)
            return draw(link)
        finally:
            running -= 1

    monkeypatch.setattr(qr, "drawn", slow)
    asked = [asyncio.create_task(invite(http, demo)) for _ in range(20)]
    await wait_until(lambda: sum(task.done() for task in asked) == 20 - Codes.A_CHANNEL)
    assert {task.result()[0] for task in asked if task.done()} == {503}
    asked.append(asyncio.create_task(invite(http, other, channel="other")))
    go_on.set()
    statuses = [status for status, _ in await asyncio.gather(*asked)]
    assert (statuses.count(200), statuses[-1]) == (Codes.A_CHANNEL + 1, 200)
    assert most == 1
    assert (await invite(http, demo))[0] == 200


async def test_scrypt_runs_once_at_a_time_and_not_for_strangers(
    relay: Relay, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = relay.create_channel("demo").admin_key
    await set_password(relay, key, "sesame")
    running, most = 0, 0
    check = type(relay._channels).check_password

    def counted(channels: object, channel: str, password: str) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return check(relay._channels, channel, password)
        finally:
            running -= 1

    monkeypatch.setattr(type(relay._channels), "check_password", counted)
    for stranger in ("wrong", "x" * 40):
        assert (await invite(http, stranger, {"password": "sesame"}))[0] == 401
    assert most == 0
    answers = await asyncio.gather(*(invite(http, key, {"password": f"guess {number}"}) for number in range(8)))
    assert {status for status, _ in answers} == {403}
    assert most == 1


async def test_the_page_tells_nobody_which_channels_there_are(relay: Relay, http: aiohttp.ClientSession) -> None:
    relay.create_channel("demo")
    seen = set()
    for name in ("demo", "nowhere", "-", "x" * 300, "%00", "%3Cscript%3E", "..%5c"):
        async with http.get(f"{relay.url}/join/{name}") as response:
            volatile = {"Date"}
            headers = tuple((name, value) for name, value in response.headers.items() if name not in volatile)
            seen.add((response.status, headers, await response.read()))
    assert len(seen) == 1
    ((status, headers, body),) = seen
    policy = dict(headers)["Content-Security-Policy"]
    assert status == 200
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert b"demo" not in body
