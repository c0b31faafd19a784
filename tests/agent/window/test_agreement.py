"""What the window asks a viewer to agree to: the facts of the text remembered as agreed to, in every language."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import consent
from agent.app.settings import Remembered
from agent.app.state import Place, Promise
from agent.window.agreement import paragraphs
from agent.window.texts import window_texts
from relay.common.texts import LANGUAGES, Language
from relay.protocol import Welcome

PLACE = Place(relay="https://mood.example.org", channel="filmnight")
WELCOMES = st.builds(
    Welcome,
    channel=st.just("filmnight"),
    viewer=st.just("v"),
    tick_ms=st.just(500),
    min_viewers=st.integers(1, 30),
    crowd=st.sampled_from(["networks", "viewers"]),
    via=st.sampled_from(["", "Cloudflare"]),
)


def asked(language: Language, welcome: Welcome, remembered: Remembered | None = None, unencrypted: bool = False) -> str:
    promise = Promise(place=PLACE, welcome=welcome, agreed=False)
    texts = window_texts(language)
    return "\n".join(one.text for one in paragraphs(texts, promise, remembered or Remembered(), unencrypted))


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).lower()


@given(WELCOMES)
def test_the_english_question_says_all_that_is_remembered_as_agreed_to(welcome: Welcome) -> None:
    english = flat(asked("en", welcome))
    agreed = consent.what_leaves(PLACE.relay, PLACE.channel) + consent.who_sees_it(welcome)
    agreed = re.sub(r"What leaves it: |What never leaves it: |Who sees it: ", "", agreed)
    for sentence in re.split(r"(?<=[a-z]\.)\s+(?=[A-Zwp])", agreed):
        assert flat(sentence).strip() in english


def test_who_teaches_it_their_face_agrees_to_what_is_kept_of_it_too() -> None:
    welcome = Welcome(channel="filmnight", viewer="v", tick_ms=500, min_viewers=5)
    english = flat(asked("en", welcome, Remembered(personal=True)))
    for sentence in re.findall(r"[^.]+\.", consent.TEACHING):
        assert flat(sentence).strip() in english
        assert flat(sentence).strip() not in flat(asked("en", welcome))
    only_me = flat(asked("en", welcome, Remembered(personal=True, personal_only_me=True)))
    for sentence in re.findall(r"[^.]+\.", consent.ONLY_ME):
        assert flat(sentence).strip() in only_me
        assert flat(sentence).strip() not in english


@given(WELCOMES, st.sampled_from(LANGUAGES[1:]))
def test_the_question_says_the_same_numbers_in_other_languages(welcome: Welcome, language: Language) -> None:
    question = asked(language, welcome)
    assert PLACE.relay in question
    assert PLACE.channel in question
    numbers = {int(number) for number in re.findall(r"\d+", question)}
    least = welcome.min_viewers
    expected = set() if least == 1 else {least} if welcome.crowd == "networks" else {least, least - 1}
    assert numbers == expected


@given(WELCOMES, WELCOMES)
def test_what_is_remembered_as_another_text_reads_otherwise(one: Welcome, other: Welcome) -> None:
    if consent.digest(one) != consent.digest(other):
        for language in LANGUAGES:
            assert asked(language, one) != asked(language, other)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_else_is_sent_is_said(language: Language) -> None:
    welcome = Welcome(channel="filmnight", viewer="v", tick_ms=500, min_viewers=5, crowd="networks")
    plain = asked(language, welcome)
    assert "Kim" in asked(language, welcome, Remembered(name="Kim"))
    assert "2.5" in asked(language, welcome, Remembered(delay=2.5))
    both = asked(language, welcome, Remembered(name="Kim", delay=2.5))
    assert "Kim" in both
    assert "2.5" in both
    assert "http:" in asked(language, welcome, unencrypted=True)
    assert "http:" not in plain
    assert "film.mp4" in asked(language, welcome, Remembered(camera="film.mp4"))
    assert len({asked(language, welcome, Remembered(camera=camera)) for camera in ("webcam:1", "screen", "a.png")}) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_streamers_words_stand_last_and_as_theirs(language: Language) -> None:
    texts = window_texts(language)
    for cameras in (True, False):
        welcome = Welcome(
            channel="filmnight", viewer="v", tick_ms=500, min_viewers=5, cameras=cameras, notice="Join!\x1b[2J\u202e<b>"
        )
        promise = Promise(place=PLACE, welcome=welcome, agreed=False)
        last = paragraphs(texts, promise, Remembered(), False)[-1]
        assert last.heading == texts("consent.notice")
        assert last.text == "\u201cJoin!\\x1b[2J\\u202e<b>\u201d"
    bare = Welcome(channel="filmnight", viewer="v", tick_ms=500, min_viewers=5)
    assert texts("consent.notice") not in asked(language, bare)


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_no_cameras_are_taken_none_is_spoken_of_as_going_on(language: Language) -> None:
    texts = window_texts(language)
    welcome = Welcome(channel="filmnight", viewer="v", tick_ms=500, min_viewers=5, cameras=False)
    question = asked(language, welcome, Remembered(name="Kim"))
    assert texts("consent.barred") in question
    assert texts("consent.operator") in question
    assert texts("consent.camera") not in question
    assert texts.number(5) in question
    networks = msgspec.structs.replace(welcome, crowd="networks")
    assert asked(language, networks) != asked(language, welcome)
    assert PLACE.relay in question
    assert "Kim" in question
