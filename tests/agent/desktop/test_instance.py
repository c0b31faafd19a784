"""One Moodcast for each user, with real processes and sockets."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("filelock", reason="the agent's packages are not installed")
from agent.desktop import instance
from agent.desktop.instance import Instance, SecondStart
from agent.errors import SecondStartError

LINK = "moodcast://join?relay=https%3A%2F%2Fmood.example.org&channel=x#password=s3cret"
FIRST = """
import sys
from pathlib import Path
from agent.desktop.instance import Instance

with Instance(Path(sys.argv[1])) as one:
    assert one.is_first
    one.listen(lambda asked: print(asked.do, asked.invitation, flush=True))
    print("ready", flush=True)
    sys.stdin.read()
"""


class Running:
    """A first one, and what it was asked."""

    def __init__(self, one: Instance) -> None:
        self.one = one
        self.asked: queue.Queue[SecondStart] = queue.Queue()
        one.listen(self.asked.put)


@pytest.fixture(params=[False, True], ids=["unix", "loopback"])
def loopback(request: pytest.FixtureRequest) -> bool:
    if not request.param and not hasattr(socket, "AF_UNIX"):
        pytest.skip("this system has no unix sockets")
    return bool(request.param)


@pytest.fixture
def first(tmp_path: Path, loopback: bool) -> Iterator[Running]:
    with Instance(tmp_path / "run", loopback) as one:
        assert one.is_first
        yield Running(one)


def test_a_second_start_hands_over_what_it_was_asked_for(first: Running, tmp_path: Path, loopback: bool) -> None:
    for asked in (SecondStart(), SecondStart(invitation=LINK), SecondStart("pause")):
        with Instance(tmp_path / "run", loopback) as second:
            assert not second.is_first
            assert second.hand_over(asked)
        assert first.asked.get(timeout=60) == asked


def test_when_the_first_has_ended_the_next_is_the_first(tmp_path: Path, loopback: bool) -> None:
    for _ in range(3):
        with Instance(tmp_path / "run", loopback) as one:
            assert one.is_first
            one.listen(lambda _: None)
    assert not [file.name for file in (tmp_path / "run").iterdir() if file.suffix != ".lock"]


def test_files_of_a_killed_one_do_no_harm(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FIRST, str(tmp_path / "run")]
    for _ in range(2):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            with Instance(tmp_path / "run") as second:
                second.hand_over(SecondStart(invitation=LINK))
            assert process.stdout.readline() == f"show {LINK}\n"
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def test_a_second_start_waits_for_a_first_that_only_begins(tmp_path: Path, loopback: bool) -> None:
    with Instance(tmp_path / "run", loopback) as one, Instance(tmp_path / "run", loopback) as second:
        heard: queue.Queue[SecondStart] = queue.Queue()
        late = threading.Timer(0.3, one.listen, [heard.put])
        late.start()
        second.hand_over(SecondStart())
        assert heard.get(timeout=60) == SecondStart()
        late.join()


def test_a_second_start_that_meets_the_end_of_the_first_takes_its_place(tmp_path: Path, loopback: bool) -> None:
    asked: list[SecondStart] = []
    with contextlib.ExitStack() as first:
        one = first.enter_context(Instance(tmp_path / "run", loopback))
        one.listen(asked.append)
        with Instance(tmp_path / "run", loopback) as second:
            assert not second.is_first
            one.hear_no_more()
            later = threading.Timer(0.3, first.close)
            later.start()
            assert not second.hand_over(SecondStart())
            assert second.is_first
            later.join()
            second.listen(asked.append)
    assert not asked


def test_one_that_does_not_answer_is_told(tmp_path: Path, loopback: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "_STARTING_S", 0.1)
    refused = pytest.raises(SecondStartError, match="runs already, but does not answer")
    with Instance(tmp_path / "run", loopback), Instance(tmp_path / "run", loopback) as second, refused:
        second.hand_over(SecondStart())


def reached(folder: Path, loopback: bool) -> socket.socket:
    if loopback:
        return socket.create_connection(("127.0.0.1", json.loads((folder / "window.door").read_bytes())["port"]), 60)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(folder / "window.sock"))
    return connection


def answer(folder: Path, loopback: bool, data: bytes) -> bytes:
    with reached(folder, loopback) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(16)
        except (BrokenPipeError, ConnectionResetError):
            return b""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.binary(max_size=200)
    | st.sampled_from(
        [
            b'{"do":"quit"}\n',
            b'{"do":"show","invitation":"%s"}\n' % (b"x" * 4097),
            b'{"more":1}\n',
            b"x" * 20_000,
            b'{"invitation":"\xff"}\n',
            b"{}",
        ]
    )
)
def test_nonsense_is_asked_for_nothing(first: Running, tmp_path: Path, loopback: bool, data: bytes) -> None:
    try:
        msgspec.json.decode(data, type=SecondStart)
        assert not data.endswith(b"\n")
    except ValueError:
        pass
    assert answer(tmp_path / "run", loopback, data) == b""
    assert first.asked.empty()
    with Instance(tmp_path / "run", loopback) as second:  # and it still hears
        assert second.hand_over(SecondStart())
    assert first.asked.get(timeout=60) == SecondStart()


def test_who_sends_nothing_holds_nobody_up(
    first: Running, tmp_path: Path, loopback: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "_PATIENCE_S", 0.3)
    with (
        reached(tmp_path / "run", loopback),
        reached(tmp_path / "run", loopback),
        Instance(tmp_path / "run", loopback) as second,
    ):
        second.hand_over(SecondStart())
    assert first.asked.get(timeout=60) == SecondStart()


@pytest.mark.parametrize("loopback", [True], indirect=True, ids=["loopback"])
def test_on_the_loopback_nothing_is_done_without_the_secret(first: Running, tmp_path: Path, loopback: bool) -> None:
    for secret in ("", "x" * 43):
        assert answer(tmp_path / "run", True, msgspec.json.encode(SecondStart("pause", secret=secret)) + b"\n") == b""
    assert first.asked.empty()


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_nobody_else_can_enter(first: Running, tmp_path: Path) -> None:
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    for file in (tmp_path / "run").iterdir():
        assert file.suffix == ".lock" or file.stat().st_mode & 0o077 == 0, file
    (tmp_path / "open").mkdir(mode=0o755)
    with Instance(tmp_path / "open"):
        assert (tmp_path / "open").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="not a folder of yours alone"):
        Instance(tmp_path / "link")
    (tmp_path / "theirs").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(PermissionError, match="not a folder of yours alone"):
        Instance(tmp_path / "theirs")


def test_the_session_has_a_folder_for_it_or_the_settings_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert instance.folder(Path("/settings")) == tmp_path / "moodcast"
    for value in ("relative", str(tmp_path / "missing")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", value)
        assert instance.folder(Path("/settings")) == Path("/settings")


@pytest.mark.skipif(sys.platform != "linux", reason="systemd's folder")
def test_who_was_started_outside_the_session_looks_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda path: path == Path(f"/run/user/{os.getuid()}"))
    for value in ("", None):
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        if value is not None:
            monkeypatch.setenv("XDG_RUNTIME_DIR", value)
        assert instance.folder(Path("/settings")) == Path(f"/run/user/{os.getuid()}/moodcast")


def test_a_long_path_has_a_socket_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path.joinpath(*["a_name_of_twenty_five_chars"] * 4)
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    with Instance(deep) as one, Instance(deep) as second:
        one.listen(lambda _: None)
        second.hand_over(SecondStart())


def test_what_is_handed_over_is_not_shown() -> None:
    assert "s3cret" not in repr(SecondStart(invitation=LINK))


def test_where_nothing_can_be_locked_or_written_it_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "run" / "window.lock").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "run"):
        with pytest.raises(OSError, match=str(folder)):
            Instance(folder)
