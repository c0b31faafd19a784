"""Addresses of relays, as viewers type and paste them."""

import argparse
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from agent import address
from agent.config import AgentSettings
from relay import settings
from relay.common.address import RelayAddress
from relay.common.printable import is_printable
from relay.errors import SettingsError


@pytest.mark.parametrize(
    ("typed", "relay"),
    [
        ("127.0.0.1:9200", "http://127.0.0.1:9200"),
        ("[::1]:9200", "http://[::1]:9200"),
        ("::1", "http://[::1]"),
        ("localhost:9200", "http://localhost:9200"),
        ("LOCALHOST", "http://localhost"),
        ("192.168.1.5:8765", "http://192.168.1.5:8765"),
        ("10.0.0.1", "http://10.0.0.1"),
        ("[fd00::5]:80", "http://[fd00::5]"),
        ("[::ffff:192.168.1.5]:1", "http://192.168.1.5:1"),
        ("mood.example.org", "https://mood.example.org"),
        ("mood.example.org:8765", "https://mood.example.org:8765"),
        ("172.32.0.1", "https://172.32.0.1"),
        ("[2001:db8::1]", "https://[2001:db8::1]"),
        ("127.0.0.1.example.org", "https://127.0.0.1.example.org"),
        ("localhost.example.org", "https://localhost.example.org"),
        ("2130706433", "https://2130706433"),  # a way to write 127.0.0.1, which nobody needs
        ("  https://Mood.Example.org/  ", "https://mood.example.org"),
        ("HTTP://mood.example.org//", "http://mood.example.org"),
        ("ws://mood.example.org", "http://mood.example.org"),
        ("wss://mood.example.org:9443/v1/channels/a/viewer", "https://mood.example.org:9443"),
        ("https://m\u00f6\u00f6d.example", "https://xn--md-fkaa.example"),
        ("https://mood.example.org/behind/proxy/", "https://mood.example.org/behind/proxy"),
        ("https://mood.example.org/behind/dashboard", "https://mood.example.org/behind"),
    ],
)
def test_what_viewers_type_is_understood(typed: str, relay: str) -> None:
    assert address.parse(typed) == RelayAddress(relay)
    assert address.parse(relay) == RelayAddress(relay)


@pytest.mark.parametrize(
    ("pasted", "understood"),
    [
        ("https://h.example/overlay?channel=Cats#key=KEY", RelayAddress("https://h.example", "Cats", True)),
        ("h.example/dashboard?channel=Cats#key=KEY", RelayAddress("https://h.example", "Cats", True)),
        ("127.0.0.1:8765/overlay?bar=1&channel=Cats", RelayAddress("http://127.0.0.1:8765", "Cats")),
        ("https://h.example/overlay?key=KEY", RelayAddress("https://h.example", "", True)),
        ("https://h.example/try?next=http://127.0.0.1", RelayAddress("https://h.example")),
        ("https://h.example/join/Cats", RelayAddress("https://h.example", "Cats")),
        (" h.example/a/join/Cats#password=x%20y ", RelayAddress("https://h.example/a", "Cats", False, "x y")),
        ("moodcast://join?relay=http://[::1]:1&channel=Cats", RelayAddress("http://[::1]:1", "Cats")),
        ("https://h.example/join/Cats#key=KEY&password=x", RelayAddress("https://h.example", "Cats", True, "x")),
    ],
)
def test_a_pasted_link_is_understood_and_its_key_is_dropped(pasted: str, understood: RelayAddress) -> None:
    assert address.parse(pasted) == understood


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "name of its computer is missing"),
        ("https://", "name of its computer is missing"),
        ("/overlay", "name of its computer is missing"),
        ("a..b", "can't be one"),
        ("-a", "can't be one"),
        ("a" * 64 + ".example", "can't be one"),
        ("[::1", "can't be one"),
        ("mood%2eexample", "can't be one"),
        ("ftp://mood.example.org", "begins with ftp://"),
        ("javascript://mood.example.org", "begins with javascript://"),
        ("mood.example.org:0", "port from 1 to 65535"),
        ("mood.example.org:65536", "port from 1 to 65535"),
        ("mood.example.org:", "port from 1 to 65535"),
        ("mood.example.org:\u0663", "port from 1 to 65535"),
        ("http:/mood.example.org", "port from 1 to 65535"),
        ("https://ann:secret@mood.example.org", "before the @"),
        ("https://127.0.0.1:80@mood.example.org", "before the @"),
        ("mood.example.org\u202e", "without spaces"),
        ("mood.example.org --channel", "without spaces"),
        ("mood.example.org\\a", "without spaces"),
        ("https://mood.example.org/../a", "comes after the computer's name"),
        ("https://mood.example.org/<script>", "without spaces"),
    ],
)
def test_what_can_not_be_understood_is_a_sentence_that_repeats_no_secret(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        address.parse(typed)
    assert "secret" not in str(caught.value)


HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).filter(lambda number: number.ipv4_mapped is None).map("[{}]".format),
    st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9](\.[a-z]{2,10}){0,3}", fullmatch=True),
)
PORTS = st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format))


