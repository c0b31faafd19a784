"""The file of the channels' keys."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from obs_plugin.moodcast_keys import Keys, Pair, place
from tests.support import HANG_S

PAIR = Pair("display-1", "admin-1")
RELAY = "http://127.0.0.1:8765"


def file_in(folder: Path) -> Path:
    return folder / "config" / "moodcast" / "keys.json"


def test_what_is_written_is_found_by_the_next_one(tmp_path: Path) -> None:
    kept = Keys(file_in(tmp_path))
    kept.remember(RELAY, "demo", PAIR)
    kept.write_soon()
    kept.join(HANG_S)
    assert Keys(file_in(tmp_path)).find(RELAY, "demo") == PAIR
    assert Keys(file_in(tmp_path)).find(RELAY, "other") == Pair()
    assert (kept.problem, list(file_in(tmp_path).parent.iterdir())) == ("", [file_in(tmp_path)])


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps others out of the user's folder by itself")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        kept = Keys(file_in(tmp_path))
        kept.remember(RELAY, "demo", PAIR)
        kept.write()
    finally:
        os.umask(old)
    assert stat.S_IMODE(file_in(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(file_in(tmp_path).parent.stat().st_mode) == 0o700


def test_two_that_write_leave_each_other_alone(tmp_path: Path) -> None:
    one, other = Keys(file_in(tmp_path)), Keys(file_in(tmp_path))
    one.remember(RELAY, "one", PAIR)
    one.write()
    other.remember(RELAY, "other", PAIR)
    other.write()
    kept = Keys(file_in(tmp_path))
    assert kept.find(RELAY, "one") == kept.find(RELAY, "other") == PAIR


def test_keys_that_are_taken_away_are_gone_from_the_file(tmp_path: Path) -> None:
    kept = Keys(file_in(tmp_path))
    kept.remember(RELAY, "demo", PAIR)
    kept.write()
    kept.remember(RELAY, "demo", Pair())
    kept.write()
    assert json.loads(file_in(tmp_path).read_text()) == {"version": 1, "channels": {}}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"version": 2, "channels": {}}', b'{"version": 1}', b"[" * 100_000,
     b'{"version": 1, "channels": {"a b": {"display": 7}}}', b'{"version": 1, "channels": {"a b": null}}'],
)  # fmt: skip
def test_a_file_of_something_else_stays_as_it_is_and_is_told(tmp_path: Path, content: bytes) -> None:
    file_in(tmp_path).parent.mkdir(parents=True)
    file_in(tmp_path).write_bytes(content)
    kept = Keys(file_in(tmp_path))
    assert "move it away" in kept.problem
    kept.remember(RELAY, "demo", PAIR)
    kept.write()
    assert kept.find(RELAY, "demo") == PAIR, "it goes on in memory"
    assert file_in(tmp_path).read_bytes() == content
    file_in(tmp_path).unlink()
    kept.write()
    assert (kept.problem, Keys(file_in(tmp_path)).find(RELAY, "demo")) == ("", PAIR)


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Keys(file_in(tmp_path))
    kept.remember(RELAY, "old", PAIR)
    kept.write()
    kept.remember(RELAY, "demo", PAIR)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        kept.write()
    assert "No space left on device" in kept.problem
    assert "display-1" not in kept.problem
    assert kept.find(RELAY, "demo") == PAIR
    assert Keys(file_in(tmp_path)).find(RELAY, "old") == PAIR
    assert [path.name for path in file_in(tmp_path).parent.iterdir()] == ["keys.json"]
    kept.write()
    assert (kept.problem, Keys(file_in(tmp_path)).find(RELAY, "demo")) == ("", PAIR)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where a folder should be")
    kept = Keys(file_in(tmp_path))
    kept.remember(RELAY, "demo", PAIR)
    kept.write()
    assert "can't be kept in" in kept.problem
    assert kept.find(RELAY, "demo") == PAIR


def test_it_lies_where_each_system_keeps_what_is_the_users() -> None:
    home = Path("/home/someone")
    assert place({}, home, "linux") == home / ".config" / "moodcast" / "keys.json"
    assert place({"XDG_CONFIG_HOME": "/etc/mine"}, home, "linux") == Path("/etc/mine/moodcast/keys.json")
    assert place({}, home, "darwin") == home / "Library" / "Application Support" / "Moodcast" / "keys.json"
    assert place({"APPDATA": "/roaming"}, home, "win32") == Path("/roaming/Moodcast/keys.json")


def test_a_disk_that_hangs_keeps_nobody_waiting_and_loses_no_later_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, going_on = threading.Event(), threading.Event()
    write = os.fsync

    def hang(number: int) -> None:
        begun.set()
        assert going_on.wait(HANG_S)
        write(number)

    monkeypatch.setattr(os, "fsync", hang)
    kept = Keys(file_in(tmp_path))
    kept.remember(RELAY, "demo", PAIR)
    kept.write_soon()
    assert begun.wait(HANG_S)
    later = threading.Thread(target=kept.remember, args=(RELAY, "later", PAIR), daemon=True)
    later.start()
    later.join(5)
    waits = later.is_alive()
    going_on.set()
    kept.join(HANG_S)
    assert not waits
    kept.write()
    assert Keys(file_in(tmp_path)).find(RELAY, "demo") == Keys(file_in(tmp_path)).find(RELAY, "later") == PAIR
