"""Who the relay takes for whom: requests as they come, and what its settings say about them."""

import logging
from typing import Any

import pytest
from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.config import RelaySettings
from relay.http.admission import FORWARDING, FORWARDING_PREFIXES, Gate, Pages
from relay.http.requests import HTTPError

HERE = ("127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1")
HOSTS = ("localhost", "LOCALHOST.:8765", "127.0.0.1:8765", "[::1]:8765")


class Transport:
    """What aiohttp asks of a connection."""

    def __init__(self, peer: str | None) -> None:
        self.peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self.peer, 5000) if name == "peername" and self.peer else None


def gate(**options: Any) -> Gate:
    return Gate(RelaySettings(**options), b"k" * 32, b"n" * 32)


def asked(
    *headers: tuple[str, str], peer: str | None = "127.0.0.1", path: str = "/", host: str = "", old: bool = False
) -> Any:
    """A request as aiohttp hands it on."""
    lines = ([("Host", host)] if host else []) + list(headers)
    return make_mocked_request(
        "GET",
        path,
        headers=CIMultiDict(lines),
        version=HttpVersion10 if old else HttpVersion11,
        transport=Transport(peer),
    )


@pytest.mark.parametrize("peer", HERE)
@pytest.mark.parametrize("host", HOSTS)
def test_the_owner_is_who_asks_on_this_machine_by_a_name_that_means_it(peer: str, host: str) -> None:
    for listens in ("127.0.0.1", "0.0.0.0", "192.168.1.5"):
        assert gate(host=listens).is_local(asked(peer=peer, host=host))


@pytest.mark.parametrize("peer", HERE)
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "options",
    [{"proxies": 1}, {"hosts": "mood.example.org"}, {"hosts": "localhost"}, {"proxies": 2, "hosts": "a.example"}],
)
def test_where_others_come_from_this_machine_too_nobody_is_the_owner(
    peer: str, host: str, options: dict[str, Any]
) -> None:
    assert not gate(**options).is_local(asked(peer=peer, host=host))
    assert gate(**options).house(asked(peer=peer, host=host)) == "loopback"
    assert gate(**options).network(asked(peer=peer, host=host)) == "loopback"


STRANGERS = {
    "by a name that somebody lets lead here": {"host": "evil.example:8765"},
    "by one that only looks like it": {"host": "localhost.evil.example"},
    "by a name below localhost": {"host": "evil.localhost"},
    "by the address of every machine": {"host": "0.0.0.0:8765"},
    "by an address of the network": {"host": "192.168.1.5:8765"},
    "by an address of IPv4 in IPv6, where browsers send no Sec-Fetch-Site": {"host": "[::ffff:127.0.0.1]:8765"},
    "with a user's name": {"host": "evil@localhost"},
    "by no name": {"host": ""},
    "in HTTP/1.0": {"host": "localhost", "old": True},
    "with another target": {"host": "localhost", "path": "http://evil.example/"},
    "with the same target twice": {"host": "localhost", "path": "http://localhost/"},
    "from another machine": {"host": "localhost", "peer": "192.168.1.6"},
    "from nowhere": {"host": "localhost", "peer": None},
}


@pytest.mark.parametrize("how", STRANGERS.values(), ids=list(STRANGERS))
def test_strangers_are_not_the_owner_and_have_one_limited_house(how: dict[str, Any]) -> None:
    request = asked(**how)
    assert not gate().is_local(request)
    groups = {"192.168.1.6": "192.168.1.6", None: "unknown"}
    assert gate().house(request) == gate().network(request) == groups.get(how.get("peer", ""), "loopback")


def test_two_hosts_are_none() -> None:
    for second in ("localhost", "evil.example"):
        assert not gate().is_local(asked(("Host", second), host="localhost"))


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via", "CF-Connecting-IP",
     "Cf-Ray", "True-Client-IP", "X-Client-IP", "Tailscale-User-Login", "X-Azure-ClientIP", "CDN-Loop",
     *sorted(FORWARDING), *(f"{prefix}anything" for prefix in FORWARDING_PREFIXES)],
)  # fmt: skip
@pytest.mark.parametrize("value", ["192.0.2.1", "127.0.0.1", "localhost", ""])
def test_a_header_of_any_proxy_or_tunnel_makes_nobody_the_owner(header: str, value: str) -> None:
    request = asked((header, value), host="localhost:8765")
    assert not gate().is_local(request)
    assert gate().house(request) == gate().network(request) == "loopback"


