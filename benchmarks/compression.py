"""Whether the bar's faces are still told apart once a stream's compression has been over them.

    python -m benchmarks.compression [--kbps 2500] [--sizes 1280x720 1920x1080]    # needs ffmpeg with libx264

The overlay lies on a moving picture with noise, and x264 (veryfast, as OBS sets it) makes three seconds of it. Each
face on the bar in the last second is compared with the seven as they were drawn, by the correlation of their pixels:
told is how many are most like themselves, and the least lead over the next.
"""

import argparse
import asyncio
import io
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.async_api import async_playwright

from benchmarks.machine import describe
from relay import app
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS
from tests.e2e.conftest import chromium_options
from tests.e2e.overlay_page import mood, push

COUNTS = [20, 20, 20, 20, 20, 20, 20]
FACES = """[...document.querySelectorAll(".moodcast-segment-face")].map((face) => {
    const { x, y, width, height } = face.getBoundingClientRect();
    return [x, y, width, height];
})"""
Picture = np.ndarray[Any, np.dtype[np.float64]]


async def drawn(width: int, height: int) -> tuple[Image.Image, list[list[float]]]:
    """The overlay with seven equal shares, transparent, and where its faces are."""
    with tempfile.TemporaryDirectory() as folder:
        relay = await app.start(RelaySettings(port=0, data=folder))
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(**chromium_options())
                page = await browser.new_page(viewport={"width": width, "height": height})
                await page.goto(f"{relay.url}/overlay?source=obs&reactions=off&moments=off")
                await push(page, **mood(COUNTS))
                await page.locator(".moodcast[data-state=live]").wait_for()
                await asyncio.sleep(2)  # until the bar has its shares
                picture = Image.open(io.BytesIO(await page.screenshot(omit_background=True))).convert("RGBA")
                faces = await page.evaluate(FACES)
                await browser.close()
        finally:
            await relay.stop()
    return picture, faces


def streamed(overlay: Image.Image, kbps: int) -> Image.Image:
    """A picture of the last second, as a viewer gets it."""
    size = f"{overlay.width}x{overlay.height}"
    with tempfile.TemporaryDirectory() as folder:
        png, video, out = (Path(folder) / name for name in ("overlay.png", "stream.mkv", "frame.png"))
        overlay.save(png)
        game = f"testsrc2=size={size}:rate=30:duration=3,noise=alls=18:allf=t"
        encoder = [
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-b:v",
            f"{kbps}k",
            "-maxrate",
            f"{kbps}k",
            "-bufsize",
            f"{kbps}k",
        ]
        quiet = ["ffmpeg", "-v", "error", "-y"]
        source = ["-f", "lavfi", "-i", game, "-i", str(png), "-filter_complex", "overlay,format=yuv420p"]
        subprocess.run([*quiet, *source, *encoder, str(video)], check=True)
        subprocess.run([*quiet, "-ss", "2.5", "-i", str(video), "-frames:v", "1", str(out)], check=True)
        return Image.open(out).convert("RGB")


def cut(picture: Image.Image, box: list[float]) -> Picture:
    """A face's pixels, less their mean, of length 1."""
    x, y, width, height = (round(value) for value in box)
    pixels = np.asarray(picture.convert("RGB").crop((x, y, x + width, y + height)).resize((48, 48)), dtype=np.float64)
    pixels -= pixels.mean(axis=(0, 1))
    normed: Picture = pixels.ravel() / np.linalg.norm(pixels)
    return normed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kbps", type=int, default=2500, help="of the stream (default: 2500)")
    parser.add_argument("--sizes", nargs="+", default=["1280x720", "1920x1080"], help="default: 1280x720 1920x1080")
    arguments = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        parser.exit(2, "ffmpeg is not installed (apt package ffmpeg)\n")
    print(describe() + "\n")
    print("| picture | a face, px | most like themselves | least lead |\n|---|---|---|---|")
    for size in arguments.sizes:
        overlay, faces = asyncio.run(drawn(*map(int, size.split("x"))))
        before = [cut(overlay, face) for face in faces]
        stream = streamed(overlay, arguments.kbps)
        after = [cut(stream, face) for face in faces]
        likeness = np.array([[one @ other for other in before] for one in after])
        own = likeness.diagonal()
        next_best = np.where(np.eye(len(EXPRESSIONS), dtype=bool), -1, likeness).max(axis=1)
        told = f"{(own > next_best).sum()} of {len(EXPRESSIONS)}"
        print(f"| {size} | {faces[0][3]:.0f} | {told} | {(own - next_best).min():.2f} |")


if __name__ == "__main__":
    main()
