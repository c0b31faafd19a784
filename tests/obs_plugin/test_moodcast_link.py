"""The OBS script's link: its plain functions, and its threads against the real relay."""

import ast
import asyncio
import gc
import itertools
import json
import re
import socket
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from obs_plugin import moodcast_link as link
from relay import app, protocol
from relay.config import RelaySettings
from relay.core import channel
from tests.support import SOON, Viewer, free_port, wait_until

GOOD = link.Settings("http://127.0.0.1:8765", "demo", "key-1", 1280, 720)

# --- server-sent events ----------------------------------------------------------------------------------------------

line_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40)
events = st.lists(
    st.tuples(
        line_text.filter(bool).filter(lambda t: not t.startswith(" ")), st.lists(line_text, min_size=1, max_size=3)
    )
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def parse(chunks: list[bytes]) -> list[tuple[str, str]]:
    parser = link.SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@given(events, st.lists(st.integers(0, 10**6), max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_events_survive_any_cutting_and_line_end(
    sent: list[tuple[str, list[str]]], places: list[int], end: str
) -> None:
    lines = [": comment", "retry: 2000", ""]
    for kind, data in sent:
        lines += [f"event: {kind}", "id: 7", *(f"data: {part}" for part in data), ""]
    stream = end.join([*lines, ": the end", ""]).encode()
    assert parse(cut(stream, places)) == [(kind, "\n".join(data)) for kind, data in sent]


@given(
    st.binary(max_size=300) | st.from_regex(rb"((data|event|:|x): ?[a\r\n]*[\r\n]){0,20}"),
    st.lists(st.integers(0, 10**6)),
)
def test_arbitrary_bytes_give_the_same_however_cut(data: bytes, places: list[int]) -> None:
    assert parse(cut(data, places)) == parse([data])


def test_an_endless_line_or_event_is_left_out_and_the_next_event_is_read() -> None:
    parser = link.SseParser()
    assert parser.feed(b"data: ") == []
    for _ in range(40):
        assert parser.feed(b"x" * 10_000) == []
    assert parser.feed(b"\r") == []
    assert parser.feed(b"\n\nevent: mood\ndata: 1\n\n") == [("mood", "1")]
    for _ in range(40):
        assert parser.feed(b"data: " + b"x" * 10_000 + b"\n") == []
    assert parser.feed(b"\ndata: 2\n\n") == [("message", "2")]


# --- messages --------------------------------------------------------------------------------------------------------

MOOD = protocol.Mood(
    seq=3, time=1.5, visible=True, viewers=4, sharing=4, min_viewers=1, counts=[0, 0, 0, 3, 0, 1, 0],
    shares=[0, 0, 0, 0.75, 0, 0.25, 0], valence=0.75, resonance=0.4, trend=0.1,
)  # fmt: skip


def test_a_message_reaches_the_page_unchanged() -> None:
    message = link.message_of("mood", protocol.encode(MOOD).decode())
    assert message is not None
    assert protocol.from_relay.decode(message.text) == MOOD


def test_what_a_newer_relay_adds_changes_nothing() -> None:
    """Fields reach the page, which ignores what it does not know; messages are left out (docs/versions.md)."""
    text = protocol.encode(MOOD).decode()
    message = link.message_of("mood", text[:-1] + ',"later":{"a":[1]}}')
    assert message is not None
    assert protocol.from_relay.decode(message.text) == MOOD
    assert link.message_of("forecast", '{"type":"forecast"}') is None


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"type":"label"}',
        '{"type":"mood","seq":NaN}',
        '{"type":"mood","seq":1e999}',
        "[" * 9999,
    ],
    ids=lambda data: data[:20],
)
def test_what_is_no_message_is_dropped(data: str) -> None:
    assert link.message_of("mood", data) is None


@given(st.text(), st.text())
def test_arbitrary_text_never_raises(kind: str, data: str) -> None:
    link.message_of(kind, data)
    link.refused_answer(GOOD, 500, data.encode("utf-8", "surrogatepass"))


def test_the_test_reaction_is_one_of_the_contract() -> None:
    message = protocol.from_relay.decode(link.test_reaction(12.0).text)
    assert message == protocol.Reaction(time=12.0, kind="expression", name="happy", strength=0.5, count=1)
    assert link.REACTION_S == channel.RECENT_S


# --- what the streamer reads of the audience -------------------------------------------------------------------------

