"""How large the picture in a file is, as a page reads it off the head before the browser decodes the rest."""

import io
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from relay.http import decoder
from tests.support import HANG_S

PICTURES = Path(__file__).parents[2] / "overlay" / "reading" / "pictures.js"
MEASURE = f"""
import {{ readFileSync }} from "node:fs";
import {{ measured }} from "{PICTURES.as_uri()}";
const files = process.argv.slice(1);
console.log(JSON.stringify(files.map((file) => measured(new Uint8Array(readFileSync(file))))));
"""
KINDS = {
    "baseline.jpg": {},
    "progressive.jpg": {"progressive": True, "exif": bytes(60_000), "comment": b"\xff\xc0\xff\xff" * 200},
    "grey.png": {},
    "interlaced.gif": {},
    "lossy.webp": {"quality": 50},
    "lossless.webp": {"lossless": True},
    "extended.webp": {"exif": b"Exif\0\0" + bytes(50)},
}


def measured(folder: Path, files: dict[str, bytes]) -> dict[str, list[int] | None]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [node, "--input-type=module", "-e", MEASURE, *(str(folder / name) for name in files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)
    assert done.returncode == 0, done.stderr
    return dict(zip(files, json.loads(done.stdout), strict=True))


def written(name: str, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("L" if "grey" in name else "RGB", size, 90).save(file, Image.EXTENSION[Path(name).suffix], **KINDS[name])
    return file.getvalue()


def test_each_kind_tells_its_size(tmp_path: Path) -> None:
    Image.init()
    files = {f"{wide}-{name}": written(name, (wide, 311)) for name in KINDS for wide in (1, 257, 1000)}
    assert measured(tmp_path, files) == {name: [int(name.split("-")[0]), 311] for name in files}


def test_what_is_no_picture_or_is_cut_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    chance, whole = random.Random(5), {name: written(name, (300, 200)) for name in KINDS}
    heif = {f"{brand}.heic": bytes(4) + b"ftyp" + brand.encode() + bytes(100) for brand in ("heic", "mif1", "avif")}
    other = {
        "empty": b"",
        "letter.pdf": b"%PDF-1.7",
        "vector.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        **heif,
    }
    assert set(measured(tmp_path, other).values()) == {None}
    cut = {f"{at}-{name}": content[:at] for name, content in whole.items() for at in (2, 4, 11, 13, 17, 21, 27)}
    mixed = {
        f"{number}-{name}": bytes(chance.choice((byte, byte, chance.randrange(256))) for byte in content[:400])
        for name, content in whole.items()
        for number in range(20)
    }
    for found in measured(tmp_path, cut | mixed).values():
        assert found is None or len(found) == 2


def test_a_size_is_not_hidden_from_the_limit(tmp_path: Path) -> None:
    """By what decoders skip between a JPEG's parts, or a GIF's screen that is smaller than its frame."""
    jpeg, gif = written("baseline.jpg", (300, 200)), written("interlaced.gif", (300, 200))
    place = 4 + int.from_bytes(jpeg[4:6], "big")
    padded = {
        f"{number}.jpg": jpeg[:place] + more + jpeg[place:]
        for number, more in enumerate((b"\0\1\2", b"\xff\xd0", b"\xff\x01", b"\xff\xff\xff", b"\xff\0"))
    }
    screens = {f"{side}.gif": gif[:6] + side.to_bytes(2, "little") * 2 + gif[10:] for side in (0, 1)}
    files = padded | screens
    assert measured(tmp_path, files) == {name: [300, 200] for name in files}


def test_the_limits_are_those_of_the_relay() -> None:
    text = PICTURES.read_text()
    assert f"WORKING_SIDE = {decoder.WORKING_SIDE};" in text
    assert f"MAX_PIXELS = {decoder.MAX_PIXELS:_};" in text
