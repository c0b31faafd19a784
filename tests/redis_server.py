"""A real Redis server for tests, from the program that Debian's package `redis-server` installs."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import free_port

START_S = 60.0


class RedisServer:
    """A server on a free port of 127.0.0.1 that keeps nothing."""

    def __init__(self, program: str, folder: Path, password: str) -> None:
        self._program, self._folder, self._password = program, folder, password
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextlib.contextmanager
    def started(cls, password: str = "") -> Iterator["RedisServer"]:
        """A running server for the length of a ``with`` block."""
        pytest.importorskip("redis", reason="no driver of Redis: install moodcast[cluster]")
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("no Redis server: install the package redis-server")
        folder = Path(tempfile.mkdtemp(prefix="moodcast-redis-"))
        server = cls(program, folder, password)
        try:
            server.start()
            yield server
        finally:
            server.kill()
            shutil.rmtree(folder)

    @property
    def url(self) -> str:
        return f"redis://{f':{self._password}@' if self._password else ''}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        options += ["--requirepass", self._password] if self._password else []
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while True:
            assert self._process.poll() is None, "the Redis server ended at once"
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "the Redis server does not answer"
                time.sleep(0.01)

    def kill(self) -> None:
        """As a crash: no goodbye to anyone. A killed server may be started again."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Its connections stay open, and nothing comes through, as when the network is cut."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """End of ``freeze``."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)
