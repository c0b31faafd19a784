"""Ten seconds of a made-up audience on the overlay, and the overlay's files for it where no relay has them. It knows
nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import http.server
import json
import mimetypes
import re
import secrets
import socketserver
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_page as page
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_page as page

LASTS_S = 10.0
_STEP_S = 0.25
_VIEWERS = 128
_FILE = re.compile(r"(?:[A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9_-]{1,64}\.(?:css|js|json|svg|png)")  # as relay/http/pages.py
# Begin in seconds, and weights: angry, disgusted, afraid, happy, sad, surprised, neutral.
_SCENES = ((0.0, "1 1 1 6 1 2 30"), (2.5, "1 1 1 40 1 4 8"), (6.0, "1 1 4 3 2 34 6"), (8.5, "1 1 1 20 1 4 16"))
_REACTIONS = ((3.0, "expression", "happy", 40), (4.5, "tap", "heart", 12), (6.5, "expression", "surprise", 30),
              (7.5, "tap", "clap", 5), (8.0, "tap", "laugh", 9))  # fmt: skip


def act(since: float, until: float, now: float) -> List[core.Message]:
    """What the audience does between two moments, in seconds from its beginning; ``now`` is Unix time."""
    messages = [_mood(step, now) for step in range(int(LASTS_S / _STEP_S)) if since <= step * _STEP_S < until]
    for when, kind, name, count in _REACTIONS:
        if since <= when < until:
            strength = count / _VIEWERS
            messages.append(_message("reaction", time=now, kind=kind, name=name, strength=strength, count=count))
    return messages


def _mood(step: int, now: float) -> core.Message:
    moment = step * _STEP_S
    weights = [[float(word) for word in words.split()] for begin, words in _SCENES if begin <= moment][-1]
    wave = [weight * (1 + 0.1 * ((7 * step + 3 * place) % 5 - 2)) for place, weight in enumerate(weights)]
    shares = [weight / sum(wave) for weight in wave]
    counts = [round(_VIEWERS * share) for share in shares]
    return _message(
        "mood", seq=step, time=now, visible=True, viewers=_VIEWERS + 16, sharing=_VIEWERS, min_viewers=5, counts=counts,
        shares=shares, valence=0.0, resonance=max(shares[:-1]) ** 1.5, trend=0.0,
    )  # fmt: skip


def _message(type_: str, **fields: Any) -> core.Message:
    whole: Dict[str, Any] = {"type": type_, **fields}
    return core.Message(type_, whole, json.dumps(whole))


class Files:
    """Serves the overlay's files on this machine, under an address that nobody can guess, until closed."""

    def __init__(self, folder: Path = page.FOLDER) -> None:
        """Raises OSError where no port is free or the files aren't there."""
        (folder / "overlay.html").stat()
        name = secrets.token_urlsafe(18)
        self._server = _Server(("127.0.0.1", 0), _handler(folder, name))
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/{name}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="moodcast-files", daemon=True)
        self._thread.start()

    def close(self) -> threading.Thread:
        """Have it end; the thread in which that happens, as it takes half a second."""
        thread = threading.Thread(target=self._end, name="moodcast-files-end", daemon=True)
        thread.start()
        return thread

    def _end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False  # a page that keeps its connection would hold the end up

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that goes away is no defect, and OBS would raise its Script Log."""


def _handler(folder: Path, name: str) -> type:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            file = "overlay.html" if path == f"/{name}/overlay" else path[len(f"/{name}/static/") :]
            known = path.startswith(f"/{name}/") and (file == "overlay.html" or _FILE.fullmatch(file))
            try:
                body = (folder / file).read_bytes() if known else b""
            except OSError:
                body = b""
            kind = "text/javascript" if file.endswith(".js") else mimetypes.guess_type(file)[0]
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind or "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: OBS shows what a script writes to its standard error."""

    return Handler
