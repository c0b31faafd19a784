"""What the agent's window remembers from run to run, in one file. No password and no key is in it."""

import contextlib
import os
import threading
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.app.state import Wish
from agent.files import write_whole
from relay.common.printable import is_printable
from relay.common.texts import Language
from relay.protocol import CHANNEL_PATTERN, MAX_DELAY_S

_NAME = "settings.json"
_LARGEST = 1 << 20
"""Bytes of the file that are read. A consent takes about 200."""

Theme = Literal["auto", "dark", "light"]


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """That the viewer agreed to share the expression of their face with a channel."""

    relay: str
    channel: str
    text: str
    """Which text they agreed to: ``agent.consent.digest`` of it."""
    at_once: bool = False
    """Whether sharing begins by itself from now on, as long as the text stays the same."""
    program: str = ""
    """The version of the program that asked."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The settings. Each has a default."""

    version: Literal[1] = 1
    """Of the file's format."""
    name: Annotated[str, Meta(max_length=40)] = ""
    """Display name for the relay; empty to stay nameless."""
    camera: Annotated[str, Meta(min_length=1, max_length=4096)] = "webcam"
    """As the terminal agent's ``--source`` takes it: webcam:N, screen, or a file."""
    model: Annotated[str, Meta(min_length=1, max_length=4096)] = "moodnet"
    """As ``--model``."""
    fps: Annotated[int, Meta(ge=1, le=30)] = 5
    """As ``--fps``."""
    delay: Annotated[float, Meta(ge=0, le=MAX_DELAY_S)] = 0.0
    """Seconds by which the stream is seen late: the last measured, or set by hand."""
    theme: Theme = "auto"
    language: Literal["auto"] | Language = "auto"
    taps_only: bool = False
    """Whether resuming shares taps alone, and leaves the camera shut."""
    personal: bool = False
    """Whether the viewer teaches it their face, and agreed to what that keeps (``agent.consent.teaching``)."""
    personal_only_me: bool = False
    """Whether that is to be told from others' faces, and the viewer agreed to it (``agent.consent.ONLY_ME``)."""
    show_picture: bool = True
    """Whether the viewer's own picture is shown to them."""
    start_at_login: bool = False
    open_links: bool = False
    """Whether moodcast:// links are opened here."""
    close_to_tray: bool = True
    """Whether a closed window leaves the agent running behind its tray icon."""
    knows_tray: bool = False
    """Whether the viewer was told that it does."""
    relay: Annotated[str, Meta(max_length=2048, pattern=r"^(https?://[^/?#@]+(/[^?#@]*)?)?$")] = ""
    """Of the last place; empty before the first."""
    channel: Annotated[str, Meta(pattern=rf"^$|{CHANNEL_PATTERN}")] = ""
    consents: tuple[Consent, ...] = ()

    @property
    def resumed(self) -> Wish:
        """What to ask ``App.share`` for when the viewer resumes."""
        return "taps" if self.taps_only else "face"


class _Any(msgspec.Struct):
    """What a file of any version has."""

    version: int


class SettingsFile:
    """The settings and their file, which only its owner may read. Every method may be called from any thread.

    What can't be read is kept aside, and the defaults hold; what can't be written holds until the end of the run. Of
    both a sentence tells.
    """

    def __init__(self, folder: Path) -> None:
        """Reads the file; writes nothing unless it must be kept aside."""
        self._path = folder / _NAME
        self._changed = threading.Condition()
        self._is_saved = self._may_write = True
        self._is_closed = False
        self._about_reading = self._about_writing = ""
        self._now = self._load()
        self._writer = threading.Thread(target=self._write, name="settings", daemon=True)

    @property
    def now(self) -> Remembered:
        """The settings as they are."""
        return self._now

    def warnings(self) -> tuple[str, ...]:
        """What the viewer should know of the file; empty while all is well."""
        return tuple(filter(None, (self._about_reading, self._about_writing)))

    def change(self, **values: object) -> None:
        """Set fields, at once; the file follows, in a thread of its own.

        Raises:
            ValueError: a sentence: there is no such field, or it can't have this value.
        """
        with self._changed:
            try:
                self._now = _checked(msgspec.json.encode(msgspec.structs.replace(self._now, **values)))
            except (msgspec.ValidationError, TypeError) as error:
                raise ValueError(f"the settings can't be {', '.join(values)} so: {error}") from None
            self._is_saved = False
            if not self._writer.is_alive() and not self._is_closed:
                self._writer.start()
            self._changed.notify_all()

    def close(self, patience_s: float) -> bool:
        """Write what is to be written, and no more after that; False where that takes longer."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._is_saved, patience_s)

    def _load(self) -> Remembered:
        try:
            with self._path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError):
            return Remembered()
        except OSError as error:
            self._keep_aside(f"can't be read ({error.strerror or error})")
            return Remembered()
        try:
            return _checked(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._keep_aside(_what_is_wrong(data))
            return Remembered()

    def _keep_aside(self, what: str) -> None:
        places = (self._path.with_name(f"settings.damaged-{number}.json") for number in range(1, 1000))
        aside = next(place for place in places if not os.path.lexists(place))
        try:
            self._path.rename(aside)
            where = f"It is kept as {aside}."
        except OSError as error:  # what is still there must not be overwritten
            self._may_write = False
            where = (
                f"It can't be put aside ({error.strerror or error}), so nothing is written: what you choose now holds "
                "until the program ends."
            )
        self._about_reading = (
            f"The settings file {self._path} {what}, so the settings begin anew, and you are asked again what you "
            f"agree to. {where}"
        )

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or not self._is_saved)
                if self._is_saved:
                    return
                now = self._now
            problem = self._problem_of_writing(now)
            with self._changed:
                self._about_writing = problem
                self._is_saved = now is self._now
                self._changed.notify_all()

    def _problem_of_writing(self, now: Remembered) -> str:
        """Write it; a sentence where that fails."""
        if not self._may_write:
            return ""
        try:
            path = self._path.resolve()  # it may be a link into a folder of all settings
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(msgspec.json.format(msgspec.json.encode(now)) + b"\n", path)
        except OSError as error:
            return (
                f"The settings can't be written to {self._path} ({error.strerror or error}): what you choose holds "
                "until the program ends. See whether the disk is full, and whether you may write to that folder."
            )
        return ""


def _checked(data: bytes) -> Remembered:
    """The settings in the bytes of a file. Raises what msgspec does."""
    found = msgspec.json.decode(data, type=Remembered)
    if not is_printable(found.name):
        raise msgspec.ValidationError("expected a name of printable characters on one line")
    return found


def _what_is_wrong(data: bytes) -> str:
    """With bytes that are no settings, after "the settings file ..."."""
    if len(data) > _LARGEST:
        return f"has more than {_LARGEST:,} bytes"
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if msgspec.json.decode(data, type=_Any).version > Remembered().version:
            return "is of a newer version of Moodcast"
    return "is damaged"
