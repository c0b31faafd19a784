"""Where answers are kept: what is saved comes back, and nothing that goes wrong loses it or gives it away."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

pytest.importorskip("cryptography", reason="the extra personal is not installed")

from agent.errors import MissingLibraryError
from agent.files import write_whole
from agent.personal.key import PersonalKey
from agent.personal.store import Store, StoreError
from relay.protocol import EXPRESSIONS
from tests import full_disk
from tests.agent.personal.kept import NETWORK, OTHER, Drawer, answer, answers, same

ROOT = Path(__file__).parents[3]
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


@pytest.mark.skipif(os.name != "posix", reason="core files are POSIX's")
def test_a_crash_leaves_no_core_with_answers_in_it(folder: Path, drawer: Drawer) -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    Store(folder, drawer)
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, hard)


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
        again.export(folder.parent / "export.json")
    assert (folder / FILE).read_bytes() == before
    drawer.key, drawer.problem = key, ""
    assert same(again.save(answers(2)).answers, answers(1, 2))


def _put_nothing(file: Path) -> None:
    file.write_bytes(b"")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _put_another_version(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[16] = 3
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


def test_what_another_program_adds_is_kept_and_what_it_deletes_stays_deleted(folder: Path, drawer: Drawer) -> None:
    window, terminal = Store(folder, drawer), Store(folder, drawer)
    window.save(answers(1, 2))
    terminal.load(NETWORK)
    assert same(terminal.save(answers(1, 2, 3)).answers, answers(1, 2, 3))
    assert same(window.save(answers(1, 2, 4)).answers, answers(1, 2, 3, 4))
    terminal.delete()
    assert same(window.save(answers(1, 2, 3, 4, 5)).answers, answers(5))


def test_two_processes_lose_nothing(folder: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from agent.personal.key import PersonalKey
        from agent.personal.store import Store
        from tests.agent.personal.kept import NETWORK, Drawer, answers

        drawer = Drawer()
        drawer.key = PersonalKey(bytes(32), True)
        drawer.make = drawer.find
        store = Store(Path(sys.argv[1]), drawer)
        sys.stdin.read()
        mine = [int(number) for number in sys.argv[2:]]
        for many in range(1, len(mine) + 1):
            store.save(answers(*mine[:many]))
    """
    drawer = Drawer()
    drawer.key = PersonalKey(bytes(32), True)
    mine = [range(0, 30), range(100, 130)]
    program = [sys.executable, "-c", textwrap.dedent(code), str(folder)]
    writers = [subprocess.Popen([*program, *map(str, numbers)], cwd=ROOT, stdin=subprocess.PIPE) for numbers in mine]
    for writer in writers:
        assert writer.stdin
        writer.stdin.close()
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert same(Store(folder, drawer).load(NETWORK).answers, answers(*mine[0], *mine[1]))