CONDITIONS = json.loads((Path(__file__).parents[1] / "conditions.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CONDITIONS, ids=str)
def test_it_is_said_what_it_takes_as_on_the_pages(case: dict[str, Any]) -> None:
    assert link.condition(case["min_viewers"], case.get("crowd")) == case["text"]


def test_while_hidden_nobody_is_told_how_many_share() -> None:
    hidden: dict[str, Any] = {"visible": False, "viewers": 3, "min_viewers": 5, "crowd": "networks"}
    said = {link.audience({**hidden, "sharing": sharing}) for sharing in range(5)}  # an old relay tells the number
    assert said == {"Viewers connected: 3. Shown once people of five networks share."}
    shown = {**hidden, "visible": True, "viewers": 9, "sharing": 8}
    assert link.audience(shown) == "8 of 9 viewers share their expression."


@pytest.mark.parametrize("name", ["viewers", "sharing", "min_viewers"])
@pytest.mark.parametrize("value", ["<b>5</b>", None, [], True, 2.5, -1, 10**30])
@pytest.mark.parametrize("visible", [True, False])
def test_a_mood_with_other_things_than_numbers_is_not_read_out(name: str, value: object, visible: bool) -> None:
    mood: dict[str, Any] = {"visible": visible, "viewers": 3, "sharing": 0, "min_viewers": 5, "crowd": "networks"}
    assert link.audience({**mood, name: value}) == ""


# --- settings and addresses ------------------------------------------------------------------------------------------


def test_settings_are_taken_as_pasted() -> None:
    assert link.Settings.entered(" 127.0.0.1:8765/ ", " demo\n", "\tkey-1 ", 1280, 720) == GOOD
    assert GOOD.problem() == ""


def test_without_a_scheme_no_key_leaves_for_the_internet_unencrypted() -> None:
    for typed in ("localhost:8765", "192.168.1.5:8765", "[::1]:8765"):
        assert link.Settings.entered(typed, "demo", "key-1", 1280, 720).relay == f"http://{typed}"
    for typed in ("mood.example.org", "8.8.8.8:8765", "127.0.0.1.example.org", "[2606:4700::1]"):
        assert link.Settings.entered(typed, "demo", "key-1", 1280, 720).relay == f"https://{typed}"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"relay": ""}, "Enter the relay's address"),
        ({"relay": "ws://127.0.0.1:8765"}, "like http://"),
        ({"relay": "http://127.0.0.1:99999"}, "like http://"),
        ({"relay": "http://me:secret@host"}, "like http://"),
        ({"relay": "http://[::1"}, "like http://"),
        ({"relay": "http://[0]"}, "like http://"),
        ({"relay": "http://host:80a"}, "like http://"),
        ({"relay": "http://host:0"}, "like http://"),
        ({"relay": "http://h\nost"}, "like http://"),
        ({"channel": ""}, "Enter the channel's name"),
        ({"channel": "a/../b"}, "letters, digits"),
        ({"key": ""}, "Enter the channel's display key"),
        ({"key": "two words"}, "copy it once more"),
        ({"key": "clé"}, "copy it once more"),
    ],
)
def test_wrong_settings_are_said_in_a_sentence(change: dict[str, str], expected: str) -> None:
    assert expected in GOOD._replace(**change).problem()


def test_the_key_of_a_pasted_overlay_address_is_not_repeated() -> None:
    problem = link.Settings.entered(
        "http://127.0.0.1:8765/overlay?channel=demo#key=s3cret", "demo", "k", 1, 1
    ).problem()
    assert "http://127.0.0.1:8765" in problem
    assert "s3cret" not in problem


@given(st.text(), st.text(), st.text())
def test_checking_settings_never_raises(relay: str, channel: str, key: str) -> None:
    link.Settings.entered(relay, channel, key, 1280, 720).problem()


@given(st.from_regex(link.RELAY, fullmatch=True))
def test_an_accepted_address_can_be_taken_apart(relay: str) -> None:
    settings = GOOD._replace(relay=relay)
    if not settings.problem():
        parts = urllib.parse.urlsplit(link.overlay_url(settings))
        assert parts.hostname
        assert parts.port is None or 0 < parts.port < 65536
        assert parts.path.endswith("/overlay")


@pytest.mark.parametrize("relay", ["http://[::1]:8765", "https://relay.example.org", "HTTPS://example.org/mood-cast"])
def test_usual_addresses_are_fine(relay: str) -> None:
    assert GOOD._replace(relay=relay).problem() == ""


