"""Random and mutated requests and frames against a real relay: ``python -m tests.fuzz --seconds 60 --seed 1``.

Meanwhile an honest viewer's labels must reach an honest subscriber, and so must the moods of the attacked channel. The
exit code is 1 where they don't within ``HANG_S``, the relay ends, or its log has an error; the same seed sends the
same.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from relay import protocol
from relay.http.endpoints import ENDPOINTS
from relay.protocol import EXPRESSIONS, Expression
from tests.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawClient, masked, upgrade_request
from tests.support import HANG_S, Viewer, count_of, subscribe

ATTACKERS = 8
LEAST_MESSAGES, LEAST_LABELS = 1000, 3
"""It goes on for longer where a busy machine has not come as far."""
MOMENT_S = 0.1
MESSAGES = [
    b'{"type":"hello","agent":"x/1","delay":3.5,"name":"\\u00e4"}',
    b'{"type":"label","emotion":"happy","confidence":0.5}',
    b'{"type":"tap","tap":"heart"}',
    b'{"type":"away"}',
    b'{"type":"show","on":true}',
    b'{"type":"look","on":true}',
    b'{"type":"subscribe","key":"KEY"}',
    b'{"channel":"x","rotate":"admin","password":"x","text":"x","name":"x"}',
    b'{"name":"x","hidden":true,"listed":true,"grid":true}',
]
PIECES = [b"1e999", b"-1", b"NaN", b"null", b"[" * 500, b"{}", b'"', b"\\ud800", b"\xff", b"\x00", b"\r\n", b"9" * 50]
HEADERS = ("Origin: http://localhost", "Origin: null", "Sec-Fetch-Site: same-origin", "X-Forwarded-For: ::1, [::1]:9")
"""Those that decide on who asks."""
Going = Callable[[], bool]
"""Whether the attack goes on."""
OPCODES = [*[TEXT] * 12, BINARY, CONTINUATION, PING, PONG, CLOSE, 3, 15]


@dataclass
class Report:
    """What was sent and what came of it."""

    messages: int = 0
    connections: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """How connections ended, by HTTP status or close code."""
    labels: int = 0
    """Of the honest viewer; each reached the honest subscriber."""
    slowest_s: float = 0.0
    """The longest that such a label took."""
    grown_mib: float = 0.0
    """By how much the relay's memory grew, the libraries of the page /try apart."""
    log: str = ""
    """What the relay wrote to its log that is an error."""


class Chance(random.Random):
    """What is sent, from a seed."""

    def mutated(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.choice([0, 1, 1, 2, 6])):
            at = self.randint(0, len(changed))
            end = min(len(changed), at + self.choice([0, 1, 1, 8]))
            changed[at:end] = self.choice([b"", self.randbytes(1), self.choice(PIECES), changed[at:end] * 3])
        return bytes(changed)

    def frame(self) -> bytes:
        payload = self.randbytes(self.choice([0, 1, 125, 126, 4096, 5000])) if self.random() < 0.1 else b""
        payload = payload or self.mutated(self.choice(MESSAGES))
        frame = masked(payload, self.choice(OPCODES), self.random() < 0.9, self.choice([0] * 15 + [4, 2, 1]))
        return self.mutated(frame) if self.random() < 0.05 else frame

    def conversation(self) -> list[bytes]:
        """A WebSocket: a viewer's, more often than not after a proper start."""
        path = f"/v1/channels/demo/{self.choice(['viewer', 'viewer', 'mood'])}"
        start = upgrade_request(path)
        frames = [masked(MESSAGES[0])] if self.random() < 0.7 else []
        frames += [self.frame() for _ in range(self.randint(1, 40))]
        return [self.mutated(start) if self.random() < 0.2 else start, *frames]

    def requests(self, key: str) -> list[bytes]:
        """Plain HTTP, several on one connection. ``key``: one that may only read."""
        found = []
        for _ in range(self.randint(1, 4)):
            row, body = self.choice(ENDPOINTS), self.mutated(self.choice(MESSAGES))
            path = row.path.replace("{channel}", self.choice(["demo", "x" * 70, "%00"])).replace("{number}", "1")
            lines = [
                f"{self.choice([row.method, row.method, 'PUT', 'HEAD'])} {path} HTTP/1.1",
                f"Host: {self.choice(['localhost', 'localhost', 'localhost', '[::1]:8765', '[::1', 'evil.example'])}",
                *self.sample(HEADERS, self.choice([0, 0, 0, 1, 2])),
                f"Authorization: Bearer {self.choice([key, 'x', ''])}", "Content-Type: application/json",
                f"Content-Length: {len(body) + self.choice([0, 0, 0, -1, 1])}",
            ]  # fmt: skip
            whole = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
            found.append(self.mutated(whole) if self.random() < 0.5 else whole)
        return found


async def attack(url: str, key: str, seed: str, going: Going, report: Report) -> None:
    """One attacker: connection after connection."""
    chance = Chance(seed)
    while going():
        said = chance.conversation() if chance.random() < 0.7 else chance.requests(key)
        report.connections += 1
        async with await RawClient.connect(url) as client:
            for message in said:
                if client.writer.is_closing():
                    break
                report.messages += 1
                await client.send(message)
                await asyncio.sleep(0)
            if chance.random() < 0.2:
                report.ends["hung up"] += 1
                continue
            report.ends[ending(await answer(client))] += 1