@given(st.lists(st.tuples(st.sampled_from(["Host", "X-Forwarded-For", "Via", "Origin"]), st.text()), max_size=4))
def test_no_header_makes_a_stranger_the_owner(headers: list[tuple[str, str]]) -> None:
    for options in ({}, {"proxies": 1}, {"hosts": "a.example"}):
        request = asked(*headers, peer="192.0.2.7")
        found = gate(**options)
        assert not found.is_local(request)
        assert found.house(request) is not None
        assert found.network(request) is not None


NAMES = st.sampled_from(["localhost", "127.0.0.1", "evil.example", "localhost.evil.example", "[::1]", "192.168.1.5"])
PLACES = st.builds("{}{}".format, NAMES, st.sampled_from(["", ":80", ":8765", ":3000"])) | st.text(max_size=20)
SITES = st.none() | st.sampled_from(["same-origin", "same-site", "cross-site", "none"]) | st.text(max_size=10)


@given(PLACES, st.none() | PLACES, SITES, st.sampled_from(["own", "listed"]), st.booleans())
def test_no_page_but_its_own_gets_work_done_by_a_relay_on_loopback(
    host: str, page: str | None, site: str | None, pages: Pages, named: bool
) -> None:
    headers = [("Origin", f"http://{page}")] if page is not None else []
    headers += [("Sec-Fetch-Site", site)] if site is not None else []
    found = gate(hosts="mood.example.org") if named else gate()
    try:
        found.check_site(asked(*headers, host=host), pages)
    except HTTPError:
        return
    loopback = ("localhost", "127.0.0.1", "[::1]")
    assert host.split(":8")[0].split(":3")[0] in loopback
    assert page is None or page.removesuffix(":80") == host.removesuffix(":80")
    assert site in (None, "same-origin")


def test_a_house_for_each_connection_only_where_no_other_machine_can_connect() -> None:
    request = asked(host="localhost:8765")
    assert gate().house(request) is None
    assert gate().network(request) is None
    for options in ({"host": "0.0.0.0"}, {"host": "192.168.1.5"}, {"proxies": 1}, {"hosts": "mood.example.org"}):
        assert gate(**options).house(request) == gate(**options).network(request) == "loopback"


def test_behind_a_proxy_the_header_tells_the_house_and_the_network() -> None:
    behind = gate(proxies=1)
    for text, house, network in [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1, [2001:db8:1:2::3]:4711", "2001:db8:1:2::", "2001:db8:1::"),
        ("127.0.0.1", "loopback", "loopback"),
        ("unknown", "loopback", "loopback"),
        ("", "loopback", "loopback"),
    ]:
        request = asked(("X-Forwarded-For", text), host="mood.example.org")
        assert (behind.house(request), behind.network(request)) == (house, network)
    twice = asked(("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "192.0.2.2"), host="localhost")
    assert behind.house(twice) == "192.0.2.2"


def test_with_crowd_viewers_each_connection_is_a_network() -> None:
    for request in (asked(host="localhost"), asked(peer="192.0.2.7", host="mood.example.org")):
        assert gate(crowd="viewers", host="0.0.0.0").network(request) is None
    assert gate(crowd="viewers", host="0.0.0.0").house(request) == "192.0.2.7"


def test_before_a_request_the_peer_alone_is_counted() -> None:
    assert gate().peer_house("127.0.0.1") is None
    assert gate(host="0.0.0.0").peer_house("127.0.0.1") == "loopback"
    assert gate(hosts="mood.example.org").peer_house("127.0.0.1") == "loopback"
    assert gate(proxies=1).peer_house("10.0.0.1") is None
    assert gate().peer_house(None) == "unknown"


def test_a_proxy_that_was_not_declared_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    undeclared = gate()
    with caplog.at_level(logging.WARNING):
        for header in ("X-Real-IP", "Via", "X-Forwarded-For"):
            undeclared.house(asked((header, "192.0.2.7"), host="localhost"))
    assert [record.getMessage().count("X-Real-IP") for record in caplog.records] == [1]
    assert "192.0.2.7" not in caplog.text
