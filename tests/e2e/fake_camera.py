"""Chromium with a camera that films what a test gives it, for the pages that read faces in the browser."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import aiohttp
import cv2
import numpy as np
from PIL import Image
from playwright.async_api import Browser, Playwright

from tests.e2e.agent_program import weights
from tests.e2e.conftest import chromium_options
from tests.support import HANG_S

Picture = np.ndarray[Any, Any]
"""Height x width x RGB, uint8."""
Answer = Literal["accept", "deny"]
"""What the user says to the browser's own question whether the page may use the camera."""

SIZE = (320, 240)
SHARED = Path(__file__).parents[3] / "shared" / "data"
LONDON = SHARED / "photos" / "london"
SAD_THEN_HAPPY = SHARED / "video" / "WolfgangLanger_Pexels.mp4"

UNPLUGGABLE = """
const cameras = window.cameras = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (...wanted) => {
  const stream = await open(...wanted);
  cameras.push(...stream.getVideoTracks());
  return stream;
};
window.unplug = () => {
  for (const track of cameras.splice(0)) { track.stop(); track.dispatchEvent(new Event("ended")); }
};"""
"""An init script: ``unplug()`` ends the page's cameras as pulling the plug does; ``cameras`` are its tracks so far."""


def read(path: Path) -> Picture:
    return np.asarray(Image.open(path).convert("RGB"))


def portrait() -> Picture:
    """The packaged portrait of a smiling woman, as near as at a desk; skips the test where it was not fetched."""
    return read(weights("portrait"))[:256, 98:354]


def nobody() -> Picture:
    """A wall."""
    return np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)


def side_by_side(left: Picture, right: Picture) -> Picture:
    """Two people before one camera."""
    height = min(len(left), len(right))
    return np.hstack([cv2.resize(one, (one.shape[1] * height // len(one), height)) for one in (left, right)])


def moving(picture: Picture, seconds: float = 3, fps: int = 10) -> Iterator[Picture]:
    """The picture as somebody who sits still: no two frames are the same."""
    for number in range(int(seconds * fps)):
        yield np.roll(picture, round(3 * np.sin(number)), axis=1)


def framed(picture: Picture, size: tuple[int, int] = SIZE) -> Picture:
    """The whole picture in the middle of a camera's frame."""
    width, height = size
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inside = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:height, :width]
    top, left = (height - inside.shape[0]) // 2, (width - inside.shape[1]) // 2
    frame = np.full((height, width, 3), 110, np.uint8)
    frame[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return frame


def video_frames(path: Path = SAD_THEN_HAPPY, fps: float = 10) -> Iterator[Picture]:
    """The frames of a video, so many of each second."""
    video = cv2.VideoCapture(str(path))
    rate, number, wanted = video.get(cv2.CAP_PROP_FPS), 0, 0.0
    while video.grab():
        if number >= wanted:
            wanted += rate / fps
            yield cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
        number += 1
    video.release()


def film(path: Path, pictures: Iterable[Picture], fps: int = 10, size: tuple[int, int] = SIZE) -> Path:
    """Write what the camera will see, as .y4m; Chromium shows it again and again."""
    assert path.suffix == ".y4m", "Chromium tells the kind of file by its name"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{size[0]} H{size[1]} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in pictures:
            file.write(b"FRAME\n" + cv2.cvtColor(framed(picture, size), cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def arguments(seen: Path | None, answer: Answer = "accept") -> list[str]:
    """Chromium's; ``seen``: a film, or None for a machine without a camera."""
    asked = "--use-fake-ui-for-media-stream" + ("=deny" if answer == "deny" else "")
    device = (
        ["--use-fake-device-for-media-stream=device-count=0"]
        if seen is None
        else ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={seen}"]
    )
    return [asked, *device]


@contextlib.asynccontextmanager
async def chromium_with_camera(
    playwright: Playwright, seen: Path | None, answer: Answer = "accept", *more: str
) -> AsyncIterator[Browser]:
    """The machine's own Chromium, headless, driven by Playwright. Its pages never know that they are hidden."""
    browser = await playwright.chromium.launch(**chromium_options(*arguments(seen, answer), *more))
    try:
        yield browser
    finally:
        await browser.close()


class Tab:
    """A page of a ``bare_chromium``."""

    def __init__(self, chromium: "BareChromium", identity: str, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._chromium, self.identity, self._socket, self._number = chromium, identity, socket, 0

    async def call(self, method: str, **parameters: object) -> Any:
        """A command of the browser's protocol, and its answer."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while (answer := await self._socket.receive_json(timeout=HANG_S)).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    async def evaluate(self, script: str, gesture: bool = False) -> Any:
        """The value of an expression in the page, awaited; ``gesture``: as if the user had just clicked."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=gesture
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def activate(self) -> None:
        """Bring it to the front; the one that was there is hidden."""
        await self._chromium.ask("GET", f"activate/{self.identity}")


class BareChromium:
    """Chromium without Playwright, which pretends that each of its pages has the focus: here a page can be hidden."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    async def ask(self, method: str, path: str) -> Any:
        async with self._session.request(method, f"{self._base}/json/{path}") as response:
            assert response.status == 200, await response.text()
            return await response.json(content_type=None) if path.startswith("new") else None

    async def open(self, url: str) -> Tab:
        """A new tab, in front of the others."""
        told = await self.ask("PUT", f"new?{url}")
        return Tab(self, told["id"], await self._session.ws_connect(told["webSocketDebuggerUrl"], max_msg_size=0))


@contextlib.asynccontextmanager
async def bare_chromium(
    profile: Path, seen: Path | None, answer: Answer = "accept", *more: str
) -> AsyncIterator[BareChromium]:
    """``profile``: an empty folder for it."""
    options = chromium_options(*arguments(seen, answer), *more)
    process = await asyncio.create_subprocess_exec(
        options["executable_path"], "--headless=new", "--no-first-run", "--remote-debugging-port=0",
        f"--user-data-dir={profile}", *options["args"], "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr
    try:
        said = b""
        while not (listening := re.search(rb"DevTools listening on ws://([^/]+)/", said)):
            line = await asyncio.wait_for(process.stderr.readline(), HANG_S)
            assert line, said.decode()
            said += line
        reader = asyncio.create_task(process.stderr.read())  # else it stops when the pipe is full
        async with aiohttp.ClientSession() as session:
            yield BareChromium(session, f"http://{listening[1].decode()}")
        reader.cancel()
    finally:
        process.terminate()
        await process.wait()
