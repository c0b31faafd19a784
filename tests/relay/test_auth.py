"""Channels and keys."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import database
from relay.auth import Channels


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database.prepare(str(tmp_path))


def test_both_keys_of_a_channel_open_it_and_no_others(path: Path) -> None:
    channels = Channels(path)
    one, two = channels.create("one"), channels.create("two")
    assert channels.may_read("one", one.display_key)
    assert channels.may_read("one", one.admin_key)
    for key in ("", two.display_key, two.admin_key, one.display_key + "x", one.display_key[:-1], "\ud800"):
        assert not channels.may_read("one", key)


def test_keys_are_not_in_the_database(path: Path) -> None:
    keys = Channels(path).create("demo")
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"demo" in stored
    assert keys.display_key.encode() not in stored
    assert keys.admin_key.encode() not in stored


def test_a_channel_is_made_once(path: Path) -> None:
    keys = Channels(path).create("demo")
    channels = Channels(path)
    with pytest.raises(FileExistsError, match="demo"):
        channels.create("demo")
    assert channels.may_read("demo", keys.display_key)


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a/b", "ä", "a\n", 65 * "a", "..", "a'--"])
def test_bad_names_are_refused(path: Path, name: str) -> None:
    channels = Channels(path)
    with pytest.raises(ValueError, match="name"):
        channels.create(name)
    assert name not in channels


def test_no_key_breaks_the_check(path: Path) -> None:
    channels = Channels(path)
    channels.create("demo")

    @given(st.text())
    def check(key: str) -> None:
        assert not channels.may_read("demo", key)

    check()
