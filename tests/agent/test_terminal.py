"""What the viewer reads and answers."""

import functools
import io
import os
import subprocess
import sys

import msgspec
import pytest

from agent import terminal
from agent.config import AgentSettings
from agent.errors import NoConsentError
from agent.unread import Unread
from relay.errors import SettingsError
from relay.protocol import Away, Label, Welcome
from tests.support import wait_until
from tests.terminals import open_terminal

SETTINGS = AgentSettings(channel="demo")
WELCOME = Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=5, crowd="networks")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_question_tells_what_leaves_where_it_goes_and_how_to_stop() -> None:
    text = terminal.explanation(SETTINGS, WELCOME)
    for part in (
        "turn on your camera",
        "http://127.0.0.1:8765",
        "channel demo",
        "twice a second",
        "pictures",
        "once people of five networks share",
        "Ctrl-C",
    ):
        assert part in text
    assert "display name" not in text
    assert "Careful" not in text


def test_the_question_names_whatever_else_is_sent() -> None:
    text = terminal.explanation(msgspec.structs.replace(SETTINGS, name="Zoë", delay=8.0, source="screen"), WELCOME)
    assert "your display name (Zoë) and your stream delay (8 s)" in text
    assert "your screen" in text
    assert "camera" not in text


def test_the_question_says_what_teaching_keeps_to_whom_it_concerns_alone() -> None:
    taught = terminal.explanation(msgspec.structs.replace(SETTINGS, personal=True), WELCOME)
    for part in (
        "(an embedding)",
        "which describe it",
        "no picture",
        "encrypted",
        "obfuscation",
        "never sent",
        "delete",
    ):
        assert part in taught
    assert max(map(len, taught.splitlines())) <= 110
    assert "embedding" not in terminal.explanation(SETTINGS, WELCOME)


def test_nothing_in_the_question_can_break_its_lines_or_steer_the_terminal() -> None:
    text = "a\nb\u202ec\x1b[2J"
    asked = terminal.explanation(msgspec.structs.replace(SETTINGS, name=text, source=text), WELCOME)
    assert asked.count("a\\nb\\u202ec\\x1b[2J") == 2
    out, errors = io.StringIO(), io.StringIO()
    terminal.Display(out, errors).note("One\nline\x1b[2J")
    assert errors.getvalue() == "One\nline\\x1b[2J\n"


@pytest.mark.parametrize(
    ("relay", "readable"),
    [
        ("http://127.0.0.1:8765", False),
        ("http://localhost:8765", False),
        ("http://[::1]:8765", False),
        ("https://mood.example.org", False),
        ("http://mood.example.org", True),
        ("http://192.168.1.5:8765", True),
    ],
)
def test_an_unencrypted_way_is_told(relay: str, readable: bool) -> None:
    text = terminal.explanation(msgspec.structs.replace(SETTINGS, relay=relay), WELCOME)
    assert ("Careful" in text) == readable


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yes please\n", "no\n"])
def test_anything_but_yes_is_no(answer: str) -> None:
    with pytest.raises(NoConsentError, match="nothing was captured and nothing was sent") as caught:
        terminal.ask(SETTINGS, WELCOME, Tty(answer), io.StringIO())
    assert caught.value.exit_code == 14


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "yes\n", " YES \n"])
def test_yes_is_yes(answer: str) -> None:
    out = io.StringIO()
    terminal.ask(SETTINGS, WELCOME, Tty(answer), out)
    assert out.getvalue().endswith("[y/N] ")


def test_without_a_terminal_only_yes_in_advance_will_do() -> None:
    with pytest.raises(NoConsentError, match="--yes"):
        terminal.require_someone_to_ask(SETTINGS, io.StringIO("y\n"))
    terminal.require_someone_to_ask(SETTINGS, Tty())
    consented = msgspec.structs.replace(SETTINGS, yes=True)
    terminal.require_someone_to_ask(consented, io.StringIO())
    out = io.StringIO()
    terminal.ask(consented, WELCOME, io.StringIO(), out)
    assert "twice a second" in out.getvalue()
    assert "[y/N]" not in out.getvalue()


