"""What a node's core is used for, one by one, on this machine: for ``benchmarks.cluster`` and ``benchmarks.hot``."""

import asyncio
import random
import statistics
import tempfile
import time
from typing import NamedTuple

from redis import Redis

from benchmarks.relay import HELLO, LABELS, Load, RelayProcess, remark
from benchmarks.telling import MOOD_BYTES
from relay.cluster.bus import Bus
from relay.cluster.peers import Activity, Identity, Peers, encode_report
from relay.core.audience import Member
from relay.core.channel import Channel
from relay.core.snapshot import AGES, Share, Snapshot
from relay.live.connections import packet
from relay.protocol import EXPRESSIONS, LABEL_TTL_S
from tests.redis_server import RedisServer

TICK_S = 0.25
LABELS_PER_S = 0.5
"""Of a viewer: changes of expression, and the heartbeat between them."""
PLAN_DELAYS = 30
"""Different delays in a large audience: more than that few have."""


def audience(number: int, delays: int, node: int = 0) -> Snapshot:
    """A channel on one node: some hundred viewers, of networks that no other node has."""
    networks = [b"%04d%04d" % (node, (5 * number + place) % 10_000) for place in range(5)]
    shares = tuple(
        Share(2 * delay, AGES[-1], 60, (3, 1, 2, 20, 4, 5, 20 + number % 5), tuple(networks)) for delay in range(delays)
    )
    changed = [tuple(networks[:3]) if count else () for count in (0, 0, 0, 5, 0, 2, 0)]
    return Snapshot(shares, (0, 0, 0, 5, 0, 2, 0), tuple(changed), (3, 0, 1, 0, 0))


class Costs(NamedTuple):
    """CPU seconds of a node's core."""

    label: float
    mood: float
    """To a viewer."""
    join: float
    """Of a viewer: connection, handshake and hello."""
    tick: float
    """With the report, and the merging of the others'."""
    message: float
    """Of a report that is sent and heard again, and ..."""
    heard: float
    """... of one of another node."""


def measure(viewers: int, nodes: int) -> Costs:
    """``viewers``: of a node; the relay is measured with 8,000 at most, as a process may not open many more files."""
    tick = _tick(viewers, nodes)
    message, heard = asyncio.run(_messages())
    costs = Costs(*_relay(min(viewers, 8000), tick), tick, message, heard)
    print(
        f"Measured: a label {costs.label * 1e6:.1f} us, a mood to a viewer {costs.mood * 1e6:.1f} us, a join "
        f"{costs.join * 1e6:.0f} us, a tick {costs.tick * 1e3:.2f} ms, a report sent {costs.message * 1e6:.0f} us, "
        f"one heard {costs.heard * 1e6:.0f} us"
    )
    return costs


def _relay(viewers: int, tick: float, seconds: float = 5) -> tuple[float, float, float]:
    """A label, a mood and a join: of an audience that sends four times as many labels and is told as many moods."""
    with tempfile.TemporaryDirectory() as folder, RelayProcess(folder) as relay, Load(relay.port) as load:
        load.do("connect", path="/v1/channels/bench/viewer", count=viewers // 4, first=HELLO)
        load.do("wait", seconds=1)
        before, more = relay.cpu, viewers - viewers // 4
        load.do("connect", path="/v1/channels/bench/viewer", count=more, first=HELLO)
        join = (relay.cpu - before) / more
        used, moods = [], []
        for rate in (LABELS_PER_S, 4 * LABELS_PER_S):
            load.do("chat", frames=LABELS, per_second=rate)
            load.do("wait", seconds=2)
            before = relay.cpu
            answer = load.do("wait", seconds=seconds)
            used.append((relay.cpu - before) / seconds / viewers)
            moods.append(answer["received"] / MOOD_BYTES / seconds / viewers)
            print(f"  {viewers:,} viewers, {rate:g} labels and {moods[-1]:.2f} moods a viewer and second: ", end="")
            print(f"{used[-1] * viewers:.1%} of a core{remark(answer)}")
    # Two equations: what is used is labels and moods, and the ticks.
    ticks, fast = tick / TICK_S / viewers, 4 * LABELS_PER_S
    label = ((used[1] - ticks) * moods[0] - (used[0] - ticks) * moods[1]) / (fast * moods[0] - LABELS_PER_S * moods[1])
    return label, (used[0] - ticks - LABELS_PER_S * label) / moods[0], join


def _tick(viewers: int, nodes: int, ticks: int = 40) -> float:
    """Of one channel."""
    chance, channel = random.Random(0), Channel("hot", 5, LABEL_TTL_S)
    members = [Member() for _ in range(viewers)]
    for number, member in enumerate(members):
        channel.join(member, number % PLAN_DELAYS, 0.0)
        channel.label(member, chance.choice(EXPRESSIONS), 0.0)
    here = Peers(Identity("here", 1), 3.0, 5)
    costs = []
    for number in range(ticks):
        now = number * TICK_S
        for member in chance.sample(members, round(viewers * LABELS_PER_S * TICK_S)):
            channel.label(member, chance.choice(EXPRESSIONS), now)
        others = [
            encode_report(f"node{node}", 1, number, {"hot": Activity(audience(number, PLAN_DELAYS, node))}, 5)
            for node in range(1, nodes)
        ]
        began = time.process_time()
        for report in others:
            here.receive(report[0], now)
        here.tick(now)
        own = channel.snapshot(now)
        channel.tick(whole := here.whole("hot", own), now, now)
        if number % 4 == 0:
            assert whole.shares  # for the history
        packet(channel.mood)
        here.report(number, {"hot": Activity(own)})
        costs.append(time.process_time() - began)
    return statistics.mean(costs[ticks // 4 :])


async def _messages(rounds: int = 400, pause: float = 0.005) -> tuple[float, float]:
    """Sending a report and hearing it again, and hearing one of another node: what the loop's thread uses."""
    report = Peers(Identity("node", 1), 3.0, 5).report(1, {"hot": Activity(audience(1, PLAN_DELAYS))})
    with RedisServer.started() as redis:
        bus, other = Bus(redis.url, "hot", 3.0, lambda data: None), Redis.from_url(redis.url)
        while not bus.connected.is_set():
            bus.put_state(report)
            await asyncio.sleep(pause)

        def publish() -> None:
            for _ in range(rounds):
                other.publish("hot", report[0])
                time.sleep(pause)

        began = time.thread_time()
        await asyncio.to_thread(publish)
        heard = time.thread_time() - began
        began = time.thread_time()
        for _ in range(rounds):
            bus.put_state(report)
            await asyncio.sleep(pause)
        sent = time.thread_time() - began
        await bus.stop(b"")
        other.close()
    return sent / rounds, heard / rounds
