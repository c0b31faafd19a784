"""What the grid costs a relay: ``python -m benchmarks.grid [--viewers 10000]``.

First a tick of one channel in the pure core: without the grid, with it allowed and nobody shown, and with everybody
shown. Then a relay in a process of its own, all of whose viewers are shown: while nobody has the grid open, and while
everybody has.
"""

import argparse
import asyncio
import statistics
import tempfile
import time

from benchmarks import machine
from benchmarks.relay import LABELS, Load, RelayProcess, remark
from relay import protocol
from relay.core.audience import Member
from relay.core.channel import Channel
from relay.core.grid import Hidden
from relay.protocol import EXPRESSIONS, LABEL_TTL_S, Hello, LookMessage, Mood, ShowMessage
from tests.support import request

TICKS = 100
ENCODED = 100_000
SECONDS = 10.0
NAME = "A name as people have"


def tick_ms(viewers: int, grid: bool, shown: int) -> tuple[float, int]:
    """CPU milliseconds of a tick of a channel, with its messages, and the bytes of what is told of the people."""
    channel = Channel("demo", 5, LABEL_TTL_S)
    channel.grid = float(grid)
    for number in range(viewers):
        member = Member(number, number.to_bytes(8, "big"))
        channel.join(member, number % 5, 0.0)
        channel.label(member, EXPRESSIONS[number % 7], 0.0)
        if number < shown:
            channel.roster.show(member, f"{NAME} {number}", channel.grid, 1.0)
    costs, size = [], 0
    for tick in range(TICKS):
        now = tick / TICKS * LABEL_TTL_S / 2
        began = time.process_time()
        own, part = channel.snapshot(now), channel.grid_part(Hidden())
        channel.tick(own, now, now)
        protocol.encode(channel.mood)
        if grid:
            size = len(protocol.encode(channel.view([(own, part)], Hidden(), now).message()))
        costs.append(time.process_time() - began)
    return 1000 * statistics.median(costs), size


def encoding() -> None:
    """The mood with ``grid``, and what it would be without."""
    channel = Channel("demo", 1, LABEL_TTL_S)
    channel.tick(channel.snapshot(1.0), 1.0, 1.8e9)
    encoded = protocol.encode(channel.mood)
    without = len(encoded) - len(b',"grid":false')
    times = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(ENCODED):
            protocol.encode(channel.mood)
        times.append((time.perf_counter() - began) / ENCODED)
    assert isinstance(protocol.from_relay.decode(encoded), Mood)
    print(f"a mood: {len(encoded)} bytes, {without} without grid; {1e6 * min(times):.2f} us to encode, once a tick")


async def _allow(relay: RelayProcess) -> None:
    assert (await request(relay.url, "PATCH", "bench", relay.admin_key, {"grid": True}))[0] == 200


def live(viewers: int) -> None:
    """A relay whose viewers are all shown, and then all look as well."""
    hello = protocol.encode(Hello(name=NAME)).decode()
    show, look = (protocol.encode(message).decode() for message in (ShowMessage(on=True), LookMessage(on=True)))
    with tempfile.TemporaryDirectory() as folder, RelayProcess(folder) as relay, Load(relay.port) as load:
        asyncio.run(_allow(relay))
        load.do("connect", path="/v1/channels/bench/viewer", count=viewers, first=hello)
        for what, frames in (
            ("nobody is shown", LABELS[:1]), ("all are shown", [show]), ("all are shown and look", [look]),
        ):  # fmt: skip
            load.do("blast", frames=[*LABELS[:1], *frames], repeats=1)
            load.do("wait", seconds=2)
            before = relay.cpu
            answer = load.do("wait", seconds=SECONDS)
            rate = answer["received"] / SECONDS / 1e6
            print(
                f"  {viewers:,} viewers, {what}: {(relay.cpu - before) / SECONDS:.1%} of a core, {rate:.1f} MB/s",
                end="",
            )
            print(remark(answer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10_000)
    viewers = parser.parse_args().viewers
    print(machine.describe())
    encoding()
    for what, grid, shown in (("no grid", False, 0), ("nobody shown", True, 0), ("all shown", True, viewers)):
        cost, size = tick_ms(viewers, grid, shown)
        print(f"  {viewers:,} viewers, {what}: {cost:.2f} ms a tick" + (f", people {size:,} bytes" if size else ""))
    live(viewers)


if __name__ == "__main__":
    main()
