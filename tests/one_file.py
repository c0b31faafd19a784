"""A web server of one large file, which sends it as it is told to: cut, without ranges, too much of it, slowly."""

import contextlib
import hashlib
import http.server
import re
import threading
from collections.abc import Iterator

from tests.support import HANG_S

CONTENT = b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(20_000))
"""640 kB that repeat nowhere: a piece at the wrong place is noticed."""


class Files(http.server.ThreadingHTTPServer):
    """Sends CONTENT, as it was told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.ranges = True
        self.cuts: list[int] = []
        """After so many bytes of its body each of the next answers ends."""
        self.says_length = True
        self.asked: list[str] = []
        """The ranges that were asked for; empty for all."""
        self.paths: list[str] = []
        self.sent = 0
        self.hold: threading.Event | None = None
        """After the first half it waits for that."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/thing.bin"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Files
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range", "")
        server.asked.append(asked)
        server.paths.append(self.path)
        start = int(re.findall(r"\d+", asked)[0]) if asked and server.ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if asked and server.ranges else 200)
        if asked and server.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header(*(("Content-Length", str(len(body))) if server.says_length else ("Connection", "close")))
        self.end_headers()
        if server.cuts:
            body = body[: server.cuts.pop(0)]
        half = len(body) // 2
        with contextlib.suppress(ConnectionError):
            server.sent += half  # before it is: whoever has got it all looks at once
            self.wfile.write(body[:half])
            if server.hold:
                server.hold.wait(HANG_S)
            server.sent += len(body) - half
            self.wfile.write(body[half:])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def serving(content: bytes = CONTENT) -> Iterator[Files]:
    with Files() as server:
        server.content = content
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
