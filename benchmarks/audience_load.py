"""The audience of ``benchmarks.telling``: one that changes at every tick, and one that rests. Orders as in ``load``.

How long a label takes is read off the counts of the moods, for each of thousands of labels. One viewer in ten is a
probe: all of them, one after the other, change to the first of three expressions that nobody else shows, then to the
second, then to the third, and again. So a mood's three counts say how many of the probes' labels it counts.
"""

import itertools
import json
import random
import statistics
import sys
import time
from functools import partial

import msgspec

from benchmarks.load import PING, PONG, TEXT, Generator, LoadClient, masked, serve
from relay.protocol import EXPRESSIONS

_EVERY = 10
"""One viewer in so many is a probe."""
_PROBED = ("disgust", "fear", "surprise")
_OTHERS = tuple(name for name in EXPRESSIONS if name not in _PROBED)
_LISTENERS = 16
"""So many viewers, who came first, read the moods; the others' are dropped unread."""
_FRAMES = {
    name: [
        masked(TEXT, json.dumps({"type": "label", "emotion": name, "confidence": percent / 100}).encode())
        for percent in range(50, 101)
    ]
    for name in EXPRESSIONS
}


class _Event(msgspec.Struct):
    """What is read of a message."""

    type: str
    counts: list[int] = []


_decode = msgspec.json.Decoder(_Event).decode


class MoodReader:
    """Somebody who reads moods: a subscriber or a viewer."""

    def __init__(self) -> None:
        self.counts = [0] * len(EXPRESSIONS)
        self.counted = 0
        """How many of the probes' labels the last mood counts."""
        self.moods = self.changes = 0
        """Moods that came, and those of them whose counts are others than those of the one before."""
        self.latencies: list[float] = []
        """Seconds from the sending of a label to the first mood that counts it."""
        self._unread = b""

    def take(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that are complete now, as kind and payload; a server's are not masked."""
        self._unread += data
        frames = []
        while len(self._unread) >= 4 or (len(self._unread) >= 2 and self._unread[1] < 126):
            length, begins = self._unread[1], 2
            if length == 126:
                length, begins = int.from_bytes(self._unread[2:4], "big"), 4
            if len(self._unread) < begins + length:
                break
            frames.append((self._unread[0], self._unread[begins : begins + length]))
            self._unread = self._unread[begins + length :]
        return frames


class AudienceGenerator(Generator):
    """The viewers are the ``clients``, and the ``subscribers`` are apart."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.subscribers: list[MoodReader] = []
        self.listeners: list[MoodReader] = []
        self._chance = random.Random(0)
        self._shown: list[str] = []
        """What each viewer said last."""
        self._probes = 0
        self._sent: list[float] = []
        """When each label of a probe was sent."""

    def subscribe(self, path: str, first: str) -> None:
        """One subscriber."""
        self._listen(self.open([path], first)[0], self.subscribers)

    def grow(self, path: str, count: int, first: str) -> None:
        """Open connections until there are ``count`` viewers."""
        self.talk = None
        self.connect(path, count - len(self.clients), first)
        for client in self.clients[len(self.listeners) : _LISTENERS]:
            self._listen(client, self.listeners)
        while len(self._shown) < count:
            self._shown.append(self._chance.choice(_OTHERS))

    def sway(self, per_second: float) -> None:
        """From now on each viewer sends so many labels a second, and what they show changes."""
        count = len(self.clients)
        self._probes, self._sent = count // _EVERY, []
        for number, shown in enumerate(self._shown):
            self._show(number, _PROBED[2] if number % _EVERY == 0 else shown)
        self.loop(lambda: self.subscribers[0].counts[EXPRESSIONS.index(_PROBED[2])] == self._probes)
        for listener in itertools.chain(self.subscribers, self.listeners):
            listener.counted = 0
        self.talk_evenly(count * per_second, partial(self._sway, count))

    def rest(self, per_second: float) -> None:
        """From now on each viewer repeats what it shows so many times a second; the first time at once."""
        count = len(self.clients)
        self._probes = 0
        for number, shown in enumerate(self._shown):
            self._show(number, shown)
        self.talk_evenly(count * per_second, lambda turn: self._show(turn % count, self._shown[turn % count]))

    def measure(self, seconds: float) -> dict[str, float]:
        """What is told in so many seconds.

        Returns: ``p50``, ``p99`` (label to mood, of the subscriber) and ``viewer_p50``, ``viewer_p99``, in seconds, NaN
        where no such mood came; ``moods`` a viewer gets a second; ``changed``: the share of the subscriber's moods that
        differ from the one before.
        """
        everyone = [*self.subscribers, *self.listeners]
        for one in everyone:
            one.latencies, one.moods, one.changes = [], 0, 0
        self.wait(seconds)
        found: dict[str, float] = {}
        for name, group in (("", self.subscribers), ("viewer_", self.listeners)):
            latencies = [latency for one in group for latency in one.latencies]
            cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [float("nan")] * 99
            found |= {f"{name}p50": cuts[49], f"{name}p99": cuts[98]}
        told = max(1, sum(one.moods for one in self.subscribers))
        return found | {
            "moods": sum(one.moods for one in self.listeners) / len(self.listeners) / seconds,
            "changed": sum(one.changes for one in self.subscribers) / told,
        }

    def _show(self, number: int, shown: str) -> None:
        self._shown[number] = shown
        self.send(self.clients[number], self._chance.choice(_FRAMES[shown]))

    def _sway(self, count: int, turn: int) -> None:
        number = turn % count
        if number % _EVERY or number // _EVERY >= self._probes:
            self._show(number, self._chance.choice(_OTHERS))
        else:
            self._show(number, _PROBED[len(self._sent) // self._probes % 3])
            self._sent.append(time.perf_counter())

    def _listen(self, connection: LoadClient, group: list[MoodReader]) -> None:
        listener = MoodReader()
        group.append(listener)

        def hear(connection: LoadClient, data: bytes) -> None:
            now = time.perf_counter()
            for kind, payload in listener.take(data):
                if kind == PING:
                    self.send(connection, masked(PONG, payload))
                elif kind == TEXT and (event := _decode(payload)).type == "mood":
                    self._heard(listener, event.counts, now)

        connection.hear = hear

    def _heard(self, listener: MoodReader, counts: list[int], now: float) -> None:
        listener.moods += 1
        listener.changes += counts != listener.counts
        listener.counts = counts
        if self._probes and self._sent:
            before = listener.counted
            listener.counted = min(counted(counts, self._probes, before), len(self._sent))
            listener.latencies += [now - sent for sent in self._sent[before : listener.counted]]


def counted(counts: list[int], probes: int, before: int) -> int:
    """How many of the probes' labels a mood counts, given how many the one before did, at most two rounds ago.

    In each round all probes change to the next of three expressions. Nobody shows the one whose turn is next, but for a
    few whose labels overtook others.
    """
    first, second, third = (counts[EXPRESSIONS.index(name)] for name in _PROBED)
    least = min(first, second, third)
    phase = first if second == least else probes + second if third == least else 2 * probes + third
    more = (phase - before) % (3 * probes)
    return before + more if more <= 2 * probes else before


if __name__ == "__main__":
    serve(AudienceGenerator(sys.argv[1], int(sys.argv[2])))
