"""The demo as a newcomer runs it: a real relay, a real agent on the packaged portrait, a crowd."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from demo.screenshot import BROWSERS
from models.errors import FetchError
from models.inference import fetch, registry

pytest.importorskip("mediapipe", reason="the demo's agent needs mediapipe: pip install '.[agent]'")


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    try:
        for entry in registry.WEIGHTS.values():
            if not entry.optional:
                fetch.fetch(entry)
    except FetchError as error:
        pytest.skip(f"the model files are not here and can't be fetched: {error}")


def demo(*options: str) -> "subprocess.Popen[str]":
    # No DISPLAY: what the demo would open in a browser is of no use here.
    return subprocess.Popen(
        [sys.executable, "-m", "moodcast", "demo", "--no-browser", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_shows_a_mood_stops_on_ctrl_c_and_reports(tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"
    running = demo("--viewers", "30", "--report", str(report_file))
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if "%" in line:  # the crowd's mood is visible
            break
    running.send_signal(signal.SIGINT)
    rest, errors = running.communicate(timeout=60)
    assert running.returncode == 0, said + rest + errors
    assert "Traceback" not in errors
    for expected in ("/overlay?channel=demo#key=", "/dashboard?channel=demo#key=", "moodcast_obs.py"):
        assert expected in said
    report = json.loads(report_file.read_text())
    assert report["source"] == "portrait"
    assert report["viewers"] == 30
    assert report["agent"]["labels"] > 0
    assert max(report["agent"]["by_expression"], key=report["agent"]["by_expression"].get) == "happy"
    assert report["agent"]["fps"] > 0
    assert set(report["agent"]["stage_ms"]) == {"capture", "face", "classify"}
    assert report["mood_events"] > 0
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]


def test_stopped_before_the_agent_has_begun_is_a_clean_stop(tmp_path: Path) -> None:
    report_file = tmp_path / "report.json"
    running = demo("--viewers", "0", "--seconds", "0.01", "--report", str(report_file))
    said, errors = running.communicate(timeout=60)
    assert running.returncode == 0, said + errors
    assert json.loads(report_file.read_text())["agent"]["labels"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [pytest.param(signal.SIGHUP, marks=pytest.mark.nightly), signal.SIGKILL])
def test_the_agent_does_not_outlive_the_demo(number: signal.Signals) -> None:
    """Else the webcam would stay on: at a closed window, and also where the demo could do nothing any more."""
    running = demo("--viewers", "30")
    assert running.stdout is not None
    next(line for line in running.stdout if "%" in line)  # the crowd's mood is visible
    children = psutil.Process(running.pid).children()
    assert any("agent" in child.cmdline() for child in children)
    running.send_signal(number)
    running.communicate(timeout=60)
    assert psutil.wait_procs(children, timeout=60)[1] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe is closed as POSIX has it")
@pytest.mark.parametrize(
    "lines", [pytest.param(3, marks=pytest.mark.nightly), 9], ids=["while it announces", "during the show"]
)
def test_it_ends_with_its_agent_when_nobody_reads_it_any_more(lines: int) -> None:
    """As `moodcast demo | head -3` does."""
    with demo("--viewers", "2") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        for _ in range(lines):
            running.stdout.readline()
        children = psutil.Process(running.pid).children()
        running.stdout.close()
        errors = running.stderr.read()
    assert running.returncode == 141
    assert errors == ""
    assert psutil.wait_procs(children, timeout=60)[1] == []


def test_ctrl_c_does_not_wait_for_the_time_of_the_screenshot(tmp_path: Path) -> None:
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip(f"no Chromium: none of {', '.join(BROWSERS)} is on the PATH")
    picture = tmp_path / "overlay.png"
    running = demo("--viewers", "30", "--seconds", "1000", "--screenshot", str(picture))
    assert running.stdout is not None
    next(line for line in running.stdout if "%" in line)  # the crowd's mood is visible
    running.send_signal(signal.SIGINT)
    said, errors = running.communicate(timeout=60)
    assert running.returncode == 0, said + errors
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_screenshot_that_can_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip(f"no Chromium: none of {', '.join(BROWSERS)} is on the PATH")
    folder = tmp_path / "overlay.png"
    folder.mkdir()
    running = demo("--viewers", "30", "--seconds", "4", "--screenshot", str(folder))
    said, errors = running.communicate(timeout=60)
    assert running.returncode == 43, said + errors
    assert "overlay.png" in errors
    assert "Traceback" not in errors


def test_unreadable_video_is_a_sentence_with_the_agents_exit_code(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_text("no film")
    running = demo("--viewers", "1", "--video", str(film))
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 12
    assert "film.mp4" in errors
    assert "Traceback" not in errors


def test_port_in_use_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = demo("--port", str(taken.getsockname()[1]), "--video", "unused.png")
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 33
    assert "Traceback" not in errors


def test_report_into_a_missing_folder_fails_before_the_show(tmp_path: Path) -> None:
    running = demo("--report", str(tmp_path / "missing" / "report.json"))
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 42
    assert "missing" in errors
