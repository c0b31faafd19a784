"""A screen with the window on it, and its user: what they see, click and type."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageGrab

from tests.support import wait_until

PLAIN = {
    "LANG": "C.UTF-8",
    "LANGUAGE": "",
    "GDK_SCALE": "",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/none",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
}
"""What no test takes from the machine it runs on: its language, its scale, its dark or light desktop, its keyring."""
PROGRAMS = ("Xvfb", "openbox", "xdotool")


def missing() -> str:
    """What this machine lacks for a window, as a reason to skip; empty when nothing."""
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (apt install xvfb openbox xdotool)"
    tk = subprocess.run([sys.executable, "-c", "import tkinter, sv_ttk"], capture_output=True, text=True, check=False)
    return f"no Tk: {tk.stderr.strip().splitlines()[-1]}" if tk.returncode else ""


class Seen(NamedTuple):
    """A widget that shows; ``box`` is left, top, width and height on the screen."""

    kind: str
    text: str
    box: tuple[int, int, int, int]
    states: list[str]
    focused: bool
    needs: int


@contextlib.contextmanager
def screen(size: str = "1200x1700") -> Iterator[str]:
    """A display of X with a window manager, by its name."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    manager = None
    try:
        with os.fdopen(read) as said:
            display = f":{said.readline().strip()}"
        environment = {**os.environ, "DISPLAY": display}
        manager = subprocess.Popen(["openbox"], env=environment, stderr=subprocess.DEVNULL)
        yield display
    finally:
        for process in filter(None, (manager, server)):
            process.terminate()
            process.wait(30)


@contextlib.asynccontextmanager
async def ending(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """A program that ends with its input: on leaving it has to, and without an error."""
    assert process.stdin
    try:
        yield
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 60) == 0
    finally:
        if process.returncode is None:
            process.stdin.close()  # a tracer that is killed lets go of the program, which ends by this
            process.kill()
            await asyncio.wait_for(process.wait(), 60)


class Desk:
    """Somebody at the window."""

    def __init__(self, display: str, process: asyncio.subprocess.Process) -> None:
        self.display, self.process = display, process

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls, folder: Path, display: str, files: tuple[str, ...] = (), prefix: Sequence[str] = (), **environment: str
    ) -> AsyncIterator["Desk"]:
        """With the window of an agent whose settings lie in ``folder``; ended on leaving. ``files``: see child.py.

        ``prefix``: a command that runs it, as a tracer does.
        """
        process = await asyncio.create_subprocess_exec(
            *(*prefix, sys.executable, "-m", "tests.agent.window.child", str(folder), *files),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
            env={**os.environ, **PLAIN, **environment, "DISPLAY": display},
        )  # fmt: skip
        async with ending(process):
            yield cls(display, process)

    async def ask(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def see(self) -> list[Seen]:
        """All widgets that show now."""
        assert self.process.stdout
        await self.ask("see")
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        assert line, "the window's program has ended"
        return [Seen(**{**one, "box": tuple(one["box"])}) for one in json.loads(line)]

    async def text(self) -> str:
        """All that can be read, a line for each widget."""
        return "\n".join(one.text for one in await self.see() if one.text)

    async def find(self, text: str, kind: str = "") -> Seen:
        """The widget with this text, once there is one that does not refuse."""

        async def there() -> Seen | None:
            return next(
                (
                    one
                    for one in await self.see()
                    if one.text == text and kind in one.kind and "disabled" not in one.states and one.box[2] > 1
                ),
                None,
            )

        return await wait_until(there)

    async def reads(self, text: str) -> None:
        """Wait until this stands somewhere."""

        async def there() -> bool:
            return text in await self.text()

        await wait_until(there)

    async def at(self, title: str) -> None:
        """Wait until the screen with this title is shown and has the keyboard."""

        async def there() -> bool:
            seen = await self.see()
            return title in [one.text for one in seen if one.kind == "TLabel"] and any(one.focused for one in seen)

        await wait_until(there)

    async def settled(self) -> None:
        """Wait until what is seen stays as it is."""
        before: list[Seen] = []

        async def same() -> bool:
            nonlocal before
            before, last = await self.see(), before
            return before == last

        await wait_until(same)

    async def focused(self) -> Seen:
        """What has the keyboard."""
        return next(one for one in await self.see() if one.focused)

    async def focuses(self, text: str) -> None:
        """Wait until what has this text has the keyboard."""

        async def there() -> bool:
            return any(one.focused and one.text == text for one in await self.see())

        await wait_until(there)

    async def tab_to(self, text: str) -> None:
        """Have the keyboard at what has this text, by Tab; each is waited for, so that none is walked past."""
        passed = []
        while (at := next((one.text for one in await self.see() if one.focused), None)) != text:
            passed.append(at)
            assert len(passed) < 60, f"Tab does not lead to {text!r}, but past {passed}"
            await self.press("Tab")
            await self.settled()

    async def write(self, text: str) -> None:
        """Type it in place of what stands in the field that has the focus, and wait until it stands there."""
        await self.press("ctrl+a")
        await self.type(text)
        await self.focuses(text)

    async def xdotool(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "xdotool", *arguments, env={**os.environ, "DISPLAY": self.display}
        )
        assert await asyncio.wait_for(process.wait(), 60) == 0

    async def click(self, text: str, kind: str = "") -> None:
        """Click into the middle of the widget with this text."""
        box, last = (await self.find(text, kind)).box, None
        while box != last:  # until it no longer moves
            box, last = (await self.find(text, kind)).box, box
        left, top, width, height = box
        await self.xdotool("mousemove", str(left + width // 2), str(top + height // 2), "click", "1")

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.xdotool("type", "--delay", "5", text)

    async def press(self, *keys: str) -> None:
        """Press keys, as xdotool names them."""
        await self.xdotool("key", "--delay", "20", *keys)

    async def photograph(self) -> Image.Image:
        """The window as it is seen now, without what its desktop puts around it."""
        left, top, width, height = (await self.see())[0].box
        return ImageGrab.grab(xdisplay=self.display).crop((left, top, left + width, top + height))
