"""A relay on this machine that Moodcast's OBS script starts, and new channels on one. It knows nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.

The relay is a process of its own, ``moodcast obs relay``, which ends when the pipe to its standard input does: so it
ends with OBS, also when OBS crashes. OBS unloads and loads the script for another scene collection, and for "reload
scripts", which runs these modules anew: what was started is kept in the module, and ``stop`` only releases it, so that
a script that is loaded again in time goes on with it.
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import types
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Deque, Dict, List, Mapping, NamedTuple, Tuple

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
    from obs_plugin.moodcast_parts import Part
    from obs_plugin.moodcast_wire import Wire
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    from moodcast_parts import Part
    from moodcast_wire import Wire

ADDRESS = "http://127.0.0.1:8765"
INSTALLED = "install.json"  # beside the script: written by `moodcast obs install`
RELEASE_S = 20.0  # a relay whose script was unloaded ends after this, unless it is loaded again
_PATIENCE_S = 10.0  # for an answer; from then on a button may ask anew
_LAST_WORDS_BYTES = 4096
_LOGGED = re.compile(r"\d{4}-\d\d-\d\d ")  # how a line of the relay's log begins
_PORT_IN_USE = 33  # docs/errors.md
_NO_WINDOW = 0x08000000  # CREATE_NO_WINDOW: Windows opens a console for a program of the console otherwise
_EXISTS, _FORBIDDEN, _WRONG_KEY = 4409, 4403, 4401  # docs/protocol.md

# Kept across a reload of this module, which leaves its old names in place.
_kept: Any = globals().get("_kept") or types.SimpleNamespace(
    lock=threading.Lock(), wanted=False, process=None, url="", words=None, ending=[]
)


class Result(NamedTuple):
    """What became of something that was asked for: a sentence, and what to fill in; empty where it failed."""

    sentence: str
    relay: str = ""
    channel: str = ""
    display_key: str = ""
    admin_key: str = ""


class LocalRelay(Part):
    """The relay on this machine, as the script sees it. No method waits; ``take`` gives what threads have brought."""

    def __init__(self, folder: Path) -> None:
        """``folder``: of the script."""
        self._folder = folder
        self._results: Deque[Result] = collections.deque(maxlen=16)
        self._failure = ""
        self._starting = threading.Event()
        self._asked = -_PATIENCE_S
        self._threads: List[threading.Thread] = []
        self._wires: List[Wire] = []
        with _kept.lock:
            _kept.wanted = True
            _send(_kept.process, "hold")

    @property
    def state(self) -> str:
        """``starting``, ``running``, ``failed`` or ``none``."""
        if self._starting.is_set():
            return "starting"
        with _kept.lock:  # the dialog and the timer ask in two threads, and what it said last can be read once
            if _kept.process is None:
                return "failed" if self._failure else "none"
            code = _kept.process.poll()
            if code is None:
                return "running"
            self._failure = _last_words(code)
            _forget()
        return "failed"

    @property
    def url(self) -> str:
        """Where the relay that was started here listens; empty while none runs."""
        return str(_kept.url) if self.state == "running" else ""

    def lines(self) -> List[str]:
        """How it stands, as sentences for the dialog; none where no relay was asked for."""
        state = self.state  # first, as it learns why a relay ended
        return {
            "starting": ["Starting a relay on this machine."],
            "running": [f"The relay on this machine runs at {_kept.url} and ends with OBS."],
            "failed": [f"The relay on this machine does not run: {self._failure}"],
        }.get(state, [])

    def start(self) -> None:
        """Have a relay run; a ``Result`` with its address follows."""
        state = self.state
        if state == "running":
            self._results.append(Result(self.lines()[0], relay=self.url))
        elif state != "starting":
            self._starting.set()
            self._work(self._start)

    def end(self) -> None:
        """End the relay that was started here, at once; nothing where none was."""
        with _kept.lock:
            _forget()
        self._failure = ""

    def create_channel(self, relay: str, name: str) -> None:
        """Make a channel on a relay of this machine; a ``Result`` with its keys follows. One at a time."""
        now = time.monotonic()
        if now - self._asked >= _PATIENCE_S:
            self._asked = now
            self._work(self._create, relay, name)

    def take(self) -> List[Result]:
        """What became of what was asked for since the last call."""
        taken = []
        while self._results:
            taken.append(self._results.popleft())
        return taken

    def stop(self) -> List[threading.Thread]:
        """The script is unloaded: the relay ends after ``RELEASE_S``, or at once with OBS."""
        with _kept.lock:
            _kept.wanted = False
            _send(_kept.process, f"release {RELEASE_S}")
        for wire in self._wires:
            wire.stop()
        # A relay that is just starting is not waited for: it may take seconds, and goes on if the script is back soon.
        return [] if self._starting.is_set() else self._threads

    # --- in threads ---

    def _work(self, work: Any, *arguments: str) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, args=arguments, name="moodcast-relay", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _start(self) -> None:
        try:
            result = self._started()
        except OSError as error:
            result = Result(f"Moodcast can't be started here ({core.plain(str(error))}). {_by_hand()}")
        self._failure = "" if result.relay else result.sentence
        self._starting.clear()
        self._results.append(result)

    def _started(self) -> Result:
        words = command(self._folder, os.environ)
        if not words:
            return Result(f"There is no Moodcast on this machine that could run a relay. {_by_hand()}")
        errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
        try:
            process = subprocess.Popen(  # noqa: S603 (what the installation wrote, or found in the user's places)
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=str(Path.home()),
                **_quietly(),
            )
        except BaseException:
            errors.close()
            raise
        with _kept.lock:
            _kept.process, _kept.words, _kept.url = process, errors, ""
            if not _kept.wanted:  # unloaded meanwhile
                _send(process, f"release {RELEASE_S}")
        assert process.stdout is not None
        with process.stdout as output:
            address = output.readline(200).decode("utf-8", "replace").strip()
        if address:
            _kept.url = address
            return Result(f"The relay on this machine runs at {address} and ends with OBS.", relay=address)
        code = process.wait()
        sentence = _last_words(code)
        _forget()
        if code == _PORT_IN_USE and not _trouble_at(self._wire(ADDRESS), ADDRESS):
            return Result(f"A relay runs on this machine already, at {ADDRESS}.", relay=ADDRESS)
        return Result(sentence)

    def _wire(self, relay: str) -> Wire:
        wire = wire_to(relay)
        self._wires = [*self._wires[-7:], wire]
        return wire

    def _create(self, relay: str, name: str) -> None:
        self._results.append(self._created(relay, name))
        self._asked = -_PATIENCE_S

    def _created(self, relay: str, name: str) -> Result:
        if core.CHANNEL.fullmatch(name) is None:
            return Result(
                "Enter a name for the channel first: letters, digits, - and _ (at most 64, a letter or digit first)."
            )
        try:
            status, answer = ask(self._wire(relay), relay, "POST", "/v1/channels", {"channel": name})
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Result(f"No channel was made. {trouble(relay, error)}")
        keys = [answer.get(key) for key in ("display_key", "admin_key")]
        if status == 201 and all(isinstance(key, str) and core.KEY.fullmatch(key) for key in keys):
            display, admin = map(str, keys)
            return Result(f'The channel "{name}" was made, and its keys are kept.', relay, name, display, admin)
        return Result(_no_channel(relay, name, status, answer.get("error")))


def _no_channel(relay: str, name: str, status: int, error: Any) -> str:
    """What the relay's refusal means for the streamer."""
    answer: Dict[str, Any] = error if isinstance(error, dict) else {}
    code = answer.get("code")
    if code == _EXISTS:
        return f'The relay has a channel "{name}" already: enter its keys, or choose another name.'
    if code == _FORBIDDEN:
        return (
            f"{relay} takes new channels from its own machine only: ask who runs it for a channel and its keys, or "
            "start a relay here."
        )
    if code == _WRONG_KEY:
        return f"{relay} takes new channels with its create key only: ask who runs it for a channel and its keys."
    if isinstance(code, int):
        return core.plain(f"No channel was made. The relay says: {answer.get('message')}")
    return f"What answers at {relay} is no Moodcast relay (HTTP {status})."


