"""The lists of highlights beside a recording."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from obs_plugin import moodcast_clips as clips
from obs_plugin import moodcast_lists
from tests.support import HANG_S, wait_until

LAUGHTER = clips.Moment("expression", "happy", 0.5, 0.4, 6.0)


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Iterator[moodcast_lists.Lists]:
    monkeypatch.setattr(moodcast_lists, "_AGAIN_S", 0.05)
    made = moodcast_lists.Lists()
    yield made
    ended(made)


def ended(lists: moodcast_lists.Lists) -> int:
    """Have the thread end; how many lines are lost."""
    lists.stop()
    lists.thread.join(HANG_S)
    return lists.lost()


def times(path: Path) -> list[str]:
    return [line.split(",")[0] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["plain.mkv", "Grüße 100%, \"really\" 'so' 好.mkv", "two.dots.mp4", "-n\n.mov"])
def test_lines_stand_beside_the_recording_whatever_it_is_called(
    lists: moodcast_lists.Lists, tmp_path: Path, name: str
) -> None:
    recording = tmp_path / name
    for seconds in (5.0, 20.0, 25.0, 40.0):
        lists.add(str(recording), LAUGHTER, seconds, 0.0)
    assert ended(lists) == 0
    assert times(recording.with_suffix(".moodcast.csv")) == [
        "time", "00:00:05.000", "00:00:20.000", "00:00:25.000", "00:00:40.000",
    ]  # fmt: skip
    chapters = recording.with_suffix(".moodcast.txt").read_text()
    assert chapters == "00:00:00 Start\n00:00:20 Laughter\n00:00:40 Laughter\n", "video sites take none below 10 s"


def test_a_list_that_is_there_is_left_alone(lists: moodcast_lists.Lists, tmp_path: Path) -> None:
    (tmp_path / "a.moodcast.csv").write_text("mine")
    lists.add(str(tmp_path / "a.mkv"), LAUGHTER, 1.0, 0.0)
    lists.add(str(tmp_path / "a.mkv"), LAUGHTER, 2.0, 0.0)
    assert ended(lists) == 0
    assert (tmp_path / "a.moodcast.csv").read_text() == "mine"
    assert times(tmp_path / "a-2.moodcast.csv")[1:] == [
        "00:00:01.000",
        "00:00:02.000",
    ]


def test_a_script_that_is_loaded_again_goes_on_with_its_lists(tmp_path: Path) -> None:
    recording = tmp_path / "a.mkv"
    recording.with_suffix(".moodcast.csv").write_text("mine")
    for begin in (20.0, 60.0):
        lists = moodcast_lists.Lists()
        if begin > 20:
            lists.resume(str(recording), 55.0)
        lists.add(str(recording), LAUGHTER, begin, 0.0)
        lists.add(str(recording), LAUGHTER, begin + 10, 0.0)
        assert ended(lists) == 0
    assert times(tmp_path / "a-2.moodcast.csv") == [
        "time",
        *(f"00:{t}.000" for t in ("00:20", "00:30", "01:00", "01:10")),
    ]
    chapters = recording.with_suffix(".moodcast.txt").read_text()
    assert chapters == "00:00:00 Start\n00:00:20 Laughter\n00:00:30 Laughter\n00:01:10 Laughter\n"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_list_that_is_not_one_is_left_alone_by_a_script_that_is_loaded_again(tmp_path: Path) -> None:
    (tmp_path / "a.moodcast.csv").write_text("mine")
    lists = moodcast_lists.Lists()
    lists.resume(str(tmp_path / "a.mkv"), 1.0)
    lists.add(str(tmp_path / "a.mkv"), LAUGHTER, 2.0, 0.0)
    assert ended(lists) == 0
    assert (tmp_path / "a.moodcast.csv").read_text() == "mine"
    assert times(tmp_path / "a-2.moodcast.csv")[1:] == ["00:00:02.000"]


async def test_what_can_not_be_written_waits_and_is_told(lists: moodcast_lists.Lists, tmp_path: Path) -> None:
    folder = tmp_path / "away"
    for seconds in range(3):
        lists.add(str(folder / "a.mkv"), LAUGHTER, float(seconds), 0.0)
    await wait_until(lambda: "3 lines wait" in lists.problem)
    assert f"Can't write the list of highlights into {folder} (No such file or directory)" in lists.problem
    folder.mkdir()
    await wait_until(lambda: lists.problem == "")
    assert ended(lists) == 0
    assert times(folder / "a.moodcast.csv")[1:] == ["00:00:00.000", "00:00:01.000", "00:00:02.000"]


async def test_a_disk_that_is_gone_keeps_no_other_recordings_lines(lists: moodcast_lists.Lists, tmp_path: Path) -> None:
    lists.add(str(tmp_path / "away" / "a.mkv"), LAUGHTER, 1.0, 0.0)
    await wait_until(lambda: "1 lines wait" in lists.problem)
    lists.add(str(tmp_path / "b.mkv"), LAUGHTER, 2.0, 0.0)
    await wait_until((tmp_path / "b.moodcast.csv").exists)
    assert "Can't write" in lists.problem
    assert ended(lists) == 1
    assert times(tmp_path / "b.moodcast.csv")[1:] == ["00:00:02.000"]


async def test_memory_is_bounded_and_the_loss_is_told(lists: moodcast_lists.Lists, tmp_path: Path) -> None:
    for _ in range(moodcast_lists.MOST_WAITING + 50):
        lists.add(str(tmp_path / "away" / "a.mkv"), LAUGHTER, 1.0, 0.0)
    await wait_until(lambda: "50 lines did not fit" in lists.problem)
    assert ended(lists) == moodcast_lists.MOST_WAITING + 50


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")
def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    moodcast_lists.append(path, "head\n", "first\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 3, before[1]))  # Python ignores SIGXFSZ
    try:
        with pytest.raises(OSError, match=r"No space|too large"):
            moodcast_lists.append(path, "head\n", "second\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    moodcast_lists.append(path, "head\n", "third\n")
    assert path.read_text() == "head\nfirst\nthird\n"


async def test_a_nul_in_a_name_is_told(lists: moodcast_lists.Lists) -> None:
    lists.add("/tmp/a\0b.mkv", LAUGHTER, 1.0, 0.0)
    await wait_until(lambda: "no proper file name" in lists.problem)
