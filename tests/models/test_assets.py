"""What browsers read faces with, compressed ahead: small files in place of the registry's, and a low quality."""

import gzip
import hashlib
from pathlib import Path

import brotli
import platformdirs
import pytest

from models.errors import FetchError, ModelMissingError
from models.inference import assets, registry
from models.inference.assets import BrowserFiles
from models.inference.registry import Url, Weights
from relay.assets import AssetsMissingError

CONTENT = {
    "script": ("script.mjs", b"export const face = 1;" * 1000),
    "wasm": ("code.wasm", bytes(range(256)) * 400),
    "model": ("model.onnx", hashlib.sha512(b"model").digest() * 2000),
}


def entry_of(name: str) -> Weights:
    file, data = CONTENT[name]
    source = Url("http://127.0.0.1:9/nowhere")
    return Weights(name, "", (source,), file, hashlib.sha256(data).hexdigest(), len(data), "none", for_browsers=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, with the files in it."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(registry, "WEIGHTS", {name: entry_of(name) for name in CONTENT})
    monkeypatch.setattr(registry, "BROWSER", {f"key_{name}": name for name in CONTENT})
    folder = tmp_path / "cache" / "moodcast"
    (folder / "weights").mkdir(parents=True)
    for file, data in CONTENT.values():
        (folder / "weights" / file).write_bytes(data)
    return folder


def compress() -> list[str]:
    told: list[str] = []
    assets.compress_all(told.append, quality=1)
    return told


def test_each_is_compressed_once_and_holds_what_it_should(cache: Path) -> None:
    found, is_whole = BrowserFiles([]).look()
    assert (len(found), is_whole) == (3, False)
    assert compress() == ["gzip", "br"]
    found, is_whole = BrowserFiles([]).look()
    assert is_whole
    for asset, (file, data) in zip(found, CONTENT.values(), strict=True):
        assert (asset.name, asset.sha256, asset.size) == (file, hashlib.sha256(data).hexdigest(), len(data))
        assert asset.called.startswith("key_")
        assert asset.codings["identity"].path.read_bytes() == data
        assert gzip.decompress(asset.codings["gzip"].path.read_bytes()) == data
        assert brotli.decompress(asset.codings["br"].path.read_bytes()) == data
        for encoded in asset.codings.values():
            assert encoded.size == encoded.path.stat().st_size
    before = {file: file.stat().st_mtime_ns for file in (cache / "compressed").iterdir()}
    compress()
    assert {file: file.stat().st_mtime_ns for file in (cache / "compressed").iterdir()} == before


@pytest.mark.parametrize("spoilt", [b"", b"half", None], ids=["empty", "cut", "a byte"])
def test_a_damaged_compressed_file_is_none_and_is_made_anew(spoilt: bytes | None, cache: Path) -> None:
    compress()
    files = sorted((cache / "compressed").glob("*.br"))
    whole = files[0].read_bytes()
    files[0].write_bytes(bytes([whole[0] ^ 1]) + whole[1:] if spoilt is None else spoilt)
    found, is_whole = BrowserFiles([]).look()
    assert (sum("br" in asset.codings for asset in found), is_whole) == (2, False)
    compress()
    assert BrowserFiles([]).look()[1]
    assert files[0].read_bytes() == whole


def test_what_a_kill_left_half_written_goes_at_the_next_time(cache: Path) -> None:
    (cache / "compressed").mkdir()
    left = cache / "compressed" / ".moodcast-0123456789abcdef"
    left.write_bytes(b"half")
    compress()
    assert not left.exists()


def test_a_missing_or_damaged_file_is_told_with_the_command_that_gets_it(cache: Path) -> None:
    file = cache / "weights" / "code.wasm"
    file.write_bytes(b"damaged")
    with pytest.raises(AssetsMissingError, match=r"not the registered file.*`moodcast models fetch --browser`"):
        BrowserFiles([]).look()
    file.unlink()
    with pytest.raises(AssetsMissingError, match=r"missing at .*code\.wasm: run `moodcast models fetch --browser`"):
        BrowserFiles([]).look()
    with pytest.raises(ModelMissingError):
        compress()
    assert BrowserFiles([]).cost() == "0 MB from 127.0.0.1"


def test_no_room_is_a_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "compressed").write_text("a file where the folder should be")
    with pytest.raises(FetchError, match=r"can't be compressed into .*compressed \(File exists\): make room there"):
        compress()


def test_the_folder_for_a_static_host_has_all_but_the_scripts_at_their_addresses(cache: Path, tmp_path: Path) -> None:
    compress()
    said = assets.export(tmp_path / "host")
    assert "2 files" in said
    files = {file.relative_to(tmp_path / "host").as_posix() for file in (tmp_path / "host").rglob("*.*")}
    places = [asset.place for asset in BrowserFiles([]).look()[0] if not asset.is_script]
    assert files == {"README.txt", "LICENCES.txt"} | {f"{place}{end}" for place in places for end in ("", ".gz", ".br")}
    assert (tmp_path / "host" / "_headers").is_file()
    assert (tmp_path / "host" / places[0]).read_bytes() == CONTENT["wasm"][1]
    assets.export(tmp_path / "host")  # over an older one


def test_the_pages_find_what_they_ask_for_in_the_registry() -> None:
    for name in registry.BROWSER.values():
        assert name in registry.WEIGHTS
    large = [registry.get(name) for name in registry.BROWSER.values()]
    assert sum(entry.size for entry in large) == 29_482_518