def command(folder: Path, environ: Mapping[str, str]) -> List[str]:
    """The words that start a relay which ends with its starter; none where no ``moodcast`` is found.

    ``folder``: of the script, with what the installation wrote beside it.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        words = json.loads((folder / INSTALLED).read_text(encoding="utf-8"))["command"]
        if words and all(isinstance(word, str) for word in words) and Path(words[0]).is_file():
            return [*words, "obs", "relay"]
    # OBS has the PATH of the desktop, which often lacks what a shell adds.
    usual = ["~/.local/bin", "/usr/local/bin", "/opt/homebrew/bin"]
    places = [environ.get("PATH", ""), *map(os.path.expanduser, usual)]
    found = shutil.which("moodcast", path=os.pathsep.join(filter(None, places)))
    return [found, "obs", "relay"] if found else []


def _by_hand() -> str:
    """What to do where the script can start nothing."""
    if Path("/.flatpak-info").exists() or "SNAP" in os.environ:
        return "This OBS runs in a sandbox, so start the relay in a terminal: moodcast relay"
    return "Install Moodcast and run `moodcast obs install`, or start the relay in a terminal: moodcast relay"


def _quietly() -> Dict[str, Any]:
    """How the relay is started: without a window, not reached by Ctrl-C in OBS's terminal, with a Python of its own."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}  # OBS's, where it set one
    if os.name == "nt":
        return {"env": environ, "creationflags": _NO_WINDOW}
    return {"env": environ, "start_new_session": True}


