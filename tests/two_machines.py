"""Two machines of a test's own, each a network namespace, with one cable between them: a viewer's and the relay's.

Whatever the viewer's machine sends goes over that cable, to whichever address: its default route is the relay's, its
names are to be asked for there, and nothing else is to be reached. ``tcpdump`` writes all of it down.

The namespaces have no names: they go with their last process, and all processes in them end with the test that started
them, also where it is killed. So nothing is to be tidied up.
"""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packets import Packet, packets
from tests.support import HANG_S

VIEWERS, RELAYS = "10.99.0.2", "10.99.0.1"
"""Addresses of the two machines."""
_VIEWERS_6, _RELAYS_6 = "fd99::2", "fd99::1"
_NEEDED = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ip": "iproute2",
    "tcpdump": "tcpdump",
}


class MachineDouble:
    """A machine of a test: what runs in it sees its network alone."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs a program in it, which ends with the test that starts it, however that ends."""
        inside = ["nsenter", f"--target={self.pid}", "--net", "--mount", "--"]
        return [*inside, "setpriv", "--pdeathsig=KILL", "--", *arguments]

    def do(self, script: str) -> None:
        """Run lines of shell in it, each of which must succeed."""
        _run(self.command("sh", "-euc", script))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def two_machines(folder: Path) -> Iterator[tuple[MachineDouble, MachineDouble]]:
    """The viewer's and the relay's. Skips the test with the reason where they can't be had."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    for program, package in _NEEDED.items():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (apt package {package})")
    with contextlib.ExitStack() as stack:
        viewers, relays = (MachineDouble(stack.enter_context(_namespace())) for _ in range(2))
        names = folder / "resolv.conf"
        names.write_text(f"nameserver {RELAYS}\noptions timeout:1 attempts:1\n")
        relays.do(
            f"ip link set lo up; ip link add cable type veth peer name cable netns {viewers.pid}; "
            f"ip addr add {RELAYS}/24 dev cable; ip addr add {_RELAYS_6}/64 dev cable nodad; ip link set cable up"
        )
        viewers.do(
            f"ip link set lo up; ip addr add {VIEWERS}/24 dev cable; ip addr add {_VIEWERS_6}/64 dev cable nodad; "
            f"ip link set cable up; ip route add default via {RELAYS}; ip -6 route add default via {_RELAYS_6}; "
            f"mount --bind {names} /etc/resolv.conf"
        )
        yield viewers, relays


@contextlib.contextmanager
def _namespace() -> Iterator[int]:
    """The number of a process that holds one, and ends with the pipe that this test holds."""
    holding = ["unshare", "--net", "--mount", "sh", "-c", "echo; exec cat"]
    holder = subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert holder.stdin
    assert holder.stdout
    assert holder.stderr
    try:
        if not holder.stdout.readline():
            pytest.skip(f"no network namespace can be made here: {holder.stderr.read().decode().strip()}")
        yield holder.pid
    finally:
        holder.stdin.close()
        holder.wait(HANG_S)
        holder.stdout.close()
        holder.stderr.close()


_END = b"the recording ends here"
_SAY_END = f"""
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
    line.sendto({_END!r}, ("{RELAYS}", 9))
"""


@contextlib.contextmanager
def recorded(machine: MachineDouble, file: Path) -> Iterator[list[Packet]]:
    """All packets that leave or reach a machine, on whichever of its interfaces: in the list when this has ended.

    ``file`` keeps them, for Wireshark. A last packet of this test's own shows that those before it are all there.
    """
    options = ["-i", "any", "-y", "LINUX_SLL", "-n", "-U", "--immediate-mode", "-B", "16384", "-Z", "root"]
    tcpdump = subprocess.Popen(machine.command("tcpdump", *options, "-w", str(file)), stderr=subprocess.PIPE, text=True)
    assert tcpdump.stderr
    said, found = "", list[Packet]()
    try:
        while "listening on" not in said:
            line = tcpdump.stderr.readline()
            if not line:
                pytest.skip(f"tcpdump can't capture here: {said.strip()}")
            said += line
        yield found
        _run(machine.command(sys.executable, "-c", _SAY_END))
        until = time.monotonic() + HANG_S
        while not file.read_bytes().endswith(_END):
            assert time.monotonic() < until, "tcpdump does not write what was sent"
            time.sleep(0.01)
    finally:
        tcpdump.send_signal(signal.SIGINT)
        _, rest = tcpdump.communicate(timeout=HANG_S)
    assert "\n0 packets dropped by kernel" in f"\n{rest}", rest
    found += itertools.takewhile(lambda packet: packet.payload != _END, packets(file.read_bytes()))
