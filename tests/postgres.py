"""A real PostgreSQL server for tests, from the programs that Debian's package `postgresql` installs."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import free_port

START_S = 60.0


class PostgresServer:
    """A server on a free port of 127.0.0.1, without passwords, in a folder of its own."""

    def __init__(self, programs: Path, folder: Path, user: dict[str, Any]) -> None:
        self._programs, self._folder, self._user = programs, folder, user
        self._port = free_port()
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None
        options = ["-D", "data", "-U", "moodcast", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([programs / "initdb", *options], cwd=folder, check=True, capture_output=True, **user)

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator["PostgresServer"]:
        """A running server for the length of a ``with`` block."""
        pytest.importorskip("psycopg", reason="no PostgreSQL driver: install moodcast[postgres]")
        programs = _programs()
        folder = Path(tempfile.mkdtemp(prefix="moodcast-postgres-"))
        try:
            server = cls(programs, folder, _user(folder))
            server.start()
            try:
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        import psycopg

        arguments = [f"--port={self._port}", "--listen_addresses=127.0.0.1", "--fsync=off"]
        arguments.append(f"--unix_socket_directories={self._folder}")
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", "data", *arguments],
            cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self._user,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while True:
            assert self._process.poll() is None, "the PostgreSQL server ended at once"
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "the PostgreSQL server does not answer"
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server at once: who is connected is cut off."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(START_S)

    def url(self, name: str) -> str:
        """Of a database of the server."""
        return f"postgresql://moodcast@127.0.0.1:{self._port}/{name}"

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg

        self._databases += 1
        name = f"moodcast{self._databases}"
        with contextlib.closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


def _programs() -> Path:
    """The folder of initdb and postgres; Debian keeps them off the PATH, since several versions can be installed."""
    folders = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if all((folder / name).is_file() for name in ("initdb", "postgres")):
            return folder
    pytest.skip("no PostgreSQL server: install the package postgresql")


def _user(folder: Path) -> dict[str, Any]:
    """Who runs the server: it refuses to run as root."""
    if os.name != "posix" or os.geteuid():
        return {}
    import pwd

    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
