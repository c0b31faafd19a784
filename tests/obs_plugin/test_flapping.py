"""Eight hours of a relay that comes and goes, in fast motion: the link's own loop on a clock that the test turns."""

import math
import threading
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_link as link

SHOW_S = 8 * 3600.0
TICK_S = 1.0
MOOD = core.message_of("mood", '{"type":"mood","seq":1,"time":1.5,"viewers":9,"sharing":8,"visible":true}')


class Clock:
    """Stands in for the link's ``time`` and for its event that says stop: whoever waits turns it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ends = self.now + SHOW_S

    def monotonic(self) -> float:
        return self.now

    def is_set(self) -> bool:
        return self.now >= self.ends

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.is_set()

    def set(self) -> None:
        self.now = self.ends


class Asleep(threading.Thread):
    """A thread that is never run: the test runs the link's loop itself."""

    def start(self) -> None:
        pass


class Show:
    """A relay that is up and down in turn, a link to it, and the script's page.

    Args:
        turns: seconds up and seconds down, again and again.
        asked: seconds that the relay asks to wait when it goes.
        taken: whether somebody takes the messages, as the script's timer does.
    """

    def __init__(self, turns: list[tuple[float, float]], asked: float = 0.0, taken: bool = True) -> None:
        self.clock = Clock()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(link.threading, "Thread", Asleep)
            self.link = link.Link(core.Settings("http://127.0.0.1:8765", "demo", "key-1", 0, 0))
        self.link._stop = self.clock  # type: ignore[assignment]
        self.link._subscribe = self._subscribe  # type: ignore[method-assign]
        self._turns, self._asked, self._taken = turns, asked, taken
        self._period = sum(up + down for up, down in turns)
        self._doubt = core.PageDoubt()
        self.attempts: list[float] = []
        self.late: list[float] = []
        self.reloads = 0
        self.most_waiting = 0
        self._was_down_until = -math.inf
        self.memory: list[int] = []

    def run(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(link, "time", self.clock)
            self.link._follow()

    def _until(self, now: float) -> tuple[bool, float]:
        """Whether the relay is up at a moment, and until when it stays as it is."""
        at = now - now % self._period
        for up, down in self._turns:
            for state, seconds in ((True, up), (False, down)):
                at += seconds
                if now < at:
                    return state, at
        return True, at + self._turns[0][0]  # a rounding error before the next round

    def _subscribe(self) -> None:
        now = self.clock.now
        self.attempts.append(now)
        is_up, until = self._until(now)
        if not is_up:
            self._was_down_until = until
            self._settle("retrying")
            raise ConnectionRefusedError(111, "Connection refused")
        if self._was_down_until > 0:
            self.late.append(now - self._was_down_until)
        self.link._say("connected", "Connected.")
        while self.clock.now < until and not self.clock.is_set():
            assert MOOD is not None
            self.link._take(MOOD)
            self._settle("connected")
            self.clock.now += TICK_S
        self._was_down_until = self._until(max(self.clock.now, until))[1]
        if self._asked:
            raise core.farewell(self.link.settings, {"code": 4503, "message": "later", "retry_after_s": self._asked})
        raise ConnectionResetError(104, "Connection reset by peer")

    def _settle(self, state: str) -> None:
        """What the script's timer does with it."""
        self.reloads += self._doubt.settle("http://127.0.0.1:8765/overlay?channel=demo", state)
        self.most_waiting = max(self.most_waiting, len(self.link._messages))
        if self._taken:
            self.link.take()
        if tracemalloc.is_tracing():
            self.memory.append(tracemalloc.get_traced_memory()[0])


durations = st.tuples(st.floats(0.5, 900), st.floats(0.5, 900))


@settings(max_examples=20)
@given(st.lists(durations, min_size=1, max_size=6), st.sampled_from([0.0, 1.0, 7.0]))
def test_a_relay_that_comes_and_goes_for_a_whole_show_is_found_each_time_and_never_flooded(
    turns: list[tuple[float, float]], asked: float
) -> None:
    show = Show(turns, asked)
    show.run()
    gaps = [later - earlier for earlier, later in zip(show.attempts, show.attempts[1:], strict=False)]
    assert min(gaps) >= core.FIRST_WAIT_S / 2
    assert all(late <= max(core.LONGEST_WAIT_S, asked) for late in show.late), "back within three seconds of the relay"
    assert show.reloads <= 1, "a page is loaded again once at most, whatever the relay does later"
    assert show.most_waiting <= 256


def test_a_relay_that_flaps_every_second_is_asked_twice_in_five_seconds_at_most() -> None:
    show = Show([(1.0, 1.0)])
    show.run()
    assert len(show.attempts) <= SHOW_S / 5 * 4
    assert show.reloads <= 1


def test_nobody_who_takes_the_messages_costs_no_memory_and_the_newest_stay() -> None:
    show = Show([(100.0, 5.0)], taken=False)
    tracemalloc.start()
    try:
        show.run()
    finally:
        tracemalloc.stop()
    assert show.most_waiting == 256
    early, late = show.memory[len(show.memory) // 8], show.memory[-1]
    own = 64 * len(show.memory)  # the test's own list of numbers
    assert late - early < own + 100_000
    messages = show.link.take()
    assert [message.kind for message in messages] == ["mood"] * 256
