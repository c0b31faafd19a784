"""Photograph the agent's window: the name, the channels, the question, and what is shared with 40 simulated viewers.

    python -m benchmarks.window_screens docs/images/window.png --teaching docs/images/teaching.png
    python -m benchmarks.window_screens --language zh-TW --theme light --scale 2 /tmp/window.png

``--teaching``: also how its viewer teaches it their face: the question, an answer, what was learned, the guided minute.

Needs Xvfb, openbox and xdotool. The face is that of the packaged portrait, in place of a camera.
"""

import argparse
import asyncio
import json
import re
import tempfile
from pathlib import Path

import aiohttp
from PIL import Image

from agent.window.texts import window_texts
from models.inference import fetch, registry
from relay import app
from relay.app import Relay
from relay.common.texts import LANGUAGES, Language, Texts
from relay.config import RelaySettings
from relay.protocol import Expression
from tests.agent.window.desk import Desk, missing, screen
from tests.support import Viewer, leave, request, wait_until

BESIDE: dict[str, list[Expression]] = {
    "filmnight": ["happy"] * 19 + ["neutral"] * 12 + ["surprise"] * 7 + ["sad"] * 2,
    "lecture-physics": [],
    "morningshow": ["neutral"] * 16,
    "chess_club": ["neutral"] * 6,
}
GAP = 24
GROUND = {"dark": "#000000", "light": "#d9d9d9"}


async def channels(relay: Relay) -> None:
    """Listed ones; the lecture's has a password."""
    for name in BESIDE:
        key = relay.create_channel(name).admin_key
        await request(relay.url, "PATCH", name, key, {"listed": True})
        if name == "lecture-physics":
            await request(relay.url, "PUT", f"{name}/password", key, {"password": "sesame"})


async def photographs(
    relay: Relay, viewers: list[Viewer], settings: dict[str, object], language: Language, scale: float, teaches: bool
) -> list[Image.Image]:
    """The four screens of joining, and then those of teaching."""
    texts = window_texts(language)
    taken = []
    size = f"{round(600 * scale)}x{round(860 * scale)}"
    with screen(size) as display, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "settings.json").write_text(json.dumps(settings))
        async with Desk.opened(Path(folder), display, GDK_SCALE=str(scale)) as desk:
            await desk.at(texts("name.title"))
            await desk.type("Kim")
            await desk.focuses("Kim")
            taken.append(await desk.photograph())
            await desk.press("Return")
            await desk.at(texts("relay.title"))
            await desk.write(relay.url)
            await desk.press("Return")
            await desk.at(texts("channels.title"))
            await desk.settled()
            taken.append(await desk.photograph())
            await desk.press("Return")
            await desk.at(texts("consent.title", channel="filmnight"))
            await desk.settled()
            taken.append(await desk.photograph())
        portrait = str(fetch.fetch(registry.get("portrait")))
        (Path(folder) / "settings.json").write_text(json.dumps({**settings, "name": "Kim", "camera": portrait}))
        async with Desk.opened(Path(folder), display, GDK_SCALE=str(scale)) as desk:
            await desk.at(texts("name.title"))
            await desk.press("Return")
            await desk.at(texts("relay.title"))
            await desk.write(f"{relay.url}/join/filmnight")
            await desk.press("Return")
            await desk.at(texts("consent.title", channel="filmnight"))
            await desk.press(f"alt+{_letter(texts('consent.yes_file'))}")
            await wait_until(lambda: _reads(desk, texts("label.happy")))
            for viewer, label in zip(viewers, BESIDE["filmnight"], strict=False):
                await viewer.label(label)  # those of the beginning are too old by now
            await asyncio.sleep(4.0)  # the bar moves to where it belongs
            taken.append(await desk.photograph())
            if teaches:
                taken += await teaching(desk, texts)
    return taken


async def teaching(desk: Desk, texts: Texts) -> list[Image.Image]:
    """The screens of teaching, one after the other; from the live screen on."""
    taken = []
    letters = [_letter(texts(key)) for key in ("live.teach", "learned.lesson")]
    await desk.press(f"alt+{letters[0]}")
    await desk.at(texts("teach.title"))
    await desk.settled()
    taken.append(await desk.photograph())
    await desk.click(texts("teach.yes").replace("&", ""), "TButton")
    await desk.reads(texts("learned.on"))
    await desk.press("Escape")
    for number, (key, label) in enumerate((("y", "happy"), ("F7", "neutral"), ("F4", "happy")), 1):
        await desk.find(texts("teach.right"))
        await desk.press(key)
        await desk.reads(texts("teach.kept", label=texts(f"label.{label}"), count=number))
    await desk.find(texts("teach.right"))
    taken.append(await desk.photograph())
    await desk.press(f"alt+{letters[0]}")
    await desk.reads(texts("learned.on"))
    await wait_until(lambda: _reads(desk, texts("learned.unused")))
    taken.append(await desk.photograph())
    await desk.press(f"alt+{letters[1]}")
    await desk.at(texts("lesson.title"))
    await desk.press("Return")
    await desk.reads(texts("lesson.hold", label=texts("label.angry")))
    taken.append(await desk.photograph())
    return taken


def _letter(text: str) -> str:
    """What is pressed together with Alt."""
    return re.findall("&(.)", text)[0].lower()


async def _viewer(relay: Relay, channel: str, address: str) -> Viewer:
    """One of a network of their own."""
    url, headers = f"{relay.url}/v1/channels/{channel}/tickets", {"X-Forwarded-For": address}
    async with aiohttp.ClientSession() as session, session.post(url, json={}, headers=headers) as response:
        ticket = (await response.json())["ticket"]
    return await Viewer.connect(relay.url, channel, ticket, address)


async def _reads(desk: Desk, text: str) -> bool:
    return any(one.text.startswith(text) for one in await desk.see())


def put_together(taken: list[Image.Image], theme: str) -> Image.Image:
    """Side by side."""
    width, height = (sum(one.width for one in taken) + GAP * (len(taken) + 1), taken[0].height + 2 * GAP)
    whole = Image.new("RGB", (width, height), GROUND[theme])
    left = GAP
    for one in taken:
        whole.paste(one, (left, GAP))
        left += one.width + GAP
    return whole.quantize(256)


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.window_screens", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--teaching", type=Path, metavar="FILE")
    parser.add_argument("--language", default="en", choices=LANGUAGES)
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--scale", default=1.0, type=float)
    options = parser.parse_args()
    if lacking := missing():
        raise SystemExit(lacking)
    with tempfile.TemporaryDirectory() as data:
        relay = await app.start(RelaySettings(port=0, data=data, min_viewers=5, proxies=1))
        await channels(relay)
        names = [name for name, labels in BESIDE.items() for _ in labels]
        viewers = [await _viewer(relay, name, f"198.{51 + number}.100.7") for number, name in enumerate(names)]
        settings = {"theme": options.theme, "language": options.language}
        taken = await photographs(
            relay, viewers, settings, options.language, options.scale, teaches=options.teaching is not None
        )
        await leave(viewers)
        await relay.stop()
    put_together(taken[:4], options.theme).save(options.file, optimize=True)
    if options.teaching:
        put_together(taken[4:], options.theme).save(options.teaching, optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