@given(st.sampled_from(["", "http://", "https://", "WSS://"]), HOSTS, PORTS, st.sampled_from(["", "/", "/overlay"]))
def test_host_and_port_come_out_as_they_went_in(scheme: str, host: str, port: str, path: str) -> None:
    relay = URL(address.parse(scheme + host + port + path).relay)
    expected = URL(f"{relay.scheme}://{host}{port}")
    assert (relay.host, relay.port, relay.path) == (expected.host, expected.port, "/")
    if not scheme and relay.scheme == "http" and host != "localhost":
        assert ipaddress.ip_address(host.strip("[]")).is_private


@given(st.one_of(st.text(), st.text(alphabet="a1.:/@#?[]%=&-\\ htps", max_size=30)))
def test_any_text_is_an_address_without_secrets_or_a_sentence(text: str) -> None:
    try:
        found = address.parse(text)
    except ValueError as error:
        sentence = str(error)
        assert is_printable(sentence)
        return
    url = URL(found.relay)
    assert url.scheme in ("http", "https")
    assert url.host
    assert (url.user, url.password, url.query_string, url.fragment) == (None, None, "", "")
    assert found.relay.isascii()
    assert address.parse(found.relay).relay == found.relay


def loaded(notes: list[str], **options: str) -> AgentSettings:
    return settings.load(AgentSettings, argparse.Namespace(**options), {}, notes.append)


def test_the_link_tells_the_channel_unless_it_was_given() -> None:
    notes: list[str] = []
    link = "https://h.example/overlay?channel=Cats#key=s3cret"
    found = loaded(notes, relay=link)
    assert (found.relay, found.channel) == ("https://h.example", "Cats")
    assert len(notes) == 1
    assert "don't pass the link on" in notes[0]
    assert "s3cret" not in notes[0]
    assert loaded(notes, relay=link, channel="Dogs").channel == "Dogs"
    assert loaded(notes, relay="h.example", channel="Dogs").relay == "https://h.example"
    assert len(notes) == 2


def test_what_is_wrong_in_a_link_is_told_without_its_key() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded([], relay="ftp://h.example/overlay?channel=Cats#key=s3cret", fps="99")
    for part in ("--relay: expected an address such as", "--fps"):
        assert part in str(caught.value)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SettingsError, match=r"--relay: .*'big cats'\. Channel to join"):
        loaded([], relay="h.example/overlay?channel=big+cats#key=s3cret")


@pytest.mark.parametrize("name", ["a\nb", "\u202egpj", "a\x1b[2J", "\u2066a", "a\u200b", "\udc80"])
def test_a_name_that_hides_or_breaks_lines_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^--name: expected .* got ") as caught:
        loaded([], channel="demo", name=name)
    assert is_printable(str(caught.value))
    assert loaded([], channel="demo", name="Zo\u00eb \U0001f469\u200d\U0001f680").name


@pytest.mark.parametrize(
    "link",
    [
        "https://h.example/join/Cats#password=s3cret",
        "moodcast://join?relay=https%3A%2F%2Fh.example&channel=Cats#password=s3cret",
    ],
)
def test_an_invitation_tells_relay_channel_and_password_unless_they_were_given(link: str) -> None:
    notes: list[str] = []
    found = loaded(notes, relay=link)
    assert (found.relay, found.channel, found.password) == ("https://h.example", "Cats", "s3cret")
    other = loaded(notes, relay=link, channel="Dogs", password="other")
    assert (other.relay, other.channel, other.password) == ("https://h.example", "Dogs", "other")
    assert notes == []
    assert loaded(notes, relay=link + "&key=k3y").password == "s3cret"
    assert "don't pass the link on" in notes.pop()


def test_what_is_wrong_in_an_invitation_is_told_without_its_password() -> None:
    for link in ("https://h.example/join/big%20cats#password=s3cret", "moodcast://join?channel=a#password=s3cret"):
        with pytest.raises(SettingsError, match="--relay: expected") as caught:
            loaded([], relay=link)
        assert "s3cret" not in str(caught.value)