def test_the_status_says_what_the_relay_has() -> None:
    label = Label(emotion="happy", confidence=0.87)
    assert terminal.status(label, True, False, None, 12, 5.0, 0.092) == (
        "happy 0.87",
        "sent 12 labels · 5.0 fps · 9% of a core",
    )
    assert terminal.status(label, True, False, None, 1, 5.0, 0.09)[1] == "sent 1 label · 5.0 fps · 9% of a core"
    assert terminal.status(Away(), True, False, None, 1, 5.0, 0.09)[0] == "away, no face"
    chin = terminal.status(Away(), True, False, Unread.CHIN_CUT, 1, 5.0, 0.09)[0]
    assert chin == "away, your chin is outside the picture"
    assert terminal.status(label, True, False, Unread.UNSURE, 1, 5.0, 0.09)[0] == "happy 0.87"
    paused = terminal.status(label, True, True, None, 1, 5.0, 0.09)[0]
    assert paused == "the streamer has paused: nothing is shown or stored"
    assert terminal.status(Away(), True, False, None, 1, 5.0, 0.09, True)[0] == "nothing is shared for a moment"
    assert "connecting" in terminal.status(label, False, False, None, 1, 5.0, 0.09)[0]


def test_on_a_terminal_the_line_is_rewritten_in_place() -> None:
    out, errors = Tty(), io.StringIO()
    display = terminal.Display(out, errors)
    display.show("away, no face", "sent 0 labels")
    display.show("sad 0.50", "sent 1 label")
    display.note("A sentence.")
    display.end()
    first, second = out.getvalue().split("\r")[1:]
    assert len(second.rstrip("\n")) == len(first)  # covers what stood there
    assert second.startswith("sad 0.50 · sent 1 label · Ctrl-C stops")
    assert out.getvalue().count("\n") == 1
    assert errors.getvalue() == "A sentence.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has none")
def test_without_devices_the_tests_that_need_a_terminal_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> tuple[int, int]:
        raise OSError("out of pty devices")

    monkeypatch.setattr("pty.openpty", refuse)
    with pytest.raises(pytest.skip.Exception, match="no pseudo-terminal can be opened here: out of pty devices"):
        open_terminal()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
async def test_enter_is_noticed_on_a_terminal_once_it_listens() -> None:
    ours, theirs = open_terminal()
    pressed: list[str] = []
    with os.fdopen(theirs) as answers:
        enter = terminal.Enter(answers, pressed.append)
        assert enter.listen()
        os.write(ours, b"\n")
        await wait_until(lambda: len(pressed) == 1)
        assert enter.listen()
        os.write(ours, b"two words\n")
        await wait_until(lambda: len(pressed) == 2)
        os.write(ours, b"f\n F \n\xff\n")
        await wait_until(lambda: len(pressed) == 5)
        assert pressed == ["", "two words", "f", "f", "\ufffd"]
        os.write(ours, b"\x04")  # end of the input: the thread ends
        await wait_until(lambda: not enter.listening)
    os.close(ours)


