"""The folder that workers share: others' files beside it do nothing to it, and nobody deletes it."""

import os
from pathlib import Path

import pytest

fcntl = pytest.importorskip("fcntl", reason="workers need a Unix")

from relay.errors import DataFolderError  # noqa: E402 (they import it)
from relay.workers import folder  # noqa: E402
from relay.workers.folder import private_folder  # noqa: E402
from relay.workers.seat import Seat  # noqa: E402


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def left_behind(temporary: Path, name: str = "moodcast-relay-killed") -> Path:
    """A folder of a relay that was killed."""
    found = temporary / name
    found.mkdir()
    (found / folder._MARK).touch()
    return found


def test_that_of_a_relay_that_was_killed_is_swept_and_others_are_not(temporary: Path) -> None:
    left_behind(temporary)
    (temporary / "moodcast-relay-mine").mkdir()
    with private_folder() as one, private_folder() as other:
        assert sorted(temporary.iterdir()) == sorted([one, other, temporary / "moodcast-relay-mine"])
        assert one.stat().st_mode & 0o777 == 0o700
    assert not one.exists()


def test_who_cleans_up_old_temporary_files_finds_it_locked() -> None:
    with private_folder() as one:
        seen = os.open(one, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(seen, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(seen)


def test_no_other_user_can_keep_a_relay_from_starting(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (folder._MARK, "lock"):
        trap = temporary / f"moodcast-relay-{name}"
        trap.mkdir()
        os.mkfifo(trap / name)  # who opens it waits for ever
    (temporary / "moodcast-relay-link").symlink_to(left_behind(temporary, "elsewhere"))
    with private_folder() as one:
        assert one.is_dir()
    assert (temporary / "elsewhere" / folder._MARK).exists()
    theirs = left_behind(temporary)
    monkeypatch.setattr(os, "geteuid", lambda: theirs.stat().st_uid + 1)
    folder._sweep()
    assert theirs.exists()


def test_without_room_for_it_there_is_a_sentence(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "missing"))
    with pytest.raises(DataFolderError, match="TMPDIR"), private_folder():
        pass
    with pytest.raises(DataFolderError, match="make room"):
        Seat(0, 2, temporary / "missing").succeed("somebody")
