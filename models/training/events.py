"""TensorBoard's event files, scalars only, without TensorBoard: a few dozen bytes a record, written at once.

The packages that write these files do so from a thread, which hangs the program when the disk is full. The format:
records framed as in TensorFlow's TFRecord (length, masked CRC-32C of it, data, masked CRC-32C of that), each a protocol
buffer ``Event``: 1 wall_time (double), 2 step (varint), 3 file_version (string), 5 summary; a summary holds (1) values
of 1 tag (string) and 2 simple_value (float).
"""

import struct
import time
from collections.abc import Mapping
from pathlib import Path

_POLYNOMIAL = 0x82F63B78


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), RFC 3720 appendix B.4."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    """TFRecord's form of the checksum: rotated, and moved by a constant."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _record(data: bytes) -> bytes:
    """One framed record."""
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, data: bytes) -> bytes:
    """A length-delimited field: a string, or a message."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(wall_time: float, step: int, scalars: Mapping[str, float]) -> bytes:
    """An ``Event`` with a summary of these scalars by tag."""
    values = b"".join(field(1, field(1, tag.encode()) + b"\x15" + struct.pack("<f", v)) for tag, v in scalars.items())
    return b"\x09" + struct.pack("<d", wall_time) + b"\x10" + varint(step) + field(5, values)


class EventLog:
    """One new event file in a folder. Its readers take the newest point where two files have the same step."""

    def __init__(self, folder: Path) -> None:
        now = time.time()
        self.path = folder / f"events.out.tfevents.{time.time_ns()}.moodcast"
        self._append(b"\x09" + struct.pack("<d", now) + field(3, b"brain.Event:2"))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Append one point of each curve.

        Raises:
            OSError: the disk is full.
        """
        self._append(event(time.time(), step, values))

    def _append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(_record(data))