def test_the_key_is_only_ever_in_the_fragment() -> None:
    assert link.overlay_url(GOOD) == "http://127.0.0.1:8765/overlay?channel=demo&source=obs"
    assert link.overlay_url(GOOD, with_key=True) == "http://127.0.0.1:8765/overlay?channel=demo#key=key-1"


def test_page_options_that_the_streamer_added_are_kept() -> None:
    own = "http://old:1/overlay?channel=old&source=obs&position=top&title=Hello%20you#key=old"
    assert link.overlay_url(GOOD, own) == (
        "http://127.0.0.1:8765/overlay?channel=demo&source=obs&position=top&title=Hello+you"
    )
    assert link.overlay_url(GOOD, "https://obsproject.com/browser-source?x=1") == link.overlay_url(GOOD)


@given(st.text())
def test_the_overlay_address_is_stable(current: str) -> None:
    """Else OBS would reload the page every second."""
    once = link.overlay_url(GOOD, current)
    assert link.overlay_url(GOOD, once) == once


STATES = st.lists(st.sampled_from(["connecting", "retrying", "refused", "connected"]))


@given(STATES, STATES)
def test_a_page_is_loaded_again_at_its_first_connection_if_any_attempt_before_failed(
    one: list[str], other: list[str]
) -> None:
    doubt = link.PageDoubt()
    for address, states in (("one", one), ("other", other)):
        first = states.index("connected") if "connected" in states else len(states)
        wanted = [place == first and "retrying" in states[:first] for place in range(len(states))]
        assert [doubt.settle(address, state) for state in states] == wanted


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_waits_are_between_1_and_30_seconds(attempt: int, chance: float) -> None:
    assert 1 <= link.backoff(attempt, chance) <= 30
    assert link.backoff(attempt, chance) <= link.backoff(attempt + 1, chance)


def test_waits_grow_and_are_spread() -> None:
    assert link.backoff(0, 0.0) == 1
    assert link.backoff(0, 1.0) == 2
    assert link.backoff(9, 0.0) == 15
    assert link.backoff(9, 1.0) == 30


ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)


@given(ANY_JSON | st.sampled_from(["120", "1e400", "nan", "Wed, 21 Oct 2026 07:28:00 GMT"]), st.integers(0, 30))
def test_no_wait_that_a_relay_asks_for_makes_attempts_follow_fast_or_never(value: object, attempt: int) -> None:
    asked = link.asked_wait(value)
    assert 0 <= asked <= 300
    assert max(asked, link.backoff(attempt, 0.0)) == link.backoff(attempt, 0.0, asked) <= 300


def test_the_wait_that_a_relay_asks_for_holds() -> None:
    assert link.backoff(0, 0.5, link.asked_wait(20)) == link.backoff(0, 0.5, link.asked_wait("20")) == 20


def test_only_a_picture_of_the_right_size_is_handed_to_obs() -> None:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x05\0\0\0\x02\xd0"
    assert link.is_picture(head, 1280, 720)
    assert not link.is_picture(head, 1280, 721)
    assert not link.is_picture(b"<html>", 1280, 720)
    assert not link.is_picture(b"", 1280, 720)


# --- the threads, with the real relay --------------------------------------------------------------------------------


@pytest.fixture
def subscribe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., link.Link]]:
    """Starts links that try again soon; all of them must have ended when the test has."""
    monkeypatch.setattr(link, "backoff", lambda attempt, chance, asked: 0.05)
    made = []

    def start(relay: str, channel: str = "demo", key: str = "k", pictures: bool = False) -> link.Link:
        made.append(link.Link(link.Settings(relay, channel, key, 320, 180), tmp_path if pictures else None))
        return made[-1]

    yield start
    for one in made:
        one.stop()
    assert all(one.join(2.0) for one in made), "a thread did not stop"


async def test_a_label_arrives_as_ordered_moods(relay: app.Relay, subscribe: Callable[..., link.Link]) -> None:
    key = relay.create_channel("demo").display_key
    subscription = subscribe(relay.url, key=key)
    taken: list[link.Message] = []

    def happy() -> bool:
        taken.extend(subscription.take())
        return any(message.kind == "mood" and message.fields["counts"][3] == 1 for message in taken)

    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await wait_until(happy)
    assert subscription.state == "connected"
    assert subscription.sentence == 'Connected to channel "demo".'
    seqs = [message.fields["seq"] for message in taken if message.kind == "mood"]
    assert seqs == sorted(set(seqs))
    for message in taken:
        assert json.loads(message.text)["type"] == message.kind
        protocol.from_relay.decode(message.text)


