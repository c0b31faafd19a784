"""What the viewer reads and answers: the question before the first capture, and the line that shows what is sent."""

import contextlib
import getpass
import io
import ipaddress
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import msgspec
from yarl import URL

from agent import consent
from agent.config import ADMIN_KEY_PATTERN, AgentSettings
from agent.errors import NoConsentError
from agent.readable import Unread
from agent.sources import camera_number
from models.inference.contract import ClipSpec
from relay.common.printable import escaped, escaped_lines
from relay.errors import WrongKeyError
from relay.protocol import Away, Label, Welcome

STUCK = (
    "The driver of the camera did not answer, so the program ended itself, which gives the camera back. If its light "
    "stays on, unplug it."
)
AT_ZERO = "The streamer measures the delay: press Enter when the countdown on the stream reaches 0."
KEY_UNENCRYPTED = (
    "Careful: the relay's address starts with http:, so others on the way can read the admin key. Use https: where the "
    "relay is not in a network of your own."
)
_FORGET = "f"
LEARNING = (
    "As it goes, the agent learns what your face looks like at rest, in memory only and until it ends. To have that "
    f"forgotten, type {_FORGET} and press Enter."
)
FORGOTTEN = "Forgotten: what your face looks like at rest is learned anew."


def explanation(settings: AgentSettings, welcome: Welcome) -> str:
    """What is about to happen, in the words of someone who is asked to agree to it.

    ``welcome``: what the relay said, which promises when an expression is shown.
    """
    if camera_number(settings.source) is not None:
        what = "turn on your camera and read the expression of your face"
    elif settings.source == "screen":
        what = "look at your screen and read the expression of the largest face on it"
    else:
        what = f"read the expression of the largest face in {escaped(settings.source)}"
    extra = [f"your display name ({escaped(settings.name)})"] if settings.name else []
    extra += [f"your stream delay ({settings.delay:g} s)"] if settings.delay else []
    also = f"\n    With it, once: {' and '.join(extra)}." if extra else ""
    unencrypted = (
        "\n  Careful: the address starts with http:, so others on the way can read what is sent."
        if readable_on_the_way(settings.relay)
        else ""
    )
    return (
        f"Moodcast will {what}.\n"
        "The pictures are looked at on this computer only, and kept nowhere.\n"
        "  What leaves it: one of seven words (happy, sad, ...) and how sure that is,\n"
        f"    at most twice a second, to {settings.relay}, channel {settings.channel}.{also}\n"
        "  What never leaves it: pictures, and the shape of your face.\n"
        f"{consent.who_sees_it(welcome) if settings.role == 'viewer' else consent.streamers(settings.store_face)}"
        f"  To stop: Ctrl-C, at any time. Your expression is withdrawn at once.{unencrypted}\n"
    )


def readable_on_the_way(relay: str) -> bool:
    """Whether the address is unencrypted and not on this computer."""
    url = URL(relay)
    if url.scheme == "https" or url.host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(url.host or "").is_loopback
    except ValueError:
        return True


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


def require_someone_to_ask(settings: AgentSettings, answers: TextIO) -> None:
    """Raises NoConsentError where consent was not given in advance and nobody can be asked."""
    if not settings.yes and not answers.isatty():
        raise NoConsentError(
            "consent is needed before anything is captured, but there is no terminal to ask on: start the agent in a "
            "terminal, or give --yes if the person in the picture agrees"
        )


def ask(settings: AgentSettings, welcome: Welcome, answers: TextIO, out: TextIO) -> None:
    """Explain; then, unless consent was given in advance, ask. Raises NoConsentError for anything but yes."""
    out.write(explanation(settings, welcome))
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
    """Calls back, in a thread of its own, for each line typed. Nothing is read before ``listen``.

    A line of one ``f`` calls ``forget``, any other ``pressed``: whoever is to press Enter may have typed before.
    """

    def __init__(self, answers: TextIO, pressed: Callable[[], None], forget: Callable[[], None]) -> None:
        self._answers, self._pressed, self._forget = answers, pressed, forget
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
                (self._forget if line.strip().lower() == _FORGET.encode() else self._pressed)()


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

    def __init__(self, out: TextIO, errors: TextIO) -> None:
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")  # an old code page may not have the dots between the parts
        self._out, self._errors = out, errors
        self._in_place = out.isatty()
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


def about_model(model: str, clip: ClipSpec | None, missed_card: bool) -> list[str]:
    """What the viewer should know of the chosen network before it starts."""
    sentences = []
    if clip is not None:
        seconds = (clip.frames - 1) * clip.interval_s
        what = "What it made of them stays" if clip.features else "They stay"
        sentences.append(
            f"{Path(model).name} looks at clips: the last {clip.frames} faces, {clip.interval_s:g} s apart. {what} in "
            f"memory for these {seconds:.1f} seconds."
        )
    if missed_card:
        sentences.append(
            "The graphics card can't be used (ONNX Runtime finds no CUDA driver or libraries that fit): the processor "
            "does the work."
        )
    return sentences


def late_labels(clip: ClipSpec | None, took_s: float) -> str:
    """A sentence where a clip takes longer than the time to the next one; empty where all is well."""
    if clip is None or took_s <= clip.every * clip.interval_s:
        return ""
    return (
        f"A clip takes {took_s:.1f} s on this computer, so your label follows your face that much later. A smaller "
        "network (--model moodnet) or a graphics card would be faster."
    )


def proportions(stretch: float) -> str:
    """What is done about a picture that comes ``stretch`` times as wide as it should."""
    if stretch == 1:
        return "The picture comes with the right proportions now: nothing is undone any more."
    how = "squeezed to three quarters of its width" if stretch < 1 else "stretched by a third of its width"
    return (
        f"The picture comes {how}, as when 16:9 and 4:3 are mistaken for each other. Smiles are missed in such a "
        "picture, so the agent undoes it from now on. The settings of the camera, or of the program that passes it on, "
        "would mend it for good."
    )


def status(
    sent: Label | Away | None,
    connected: bool,
    paused: bool,
    unread: Unread | None,
    labels: int,
    fps: float,
    load: float,
) -> tuple[str, str]:
    """What is being sent, and the details after it; ``load`` is a share of one core.

    ``paused``: whether the streamer has. ``unread``: why the newest frame says nothing.
    """
    if not connected:
        what = "connecting to the relay"
    elif paused:
        what = "the streamer has paused: nothing is shown or stored"
    elif isinstance(sent, Label):
        what = f"{sent.emotion} {sent.confidence:.2f}"
    else:
        what = f"away, {unread.words if unread else 'no face'}" if isinstance(sent, Away) else "looking for a face"
    return what, f"sent {labels} {'label' if labels == 1 else 'labels'} · {fps:.1f} fps · {load:.0%} of a core"
