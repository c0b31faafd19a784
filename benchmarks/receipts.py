"""The audience of ``benchmarks.anchors``: when did each connection get each event? Orders as in ``load``."""

import http.client
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks.load import TEXT, Generator, LoadClient, masked, serve

_STAMP, _MOOD = b'"time":', b'{"type":"mood"'
_LOST_S = 10.0
"""An event that has not come to all by then does not come."""


class Receipts(Generator):
    """The listeners are the ``clients``."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._offered = b""
        self._publisher: LoadClient | None = None

    def offer_compression(self) -> None:
        """From now on connections offer what browsers offer (RFC 7692)."""
        self._offered = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

    def by_socket(self, path: str, events: list[str], gap_s: float) -> dict[str, Any]:
        """Publish events over a WebSocket, ``gap_s`` seconds after each other."""
        publisher = self._publisher = self._publisher or self.open([path], events[0])[0]
        frames = [masked(TEXT, event.encode()) for event in events]
        return self._published([partial(self.send, publisher, frame) for frame in frames], lambda: None, gap_s)

    def by_http(self, path: str, bodies: list[str], gap_s: float) -> dict[str, Any]:
        """Publish by posts of JSON over one connection, ``gap_s`` seconds after each other."""
        api = http.client.HTTPConnection(self.host, self.port)
        headers = {"Content-Type": "application/json"}
        posts = [partial(api.request, "POST", path, body, headers) for body in bodies]
        return self._published(posts, lambda: _accepted(api.getresponse()), gap_s)

    def ticks(self, seconds: float) -> dict[str, Any]:
        """Take the moods that a relay publishes by itself: each says when that was. Returns ``events``, too: them."""
        latencies: list[float] = []
        events: dict[bytes, str] = {}
        took = 0

        def hear(_: LoadClient, data: bytes) -> None:
            nonlocal took
            now = time.time()
            took += len(data)
            mood = data.rfind(_MOOD)
            ends = data.find(b"}", mood) + 1  # there is no object in a mood
            if mood >= 0 and ends:
                begins = data.index(_STAMP, mood) + len(_STAMP)
                stamp = data[begins : data.index(b",", begins)]
                latencies.append(now - float(stamp))
                if stamp not in events:
                    events[stamp] = data[mood:ends].decode()

        self._all_hear(hear)
        self.wait(seconds)
        self._all_hear(None)
        return _found(latencies, took) | {"events": list(events.values())}

    def _published(self, posts: Sequence[Callable[[], None]], answer: Callable[[], None], gap: float) -> dict[str, Any]:
        latencies: list[float] = []
        waiting: set[LoadClient] = set()
        took, begun = 0, 0.0

        def hear(client: LoadClient, data: bytes) -> None:
            nonlocal took
            took += len(data)
            if not data:  # the server ended it
                self.clients.remove(client)
                waiting.discard(client)
            elif client in waiting:
                waiting.remove(client)
                latencies.append(time.perf_counter() - begun)

        self.wait(gap)  # what was said in reply to connecting has come by then
        self._all_hear(hear)
        for post in posts:
            waiting.update(self.clients)
            begun = time.perf_counter()
            post()
            self._until(waiting, begun + _LOST_S)
            answer()
            self.wait(max(0.0, begun + gap - time.perf_counter()))
        self._all_hear(None)
        return _found(latencies, took)

    def _until(self, waiting: set[LoadClient], deadline: float) -> None:
        self.loop(lambda: not waiting or time.perf_counter() > deadline)
        if waiting:
            raise SystemExit(f"{len(waiting)} of {len(self.clients)} connections did not get an event")

    def _all_hear(self, hear: Callable[[LoadClient, bytes], None] | None) -> None:
        for client in self.clients:
            client.hear = hear

    def _request(self, path: str) -> bytes:
        return super()._request(path)[: -len(b"\r\n")] + self._offered + b"\r\n"


def _accepted(answer: http.client.HTTPResponse) -> None:
    text = answer.read().decode(errors="replace")
    if answer.status != 200 or '"error"' in text:
        raise SystemExit(f"the server refused an event: {answer.status} {text[:200]}")


def _found(latencies: list[float], took: int) -> dict[str, Any]:
    """``receipts``, the bytes of each, and ``p50`` and ``p99`` of the seconds from publication to receipt."""
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {"receipts": len(latencies), "bytes": took / len(latencies), "p50": cuts[49], "p99": cuts[98]}


if __name__ == "__main__":
    serve(Receipts(sys.argv[1], int(sys.argv[2])))
