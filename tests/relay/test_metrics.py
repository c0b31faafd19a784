"""``/metrics``: what it tells, and whom."""

import re
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from relay import protocol
from relay.app import Relay
from relay.live.counters import METRICS
from tests.support import Client, Viewer, request, subscribe, wait_until

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
KEY = "a-key-for-the-scraper"
FORWARDED = {"X-Forwarded-For": "203.0.113.9"}


async def scrape(url: str, headers: dict[str, str] | None = None) -> dict[str, float]:
    """Every sample, as ``name{label="value"}``."""
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{url}/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        families = text_string_to_metric_families(await response.text())
        return {
            sample.name + "".join(f'{{{key}="{value}"}}' for key, value in sample.labels.items() if key != "name"): (
                sample.value
            )
            for family in families
            for sample in family.samples
        }


async def test_the_crowd_is_counted(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    relay.create_channel("quiet")
    viewers = [await Viewer.connect(relay.url) for _ in range(3)]
    async with await subscribe(relay.url, "demo", keys.display_key) as client:
        for viewer in viewers:
            await viewer.label("happy")
        await viewers[0].tap("heart")
        await viewers[0].close()
        await client.mood(lambda mood: mood.sharing == 2)
        found = await scrape(relay.url)
    assert found["moodcast_viewers"] == 2
    assert found["moodcast_viewers_joined_total"] == 3
    assert found["moodcast_subscribers"] == found["moodcast_subscribers_joined_total"] == 1
    assert (found["moodcast_channels"], found["moodcast_channels_live"], found["moodcast_sessions"]) == (2, 1, 1)
    assert (found["moodcast_labels_total"], found["moodcast_taps_total"]) == (3, 1)
    assert found["moodcast_tick_seconds_count"] > 0
    assert found["moodcast_tick_late_seconds_count"] > 0
    for viewer in viewers[1:]:
        await viewer.close()
    await wait_until(lambda: relay.connections("demo") == (0, 0))
    await wait_until(lambda: _gone(relay.url))


async def _gone(url: str) -> bool:
    return (await scrape(url))["moodcast_viewers"] == 0


async def test_the_history_is_counted(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")

        async def written() -> bool:
            return (await scrape(relay.url))["moodcast_history_written_rows_total"] >= 2  # the session, a moment

        await wait_until(written)
    found = await scrape(relay.url)
    assert (found["moodcast_history_warning"], found["moodcast_history_dropped_rows_total"]) == (0, 0)


async def test_refusals_are_counted_by_code(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.ws.send_str("no JSON")
        await viewer.receive_until(lambda message: isinstance(message, protocol.Error))
        await viewer.ws.send_str("x" * 5000)
        while await viewer.receive():
            pass
    async with await Client.open(relay.url, "/v1/channels/nowhere/viewer") as client:
        while await client.receive():
            pass
    assert (await request(relay.url, "GET", "demo/sessions", "wrong"))[0] == 401
    assert (await request(relay.url, "POST", "demo/tickets", "", {}))[0] == 201
    assert (await request(relay.url, "POST", "nowhere/tickets", "", {}))[0] == 404
    found = await scrape(relay.url)
    assert found['moodcast_frames_refused_total{code="4400"}'] == 1
    assert found['moodcast_frames_refused_total{code="4413"}'] == 1
    assert found['moodcast_closes_total{code="4413"}'] == 1
    assert found['moodcast_closes_total{code="4404"}'] == 1
    assert found['moodcast_requests_refused_total{code="4401"}'] == 1
    assert found["moodcast_tickets_issued_total"] == 1
    assert found['moodcast_tickets_refused_total{code="4404"}'] == 1


async def test_the_table_and_the_page_have_every_metric(relay: Relay) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{relay.url}/metrics") as response:
        told = await response.text()
    shown = set(re.findall(r"^# TYPE (\S+?)(?:_created)? ", told, re.MULTILINE))
    page = PAGE.read_text()
    assert {row.name for row in METRICS} == {name for name in shown if name.startswith("moodcast_")}
    assert all(f"`{name}`" in page for name in shown)
    assert "\nmoodcast_cluster_nodes" not in told  # of a relay that is alone


@pytest.mark.relay(metrics_key=KEY)
@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"Authorization": "Bearer no"}, 401),
                                                 ({"Authorization": f"Bearer {KEY}"}, 200)])  # fmt: skip
async def test_from_elsewhere_it_takes_the_metrics_key(relay: Relay, headers: dict[str, str], status: int) -> None:
    async with (
        aiohttp.ClientSession(headers=headers | FORWARDED) as session,
        session.get(f"{relay.url}/metrics") as response,
    ):
        assert response.status == status
        text = await response.text()
    assert ("moodcast_viewers" in text) == (status == 200)
    assert KEY not in text


async def test_without_a_metrics_key_nobody_elsewhere_reads_them(relay: Relay) -> None:
    headers = FORWARDED | {"Authorization": "Bearer "}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{relay.url}/metrics") as response,
    ):
        assert response.status == 403
        assert "--metrics-key" in (await response.json())["error"]["message"]
