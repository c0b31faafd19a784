"""When a viewer is asked, and when not."""

from hypothesis import given
from hypothesis import strategies as st

from agent import consent
from agent.app.consents import agreed, with_another
from agent.app.settings import Consent
from agent.app.state import Place
from relay.protocol import Welcome

HERE = Place(relay="https://mood.example.org", channel="demo")
words = st.sampled_from(["a", "b"])
GIVEN = st.builds(Consent, relay=words, channel=words, text=words, at_once=st.booleans(), program=words)


@given(st.lists(GIVEN), GIVEN)
def test_a_place_has_one_consent_and_others_keep_theirs(given_before: list[Consent], new: Consent) -> None:
    kept: tuple[Consent, ...] = ()
    for one in given_before:
        kept = with_another(kept, one)
    after = with_another(kept, new)
    places = [(one.relay, one.channel) for one in after]
    assert len(places) == len(set(places))
    assert after[-1] == new
    assert {one for one in kept if (one.relay, one.channel) != (new.relay, new.channel)} == set(after[:-1])


@given(st.lists(GIVEN), words, words, words, words)
def test_nobody_shares_what_they_did_not_agree_to(
    kept: list[Consent], relay: str, channel: str, text: str, program: str
) -> None:
    found = agreed(kept, Place(relay=relay, channel=channel), text, program)
    if found is not None:
        assert (found.relay, found.channel, found.text) == (relay, channel, text)
        assert found.at_once or found.program == program


def test_an_update_asks_anew_but_where_sharing_at_once_was_chosen() -> None:
    mine = Consent(relay=HERE.relay, channel=HERE.channel, text="text", program="1.0")
    assert agreed([mine], HERE, "text", "1.0") == mine
    assert agreed([mine], HERE, "text", "1.1") is None
    at_once = Consent(relay=HERE.relay, channel=HERE.channel, text="text", program="1.0", at_once=True)
    assert agreed([at_once], HERE, "text", "1.1") == at_once
    assert agreed([at_once], HERE, "another", "1.0") is None


def test_each_promise_of_a_relay_is_another_text() -> None:
    promises = [
        Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=least, crowd=crowd)
        for least in (1, 2, 3, 5)
        for crowd in ("networks", "viewers")
    ]
    texts = [consent.digest(promise) for promise in promises]
    # Where one person alone is shown, it does not matter what is counted.
    assert len(set(texts)) == len(texts) - 1
    again = Welcome(channel="other", viewer="w", tick_ms=100, min_viewers=5, crowd="networks")
    assert consent.digest(again) == texts[6]
