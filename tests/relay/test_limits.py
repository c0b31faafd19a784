"""What a client may do: pure rules."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.limits import (
    BAD_FRAME_COST,
    BURST,
    DEBT,
    Connections,
    Meter,
    Pace,
    Places,
    Rates,
    client_address,
    house,
    network,
)  # fmt: skip
from relay.protocol import MAX_LABELS_PER_S

GAPS = st.lists(st.floats(0, 5), max_size=600)


def paces(gaps: list[float], cost: float = 1.0) -> list[Pace]:
    meter, now, found = Meter(0.0), 0.0, []
    for gap in gaps:
        now += gap
        found.append(meter.spend(now, cost))
    return found


@given(st.lists(st.floats(1 / MAX_LABELS_PER_S, 60), max_size=300))
def test_who_keeps_the_rate_is_never_told_anything(gaps: list[float]) -> None:
    assert set(paces(gaps)) <= {Pace.FINE}


def test_a_minute_of_labels_at_once_is_fine() -> None:
    assert set(paces([0.0] * int(BURST))) == {Pace.FINE}


@given(st.floats(0, 1 / MAX_LABELS_PER_S * 0.9))
def test_who_is_faster_is_warned_once_and_then_closed(gap: float) -> None:
    found = paces([gap] * 3000)
    closed = found.index(Pace.CLOSE)
    assert found[:closed].count(Pace.WARN) == 1
    assert closed >= BURST + DEBT - 1


@given(GAPS)
def test_nobody_is_closed_for_less_than_the_burst_and_the_debt(gaps: list[float]) -> None:
    found = paces(gaps)
    if Pace.CLOSE in found:
        number = found.index(Pace.CLOSE) + 1
        assert number > BURST + DEBT + sum(gaps[1:number]) * MAX_LABELS_PER_S - 1e-6 or number > BURST + DEBT
        assert Pace.WARN in found[:number]


@given(GAPS)
def test_a_meter_is_a_token_bucket(gaps: list[float]) -> None:
    """Against the textbook: refill up to the burst, then pay."""
    meter, now, tokens = Meter(0.0), 0.0, BURST
    for gap in gaps:
        now += gap
        tokens = min(BURST, tokens + gap * MAX_LABELS_PER_S) - 1.0
        pace = meter.spend(now)
        assert (pace is Pace.CLOSE) == (tokens < -DEBT) or tokens == pytest.approx(-DEBT)
        assert pace is not Pace.WARN or tokens < 1e-6


def test_who_calms_down_is_warned_anew() -> None:
    meter = Meter(0.0)
    first = [meter.spend(0.0) for _ in range(130)]
    later = [meter.spend(1000.0) for _ in range(130)]
    assert first.count(Pace.WARN) == later.count(Pace.WARN) == 1


def test_of_frames_at_once_the_first_beyond_the_burst_is_warned_and_the_first_beyond_the_debt_is_closed() -> None:
    burst, debt = int(BURST), int(DEBT)
    meter = Meter(50.0)
    expected = [Pace.FINE] * burst + [Pace.WARN] + [Pace.FINE] * (debt - 1) + [Pace.CLOSE]
    assert [meter.spend(50.0) for _ in range(burst + debt + 1)] == expected


def test_the_warning_comes_again_once_the_bucket_was_full() -> None:
    frames = int(BURST) + 1
    for rest, warned in ((0.0, [Pace.WARN]), (0.5, [])):
        meter = Meter(0.0)
        assert [meter.spend(0.0) for _ in range(frames)][-1] is Pace.WARN
        full_at = frames / MAX_LABELS_PER_S
        assert [pace for _ in range(frames) if (pace := meter.spend(full_at - rest))] == warned


def test_a_few_wrong_frames_are_forgiven_and_many_are_not() -> None:
    assert paces([0.0] * 10, BAD_FRAME_COST) == [Pace.FINE] * 10
    assert paces([0.0] * 30, BAD_FRAME_COST)[-1] is Pace.CLOSE
    assert set(paces([BAD_FRAME_COST / MAX_LABELS_PER_S] * 1000, BAD_FRAME_COST)) == {Pace.FINE}


@given(st.integers(1, 4), st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", None]))))
def test_places_never_go_over(most: int, steps: list[tuple[bool, str | None]]) -> None:
    places = Places(most)
    held = {"a": 0, "b": 0}
    for takes, group in steps:
        if group is None:
            assert places.take(None)
        elif takes:
            assert places.take(group) == (held[group] < most)
            held[group] = min(most, held[group] + 1)
        elif held[group]:
            places.free(group)
            held[group] -= 1


def test_a_connection_that_is_kept_out_takes_no_place() -> None:
    connections = Connections(total=3, per_channel=2, per_house=2)

    def come(channel: str, house: str | None) -> str | None:
        return connections.arrive(channel, house) or connections.enter(channel)

    def go(channel: str, house: str | None) -> None:
        connections.leave(channel)
        connections.depart(house)

    assert come("one", "ada") is None
    assert come("one", "bob") is None
    assert "channel 'one'" in str(come("one", "cy"))
    assert come("two", "ada") is None
    assert "network" in str(come("two", "ada"))
    assert "relay" in str(come("two", "cy"))
    go("one", "bob")
    assert come("one", "cy") is None
    go("two", "ada")
    assert come("two", "cy") is None


def test_this_machine_fills_the_relay_but_no_house() -> None:
    connections = Connections(total=5, per_channel=5, per_house=1)
    assert [connections.arrive("demo", None) or connections.enter("demo") for _ in range(5)] == [None] * 5
    assert connections.arrive("demo", None)


def test_who_has_not_said_hello_takes_a_place_of_its_house_alone() -> None:
    connections = Connections(total=2, per_channel=1, per_house=3)
    assert [connections.arrive("demo", "ada") for _ in range(3)] == [None] * 3
    assert "network" in str(connections.arrive("demo", "ada"))
    assert connections.arrive("demo", "bob") is None
    assert connections.enter("demo") is None
    assert "channel" in str(connections.enter("demo"))


def test_who_is_kept_out_reads_which_limit_it_is() -> None:
    connections = Connections(total=2, per_channel=1, per_house=3)
    for _ in range(3):
        connections.arrive("one", "ada")
    assert (
        connections.arrive("one", "ada")
        == "Your network has the 3 connections that one may have: close another one first."
    )
    connections.enter("one")
    full = "The channel 'one' has the 1 connections that one may have: come back later."
    assert connections.arrive("one", "bob") == connections.enter("one") == full
    connections.enter("two")
    assert connections.enter("three") == "The relay has the 2 connections that it takes: come back later."


def test_a_place_that_is_given_back_is_free() -> None:
    connections = Connections(total=1, per_channel=1, per_house=1)
    assert connections.arrive("one", "ada") is None
    connections.depart("ada")
    assert connections.arrive("one", "ada") is None
    assert connections.enter("one") is None
    assert "relay" in str(connections.enter("two"))  # and holds no place of the channel
    connections.leave("one")
    assert connections.enter("two") is None


def test_a_house_is_forgotten_when_its_bucket_is_full_again() -> None:
    rates = Rates(1.0, 10)
    rates.spend("ada", 0.0)
    assert rates.spent("ada", 0.0) == 1.0
    rates.spend("bob", 9.99)
    assert len(rates) == 2
    rates.spend("bob", 10.0)
    assert len(rates) == 1


def test_what_a_house_spent_comes_back_with_time() -> None:
    rates = Rates(0.5, 10)
    rates.spend("ada", 100.0, 8)
    assert [rates.spent("ada", now) for now in (100.0, 104.0, 200.0)] == [8.0, 6.0, 0.0]
    assert rates.spent("bob", 100.0) == rates.spent(None, 100.0) == 0.0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 30), st.integers(1, 10)), max_size=80))
def test_rates_are_token_buckets_for_each_house(steps: list[tuple[str, float, int]]) -> None:
    rates, now, tokens, then = Rates(0.5, 10), 0.0, {"a": 10.0, "b": 10.0}, {"a": 0.0, "b": 0.0}
    for name, gap, cost in steps:
        now += gap
        left = min(10.0, tokens[name] + (now - then[name]) * 0.5)
        wait = rates.spend(name, now, cost)
        if abs(left - cost) > 1e-6:
            assert (wait == 0) == (left >= cost)
        if wait:
            assert wait == pytest.approx((cost - left) / 0.5)
        else:
            tokens[name], then[name] = left - cost, now


def test_rates_forget_old_houses_and_give_refunds() -> None:
    rates = Rates(1.0, 10)
    for number in range(1000):
        rates.spend(f"house {number}", number * 0.1)
    assert len(rates) <= 101
    assert [rates.spend("ada", 200, 5) for _ in range(3)] == [0, 0, 5]
    assert rates.spend("ada", 200, -5) == 0
    assert rates.spend("ada", 200, 5) == 0
    assert all(rates.spend(None, 200, 10) == 0 for _ in range(100))


@pytest.mark.parametrize(
    ("address", "in_house", "in_network"),
    [
        (None, "unknown", "unknown"),
        ("", "unknown", "unknown"),
        ("unknown", "unknown", "unknown"),
        ("127.0.0.1", "loopback", "loopback"),
        ("127.9.9.9", "loopback", "loopback"),
        ("::1", "loopback", "loopback"),
        ("::ffff:127.0.0.1", "loopback", "loopback"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::", "2001:db8:1::"),
        ("2001:db8:1:2:8000::9", "2001:db8:1:2::", "2001:db8:1::"),
        ("2001:db8:1:3::9", "2001:db8:1:3::", "2001:db8:1::"),
        ("2001:db8:2:3::9", "2001:db8:2:3::", "2001:db8:2::"),
        ("fe80::1%eth0", "fe80::", "fe80::"),
    ],
)
def test_houses_and_networks(address: str | None, in_house: str, in_network: str) -> None:
    assert (house(address), network(address)) == (in_house, in_network)


@given(st.ip_addresses(v=6), st.integers(0, 2**80 - 1))
def test_whoever_has_a_48_has_one_network_and_no_more(address: IPv6Address, other: int) -> None:
    same = IPv6Address(int(address) >> 80 << 80 | other)
    if int(address) >> 80:  # below are loopback and the addresses of IPv4
        assert network(str(address)) == network(str(same))
        assert network(str(IPv6Address(int(address) ^ 1 << 127))) != network(str(address))


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_each_address_of_ipv4_is_a_network(one: IPv4Address, other: IPv4Address) -> None:
    if not one.is_loopback:
        assert (network(str(one)) == network(str(other))) == (one == other)
        assert network(f"::ffff:{one}") == network(str(one)) == house(str(one))


ADDRESSES = st.ip_addresses().filter(lambda address: not getattr(address, "ipv4_mapped", None)).map(str)


@given(st.text(), ADDRESSES, st.none() | st.integers(1, 65535), st.booleans())
def test_what_the_proxy_appended_is_the_address_whatever_the_client_wrote(
    text: str, address: str, port: int | None, brackets: bool
) -> None:
    written = f"[{address}]" if ":" in address and (port or brackets) else address
    appended = written if port is None else f"{written}:{port}"
    assert client_address("127.0.0.1", f"{text}, {appended}", 1) == address
    assert client_address("127.0.0.1", f"{text}, {appended}, 198.51.100.1", 2) == address


@given(st.text(), st.integers(0, 3))
def test_what_is_no_address_falls_to_the_peer(text: str, proxies: int) -> None:
    found = client_address("192.0.2.9", text, proxies)
    assert found is not None
    assert found == "192.0.2.9" or (proxies and ip_address(found))


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "192.0.2", "192.0.2.7:", "192.0.2.7:x", "192.0.2.7:123456", "[192.0.2.7", "[::1", "::1]",
     "[2001:db8::1]x", "[2001:db8::1]:x", "2001:db8::1]:80", "192.0.2.7:80:80", ",", "192.0.2.7,", "for=192.0.2.7",
     "X192.0.2.7"],
)  # fmt: skip
def test_near_misses_of_an_address_fall_to_the_peer(text: str) -> None:
    assert client_address("198.51.100.9", text, 1) == "198.51.100.9"


def test_proxies_are_counted_from_the_right() -> None:
    header = "127.0.0.1, 192.0.2.7, 198.51.100.1"
    assert client_address("10.0.0.1", header, 2) == "192.0.2.7"
    assert client_address("10.0.0.1", '"[2001:db8::1]:4711"', 1) == "2001:db8::1"
    assert client_address("10.0.0.1", "", 2) == "10.0.0.1"
    assert client_address("10.0.0.1", "192.0.2.7", 0) == "10.0.0.1"
    # Fewer than there are proxies: it did not come through all of them, and whoever sent it may have written it.
    assert client_address("10.0.0.1", "192.0.2.7", 2) == "10.0.0.1"
