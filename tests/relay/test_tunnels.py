"""What programs that make tunnels say, and what is made of it: pure functions on lines and headers."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.common.address import NAME, parse
from relay.common.printable import is_printable
from relay.config import RelaySettings
from relay.core import tunnels
from relay.core.limits import told_address
from relay.core.tunnels import PROGRAMS, SpokenLines, Tunnel, find_host, pause_s

CLOUDFLARED, TAILSCALE = PROGRAMS["cloudflared"], PROGRAMS["tailscale"]


def test_cloudflareds_address_is_the_one_in_its_box() -> None:
    said = [
        "2026-11-27T08:32:54Z INF Thank you for trying Cloudflare Tunnel. (https://www.cloudflare.com/website-terms/)",
        "2026-11-27T08:32:54Z INF Requesting new quick Tunnel on trycloudflare.com...",
        "2026-11-27T08:32:58Z INF +----------------------------------------------------------------------+",
        "2026-11-27T08:32:58Z INF |  Your quick Tunnel has been created! Visit it at (it may take some time) |",
        "2026-11-27T08:32:58Z INF |  https://oklahoma-solo-younger-truck.trycloudflare.com                   |",
        "2026-11-27T08:32:58Z INF +----------------------------------------------------------------------+",
    ]
    assert find_host(CLOUDFLARED, said) == "oklahoma-solo-younger-truck.trycloudflare.com"
    assert find_host(TAILSCALE, said) == ""


def test_tailscales_address_is_a_line_of_its_own() -> None:
    said = ["Available on the internet:", "https://den.tail1234.ts.net/", "|-- proxy http://127.0.0.1:43211"]
    assert find_host(TAILSCALE, said) == "den.tail1234.ts.net"
    asks = [
        "Funnel is not enabled on your tailnet.",
        "To enable, visit:",
        "https://login.tailscale.com/f/funnel?node=n1",
    ]
    assert find_host(TAILSCALE, asks) == ""


NO_ADDRESSES = [
    'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: no such host',
    "| https://api.trycloudflare.com |",
    "| http://calm-red-fox.trycloudflare.com |",
    "| https://calm-red-fox.trycloudflare.com.evil.example |",
    "| https://evil.example/.trycloudflare.com |",
    "| https://evil.example#.trycloudflare.com |",
    "| https://user@calm-red-fox.trycloudflare.com |",
    "| https://calm-red-fox.trycloudflare.com:8443 |",
    "| https://calm-red-fox.trycloudflare.com/path |",
    "| https://-.trycloudflare.com |",
    "| https://.trycloudflare.com |",
    f"| https://{'a' * 64}.trycloudflare.com |",
    "| \x1b[1mhttps://calm-red-fox.trycloudflare.com\x1b[0m |",
    "| https://calm\u202e-xof.trycloudflare.com |",
    "| https://c\u0430lm.trycloudflare.com |",
    "https://den.ts.net.evil.example/",
    "https://den.tail1234.ts.net/path",
    "https://den.tail1234.ts.net:8443/",
    "https://..ts.net/",
    "see https://den.tail1234.ts.net/",
    "http://den.tail1234.ts.net/",
    "\x1b[1mhttps://den.tail1234.ts.net/",
    "https://ts.net/",
]


@pytest.mark.parametrize("line", NO_ADDRESSES)
def test_what_only_looks_like_an_address_is_none(line: str) -> None:
    assert find_host(CLOUDFLARED, [line]) == find_host(TAILSCALE, [line]) == ""


@given(st.lists(st.text() | st.from_regex(CLOUDFLARED.address) | st.from_regex(TAILSCALE.address), max_size=5))
def test_what_is_found_can_stand_in_a_link(lines: list[str]) -> None:
    for program in PROGRAMS.values():
        if host := find_host(program, lines):
            tunnel = Tunnel(program)
            tunnel.host = host
            assert NAME.fullmatch(host)
            assert parse(tunnel.address).relay == tunnel.address


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
@example(b"a\r\nb\n\nc\n", [1, 2, 3])
def test_lines_are_the_same_however_they_come(output: bytes, cuts: list[int]) -> None:
    whole, parts = SpokenLines(), SpokenLines()
    edges = [0, *sorted(min(cut, len(output)) for cut in cuts), len(output)]
    piecewise = [line for a, b in itertools.pairwise(edges) for line in parts.feed(output[a:b])]
    assert list(whole.feed(output)) == piecewise
    assert whole.last == parts.last


def test_endless_lines_cost_little_and_hide_no_address() -> None:
    spoken = SpokenLines()
    for _ in range(1000):
        assert not list(spoken.feed(b"x" * 10_000))
    assert len(spoken._rest) <= 4096
    address = b"https://calm-red-fox.trycloudflare.com"
    assert not list(spoken.feed(address + b"\n")), "the end of a line that was too long is no line"
    assert not list(spoken.feed(b" " * 5000 + address + b"\n"))
    assert list(spoken.feed(address + b"\n")) == [address.decode()]


@given(st.lists(st.binary(max_size=5000), max_size=20))
def test_what_is_quoted_is_short_and_steers_no_terminal(chunks: list[bytes]) -> None:
    spoken = SpokenLines()
    for chunk in chunks:
        list(spoken.feed(chunk))
    assert is_printable(spoken.last)
    assert len(spoken.last) < 20_000


def test_a_tunnel_that_ends_again_and_again_is_started_less_and_less() -> None:
    assert [pause_s(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 1000)] == [2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ([], None),
        ([""], None),
        (["203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7", ""], None),
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7", "192.0.2.1"], "192.0.2.1"),
        (["203.0.113.7, not an address"], None),
        (["203.0.113.7,"], None),
        (["2001:db8::7"], "2001:db8::7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["localhost"], None),
    ],
)
def test_the_last_value_of_the_one_header_is_the_address(values: list[str], address: str | None) -> None:
    assert told_address(values) == address


@given(st.lists(st.text(max_size=40), max_size=4))
def test_nothing_that_stands_before_the_last_value_matters(values: list[str]) -> None:
    assert told_address([*values, "203.0.113.7"]) == "203.0.113.7"


def test_each_program_is_told_of_in_its_docs_and_in_the_options() -> None:
    for name, program in PROGRAMS.items():
        assert name == program.name
        assert RelaySettings(tunnel=name).public
        assert tunnels.DOCS in tunnels.missing(program)
        assert program.install in tunnels.missing(program)
