"""A process that turns one picture file into pixels and ends: ``decoding`` starts it as ``-m relay.http.decoder``.

The file comes from a stranger, and Pillow's decoders can be made to take minutes and gigabytes. So this process sets
its own limits, looks at no more than the head of the file before it has said what the rest will take, and waits until
it may go on. Nothing is written to a disk, not even by a crash.

Standard input: the file's length (4 bytes, the highest first), the file, and later a byte that says go. Standard
output: ``need BYTES``, then ``pixels WIDTH HEIGHT`` and these as RGB; or ``refused REASON`` in place of either.
"""

import contextlib
import io
import re
import sys
import warnings
from typing import Literal

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
WORKING_SIDE = 2048
"""Larger pictures are shrunk to it: a face that is found at all then still has more pixels than a classifier sees."""
MAX_PIXELS = 50_000_000
"""A file of a few kilobytes can claim to be a picture of gigabytes."""
MAX_SCANS = 100
"""Of a JPEG. Programs write ten; each can be a few bytes of the file, and costs as much as a picture."""
MAX_SCANNED = 1_000_000_000
"""Pixels that all scans of a JPEG go over: a second's work, and twice what those of the largest photograph take."""
MAX_NEED = 220_000_000
"""Bytes that the decoding of a picture may take."""
SPARE = 100_000_000
"""Bytes of address space beyond those: libraries, and what Pillow takes for a moment."""
_CPU_S = 3
"""Seconds of a core: six times what the largest photograph takes."""

_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2}
"""Bytes with which Pillow keeps a pixel of these modes; of all others four."""

Reason = Literal["unknown", "pixels", "scans", "memory", "broken"]

# A marker that is followed by its length (but for begin and end): not a stuffed zero, no TEM, and no restart.
_MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd7])")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN = 0xD8, 0xD9, 0xDA


class UndecodableError(Exception):
    """A picture that is not decoded."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def opened(file: bytes) -> tuple[ImageFile.ImageFile, int]:
    """The picture, of which only the head was looked at, and the bytes of memory that decoding it takes at most.

    Raises:
        UndecodableError: it is of another kind, broken, or takes too much.
    """
    image = Image.open(io.BytesIO(file), formats=_FORMATS)
    count = image.width * image.height
    if count > MAX_PIXELS:
        raise UndecodableError("pixels")
    shrink = max(1.0, max(image.size) / WORKING_SIDE)
    size = round(image.width / shrink), round(image.height / shrink)
    need = 0
    if image.format not in ("PNG", "WEBP", "GIF"):
        found = scans(file)
        if found > MAX_SCANS or found * count > MAX_SCANNED:
            raise UndecodableError("scans")
        if found > 1:  # all coefficients are kept, of two bytes each
            need = 2 * len(image.getbands()) * count
        image.draft(None, size)  # has the decoder skip pixels that are not needed
    per_pixel = _PER_PIXEL.get(image.mode, 4)
    if image.format == "WEBP":
        per_pixel = 12  # libwebp's canvas, the copy that it gives, and Pillow's own
    elif "A" in image.getbands():
        per_pixel *= 2  # shrinking takes a copy where there is transparency
    need += per_pixel * image.width * image.height + 4 * size[0] * (image.height + 2 * size[1])
    if need > MAX_NEED:
        raise UndecodableError("memory")
    return image, need


def scans(file: bytes) -> int:
    """How often a JPEG file goes over its picture; beyond ``MAX_SCANS`` it is not counted on."""
    found, place = 0, 2
    while found <= MAX_SCANS and (marker := _MARKER.search(file, place)):
        kind, place = marker[1][0], marker.end()
        if kind == _END_OF_IMAGE:
            break
        if kind != _START_OF_IMAGE:  # all others say how long they are
            found += kind == _START_OF_SCAN
            place += int.from_bytes(file[place : place + 2], "big")
    return found


def _upright(image: ImageFile.ImageFile) -> Image.Image:
    """The picture in RGB, at most ``WORKING_SIDE`` wide and high; a GIF's first frame."""
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), reducing_gap=2.0)
    turned = ImageOps.exif_transpose(image)
    if turned.has_transparency_data:
        turned = turned.convert("RGBA")
    return turned.convert("RGB")


def decode(file: bytes) -> None:
    """The conversation on standard input and output, after the file has come."""
    if not file.startswith(b"RIFF"):  # libwebp sets a canvas aside, and fills it when it decodes
        # Pillow keeps a hundred bytes and more for each of a million comments.
        _bound("RLIMIT_AS", len(file) + SPARE)
    image, need = opened(file)
    _say(f"need {need}")
    _bound("RLIMIT_AS", need + len(file) + SPARE)
    if not sys.stdin.buffer.read(1):
        return  # nobody waits for it any more
    picture = _upright(image)
    _say(f"pixels {picture.width} {picture.height}")
    sys.stdout.buffer.write(picture.tobytes())
    sys.stdout.buffer.flush()


def main() -> None:
    """Decode the picture on standard input, or say why not."""
    _bound("RLIMIT_CPU", _CPU_S)
    _bound("RLIMIT_FSIZE", 0)
    _bound("RLIMIT_CORE", 0)
    # Of strange metadata nobody wants to know; of too many pixels somebody else does.
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    try:
        decode(sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), "big")))
    except UndecodableError as error:
        _say(f"refused {error.reason}")
    except UnidentifiedImageError:
        _say("refused unknown")
    except MemoryError:
        _say("refused memory")
    except Exception:  # what Pillow's decoders raise for broken files has no common base
        _say("refused broken")


def _say(line: str) -> None:
    sys.stdout.buffer.write(f"{line}\n".encode())
    sys.stdout.buffer.flush()


def _bound(name: str, value: int) -> None:
    """Set a limit of this process, where the system has it (Windows has none). Who started it keeps the time."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        limit = getattr(resource, name)
        resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))


if __name__ == "__main__":
    main()
