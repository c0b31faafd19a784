"""What the viewer reads and answers: the question before the first capture, and the line that shows what is sent."""

import argparse
import contextlib
import getpass
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

import msgspec

from agent import address, cameras, consent
from agent.config import ADMIN_KEY_PATTERN, AgentSettings
from agent.errors import NoConsentError
from agent.unread import Unread
from relay.common.printable import escaped, escaped_lines
from relay.errors import SettingsError, WrongKeyError
from relay.protocol import Away, Label, Welcome
from relay.settings import load

STUCK = (
    "The driver of the camera did not answer, so the program ended itself, which gives the camera back. If its light "
    "stays on, unplug it."
)
STUCK_MICROPHONE = (
    "The driver of the microphone did not answer, so the program ended itself, which gives the microphone back."
)
AT_ZERO = "The streamer measures the delay: press Enter when the countdown on the stream reaches 0."
KEY_UNENCRYPTED = (
    "Careful: the relay's address starts with http:, so others on the way can read the admin key. Use https: where the "
    "relay is not in a network of your own."
)
FORGET = "f"
LEARNING = (
    "As it goes, the agent learns what your face looks like at rest, in memory only and until it ends. To have that "
    f"forgotten, type {FORGET} and press Enter."
)
FORGOTTEN = "Forgotten: what your face looks like at rest is learned anew."


def explanation(settings: AgentSettings, welcome: Welcome) -> str:
    """What is about to happen, in the words of someone who is asked to agree to it.

    ``welcome``: what the relay said, which promises when an expression is shown.
    """
    extra = [f"your display name ({escaped(settings.name)})"] if settings.name else []
    extra += [f"your stream delay ({settings.delay:g} s)"] if settings.delay else []
    also = f"\n    With it, once: {' and '.join(extra)}." if extra else ""
    unencrypted = (
        "\n  Careful: the address starts with http:, so others on the way can read what is sent."
        if address.readable_on_the_way(settings.relay)
        else ""
    )
    return (
        f"Moodcast will {what_is_read(settings)}{_what_is_heard(settings)}.\n"
        f"{consent.what_leaves(settings.relay, settings.channel, also)}"
        f"{consent.who_sees_it(welcome) if settings.role == 'viewer' else consent.streamers(settings.store_face)}"
        f"{consent.VOICE if settings.voice else ''}"
        f"{consent.TEACHING if settings.personal else ''}{consent.ONLY_ME if settings.personal_only_me else ''}"
        f"  To stop: Ctrl-C, at any time. Your expression is withdrawn at once.{unencrypted}\n"
        f"{_notice(welcome)}"
    )


def _notice(welcome: Welcome) -> str:
    """A stranger's words, as such."""
    return f"  The streamer says: “{escaped(welcome.notice)}”\n" if welcome.notice else ""


def what_is_read(settings: AgentSettings) -> str:
    """What the agent looks at, and for what."""
    if cameras.number_of(settings.source) is not None:
        return "turn on your camera and read the expression of your face"
    if settings.source == "screen":
        return "look at your screen and read the expression of the largest face on it"
    return f"read the expression of the largest face in {escaped(settings.source)}"


def _what_is_heard(settings: AgentSettings) -> str:
    return ",\n  and turn on your microphone and listen to the expression of your voice" if settings.voice else ""


def with_admin_key(settings: AgentSettings, answers: TextIO) -> AgentSettings:
    """The settings of a streamer with the admin key, asked for where the environment has none. Others' without it.

    Raises:
        WrongKeyError: there is none, or no terminal to ask on, or what was typed can't be one.
    """
    if settings.role == "viewer":
        return msgspec.structs.replace(settings, admin_key="")
    key = settings.admin_key
    if not key and answers.isatty():
        key = getpass.getpass(f"Admin key of the channel {settings.channel} (not shown): ").strip()
    if not key or not re.match(ADMIN_KEY_PATTERN, key):
        raise WrongKeyError(
            "the streamer's face takes the channel's admin key, which was shown when the channel was made: give it as "
            "MOODCAST_ADMIN_KEY in the environment, or start the agent in a terminal, where it asks for it"
        )
    return msgspec.structs.replace(settings, admin_key=key)


def with_channel(settings: AgentSettings, answers: TextIO, out: TextIO) -> AgentSettings:
    """The settings with a channel, asked for where none is given; and before it the relay, where that isn't either.

    Raises:
        SettingsError: there is no channel, and no terminal to ask on, or its input has ended.
    """
    if not settings.channel and settings.relay == AgentSettings().relay:
        question = f"Address of the relay, or an invitation (Enter for {settings.relay}): "
        settings = _with_answer(settings, ("relay", "channel", "password"), question, answers, out)
    if not settings.channel:
        settings = _with_answer(settings, ("channel",), "Channel: ", answers, out)
    return settings


def _with_answer(
    settings: AgentSettings, options: tuple[str, ...], question: str, answers: TextIO, out: TextIO
) -> AgentSettings:
    """Ask for the first of the options, until the answer can be understood; it may tell the others as well."""
    while answers.isatty():
        out.write(question)
        out.flush()
        answer = answers.readline()
        if not answer:
            break
        given = argparse.Namespace(**{options[0]: answer.strip() or getattr(settings, options[0])})
        try:
            found = load(AgentSettings, given, {}, lambda note: _tell(out, note))
        except SettingsError as error:
            _tell(out, str(error))
            continue
        if getattr(found, options[0]):
            values = {name: getattr(found, name) for name in options}
            return msgspec.structs.replace(settings, **{name: value for name, value in values.items() if value})
    raise SettingsError("--channel is missing: name the channel to join; the streamer tells it")


