"""The file of a viewer's answers as bytes: npz, encrypted as a whole with AES-256-GCM (NIST SP 800-38D). Pure.

A magic word and the version, which are authenticated too; the nonce; the ciphertext with its tag. A bit that was
changed anywhere is found before anything is read. What is inside is read without pickle and strictly all the same: who
has the key file can write one that fits, and its archive says how large it is, and its arrays what shape they are.
"""

import io
import math
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from agent.personal.answers import MOST_ANSWERS, MOST_FEATURES, Answer, Answers, Enrolled

KEY_BYTES = 32
MOST_NETWORKS, MOST_EXPORTS = 4, 100
"""So many networks have answers kept, and so many exports are remembered."""
LARGEST = MOST_NETWORKS * MOST_ANSWERS * (MOST_FEATURES + 16) * 4 + (1 << 20)
"""Bytes of a file: all that can be kept, and a mebibyte for names and places."""
_MAGIC = b"moodcast answers"
_VERSION, _WITH_ENROLLED = 1, 2
"""Of the format: a file without enrolled embeddings is as before there were any."""
_HEADER = struct.Struct("<16sH")
_NONCE_BYTES = 12
_END = struct.Struct("<4s4H2LH")
"""The end of a zip archive without a comment: signature, disks, entries, size and place of the directory."""
_ABOUT, _ENROLLED = "about", "enrolled"
_DTYPES = {"at": "<f8", "label": "|u1", "features": "<f4", "universal": "<f4", "corrected": "|b1"}
_LARGEST_DIRECTORY = 1 << 13
"""Bytes of the archive's directory: some 22 entries of about 60 bytes."""


class UnsealError(Exception):
    """The bytes are no file of answers that can be read; what is the matter, as the rest of "the file ..."."""


class Exported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that the viewer had their answers written to."""

    path: Annotated[str, Meta(max_length=4096, pattern=r"^[^\0]+$")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Of what was written."""


@dataclass(frozen=True)
class Kept:
    """All that the file has."""

    networks: tuple[Answers, ...] = ()
    """Of each network its answers, at most ``MOST_NETWORKS``; one without any is not written."""
    exports: tuple[Exported, ...] = field(default=(), repr=False)
    """At most ``MOST_EXPORTS``."""
    enrolled: Enrolled | None = None
    """Whose answers they are, where that is to be told."""


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    networks: Annotated[tuple[Annotated[str, Meta(pattern="^[0-9a-f]{64}$")], ...], Meta(max_length=MOST_NETWORKS)]
    exports: Annotated[tuple[Exported, ...], Meta(max_length=MOST_EXPORTS)]
    enrolled: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """By which network."""


def seal(kept: Kept, key: bytes) -> bytes:
    """The file's bytes, with a nonce of their own. ``key``: ``KEY_BYTES``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    version = _WITH_ENROLLED if kept.enrolled else _VERSION
    header, nonce = _HEADER.pack(_MAGIC, version), os.urandom(_NONCE_BYTES)
    return header + nonce + AESGCM(key).encrypt(nonce, _archive(kept), header)


def unseal(data: bytes, key: bytes) -> Kept:
    """What ``seal`` was given.

    Raises:
        UnsealError: it is another version's, was changed or cut, or the key is another one.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header, nonce = data[: _HEADER.size], data[_HEADER.size : _HEADER.size + _NONCE_BYTES]
    require_known(data)
    try:
        archive = AESGCM(key).decrypt(nonce, data[_HEADER.size + _NONCE_BYTES :], header)
    except (InvalidTag, ValueError):  # ValueError: there is no whole nonce
        raise UnsealError("was changed or damaged, or its key is another one") from None
    try:
        return _read(archive)
    except Exception as error:  # zipfile, NumPy and the tokenizer behind it have many ways to fail
        raise UnsealError(f"has something else in it than answers ({type(error).__name__})") from None


