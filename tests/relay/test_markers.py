"""Which texts markers and names may have."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.app import Relay
from relay.common.printable import is_printable
from tests.support import Viewer, request

WRITTEN = [
    "👩‍🚀 starts", "👨‍👩‍👧‍👦", "🏳️‍🌈", "❤️‍🔥", "👍🏽", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿 scores", "1️⃣",
    "می‌خواهم", "क्‍ष", "ラスボス　戦", "10 000 viewers", "שלום", "a \U0001fae8 b", "\U0001fc50",
]  # fmt: skip
"""Astronaut, family, rainbow flag, heart on fire, skin, Germany, Scotland, keycap; Persian and Hindi with joiners,
Japanese and French with their own blanks, Hebrew, an emoji that Python 3.10 does not know, and one that nobody does."""
HIDDEN = [
    "a\nb", "a\r", "a\tb", "a\x00", "a\x7f", "a\x9b", "a\u2028b", "a\u2029b", "a\ud800", "\u202egnp.exe", "\u2066a",
    "a\u200b", "a\u2060", "\ufeffa", "a\u200d\u200d", "\u200d", "a \u200d", "a\U000e0041", "\U0001f3f4\U000e0041",
    "a\U000e0041\U000e007f", "a\U000e0001", "\ufffe", "\U0001ffff", "\ue000",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_what_people_write_is_taken(text: str) -> None:
    assert is_printable(text)


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_what_hides_or_breaks_a_line_is_not(text: str) -> None:
    assert not is_printable(text)


@given(st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1), st.text(), st.text())
def test_nothing_around_it_makes_a_control_character_fine(controls: str, before: str, after: str) -> None:
    assert not is_printable(before + controls + after)


@given(st.text())
def test_whatever_python_prints_is_taken_and_the_rest_is_known(text: str) -> None:
    if text.isprintable():
        assert is_printable(text)
    elif is_printable(text):
        others = [character for character in text if not character.isprintable()]
        assert {unicodedata.category(character) for character in others} <= {"Zs", "Cn", "Cf"}


@given(st.lists(st.sampled_from("👩🚀🌈❤👨👧"), min_size=1))
def test_any_chain_of_joined_emoji_is_taken(emoji: list[str]) -> None:
    assert is_printable("\u200d".join(emoji))
    assert is_printable("\ufe0f\u200d".join(emoji))


async def test_a_marker_and_a_name_keep_their_emoji(relay: Relay) -> None:
    keys = relay.create_channel("demo")
    async with await Viewer.connect(relay.url) as viewer:
        await viewer.label("happy")
        status, marker = await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": " 👩‍🚀 lifts off "})
        assert (status, marker["text"]) == (201, "👩‍🚀 lifts off")
        body = {"name": "🏳️‍🌈 night"}
        assert (await request(relay.url, "PATCH", "demo/sessions/current", keys.admin_key, body))[1]["name"] == body[
            "name"
        ]
        status, error = await request(relay.url, "POST", "demo/markers", keys.admin_key, {"text": "a\u202eb"})
        assert (status, error["error"]["name"]) == (400, "bad_message")