def _send(process: Any, line: str) -> None:
    if process is not None:
        with contextlib.suppress(OSError, ValueError):  # it has ended, or is told to end
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()


def _forget() -> None:
    """Let go of the relay: it ends, if it runs still. Who ended is buried, as nobody waits for it."""
    process, _kept.process, _kept.url = _kept.process, None, ""
    if process is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
        _kept.words.close()
        _kept.ending.append(process)
    _kept.ending[:] = [one for one in _kept.ending if one.poll() is None]


def _last_words(code: int) -> str:
    """Why the relay ended: the last thing that it said, beside its log."""
    said = ""
    with contextlib.suppress(OSError, ValueError):
        size = _kept.words.seek(0, os.SEEK_END)
        _kept.words.seek(max(0, size - _LAST_WORDS_BYTES))
        lines = _kept.words.read().decode("utf-8", "replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip() and not _LOGGED.match(line)), "")
    said = said[len("moodcast: ") :] if said.startswith("moodcast: ") else said
    return core.plain(said) or f"it ended with exit code {code}."


# --- one question to a relay ------------------------------------------------------------------------------------------


def wire_to(relay: str) -> Wire:
    """For one question to the relay at this address."""
    return Wire(core.Settings(relay, "", "", 0, 0))


def trouble(relay: str, error: Exception) -> str:
    """What a failed connection means, as a sentence."""
    return core.trouble(core.Settings(relay, "", "", 0, 0), error)


def ask(wire: Wire, relay: str, method: str, path: str, body: Any = None) -> Tuple[int, Dict[str, Any]]:
    """Status and JSON object of the relay's answer (empty where it is none). Blocks; ``wire.stop()`` ends that.

    Raises:
        OSError, http.client.HTTPException, ValueError: as ``trouble`` explains.
    """
    headers = {"User-Agent": "moodcast-obs", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    with wire.open("question") as connection:
        text = None if body is None else json.dumps(body)
        connection.request(method, urllib.parse.urlsplit(relay).path + path, text, headers)
        response = connection.getresponse()
        said = response.read(core.MAX_EVENT_BYTES)
    try:
        answer = json.loads(said.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        answer = None
    return response.status, answer if isinstance(answer, dict) else {}


def _trouble_at(wire: Wire, relay: str) -> str:
    """Why no relay can be used there, as a sentence; empty where one answers."""
    try:
        status, answer = ask(wire, relay, "GET", "/healthz")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return trouble(relay, error)
    return "" if status == 200 and answer.get("status") == "ok" else core.plain(f"HTTP {status}")
