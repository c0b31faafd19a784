"""Centrifugo as a yardstick: how the program is started, and what is said to it in its JSON protocol.

Of version 2 (run here: 2.8.2) and of version 6 (after the sources of 6.9.1, not run here).
"""

import re
import subprocess
from dataclasses import dataclass
from typing import Any

CHANNEL = "mood"
PATH = "/connection/websocket"
_UNHEARD = "labels"
"""A channel that nobody listens to."""
_VERSION = re.compile(r"Centrifugo v(\d+\.\S+)")


@dataclass(frozen=True)
class Dialect:
    """One version's words. Texts of events and labels are JSON objects, and are passed on byte for byte."""

    program: str
    version: str
    config: dict[str, Any]
    """Anybody may connect and publish; no logs, and no pings, which would be counted with the sends."""
    listen: tuple[str, ...]
    """Flags, with ``{port}``: loopback only."""
    publish_path: str
    """Where the HTTP API takes an event."""
    named: bool
    """Whether a command is under its name, as in version 6, or has the number of its ``method`` and ``params``."""

    def subscribe(self) -> str:
        """The first frame of a listener."""
        return self.connect() + "\n" + self._command(2, "subscribe", f'{{"channel":"{CHANNEL}"}}')

    def connect(self) -> str:
        """The first frame of a client that publishes."""
        return self._command(1, "connect", "{}")

    def publish(self, label: str) -> str:
        """A client's frame that publishes a label where nobody listens."""
        return self._command(3, "publish", f'{{"channel":"{_UNHEARD}","data":{label}}}')

    def body(self, event: str) -> str:
        """What is posted to the HTTP API to publish an event."""
        where = f'{{"channel":"{CHANNEL}","data":{event}}}'
        return where if self.named else f'{{"method":"publish","params":{where}}}'

    def _command(self, number: int, name: str, params: str) -> str:
        if self.named:
            return f'{{"id":{number},"{name}":{params}}}'
        return f'{{"id":{number},"method":{_METHODS[name]},"params":{params}}}'


_METHODS = {"connect": 0, "subscribe": 1, "publish": 3}
_SECOND = {"client_insecure": True, "api_insecure": True, "log_level": "error", "websocket_ping_interval": 3600}
_SIXTH = {
    "client": {"insecure": True, "ping_interval": "1h"},
    "http_api": {"insecure": True},
    "log": {"level": "error"},
    "usage_stats": {"disabled": True},
}


def dialect(program: str, said: str) -> Dialect:
    """What to say to the program, which answers ``version`` with this. ValueError: it is another version or program."""
    found = _VERSION.search(said)
    version = found[1] if found else ""
    if version.startswith("2."):
        listen = ("--address", "127.0.0.1", "--port", "{port}")
        return Dialect(program, version, _SECOND, listen, "/api", named=False)
    if version.startswith("6."):
        listen = ("--http_server.address", "127.0.0.1", "--http_server.port", "{port}")
        return Dialect(program, version, _SIXTH, listen, "/api/publish", named=True)
    raise ValueError(f"expected Centrifugo of version 2 or 6, got {said.strip()[:80]!r}: name another program")


def asked(program: str) -> Dialect:
    """What to say to this program. ValueError: it is no Centrifugo that is known here; OSError: it can't be run."""
    answer = subprocess.run([program, "version"], capture_output=True, text=True, timeout=20, check=False)
    return dialect(program, answer.stdout)
