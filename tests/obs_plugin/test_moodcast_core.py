"""The OBS script's plain functions."""

import http.client
import itertools
import json
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obs_plugin import moodcast_core as core
from relay import protocol

GOOD = core.Settings("http://127.0.0.1:8765", "demo", "key-1", 1280, 720)

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
    parser = core.SseParser()
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
    parser = core.SseParser()
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
    message = core.message_of("mood", protocol.encode(MOOD).decode())
    assert message is not None
    assert protocol.from_relay.decode(message.text) == MOOD


def test_what_a_newer_relay_adds_changes_nothing() -> None:
    """Fields reach the page, which ignores what it does not know; messages are left out (docs/versions.md)."""
    text = protocol.encode(MOOD).decode()
    message = core.message_of("mood", text[:-1] + ',"later":{"a":[1]}}')
    assert message is not None
    assert protocol.from_relay.decode(message.text) == MOOD
    assert core.message_of("forecast", '{"type":"forecast"}') is None


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
    assert core.message_of("mood", data) is None


@given(st.text(), st.text())
def test_arbitrary_text_never_raises(kind: str, data: str) -> None:
    core.message_of(kind, data)
    core.refused_answer(GOOD, 500, data.encode("utf-8", "surrogatepass"))


def test_the_test_reaction_is_one_of_the_contract() -> None:
    message = protocol.from_relay.decode(core.test_reaction(12.0).text)
    assert message == protocol.Reaction(time=12.0, kind="expression", name="happy", strength=0.5, count=1)


# --- what the streamer reads of the audience -------------------------------------------------------------------------

CONDITIONS = json.loads((Path(__file__).parents[1] / "conditions.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CONDITIONS, ids=str)
def test_it_is_said_what_it_takes_as_on_the_pages(case: dict[str, Any]) -> None:
    assert core.condition(case["min_viewers"], case.get("crowd")) == case["text"]


def test_while_hidden_nobody_is_told_how_many_share() -> None:
    hidden: dict[str, Any] = {"visible": False, "viewers": 3, "min_viewers": 5, "crowd": "networks"}
    said = {core.audience({**hidden, "sharing": sharing}) for sharing in range(5)}  # an old relay tells the number
    assert said == {"Viewers connected: 3. Shown once people of five networks share."}
    shown = {**hidden, "visible": True, "viewers": 9, "sharing": 8}
    assert core.audience(shown) == "8 of 9 viewers share their expression."


def test_a_pause_is_not_taken_for_a_crowd_that_is_too_small() -> None:
    mood: dict[str, Any] = {"visible": False, "viewers": 9, "sharing": 0, "min_viewers": 5, "crowd": "networks"}
    assert core.audience({**mood, "paused": True}) == (
        "Viewers connected: 9. Paused by you: nothing is shown or stored."
    )
    for other in (False, None, "<b>yes</b>", 1):
        assert "Shown once" in core.audience({**mood, "paused": other})


def test_a_channel_without_cameras_waits_for_nobody() -> None:
    mood: dict[str, Any] = {"visible": False, "viewers": 9, "sharing": 0, "min_viewers": 5, "crowd": "networks"}
    assert core.audience({**mood, "cameras": False}) == (
        "Viewers connected: 9. They take part with taps alone: you forbid cameras."
    )
    for other in (True, None, "<b>no</b>", 0):
        assert "Shown once" in core.audience({**mood, "cameras": other})


@pytest.mark.parametrize("name", ["viewers", "sharing", "min_viewers"])
@pytest.mark.parametrize("value", ["<b>5</b>", None, [], True, 2.5, -1, 10**30])
@pytest.mark.parametrize("visible", [True, False])
def test_a_mood_with_other_things_than_numbers_is_not_read_out(name: str, value: object, visible: bool) -> None:
    mood: dict[str, Any] = {"visible": visible, "viewers": 3, "sharing": 0, "min_viewers": 5, "crowd": "networks"}
    assert core.audience({**mood, name: value}) == ""


# --- settings and addresses ------------------------------------------------------------------------------------------


def test_settings_are_taken_as_pasted() -> None:
    assert core.Settings.entered(" 127.0.0.1:8765/ ", " demo\n", "\tkey-1 ", 1280, 720) == GOOD
    assert GOOD.problem() == ""


def test_without_a_scheme_no_key_leaves_for_the_internet_unencrypted() -> None:
    for typed in ("localhost:8765", "192.168.1.5:8765", "[::1]:8765"):
        assert core.Settings.entered(typed, "demo", "key-1", 1280, 720).relay == f"http://{typed}"
    for typed in ("mood.example.org", "8.8.8.8:8765", "127.0.0.1.example.org", "[2606:4700::1]"):
        assert core.Settings.entered(typed, "demo", "key-1", 1280, 720).relay == f"https://{typed}"


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
        ({"key": ""}, "The channel's display key is missing: paste the overlay's whole address"),
        ({"key": "two words"}, "copy it once more"),
        ({"key": "clé"}, "copy it once more"),
    ],
)
def test_wrong_settings_are_said_in_a_sentence(change: dict[str, str], expected: str) -> None:
    assert expected in GOOD._replace(**change).problem()


def test_the_key_of_a_pasted_overlay_address_is_not_repeated() -> None:
    problem = core.Settings.entered(
        "http://127.0.0.1:8765/overlay?channel=demo#key=s3cret", "demo", "k", 1, 1
    ).problem()
    assert "http://127.0.0.1:8765" in problem
    assert "s3cret" not in problem


@given(st.text(), st.text(), st.text())
def test_checking_settings_never_raises(relay: str, channel: str, key: str) -> None:
    core.Settings.entered(relay, channel, key, 1280, 720).problem()


