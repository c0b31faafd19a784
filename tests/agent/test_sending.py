"""What is sent, and when: for any order of readings, losses and reconnections."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sending import (
    LONGEST_HINT_S,
    LONGEST_WAIT_S,
    MOST_NOTES,
    NOTES_S,
    SHORTEST_WAIT_S,
    SPACING_S,
    STALE_S,
    STEADY_S,
    Allowance,
    Backoff,
    Notes,
    Sender,
)
from agent.smoothing import Reading
from relay.core.limits import TAP_COST, Meter, Pace
from relay.protocol import EXPRESSIONS, Away, Label

HEARTBEAT_S = 5.0

Event = tuple[float, str, Reading | None]
readings = st.builds(Reading, st.sampled_from(EXPRESSIONS), st.floats(0, 1))
events = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.05, 0.2, 0.5, 1.0, 2.9, 6.0]) | st.floats(0, 8),
        st.sampled_from(["observe", "observe", "observe", "opened", "closed"]),
        st.none() | readings,
    ),
    max_size=60,
)


@dataclass
class Sent:
    """A message on the wire, with what was known when it went out."""

    at: float
    message: Label | Away
    connection: int
    newest: Reading | None
    observed_at: float


@dataclass
class Wire:
    """A perfect client: it takes each message at the very moment it is due."""

    sender: Sender = field(default_factory=Sender)
    now: float = 50.0
    connection: int = 0
    newest: Reading | None = None
    observed_at: float = float("-inf")
    sent: list[Sent] = field(default_factory=list)

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (step := self.sender.next(self.now)) and step.at <= until:
            self.now = max(self.now, step.at)
            message = self.sender.take(self.now)
            assert message is not None
            self.sent.append(Sent(self.now, message, self.connection, self.newest, self.observed_at))
        self.now = until

    def observe(self, reading: Reading | None) -> None:
        self.newest, self.observed_at = reading, self.now
        self.sender.observe(self.now, reading)

    def open(self, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.connection += 1
        self.sender.opened(heartbeat_s)


def play(script: list[Event]) -> Wire:
    wire = Wire()
    for gap, what, reading in script:
        wire.pass_time(gap)
        if what == "observe":
            wire.observe(reading)
        elif what == "opened":
            wire.open()
        else:
            wire.sender.closed()
    wire.pass_time(0)
    return wire


@given(events)
def test_never_more_than_two_labels_in_any_second(script: list[Event]) -> None:
    times = [sent.at for sent in play(script).sent if isinstance(sent.message, Label)]
    assert all(third - first > 1.0 for first, third in zip(times, times[2:], strict=False))


@given(events)
def test_what_is_sent_is_always_the_newest_reading(script: list[Event]) -> None:
    for sent in play(script).sent:
        if isinstance(sent.message, Label):
            assert sent.newest is not None
            assert sent.message.emotion == sent.newest.emotion
            assert sent.message.confidence == pytest.approx(sent.newest.confidence, abs=0.0051)  # to two places
            assert sent.at < sent.observed_at + STALE_S
        else:
            assert sent.newest is None or sent.at >= sent.observed_at + STALE_S


@given(events)
def test_away_is_said_once(script: list[Event]) -> None:
    for before, after in pairwise(play(script).sent):
        both_away = isinstance(before.message, Away) and isinstance(after.message, Away)
        assert not both_away or after.connection > before.connection


@given(events)
def test_nothing_is_sent_before_the_welcome_or_after_the_loss(script: list[Event]) -> None:
    wire = play([*script, (0.0, "closed", None)])
    before = len(wire.sent)
    for _ in range(10):
        wire.observe(Reading("happy", 1.0))
        wire.pass_time(1.0)
    assert len(wire.sent) == before


@given(events, readings)
def test_whatever_happened_the_relay_soon_has_the_current_expression(script: list[Event], reading: Reading) -> None:
    wire = play([*script, (0.0, "opened", None), (0.0, "observe", reading)])
    wire.pass_time(SPACING_S)
    assert isinstance(wire.sender.sent, Label)
    assert wire.sender.sent.emotion == reading.emotion


@given(events, readings, st.floats(0.6, 10.0))
def test_a_steady_expression_is_repeated_every_heartbeat(
    script: list[Event], reading: Reading, heartbeat_s: float
) -> None:
    wire = play([*script, (0.0, "closed", None)])
    wire.open(heartbeat_s)
    start = len(wire.sent)
    for _ in range(200):
        wire.observe(reading)
        wire.pass_time(0.2)
    times = [sent.at for sent in wire.sent[start:]]
    assert len(times) >= 40 / heartbeat_s - 1
    assert all(later - earlier == pytest.approx(heartbeat_s) for earlier, later in pairwise(times))


@given(events, readings)
def test_a_camera_that_hangs_does_not_keep_voting(script: list[Event], reading: Reading) -> None:
    wire = play([*script, (0.0, "opened", None), (0.0, "observe", reading)])
    wire.pass_time(60.0)
    assert isinstance(wire.sent[-1].message, Away)
    assert wire.sent[-1].at <= wire.observed_at + STALE_S


def test_an_expression_that_came_and_went_meanwhile_is_not_sent() -> None:
    wire = Wire()
    wire.open()
    for emotion in ("happy", "sad", "happy"):
        wire.observe(Reading(emotion, 0.8))
        wire.pass_time(0.1)
    wire.pass_time(1.0)
    assert [sent.message for sent in wire.sent] == [Label(emotion="happy", confidence=0.8)]


def test_leaving_withdraws_the_label_at_once() -> None:
    wire = Wire()
    wire.open()
    wire.observe(Reading("happy", 0.8))
    wire.pass_time(0.01)
    wire.observe(None)
    wire.pass_time(0.0)
    assert [type(sent.message) for sent in wire.sent] == [Label, Away]


def test_nothing_is_said_before_the_camera_was_looked_at() -> None:
    wire = Wire()
    wire.open()
    wire.pass_time(60.0)
    assert wire.sent == []


def test_before_the_first_message_of_a_connection_the_relay_has_nothing() -> None:
    wire = Wire()
    assert wire.sender.sent is None
    for change in (wire.open, wire.sender.closed):
        wire.open()
        wire.observe(Reading("happy", 0.8))
        wire.pass_time(SPACING_S)
        assert wire.sender.sent == Label(emotion="happy", confidence=0.8)
        change()
        assert wire.sender.sent is None


def test_a_message_that_is_not_due_is_not_taken() -> None:
    wire = Wire()
    assert wire.sender.take(wire.now) is None
    wire.open()
    wire.observe(Reading("happy", 0.8))
    wire.pass_time(0.0)
    wire.observe(Reading("sad", 0.8))
    assert wire.sender.take(wire.now + SPACING_S - 0.01) is None
    assert wire.sender.sent == Label(emotion="happy", confidence=0.8)
    assert wire.sender.take(wire.now + SPACING_S) == Label(emotion="sad", confidence=0.8)


def test_a_reading_is_withdrawn_at_the_moment_it_is_stale() -> None:
    wire = Wire()
    wire.open(heartbeat_s=STALE_S)
    wire.observe(Reading("happy", 0.8))
    wire.pass_time(0.0)
    assert wire.sender.next(wire.now) == (wire.now + STALE_S, Away())
    wire.pass_time(STALE_S)
    assert [(sent.at - wire.observed_at, type(sent.message)) for sent in wire.sent] == [(0, Label), (STALE_S, Away)]


def test_a_confidence_has_two_decimals() -> None:
    wire = Wire()
    wire.open()
    wire.observe(Reading("happy", 0.87654))
    wire.pass_time(0.0)
    assert wire.sender.sent == Label(emotion="happy", confidence=0.88)


@given(st.floats(-1e9, SPACING_S))
def test_a_relay_that_asks_for_more_than_two_labels_a_second_does_not_get_them(heartbeat_s: float) -> None:
    sender = Sender()
    sender.opened(heartbeat_s)
    sender.observe(50.0, Reading("happy", 0.8))
    label = Label(emotion="happy", confidence=0.8)
    assert sender.take(50.0) == label
    assert sender.next(50.0) == (50.0 + SPACING_S, label)


@given(st.lists(st.floats(0, 100), max_size=20), st.floats(-1, 1e6), st.floats(0, 0.999))
def test_waits_are_bounded_and_honour_the_hint(lasted: list[float], hint: float, dice: float) -> None:
    backoff = Backoff(lambda: dice)
    for seconds in lasted:
        assert SHORTEST_WAIT_S <= backoff.wait(seconds) <= SHORTEST_WAIT_S + LONGEST_WAIT_S
    waited = backoff.wait(0.0, hint)
    assert min(max(hint, 0), LONGEST_HINT_S) * 0.5 <= waited <= LONGEST_HINT_S * 1.5


def test_waits_grow_until_a_connection_was_steady() -> None:
    backoff = Backoff(lambda: 0.5)
    waits = [backoff.wait(0.0) for _ in range(8)]
    assert waits == [1.5, 2.0, 3.0, 5.0, 9.0, 16.0, 16.0, 16.0]
    assert backoff.wait(STEADY_S - 1) == 16.0
    assert backoff.wait(STEADY_S) == 1.5


@pytest.mark.parametrize(
    ("hint", "chance", "wait"),
    [
        (20.0, 0.0, 10.0),
        (20.0, 0.5, 20.0),
        (20.0, 0.75, 25.0),
        (1000.0, 0.75, 1.25 * LONGEST_HINT_S),
        (1.0, 0.75, 1.25),
    ],
)
def test_a_relays_hint_is_spread_so_that_not_all_come_back_at_once(hint: float, chance: float, wait: float) -> None:
    dice = [chance, 0.0]  # the second is the backoff's own
    assert Backoff(lambda: dice.pop(0)).wait(0.0, hint) == wait


@pytest.mark.parametrize("hint", [(), (0.0,), (-5.0,), (math.nan,)])
def test_without_a_hint_the_wait_is_by_chance_alone(hint: tuple[float, ...]) -> None:
    dice = [0.75]
    assert Backoff(lambda: dice.pop()).wait(0.0, *hint) == 1.75


def test_a_minute_after_the_first_of_a_few_sentences_another_one_is_said() -> None:
    notes = Notes()
    assert all(notes.passes(10.0) for _ in range(MOST_NOTES))
    assert not notes.passes(10.0 + NOTES_S - 0.01)
    assert notes.passes(10.0 + NOTES_S)


@given(st.lists(st.floats(0, 20), max_size=80))
def test_of_what_a_relay_says_no_minute_has_more_than_a_few(gaps: list[float]) -> None:
    notes, time = Notes(), 0.0
    passed: list[float] = []
    for gap in gaps:
        time += gap
        left = sum(time - earlier < NOTES_S for earlier in passed) < MOST_NOTES
        assert notes.passes(time) == left
        passed += [time] * left


HINTS = st.one_of(st.just(0.0), st.just(math.nan), st.floats(-1e9, 0.1), st.just(-math.inf))


@given(st.lists(st.tuples(st.floats(0, STEADY_S), HINTS, st.floats(0, 0.999)), min_size=8, max_size=8))
def test_whatever_a_relay_says_it_gets_at_most_seven_connections_in_five_seconds(
    visits: list[tuple[float, float, float]],
) -> None:
    """Each visit: how long the relay kept us, its hint, and chance."""
    dice = 0.0
    backoff, now, connections = Backoff(lambda: dice), 0.0, []
    for lasted, hint, chance in visits:
        dice = chance
        connections.append(now)
        now += lasted + backoff.wait(lasted, hint)
    assert connections[7] - connections[0] > 5


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=400), st.floats(0, 20))
def test_the_relay_never_objects_to_taps(steps: list[tuple[float, bool]], stalled: float) -> None:
    """Beside as many labels as may be sent, and though the network holds all of them up for a while."""
    allowance, now, labelled = Allowance(), 0.0, -math.inf
    sent: list[tuple[float, float]] = []
    for gap, is_label in steps:
        now += gap / 100
        if is_label and now - labelled >= SPACING_S:
            labelled = now
            allowance.spend(now)
            sent.append((now, 1.0))
        elif allowance.tap(now):
            sent.append((now, TAP_COST))
    meter = Meter(0)
    assert all(meter.spend(max(time, stalled), cost) is not Pace.CLOSE for time, cost in sent)
    meter = Meter(0)
    assert all(meter.spend(time, cost) is Pace.FINE for time, cost in sent)


def test_fingers_are_not_slowed_down() -> None:
    allowance = Allowance()
    assert all(allowance.tap(time / 10) for time in range(1000))


@given(events, events, readings)
def test_nothing_that_is_seen_while_it_is_mute_is_ever_said(
    before: list[Event], meanwhile: list[Event], mine: Reading
) -> None:
    wire = play([*before, (0.0, "opened", None)])
    wire.sender.mute(math.inf)
    first = len(wire.sent)
    for gap, what, reading in meanwhile:
        wire.pass_time(gap)
        if what == "observe":
            wire.observe(reading)
        elif what == "opened":
            wire.open()
        else:
            wire.sender.closed()
    assert not [sent for sent in wire.sent[first:] if isinstance(sent.message, Label)]
    wire.open()
    wire.sender.mute(wire.now + 2)
    wire.observe(mine)
    wire.pass_time(1.9)
    assert not [sent for sent in wire.sent[first:] if isinstance(sent.message, Label)]
    wire.pass_time(0.2)
    wire.observe(mine)
    wire.pass_time(SPACING_S)
    assert isinstance(wire.sender.sent, Label)


def test_what_was_said_is_withdrawn_as_soon_as_it_is_mute() -> None:
    wire = play([(0.0, "opened", None), (0.0, "observe", Reading("happy", 0.9))])
    assert isinstance(wire.sender.sent, Label)
    wire.sender.mute(math.inf)
    wire.pass_time(0)
    assert isinstance(wire.sender.sent, Away)
