"""Render every drawing of overlay/pictures to a PNG: ``python -m docs.pictures``. Needs Chromium and playwright.

The SVG files are the originals. The relay's Pillow rendering and OBS can't read SVG, so the PNGs are kept beside them.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parents[1] / "overlay" / "pictures"
SIDE = 128
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
PAGE = "<style>html, body {{ margin: 0 }} svg {{ display: block; width: {side}px; height: {side}px }}</style>{svg}"


def render(folder: Path) -> list[Path]:
    """Write ``NAME.png`` (RGBA, 128 x 128, transparent ground) for each ``NAME.svg`` and return the new paths.

    Raises:
        FileNotFoundError: no Chromium on the PATH.
    """
    executable = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if executable is None:
        raise FileNotFoundError(f"none of {', '.join(CHROMIUM_NAMES)} is on the PATH: install Chromium")
    written = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIDE, "height": SIDE})
        for drawing in sorted(folder.glob("*.svg")):
            page.set_content(PAGE.format(side=SIDE, svg=drawing.read_text("utf-8")))
            target = drawing.with_suffix(".png")
            page.screenshot(path=target, omit_background=True)
            written.append(target)
        browser.close()
    return written


if __name__ == "__main__":
    sys.stdout.write("".join(f"{path.name}\n" for path in render(PICTURES)))