def test_while_another_program_hangs_at_the_file_it_is_told(
    folder: Path, drawer: Drawer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(answers(1))
    monkeypatch.setattr("agent.personal.store._PATIENCE_S", 0.05)
    with FileLock(folder / "answers.lock"):
        assert "Another Moodcast" in store.load(NETWORK).sentence
        with pytest.raises(StoreError, match=r"^Nothing was deleted\. Another Moodcast"):
            store.delete()
    assert same(store.load(NETWORK).answers, answers(1))


def test_a_full_disk_loses_nothing_and_is_told(tmp_path: Path) -> None:
    code = """
        from agent.personal.key import DesktopVault
        from agent.personal.store import Store, StoreError
        from tests.agent.personal.kept import NETWORK, answers

        folder = disk / "personal"
        store = Store(folder, DesktopVault(folder))
        store.save(answers(1, 2))
        fill()
        try:
            store.save(answers(1, 2, 3))
        except StoreError as error:
            print(error)
        try:
            store.export(folder.parent / "export.json")
        except StoreError as error:
            print(error)
        print(sorted(file.name for file in folder.iterdir()))
        print(store.load(NETWORK).answers.counts)
        (disk / "filler").unlink()
        print(store.save(answers(1, 2, 3)).answers.counts)
    """
    run = full_disk.run(textwrap.dedent(code), tmp_path / "disk", "256k")
    assert run.returncode == 0, run.stderr
    saved, exported, names, before, after = run.stdout.splitlines()
    assert "No space left on device" in saved
    assert "Make room on that disk. Those kept before are still there" in saved
    assert "No space left on device" in exported
    assert names == "['answers.key', 'answers.lock', 'answers.sealed']"
    assert (before, after) == ("(0, 1, 1, 0, 0, 0, 0)", "(0, 1, 1, 1, 0, 0, 0)")


def test_what_a_kill_in_the_midst_of_writing_left_goes_at_the_next_start(
    folder: Path, drawer: Drawer, store: Store, tmp_path: Path
) -> None:
    store.save(answers(1))
    store.export(tmp_path / "export.json")
    text = (tmp_path / "export.json").read_bytes()
    (tmp_path / "export.json.new").write_bytes(text[: len(text) // 2])
    (folder / "answers.sealed.new").write_bytes((folder / FILE).read_bytes()[:100])
    assert same(Store(folder, drawer).load(NETWORK).answers, answers(1))
    assert sorted(file.name for file in folder.iterdir()) == ["answers.lock", FILE]
    assert not (tmp_path / "export.json.new").exists()
    (tmp_path / "export.json.new").write_text("somebody else's")
    Store(folder, drawer).load(NETWORK)
    assert (tmp_path / "export.json.new").exists()


def test_an_export_has_labels_times_and_embeddings_for_anybody_to_read(store: Store, tmp_path: Path) -> None:
    store.save(answers(1, 2))
    store.save(answers(3, network=OTHER))
    file = tmp_path / "export.json"
    said = store.export(file)
    assert "3 answers" in said
    assert "No picture is in it" in said
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    read = json.loads(file.read_text())
    assert (read["version"], tuple(read["expressions"])) == (1, EXPRESSIONS)
    first, second = read["networks"]
    assert (first["sha256"], second["sha256"]) == (NETWORK, OTHER)
    found, kept = first["answers"][0], answer(1)
    assert (found["at"], found["label"], found["corrected"]) == ("2027-01-15T08:00:01.000+00:00", EXPRESSIONS[1], False)
    assert np.array_equal(np.array(found["features"], np.float32), kept.features)
    assert np.array_equal(np.array(found["universal"], np.float32), kept.universal)


def test_an_export_overwrites_nothing_and_needs_answers(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no answers yet"):
        store.export(tmp_path / "export.json")
    store.save(answers(1))
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "export.json.new").write_text("mine")  # where it would be written first
    for name in ("mine", "link", "export.json"):
        with pytest.raises(StoreError, match="already"):
            store.export(tmp_path / name)
    assert {(tmp_path / name).read_text() for name in ("mine", "export.json.new")} == {"mine"}


@pytest.mark.parametrize(
    "name", ["missing/export.json", "x" * 300, "/".join(["x"] * 3000), "\udcff", "a\0b", "~nobody-of-this-name/mine"]
)
def test_where_no_export_can_be_written_the_answers_stay_as_they_are(store: Store, tmp_path: Path, name: str) -> None:
    store.save(answers(1))
    with pytest.raises(StoreError, match="can't be exported"):
        store.export(Path(name) if name.startswith("~") else tmp_path / name)
    assert same(store.load(NETWORK).answers, answers(1))
    assert store.delete() == "Your answers are deleted: their file, its key, and what was exported."


def test_deleting_leaves_nothing(folder: Path, drawer: Drawer, store: Store, tmp_path: Path) -> None:
    store.save(answers(1, 2))
    store.export(tmp_path / "one.json")
    store.save(answers(1, 2, 3))
    store.export(tmp_path / "two.json")
    (tmp_path / "two.json.new").write_bytes((tmp_path / "two.json").read_bytes()[:-1])
    (folder / "answers.sealed.new").write_bytes(b"cut")
    assert store.delete() == "Your answers are deleted: their file, its key, and what was exported."
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [folder / "answers.lock"]
    assert drawer.key is None
    loaded = store.load(NETWORK)
    assert same(loaded.answers, answers())
    assert same(store.save(answers(4)).answers, answers(4))


@pytest.mark.parametrize("name", ["answers.key", "answers.sealed.new", "mine.json"])
def test_nothing_is_exported_into_the_folder_of_the_answers(folder: Path, store: Store, name: str) -> None:
    store.save(answers(1))
    with pytest.raises(StoreError, match="into their own folder"):
        store.export(folder / name)
    assert same(store.load(NETWORK).answers, answers(1))


def test_what_a_kill_has_left_of_an_export_goes_with_the_next_one_elsewhere(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing is put in order then."""

    def killed(data: bytes, path: Path) -> None:
        if path.name != "one.json":
            write_whole(data, path)
            return
        (tmp_path / "one.json.new").write_bytes(data[:-5])
        raise Killed

    store.save(answers(1))
    with monkeypatch.context() as power:
        power.setattr("agent.personal.store.write_whole", killed)
        with pytest.raises(Killed):
            store.export(tmp_path / "one.json")
    store.export(tmp_path / "two.json")
    assert [file.name for file in tmp_path.glob("*.json*")] == ["two.json"]


def test_an_export_that_is_another_file_now_stays_and_is_told(store: Store, tmp_path: Path) -> None:
    store.save(answers(1))
    for name in ("changed", "moved", "kept", "link"):
        store.export(tmp_path / name)
    (tmp_path / "changed").write_text("my own")
    (tmp_path / "moved").rename(tmp_path / "elsewhere")
    (tmp_path / "link").rename(tmp_path / "target")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    said = store.delete()
    assert f"{tmp_path / 'changed'}, which is not what was exported" in said
    assert f"{tmp_path / 'moved'}, which is not there any more" in said
    assert f"{tmp_path / 'link'} (it is a link)" in said
    assert "kept" not in said
    assert {file.name for file in tmp_path.iterdir()} == {"data", "changed", "elsewhere", "link", "target"}


def test_a_file_that_stays_is_told_as_an_error(folder: Path, drawer: Drawer, store: Store) -> None:
    (folder / FILE).mkdir(parents=True)
    with pytest.raises(StoreError, match=r"^Nothing was deleted\. The file of your answers, .* stays"):
        store.delete()


def test_without_its_key_a_file_can_be_deleted_and_what_is_left_is_told(
    folder: Path, drawer: Drawer, store: Store
) -> None:
    store.save(answers(1))
    drawer.problem = "the system's keyring does not let go of the entry (KeyringLocked)"
    said = store.delete()
    assert "look yourself after exports, if you made any" in said
    assert "the key, which opens nothing any more: the system's keyring does not let go" in said
    assert not (folder / FILE).exists()


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX's")
def test_a_folder_that_is_a_link_or_cannot_be_made_is_told(tmp_path: Path, drawer: Drawer) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "link", tmp_path / "file" / "personal"):
        with pytest.raises(StoreError, match="can't be used"):
            Store(folder, drawer).save(answers(1))
    assert not [*(tmp_path / "theirs").iterdir()]


def test_without_the_package_that_encrypts_it_is_told_at_once(
    folder: Path, drawer: Drawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without("cryptography"), *sys.meta_path])
    with pytest.raises(MissingLibraryError, match=r"needs the package cryptography.*\[agent,personal\]"):
        Store(folder, drawer)


class _Without:
    """Finds modules before others do, and says that one package is not there."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, *_: object) -> None:
        if name == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