def _tell(out: TextIO, sentence: str) -> None:
    out.write(f"{escaped_lines(sentence)}\n")


def require_someone_to_ask(settings: AgentSettings, answers: TextIO) -> None:
    """Raises NoConsentError where consent was not given in advance and nobody can be asked."""
    if not settings.yes and not answers.isatty():
        raise NoConsentError(
            "consent is needed before anything is captured, but there is no terminal to ask on: start the agent in a "
            "terminal, or give --yes if the person in the picture agrees"
        )


def ask(settings: AgentSettings, welcome: Welcome, answers: TextIO, out: TextIO) -> None:
    """Explain; then, unless consent was given in advance, ask. Raises NoConsentError for anything but yes."""
    agree(settings, explanation(settings, welcome), answers, out)


def agree(settings: AgentSettings, explained: str, answers: TextIO, out: TextIO) -> None:
    """The same with any words of what is about to happen."""
    out.write(explained)
    if settings.yes:
        out.write("Consent was given with --yes.\n")
        out.flush()
        return
    out.write("Do you agree? [y/N] ")
    out.flush()
    answer = answers.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise NoConsentError("you did not agree, so nothing was captured and nothing was sent")


class Enter:
    """Calls back, in a thread of its own, for each line typed. Nothing is read before ``listen``."""

    def __init__(self, answers: TextIO, typed: Callable[[str], None]) -> None:
        """``typed`` gets lines without blanks around them, in small letters."""
        self._answers, self._typed = answers, typed
        self._thread: threading.Thread | None = None

    @property
    def listening(self) -> bool:
        """Whether lines are read now. The end of the input, or a terminal that is gone, ends it."""
        return self._thread is not None and self._thread.is_alive()

    def listen(self) -> bool:
        """Read from now on; False where there is no terminal to read from, or another job's lines are typed there."""
        if not self._answers.isatty() or _in_background(self._answers):
            return False
        if not self.listening:
            with _never_halted():
                _forget_typed(self._answers)
                self._thread = threading.Thread(target=self._read, name="enter", daemon=True)
                self._thread.start()
        return True

    def _read(self) -> None:
        # Not with the file's own methods: the interpreter can't end while a thread waits in one.
        with contextlib.suppress(OSError):
            while line := os.read(self._answers.fileno(), 1024):
                self._typed(line.decode(errors="replace").strip().lower())


@contextlib.contextmanager
def _never_halted() -> Iterator[None]:
    """Put in the background (`bg`), this thread, and those it starts, fail to read from the terminal.

    Else the system would halt the whole agent when one of them tries.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN, signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_background(answers: TextIO) -> bool:
    """Whether what is typed is for the shell or its other jobs, as with `moodcast agent &`."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(answers.fileno()) != os.getpgrp()
    except OSError:  # not the terminal that started this program, so there are no jobs
        return False


def _forget_typed(answers: TextIO) -> None:
    """What was typed before it was asked for answers nothing."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        termios.tcflush(answers, termios.TCIFLUSH)


class Display:
    """The status: one line that is rewritten in place on a terminal, elsewhere a line for each change."""

    def __init__(self, out: TextIO, errors: TextIO, plain: bool = False) -> None:
        """``plain``: a line for each change on a terminal, too."""
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")  # an old code page may not have the dots between the parts
        self._out, self._errors = out, errors
        self._in_place = out.isatty() and not plain
        self._shown = ""
        self._last_what = ""

    def show(self, what: str, details: str) -> None:
        """``what`` is sent; a change of ``details`` alone is no news."""
        line = f"{what} · {details} · Ctrl-C stops"
        if self._in_place:
            self._write("\r" + line.ljust(len(self._shown)))
            self._shown = line
        elif what.split(" ")[0] != self._last_what:
            self._write(line + "\n")
        self._last_what = what.split(" ")[0]

    def note(self, sentence: str) -> None:
        """A sentence for the viewer, on stderr."""
        self.end()
        self._errors.write(escaped_lines(sentence) + "\n")
        self._errors.flush()

    def end(self) -> None:
        """Leave the status line as it is; what follows starts on a new one."""
        if self._shown:
            self._write("\n")
            self._shown = ""

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def status(
    sent: Label | Away | None,
    connected: bool,
    paused: bool,
    unread: Unread | None,
    labels: int,
    fps: float,
    load: float,
    is_mute: bool = False,
) -> tuple[str, str]:
    """What is being sent, and the details after it; ``load`` is a share of one core.

    ``paused``: whether the streamer has. ``unread``: why the newest frame says nothing. ``is_mute``: see ``Sender``.
    """
    if not connected:
        what = "connecting to the relay"
    elif paused:
        what = "the streamer has paused: nothing is shown or stored"
    elif is_mute:
        what = "nothing is shared for a moment"
    elif isinstance(sent, Label):
        what = f"{sent.emotion} {sent.confidence:.2f}"
    else:
        what = f"away, {unread.words if unread else 'no face'}" if isinstance(sent, Away) else "looking for a face"
    return what, f"sent {labels} {'label' if labels == 1 else 'labels'} · {fps:.1f} fps · {load:.0%} of a core"
