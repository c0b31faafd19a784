"""Channels and keys."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.store import database
from relay.store.channels import RIGHTS, Channels, Right


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return database.prepare(str(tmp_path))


def test_both_keys_of_a_channel_open_it_and_no_others(path: Path) -> None:
    channels = Channels(path)
    one, two = channels.create("one"), channels.create("two")
    assert channels.right("one", one.display_key) == "display"
    assert channels.right("one", one.admin_key) == "admin"
    for key in ("", two.display_key, two.admin_key, one.display_key + "x", one.display_key[:-1], "\ud800"):
        assert channels.right("one", key) is None


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
    assert channels.right("demo", keys.display_key) == "display"


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
        assert channels.right("demo", key) is None

    check()


def test_a_password_is_checked_changed_removed_and_survives_a_restart(path: Path) -> None:
    channels = Channels(path)
    channels.create("demo")
    assert not channels.has_password("demo")
    for password in ("first", "zw\N{LATIN SMALL LETTER O WITH DIAERESIS}lf"):
        channels.set_password("demo", password)
        for now in (channels, Channels(path)):
            assert now.has_password("demo")
            for _ in range(2):  # slow, then fast
                assert [now.check_password("demo", given) for given in (password, "", "wrong", "\ud800")] == [
                    True, False, False, False,
                ]  # fmt: skip
    assert b"first" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    channels.set_password("demo", "")
    assert not Channels(path).has_password("demo")
    assert channels.check_password("demo", "whatever")


def test_one_thread_alone_takes_the_memory_of_a_passwords_hash(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 MiB that stay with the thread: with the 32 of a pool, one after the other, that would be half a gigabyte."""
    channels, threads, scrypt = Channels(path), set(), hashlib.scrypt
    channels.create("demo")

    def noted(*secret: bytes, **options: Any) -> bytes:
        threads.add(threading.get_ident())
        return scrypt(*secret, **options)

    monkeypatch.setattr(hashlib, "scrypt", noted)
    channels.set_password("demo", "sesame")
    with ThreadPoolExecutor(4) as pool:
        assert not any(pool.map(lambda guess: channels.check_password("demo", str(guess)), range(8)))
    assert len(threads) == 1


def test_a_new_channel_has_no_password_of_an_old_one(path: Path) -> None:
    channels = Channels(path)
    with database.opened(path) as file:
        file.execute("INSERT INTO passwords VALUES ('demo', x'00', x'00')")
    channels.create("demo")
    assert not Channels(path).has_password("demo")


@pytest.mark.parametrize("right", RIGHTS)
def test_a_rotated_key_opens_and_the_old_one_does_not(path: Path, right: Right) -> None:
    keys = Channels(path).create("demo")
    old = {"admin": keys.admin_key, "display": keys.display_key}
    channels = Channels(path)
    new = channels.rotate("demo", right, channels.seal("demo"))
    for now in (channels, Channels(path)):  # also after a restart
        assert now.right("demo", new) == right
        assert now.right("demo", old.pop(right, "")) is None
        assert all(now.right("demo", key) == other for other, key in old.items())


@pytest.mark.parametrize("right", RIGHTS)
def test_a_relay_that_has_not_heard_of_the_new_admin_key_replaces_none_with_the_old_one(
    path: Path, right: Right
) -> None:
    first = Channels(path)
    first.create("demo")
    second = Channels(path)
    new = first.rotate("demo", "admin", first.seal("demo"))
    with pytest.raises(PermissionError):
        second.rotate("demo", right, second.seal("demo"))
    second.reload("demo")
    assert second.right("demo", new) == "admin"


def test_two_relays_that_rotate_different_keys_do_not_undo_each_other(path: Path) -> None:
    """They share a database, and the second has not read what the first changed."""
    first = Channels(path)
    leaked = first.create("demo")
    second = Channels(path)
    display = first.rotate("demo", "display", first.seal("demo"))
    admin = second.rotate("demo", "admin", second.seal("demo"))
    for channels in (first, second, Channels(path)):
        channels.reload("demo")
        assert channels.right("demo", leaked.display_key) is None
        assert channels.right("demo", leaked.admin_key) is None
        assert channels.right("demo", display) == "display"
        assert channels.right("demo", admin) == "admin"
