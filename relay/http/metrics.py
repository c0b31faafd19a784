"""``GET /metrics``: the relay's own figures in Prometheus' text format. None of them tells of a viewer or a channel."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from relay import protocol
from relay.cluster.node import Node, Standing
from relay.http.admission import GATE
from relay.live.counters import METRICS
from relay.live.hub import Hub
from relay.store.channels import Channels
from relay.store.history import History
from relay.workers.figures import TELL_S, Board, Family, Sample, WorkerFigures, is_silent, merged
from relay.workers.seat import Seat

_MEASURE_S = 15.0
"""What others are told of this process is as old as this at most: counting its descriptors takes milliseconds."""

Value = float | Mapping[tuple[str, ...], float]
"""Of a metric: one number, or one for each value of its labels."""


def registry(channels: Channels, hub: Hub, history: History, node: Node, version: str) -> CollectorRegistry:
    """What this process counts, read from its parts when it is asked for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Relay(lambda: _values(channels, hub, history, version) | _of_cluster(node.standing)))
    registry.register(hub.counts.tick)
    registry.register(hub.counts.tell)
    registry.register(hub.counts.late)
    registry.register(hub.counts.merge)
    return registry


def _values(channels: Channels, hub: Hub, history: History, version: str) -> dict[str, Value]:
    counts = hub.counts
    totals = hub.members.totals()
    return {
        "moodcast_build_info": {(version,): 1},
        "moodcast_viewers": totals.viewers,
        "moodcast_subscribers": totals.subscribers,
        "moodcast_channels": len(channels),
        "moodcast_channels_live": totals.channels,
        "moodcast_sessions": totals.sessions,
        "moodcast_viewers_shown": totals.shown,
        "moodcast_viewers_looking": totals.lookers,
        "moodcast_workers": {},  # is added where there are several
        "moodcast_workers_silent": {},
        "moodcast_draining": int(hub.come_back_s is not None),
        "moodcast_viewers_joined_total": counts.viewers,
        "moodcast_subscribers_joined_total": counts.subscribers,
        "moodcast_labels_total": counts.labels,
        "moodcast_taps_total": counts.taps,
        "moodcast_frames_refused_total": _by_code(counts.frames_refused),
        "moodcast_closes_total": _by_code(counts.closes),
        "moodcast_requests_refused_total": _by_code(counts.requests_refused),
        "moodcast_connections_put_out_total": counts.put_out,
        "moodcast_tickets_issued_total": counts.tickets_issued,
        "moodcast_tickets_refused_total": _by_code(counts.tickets_refused),
        "moodcast_history_waiting_rows": history.waiting,
        "moodcast_history_written_rows_total": history.written,
        "moodcast_history_dropped_rows_total": history.dropped,
        "moodcast_history_warning": int(bool(history.warning)),
    }


def _of_cluster(standing: Standing | None) -> dict[str, Value]:
    """Without a cluster there is nothing to tell: no alert waits for nodes that are not meant to be."""
    return {
        "moodcast_cluster_nodes": standing.nodes if standing else {},
        "moodcast_cluster_nodes_missing": standing.missing if standing else {},
        "moodcast_cluster_report_age_seconds": standing.report_age_s if standing else {},
        "moodcast_cluster_partial": int(standing.is_partial) if standing else {},
        "moodcast_cluster_connected": int(standing.is_connected) if standing else {},
        "moodcast_cluster_rejected_total": standing.rejected if standing else {},
    }


def _by_code(counts: Mapping[int, int]) -> dict[tuple[str, ...], float]:
    """Every code that was counted; names come from the protocol's table."""
    names = {code.number: code.name for code in protocol.CODES}
    return {(str(number), names[number]): count for number, count in counts.items()}


class _Relay(Collector):
    """The rows of the table but the histograms, which the library keeps by itself."""

    def __init__(self, values: Callable[[], Mapping[str, Value]]) -> None:
        self._values = values

    def collect(self) -> Iterable[Metric]:
        values = self._values()
        for row in METRICS:
            if row.kind == "histogram":
                continue
            family = (CounterMetricFamily if row.kind == "counter" else GaugeMetricFamily)(
                row.name, row.text, labels=row.labels
            )
            for labels, value in _series(values[row.name]):
                family.add_metric(labels, value)
            yield family


def _series(value: Value) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(value, Mapping):
        yield from value.items()
    else:
        yield (), value


