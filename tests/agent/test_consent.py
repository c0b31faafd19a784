"""What a relay promises is said to the viewer as it is, and held against what it promises later."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent import consent
from relay.protocol import Crowd, Welcome, encode, from_relay

CROWDS: st.SearchStrategy[Crowd] = st.sampled_from(["networks", "viewers"])


def welcome(least: int = 5, crowd: Crowd = "networks") -> Welcome:
    return Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=least, crowd=crowd)


def test_of_networks_it_is_said_when_others_see_it() -> None:
    text = consent.who_sees_it(welcome())
    assert "Others see it only together with other people's: once people of five networks share." in text
    assert "connections" not in text


def test_where_connections_count_it_is_said_what_somebody_could_do() -> None:
    text = consent.who_sees_it(welcome(crowd="viewers"))
    assert "once five people share" in text
    assert "counts connections: somebody with four of them could read yours alone" in text
    assert "with one of them could" in consent.who_sees_it(welcome(2, "viewers"))


@pytest.mark.parametrize("crowd", ["networks", "viewers"])
def test_a_relay_that_shows_a_single_person_says_so(crowd: Crowd) -> None:
    text = consent.who_sees_it(welcome(1, crowd))
    assert "even a single person's expression: yours" in text
    assert "together" not in text


def test_a_firm_whose_tunnel_it_goes_through_is_named_and_agreed_to() -> None:
    direct, tunnelled = (replace(welcome(), via=firm) for firm in ("", "Cloudflare"))
    assert "tunnel" not in consent.who_sees_it(direct)
    assert "through a tunnel of Cloudflare, who can read it, too" in consent.who_sees_it(tunnelled)
    assert consent.digest(direct) != consent.digest(tunnelled)
    assert "\x1b" not in consent.who_sees_it(replace(welcome(), via="\x1b[2J"))


def test_of_two_the_other_one_knows() -> None:
    assert "the other one can tell which is yours" in consent.who_sees_it(welcome(2))


@given(st.integers(1, 2000), CROWDS)
def test_the_operator_is_always_named(least: int, crowd: Crowd) -> None:
    text = consent.who_sees_it(welcome(least, crowd))
    assert "whoever runs the relay gets it with your network address; you trust them" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_an_old_relay_is_not_said_to_count_networks() -> None:
    fields = json.loads(encode(welcome()))
    del fields["crowd"]
    old = from_relay.decode(json.dumps(fields))
    assert isinstance(old, Welcome)
    assert "networks" not in consent.who_sees_it(old)
    assert "counts connections" in consent.who_sees_it(old)


@pytest.mark.parametrize(
    ("now", "agreed", "less"),
    [
        (welcome(5), welcome(5), False),
        (welcome(9), welcome(5), False),
        (welcome(4), welcome(5), True),
        (welcome(5, "viewers"), welcome(5), True),
        (welcome(50, "viewers"), welcome(5), True),
        (welcome(5), welcome(5, "viewers"), False),
        (welcome(3), welcome(5, "viewers"), True),
    ],
)
def test_less_is_fewer_or_what_one_person_can_be_many_of(now: Welcome, agreed: Welcome, less: bool) -> None:
    assert consent.promises_less(now, agreed) == less
