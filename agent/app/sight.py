"""What the eyes' process and the program that started it say to each other, over its standard input and output.

Each message is its length, four bytes with the first the highest, and that many bytes of MessagePack. Pure.
"""

import struct
from collections.abc import Iterator
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from agent.personal.status import Label, Taught, TeacherStatus
from relay.protocol import Expression

_LENGTH = struct.Struct(">I")
MOST_TOLD = 1 << 14
"""Bytes of a message to the eyes."""
WIDEST = 320
"""Pixels of a picture's longer side, at most."""
MOST_SEEN = 3 * WIDEST * WIDEST + 1024
"""Bytes of a message of the eyes."""

Share = Annotated[float, Meta(ge=-10, le=10)]
Box = tuple[Share, Share, Share, Share]
"""Left, top, right, bottom of a face as shares of the picture; a face may reach beyond it."""


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first that the eyes are told: open this, and look; see the options of the terminal agent."""

    source: str
    model: str
    fps: int
    pictures: bool = False
    personal: str = ""
    """The folder of what this face has taught; empty where nothing is to be learned, and nothing learned is used."""
    only_me: bool = False
    """With it: whether it is to be told whose face is seen."""


class WantPictures(msgspec.Struct, frozen=True, tag=True):
    """Whether pictures are wanted."""

    on: bool


class Forget(msgspec.Struct, frozen=True, tag=True):
    """Learn anew what the face looks like at rest."""


class Teach(msgspec.Struct, frozen=True, tag=True):
    """The viewer answers what the face shows now; see ``agent.personal``."""

    label: Label | None
    """None: what was shown last is right."""


Ago = Annotated[float, Meta(ge=0, le=60)]
"""Seconds before now: each process has a clock of its own."""


class Lesson(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The viewer made the face of ``label`` between these times, as the guided minute had asked."""

    label: Label
    since: Ago
    until: Ago


class ExportPersonal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write what is in the folder ``personal`` to a file that anybody can read. It needs no ``Begin``."""

    personal: str
    path: str


class EnrolMe(msgspec.Struct, frozen=True, tag=True):
    """Whoever is seen now is who taught it."""


class DeletePersonal(msgspec.Struct, frozen=True, tag=True):
    """Forget all that was learned, in memory and in the folder ``personal``. It needs no ``Begin``."""

    personal: str


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The camera is on."""


class Sight(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a frame showed that was looked at."""

    emotion: Expression | None
    """Smoothed; None while nobody is there or nothing can be read."""
    confidence: Annotated[float, Meta(ge=0, le=1)]
    has_face: bool
    unread: str | None
    """The ``key`` of the reason, an ``agent.unread.Unread``."""
    box: Box | None


class Glimpse(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A picture, for its owner's window."""

    width: Annotated[int, Meta(ge=1, le=WIDEST)]
    height: Annotated[int, Meta(ge=1, le=WIDEST)]
    pixels: bytes
    """RGB, row by row."""
    box: Box | None
    """Of the newest look, which may be of a moment ago."""


class Remark(msgspec.Struct, frozen=True, tag=True):
    """Something that the viewer should know."""

    sentence: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The eyes end, since they can't see."""

    sentence: str
    is_camera: bool
    """Whether it is the camera, not what is installed here."""


class Handled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of an ``ExportPersonal`` or a ``DeletePersonal``."""

    sentence: str
    done: bool


ToEyes = Begin | WantPictures | Forget | Teach | Lesson | EnrolMe | ExportPersonal | DeletePersonal
FromEyes = Opened | Sight | Glimpse | Remark | Failed | Taught | TeacherStatus | Handled
Told = TypeVar("Told")


def packed(message: ToEyes | FromEyes) -> bytes:
    """A message as it goes over the pipe."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker(Generic[Told]):
    """The messages in a stream of bytes. It holds no more than the longest message and what was fed last."""

    def __init__(self, decoder: "msgspec.msgpack.Decoder[Told]", most: int) -> None:
        self._decoder, self._most = decoder, most
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Told]:
        """The messages that end in ``chunk``.

        Raises:
            ValueError: this is no such stream; nothing after it can be understood.
        """
        self._rest += chunk
        while len(self._rest) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._rest)
            if length > self._most:
                raise ValueError(f"a message of {length} bytes, where {self._most} are the most")
            end = _LENGTH.size + length
            if len(self._rest) < end:
                return
            body = bytes(self._rest[_LENGTH.size : end])
            del self._rest[:end]
            try:
                message = self._decoder.decode(body)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                raise ValueError(f"no message: {error}") from None
            yield message


def told() -> Unpacker[ToEyes]:
    """For what the eyes are told."""
    return Unpacker(msgspec.msgpack.Decoder(ToEyes), MOST_TOLD)


def seen() -> Unpacker[FromEyes]:
    """For what the eyes say."""
    return Unpacker(msgspec.msgpack.Decoder(FromEyes), MOST_SEEN)
