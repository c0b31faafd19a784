"""What a relay gives to browsers that read faces: the registry's files, each compressed ahead and kept for good.

A compressed file lies in the cache by two sums, of what it holds and of itself, so that a damaged one is told by its
name and another version's is never taken.
"""

import contextlib
import gzip
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from models import atomic
from models.errors import FetchError, ModelError
from models.inference import fetch, registry
from models.inference.registry import Weights
from relay.assets import Asset, AssetsMissingError, Encoded

_CODINGS = {"gzip": "gz", "br": "br"}
"""HTTP's content codings, in the order in which they are made, and how their files' names end."""
_BEST = 11
"""The quality of brotli that is worth its time once for all: 20 s for 11 MB of WebAssembly, a third less than gzip."""

_BESIDE = {
    "_headers": """\
/*
  Access-Control-Allow-Origin: *
  Cache-Control: public, max-age=31536000, immutable
  X-Content-Type-Options: nosniff
""",
    "README.txt": """\
What browsers read faces with, for a relay that runs with --assets-url ADDRESS-OF-THIS-FOLDER.

Each file's address has its sum in it, and browsers check it: what the host changes is refused, nothing else of it is
trusted. It has to send Access-Control-Allow-Origin: *, and may send the compressed files (.br, .gz) that lie beside
each in its place, with Content-Encoding: br or gzip. Do not let it redirect.

_headers is for hosts that read it (Cloudflare Pages, Netlify); they compress by themselves.

nginx (with ngx_brotli for the second line):
  gzip_static on;
  brotli_static on;
  add_header Access-Control-Allow-Origin *;
  add_header Cache-Control "public, max-age=31536000, immutable";

Caddy:
  header Access-Control-Allow-Origin *
  header Cache-Control "public, max-age=31536000, immutable"
  file_server {
    precompressed br gzip
  }

MediaPipe's files (vision_*, face_*) and moodnet.onnx are Apache-2.0, ONNX Runtime's (ort-*) MIT: see LICENCES.txt.
""",
}
"""What goes with the files to a static host."""


class BrowserFiles:
    """``relay.assets.AssetStore``: the files of this machine's cache."""

    advice = (
        "Run `moodcast models fetch --browser` on the relay's machine, or start the relay without --no-fetch, where it "
        "can reach the internet."
    )

    licences = registry.BROWSER_LICENCES

    def __init__(self, command: Sequence[str]) -> None:
        """``command``: that fetches and compresses them, ``moodcast models assets``."""
        self.command = command

    def look(self) -> tuple[Sequence[Asset], bool]:
        """The files, checked, and whether all of them are compressed.

        Raises:
            AssetsMissingError: one is missing or damaged.
        """
        try:
            assets = [_asset(key, registry.get(name), registry.path(name)) for key, name in registry.BROWSER.items()]
        except (ModelError, OSError) as error:
            raise AssetsMissingError(str(error)) from error
        return assets, all(len(asset.codings) > len(_CODINGS) for asset in assets)

    def cost(self) -> str:
        """What would be fetched, and from whom."""
        missing = fetch.missing(registry.BROWSER.values())
        return f"{missing.size / 1e6:.0f} MB from {', '.join(missing.hosts)}" if missing.entries else ""


def _asset(key: str, entry: Weights, file: Path) -> Asset:
    codings = {"identity": Encoded(file, entry.size)}
    for coding in _CODINGS:
        if found := compressed(entry, coding):
            codings[coding] = Encoded(found, found.stat().st_size)
    return Asset(called=key, name=entry.file, sha256=entry.sha256, size=entry.size, codings=codings)


def folder() -> Path:
    """Where compressed files are kept."""
    return registry.cache().with_name("compressed")


def compressed(entry: Weights, coding: str) -> Path | None:
    """The whole compressed file of an entry, if there is one."""
    for file in sorted(folder().glob(f"{entry.sha256[:16]}-*.{_CODINGS[coding]}")):
        with contextlib.suppress(OSError):
            if file.name == _name(entry, coding, file.read_bytes()):
                return file
    return None


def _name(entry: Weights, coding: str, data: bytes) -> str:
    return f"{entry.sha256[:16]}-{hashlib.sha256(data).hexdigest()[:16]}.{_CODINGS[coding]}"


def compress_all(tell: Callable[[str], None], quality: int = _BEST) -> None:
    """Compress all files that are not yet, the fast coding of all of them first. ``tell`` hears of each coding.

    Of several processes one does it, and the others wait.

    Raises:
        FetchError: there is no room for them.
        ModelError: as ``registry.path``.
    """
    import filelock  # only here: every command loads this module

    try:
        folder().mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder().with_name("compressing.lock")):
            atomic.clear(folder())
            for coding in _CODINGS:
                for name in registry.BROWSER.values():
                    _compress(registry.get(name), coding, quality)
                tell(coding)
    except OSError as error:
        raise FetchError(
            f"what browsers read faces with can't be compressed into {folder()} ({error.strerror or error}): make room "
            "there, or make it writable"
        ) from error


def _compress(entry: Weights, coding: str, quality: int) -> None:
    if compressed(entry, coding):
        return
    data = registry.path(entry.name).read_bytes()
    packed = pack(data, coding, quality)
    assert unpack(packed, coding) == data
    atomic.write(packed, folder() / _name(entry, coding, packed))


def pack(data: bytes, coding: str, quality: int = _BEST) -> bytes:
    """The data in that coding; the same each time."""
    if coding == "gzip":
        return gzip.compress(data, mtime=0)
    import brotli

    packed: bytes = brotli.compress(data, quality=quality, lgwin=24)
    return packed


def unpack(packed: bytes, coding: str) -> bytes:
    """What ``pack`` was given."""
    if coding == "gzip":
        return gzip.decompress(packed)
    import brotli

    data: bytes = brotli.decompress(packed)
    return data


def export(target: Path) -> str:
    """Write all but the scripts, with the compressed files beside each, as ``--assets-url`` expects them; says where.

    Raises:
        FetchError: the folder can't be written.
    """
    assets = [asset for asset in BrowserFiles(()).look()[0] if not asset.is_script]
    try:
        for asset in assets:
            file = target / asset.place
            file.parent.mkdir(parents=True, exist_ok=True)
            for coding, encoded in asset.codings.items():
                end = f".{_CODINGS[coding]}" if coding in _CODINGS else ""
                atomic.write(encoded.path.read_bytes(), file.with_name(file.name + end))
        for name, text in _BESIDE.items():
            atomic.write(text.encode(), target / name)
        atomic.write(registry.BROWSER_LICENCES.read_bytes(), target / "LICENCES.txt")
    except OSError as error:
        raise FetchError(f"{target} can't be written ({error.strerror or error})") from error
    return f"{target}: {len(assets)} files, each compressed too; README.txt says what the host has to send with them"
