"""README and docs show the product as it is: pictures of the real pages, which one command makes."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import photographs
from models.errors import ModelMissingError
from models.inference import registry

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
OTHERS = {
    "action-units.webp",
    "broadcast.png",
    "flow.webp",
    "late-fusion.webp",
    "micro-across.webp",
    "micro-attention.webp",
    "micro-key-frames.webp",
    "micro-rates.webp",
    "micro-synth.webp",
    "soak.webp",
    "speaking.webp",
    "spotting.webp",
    "styles.webp",
    "teaching.png",
    "window.png",
}
"""Of OBS, of synthetic people, of motion in faces, of measured figures and of the agent's window: `make pictures` takes
them with their own programs."""
NAMED = re.compile(r"""!\[[^\]]*\]\(([^)]+)\)|<(?:img|source)\b[^>]*?\b(?:src|srcset)="([^"]+)\"""")


def named() -> set[Path]:
    """The pictures that README and docs show."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return {
        (page.parent / (one or other)).resolve()
        for page in pages
        for one, other in NAMED.findall(page.read_text("utf-8"))
    }


def test_the_pictures_are_those_that_are_shown_and_that_the_command_makes() -> None:
    files = {file.name for files in photographs.FILES.values() for file in map(Path, files)} | OTHERS
    assert {file.name for file in IMAGES.iterdir()} == files
    shown = named()
    assert [file for file in shown if not file.exists()] == []
    assert {file for file in shown if file.parent == IMAGES} == {IMAGES / name for name in files}
    assert photographs.FILES.keys() == photographs.TAKERS.keys()
    makefile = (ROOT / "Makefile").read_text().partition("\npictures:")[2].partition("\n\n")[0]
    assert "benchmarks.photographs docs/images\n" in makefile
    assert all(f"docs/images/{name}" in makefile for name in OTHERS)


def test_the_pictures_are_light_and_one_moves() -> None:
    assert sum(file.stat().st_size for file in IMAGES.iterdir()) < 5_000_000
    film = IMAGES / "overlay.webp"
    assert film.stat().st_size <= 3_000_000
    with Image.open(film) as picture:
        assert getattr(picture, "n_frames", 1) > 60
    for file in IMAGES.glob("*.png"):
        if file.name != "broadcast.png":  # a photograph of what OBS composed
            with Image.open(file) as picture:
                assert picture.mode == "P", file.name


@pytest.mark.nightly
@pytest.mark.browser
async def test_the_command_makes_all_of_them(tmp_path: Path) -> None:
    try:
        registry.path("portrait")
    except ModelMissingError as error:
        pytest.skip(str(error))
    written = await photographs.photograph(tmp_path, [])
    assert {file.name for file in written} == {name for names in photographs.FILES.values() for name in names}
    for file in written:
        made, kept = Image.open(io.BytesIO(file.read_bytes())), Image.open(IMAGES / file.name)
        assert made.width == kept.width, file.name
        assert made.height == pytest.approx(kept.height, rel=0.1), file.name
