"""Pictures that are made to cost whoever decodes them, and the processes that do."""

import contextlib
import io

import psutil
from PIL import Image

from relay.http.decoder import MAX_SCANS


def file_of(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def bomb(count: int, side: int = 64) -> bytes:
    """A progressive JPEG whose last scan comes ``count`` times again."""
    file = file_of(Image.new("RGB", (side, side), "teal"), "JPEG", progressive=True)
    last = file.rindex(b"\xff\xda")
    return file[:-2] + file[last:-2] * count + file[-2:]


def decoders() -> list[psutil.Process]:
    """The processes that decode now."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            found += [process] if "relay.http.decoder" in process.cmdline() else []
    return found


def slow_picture() -> bytes:
    """What is just let through: it takes a second and more."""
    return bomb(MAX_SCANS - 10, 3000)
