"""How often Firefox looks at a visitor's face while its page is hidden: ``python -m benchmarks.firefox_hidden``.

Starts a relay and the machine's own Firefox without a window (``apt install firefox-esr``), and shares on the page of
an invitation, by its own button. Firefox gives a worker no camera frames: the page hands them over. The camera is one
that Firefox makes up, 30 frames a second that always change and show nobody, or (``--face``) the packaged portrait,
shaken at each tick of the page's worker. Told are looks a second while the page shows, while another tab hides it, and
while it shows again; and what the page says of itself.
"""

import argparse
import asyncio
import base64
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import cv2

from benchmarks import machine
from models.inference.assets import BrowserFiles
from relay import app
from relay.config import RelaySettings
from tests.e2e import fake_camera
from tests.support import free_port, wait_until

PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "remote.active-protocols": 1,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
}
COUNT = """() => {
  window.looks = window.ticks = 0;
  window.onTick = () => {};
  window.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        looks += data.kind === "look";
        ticks += data.kind === "tick";
        if (data.kind === "tick") onTick();
      });
    }
  };
}"""
FACE = """() => {
  const pixels = Uint8ClampedArray.from(atob("PIXELS"), (one) => one.charCodeAt(0));
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const context = canvas.getContext("2d"), stream = canvas.captureStream(0);
  const draw = () => {
    context.putImageData(new ImageData(pixels, 320, 240), Math.round(3 * Math.sin(performance.now())), 0);
    stream.getVideoTracks()[0]?.requestFrame?.() ?? stream.requestFrame();
  };
  draw();
  window.onTick = draw;
  navigator.mediaDevices.getUserMedia = async () => { draw(); return stream; };
}"""


class Firefox:
    """One that is spoken to by WebDriver BiDi, the protocol that it has built in."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            answer: dict[str, Any] = await self._socket.receive_json(timeout=60)
            if answer.get("id") == self._number:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
                return dict(answer["result"])

    async def evaluate(self, page: str, expression: str) -> Any:
        """What an expression is, by way of JSON."""
        found = await self.ask(
            "script.evaluate",
            expression=f"JSON.stringify({expression})",
            target={"context": page},
            awaitPromise=True,
            userActivation=True,
        )
        return json.loads(found["result"]["value"])


async def started(folder: Path, port: int) -> asyncio.subprocess.Process:
    profile = folder / "profile"
    profile.mkdir()
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        raise SystemExit("expected Firefox on this machine, found none: apt install firefox-esr")
    command = (program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", str(port))
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, "about:blank", stdout=quiet, stderr=quiet)


async def measure(firefox: Firefox, url: str, with_face: bool, seconds: float) -> None:
    await firefox.ask("script.addPreloadScript", functionDeclaration=COUNT)
    if with_face:
        picture = cv2.cvtColor(fake_camera.framed(fake_camera.portrait()), cv2.COLOR_RGB2RGBA)
        pixels = base64.b64encode(picture.tobytes()).decode()
        await firefox.ask("script.addPreloadScript", functionDeclaration=FACE.replace("PIXELS", pixels))
    page = (await firefox.ask("browsingContext.create", type="tab"))["context"]
    await firefox.ask("browsingContext.navigate", context=page, url=f"{url}/join/demo", wait="complete")
    await wait_until(lambda: firefox.evaluate(page, "document.body.dataset.screen === 'consent'"))
    await firefox.evaluate(page, "document.querySelector('#yes-camera').click() ?? true")
    await wait_until(lambda: firefox.evaluate(page, "looks > 3"), 120)

    async def told(name: str) -> None:
        await asyncio.sleep(5)
        before = await firefox.evaluate(page, "[looks, ticks]")
        await asyncio.sleep(seconds)
        after, hidden = await firefox.evaluate(page, "[looks, ticks]"), await firefox.evaluate(page, "document.hidden")
        looks, ticks = ((now - then) / seconds for now, then in zip(after, before, strict=True))
        says = await firefox.evaluate(page, "document.querySelector('.status').innerText")
        print(f"{name:12} hidden {hidden!s:5} {looks:5.2f} looks and {ticks:4.2f} ticks a second; it says: {says!r}")

    await told("shown")
    other = (await firefox.ask("browsingContext.create", type="tab"))["context"]
    await firefox.ask("browsingContext.activate", context=other)
    await wait_until(lambda: firefox.evaluate(page, "document.hidden"))
    await told("hidden")
    await firefox.ask("browsingContext.activate", context=page)
    await told("shown again")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--face", action="store_true")
    options = parser.parse_args()
    print(machine.describe())
    with tempfile.TemporaryDirectory() as made:
        folder, port = Path(made), free_port()
        relay = await app.start(
            RelaySettings(port=0, data=str(folder / "relay"), min_viewers=1, no_fetch=True), assets=BrowserFiles([])
        )
        relay.create_channel("demo")
        process = await started(folder, port)
        try:
            async with aiohttp.ClientSession() as http:

                async def connected() -> aiohttp.ClientWebSocketResponse | None:
                    try:
                        return await http.ws_connect(f"http://127.0.0.1:{port}/session", max_msg_size=0)
                    except aiohttp.ClientError:
                        return None

                firefox = Firefox(await wait_until(connected))
                about = await firefox.ask("session.new", capabilities={})
                print(f"Firefox {about['capabilities']['browserVersion']}")
                await measure(firefox, relay.url, options.face, options.seconds)
        finally:
            process.kill()
            await process.wait()
            await relay.stop()


if __name__ == "__main__":
    asyncio.run(main())
