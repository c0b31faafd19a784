"""Countdowns, which measure the viewers' delay: each is shown to all of a channel, and who sees its zero taps."""

import time

import msgspec

from relay import protocol
from relay.cluster.peers import Published
from relay.core.countdown import Measurement, late_tap
from relay.live.connections import LiveChannel, Viewer, packet
from relay.live.fan_out import send_to_viewers
from relay.live.means import Means
from relay.live.members import Members
from relay.live.recorder import Recorder
from relay.protocol import Countdown, Crowd, Delay

_LATE_COUNTDOWN_S = 2.0
"""A countdown of another node is not followed if it is heard of so late, or the nodes' clocks differ by so much."""


class CountdownResult(msgspec.Struct, frozen=True, kw_only=True):
    """Of a countdown, as clients get it; docs/protocol.md has the words."""

    zero: float | None = None
    open_s: float = 0
    answers: int = 0
    median: float | None = None
    min_viewers: int
    crowd: Crowd


class Countdowns:
    """Those of all channels."""

    def __init__(self, means: Means, members: Members, recorder: Recorder) -> None:
        self._settings, self._clock, self._node = means.settings, means.clock, means.node
        self._members, self._recorder = members, recorder

    def last(self, name: str) -> Measurement | None:
        """The channel's last countdown, which may be over."""
        channel = self._members.channels.get(name)
        return channel.countdown if channel else None

    def result(self, name: str) -> CountdownResult:
        """What the channel's last countdown has measured so far."""
        values, last, now = self._settings, self.last(name), time.monotonic()
        if last is None:
            return CountdownResult(min_viewers=values.min_viewers, crowd=values.crowd)
        return CountdownResult(
            zero=last.event(now).zero,
            open_s=round(last.open_s(now), 1),
            answers=last.answers,
            median=None if last.median is None else round(last.median, 1),
            min_viewers=values.min_viewers,
            crowd=values.crowd,
        )

    def start(self, name: str, seconds: int) -> Countdown | None:
        """Begin to measure the viewers' delay; None while they may still answer to the last countdown."""
        channel, now = self._members.channel(name), time.monotonic()
        if channel.countdown and channel.countdown.open_s(now):
            return None
        self._recorder.use_delays(channel, now)
        countdown = Measurement(seconds, now, self._clock.at(now), self._settings.min_viewers)
        channel.count_down(countdown)
        event = countdown.event(now)
        self._show(channel, event)
        self._node.announce(Published(name, "countdown", protocol.encode(event)))
        return event

    def follow(self, channel: LiveChannel, event: Countdown) -> None:
        """Another node counts down: to the same zero, so that the viewers here can answer."""
        now, rest = time.monotonic(), event.zero - event.time
        if abs(self._clock.now() - event.time) < _LATE_COUNTDOWN_S:
            begun, unix = now + rest - event.seconds, event.zero - event.seconds
            channel.count_down(Measurement(event.seconds, begun, unix, self._settings.min_viewers))
            self._show(channel, event)

    def _show(self, channel: LiveChannel, countdown: Countdown) -> None:
        """Tell all of the channel, subscribers first: they show it."""
        news = packet(countdown)
        channel.publish(news)
        self._members.spawn(send_to_viewers(self._members, list(channel.viewers), channel, news.frame))

    def tap_zero(self, channel: LiveChannel, viewer: Viewer, now: float) -> Delay:
        """The viewer saw the zero at ``now``: its delay, once the countdown is over.

        Raises:
            TapError: too early or too late, or there was no countdown.
        """
        if channel.countdown is None:
            raise late_tap()
        delay = channel.measured[viewer] = channel.countdown.tap(viewer, viewer.member.network, now)
        return Delay(seconds=round(delay))
