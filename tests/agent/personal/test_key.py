"""The key of answers: in a keyring where there is one, real ones too, else in a file; and whatever a keyring does."""

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("keyring", reason="the agent's packages are not installed")
pytest.importorskip("cryptography", reason="the extra personal is not installed")

import keyring
import keyring.backends.fail
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from agent.personal.key import DesktopVault, KeyVaultError
from agent.personal.store import Store, StoreError
from tests.agent.desktop.session import bus, homed, need
from tests.agent.personal.kept import NETWORK, answers, same
from tests.support import HANG_S

ROOT = Path(__file__).parents[3]


class Ring(KeyringBackend):
    """A keyring in memory, by keyring's own interface."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.took = threading.Event()
        self.is_locked = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def get_password(self, service: str, username: str) -> str | None:
        self._ask()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._ask()
        self.kept[service, username] = password
        self.took.set()

    def delete_password(self, service: str, username: str) -> None:
        self._ask()
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError

    def _ask(self) -> None:
        assert self.may_answer.wait(HANG_S)
        if self.is_locked:
            raise KeyringLocked


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    ring = Ring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
    yield ring
    ring.may_answer.set()


@pytest.fixture
def no_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)


def test_a_keyring_has_the_key_and_no_file(ring: Ring, tmp_path: Path) -> None:
    vault = DesktopVault(tmp_path)
    assert vault.find() is None
    made = vault.make()
    assert len(made.secret) == 32
    assert made.is_protected
    assert "secret" not in repr(made)
    assert DesktopVault(tmp_path).find() == made
    assert [*ring.kept] == [("Moodcast", f"answers in {tmp_path}")]
    assert not [*tmp_path.iterdir()]
    vault.remove()
    assert not ring.kept
    assert vault.find() is None
    vault.remove()


@pytest.mark.usefixtures("no_ring")
def test_without_a_keyring_a_file_of_the_users_alone_has_it(tmp_path: Path) -> None:
    vault = DesktopVault(tmp_path / "personal")
    assert vault.find() is None
    made = vault.make()
    assert not made.is_protected
    file = tmp_path / "personal" / "answers.key"
    if os.name == "posix":
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    (file.parent / "answers.key.new").write_bytes(b"cut")
    assert DesktopVault(tmp_path / "personal").find() == made
    vault.remove()
    assert not [*file.parent.iterdir()]


def test_two_folders_have_two_keys(ring: Ring, tmp_path: Path) -> None:
    one, other = DesktopVault(tmp_path / "one"), DesktopVault(tmp_path / "other")
    assert one.make() != other.make()
    one.remove()
    assert other.find() is not None


def test_a_key_that_no_keyring_took_goes_first_later_and_a_new_one_goes_into_the_keyring(
    ring: Ring, tmp_path: Path
) -> None:
    vault = DesktopVault(tmp_path)
    vault.make()
    ring.is_locked = True
    in_file = vault.make()
    assert not in_file.is_protected
    ring.is_locked = False
    assert vault.find() == in_file
    assert vault.make().is_protected
    assert not [*tmp_path.iterdir()]


def test_a_locked_keyring_is_told(ring: Ring, tmp_path: Path) -> None:
    vault = DesktopVault(tmp_path)
    vault.make()
    ring.is_locked = True
    with pytest.raises(KeyVaultError, match=r"keyring does not give their key \(KeyringLocked\)"):
        vault.find()
    with pytest.raises(KeyVaultError, match=r"does not let go of the entry Moodcast, 'answers in .*\(KeyringLocked\)"):
        vault.remove()


def test_a_keyring_that_hangs_is_waited_for_so_long_and_answers_later(ring: Ring, tmp_path: Path) -> None:
    vault = DesktopVault(tmp_path, patience_s=0.05)
    ring.may_answer.clear()
    made = vault.make()
    assert not made.is_protected
    (tmp_path / "answers.key").rename(tmp_path / "aside")
    with pytest.raises(KeyVaultError, match="it did not answer"):
        vault.find()
    ring.may_answer.set()
    # The keyring takes it after all: the same, so that either opens the file.
    assert ring.took.wait(HANG_S)
    found = DesktopVault(tmp_path, HANG_S).find()
    assert found
    assert found.secret == made.secret


def test_answers_whose_key_a_silent_keyring_has_are_deleted_after_one_wait(ring: Ring, tmp_path: Path) -> None:
    folder = tmp_path / "personal"
    Store(folder, DesktopVault(folder)).save(answers(1))
    vault = DesktopVault(folder, patience_s=0.05)
    ring.may_answer.clear()
    with pytest.raises(KeyVaultError, match="it did not answer"):
        vault.find()
    vault._patience_s = HANG_S  # another wait would be as long as this
    said = Store(folder, vault).delete()
    assert "the system's keyring does not let go of the entry" in said
    assert "it did not answer" in said
    assert [file.name for file in folder.iterdir()] == ["answers.lock"]
    ring.may_answer.set()
    assert vault._newest
    vault._newest.result(HANG_S)
    assert not ring.kept  # it let go of it after all


@pytest.mark.parametrize("text", ["", "AAAA", "no key", "A" * 44, "\u00e9" * 44])
def test_what_is_no_key_is_told_in_ring_and_file(ring: Ring, tmp_path: Path, text: str) -> None:
    vault = DesktopVault(tmp_path)
    ring.kept["Moodcast", f"answers in {tmp_path}"] = text
    with pytest.raises(KeyVaultError, match="the system's keyring does not give their key"):
        vault.find()
    (tmp_path / "answers.key").write_text(text)
    with pytest.raises(KeyVaultError, match=r"the file of their key, .*answers.key, can't be read"):
        vault.find()


@pytest.mark.usefixtures("no_ring")
def test_a_key_file_that_is_a_link_is_told(tmp_path: Path) -> None:
    vault = DesktopVault(tmp_path)
    vault.make()
    (tmp_path / "answers.key").rename(tmp_path / "elsewhere")
    (tmp_path / "answers.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyVaultError, match="it is a link"):
        vault.find()


@pytest.mark.usefixtures("no_ring")
def test_where_no_key_can_be_kept_no_answers_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "personal"
    monkeypatch.setattr("agent.personal.key.write_whole", full)
    with pytest.raises(
        StoreError, match=r"Your answers can't be kept: .* can't be written \(No space left on device\)"
    ):
        Store(folder, DesktopVault(folder)).save(answers(1))
    assert [file.name for file in folder.iterdir()] == ["answers.lock"]


def test_answers_lie_sealed_with_the_key_of_the_keyring(ring: Ring, tmp_path: Path) -> None:
    folder = tmp_path / "personal"
    assert Store(folder, DesktopVault(folder)).save(answers(1, 2)).sentence == ""
    assert same(Store(folder, DesktopVault(folder)).load(NETWORK).answers, answers(1, 2))
    ring.is_locked = True
    loaded = Store(folder, DesktopVault(folder)).load(NETWORK)
    assert loaded.answers is None
    assert "the system's keyring does not give their key (KeyringLocked)" in loaded.sentence
    ring.is_locked = False
    (secret,) = ring.kept.values()
    ring.kept.clear()
    assert "neither in the system's keyring nor in a file" in Store(folder, DesktopVault(folder)).load(NETWORK).sentence
    ring.kept["Moodcast", f"answers in {folder}"] = secret
    assert same(Store(folder, DesktopVault(folder)).load(NETWORK).answers, answers(1, 2))


CODE = """
import sys
from pathlib import Path
from agent.personal.key import DesktopVault
from agent.personal.store import Store
from tests.agent.personal.kept import NETWORK, answers

