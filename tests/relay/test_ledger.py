"""Limits of several workers: together they let in what one would, also while one of them is killed or frozen."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.core.audience import Changes, Member
from relay.core.channel import Channel
from relay.core.limits import Connections, Places, Rates
from relay.core.snapshot import total
from relay.core.uplink import Uplink
from relay.errors import DataFolderError
from relay.protocol import EXPRESSIONS, TAPS
from relay.workers.ledger import SharedLedger
from relay.workers.seat import Seat

SECRET = b"k" * 32
CONNECTIONS = 200
HAPPY = EXPRESSIONS.index("happy")
HOUSES = ["192.0.2.1", "192.0.2.2", "2001:db8::"]
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
"""Each example uses names of its own, so they may share a folder."""


def ledgers(folder: Path, of: int = 2) -> list[SharedLedger]:
    return [SharedLedger(Seat(number, of, folder), SECRET, CONNECTIONS) for number in range(of)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[SharedLedger]:
    return ledgers(tmp_path_factory.mktemp("seat"))


NAMES = iter(f"name {number}" for number in range(1_000_000))

STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.sampled_from([*HOUSES, None])), max_size=60)


@SHARED
@given(st.integers(1, 4), STEPS)
def test_two_workers_have_the_places_of_one(
    pair: list[SharedLedger], most: int, steps: list[tuple[bool, int, str | None]]
) -> None:
    name = next(NAMES)
    shared, alone = [one.places(name, most) for one in pair], Places(most)
    held: list[tuple[int, str | None]] = []
    for takes, worker, house in steps:
        if takes:
            found = alone.take(house)
            assert shared[worker].take(house) == found
            if found:
                held.append((worker, house))
        elif (worker, house) in held:
            held.remove((worker, house))
            alone.free(house)
            shared[worker].free(house)
        for one in HOUSES:
            assert shared[worker].has_room(one) == alone.has_room(one)
            assert shared[worker].elsewhere(one) == held.count((1 - worker, one))
    for worker, house in held:
        shared[worker].free(house)
    assert not any(one.elsewhere(house) for one in shared for house in HOUSES)


SPENT = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from([*HOUSES, None]), st.integers(0, 40), st.sampled_from([1.0, 20.0, -19.0])
    ),
    max_size=60,
)  # fmt: skip


@SHARED
@given(SPENT)
def test_two_workers_have_the_rate_of_one(
    pair: list[SharedLedger], steps: list[tuple[int, str | None, int, float]]
) -> None:
    name, now = next(NAMES), 1000.0
    shared, alone = [one.rates(name, 0.5, 30.0) for one in pair], Rates(0.5, 30.0)
    for worker, house, gap, cost in steps:
        now += gap
        assert shared[worker].spent(house, now) == pytest.approx(alone.spent(house, now))
        assert shared[worker].spend(house, now, cost) == pytest.approx(alone.spend(house, now, cost), abs=1e-6)


@SHARED
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 50_000), st.floats(0, 0.5))))
def test_two_workers_have_one_uplink(pair: list[SharedLedger], pieces: list[tuple[int, int, float]]) -> None:
    now = time.monotonic()
    pair[0]._numbers[0] = 0.0
    shared, alone = [one.uplink(100_000.0) for one in pair], Uplink(100_000.0)
    for worker, size, gap in pieces:
        now += gap
        wait = alone.wait_s(now)
        assert shared[worker].wait_s(now) == wait
        for one in (shared[worker], alone):
            one.take(size, now + wait)


def test_who_takes_a_rank_is_told_how_many_have(pair: list[SharedLedger]) -> None:
    name = next(NAMES)
    here, there = (one.ranks(name) for one in pair)
    other = pair[0].ranks(next(NAMES))
    networks = [b"\0" * 8, b"abcdefgh"]
    for network in networks:
        assert [here.take(network), there.take(network), here.take(network), there.take(network)] == [1, 2, 3, 4]
        assert other.take(network) == 1
        here.free(network)
        assert there.take(network) == 4


def test_a_connection_counts_on_all_workers(tmp_path: Path) -> None:
    first, second = (Connections(5, 4, 3, one) for one in ledgers(tmp_path))
    for connections in (first, second, first):
        assert connections.arrive("demo", "192.0.2.1") is None
        assert connections.enter("demo") is None
    assert "network" in str(second.arrive("demo", "192.0.2.1"))
    assert second.arrive("demo", "192.0.2.2") is None
    assert second.enter("demo") is None
    for connections in (first, second):
        assert "channel 'demo'" in str(connections.arrive("demo", "192.0.2.3"))
        assert "channel 'demo'" in str(connections.enter("demo"))
    assert second.enter("other") is None
    for connections in (first, second):
        assert "relay" in str(connections.enter("other"))
        assert "relay" in str(connections.arrive("other", "192.0.2.3"))
    assert (first.elsewhere(), second.elsewhere()) == (3, 2)
    second.leave("other")
    assert first.enter("other") is None


def test_what_a_killed_worker_had_is_given_back_to_who_sits_in_its_seat(tmp_path: Path) -> None:
    first, second = ledgers(tmp_path)
    here, there = first.places("house", 3), second.places("house", 3)
    assert [here.take("a"), here.take("a"), there.take("a"), there.take("a")] == [True, True, True, False]
    again = SharedLedger(Seat(0, 2, tmp_path), SECRET, CONNECTIONS).places("house", 3)
    assert [there.take("a"), again.take("a"), again.take("a")] == [True, True, False]


def test_the_file_is_its_users_and_tells_no_address(tmp_path: Path) -> None:
    first, second = ledgers(tmp_path)
    for one in (first, second):
        one.places("house", 3).take("192.0.2.77")
        one.rates("tickets", 1.0, 120.0).spend("192.0.2.77", time.monotonic())
        with one.alone("guess"):
            pass
    files = list(tmp_path.iterdir())
    assert files
    for file in files:
        assert b"192.0.2.77" not in file.read_bytes()
    assert stat.S_IMODE((tmp_path / "ledger").stat().st_mode) == 0o600
    assert (tmp_path / "ledger").stat().st_size < 4_000_000


def test_no_room_for_the_file_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(DataFolderError, match=r"MB.*No space left.*--processes"):
        ledgers(tmp_path)


# --- a channel's viewers ---------------------------------------------------------------------------------------------

WEIGHT = 2
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["come", "come", "happy", "sad", "heart", "clap", "show", "go", "wait"]),
        st.integers(0, 1), st.integers(0, 2), st.integers(0, 7),
    ),
    max_size=60,
)  # fmt: skip


@SHARED
@given(DEEDS)
def test_a_house_and_a_network_weigh_on_two_workers_no_more_than_on_one(
    pair: list[SharedLedger], deeds: list[tuple[str, int, int, int]]
) -> None:
    """Three networks of one house each. At each tick of both, what they add to the whole is counted by what may be."""
    name, now = next(NAMES).replace(" ", "-"), 1000.0
    channels = [Channel(name, 1, 15, WEIGHT, ledger=ledger) for ledger in pair]
    for channel in channels:
        channel.grid = 1.0
    here: list[tuple[int, Member]] = []
    for deed, worker, number, which in deeds:
        if deed == "come":
            network = f"{name[-7:]}{number}".rjust(8).encode()
            here.append((worker, member := Member(HOUSES[number], network)))
            channels[worker].join(member, 0.0, now)
        elif deed == "wait":
            now += 0.3
        elif here:
            worker, member = here[which % len(here)]
            channel = channels[worker]
            if deed == "go":
                here.remove((worker, member))
                channel.leave(member)
            elif deed == "show":
                channel.roster.show(member, "Ada", 1.0, now)
            elif deed in TAPS:
                channel.tap(member, deed, now)  # type: ignore[arg-type]
            else:
                channel.label(member, deed, now)  # type: ignore[arg-type]
        states = [channel.snapshot(now) for channel in channels]
        whole = total(states)
        houses = {member.house for _, member in here}
        assert whole.counts.sharing <= WEIGHT * len(houses)
        assert sum(len(channel.roster) for channel in channels) <= WEIGHT * len(houses)
        assert max(whole.changes) <= WEIGHT * len(HOUSES)
        assert sum(whole.taps) <= WEIGHT * len(HOUSES)
        assert max(whole.tappers) <= WEIGHT * len(HOUSES)
        for channel in channels:
            channel.tick(whole, now, 1000 + now)
    for worker, member in here:
        channels[worker].leave(member)
    for channel in channels:
        channel.close()
    names = ("votes", "taps of a house", "shown of a house")
    left = [one.of(name).places(each, 9).elsewhere(house) for one in pair for each in names for house in HOUSES]
    assert not any(left), "nothing is taken for good"


def test_two_workers_count_of_a_network_as_many_changes_as_one(pair: list[SharedLedger]) -> None:
    name = next(NAMES)
    both = [Changes(8, ledger.of(name)) for ledger in pair]
    members = [Member(network=b"network1") for _ in range(6)] + [Member(network=b"network2")]
    for number, member in enumerate(members):
        both[number % 2].add(member, HAPPY, 0.0)
    assert sum(changes.counts(10)[HAPPY] for changes in both) == 3, "two of the one and one of the other"
    assert sum(changes.counts(40)[HAPPY] for changes in both) == 5
    for number, member in enumerate(members[:4]):
        both[number % 2].forget(member)
    assert sum(changes.counts(40)[HAPPY] for changes in both) <= 3
    for changes in both:
        changes.expire(10.0)
    both[0].add(members[5], HAPPY, 10.0)
    assert both[0].counts(0)[HAPPY] == 1


# --- other processes -------------------------------------------------------------------------------------------------

HOLDS = """
import sys, time
from pathlib import Path
from relay.workers.ledger import SharedLedger
from relay.workers.seat import Seat
ledger = SharedLedger(Seat(1, 2, Path(sys.argv[1])), b"k" * 32, 200)
places = ledger.places("house", 1)
places.take("a")
with ledger.alone("guess"), ledger.locked():
    print("here", flush=True)
    time.sleep(600)
