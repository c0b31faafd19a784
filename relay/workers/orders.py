"""What supervisor and worker tell each other, by a socket that is the worker's standard input; see ``common.leash``.

First the worker is told what it is. It says ``READY`` once it takes clients, and hears of the tunnel from then on.
"""

import contextlib
import os

import msgspec

from relay.config import RelaySettings

READY = b"ready\n"
SUPERVISOR = 0
"""The standard input's descriptor."""


class BeginWork(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is."""

    settings: RelaySettings
    number: int
    """Of its seat, as ``of`` and ``folder``."""
    of: int
    folder: str
    tunnel_port: int = 0
    """Of this machine, where the supervisor's tunnel ends; 0 without one."""
    introduces: bool = False
    """Whether it makes the channel that the settings name, and tells the user about the relay: one does, once."""


class TunnelTold(msgspec.Struct, frozen=True, kw_only=True):
    """The tunnel's public name is known, or no longer."""

    host: str
    before: str = ""
    announce: bool = False
    """Whether the worker tells the user: one does."""


def line(told: BeginWork | TunnelTold) -> bytes:
    """As it travels."""
    return msgspec.json.encode(told) + b"\n"


def begin() -> BeginWork | None:
    """What the supervisor tells this worker first; None where it has ended, or is none. Blocks.

    Nothing follows before it is answered.
    """
    text = b""
    while not text.endswith(b"\n"):
        chunk = os.read(SUPERVISOR, 65536)
        if not chunk:
            return None
        text += chunk
    with contextlib.suppress(msgspec.MsgspecError):
        return msgspec.json.decode(text, type=BeginWork)
    return None


def answer() -> None:
    """Tell the supervisor that this worker is ready; nothing where it has ended."""
    with contextlib.suppress(OSError):
        os.write(SUPERVISOR, READY)


def tunnel(text: bytes) -> TunnelTold | None:
    """What a later line tells; None where that is nothing known."""
    try:
        return msgspec.json.decode(text, type=TunnelTold)
    except msgspec.MsgspecError:
        return None
