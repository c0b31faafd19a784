"""What a browser needs to read faces. The relay has none of it: whoever starts it may bring the files along."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

_SCRIPT = "text/javascript"
_TYPES = {".js": _SCRIPT, ".mjs": _SCRIPT, ".wasm": "application/wasm"}


class Encoded(NamedTuple):
    """A file's bytes as they are sent."""

    path: Path
    size: int


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A file that pages load."""

    called: str
    """What the page calls it."""
    name: str
    """The file's name in its address, which tells its type."""
    sha256: str
    size: int
    codings: Mapping[str, Encoded]
    """By HTTP's content codings: ``identity``, and those that were compressed ahead."""

    @property
    def place(self) -> str:
        """The end of the file's address."""
        return f"{self.sha256[:16]}/{self.name}"

    @property
    def type(self) -> str:
        """As HTTP calls it."""
        return _TYPES.get(Path(self.name).suffix, "application/octet-stream")

    @property
    def is_script(self) -> bool:
        """Whether a browser runs it as it comes, without anyone who could check it before."""
        return self.type == _SCRIPT


class AssetsMissingError(Exception):
    """A file is not here, or damaged: a sentence for the relay's log."""


class AssetStore(Protocol):
    """The files on this machine, and how to get them."""

    command: Sequence[str]
    """A program that fetches and compresses what is missing. It prints a line whenever more is ready, ends with 0 when
    all is, and else says why not on standard error."""
    licences: Path
    """The texts of the files' licences."""
    advice: str
    """Who runs a relay without the files reads this on its pages: a sentence with the command that gets them."""

    def look(self) -> tuple[Sequence[Asset], bool]:
        """The files, checked, and whether all of them are compressed. Takes tenths of a second.

        Raises:
            AssetsMissingError
        """

    def cost(self) -> str:
        """What the command would fetch, and from whom, in a few words; empty where nothing is missing."""
