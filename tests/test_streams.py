"""Every command with its output closed, full, or without a reader; the real command, as its user types it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file descriptors are closed as POSIX has it")

ROOT = Path(__file__).parents[1]
COMMANDS = [
    ["--help"],
    ["--version"],
    ["relay", "--check"],
    ["relay", "--port", "0", "--data", "DATA"],
    ["demo", "--seconds", "1", "--viewers", "1", "--port", "0", "--no-browser", "--video", "nosuch"],
    ["agent", "--help"],
    ["obs"],
    ["models", "list"],
    ["models", "fetch", "portrait"],
    ["models", "score", "labels.csv"],
    ["models", "score", "labels.csv", "--json", "-"],
    ["models", "clips", ".", "--layout", "-"],
]

FEW = [command for command in COMMANDS if command[0] in ("--help", "relay", "obs") or command == ["models", "list"]]
"""One of each kind: what is seen at once, what is written in the end, and what runs on and logs."""
MANY = [pytest.param(command, marks=() if command in FEW else pytest.mark.nightly) for command in COMMANDS]

Descriptor = int


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text("label,pred\n0,0\n1,1\n1,0\n")
    return tmp_path


@pytest.fixture
def no_reader() -> Iterator[Descriptor]:
    """The end of a pipe whose other end is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.fixture
def full() -> Iterator[Descriptor]:
    """A device on which there is never room."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    descriptor = os.open("/dev/full", os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


def closing(*numbers: int) -> Callable[[], None]:
    """What a shell does for ``>&-``, in the new process."""

    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def moodcast(
    arguments: list[str], folder: Path, *, buffered: bool = True, **streams: object
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {"PYTHONPATH": str(ROOT)} | ({} if buffered else {"PYTHONUNBUFFERED": "1"})
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | streams
    arguments = [argument.replace("DATA", str(folder / "data")) for argument in arguments]
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "moodcast", *arguments], cwd=folder, env=environment, text=True, timeout=120, **streams
    )


def said(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines on standard error without the relay's log."""
    return [line for line in ended.stderr.splitlines() if " INFO relay" not in line]


@pytest.mark.slow
@pytest.mark.parametrize("command", MANY, ids=" ".join)
def test_a_closed_output_is_a_sentence(command: list[str], folder: Path) -> None:
    ended = moodcast(command, folder, stdout=None, preexec_fn=closing(1))
    (sentence,) = said(ended)
    assert sentence.startswith("moodcast: the standard output can't be written to (it is closed): ")
    assert ended.returncode == 3


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_is_a_sentence(command: list[str], folder: Path, full: Descriptor) -> None:
    ended = moodcast(command, folder, stdout=full)
    (sentence,) = said(ended)
    assert "(No space left on device): make room" in sentence
    assert ended.returncode == 3


@pytest.mark.slow
@pytest.mark.parametrize("command", MANY, ids=" ".join)
def test_a_reader_that_ended_is_no_news(command: list[str], folder: Path, no_reader: Descriptor) -> None:
    ended = moodcast(command, folder, stdout=no_reader)
    assert (ended.returncode, said(ended)) == (141, [])


def test_without_buffering_it_is_the_same(folder: Path, full: Descriptor, no_reader: Descriptor) -> None:
    command = ["models", "list"]
    assert moodcast(command, folder, buffered=False).stdout == moodcast(command, folder).stdout
    for output, code in ((full, 3), (no_reader, 141)):
        ended = moodcast(command, folder, stdout=output, buffered=False)
        assert ended.returncode == code
        assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["agent"],
        *(
            pytest.param(one, marks=pytest.mark.nightly)
            for one in (["models", "list"], ["nosuch"], ["relay", "--port", "x"])
        ),
    ],
    ids=" ".join,
)
def test_where_nothing_can_be_complained_about_the_exit_code_tells(
    command: list[str], folder: Path, full: Descriptor, no_reader: Descriptor
) -> None:
    usual = moodcast(command, folder)
    assert usual.returncode == (0 if command[0] == "models" else 2)
    for streams in ({"stderr": full}, {"stderr": no_reader}, {"stderr": None, "preexec_fn": closing(2)}):
        ended = moodcast(command, folder, **streams)
        assert (ended.returncode, ended.stdout) == (usual.returncode, usual.stdout)


@pytest.mark.slow
def test_all_three_may_be_closed(folder: Path) -> None:
    for command, code in ((["obs"], 3), (["agent"], 2), (["agent", "--channel", "demo"], 14)):
        streams = {"stdin": None, "stdout": None, "stderr": None}
        assert moodcast(command, folder, preexec_fn=closing(0, 1, 2), **streams).returncode == code


@pytest.mark.slow
def test_a_closed_input_is_nobody_to_ask(folder: Path) -> None:
    ended = moodcast(["agent", "--channel", "demo"], folder, stdin=None, preexec_fn=closing(0))
    assert ended.returncode == 14
    assert "there is no terminal to ask on" in ended.stderr
