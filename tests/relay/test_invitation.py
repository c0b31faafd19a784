"""Invitations: from values to links and back, and what strangers make of them."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.common import address, invitation
from relay.common.invitation import MAX_PASSWORD, Invitation
from relay.common.printable import is_printable

HOSTS = st.one_of(
    st.ip_addresses(v=4).filter(lambda number: not number.is_unspecified).map(str),
    st.ip_addresses(v=6)
    .filter(lambda number: number.ipv4_mapped is None and not number.is_unspecified)
    .map("[{}]".format),
    st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9](\.[a-z]{2,10}){0,3}", fullmatch=True),
    st.just("xn--md-fkaa.example"),
)
PORTS = st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format))
PREFIXES = st.sampled_from(["", "/mood", "/behind/a/proxy", "/join", "/join/cats", "/a.b~c"])
RELAYS = st.builds("{}{}{}{}".format, st.sampled_from(["http://", "https://"]), HOSTS, PORTS, PREFIXES).map(
    lambda text: address.parse(text).relay
)
CHANNELS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)
PASSWORDS = st.text(max_size=MAX_PASSWORD).filter(is_printable)


@given(RELAYS, CHANNELS, PASSWORDS, st.sampled_from(["", " ", "\n", " \t\r\n"]))
@example("https://mood.example.org", "a", "+ %41&=#?/\u00e9\U0001f469\u200d\U0001f680", " ")
@example("http://[::1]:8765", "join", "\U0001f642" * MAX_PASSWORD, "")
def test_both_links_say_what_the_invitation_does(relay: str, channel: str, password: str, blank: str) -> None:
    invited = Invitation(relay, channel, password)
    for link in (invited.link, invited.app_link):
        assert link.isascii()
        assert invitation.is_meant(blank + link + blank)
        assert invitation.parse(blank + link + blank) == invited
        before, _, _ = link.partition("#")
        assert invitation.parse(before) == Invitation(relay, channel)  # the password stands in the fragment alone
        assert password == "" or "password" not in before


@pytest.mark.parametrize(
    ("pasted", "invited"),
    [
        ("https://mood.example.org/join/Cats", Invitation("https://mood.example.org", "Cats")),
        ("mood.example.org/join/Cats/", Invitation("https://mood.example.org", "Cats")),
        ("192.168.1.5:8765/join/Cats", Invitation("http://192.168.1.5:8765", "Cats")),
        (
            "HTTPS://Mood.Example.org:443/join/Cats#password=a%20b",
            Invitation("https://mood.example.org", "Cats", "a b"),
        ),
        ("https://m\u00f6\u00f6d.example/join/Cats", Invitation("https://xn--md-fkaa.example", "Cats")),
        ("https://m%C3%B6%c3%b6d.example/join/Cats", Invitation("https://xn--md-fkaa.example", "Cats")),
        ("http://[2001:db8::1]:9/join/Cats#password=x", Invitation("http://[2001:db8::1]:9", "Cats", "x")),
        ("https://h.example/a/b/join/Cats", Invitation("https://h.example/a/b", "Cats")),
        ("https://h.example/join/Cats?lang=zh#password=a+b&x=1", Invitation("https://h.example", "Cats", "a+b")),
        ("https://h.example/join/Cats#password=", Invitation("https://h.example", "Cats")),
        ("moodcast://join?relay=https://h.example&channel=Cats", Invitation("https://h.example", "Cats")),
        ("MOODCAST://JOIN/?channel=Cats&relay=http%3A%2F%2Fh.example", Invitation("http://h.example", "Cats")),
        (
            "moodcast://join?relay=https%3A%2F%2Fh.example%2Fa&channel=Cats#password=%E9%87%8C",
            Invitation("https://h.example/a", "Cats", "\u91cc"),
        ),
    ],
)
def test_what_people_paste_is_understood(pasted: str, invited: Invitation) -> None:
    assert invitation.parse(pasted) == invited


@pytest.mark.parametrize(
    ("link", "password"),
    [
        ("https://h.example/join/Cats#key=s3cret", ""),
        ("https://h.example/join/Cats?key=s3cret#password=sesame", "sesame"),
        ("https://h.example/join/Cats?password=s3cret", ""),  # servers and their logs have seen it
        ("moodcast://join?relay=https://h.example&channel=Cats&key=s3cret&admin_key=s3cret", ""),
        ("moodcast://join?relay=https://h.example&channel=Cats&password=s3cret", ""),
        ("moodcast://join?relay=https%3A%2F%2Fh.example%2Foverlay%3Fchannel%3DDogs%23key%3Ds3cret&channel=Cats", ""),
    ],
)
def test_no_key_is_taken_for_the_password_or_kept(link: str, password: str) -> None:
    invited = invitation.parse(link)
    assert invited == Invitation("https://h.example", "Cats", password)
    assert "s3cret" not in invited.link + invited.app_link + repr(invited)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected an invitation"),
        ("https://h.example", "Copy the whole link"),
        ("https://h.example/overlay?channel=Cats#key=s3cret", "Copy the whole link"),
        ("https://h.example/join/#password=s3cret", "with a channel"),
        ("https://h.example/join/big%20cats#password=s3cret", "with a channel"),
        ("https://h.example/join/" + "a" * 65, "with a channel"),
        ("https://ann:s3cret@h.example/join/Cats", "before the @"),
        ("https://h%2eexample/join/Cats#password=s3cret", "can't be one"),
        ("https://h.example%2Fevil.example/join/Cats", "can't be one"),
        ("https://h.example%40evil.example/join/Cats", "can't be one"),
        ("https://%FF.example/join/Cats#password=s3cret", "can't be one"),
        ("https://h.example\uff0fevil.example/join/Cats", "can't be one"),
        ("https://h.example/../join/Cats", "comes after the computer's name"),
        ("https://h.example:0/join/Cats#password=s3cret", "port from 1 to 65535"),
        ("https://h.example/join/Cats#password=%ff", "damaged"),
        ("https://h.example/join/Cats#" + "a=s3cret&" * 40, "damaged"),
        ("https://h.example/join/Cats#password=" + "s3cret" * 30, "at most 128 characters"),
        ("https://h.example/join/Cats#password=s3cret%0A", "on one line"),
        ("https://h.example/join/Cats#password=s3cret%E2%80%AE", "hide or turn"),
        ("https://h.example/join/Cats#password=s3cret\x1b", "without control characters"),
        ("https://h.example/join/Cats\n#password=s3cret", "without control characters"),
        ("https://h.example/" + "a" * 600 + "/join/Cats", "no address of one"),
        ("http://2130706433/join/Cats#password=s3cret", "no address of one"),  # 127.0.0.1, which nobody would see
        ("http://0x7f000001:631/join/Cats", "no address of one"),
        ("http://127.1/join/Cats", "no address of one"),
        ("http://0177.0.0.1/join/Cats", "no address of one"),
        ("http://999.0.0.1./join/Cats", "no address of one"),
        ("http://0.0.0.0:8765/join/Cats", "no address of one"),
        ("http://[::]/join/Cats", "no address of one"),
        ("moodcast://join?relay=http://0x7f.1&channel=Cats#password=s3cret", "no address of one"),
        ("https://h.example/join/Cats#password=" + "s3cret" * 1000, "longer than 4096"),
        ("ftp://h.example/join/Cats#password=s3cret", "begins with ftp://"),
        ("javascript://h.example/join/Cats", "begins with javascript://"),
        ("moodcast://join", "Copy the whole link"),
        ("moodcast://join?", "begin with https"),
        ("moodcast:join?relay=https://h.example&channel=Cats", "Copy the whole link"),
        ("moodcast://run?relay=https://h.example&channel=Cats", "Copy the whole link"),
        ("moodcast://join@evil?relay=https://h.example&channel=Cats#password=s3cret", "Copy the whole link"),
        ("moodcast://join?channel=Cats&relay=h.example", "begin with https"),
        ("moodcast://join?channel=Cats&relay=file:///etc/passwd", "begin with https"),
        ("moodcast://join?channel=Cats&relay=ws://h.example", "begin with https"),
        ("moodcast://join?channel=Cats&relay=moodcast://h.example", "begin with https"),
        ("moodcast://join?channel=Cats&relay=https://ann:s3cret@h.example", "before the @"),
        ("moodcast://join?channel=Cats&relay=https://h.example%00", "without spaces"),
        ("moodcast://join?channel=Cats&relay=https://h.example%20--yes", "without spaces"),
        ("moodcast://join?relay=https://h.example", "with a channel"),
        ("moodcast://join?relay=https://h.example&channel=--yes", "with a channel"),
        ("moodcast://join?relay=https://h.example&channel=Cats%0A", "with a channel"),
    ],
)
def test_what_is_no_invitation_is_a_sentence_that_repeats_no_secret(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        invitation.parse(text)
    assert "s3cret" not in str(caught.value)
    assert is_printable(str(caught.value))


@given(
    st.one_of(
        st.text(),
        st.text(alphabet="a1.:/@#?[]%=&-+\\ htps", max_size=40).map("https://h/join/a".__add__),
        st.text(alphabet=string.printable + "\u202e\u00e9\udc80", max_size=40).map("moodcast://join?relay=".__add__),
        st.text(max_size=40).map("moodcast://join?relay=https://h&channel=a#password=".__add__),
        st.text(max_size=40).map("moodcast://join?relay=https://h.example%".__add__),
    )
)
def test_any_text_is_a_safe_invitation_or_a_sentence(text: str) -> None:
    try:
        invited = invitation.parse(text)
    except ValueError as error:
        sentence = str(error)
        assert is_printable(sentence)
        assert len(sentence) < 400
        return
    assert invited.relay.startswith(("http://", "https://"))
    assert address.parse(invited.relay) == address.RelayAddress(invited.relay)
    assert is_printable(invited.password)
    assert len(invited.link) < 4096
    assert invitation.parse(invited.link) == invitation.parse(invited.app_link) == invited


@given(st.text(alphabet="/join:modcast?# ", max_size=60))
def test_what_is_meant_is_understood_or_told(text: str) -> None:
    if not invitation.is_meant(text):
        with pytest.raises(ValueError, match="expected"):
            invitation.parse(text)


def test_a_long_text_is_told_at_once() -> None:
    for text in ("/join/" * 200_000, "moodcast://join?" + "a=" * 500_000, "h" + " " * 1_000_000 + "/join/a"):
        invitation.is_meant(text)
        with pytest.raises(ValueError, match="expected an invitation"):
            invitation.parse(text)


def test_neither_a_log_nor_a_repr_has_the_password() -> None:
    assert "sesame" not in repr(Invitation("https://h.example", "Cats", "sesame"))
    assert "sesame" not in f"{Invitation('https://h.example', 'Cats', 'sesame')}"
    assert "sesame" not in repr(address.RelayAddress("https://h.example", "Cats", False, "sesame"))
