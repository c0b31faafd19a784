"""A port that workers share, and nobody else."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from relay.errors import AddressError, PortInUseError
from relay.workers import ports

pytestmark = pytest.mark.skipif(not ports.SPREADS, reason="no system that spreads the connections of a port")
MANY = 200


@contextlib.contextmanager
def reserved(host: str = "127.0.0.1") -> Iterator[int]:
    kept = ports.reserve(host, 0)
    with kept:
        yield kept.getsockname()[1]


def accepted(listener: socket.socket) -> int:
    listener.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


def test_connections_are_spread_among_those_who_share() -> None:
    with reserved() as port, ports.listen("127.0.0.1", port, True) as one, ports.listen("127.0.0.1", port, True) as two:
        for _ in range(MANY):
            socket.create_connection(("127.0.0.1", port)).close()
        counts = accepted(one), accepted(two)
        assert sum(counts) == MANY
        assert min(counts) > MANY / 5


def test_it_is_nobody_elses_whether_someone_listens_or_not() -> None:
    with reserved() as port:
        for _ in range(2):
            with pytest.raises(PortInUseError, match=str(port)):
                ports.listen("127.0.0.1", port)
            with pytest.raises(PortInUseError):
                ports.reserve("127.0.0.1", port)
            ports.listen("127.0.0.1", port, True).close()
    ports.listen("127.0.0.1", port).close()


def test_where_another_program_listens_it_is_not_given() -> None:
    with ports.listen("127.0.0.1", 0) as other, pytest.raises(PortInUseError):
        ports.reserve("127.0.0.1", other.getsockname()[1])


def test_the_port_of_a_run_before_is_given_though_connections_linger() -> None:
    with ports.listen("127.0.0.1", 0) as before:
        port = before.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            before.accept()[0].close()  # who closes first keeps the connection's end
            client.recv(1)
    ports.reserve("127.0.0.1", port).close()


def test_other_machines_addresses_are_named() -> None:
    with pytest.raises(AddressError, match=r"203\.0\.113\.1"):
        ports.reserve("203.0.113.1", 0)