BACKGROUND_JOB = """
import contextlib, os, pty, select, sys, threading
from agent.terminal import Enter

def listen_in_another_thread():  # as the agent does
    enter = Enter(sys.stdin, lambda _: None)
    listening = threading.Thread(target=enter.listen)
    listening.start()
    listening.join()
    while enter.listening:
        pass

shell, terminal = pty.fork()
if shell:
    os.write(terminal, b"typed for the shell" + bytes([10]))
    with contextlib.suppress(OSError):  # nobody is there any more
        while said := os.read(terminal, 1000):
            print(said.decode(), end="")
elif select.select([0], [], [])[0] and (job := os.fork()):
    _, status = os.waitpid(job, os.WUNTRACED)
    left = os.read(0, 100).decode().strip() if select.select([0], [], [], 0)[0] else "nothing"
    print("halted" if os.WIFSTOPPED(status) else f"ended with {os.WEXITSTATUS(status)}, left is: {left}", flush=True)
    os._exit(0)
else:
    os.setpgid(0, 0)
    listen_in_another_thread()
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs job control")
def test_in_the_background_it_is_not_halted_and_leaves_to_the_shell_what_was_typed() -> None:
    for end in open_terminal():  # the job makes its own, and would fail where there are none
        os.close(end)
    out = subprocess.run([sys.executable, "-c", BACKGROUND_JOB], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.split("\n")[-2].strip() == "ended with 0, left is: typed for the shell"


def test_without_a_terminal_nothing_is_read() -> None:
    answers = io.StringIO("\n")
    was_read = functools.partial(pytest.fail, "it was read")
    assert not terminal.Enter(answers, was_read).listen()
    assert answers.tell() == 0


def test_elsewhere_there_is_a_line_for_each_change() -> None:
    out = io.StringIO()
    display = terminal.Display(out, io.StringIO())
    for what in ("sad 0.50", "sad 0.55", "happy 0.70", "happy 0.71", "sad 0.40"):
        display.show(what, "sent 3 labels")
    assert [line.split(" ")[0] for line in out.getvalue().splitlines()] == ["sad", "happy", "sad"]


def test_for_a_screen_reader_a_terminal_gets_plain_lines_too() -> None:
    out = Tty()
    display = terminal.Display(out, io.StringIO(), plain=True)
    for what in ("sad 0.50", "sad 0.55", "happy 0.70"):
        display.show(what, "sent 3 labels")
    display.end()
    assert [line.split(" ")[0] for line in out.getvalue().splitlines()] == ["sad", "happy"]
    assert "\r" not in out.getvalue()


def asked(typed: str, settings: AgentSettings) -> tuple[AgentSettings, str]:
    out = io.StringIO()
    return terminal.with_channel(settings, Tty(typed), out), out.getvalue()


def test_without_a_channel_the_terminal_asks_for_relay_and_channel_until_it_can_be_understood() -> None:
    found, out = asked("no such\nhttps://mood.example.org\n\nwith blanks\nmine\n", AgentSettings(name="Zoë"))
    assert (found.relay, found.channel, found.name) == ("https://mood.example.org", "mine", "Zoë")
    assert out.count("Channel: ") == 3
    assert "expected an address" in out
    assert "letters, digits" in out


def test_only_what_is_missing_is_asked_for() -> None:
    settings = AgentSettings(relay="https://mood.example.org")
    assert asked("mine\n", settings) == (msgspec.structs.replace(settings, channel="mine"), "Channel: ")
    found, out = asked("https://mood.example.org/overlay?channel=theirs\n", AgentSettings())
    assert (found.relay, found.channel) == ("https://mood.example.org", "theirs")
    assert "Channel: " not in out
    assert asked("\nmine\n", AgentSettings())[0] == AgentSettings(channel="mine")
    assert asked("", SETTINGS) == (SETTINGS, "")


@pytest.mark.parametrize("answers", [io.StringIO("x\n"), Tty("")], ids=["no terminal", "the end of the input"])
def test_without_anybody_to_ask_the_channel_is_missing(answers: io.StringIO) -> None:
    with pytest.raises(SettingsError, match="--channel is missing"):
        terminal.with_channel(AgentSettings(), answers, io.StringIO())


def test_the_streamers_words_come_last_and_are_called_theirs() -> None:
    welcome = msgspec.structs.replace(WELCOME, notice="Hi!\nDo you agree? [y/N] \x1b[2J")
    lines = terminal.explanation(SETTINGS, welcome).splitlines()
    assert lines[-1] == "  The streamer says: \u201cHi!\\nDo you agree? [y/N] \\x1b[2J\u201d"
    assert "streamer says" not in terminal.explanation(SETTINGS, WELCOME)
