"""Where answers are kept: what is saved comes back, and nothing that goes wrong loses it or gives it away."""

import os
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="the extra personal is not installed")

from agent.personal.store import Store, StoreError
from tests.agent.personal.kept import NETWORK, OTHER, Drawer, answer, answers, same

FILE = "answers.sealed"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "personal"


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def store(folder: Path, drawer: Drawer) -> Store:
    return Store(folder, drawer)


def test_before_the_first_answer_there_is_nothing_and_nothing_is_made(folder: Path, store: Store) -> None:
    loaded = store.load(NETWORK)
    assert same(loaded.answers, answers())
    assert (loaded.sentence, loaded.aside) == ("", 0)
    assert not folder.parent.exists()


def test_what_is_saved_is_there_at_the_next_start(folder: Path, drawer: Drawer, store: Store) -> None:
    said = answers(*range(20))
    assert same(store.save(said).answers, said)
    loaded = Store(folder, drawer).load(NETWORK)
    assert same(loaded.answers, said)
    assert loaded.answers
    assert loaded.answers.counts == (3, 3, 3, 3, 3, 3, 2)
    assert loaded.sentence == ""


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_files_are_the_users_alone(folder: Path, store: Store) -> None:
    folder.mkdir(parents=True, mode=0o755)
    store.save(answers(1))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {FILE: 0o600, "answers.lock": 0o600}


def test_nothing_of_an_answer_can_be_read_in_the_file_and_no_two_are_the_same(folder: Path, store: Store) -> None:
    store.save(answers(1))
    first = (folder / FILE).read_bytes()
    embedding = answer(1).features.tobytes()
    assert not any(embedding[i : i + 4] in first for i in range(0, len(embedding), 4))
    assert NETWORK.encode() not in first
    store.save(answers(1))
    assert (folder / FILE).read_bytes()[18:] != first[18:]


def test_what_lies_open_is_told(folder: Path) -> None:
    store = Store(folder, Drawer(is_protected=False))
    assert "obfuscation, not protection" in store.save(answers(1)).sentence
    assert "obfuscation, not protection" in store.load(NETWORK).sentence


def test_another_networks_answers_are_kept_aside_until_it_reads_again(store: Store) -> None:
    store.save(answers(1, 2, 3))
    loaded = store.load(OTHER)
    assert same(loaded.answers, answers(network=OTHER))
    assert loaded.aside == 3
    store.save(answers(4, network=OTHER))
    assert same(store.load(NETWORK).answers, answers(1, 2, 3))
    assert same(store.load(OTHER).answers, answers(4, network=OTHER))


def test_of_five_networks_the_one_left_alone_for_longest_goes(store: Store) -> None:
    names = [f"{number:064x}" for number in range(5)]
    for number, name in enumerate(names):
        store.save(answers(number, network=name))
    assert [len(store.load(name).answers.answers) for name in names] == [0, 1, 1, 1, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize("problem", ["the system's keyring does not give their key (KeyringLocked)", ""])
def test_without_the_key_nothing_is_read_or_overwritten_until_it_is_back(
    folder: Path, drawer: Drawer, store: Store, problem: str
) -> None:
    store.save(answers(1))
    before, key = (folder / FILE).read_bytes(), drawer.key
    drawer.key, drawer.problem = None, problem
    again = Store(folder, drawer)
    loaded = again.load(NETWORK)
    assert loaded.answers is None
    assert problem in loaded.sentence
    assert "the network as it is for everybody is used" in loaded.sentence
    with pytest.raises(StoreError, match="can't be opened"):
        again.save(answers(2))
    with pytest.raises(StoreError, match="can't be opened"):
        again.export(folder / "export.json")
    assert (folder / FILE).read_bytes() == before
    drawer.key, drawer.problem = key, ""
    assert same(again.save(answers(2)).answers, answers(1, 2))


def _put_nothing(file: Path) -> None:
    file.write_bytes(b"")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _put_another_version(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[16] = 2
    file.write_bytes(data)


def _put_a_link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


def _put_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _put_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _put_a_huge_one(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(1 << 33)  # takes no room on the disk


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are POSIX's")
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_put_nothing, "is no file of answers, or was cut"),
        (_cut, "was changed or damaged"),
        (_put_another_version, "another version of Moodcast"),
        (_put_a_link, "can't be read"),
        (_put_a_folder, "can't be read"),
        (_put_a_pipe, "can't be read"),
        (_put_a_huge_one, "is larger than"),
    ],
)
def test_a_file_that_is_none_is_told_and_left_alone(folder: Path, store: Store, spoil: object, told: str) -> None:
    store.save(answers(1))
    assert callable(spoil)
    spoil(folder / FILE)
    before = (folder / FILE).lstat()
    loaded = store.load(NETWORK)
    assert loaded.answers is None
    assert told in loaded.sentence
    assert "delete your answers to begin anew" in loaded.sentence
    with pytest.raises(StoreError, match="nothing is added"):
        store.save(answers(2))
    after = (folder / FILE).lstat()
    assert (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)


def test_a_file_that_may_not_be_read_is_told(folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its error, as root may read all."""
    store.save(answers(1))

    def refused(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("agent.personal.store.read_plain", refused)
        assert "can't be read (Permission denied)" in store.load(NETWORK).sentence
    assert same(store.load(NETWORK).answers, answers(1))
