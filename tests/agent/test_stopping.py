"""Being told to stop, in processes of their own: at bad moments, twice, and where nothing can be said any more."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")

ROOT = Path(__file__).parents[2]
HELD = """
os.set_blocking(2, False)
with contextlib.suppress(BlockingIOError):
    while True:
        os.write(2, bytes(512))
os.set_blocking(2, True)
"""
"""Fills standard error, a pipe that nobody reads; it stands for a terminal that is held with Ctrl-S."""
STOP_TWICE = "stop = lambda: signal.raise_signal(signal.SIGINT)"
STORM = """
def storm():
    time.sleep(random.random() / 100)
    while True:
        os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=storm, daemon=True).start()
"""
LISTEN = "stopping.listen(stop)"
LOAD = "loading = outset.at_once(); loading.__enter__()"
WAIT = "print('ready', flush=True)\nwhile True: time.sleep(0.01)"


def start(*steps: str) -> "subprocess.Popen[str]":
    imports = (
        "import contextlib, os, random, signal, threading, time\nfrom agent import outset, stopping\n"
        "from relay.common import streams\nimport moodcast"
    )
    code = "\n".join((imports, "stop = lambda: None", *steps))
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def told(process: "subprocess.Popen[str]", number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
    """Its exit code and what it says on standard error, where it is told to stop once it is ready."""
    assert process.stdout
    assert process.stderr
    with process:
        try:
            assert process.stdout.readline()
            process.send_signal(number)
            code = process.wait(60)
        finally:
            process.kill()
        return code, process.stderr.read().strip("\0")


def test_a_second_ctrl_c_ends_it_though_the_first_is_not_dealt_with() -> None:
    assert told(start(STOP_TWICE, LISTEN, WAIT)) == (130, "")
    assert told(start(STOP_TWICE, LISTEN, WAIT), signal.SIGTERM) == (130, "")


@pytest.mark.slow
@pytest.mark.parametrize("begin", [LISTEN, LOAD])
def test_many_ctrl_c_at_bad_moments_are_no_traceback(begin: str) -> None:
    """Python complains where a signal comes in while the handler of the one before replaces itself."""
    going = [start("stop = lambda: time.sleep(0.001)", begin, STORM, WAIT) for _ in range(10)]
    ended = [process.communicate(timeout=60)[1] for process in going]
    assert {process.returncode for process in going} == {130}
    assert set(ended) <= {"", "\nmoodcast: stopped before it had begun\n"}


def test_ctrl_c_while_it_loads_ends_it_though_nothing_can_be_said() -> None:
    assert told(start(LOAD, HELD, WAIT)) == (130, "")


def test_ctrl_c_ends_it_though_its_last_sentence_can_not_be_said() -> None:
    """The sentence of an error, which comes when everything else is over."""
    tell = "tell = moodcast.tell\nmoodcast.tell = lambda sentence: (print('ready', flush=True), tell(sentence))"
    assert told(start(tell, HELD, "moodcast.main(['models', 'fetch', 'no such model'])")) == (130, "")


def test_what_is_said_does_not_go_down_with_what_a_library_says() -> None:
    code = "with streams.guarded(), face.quiet_stderr():\n stopping.leave(7, lambda: print('Stopped', file=sys.stderr))"
    process = start("import sys; from agent import face", code)
    assert process.communicate(timeout=60)[1] == "Stopped\n"
    assert process.returncode == 7