async def test_a_wrong_key_ends_the_link_with_a_sentence(relay: app.Relay, subscribe: Callable[..., link.Link]) -> None:
    relay.create_channel("demo")
    subscription = subscribe(relay.url, key="wrong")
    await wait_until(lambda: subscription.state == "refused")
    assert "Wrong key" in subscription.sentence
    assert "Copy the display key" in subscription.sentence
    await wait_until(lambda: subscription.join(0))


async def test_an_unknown_channel_ends_the_link_with_a_sentence(
    relay: app.Relay, subscribe: Callable[..., link.Link]
) -> None:
    subscription = subscribe(relay.url, channel="nobody")
    await wait_until(lambda: subscription.state == "refused")
    assert 'no channel "nobody"' in subscription.sentence


async def test_a_relay_that_goes_and_comes_back_is_found_again(
    tmp_path: Path, subscribe: Callable[..., link.Link]
) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(settings, SOON)
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key)
    try:
        await wait_until(lambda: subscription.state == "connected" and subscription.mood)
    finally:
        await relay.stop()
    await wait_until(lambda: subscription.state == "retrying" and "unreachable" in subscription.sentence)
    assert "check the address and that the relay runs" in subscription.sentence
    relay = await app.start(settings, SOON)
    try:
        await wait_until(lambda: subscription.state == "connected")
    finally:
        await relay.stop()


async def test_something_else_at_the_address_is_named(subscribe: Callable[..., link.Link]) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("https://example.org/")

    pages = web.Application()
    pages.router.add_get("/hello/{rest:.*}", hello)
    pages.router.add_get("/moved/{rest:.*}", elsewhere)
    runner = web.AppRunner(pages)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        expected = {"hello": "no Moodcast relay", "moved": "enter the final address", "404": "no Moodcast relay"}
        for path, sentence in expected.items():
            subscription = subscribe(f"http://127.0.0.1:{port}/{path}")
            await wait_until(lambda found=subscription, text=sentence: text in found.sentence)
            assert subscription.state == "retrying"
            subscription.stop()
        subscription = subscribe(f"https://127.0.0.1:{port}")
        await wait_until(lambda: "No https at" in subscription.sentence)
    finally:
        await runner.cleanup()


async def test_pictures_follow_the_mood_in_a_private_folder(
    relay: app.Relay, subscribe: Callable[..., link.Link]
) -> None:
    key = relay.create_channel("demo").display_key
    subscription = subscribe(relay.url, key=key, pictures=True)
    empty = await wait_until(subscription.picture)
    assert link.is_picture(empty.read_bytes(), 320, 180)
    before = empty.read_bytes()
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        await wait_until(lambda: (subscription.picture() or empty).read_bytes() != before)
    assert subscription.picture_problem == ""


@pytest.mark.relay(tick_ms=5000)
async def test_a_test_reaction_floats_and_goes_without_viewers_at_any_tick(
    relay: app.Relay, subscribe: Callable[..., link.Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "REACTION_S", 1.0)
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key, pictures=True)
    plain = (await wait_until(subscription.picture)).read_bytes()
    seen = [plain]

    def news() -> bytes:
        picture = subscription.picture()
        assert picture is not None
        if picture.read_bytes() != seen[-1]:
            seen.append(picture.read_bytes())
        return seen[-1]

    subscription.test()
    await wait_until(lambda: news() != plain)
    await wait_until(lambda: news() == plain)
    assert len(set(seen)) > 2, "it did not move"
    assert subscription.picture_problem == ""


async def test_it_starts_a_countdown_and_says_why_it_can_not(
    relay: app.Relay, subscribe: Callable[..., link.Link]
) -> None:
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key)
    await wait_until(lambda: subscription.state == "connected")
    seen: list[link.Message] = []
    subscription.measure()
    await wait_until(lambda: "was started" in subscription.measuring)

    def arrived() -> bool:
        seen.extend(message for message in subscription.take() if message.kind == "countdown")
        return bool(seen)

    await wait_until(arrived)
    assert seen[0].fields["seconds"] == 5
    subscription.measure()
    await wait_until(lambda: "No countdown. The relay says: Viewers with a long delay" in subscription.measuring)
    await relay.stop()
    subscription.measure()
    await wait_until(lambda: "No countdown. The relay is unreachable" in subscription.measuring)


