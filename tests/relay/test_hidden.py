"""While the mood is hidden: whatever the display key opens is the same, whatever the one viewer does."""

import contextlib
import json
from typing import Any

import aiohttp
import pytest

from relay import app, protocol
from relay.protocol import Countdown, Delay, Mood, Status
from tests.support import Client, Viewer, request, server_sent_events, subscribe, wait_until

VOLATILE = {"seq", "time", "open_s", "zero", "seconds", "started"}
"""What tells of the relay's clock."""


def steady(value: Any) -> Any:
    """JSON without the fields that tell of the relay's clock."""
    if isinstance(value, dict):
        return {name: steady(inner) for name, inner in value.items() if name not in VOLATILE}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


PATHS = ("sessions", "sessions/current", "sessions/1", "sessions/1.csv", "sessions/1/peaks", "countdown", "overlay.png")


async def opened(relay: app.Relay, key: str) -> dict[str, Any]:
    """All that the key opens."""
    found: dict[str, Any] = {}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session:
        for path in PATHS:
            async with session.get(f"{relay.url}/v1/channels/demo/{path}") as response:
                is_json = response.content_type == "application/json"
                body = steady(await response.json()) if is_json else await response.read()
                found[path] = response.status, body
    async with contextlib.aclosing(server_sent_events(relay.url, "demo", key)) as events:
        found["events"] = []
        async for event in events:
            found["events"].append((event.name, steady(json.loads(event.data))))
            if event.name == "mood":
                break
    return found


async def done(viewer: Viewer) -> None:
    """Returns when the relay has taken all that the viewer sent, and has ticked."""
    await viewer.send(protocol.Zero())
    await viewer.receive_until(lambda message: isinstance(message, Delay))


async def ticked(overlay: Client, ticks: int) -> list[object]:
    """What the overlay gets within so many moods."""
    seen: list[object] = []
    while sum(isinstance(message, Mood) for message in seen) < ticks:
        seen.append(await overlay.receive())
    return seen


@pytest.mark.relay(tick_ms=50, min_viewers=5)
async def test_nothing_tells_what_a_lone_viewer_does(relay: app.Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = relay.create_channel("demo")
    key = keys.display_key
    async with await subscribe(relay.url, "demo", key) as overlay, await Viewer.connect(relay.url) as viewer:
        await overlay.mood(lambda mood: mood.viewers == 1)
        # A marker puts the session into the history, where more could be told than is.
        assert (await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "begins"}))[0] == 201
        assert (await request(relay.url, "POST", "demo/countdown", key, {"seconds": 3}))[0] == 201
        countdown = relay._hub.members.channel("demo").countdown
        assert countdown is not None
        monkeypatch.setattr(countdown, "_zero", countdown._zero - 11)  # eight seconds ago
        await overlay.receive_until(lambda message: isinstance(message, Countdown))

        async def stored() -> bool:
            return bool((await request(relay.url, "GET", "demo/sessions/current", key))[1]["markers"])

        await wait_until(stored)
        before = await opened(relay, key)
        assert {before[path][0] for path in PATHS} == {200}
        assert before["events"][-1][1]["sharing"] == 0

        await done(viewer)  # from here on the viewer has answered the countdown, too
        for deed in ("happy", "angry", "surprise", "heart", "happy", "away"):
            if deed == "heart":
                await viewer.tap("heart")
            elif deed == "away":
                await viewer.away()
            else:
                await viewer.label(deed)  # type: ignore[arg-type]
            await done(viewer)
            seen = await ticked(overlay, 3)
            assert all(isinstance(message, Mood | Status) for message in seen), seen
            assert {(m.visible, m.sharing, m.viewers) for m in seen if isinstance(m, Mood)} == {(False, 0, 1)}
            assert await opened(relay, key) == before, deed
