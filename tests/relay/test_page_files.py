"""The pages' files: as they lie in their folder now, and nothing else of the machine."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.app import Relay
from relay.http import pages
from tests.raw import RawClient

OVERLAY = pages.FOLDER


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the pages that the test may change."""
    copy = tmp_path.resolve() / "overlay"
    shutil.copytree(OVERLAY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(pages, "FOLDER", copy)
    return copy


@pytest.fixture
async def http(relay: Relay, folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(relay.url) as session:
        yield session


async def get(http: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with http.get(path) as response:
        return response.status, await response.text()


async def test_a_page_is_seen_as_it_is_edited_while_the_relay_runs(http: aiohttp.ClientSession, folder: Path) -> None:
    assert (await get(http, "/static/new.js"))[0] == 404
    (folder / "new.js").write_text("export const one = 1;")
    (folder / "pictures" / "new.svg").write_text("<svg/>")
    async with http.get("/static/new.js") as response:
        assert (response.status, await response.text()) == (200, "export const one = 1;")
        assert "javascript" in response.content_type
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
    assert await get(http, "/static/pictures/new.svg") == (200, "<svg/>")
    for path, file in {"/static/new.js": "new.js", "/overlay": "overlay.html", "/try": "try.html"}.items():
        (folder / file).write_text("edited")
        assert await get(http, path) == (200, "edited")
    (folder / "new.js").unlink()
    assert (await get(http, "/static/new.js"))[0] == 404


async def test_a_file_that_a_browser_has_is_not_sent_again(http: aiohttp.ClientSession, folder: Path) -> None:
    async with http.get("/static/base.css") as response:
        have = {"If-None-Match": response.headers["ETag"]}
    async with http.get("/static/base.css", headers=have) as response:
        assert response.status == 304
    (folder / "base.css").write_text("body { color: red }")
    async with http.get("/static/base.css", headers=have) as response:
        assert response.status == 200


async def test_every_file_of_the_pages_is_served(http: aiohttp.ClientSession) -> None:
    kinds = {".css", ".html", ".js", ".json", ".png", ".svg", ".woff2"}
    files = [path for path in OVERLAY.rglob("*") if path.suffix in kinds]
    assert len(files) > 30
    for file in files:
        assert (await get_bytes(http, f"/static/{file.relative_to(OVERLAY).as_posix()}")) == file.read_bytes()


async def test_a_browser_is_told_that_a_font_is_one(http: aiohttp.ClientSession) -> None:
    async with http.get("/static/fonts/inter.woff2") as response:
        assert response.content_type == "font/woff2"


async def get_bytes(http: aiohttp.ClientSession, path: str) -> bytes:
    async with http.get(path) as response:
        assert response.status == 200, path
        return await response.read()


async def test_a_link_leads_nowhere(http: aiohttp.ClientSession, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("not for strangers")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret.json").write_text("not for strangers")
    (folder / "out.json").symlink_to(tmp_path / "secret.json")
    (folder / "within.js").symlink_to(folder / "bar.js")
    (folder / "circle.js").symlink_to(folder / "circle.js")
    (folder / "outside").symlink_to(tmp_path / "secrets")
    (folder / "folder.js").mkdir()
    os.mkfifo(folder / "pipe.js")
    for name in ("out.json", "within.js", "circle.js", "outside/secret.json", "folder.js", "pipe.js"):
        assert (await get(http, f"/static/{name}"))[0] == 404, name


def move(folder: Path, there: Path) -> None:
    folder.rename(there)
    folder.symlink_to(there)


async def test_the_folder_may_move_and_leave_a_link(http: aiohttp.ClientSession, folder: Path) -> None:
    """As where the disk it lies on is full. A link within it still leads nowhere."""
    move(folder, folder.parent / "elsewhere")
    (folder / "within.js").symlink_to(folder / "bar.js")
    for path in ("/overlay", "/static/base.css", "/static/bar.js"):
        assert (await get(http, path))[0] == 200, path
    assert (await get(http, "/static/within.js"))[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "../secret.json",
        "..%2fsecret.json",
        "%2e%2e/secret.json",
        "pictures/../../secret.json",
        "..%5csecret.json",
        "/etc/hosts.json",
        "%2fetc%2fhosts.json",
        "//etc/hosts.json",
        "C:%5csecret.json",
        "bar.js%00.png",
        "bar.js%0a",
        "bar.js::$DATA",
        ".hidden.js",
        "pictures/script.py",
        "__init__.py",
        "pictures",
        "a" * 3000 + ".js",
        "a/" * 1500 + "a.js",
    ],
    ids=lambda path: path[:20],
)
async def test_nothing_else_is_found(relay: Relay, folder: Path, path: str) -> None:
    """As raw requests: a client's library would tidy the path up."""
    (folder.parent / "secret.json").write_text("not for strangers")
    (folder / ".hidden.js").write_text("not for strangers")
    (folder / "pictures" / "script.py").write_text("not for strangers")
    async with await RawClient.connect(relay.url) as client:
        await client.send(f"GET /static/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await client.read_to_end()
    assert answer.split(b"\r\n")[0].split()[1] in (b"404", b"400")
    assert b"strangers" not in answer


@given(st.text(max_size=80) | st.from_regex(r"(\.{0,2}[a-z/\\:]{0,3}){1,6}\.(js|json)", fullmatch=True))
def test_a_name_never_leads_out(name: str) -> None:
    found = pages.find(name)
    assert found is None or found.resolve().is_relative_to(OVERLAY)