def require_known(data: bytes) -> None:
    """Raises UnsealError: it does not begin as a file of this version. That needs no key."""
    if len(data) > LARGEST:
        raise UnsealError(f"is larger than {LARGEST // 1_000_000} MB, which no file of answers is")
    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise UnsealError("is no file of answers, or was cut")
    _, version = _HEADER.unpack(data[: _HEADER.size])
    if version not in (_VERSION, _WITH_ENROLLED):
        raise UnsealError(f"is of another version of Moodcast (its format is {version}, known is {_WITH_ENROLLED})")


def _archive(kept: Kept) -> bytes:
    networks = [one for one in kept.networks if one.answers]
    by = kept.enrolled.network if kept.enrolled else ""
    about = msgspec.json.encode(_About(tuple(one.network for one in networks), kept.exports, by))
    arrays: dict[str, NDArray[np.generic]] = {_ABOUT: np.frombuffer(about, np.uint8)}
    if kept.enrolled:
        arrays[_ENROLLED] = kept.enrolled.embeddings.astype("<f4")
    for number, one in enumerate(networks):
        for name, dtype in _DTYPES.items():
            rows = [getattr(answer, name) for answer in one.answers]
            arrays[f"{number}.{name}"] = np.array(rows, dtype)
    written = io.BytesIO()
    np.savez(written, **arrays)  # type: ignore[arg-type]  # of np.savez's own allow_pickle
    return written.getvalue()


def _read(archive: bytes) -> Kept:
    """Raises whatever fits, for ``unseal``."""
    _require_short_directory(archive)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        about = msgspec.json.decode(_array(opened, _ABOUT, "|u1", 1).tobytes(), type=_About)
        names = {f"{number}.{name}.npy" for number in range(len(about.networks)) for name in _DTYPES}
        names |= {f"{name}.npy" for name in ([_ABOUT, _ENROLLED] if about.enrolled else [_ABOUT])}
        if {*opened.namelist()} != names:
            raise ValueError("other arrays than those of answers")
        networks = tuple(Answers(name, tuple(_rows(opened, number))) for number, name in enumerate(about.networks))
        found = _array(opened, _ENROLLED, "<f4", 2).astype(np.float32) if about.enrolled else None
    return Kept(networks, about.exports, None if found is None else Enrolled(about.enrolled, found))


def _rows(opened: zipfile.ZipFile, number: int) -> Iterator[Answer]:
    dimensions = {"features": 2, "universal": 2}
    columns = {
        name: _array(opened, f"{number}.{name}", dtype, dimensions.get(name, 1)) for name, dtype in _DTYPES.items()
    }
    rows = {len(column) for column in columns.values()}
    if len(rows) != 1 or max(rows) > MOST_ANSWERS:
        raise ValueError("columns of other lengths, or long ones")
    for at, label, features, universal, corrected in zip(*columns.values(), strict=True):
        yield Answer(float(at), int(label), features, universal, bool(corrected))


def _array(opened: zipfile.ZipFile, name: str, dtype: str, dimensions: int) -> NDArray[np.generic]:
    """Checked before anything is made of its size: it is as long as it says, and not packed."""
    entry = opened.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > LARGEST:
        raise ValueError("a packed array, or a large one")
    with opened.open(entry) as file:
        data = io.BytesIO(file.read(LARGEST))
    if np.lib.format.read_magic(data) != (1, 0):
        raise ValueError("an array of another format")
    shape, is_fortran, found = np.lib.format.read_array_header_1_0(data)
    size = len(data.getbuffer()) - data.tell()
    if found != np.dtype(dtype) or is_fortran or len(shape) != dimensions or math.prod(shape) * found.itemsize != size:
        raise ValueError("an array that is not what it says, or not what it should be")
    return np.frombuffer(data.read(), found).reshape(shape)


def _require_short_directory(archive: bytes) -> None:
    """Python reads all of a directory, however many entries it claims."""
    if len(archive) < _END.size:
        raise ValueError("no archive")
    signature, *_, size, _, comment = _END.unpack(archive[-_END.size :])
    if signature != b"PK\5\6" or comment or size > _LARGEST_DIRECTORY:
        raise ValueError("no archive, or one with a long directory")