async def test_what_became_of_a_countdown_is_told_as_long_as_it_may_last(
    relay: app.Relay, subscribe: Callable[..., link.Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = subscribe(relay.url, key=relay.create_channel("demo").display_key)
    assert subscription.measuring == ""
    for _ in range(3):
        subscription.measure()
        await wait_until(lambda: "countdown was started" in subscription.measuring or "No c" in subscription.measuring)
        await wait_until(lambda: all(thread.name != "moodcast-countdown" for thread in threading.enumerate()))
    monkeypatch.setattr(link, "COUNTDOWN_S", 0.0)
    assert subscription.measuring == ""
    gc.collect()
    threads = [one for one in gc.get_objects() if type(one) is threading.Thread]  # isinstance asks lazy modules, too
    assert len([one for one in threads if one.name == "moodcast-countdown"]) <= 1


BYES = [
    *(f'{{"type":"bye","code":4503,"message":"later","retry_after_s":{wait}}}' for wait in ("0", "0.01", "-5", '"x"')),
    '{"type":"bye","code":4503,"message":"later"}',
    '{"type":"status","time":1,"channel":"demo"}',
    "",
]
"""What a broken relay says before it ends the connection."""


def eager_server(event: str, ends: bool) -> tuple[web.Application, list[str]]:
    """A relay that ends each connection after one event, and those for pictures after one picture if it ``ends``."""
    asked: list[str] = []

    async def mood(request: web.Request) -> web.StreamResponse:
        asked.append("events")
        kind = json.loads(event)["type"] if event else "nothing"
        body = f"event: {kind}\ndata: {event}\n\n"
        response = web.Response(text=body, content_type="text/event-stream")
        response.force_close()
        return response

    async def picture(request: web.Request) -> web.StreamResponse:
        asked.append("pictures")
        head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (320).to_bytes(4, "big") + (180).to_bytes(4, "big")
        # One that changes: else none would be wanted.
        response = web.Response(body=head + str(len(asked)).encode(), content_type="image/png")
        if ends:
            response.force_close()
        return response

    pages = web.Application()
    pages.router.add_get("/v1/channels/demo/mood", mood)
    pages.router.add_get("/v1/channels/demo/overlay.png", picture)
    return pages, asked


@pytest.mark.slow
@pytest.mark.parametrize("ends", [True, False])
async def test_a_relay_that_ends_every_connection_is_not_asked_in_a_loop(tmp_path: Path, ends: bool) -> None:
    """All broken relays at once, for five seconds, and at most seven connections with each."""
    links, counts, runners = [], [], []
    for number, event in enumerate(BYES):
        pages, asked = eager_server(event, ends)
        runner = web.AppRunner(pages)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port := free_port())
        await site.start()
        runners.append(runner)
        counts.append(asked)
        folder = tmp_path / str(number)
        folder.mkdir()
        links.append(link.Link(link.Settings(f"http://127.0.0.1:{port}", "demo", "k", 320, 180), folder))
    began = time.monotonic()
    while time.monotonic() - began < 5.0:
        for one in links:
            one.test()  # the streamer wants pictures all the time
        await asyncio.sleep(0.1)
    for one in links:
        one.stop()
    for runner in runners:
        await runner.cleanup()
    for asked in counts:
        assert 2 <= asked.count("events") <= 7
        assert asked.count("pictures") >= 2
        if ends:
            assert len(asked) <= 7
    assert all([await asyncio.to_thread(one.join, 5.0) for one in links])


def test_stopping_at_any_moment_ends_the_threads(subscribe: Callable[..., link.Link]) -> None:
    """Connecting to a closed port, to one that never answers, and at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        subscriptions = [
            subscribe(f"http://127.0.0.1:{p}", pictures=True) for p in (port, free_port()) for _ in range(5)
        ]
        for subscription in subscriptions:
            subscription.stop()
        assert all(subscription.join(5.0) for subscription in subscriptions)


# --- what OBS's Python can read ---------------------------------------------------------------------------------------

FOLDER = Path(link.__file__).parent
SCRIPTS = sorted(FOLDER.glob("moodcast_*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_script_keeps_to_python_3_8_and_its_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {"obspython", "obs_plugin", "moodcast_link"}  # obs_plugin for the type checker alone
    assert {re.split(r"\.", name)[0] for name in imported} <= sys.stdlib_module_names | own
    assert "__future__" in imported, "annotations must not be evaluated: 3.8 knows fewer types"
