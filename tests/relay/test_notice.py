"""What viewers are told before they join: whether cameras are taken, and a text of the streamer's."""

import unicodedata

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import app, protocol
from relay.core.notice import notice_of
from relay.protocol import MOST_NOTICE
from tests.support import Viewer, request


async def ticket_answer(url: str, body: object = {}) -> dict[str, object]:
    async with aiohttp.ClientSession(url) as http, http.post("/v1/channels/demo/tickets", json=body) as response:
        return dict(await response.json())


@given(st.text(max_size=MOST_NOTICE + 20))
def test_what_is_taken_stands_on_one_line_and_steers_nothing(text: str) -> None:
    try:
        notice = notice_of(text)
    except ValueError:
        return
    assert notice == text.strip()
    assert len(notice) <= MOST_NOTICE
    kinds = {unicodedata.category(character) for character in notice}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    "text", [
        "Bitte nur mit 18+. Wir zeigen die Stimmung im Stream!", "看直播時會顯示大家的表情 😀", "",
        "<b>Hi</b> & welcome", "نمی‌خواهم", "🏴󠁧󠁢󠁳󠁣󠁴󠁿 👩‍🚀", "x" * MOST_NOTICE, "😀" * MOST_NOTICE,
    ],
)  # fmt: skip
def test_plain_text_of_any_language_is_taken(text: str) -> None:
    assert notice_of(f"  {text}\n") == text


@pytest.mark.parametrize(
    "text", [
        "a\nb", "a\r\nb", "a\x00b", "a\x1b[31mb", "a\u202eb", "a\u2066b", "a\u2028b", "a\u2029b", "\u200b", "a\ud800",
        "a\x85b", "x" * (MOST_NOTICE + 1), "a" + "\u0301" * 7, "\u3164", "\ufeffa",
    ],
)  # fmt: skip
def test_what_breaks_lines_hides_or_turns_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="A notice"):
        notice_of(text)


@pytest.mark.relay(min_viewers=5)
async def test_who_asks_for_a_ticket_is_told_before_joining(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    told = {name: value for name, value in (await ticket_answer(relay.url)).items() if name not in ("ticket", "role")}
    assert told == {
        "expires_in_s": 60, "min_viewers": 5, "crowd": "networks", "grid": False, "cameras": True, "notice": "",
        "via": "",
    }  # fmt: skip
    change = {"grid": True, "cameras": False, "notice": " No faces <today>. "}
    code, answer = await request(relay.url, "PATCH", "demo", keys.admin_key, change)
    assert (code, answer["cameras"], answer["notice"]) == (200, False, "No faces <today>.")
    told = await ticket_answer(relay.url)
    assert (told["grid"], told["cameras"], told["notice"]) == (True, False, "No faces <today>.")
    async with await Viewer.connect(relay.url, "demo") as viewer:
        assert (viewer.welcome.cameras, viewer.welcome.notice) == (False, "No faces <today>.")
    await request(relay.url, "PATCH", "demo", keys.admin_key, {"notice": ""})
    assert (await ticket_answer(relay.url))["notice"] == ""


async def test_who_lacks_the_join_password_is_told_nothing(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    await request(relay.url, "PATCH", "demo", keys.admin_key, {"notice": "secret party"})
    await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"})
    assert "secret party" not in str(await ticket_answer(relay.url))
    assert (await ticket_answer(relay.url, {"password": "sesame"}))["notice"] == "secret party"


@pytest.mark.parametrize("body", [{"cameras": None}, {"cameras": 0}, {"notice": None}, {"notice": 1}])
async def test_a_body_of_other_types_is_refused(relay: app.Relay, body: object) -> None:
    keys = relay.create_channel("demo")
    assert (await request(relay.url, "PATCH", "demo", keys.admin_key, body))[0] == 400


async def test_a_notice_that_is_refused_says_why_and_changes_nothing(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    body = {"cameras": False, "notice": "two\nlines"}
    code, answer = await request(relay.url, "PATCH", "demo", keys.admin_key, body)
    assert (code, answer["error"]["code"]) == (400, protocol.BAD_MESSAGE.number)
    assert "one paragraph" in answer["error"]["message"]
    assert (await request(relay.url, "GET", "demo", keys.admin_key))[1]["cameras"] is True
