"""Small files in place of those that browsers read faces with, and a store of them for a relay."""

import gzip
import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import brotli

from models.inference import registry
from relay.assets import Asset, AssetsMissingError, Encoded

SMALL: Mapping[str, tuple[str, bytes]] = {
    key: (registry.get(name).file, f"stands for {name} ".encode() * 500) for key, name in registry.BROWSER.items()
}
"""Name and content of all that a page asks for, by what it calls them."""


class Store:
    """``relay.assets.AssetStore`` of a folder. ``command``: a Python program, which gets the folder as its argument."""

    advice = "Run `the command`."
    licences = Path(__file__)

    def __init__(self, folder: Path, files: Mapping[str, tuple[str, bytes]] = SMALL, command: str = "") -> None:
        self.folder, self.names = folder, {key: name for key, (name, _) in files.items()}
        self.command: Sequence[str] = (sys.executable, "-c", command, str(folder))
        self.looks = 0

    def look(self) -> tuple[Sequence[Asset], bool]:
        self.looks += 1
        assets = [self._asset(key, self.folder / name) for key, name in self.names.items()]
        return assets, all(len(asset.codings) == 3 for asset in assets)

    def _asset(self, key: str, file: Path) -> Asset:
        if not file.is_file():
            raise AssetsMissingError(f"{file} is missing")
        data = file.read_bytes()
        packed = {"gzip": file.with_name(f"{file.name}.gz"), "br": file.with_name(f"{file.name}.br")}
        codings = {coding: Encoded(path, path.stat().st_size) for coding, path in packed.items() if path.is_file()}
        codings["identity"] = Encoded(file, len(data))
        sha256 = hashlib.sha256(data).hexdigest()
        return Asset(called=key, name=file.name, sha256=sha256, size=len(data), codings=codings)

    def cost(self) -> str:
        return "1 MB from registry.example"


def fill(folder: Path, files: Mapping[str, tuple[str, bytes]] = SMALL, compress: bool = True) -> None:
    """The folder of a ``Store``."""
    folder.mkdir(exist_ok=True)
    for name, data in files.values():
        (folder / name).write_bytes(data)
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
            (folder / f"{name}.br").write_bytes(brotli.compress(data, quality=4))
