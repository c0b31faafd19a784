"""When a viewer is asked, and when not."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent import consent
from agent.app.consents import agreed, with_another
from agent.app.settings import Remembered
from agent.app.state import Place, Promise
from relay.protocol import Welcome


def promise(relay: str = "https://mood.example.org", channel: str = "demo", least: int = 5) -> Promise:
    welcome = Welcome(channel=channel, viewer="v", tick_ms=250, min_viewers=least, crowd="networks")
    return Promise(place=Place(relay=relay, channel=channel), welcome=welcome, agreed=False)


PROMISES = st.builds(
    promise, st.sampled_from(["https://a", "https://b"]), st.sampled_from(["a", "b"]), st.integers(1, 3)
)
ASKED = st.tuples(PROMISES, st.booleans(), st.booleans(), st.sampled_from(["1.0", "1.1"]))
"""What was promised, whether teaching was in it, and to share at once, and which program asked."""


def after(asked: list[tuple[Promise, bool, bool, str]]) -> Remembered:
    kept = Remembered()
    for told, teaching, at_once, program in asked:
        now = msgspec.structs.replace(kept, personal=teaching)
        kept = msgspec.structs.replace(now, consents=with_another(now, told, at_once, program))
    return kept


@given(st.lists(ASKED), ASKED)
def test_a_place_has_one_consent_and_others_keep_theirs(
    before: list[tuple[Promise, bool, bool, str]], last: tuple[Promise, bool, bool, str]
) -> None:
    kept, now = after(before).consents, after([*before, last]).consents
    places = [(one.relay, one.channel) for one in now]
    assert len(places) == len(set(places))
    here = last[0].place.relay, last[0].place.channel
    assert places[-1] == here
    assert {one for one in kept if (one.relay, one.channel) != here} == set(now[:-1])


@given(st.lists(ASKED), PROMISES, st.booleans(), st.sampled_from(["1.0", "1.1"]))
def test_nobody_shares_what_they_did_not_agree_to(
    asked: list[tuple[Promise, bool, bool, str]], told: Promise, personal: bool, program: str
) -> None:
    found = agreed(msgspec.structs.replace(after(asked), personal=personal), told, program)
    if found is not None:
        ones = [one for one in asked if one[0] == told]
        assert ones
        assert found.at_once or found.program == program
        assert not personal or any(teaching for _, teaching, _, _ in ones)


def test_an_update_asks_anew_but_where_sharing_at_once_was_chosen() -> None:
    careful, at_once = after([(promise(), False, False, "1.0")]), after([(promise(), False, True, "1.0")])
    assert agreed(careful, promise(), "1.0") == careful.consents[0]
    assert agreed(careful, promise(), "1.1") is None
    assert agreed(at_once, promise(), "1.1") == at_once.consents[0]
    assert agreed(at_once, promise(least=1), "1.0") is None


def test_who_turns_teaching_on_is_asked_anew_and_nobody_else() -> None:
    plain = after([(promise(), False, True, "1.0")])
    assert agreed(plain, promise(), "1.0")
    assert agreed(msgspec.structs.replace(plain, personal=True), promise(), "1.0") is None
    taught = after([(promise(), True, True, "1.0")])
    assert agreed(taught, promise(), "1.0")
    assert agreed(msgspec.structs.replace(taught, personal=False), promise(), "1.0")  # that is less than agreed to
    assert agreed(msgspec.structs.replace(taught, personal_only_me=True), promise(), "1.0") is None
    assert agreed(msgspec.structs.replace(taught, personal=False, personal_only_me=True), promise(), "1.0")


def test_each_promise_of_a_relay_is_another_text() -> None:
    promises = [
        Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=least, crowd=crowd)
        for least in (1, 2, 3, 5)
        for crowd in ("networks", "viewers")
    ]
    texts = [consent.digest(one) for one in promises]
    # Where one person alone is shown, it does not matter what is counted.
    assert len(set(texts)) == len(texts) - 1
    again = Welcome(channel="other", viewer="w", tick_ms=100, min_viewers=5, crowd="networks")
    assert consent.digest(again) == texts[6]
    assert consent.digest(again, teaching=True) not in texts
    assert consent.digest(again, teaching=True, only_me=True) not in (*texts, consent.digest(again, teaching=True))
    assert consent.digest(again, only_me=True) in texts


def test_the_text_without_teaching_is_the_one_that_viewers_have_agreed_to() -> None:
    """Whoever agreed before there was teaching is not asked again."""
    welcome = Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=5, crowd="networks")
    assert consent.digest(welcome) == "e24dbde8a38ea291b23420f6e5e127908d818d8a88ad3961907b6819b80c5b0b"
