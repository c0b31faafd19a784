"""Every door of connections that stay leads through one entrance, with all its rules."""

import aiohttp
import pytest

from relay import app, protocol
from relay.http.endpoints import ENDPOINTS, Endpoint
from relay.http.entrance import Entrance
from relay.http.requests import HTTPError
from relay.protocol import Bye, Hello, LookMessage, Subscribe
from tests.support import Client, Viewer, wait_until

ADDRESS = "192.0.2.7"
NEW_RULE = "A rule that nobody knew when the doors were built."


@pytest.fixture
def new_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are turned away."""

    def nobody(full: str | None) -> None:
        raise HTTPError(protocol.FULL, NEW_RULE, retry_after=7)

    monkeypatch.setattr(Entrance, "_make_sure", staticmethod(nobody))


MAY_STAY = [row for row in ENDPOINTS if row.method == "GET" and "{channel}" in row.path]
"""Whatever may keep a connection."""


@pytest.mark.parametrize("door", MAY_STAY, ids=lambda door: door.path)
async def test_a_new_rule_holds_at_each_door(relay: app.Relay, new_rule: None, door: Endpoint) -> None:
    """Also at one that is built after this test: what answers as a WebSocket, or does not end, is one."""
    key = relay.create_channel("demo").admin_key
    path = door.path.format(channel="demo", number="1")
    is_a_door = 0
    for first in (Hello(agent="test"), Subscribe(key=key)):
        try:
            client = await Client.open(relay.url, path)
        except aiohttp.WSServerHandshakeError:
            continue  # no WebSocket
        is_a_door += 1
        async with client:
            await client.send(first)
            bye = await client.receive()
            assert isinstance(bye, Bye)
            assert (bye.code, bye.message, bye.retry_after_s) == (protocol.FULL.number, NEW_RULE, 7)
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.get(relay.url + path, headers=headers) as answer:
        if answer.content_type == "text/event-stream":
            pytest.fail("it stays without having come through the entrance")
        if answer.status == protocol.FULL.http_status and NEW_RULE in await answer.text():
            is_a_door += 1
            assert answer.headers["Retry-After"] == "7"
    assert relay.connections("demo") == (0, 0)
    assert is_a_door == {"viewer": 2, "mood": 3}.get(path.rpartition("/")[2], 0)


@pytest.mark.relay(proxies=1, max_per_address=1, max_per_channel=1, require_tickets="off", min_viewers=1)
@pytest.mark.parametrize("path", ["viewer", "mood"])
async def test_who_did_not_come_in_holds_no_place(relay: app.Relay, path: str) -> None:
    """Whatever it did: its house, the channel and the relay have one place each."""
    keys = relay.create_channel("demo")
    wrong: list[str] = [
        "nonsense",
        protocol.encode(Hello(agent="test", ticket="forged")).decode(),
        protocol.encode(Subscribe(key="wrong")).decode(),
    ]
    for first in [None, *wrong]:
        async with await Client.open(relay.url, f"/v1/channels/demo/{path}", ADDRESS) as client:
            if first is not None:
                await client.ws.send_str(first)
                bye = await client.receive()
                assert isinstance(bye, Bye)
                assert bye.code != protocol.FULL.number
    hello = Hello(agent="test") if path == "viewer" else Subscribe(key=keys.display_key)
    for _ in range(2):  # the second finds the place that the first has left

        async def comes_in() -> bool:
            async with await Client.open(relay.url, f"/v1/channels/demo/{path}", ADDRESS) as client:
                await client.send(hello)
                return not isinstance(await client.receive(), Bye)

        await wait_until(comes_in)


@pytest.mark.relay(proxies=1, max_per_address=1, max_per_channel=1, require_tickets="off", min_viewers=1)
async def test_who_met_a_fault_holds_no_place(
    relay: app.Relay, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A viewer stays when its request's handler is long over: what fails then is told in the log, and ends it alone."""
    relay.create_channel("demo")

    def fail(*_: object) -> None:
        raise RuntimeError("a fault of the relay's")

    with monkeypatch.context() as patch:
        patch.setattr(relay._hub.gallery, "look", fail)
        async with await Viewer.connect(relay.url, address=ADDRESS) as viewer:
            await viewer.send(LookMessage(on=True))
            while await viewer.receive() is not None:
                pass
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a fault of the relay's"]
    await wait_until(lambda: relay.connections("demo") == (0, 0))
    async with await Viewer.connect(relay.url, address=ADDRESS) as viewer:
        assert relay.connections("demo") == (1, 0)