@given(st.from_regex(core.RELAY, fullmatch=True))
def test_an_accepted_address_can_be_taken_apart(relay: str) -> None:
    settings = GOOD._replace(relay=relay)
    if not settings.problem():
        parts = urllib.parse.urlsplit(core.overlay_url(settings))
        assert parts.hostname
        assert parts.port is None or 0 < parts.port < 65536
        assert parts.path.endswith("/overlay")


@pytest.mark.parametrize("relay", ["http://[::1]:8765", "https://relay.example.org", "HTTPS://example.org/mood-cast"])
def test_usual_addresses_are_fine(relay: str) -> None:
    assert GOOD._replace(relay=relay).problem() == ""


def test_the_key_is_only_ever_in_the_fragment() -> None:
    assert core.overlay_url(GOOD) == "http://127.0.0.1:8765/overlay?channel=demo&source=obs"
    assert core.overlay_url(GOOD, with_key=True) == "http://127.0.0.1:8765/overlay?channel=demo#key=key-1"


def test_page_options_that_the_streamer_added_are_kept() -> None:
    own = "http://old:1/overlay?channel=old&source=obs&position=top&title=Hello%20you#key=old"
    assert core.overlay_url(GOOD, own) == (
        "http://127.0.0.1:8765/overlay?channel=demo&source=obs&position=top&title=Hello+you"
    )
    assert core.overlay_url(GOOD, "https://obsproject.com/browser-source?x=1") == core.overlay_url(GOOD)


@given(st.text())
def test_the_overlay_address_is_stable(current: str) -> None:
    """Else OBS would reload the page every second."""
    once = core.overlay_url(GOOD, current)
    assert core.overlay_url(GOOD, once) == once


STATES = st.lists(st.sampled_from(["connecting", "retrying", "refused", "connected"]))


@given(STATES, STATES)
def test_a_page_is_loaded_again_at_its_first_connection_if_any_attempt_before_failed(
    one: list[str], other: list[str]
) -> None:
    doubt = core.PageDoubt()
    for address, states in (("one", one), ("other", other)):
        first = states.index("connected") if "connected" in states else len(states)
        wanted = [place == first and "retrying" in states[:first] for place in range(len(states))]
        assert [doubt.settle(address, state) for state in states] == wanted


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_an_overlay_is_back_within_three_seconds_of_its_relay(attempt: int, chance: float) -> None:
    assert 0.25 <= core.backoff(attempt, chance) <= core.backoff(attempt + 1, chance) <= 2.5


def test_waits_grow_and_are_spread() -> None:
    assert [core.backoff(attempt, 1.0) for attempt in range(5)] == [0.5, 1, 2, 2, 2]
    assert [core.backoff(attempt, 0.0) for attempt in range(5)] == [0.25, 0.5, 1, 1, 1]


ANY_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)


@given(ANY_JSON | st.sampled_from(["120", "1e400", "nan", "Wed, 21 Oct 2026 07:28:00 GMT"]), st.integers(0, 30))
def test_no_wait_that_a_relay_asks_for_makes_attempts_follow_fast_or_never(value: object, attempt: int) -> None:
    asked = core.asked_wait(value)
    assert 0 <= asked <= 60
    assert max(asked, core.backoff(attempt, 0.0)) == core.backoff(attempt, 0.0, asked) <= 60


def test_the_wait_that_a_relay_asks_for_holds() -> None:
    assert core.backoff(0, 0.5, core.asked_wait(20)) == core.backoff(0, 0.5, core.asked_wait("20")) == 20


def test_only_a_picture_of_the_right_size_is_handed_to_obs() -> None:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x05\0\0\0\x02\xd0"
    assert core.is_picture(head, 1280, 720)
    assert not core.is_picture(head, 1280, 721)
    assert not core.is_picture(b"<html>", 1280, 720)
    assert not core.is_picture(b"", 1280, 720)


@given(st.text())
def test_whatever_a_server_says_is_one_plain_line(text: str) -> None:
    line = core.plain(text)
    assert len(line) <= core.LONGEST_LINE
    assert line.isprintable()
    assert not set(line) & set("<>\0\n")
    assert core.plain(line) == line


def test_a_line_keeps_what_can_be_read() -> None:
    assert core.plain("Verbindung verweigert: größer 好\n\0<b>now</b>") == "Verbindung verweigert: größer 好 bnow/b"
    assert core.plain("a" * 1000) == "a" * 297 + "..."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (http.client.BadStatusLine("\x15\x03\x03\x00\x02\x02P"), "expects https: try https://mood.example:8765."),
        (http.client.RemoteDisconnected("closed"), "If it expects https, try https://mood.example:8765."),
        (http.client.BadStatusLine("SSH-2.0-OpenSSH_9\0"), "is no Moodcast relay"),
        (http.client.LineTooLong("header line"), "is no Moodcast relay"),
        (http.client.IncompleteRead(b""), "The connection to the relay broke."),
        (ConnectionRefusedError(111, "Connection refused"), "(Connection refused): check the address"),
        (TimeoutError("timed out"), "(no answer in time): check the address"),
        (OSError(), "is unreachable at http://mood.example:8765: check"),
    ],
)
def test_no_python_in_what_the_streamer_reads(error: Exception, expected: str) -> None:
    sentence = core.trouble(core.Settings("http://mood.example:8765", "demo", "k", 1280, 720), error)
    assert expected in sentence
    assert core.plain(sentence) == sentence
    assert type(error).__name__ not in sentence


def test_a_tls_port_that_answers_in_plain_words() -> None:
    settings = core.Settings("http://mood.example", "demo", "k", 1280, 720)
    body = b"<html><center>The plain HTTP request was sent to HTTPS port</center></html>"
    assert str(core.refused_answer(settings, 400, body)) == (
        "http://mood.example expects https: try https://mood.example."
    )
