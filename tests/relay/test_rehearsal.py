"""A test reaction over real sockets: all overlays show it, also while nothing may be shown of the audience."""

import contextlib
from typing import Any

import pytest

from relay import app, protocol
from relay.protocol import Mood, Reaction, Rehearsal
from tests.support import Viewer, request, server_sent_events, subscribe


async def rehearse(relay: app.Relay, key: str, **body: object) -> tuple[int, Any]:
    return await request(relay.url, "POST", "demo/rehearsal", key, body)


@pytest.mark.relay(tick_ms=50, min_viewers=5)
async def test_a_test_reaction_reaches_subscribers_alone_and_is_no_reaction(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    stream = server_sent_events(relay.url, "demo", keys.display_key)
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as overlay,
        await Viewer.connect(relay.url) as viewer,
        contextlib.aclosing(stream),
    ):
        await anext(stream)
        status, body = await rehearse(relay, keys.admin_key, name="laugh")
        assert (status, body["type"], body["kind"], body["name"]) == (201, "rehearsal", "tap", "laugh")
        told = await overlay.receive_until(lambda message: isinstance(message, Rehearsal))
        assert told == Rehearsal(time=body["time"], kind="tap", name="laugh")
        async for event in stream:
            if event.name == "rehearsal":
                assert protocol.from_relay.decode(event.data) == told
                break
        assert (await rehearse(relay, keys.admin_key, name="sad"))[1]["kind"] == "expression"
        first = await viewer.receive_until(lambda message: isinstance(message, Mood | Rehearsal | Reaction))
        assert isinstance(first, Mood)
        mood = await overlay.receive_until(lambda message: isinstance(message, Mood))
        assert isinstance(mood, Mood)
        assert (mood.visible, mood.sharing) == (False, 0)
    _, stored = await request(relay.url, "GET", "demo/sessions/current", keys.display_key)
    assert (stored["reactions"], stored["moments"]) == ([], [])


async def test_who_may_ask_for_a_test_reaction_and_how_often(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    assert (await rehearse(relay, keys.display_key))[0] == 403
    assert (await rehearse(relay, "wrong"))[0] == 401
    assert (await rehearse(relay, keys.admin_key, name="forecast"))[0] == 400
    answers = [await rehearse(relay, keys.admin_key) for _ in range(12)]
    assert [status for status, _ in answers[:10]] == [201] * 10
    assert answers[0][1]["name"] == "heart"
    assert answers[-1][0] == 429
    assert "the next one in" in str(answers[-1][1])