"""
RACES = """
import sys
from pathlib import Path
from relay.workers.ledger import SharedLedger
from relay.workers.seat import Seat
number, folder = int(sys.argv[1]), Path(sys.argv[2])
ledger = SharedLedger(Seat(number, 2, folder), b"k" * 32, 200)
places, rates = ledger.places("house", 1), ledger.rates("tickets", 1e-9, 3000.0)
ranks = ledger.ranks("inside")
print("here", flush=True)
sys.stdin.readline()
inside = both = spent = 0
for turn in range(20_000):
    if places.take("a"):
        inside += 1
        both += ranks.take("a") != 1
        ranks.free("a")
        places.free("a")
    spent += rates.spend("a", 1000.0) == 0
print(inside, both, spent)
"""


def test_what_a_worker_held_when_it_was_killed_stops_nobody(tmp_path: Path) -> None:
    here = ledgers(tmp_path)[0]
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            places, rates = here.places("house", 1), here.rates("tickets", 1.0, 120.0)
            os.kill(process.pid, signal.SIGSTOP)  # in the middle of what others wait for
            began = time.monotonic()
            assert [places.take("a"), places.take("b")] == [False, True]
            assert rates.spend("a", 0.0) > 0, "asked to come back rather than let through uncounted"
            with here.alone("guess"):
                waited = time.monotonic() - began
            assert waited > 0.5
        finally:
            process.kill()
    began = time.monotonic()
    with here.alone("guess"):
        pass
    assert rates.spend("a", 0.0) == 0
    assert time.monotonic() - began < 0.5
    SharedLedger(Seat(1, 2, tmp_path), SECRET, CONNECTIONS)
    assert places.take("a")


def test_two_processes_that_race_never_both_have_the_last_place(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACES, str(number), str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [tuple(map(int, process.communicate()[0].split())) for process in processes]
    for inside, both, _ in found:
        assert inside > 100
        assert both == 0
    spent = sum(count for _, _, count in found)
    assert 0 < spent <= 3000, "of the tokens none was lost by writing at once"
