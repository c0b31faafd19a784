"""Viewer tickets: signed, short-lived, one connection each; over real HTTP and sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import app, protocol
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.tickets import TicketError, Tickets
from relay.protocol import Bye
from tests.support import SOON, Client, Viewer, count_of, subscribe

KEY = b"k" * 32
SEAL = b"s" * 32

PATH = "/v1/channels/demo/tickets"
PASSWORD = "/v1/channels/demo/password"


@pytest.fixture
async def http(relay: Relay) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(relay.url) as session:
        yield session


async def ask(
    http: aiohttp.ClientSession, body: object = {}, path: str = PATH, method: str = "POST", **headers: str
) -> tuple[int, dict[str, Any]]:
    """The status, and the answer or its error."""
    async with http.request(method, path, json=body, headers=headers) as response:
        answer = await response.json()
        return response.status, answer.get("error", answer)


async def ticket_of(http: aiohttp.ClientSession) -> str:
    status, answer = await ask(http)
    assert (status, answer["expires_in_s"]) == (201, 60)
    return str(answer["ticket"])


async def turned_away(relay: Relay, ticket: str, channel: str = "demo") -> protocol.Bye:
    """The bye that this ticket brings."""
    async with await Client.open(relay.url, f"/v1/channels/{channel}/viewer") as client:
        await client.send(protocol.Hello(ticket=ticket))
        bye = await client.receive()
        assert isinstance(bye, Bye)
        assert await client.receive() is None
        assert client.close_code == bye.code
        return bye


# --- the ticket itself -----------------------------------------------------------------------------------------------


def test_a_ticket_opens_its_channel_with_a_number_of_its_own() -> None:
    tickets = Tickets(KEY)
    one, two = tickets.issue("demo"), tickets.issue("demo")
    assert len(one) < 256
    assert tickets.check("demo", one, SEAL) == tickets.check("demo", one, SEAL) != tickets.check("demo", two, SEAL)
    with pytest.raises(TicketError, match="another channel"):
        tickets.check("other", one, SEAL)


def test_an_expired_ticket_says_so() -> None:
    tickets = Tickets(KEY, ttl=-1)
    with pytest.raises(TicketError, match="older"):
        tickets.check("demo", tickets.issue("demo"), SEAL)


def test_a_ticket_of_another_installation_says_so() -> None:
    with pytest.raises(TicketError, match=r"^This relay did not issue the ticket: ask for a new one\.$"):
        Tickets(KEY).check("demo", Tickets(b"x" * 32).issue("demo"), SEAL)


def test_a_ticket_of_another_version_opens_the_channel_too() -> None:
    """As while the nodes of a cluster are updated one after the other: this one was made on 2026-11-26."""
    ticket = "WyJkZW1vIiwiSkJESVZ4NmN5UmxlMldhSyJd.awi8xg.Q2rg3gi682Z0mi7OqtzrJyaLpkjD4bBwQA8u8YBrYD8"
    assert Tickets(KEY, ttl=10**10).check("demo", ticket, SEAL).number == "JBDIVx6cyRle2WaK"
    tickets = Tickets(KEY)
    assert len(tickets.check("demo", tickets.issue("demo"), SEAL).number) == len("JBDIVx6cyRle2WaK")  # 12 random bytes


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_a_ticket_or_breaks_the_check(text: str) -> None:
    with pytest.raises(TicketError):
        Tickets(KEY).check("demo", text, SEAL)


@given(st.data())
def test_a_changed_ticket_is_none_or_the_very_same(data: st.DataObject) -> None:
    """The same where what changed means nothing in base64: it replaces its own connection, and is no second vote."""
    tickets = Tickets(KEY)
    ticket = tickets.issue("demo")
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(ticket))] * 2)))
    changed = ticket[:start] + data.draw(st.text(max_size=4) | st.just(ticket)) + ticket[end:]
    with contextlib.suppress(TicketError):
        assert tickets.check("demo", changed, SEAL) == tickets.check("demo", ticket, SEAL)


@given(st.data())
def test_a_ticket_with_another_character_is_none(data: st.DataObject) -> None:
    tickets = Tickets(KEY)
    ticket = tickets.issue("demo")
    at = data.draw(st.integers(0, len(ticket) - 2))  # the last character has spare bits
    changed = ticket[:at] + data.draw(st.characters(codec="ascii")) + ticket[at + 1 :]
    if changed != ticket:
        with pytest.raises(TicketError):
            tickets.check("demo", changed, SEAL)


# --- joining with it -------------------------------------------------------------------------------------------------


@pytest.mark.relay(require_tickets="on")
async def test_who_has_a_ticket_counts_and_who_has_none_is_refused(relay: Relay, http: aiohttp.ClientSession) -> None:
    keys = relay.create_channel("demo")
    relay.create_channel("other")
    bye = await turned_away(relay, "")
    assert bye.code == protocol.NO_TICKET.number
    assert not protocol.NO_TICKET.retry
    ticket = await ticket_of(http)
    async with (
        await Viewer.connect(relay.url, ticket=ticket) as viewer,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await viewer.label("happy")
        await audience.mood(lambda mood: mood.sharing == 1)
    for forged in (ticket[:-3] + "abc", "x", keys.display_key, keys.admin_key, Tickets(KEY).issue("demo")):
        assert (await turned_away(relay, forged)).code == protocol.BAD_TICKET.number
    bye = await turned_away(relay, await ticket_of(http), "other")
    assert bye.code == protocol.BAD_TICKET.number
    assert protocol.BAD_TICKET.retry  # with a new one
    assert bye.retry_after_s > 0


@pytest.mark.relay(require_tickets="on", limits=SOON._replace(ticket_ttl=-1))
async def test_an_expired_ticket_is_refused(relay: Relay, http: aiohttp.ClientSession) -> None:
    relay.create_channel("demo")
    _, answer = await ask(http)
    bye = await turned_away(relay, answer["ticket"])
    assert bye.code == protocol.BAD_TICKET.number
    assert "older" in bye.message


@pytest.mark.slow
@pytest.mark.parametrize("polite", [True, False])
async def test_a_replayed_ticket_replaces_the_older_connection(
    relay: Relay, http: aiohttp.ClientSession, polite: bool
) -> None:
    keys = relay.create_channel("demo")
    ticket = await ticket_of(http)
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        await Viewer.connect(relay.url, ticket=ticket) as older,
    ):
        await older.label("angry")
        await audience.mood(lambda mood: count_of(mood, "angry") == 1)
        async with await Viewer.connect(relay.url, ticket=ticket) as newer:
            assert older.welcome.viewer != newer.welcome.viewer
            await newer.label("happy")
            await older.label("angry")  # too late
            mood = await audience.mood(lambda mood: mood.visible and count_of(mood, "happy") == 1)
            assert (mood.viewers, mood.sharing) == (1, 1)
            if polite:
                bye = await older.receive_until(lambda message: isinstance(message, Bye))
                assert await older.receive() is None
                assert older.close_code == bye.code == protocol.REPLACED.number
                assert not protocol.REPLACED.retry
            await newer.label("sad")
            assert (await audience.mood(lambda mood: count_of(mood, "sad") == 1)).sharing == 1
        async with await Viewer.connect(relay.url, ticket=ticket) as back:
            await back.label("fear")
            await audience.mood(lambda mood: mood.viewers == 1 and count_of(mood, "fear") == 1)


@pytest.mark.relay(proxies=1, address_weight=2)
async def test_many_tickets_from_one_address_are_not_the_crowd(relay: Relay, http: aiohttp.ClientSession) -> None:
    keys = relay.create_channel("demo")
    viewers, house = [], {"X-Forwarded-For": "192.0.2.7"}
    for _ in range(6):
        _, answer = await ask(http, **house)
        session = aiohttp.ClientSession(headers=house)
        viewer = Viewer(session, await session.ws_connect(relay.url + "/v1/channels/demo/viewer"))
        await viewer.send(protocol.Hello(ticket=answer["ticket"]))
        await viewer.label("angry")
        viewers.append(viewer)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        assert (await audience.mood(lambda mood: mood.visible and mood.viewers == 6)).sharing == 2
    await asyncio.gather(*(viewer.close() for viewer in viewers))


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        ({"host": "127.0.0.1"}, False),
        ({"host": "localhost"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "127.0.0.1", "proxies": 1}, True),
        ({"host": "0.0.0.0", "require_tickets": "off"}, False),
    ],
)
async def test_tickets_are_needed_where_others_can_connect(tmp_path: Any, options: Any, needed: bool) -> None:
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path), **options))
    relay.create_channel("demo")
    async with await Client.open(relay.url, "/v1/channels/demo/viewer") as client:
        await client.send(protocol.Hello())
        assert isinstance(await client.receive(), Bye if needed else protocol.Welcome)
    await relay.stop()


# --- getting one -----------------------------------------------------------------------------------------------------


async def test_a_password_guards_the_tickets(relay: Relay, http: aiohttp.ClientSession) -> None:
    keys = relay.create_channel("demo")
    admin = {"Authorization": f"Bearer {keys.admin_key}"}
    display = {"Authorization": f"Bearer {keys.display_key}"}
    body = {"password": "sesame"}
    assert (await ask(http, body, PASSWORD, "PUT", **display))[0] == 403
    assert await ask(http, body, PASSWORD, "PUT", **admin) == (200, {"channel": "demo", "password": True})
    assert (await turned_away(relay, "")).code == protocol.NO_TICKET.number
    for wrong in ({}, {"password": "open"}, {"password": ""}):
        status, error = await ask(http, wrong)
        assert (status, error["name"]) == (403, "wrong_password")
    status, answer = await ask(http, body)
    assert status == 201
    await (await Viewer.connect(relay.url, ticket=answer["ticket"])).close()
    assert (await ask(http, {"password": ""}, PASSWORD, "PUT", **admin))[0] == 200
    await (await Viewer.connect(relay.url, ticket=(await ask(http))[1]["ticket"])).close()
    await (await Viewer.connect(relay.url)).close()


@pytest.mark.relay(proxies=1)
async def test_who_asks_whether_there_is_a_password_has_guessed_none(relay: Relay, http: aiohttp.ClientSession) -> None:
    """As agents do at each start, before they look for the one that they have kept."""
    admin = {"Authorization": f"Bearer {relay.create_channel('demo').admin_key}"}
    await ask(http, {"password": "sesame"}, PASSWORD, "PUT", **admin)
    viewer = {"X-Forwarded-For": "192.0.2.1"}
    found = [(await ask(http, {}, **viewer))[0] for _ in range(20)]
    assert found == [403] * 20
    assert (await ask(http, {"password": "sesame"}, **viewer))[0] == 201


@pytest.mark.relay(proxies=1)
async def test_guesses_of_the_password_run_out_for_one_address_alone(relay: Relay, http: aiohttp.ClientSession) -> None:
    admin = {"Authorization": f"Bearer {relay.create_channel('demo').admin_key}"}
    await ask(http, {"password": "sesame"}, PASSWORD, "PUT", **admin)
    guesser, other = {"X-Forwarded-For": "2001:db8::1"}, {"X-Forwarded-For": "2001:db8:1::1"}
    found = await asyncio.gather(*(ask(http, {"password": f"guess {n}"}, **guesser) for n in range(12)))
    assert sorted(status for status, _ in found) == [403] * 6 + [429] * 6
    async with http.post(PATH, json={"password": "sesame"}, headers=guesser) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
        assert (await response.json())["error"]["name"] == "too_often"
    for _ in range(10):  # who knows it may ask often
        assert (await ask(http, {"password": "sesame"}, **other))[0] == 201


@pytest.mark.relay(proxies=1)
async def test_tickets_run_out_for_one_address_alone(relay: Relay, http: aiohttp.ClientSession) -> None:
    relay.create_channel("demo")
    found = [(await ask(http, **{"X-Forwarded-For": "192.0.2.7"}))[0] for _ in range(140)]
    assert found[:120] == [201] * 120
    assert 429 in found
    assert (await ask(http, **{"X-Forwarded-For": "192.0.2.8"}))[0] == 201


@pytest.mark.parametrize("body", [{"password": 3}, {"password": "x" * 129}, [], "sesame"])
async def test_a_bad_request_for_a_ticket(relay: Relay, http: aiohttp.ClientSession, body: object) -> None:
    relay.create_channel("demo")
    status, error = await ask(http, body)
    assert (status, error["name"]) == (400, "bad_message")
    assert "sesame" not in error["message"]


async def test_a_ticket_of_no_channel(http: aiohttp.ClientSession) -> None:
    status, error = await ask(http)
    assert (status, error["name"]) == (404, "unknown_channel")


# --- for pages of other sites ----------------------------------------------------------------------------------------

FRIEND = "https://friend.example"
CORS = "Access-Control-Allow-"


@pytest.mark.relay(origins=FRIEND)
async def test_a_page_of_an_allowed_site_gets_a_ticket(relay: Relay, http: aiohttp.ClientSession) -> None:
    relay.create_channel("demo")
    asks = {"Origin": FRIEND, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    async with http.options(PATH, headers=asks) as response:
        assert response.status == 204
        assert response.headers[CORS + "Origin"] == FRIEND
        assert "POST" in response.headers[CORS + "Methods"]
        assert "content-type" in response.headers[CORS + "Headers"]
        assert CORS + "Credentials" not in response.headers
    async with http.post(PATH, json={}, headers={"Origin": FRIEND}) as response:
        assert response.status == 201
        assert response.headers[CORS + "Origin"] == FRIEND
    async with http.post(PATH, json=[], headers={"Origin": FRIEND}) as response:  # it may read what was wrong
        assert response.status == 400
        assert response.headers[CORS + "Origin"] == FRIEND


@pytest.mark.relay(origins=FRIEND)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://friend.example"])
async def test_a_page_of_another_site_gets_no_ticket(relay: Relay, http: aiohttp.ClientSession, origin: str) -> None:
    relay.create_channel("demo")
    for method in ("OPTIONS", "POST"):
        async with http.request(method, PATH, json={}, headers={"Origin": origin}) as response:
            assert response.status == 403
            assert not [name for name in response.headers if name.startswith(CORS)]
            assert (await response.json())["error"]["name"] == "forbidden"


@pytest.mark.relay(origins="*")
async def test_pages_of_other_sites_read_nothing_else(relay: Relay, http: aiohttp.ClientSession) -> None:
    key = {"Authorization": f"Bearer {relay.create_channel('demo').display_key}", "Origin": FRIEND}
    for path in ("/v1/channels/demo/sessions", "/healthz", "/"):
        async with http.get(path, headers=key, allow_redirects=False) as response:
            assert not [name for name in response.headers if name.startswith(CORS)]
    async with http.options("/v1/channels/demo/password", headers=key) as response:
        assert response.status == 405