async def answer(client: RawClient) -> bytes:
    """What comes until the relay has had a moment to close."""
    found = b""

    async def read() -> None:
        nonlocal found
        while part := await client.reader.read(65536):
            found += part

    with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
        await asyncio.wait_for(read(), MOMENT_S)
    return found


def ending(found: bytes) -> str:
    """What a relay's answer ends with, in words."""
    if not found.startswith(b"HTTP/1.1 101"):
        return f"HTTP {found.split()[1].decode()}" if found.startswith(b"HTTP") else "no answer"
    at = found.find(b'{"type":"bye","code":')
    return f"closed with {found[at + 21 : at + 25].decode()}" if at >= 0 else "open"


async def honest(url: str, key: str, going: Going, report: Report) -> None:
    """Labels of somebody in another channel, which must come through.

    Raises:
        asyncio.TimeoutError: one did not.
    """
    number = 0
    async with await Viewer.connect(url, "honest") as viewer, await subscribe(url, "honest", key) as audience:
        while going():
            number += 1
            emotion: Expression = EXPRESSIONS[number % len(EXPRESSIONS)]
            sent = time.monotonic()
            await viewer.label(emotion)
            await audience.mood(lambda mood, emotion=emotion: count_of(mood, emotion) == 1, HANG_S)  # type: ignore[misc]
            report.labels += 1
            if number > 1:  # the first is not shown within a second
                report.slowest_s = max(report.slowest_s, time.monotonic() - sent)
            await asyncio.sleep(1 / protocol.MAX_LABELS_PER_S)


async def watch(url: str, key: str, going: Going) -> None:
    """The attacked channel's subscriber, who must not be kept waiting.

    Raises:
        asyncio.TimeoutError: no mood came.
    """
    async with await subscribe(url, "demo", key) as audience:
        while going():
            await audience.mood(timeout=HANG_S)


async def new_channel(url: str, name: str) -> str:
    """Make a channel; returns its display key."""
    async with aiohttp.ClientSession() as session, session.post(f"{url}/v1/channels", json={"channel": name}) as made:
        return str((await made.json())["display_key"])


async def load_recogniser(url: str) -> None:
    """Ask the page /try something: its libraries, tens of megabytes, come with the first picture and then stay."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/v1/try") as response:
            await response.read()
        async with session.post(f"{url}/v1/try", data=b"no picture", headers={"Content-Type": "image/png"}) as response:
            await response.read()


@contextlib.asynccontextmanager
async def relay_process(folder: Path, log: Path) -> AsyncIterator[tuple[str, psutil.Process]]:
    """A relay of its own process: its address, and the process. Its log goes to a file."""
    options = ["--port", "0", "--data", str(folder), "--tick-ms", "50", "--min-viewers", "1"]
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "moodcast", "relay", *options,
            stdout=asyncio.subprocess.PIPE, stderr=errors, cwd=Path(__file__).parent.parent,
        )  # fmt: skip
    try:
        assert process.stdout
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        yield next(word for word in line.split() if word.startswith("http")), psutil.Process(process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def fuzz(seconds: float, seed: int) -> Report:
    """Attack a relay for so many seconds, and until enough was sent to mean something.

    Raises:
        asyncio.TimeoutError: an honest client was not served in time.
        AssertionError: an honest client was turned away.
    """
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        async with relay_process(Path(folder) / "data", log) as (url, process):
            attacked, other = [await new_channel(url, name) for name in ("demo", "honest")]
            await load_recogniser(url)
            until, before = time.monotonic() + seconds, process.memory_info().rss

            def going() -> bool:
                few = report.messages < LEAST_MESSAGES or report.labels < LEAST_LABELS
                return few or time.monotonic() < until

            await asyncio.gather(
                honest(url, other, going, report),
                watch(url, attacked, going),
                *(attack(url, attacked, f"{seed} {number}", going, report) for number in range(ATTACKERS)),
            )
            report.grown_mib = (process.memory_info().rss - before) / 2**20
        text = log.read_text(encoding="utf-8")
        report.log = text if "ERROR" in text or "Traceback" in text else ""
    return report


def main() -> int:
    """Attack, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        report = asyncio.run(fuzz(arguments.seconds, arguments.seed))
    except (asyncio.TimeoutError, AssertionError) as error:
        print(f"An honest client was not served: {error!r}")
        return 1
    ends = ", ".join(f"{end}: {count}" for end, count in sorted(report.ends.items()))
    print(
        f"Seed {arguments.seed}: {report.messages:,} messages on {report.connections:,} connections ({ends}).\n"
        f"Meanwhile {report.labels} honest labels came through, the slowest in {report.slowest_s:.2f} s; "
        f"the relay's memory grew by {report.grown_mib:.1f} MiB."
    )
    if report.log:
        print(f"The relay's log has errors:\n{report.log}")
    return 1 if report.log else 0


if __name__ == "__main__":
    sys.exit(main())