class Reports(CollectorRegistry):
    """The metrics of a relay: of this process, or where it is one of several, of all of them."""

    def __init__(self, own: CollectorRegistry, hub: Hub, history: History, seat: Seat | None) -> None:
        super().__init__(auto_describe=False)
        self._own, self._hub, self._history, self._seat = own, hub, history, seat
        self._process = ProcessCollector(registry=None)
        self._of_process: list[Family] = []
        self._measured_at = -math.inf
        self._board = Board(seat) if seat else None
        self._heard: dict[int, WorkerFigures] = {}
        """What the others had told when it was looked at last."""

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For aiohttp's ``cleanup_ctx``: the other workers are told."""
        telling = asyncio.create_task(self._tell_forever(self._board), name="figures") if self._board else None
        yield
        if telling:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    def history_warning(self) -> str:
        """A sentence while the database refuses; only the worker that writes notices."""
        others = self._present(self._heard).values()
        return self._history.warning or next((one.history for one in others if one.history), "")

    def workers(self) -> dict[str, int]:
        """How many processes are the relay, and how many of them are silent; empty where it is this one alone."""
        if self._seat is None:
            return {}
        return {"workers": self._seat.of, "silent": self._seat.of - 1 - len(self._present(self._heard))}

    def collect(self) -> Iterator[Metric]:
        if self._board is None or self._seat is None:
            yield from self._own.collect()
            yield from self._process.collect()
            return
        # First told and then shown, so that nothing is shown that would be forgotten if this process died now.
        self._measure()
        told = {self._seat.number: self._tell(self._board), **self._board.others()}
        present = self._present(told)
        added = {
            "moodcast_workers": len(present),
            "moodcast_workers_silent": self._seat.of - len(present),
            "moodcast_channels_live": len(frozenset().union(*(figures.channels for figures in present.values()))),
        }
        for family in merged(told, time.monotonic()):
            metric = Metric(family.name, family.text, family.kind)
            for sample in family.samples:
                metric.add_sample(sample.name, dict(sample.labels), sample.value)
            if family.name in added:
                metric.samples.clear()
                metric.add_sample(family.name, {}, added[family.name])
            yield metric

    @staticmethod
    def _present(told: Mapping[int, WorkerFigures]) -> dict[int, WorkerFigures]:
        """Those of the workers that told lately."""
        return {number: figures for number, figures in told.items() if not is_silent(figures, time.monotonic())}

    async def _tell_forever(self, board: Board) -> None:
        while True:
            if time.monotonic() - self._measured_at >= _MEASURE_S:
                self._measure()
            self._tell(board)
            self._heard = board.others()
            await asyncio.sleep(TELL_S)

    def _measure(self) -> None:
        self._of_process = [_family(metric) for metric in self._process.collect()]
        self._measured_at = time.monotonic()

    def _tell(self, board: Board) -> WorkerFigures:
        channels = self._hub.members.channels.items()
        present = frozenset(name for name, channel in channels if channel.viewers or channel.subscribers)
        families = [_family(metric) for metric in self._own.collect()] + self._of_process
        return board.tell(WorkerFigures(time.monotonic(), families, present, self._history.warning))


_TOGETHER = {row.name.removesuffix("_total"): row.together for row in METRICS}


def _family(metric: Metric) -> Family:
    samples = [Sample(sample.name, tuple(sample.labels.items()), sample.value) for sample in metric.samples]
    return Family(metric.name, metric.documentation, metric.type, _TOGETHER.get(metric.name), samples)


REPORTS = web.AppKey("reports", Reports)


async def metrics(request: web.Request) -> web.Response:
    """The figures, for this machine and for who has the metrics key."""
    elsewhere = (
        "Metrics are read on the relay's own machine, where no proxy or name is declared (--proxies, --hosts); a relay "
        "with --metrics-key also shows them to who sends the header `Authorization: Bearer KEY`."
    )
    request.app[GATE].require_owner(request, "metrics", elsewhere)
    encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
    return web.Response(body=encode(request.app[REPORTS]), headers={hdrs.CONTENT_TYPE: content_type})


def markdown() -> str:
    """The table of metrics for the docs."""
    rows = ["| metric | kind | labels | what it tells |", "|---|---|---|---|"]
    rows += [
        f"| `{row.name}` | {row.kind} | {', '.join(f'`{label}`' for label in row.labels)} | {row.text} |"
        for row in METRICS
    ]
    return "\n".join(rows) + "\n"
