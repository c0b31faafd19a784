"""What the machine gives the relay: here, file descriptors, one for each connection."""

import sys

SPARE = 100
"""Descriptors that are no client's: libraries, the database, the listener, connections that are just being refused."""


def room_for(connections: int) -> int:
    """How many of so many connections the process may hold open; its soft limit is raised as far as that needs.

    A process that runs out of descriptors can accept nobody, not even to say why. So the relay takes no more than this.
    """
    if sys.platform == "win32":
        return connections  # sockets are no file descriptors there
    import resource

    wanted = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (ValueError, OSError):  # the system has a limit of its own (macOS)
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - SPARE))


def shortage(connections: int, room: int) -> str:
    """The sentence about a limit that is too low."""
    return (
        f"The system lets this process open {room} connections, not the {connections} of --max-connections: more are "
        "told to come back later. Raise the limit of open files (systemd: LimitNOFILE, shell: ulimit -n)."
    )
