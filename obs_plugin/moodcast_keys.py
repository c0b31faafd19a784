"""The channels' keys of Moodcast's OBS script: a file of the user's, outside of the scene collection, which people give
away. It knows nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

_VERSION = 1
_LARGEST_BYTES = 1 << 20


class Pair(NamedTuple):
    """The keys of one channel; empty where there is none."""

    display: str = ""
    admin: str = ""


class _DamagedError(Exception):
    """The file is there and says nothing that this version understands."""


def place(environ: Mapping[str, str], home: Path, platform: str = sys.platform) -> Path:
    """Where the user's keys lie."""
    if platform == "win32":
        return Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "Moodcast" / "keys.json"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "Moodcast" / "keys.json"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "moodcast" / "keys.json"


class Keys:
    """The keys by relay and channel: in memory at once, in the file when ``write`` is called.

    ``problem`` says why the file can't be used; the keys then last until OBS ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changes: Dict[str, Pair] = {}
        self._lock = threading.Lock()  # never held while a disk works: OBS's graphics thread may wait for it
        self._writing = threading.Lock()
        self._thread: Optional[threading.Thread] = None
        self.problem = ""
        self._kept: Dict[str, Pair] = {}
        try:
            self._kept = _read(path)
        except (OSError, _DamagedError) as error:
            self.problem = self._trouble(error)

    def find(self, relay: str, channel: str) -> Pair:
        return self._kept.get(_name(relay, channel), Pair())

    def remember(self, relay: str, channel: str, pair: Pair) -> None:
        """From now on these are the channel's keys, and none where both are empty."""
        if relay and channel and pair != self.find(relay, channel):
            with self._lock:
                self._kept[_name(relay, channel)] = self._changes[_name(relay, channel)] = pair

    def write(self) -> None:
        """Bring what is new into the file, beside what another OBS has written there meanwhile."""
        with self._writing:
            with self._lock:
                changes = dict(self._changes)
            if not changes:
                return
            try:
                found = {name: pair for name, pair in {**_read(self._path), **changes}.items() if any(pair)}
                _write(self._path, found)
            except (OSError, _DamagedError) as error:
                self.problem = self._trouble(error)
                return
            with self._lock:
                self._changes = {name: pair for name, pair in self._changes.items() if changes.get(name) != pair}
                self.problem = ""

    def write_soon(self) -> None:
        """``write`` in a thread, as a disk may be slow."""
        if self._changes and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self.write, name="moodcast-keys", daemon=True)
            self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait so many seconds at most for what ``write_soon`` began."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _trouble(self, error: Exception) -> str:
        if isinstance(error, _DamagedError):
            return f"{self._path} can't be read as a file of keys, and stays as it is: move it away. {_UNTIL}"
        return f"The keys can't be kept in {self._path} ({getattr(error, 'strerror', None) or 'no access'}). {_UNTIL}"


_UNTIL = "Until then they are kept until OBS ends."


def _name(relay: str, channel: str) -> str:
    return f"{relay} {channel}"


def _read(path: Path) -> Dict[str, Pair]:
    """What the file holds; nothing where there is none.

    Raises:
        OSError: it can't be read.
        _DamagedError: it holds something else.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES)
    except FileNotFoundError:
        return {}
    try:
        content = json.loads(text.decode("utf-8"))
        if content["version"] != _VERSION:
            raise _DamagedError
        return dict(_pair(*row) for row in content["channels"].items())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _DamagedError from None


def _pair(name: str, keys: Dict[str, Any]) -> Tuple[str, Pair]:
    pair = Pair(keys.get("display", ""), keys.get("admin", ""))
    if not all(isinstance(key, str) for key in pair):
        raise _DamagedError
    return name, pair


def _write(path: Path, channels: Dict[str, Pair]) -> None:
    """The whole file or nothing, and for its user alone from its first byte on.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    content = {"version": _VERSION, "channels": {name: pair._asdict() for name, pair in sorted(channels.items())}}
    try:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        number = os.open(str(part), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
