"""What the machine gives the relay: file descriptors, one for each connection, and time that no collector takes."""

import gc
import math
import sys

SPARE = 100
"""Descriptors that are no connection's: libraries, the database, the listener."""
_COLLECT = (10_000, 10, 15)
"""New containers before the garbage collector looks at the young, and after how many such passes at older ones.

With these numbers, what dies in a circle may wait for a million and a half of them. So connections leave no circles."""
_REQUESTS = 0.1
"""Of the clients' connections: so many more are open for requests, or were not let in and say so."""


LEAST = 1000
"""Connections that are open at the same time on the smallest relay, as far as there are descriptors."""


def room_for(connections: int, workers: int = 1) -> int:
    """How many of so many connections as many processes as there are ``workers`` may hold open together. The soft limit
    of this one is raised as far as all of them need.

    A process that runs out of descriptors can accept nobody, not even to say why. So the relay takes no more than this.
    """
    if sys.platform == "win32":
        return connections  # sockets are no file descriptors there
    import resource

    wanted = math.ceil(connections * (1 + _REQUESTS)) + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (ValueError, OSError):  # the system has a limit of its own (macOS)
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    room = connections if soft == resource.RLIM_INFINITY else workers * int((soft - SPARE) / (1 + _REQUESTS))
    return max(1, min(connections, room))


def places(connections: int) -> int:
    """TCP connections that may be open, whatever they do, where so many may be viewers' and subscribers'."""
    return max(LEAST, math.ceil(connections * (1 + _REQUESTS)))


def places_here() -> int:
    """TCP connections for which this process has descriptors, after ``room_for``."""
    if sys.platform == "win32":
        return sys.maxsize  # sockets are no file descriptors there
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - SPARE)


def idle_places(connections: int) -> int:
    """How many of these may wait for nothing."""
    return max(LEAST, math.ceil(connections * _REQUESTS))


def shortage(connections: int, room: int) -> str:
    """The sentence about a limit that is too low."""
    return (
        f"The system lets this process open {room} connections, not the {connections} of --max-connections: more are "
        "told to come back later. Raise the limit of open files (systemd: LimitNOFILE, shell: ulimit -n)."
    )


def collect_rarely() -> None:
    """Have Python's garbage collector look less often at what thousands of connections keep for long anyway.

    Each frame that waits is a new container, so with Python's own thresholds a burst of labels has all connections'
    containers looked at again and again, which took half of the relay's time (``python -m benchmarks.relay labels``).
    """
    gc.collect()
    gc.freeze()  # what is here now, modules above all, stays to the end
    gc.set_threshold(*_COLLECT)
