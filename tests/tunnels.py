"""Stand-ins on PATH for the programs that make tunnels: ``tests/tunnel_program.py`` by their names."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

from relay.core.tunnels import PROGRAMS

_PROGRAM = Path(__file__).parent / "tunnel_program.py"
HOSTS = {"cloudflared": "calm-red-fox.trycloudflare.com", "tailscale": "den.tail1234.ts.net"}
LINES = {
    "cloudflared": ["2026-11-27T10:00:00Z INF |  https://{host}          |"],
    "tailscale": ["Available on the internet:", "", "https://{host}/", "|-- proxy http://127.0.0.1:1", ""],
}


class StandIn:
    """The programs on PATH, and what they do when they are started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in PROGRAMS:
            file = folder / name
            file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{_PROGRAM}" {name} "$@"\n')
            file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def will(self, **script: Any) -> None:
        """As ``tests/tunnel_program.py`` says."""
        draft = self.folder / "script.new"
        draft.write_text(json.dumps(script))
        draft.replace(self.folder / "script.json")

    def will_serve(self, program: str, host: str = "", **script: Any) -> None:
        self.will(lines=[line.format(host=host or HOSTS[program]) for line in LINES[program]], **script)

    def starts(self) -> list[dict[str, Any]]:
        file = self.folder / "starts.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def runs(self) -> list[int]:
        """Those of its processes that are there."""
        return [one["pid"] for one in self.starts() if is_there(one["pid"])]


def stat_of(pid: int) -> list[str]:
    """What Linux tells of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_there(pid: int) -> bool:
    """Whether the process runs: one that nobody has asked about since it ended does not."""
    try:
        return stat_of(pid)[0] != "Z"
    except OSError:
        return False


def parent_of(pid: int) -> int:
    return int(stat_of(pid)[1])
