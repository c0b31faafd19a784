"""Which names are the relay's own, and whose pages: pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.hosts import Authority, authority, is_loopback, is_own_page, parse_hosts, parse_origins, relay_names

NAMES = relay_names("0.0.0.0", "mood.example.org, mylaptop.local")


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("localhost", "localhost", None),
        ("LocalHost:8765", "localhost", 8765),
        ("localhost.:8765", "localhost", 8765),
        ("127.0.0.1:8765", "127.0.0.1", 8765),
        ("127.0.0.1.", "127.0.0.1", None),
        ("[::1]:8765", "::1", 8765),
        ("[0:0:0:0:0:0:0:1]", "::1", None),
        ("[2001:DB8::1]:443", "2001:db8::1", 443),
        ("mood.example.org", "mood.example.org", None),
        ("evil.localhost", "evil.localhost", None),
        ("localhost.evil.example", "localhost.evil.example", None),
        ("127.1", "127.1", None),
        ("0x7f000001", "0x7f000001", None),
    ],
)
def test_hosts_as_clients_write_them(text: str, name: str, port: int | None) -> None:
    assert authority(text) == Authority(name, port)


@pytest.mark.parametrize(
    "text",
    ["", " ", ":", ":8765", "::1", "::1:8765", "[::1", "::1]", "[::1]x", "[::1%25lo]", "[fe80::1%eth0]", "[127.0.0.1]x",
     "user@localhost", "localhost:", "localhost:x", "localhost:123456", "localhost:8765:1", "localhost/", "localhost..",
     ".localhost", "local host", "localhost\t", "localhost, evil", "http://localhost", "l\u00f6calhost", "[]", "[.]",
     "127.0.0.1\uff0e", "localhost:\u0661", "[127.0.0.1]", "[::FFFF:127.0.0.1]", "[::ffff:7f00:1]:8765"],
)  # fmt: skip
def test_what_is_no_host(text: str) -> None:
    assert authority(text) is None


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    authority(text)
    parse_hosts(text)
    is_own_page(text, authority(text), NAMES)
    is_own_page(f"http://{text}", authority("localhost"), NAMES)


@pytest.mark.parametrize(
    ("name", "here"),
    [("localhost", True), ("127.0.0.1", True), ("127.255.255.254", True), ("::1", True), ("0.0.0.0", False),
     ("::", False), ("128.0.0.1", False), ("192.168.1.5", False), ("evil.localhost", False), ("127.1", False),
     ("127.0.0.1.evil.example", False), ("localhost.evil.example", False), ("mood.example.org", False)],
)  # fmt: skip
def test_loopback_names(name: str, here: bool) -> None:
    assert is_loopback(name) == here


@pytest.mark.parametrize(
    ("listens", "hosts", "names"),
    [
        ("0.0.0.0", "", set()),
        ("::", "", set()),
        ("127.0.0.1", "", {"127.0.0.1"}),
        ("192.168.1.5", "", {"192.168.1.5"}),
        ("MyLaptop.local", "", {"mylaptop.local"}),
        ("::1", "a.example, B.example.,[2001:db8::1],2001:db8::2", {"::1", "a.example", "b.example", "2001:db8::1",
                                                                   "2001:db8::2"}),
    ],
)  # fmt: skip
def test_the_relays_names(listens: str, hosts: str, names: set[str]) -> None:
    assert relay_names(listens, hosts) == names


def test_what_is_no_name_is_told() -> None:
    wrong = ["https://a.example", "a.example:443", "*", "*.example", "a b", "user@a.example"]
    assert parse_hosts(",".join([*wrong, "good.example"])) == ({"good.example"}, wrong)


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("https://mood.example.org", "mood.example.org", True),
        ("https://mood.example.org", "mood.example.org:443", True),
        ("http://mood.example.org", "mood.example.org:80", True),
        ("http://MOOD.example.org", "mood.example.org", True),
        ("HTTPS://mood.example.org", "mood.example.org:443", True),
        ("http://mood.example.org.", "mood.example.org", True),
        ("http://mylaptop.local:8765", "mylaptop.local:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://[::1]:8765", "[::1]:8765", True),
        ("http://192.168.1.5:8765", "192.168.1.5:8765", True),  # no DNS can let it lead elsewhere
        ("http://localhost:8765", "127.0.0.1:8765", False),
        ("http://localhost:3000", "localhost:8765", False),
        ("http://evil.example:8765", "evil.example:8765", False),  # DNS rebinding
        ("http://evil.localhost:8765", "evil.localhost:8765", False),
        ("http://evil.example", "mood.example.org", False),
        ("https://mood.example.org:444", "mood.example.org", False),
        ("https://mood.example.org.evil.example", "mood.example.org", False),
        ("https://mood.example.org@evil.example", "mood.example.org", False),
        ("https://evil.example@mood.example.org", "mood.example.org", False),
        ("https://mood.example.org/", "mood.example.org", False),
        ("chrome-extension://mood.example.org", "mood.example.org", False),
        ("null", "mood.example.org", False),
        ("", "", False),
        ("http://", "", False),
        ("http://[", "mood.example.org", False),
        ("http://mood.example.org", "", False),
    ],
)
def test_own_pages(origin: str, host: str, own: bool) -> None:
    assert is_own_page(origin, authority(host), NAMES) == own


def test_a_list_of_origins() -> None:
    found = parse_origins("https://A.example, https://b.example/,HTTPS://C.EXAMPLE:8443/, https://REDFOX")
    assert found == {"https://a.example", "https://b.example", "https://c.example:8443", "https://redfox"}
