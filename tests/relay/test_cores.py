"""How many cores a process may use, read from control groups of both versions."""

import math
import os
from pathlib import Path

import pytest

from relay.workers import cores


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_a_group_without_a_limit_has_none(tmp_path: Path) -> None:
    assert cores.quota(tmp_path, "") == math.inf
    assert cores.quota(tmp_path, "0::/a/b\n") == math.inf
    write(tmp_path / "a" / "b", cpu__max="max 100000\n")
    write(tmp_path / "cpu", cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")
    assert cores.quota(tmp_path, "0::/a/b\n3:cpu:/\n") == math.inf


def test_the_lowest_of_a_group_and_those_around_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "a", cpu__max="250000 100000\n")
    write(tmp_path / "a" / "b", cpu__max="800000 100000\n")
    assert cores.quota(tmp_path, "0::/a/b\n") == 2.5


def test_a_container_sees_its_own_group_at_the_root(tmp_path: Path) -> None:
    write(tmp_path, cpu__max="150000 100000")
    assert cores.quota(tmp_path, "0::/\n") == 1.5
    write(tmp_path / "cpu,cpuacct", cpu__cfs_quota_us="50000\n", cpu__cfs_period_us="100000\n")
    assert cores.quota(tmp_path, "4:memory:/x\n3:cpu,cpuacct:/docker/outside\n") == 0.5


@pytest.mark.parametrize("text", ["", "x y", "1", "100000 0"])
def test_what_makes_no_sense_is_no_limit(tmp_path: Path, text: str) -> None:
    write(tmp_path, cpu__max=text)
    assert cores.quota(tmp_path, "0::/\n") == math.inf


def test_at_least_one_and_at_most_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= cores.usable() <= (os.cpu_count() or 1)
    monkeypatch.setattr(cores, "quota", lambda *_: 0.3)
    assert cores.usable() == 1
