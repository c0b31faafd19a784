"""Tunnels: programs that give a relay at home a public https address. Pure: what they are told, and what they say.

Both programs were read about in their public sources: which header they set and what they do with one that a client
sends, how they print the address, and what ends them (docs/public-address.md, docs/decisions).
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from os import devnull
from typing import NamedTuple

from relay.common.address import NAME
from relay.common.printable import escaped

DOCS = "docs/public-address.md"
_LONGEST_LINE = 2048
"""Bytes; what is longer is no line with an address."""
_KEPT_LINES, _KEPT_CHARACTERS = 6, 200
"""Of what a program said last, for whoever wants to know why it has no address."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 60.0
STEADY_S = 60.0
"""A tunnel that was open for so long is started again as quickly as the first time."""


class Program(NamedTuple):
    """A program that makes tunnels. ``name`` is that of its file."""

    name: str
    arguments: tuple[str, ...]
    """In which ``{port}`` stands for the port of the relay's that it leads to."""
    address: re.Pattern[str]
    """Finds the host of the public address in a line of its output."""
    header: str
    """The one header in which it tells where a request comes from."""
    reader: str
    """The firm where TLS ends, which can so read what passes; empty where TLS ends on the relay's own machine."""
    install: str
    """What to do where it is missing."""


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "cloudflared",
            # The null device: a file of the user's own tunnels would send this one to where those lead. Its own update
            # would end it in the middle of a broadcast.
            ("tunnel", "--config", devnull, "--no-autoupdate", "--url", "http://127.0.0.1:{port}"),
            # Alone between blanks, in a box of | on standard error. Its failures name https://api.trycloudflare.com.
            re.compile(r"(?:^|\s)https://(?!api\.)([a-z0-9-]+\.trycloudflare\.com)(?=\s|$)", re.ASCII),
            # Cloudflare's servers overwrite it. To X-Forwarded-For they append, and a client may begin it.
            "Cf-Connecting-Ip",
            "Cloudflare",
            "install cloudflared, which needs no account",
        ),
        Program(
            "tailscale",
            ("funnel", "http://127.0.0.1:{port}"),
            # A line of its own. Others lead to a page of Tailscale's on which the user first has to allow it.
            re.compile(r"^https://([a-z0-9.-]+\.ts\.net)/?\s*$", re.ASCII),
            # Set by the user's own tailscaled, which drops what a client has sent.
            "X-Forwarded-For",
            "",
            "install Tailscale 1.52 or newer and log in (`tailscale up`)",
        ),
    )
}


def missing(program: Program) -> str:
    """The sentence where it isn't installed."""
    return (
        f"--tunnel {program.name}: there is no program {program.name} on this machine, or it is in no folder of PATH. "
        f"Moodcast brings none along: {program.install}, as {DOCS} says, or leave --tunnel out."
    )


class Tunnel:
    """The relay's way in through a tunnel, as far as it is known at the moment."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.host = ""
        """The public name; empty while the tunnel is not open."""

    @property
    def address(self) -> str:
        """``https://HOST``; empty while the tunnel is not open."""
        return f"https://{self.host}" if self.host else ""


class SpokenLines:
    """What a program says, as it comes. However much that is, little of it is kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Bytes of the output; gives the lines that end in them, but for those that are too long."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line, too_long = self._rest + end, self._too_long
            self._rest, self._too_long = b"", False
            if too_long or len(line) > _LONGEST_LINE:
                self._last.append(f"(a line of more than {_LONGEST_LINE} bytes)")
            elif text := line.decode("utf-8", "replace").strip():
                self._last.append(escaped(text, _KEPT_CHARACTERS))
                yield text
        self._too_long = self._too_long or len(self._rest) + len(rest) > _LONGEST_LINE
        self._rest = b"" if self._too_long else self._rest + rest

    @property
    def last(self) -> str:
        """The last lines, on one; what can steer a terminal stands as escapes."""
        return " / ".join(self._last)


def find_host(program: Program, lines: Iterable[str]) -> str:
    """The host of the first public address in all of these lines; empty where there is none."""
    found = [match[1] for line in lines if (match := program.address.search(line)) and NAME.fullmatch(match[1])]
    return found[0] if found else ""


def pause_s(failures: int) -> float:
    """How long to wait before a tunnel is started again that has ended ``failures`` times in a row, once or more."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10))