folder = Path(sys.argv[1])
store = Store(folder, DesktopVault(folder))
"""


@pytest.mark.slow
def test_a_real_keyring_has_the_key_and_locked_it_gives_nothing_away(tmp_path: Path) -> None:
    need("gnome-keyring-daemon", "dbus-send")
    folder = tmp_path / "personal"

    def run(code: str) -> list[str]:
        environment = {**homed(tmp_path), "DBUS_SESSION_BUS_ADDRESS": address, "DISPLAY": ""}
        program = [sys.executable, "-c", CODE + textwrap.dedent(code), str(folder)]
        return subprocess.run(
            program, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120
        ).stdout.splitlines()

    with bus(tmp_path) as address:
        daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"],
            env={**homed(tmp_path), "DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": str(tmp_path)},
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert daemon.stdin
            daemon.stdin.write(b"pw")
            daemon.stdin.close()
            assert run("print(repr(store.save(answers(1, 2)).sentence))") == ["''"]
            assert sorted(file.name for file in folder.iterdir()) == ["answers.lock", "answers.sealed"]
            assert run("print(store.load(NETWORK).answers.counts)") == ["(0, 1, 1, 0, 0, 0, 0)"]
            subprocess.run(
                ["dbus-send", "--print-reply", f"--bus={address}", "--dest=org.freedesktop.secrets",
                 "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock",
                 "array:objpath:/org/freedesktop/secrets/collection/login"],
                check=True, capture_output=True, timeout=60,
            )  # fmt: skip
            locked, deleted = run("print(store.load(NETWORK))\nprint(store.delete())")
            assert "answers=None" in locked
            assert "the system's keyring does not give their key" in locked
            assert "the key, which opens nothing any more" in deleted
            assert sorted(file.name for file in folder.iterdir()) == ["answers.lock"]
        finally:
            daemon.terminate()
            daemon.wait(30)
