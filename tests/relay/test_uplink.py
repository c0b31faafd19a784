"""The rate that all downloads share, and which coding a client gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core import codings
from relay.core.uplink import Uplink

RATE = 100_000.0


def sends(uplink: Uplink, size: int, now: float) -> float:
    """When who asks now sends its piece."""
    at = now + uplink.wait_s(now)
    uplink.take(size, at)
    return at


def shared(takes_s: list[float], until: float, piece: int = 16_000) -> list[list[float]]:
    """When each of several downloads sends its pieces; one that ``takes_s`` seconds for each is slow to take them."""
    uplink, sent = Uplink(RATE), [list[float]() for _ in takes_s]
    asks = [0.0] * len(takes_s)
    while (now := min(asks)) < until:
        one = asks.index(now)
        sent[one].append(sends(uplink, piece, now))
        asks[one] = sent[one][-1] + takes_s[one] + 1e-6
    return sent


@given(st.lists(st.floats(0, 3), min_size=1, max_size=20))
def test_all_together_never_send_more_than_the_rate_and_what_was_not_used(takes_s: list[float]) -> None:
    times = sorted(time for each in shared(takes_s, 10) for time in each)
    for first in range(0, len(times), 7):
        for last in range(first, len(times), 5):
            assert (last - first) * 16_000 <= RATE * (times[last] - times[first] + 0.25) + 1


def test_those_who_take_what_they_get_have_equal_shares_and_a_slow_one_holds_nobody_up() -> None:
    counts = [len(each) for each in shared([0, 0, 0, 5.0], 100)]
    assert max(counts[:3]) - min(counts[:3]) <= 1
    assert counts[3] <= 21
    assert sum(counts) * 16_000 == pytest.approx(100 * RATE, rel=0.02)


def test_one_alone_has_all_of_it_and_begins_at_once() -> None:
    (times,) = shared([0], 100)
    assert times[0] == 0
    assert len(times) * 16_000 == pytest.approx(100 * RATE, rel=0.02)


def test_an_hour_of_silence_is_not_caught_up() -> None:
    uplink = Uplink(RATE)
    sends(uplink, 16_000, 0)
    times = [sends(uplink, 16_000, 3600.0) for _ in range(10)]
    assert times[-1] == pytest.approx(3600 + 9 * 0.16 - 0.25)


def test_who_waits_and_leaves_has_taken_nothing() -> None:
    uplink = Uplink(RATE)
    sends(uplink, 16_000, 0)
    assert [uplink.wait_s(0.1) for _ in range(3)] == [pytest.approx(0.06)] * 3


KEPT = ("identity", "gzip", "br")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ["identity"]),
        ("gzip, deflate", ["identity", "gzip"]),
        ("gzip, deflate, br, zstd", ["identity", "gzip", "br"]),
        ("GZIP;q=1.0, Br;Q=0.5", ["identity", "gzip", "br"]),
        ("br;q=0, gzip;q=0.1", ["identity", "gzip"]),
        ("*", ["identity", "gzip", "br"]),
        ("*;q=0", ["identity"]),
        ("*;q=0.5, br;q=0", ["identity", "gzip"]),
        ("identity;q=0", ["identity"]),
        ("br ; q=0.000", ["identity"]),
        ("brr, xgzip", ["identity"]),
    ],
)
def test_a_client_gets_no_coding_that_it_does_not_name(header: str, expected: list[str]) -> None:
    assert codings.accepted(header, KEPT) == expected


@given(st.text())
def test_whatever_stands_there_the_file_as_it_is_is_among_them(header: str) -> None:
    assert codings.accepted(header, KEPT)[0] == "identity"
