"""A file is whole or not there, and nothing else in its folder is touched."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from models import atomic
from tests import full_disk


def held(folder: Path) -> dict[str, bytes | None]:
    return {file.name: None if file.is_dir() else file.read_bytes() for file in folder.iterdir()}


def test_a_users_own_files_stay(tmp_path: Path) -> None:
    own = {"net.part": b"mine", "net.onnx.part": b"mine too", "net.tmp": b"", ".net.onnx": b"hidden"}
    for name, data in own.items():
        (tmp_path / name).write_bytes(data)
    atomic.write(b"new", tmp_path / "net.onnx")
    assert held(tmp_path) == own | {"net.onnx": b"new"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "net.onnx"
    atomic.write(b"old", file)

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        atomic.write(b"new", file)
    assert held(tmp_path) == {"net.onnx": b"old"}


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """A real one: no file of this process may be longer than 100 bytes."""
    pytest.importorskip("resource", reason="a limit of a file's size is Unix's")
    file = tmp_path / "net.onnx"
    file.write_bytes(b"old")
    code = (
        "import resource, signal, sys; from pathlib import Path; from models import atomic\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: atomic.write(b'n' * 1000, Path(sys.argv[1]))\n"
        "except OSError as error: print(error.strerror)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "File too large"
    assert held(tmp_path) == {"net.onnx": b"old"}


def test_a_folder_in_its_place_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(OSError, match=r"net\.onnx"):
        atomic.write(b"new", tmp_path / "net.onnx")
    assert held(tmp_path) == {"net.onnx": None}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask to speak of")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_who_may_read_it_is_decided_by_the_umask(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        atomic.write(b"new", tmp_path / "net.onnx")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "net.onnx").stat().st_mode) == mode


def test_a_name_as_long_as_a_name_may_be(tmp_path: Path) -> None:
    file = tmp_path / ("n" * 250 + ".onnx")
    atomic.write(b"new", file)
    assert held(tmp_path) == {file.name: b"new"}


def test_room_that_is_kept_is_written_over_and_its_rest_given_back(tmp_path: Path) -> None:
    file, reserve = tmp_path / "net.onnx", tmp_path / "reserve"
    atomic.keep_room(reserve, 3 << 20)
    assert reserve.stat().st_size == 3 << 20
    assert reserve.stat().st_blocks * 512 >= 3 << 20
    before = reserve.stat().st_ino
    atomic.write(b"new", file, reserve)
    assert held(tmp_path) == {"net.onnx": b"new"}
    assert file.stat().st_ino == before
    atomic.write(b"newer", file, reserve)  # there is none any more
    assert held(tmp_path) == {"net.onnx": b"newer"}


def test_room_is_kept_without_help_of_the_system_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    atomic.keep_room(tmp_path / "reserve", (1 << 20) + 5)
    assert (tmp_path / "reserve").read_bytes() == bytes((1 << 20) + 5)


FULL = """
from models import atomic

file, reserve = disk / "net.onnx", disk / "reserve"
atomic.write(b"o" * 300_000, file)
atomic.keep_room(reserve, 300_000)
fill()
try:
    atomic.keep_room(disk / "more", 300_000)
except OSError as error:
    print(error.strerror)
try:
    atomic.write(b"l" * 300_000, disk / "other")
except OSError as error:
    print(error.strerror)
atomic.write(b"n" * 300_000, file, reserve)
print(file.read_bytes() == b"n" * 300_000, sorted(os.listdir(disk)))
"""


def test_room_that_was_kept_is_there_on_a_full_disk(tmp_path: Path) -> None:
    done = full_disk.run(FULL, tmp_path / "disk", "4m")
    assert done.stdout.splitlines() == ["No space left on device"] * 2 + ["True ['filler', 'net.onnx']"], done.stderr
