"""What the relay counts about itself: the table of its metrics, and the counts behind them.

Plain attributes, since the way of a label has no time for more: ``counts.labels += 1`` is all that a label pays.
``relay.http.metrics`` shows them to who asks.
"""

import asyncio
import logging
from collections import Counter
from typing import Literal, NamedTuple

from prometheus_client import Histogram

from relay.protocol import CODES, Code
from relay.workers.figures import Together

log = logging.getLogger(__name__)

_TICK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds in seconds."""


class Metric(NamedTuple):
    """A row of the table. Counters count from the relay's start on; ``labels`` tell a metric's series apart."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...] = ()
    together: Together = "sum"
    """What it is of a relay of several workers."""


_BY_CODE = ("code", "name")
"""Labels of what is counted per code: its number and name in the protocol's table of codes."""

_CLUSTER = " Told by nodes of a cluster alone."
_OF_WORKERS = " Told with `--processes` alone."

METRICS = (
    Metric("moodcast_build_info", "gauge", "Always 1; the label says which version runs.", ("version",), "max"),
    Metric("moodcast_viewers", "gauge", "Viewers who are connected and said hello."),
    Metric("moodcast_subscribers", "gauge", "Subscribers (overlays, OBS, dashboards) who are connected."),
    Metric("moodcast_channels", "gauge", "Channels that exist.", together="max"),
    Metric("moodcast_channels_live", "gauge", "Channels with a viewer or a subscriber."),
    Metric("moodcast_sessions", "gauge", "Sessions that run."),
    Metric("moodcast_viewers_shown", "gauge", "Viewers who chose to be shown to the others."),
    Metric("moodcast_viewers_looking", "gauge", "Viewers who have the grid of those open."),
    Metric(
        "moodcast_draining", "gauge", "1 while the relay says goodbye and takes no one new, else 0.", together="max"
    ),
    Metric("moodcast_workers", "gauge", "Processes that are the relay and tell how they are." + _OF_WORKERS),
    Metric("moodcast_workers_silent", "gauge", "Those that tell nothing: ended, frozen, or too busy." + _OF_WORKERS),
    Metric("moodcast_viewers_joined_total", "counter", "Viewers who joined."),
    Metric("moodcast_subscribers_joined_total", "counter", "Subscribers who were let in."),
    Metric("moodcast_labels_total", "counter", "Labels taken."),
    Metric("moodcast_taps_total", "counter", "Taps taken."),
    Metric("moodcast_frames_refused_total", "counter", "Frames answered with an error or a close.", _BY_CODE),
    Metric("moodcast_closes_total", "counter", "Connections that the relay ended with a goodbye.", _BY_CODE),
    Metric("moodcast_requests_refused_total", "counter", "HTTP requests answered with an error.", _BY_CODE),
    Metric(
        "moodcast_connections_put_out_total", "counter",
        "Connections of neither a viewer nor a subscriber that were closed to make room for new ones.",
    ),
    Metric("moodcast_tickets_issued_total", "counter", "Viewer tickets issued."),
    Metric("moodcast_tickets_refused_total", "counter", "Viewer tickets asked for and not given.", _BY_CODE),
    Metric(
        "moodcast_tick_seconds", "histogram",
        "How long a tick takes: all channels summed up, and their mood sent to all subscribers.",
    ),
    Metric(
        "moodcast_tell_seconds", "histogram",
        "How long it takes to send the mood to those viewers whose turn it is; labels and subscribers come first.",
    ),
    Metric("moodcast_tick_late_seconds", "histogram", "How much later than planned a tick begins."),
    Metric("moodcast_history_waiting_rows", "gauge", "Changes that wait for the database."),
    Metric("moodcast_history_written_rows_total", "counter", "Changes that the database took."),
    Metric(
        "moodcast_history_dropped_rows_total", "counter",
        "Changes given up: the database refused for long, or another node of the cluster held the lease.",
    ),
    Metric(
        "moodcast_history_warning", "gauge",
        "1 while the database refuses, and the history is not stored, else 0.", together="max",
    ),
    Metric(
        "moodcast_cluster_nodes", "gauge", "Nodes of the cluster that are heard, this one included." + _CLUSTER,
        together="max",
    ),
    Metric(
        "moodcast_cluster_nodes_missing", "gauge",
        "Nodes that went silent within the last minute without a goodbye." + _CLUSTER, together="max",
    ),
    Metric(
        "moodcast_cluster_report_age_seconds", "gauge",
        "Merge lag: the age of the oldest report of another node that counts." + _CLUSTER, together="max",
    ),
    Metric(
        "moodcast_cluster_merge_seconds", "histogram",
        "How long reading and adding up the other nodes' reports takes for a tick; 0 without a cluster.",
    ),
    Metric(
        "moodcast_cluster_partial", "gauge",
        "1 while the mood is that of a part of the audience, since nodes or Redis are missing, else 0." + _CLUSTER,
        together="max",
    ),
    Metric(
        "moodcast_cluster_connected", "gauge", "1 while Redis passes messages on, else 0." + _CLUSTER, together="min"
    ),
    Metric(
        "moodcast_cluster_rejected_total", "counter",
        "Reports and other messages of nodes, or parts of them, that could not be understood." + _CLUSTER,
    ),
)  # fmt: skip


class Counters:
    """What was counted since the start. Keys of the tables are numbers of ``protocol.CODES``."""

    __slots__ = (
        "closes", "frames_refused", "labels", "late", "merge", "put_out", "requests_refused", "subscribers", "taps",
        "tell", "tick", "tickets_issued", "tickets_refused", "viewers",
    )  # fmt: skip

    def __init__(self) -> None:
        self.labels = 0
        self.taps = 0
        self.viewers = 0
        self.subscribers = 0
        self.put_out = 0
        self.tickets_issued = 0
        self.tickets_refused: Counter[int] = Counter()
        self.frames_refused: Counter[int] = Counter()
        self.closes: Counter[int] = Counter()
        self.requests_refused: Counter[int] = Counter()
        self.tick = _histogram("moodcast_tick_seconds")
        self.tell = _histogram("moodcast_tell_seconds")
        self.late = _histogram("moodcast_tick_late_seconds")
        self.merge = _histogram("moodcast_cluster_merge_seconds")

    def refuse_frame(self, code: Code) -> None:
        """Count a client's frame that meant nothing or was too much."""
        self.frames_refused[code.number] += 1

    def refusals(self) -> Counter[str]:
        """Closes and refused requests together, by the code's name; and who was put out."""
        names = {code.number: code.name for code in CODES}
        found = {names[number]: count for number, count in (self.closes + self.requests_refused).items()}
        return Counter(found | {"put_out": self.put_out})


async def log_refusals(counts: Counters, every_s: float) -> None:
    """Log who was turned away, as numbers: a line for each would be a flood, and tell about people."""
    before: Counter[str] = Counter()
    while True:
        await asyncio.sleep(every_s)
        now = counts.refusals()
        if new := now - before:
            log.info("refused", extra={"seconds": every_s, **new})
        before = now


def _histogram(name: str) -> Histogram:
    text = next(metric.text for metric in METRICS if metric.name == name)
    return Histogram(name, text, buckets=_TICK_BUCKETS, registry=None)  # each relay has a registry of its own
