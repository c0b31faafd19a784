"""The screen that OBS runs on, as its user has it: windows with a focus, a mouse, a keyboard, photographs.

Needs ``ObsStudio(..., desktop=True)``, which starts a window manager: without one nothing is focused or raised.
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from PIL import Image
from Xlib import X
from Xlib.display import Display
from Xlib.protocol.event import ClientMessage

from tests.e2e.obs_studio import ObsStudio
from tests.support import HANG_S, wait_until

PROGRAMS = ("openbox", "xdotool")


def missing_desktop() -> str:
    """What this machine lacks for a desktop, as a reason to skip; empty when nothing."""
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(lacking)} (apt install {' '.join(lacking)})" if lacking else ""


class Place(NamedTuple):
    """Where a window's inside is on the screen, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Typist:
    """A window of another program: what the streamer types goes there, as long as it has the focus."""

    TITLE = "A game"

    def __init__(self, display: str) -> None:
        self._display = Display(display)
        screen = self._display.screen()
        self._window = screen.root.create_window(
            30, 650, 400, 200, 0, screen.root_depth, background_pixel=screen.black_pixel,
            event_mask=X.KeyPressMask | X.FocusChangeMask,
        )  # fmt: skip
        self._window.set_wm_name(self.TITLE)
        self._window.map()
        self._display.flush()
        self._typed: list[str] = []
        self._lost = 0

    def __enter__(self) -> "Typist":
        return self

    def __exit__(self, *exception: object) -> None:
        self._display.close()

    @property
    def typed(self) -> str:
        """Every letter that arrived so far, in order."""
        self._read()
        return "".join(self._typed)

    @property
    def lost(self) -> int:
        """How often another window took the focus."""
        self._read()
        return self._lost

    def ask(self) -> None:
        """Ask the window manager for the focus as a taskbar does that was clicked."""
        kind, pager = self._display.intern_atom("_NET_ACTIVE_WINDOW"), 2
        event = ClientMessage(window=self._window, client_type=kind, data=(32, [pager, X.CurrentTime, 0, 0, 0]))
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
        self._display.screen().root.send_event(event, event_mask=mask)
        self._display.flush()

    def _read(self) -> None:
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.KeyPress:
                code = self._display.keycode_to_keysym(event.detail, event.state & X.ShiftMask)
                self._typed.append(self._display.lookup_string(code) or "")
            elif event.type == X.FocusOut and event.mode in (X.NotifyNormal, X.NotifyWhileGrabbed):
                self._lost += 1


class Desktop:
    """The screen of a running OBS: ``with Desktop(obs) as desktop``."""

    def __init__(self, obs: ObsStudio) -> None:
        self._obs = obs
        self._display = Display(obs.display)
        self._root = self._display.screen().root

    def __enter__(self) -> "Desktop":
        return self

    def __exit__(self, *exception: object) -> None:
        self._display.close()

    async def xdotool(self, *arguments: str) -> str:
        """What a run of xdotool prints. Not for ``--sync``: it waits for ever for what was there before."""
        process = await asyncio.create_subprocess_exec(
            *("xdotool", *arguments), stdout=asyncio.subprocess.PIPE, env={"DISPLAY": self._obs.display}
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        return output.decode()

    async def click(self, x: int, y: int) -> None:
        """Click with the left button at a point of the screen."""
        await self.xdotool("mousemove", str(x), str(y), "sleep", "0.1", "click", "1")

    async def keys(self, *names: str) -> None:
        """Press keys, each let go before the next, as xdotool calls them (``ctrl+a``, ``Return``)."""
        await self.xdotool("key", "--delay", "30", *names)

    async def type(self, text: str) -> None:
        """Type a text into whatever window has the focus."""
        await self.xdotool("type", "--delay", "30", text)

    def windows(self) -> dict[str, Place]:
        """Title and place of every window that the window manager shows, the lowest first."""
        found = {}
        for number in self._property(self._root, "_NET_CLIENT_LIST_STACKING"):
            with contextlib.suppress(Exception):  # gone meanwhile
                window = self._display.create_resource_object("window", number)
                if window.get_attributes().map_state == X.IsViewable:
                    size, corner = window.get_geometry(), window.translate_coords(self._root, 0, 0)
                    found[self._title(number)] = Place(-corner.x, -corner.y, size.width, size.height)
        return found

    def active(self) -> str:
        """The title of the window that the window manager calls active; empty where there is none."""
        (number,) = self._property(self._root, "_NET_ACTIVE_WINDOW") or (0,)
        return self._title(number) if number else ""

    def photograph(self, place: Place | None = None) -> Image.Image:
        """The screen or a part of it, RGB."""
        size = self._root.get_geometry()
        x, y, width, height = place or Place(0, 0, size.width, size.height)
        image = self._root.get_image(x, y, width, height, X.ZPixmap, 0xFFFFFFFF)
        return Image.frombytes("RGB", (width, height), image.data, "raw", "BGRX")

    @contextlib.asynccontextmanager
    async def other_window(self) -> AsyncIterator["Typist"]:
        """The window of another program, opened after OBS's own, and focused."""
        await self._obs.until(lambda: self.active().startswith("OBS"))
        with Typist(self._obs.display) as typist:
            await self.focus(typist)
            yield typist

    async def focus(self, typist: Typist) -> None:
        """Have the window focused: the window manager need not do that with each that opens, but does what it is asked.

        It is asked once, and again only where another window, such as OBS's own while that still starts, had it last.
        """

        async def focused() -> bool:
            typist.ask()
            with contextlib.suppress(AssertionError):
                await wait_until(lambda: self.active() == typist.TITLE, 5)
            return self.active() == typist.TITLE

        await self._obs.until(focused)

    async def open_scripts(self) -> Place:
        """Open OBS's Scripts dialog, as its user does; the first script, by its path, is selected. Where it is."""
        await self._obs.until(lambda: self.active().startswith("OBS"))
        await self.keys("alt+t", "Down", "Down", "Down", "Return")
        await self._obs.until(lambda: self.active() == "Scripts")
        await self.still()
        return self.windows()["Scripts"]

    async def reload_script(self) -> None:
        """Press the reload button of the open Scripts dialog, and wait until the script is loaded anew."""
        loaded = self._obs.log.count("Loaded python script: moodcast_obs.py")
        place = self.windows()["Scripts"]
        await self.click(place.x + 122, place.y + 411)
        await self._obs.until(lambda: self._obs.log.count("Loaded python script: moodcast_obs.py") > loaded)

    async def still(self) -> Image.Image:
        """Wait until the screen has not changed for half a second, and return its photograph."""
        last = self.photograph()
        until = time.monotonic() + HANG_S
        while True:
            await asyncio.sleep(0.5)
            now = self.photograph()
            if now.tobytes() == last.tobytes() or time.monotonic() > until:
                return now
            last = now

    def _property(self, window: Any, name: str) -> tuple[int, ...]:
        value = window.get_full_property(self._display.intern_atom(name), X.AnyPropertyType)
        return tuple(value.value) if value is not None else ()

    def _title(self, number: int) -> str:
        window = self._display.create_resource_object("window", number)
        value = window.get_full_property(self._display.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
        return value.value.decode(errors="replace") if value is not None else str(window.get_wm_name() or "")
