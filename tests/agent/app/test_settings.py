"""The settings file: what it forgets, it says, and it never loses what a damaged one held."""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.app.settings import Consent, Remembered, SettingsFile
from tests import full_disk

AGREED = Consent(relay="https://mood.example.org", channel="demo", text="0" * 64, at_once=True, program="0.1.0")
KEPT = Remembered(name="Zoë", camera="webcam:2", fps=7, relay="https://mood.example.org", consents=(AGREED,))
WHOLE = msgspec.json.encode(KEPT)


def written(file: SettingsFile) -> None:
    assert file.close(60)


def test_what_is_chosen_is_there_in_the_next_run(tmp_path: Path) -> None:
    first = SettingsFile(tmp_path / "deep" / "moodcast")
    assert first.now == Remembered()
    first.change(name="Zoë", camera="webcam:2")
    first.change(theme="dark", consents=(AGREED,))
    assert first.now.theme == "dark"
    written(first)
    second = SettingsFile(tmp_path / "deep" / "moodcast")
    assert second.now == first.now
    assert second.warnings() == ()


def test_nothing_is_written_before_something_is_chosen(tmp_path: Path) -> None:
    written(SettingsFile(tmp_path / "moodcast"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "moodcast")
    file.change(name="Zoë")
    written(file)
    assert stat.S_IMODE((tmp_path / "moodcast" / "settings.json").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "moodcast").iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    "values", [{"fps": 0}, {"fps": "5"}, {"theme": "pink"}, {"colour": "pink"}, {"name": "a\nb"}, {"relay": "mood"}]
)
def test_what_can_not_be_is_refused(values: dict[str, object], tmp_path: Path) -> None:
    file = SettingsFile(tmp_path)
    with pytest.raises(ValueError, match=f"the settings can't be {next(iter(values))} so"):
        file.change(**values)
    assert file.now == Remembered()
    written(file)
    assert list(tmp_path.iterdir()) == []


def damaged() -> st.SearchStrategy[bytes]:
    """Files that went wrong: cut, with bytes that changed, with others behind, or something else."""
    cut = st.integers(0, len(WHOLE)).map(lambda end: WHOLE[:end])
    changed = st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(max_size=4)).map(
        lambda change: WHOLE[: change[0]] + change[1] + WHOLE[change[0] + 1 :]
    )
    return st.one_of(st.binary(max_size=300), cut, changed, st.binary(max_size=9).map(lambda more: WHOLE + more))


@given(data=damaged())
@example(data=WHOLE)
@example(data=b"")
@example(data=b"[" * 100_000)
@example(data=b'{"version": 2, "name": "Zo\xc3\xab", "consents": []}')
@example(data=b'{"version": 1e999}')
@example(data=b" " * 2_000_000)
@example(data=WHOLE.replace(b"Zo\xc3\xab", b"Zo\\u202e"))
def test_no_consent_is_lost_silently(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("home")
    (folder / "settings.json").write_bytes(data)
    file = SettingsFile(folder)
    kept = [path.read_bytes() for path in folder.glob("settings.damaged-*.json")]
    if kept:
        assert kept == [data]
        assert file.now == Remembered()
        assert "asked again what you agree to" in file.warnings()[0]
    else:
        assert file.warnings() == ()
        assert msgspec.json.decode(data, type=Remembered) == file.now
    file.change(theme="dark")
    written(file)
    assert SettingsFile(folder).now == msgspec.structs.replace(file.now, theme="dark")
    assert [path.read_bytes() for path in folder.glob("settings.damaged-*.json")] == kept


def test_a_file_of_a_newer_version_is_kept_aside_and_called_so(tmp_path: Path) -> None:
    newer = b'{"version": 2, "consents": {"other": "form"}}'
    (tmp_path / "settings.json").write_bytes(newer)
    (tmp_path / "settings.damaged-1.json").write_bytes(b"of another time")
    (sentence,) = SettingsFile(tmp_path).warnings()
    assert "is of a newer version of Moodcast" in sentence
    assert str(tmp_path / "settings.damaged-2.json") in sentence
    assert (tmp_path / "settings.damaged-2.json").read_bytes() == newer
    assert (tmp_path / "settings.damaged-1.json").read_bytes() == b"of another time"


def test_a_field_of_a_later_program_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_bytes(WHOLE[:-1] + b',"later":{"a":[1]}}')
    assert SettingsFile(tmp_path).now == KEPT


def test_a_folder_in_its_place_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "settings.json").mkdir()
    file = SettingsFile(tmp_path)
    assert "can't be read" in file.warnings()[0]
    file.change(name="Zoë")
    written(file)
    assert SettingsFile(tmp_path).now.name == "Zoë"


@contextlib.contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


@pytest.fixture
def _modes_hold(tmp_path: Path) -> None:
    """Skips where this user may write everywhere, as root may."""
    (tmp_path / "closed").mkdir(0o500)
    may_write = os.access(tmp_path / "closed", os.W_OK)
    (tmp_path / "closed").rmdir()
    if may_write:
        pytest.skip("this user may write everywhere")


modes_hold = pytest.mark.usefixtures("_modes_hold")


@modes_hold
def test_a_home_that_can_not_be_written_is_told_and_it_goes_on(tmp_path: Path) -> None:
    with _read_only(tmp_path):
        file = SettingsFile(tmp_path)
        file.change(name="Zoë")
        written(file)
        assert file.now.name == "Zoë"
        assert "can't be written" in file.warnings()[0]


@modes_hold
def test_what_is_damaged_and_can_not_be_put_aside_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_bytes(b"{")
    with _read_only(tmp_path):
        file = SettingsFile(tmp_path)
        assert "can't be put aside" in file.warnings()[0]
    file.change(name="Zoë")
    written(file)
    assert (tmp_path / "settings.json").read_bytes() == b"{"


def test_a_file_in_place_of_its_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "moodcast").write_text("no folder")
    file = SettingsFile(tmp_path / "moodcast")
    file.change(name="Zoë")
    written(file)
    assert file.now.name == "Zoë"
    assert any("can't be written" in sentence for sentence in file.warnings())


FULL = """
from agent.app.settings import SettingsFile

file = SettingsFile(disk)
file.change(name="before")
assert file.close(60)
file = SettingsFile(disk)
fill()
file.change(name="x" * 40, camera="c" * 4096)
assert file.close(60)
assert file.now.name == "x" * 40
(sentence,) = file.warnings()
assert "No space left on device" in sentence, sentence
(disk / "filler").unlink()
assert SettingsFile(disk).now.name == "before"
assert sorted(path.name for path in disk.iterdir()) == ["settings.json"]
"""


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    run = full_disk.run(FULL, tmp_path, "64k")
    assert run.returncode == 0, run.stderr


def test_the_next_change_that_is_written_ends_the_warning(tmp_path: Path) -> None:
    (tmp_path / "moodcast").write_text("no folder")
    file = SettingsFile(tmp_path / "moodcast")
    file.change(name="Zoë")
    while not file.warnings():
        time.sleep(0.01)
    (tmp_path / "moodcast").unlink()
    file.change(name="Zoe")
    written(file)
    assert SettingsFile(tmp_path / "moodcast").now.name == "Zoe"
