"""``moodcast window``: the running agent, its window and its icon in the tray, put together."""

import argparse
import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from agent import priority, stopping
from agent.app.app import App
from agent.config import AgentSettings, WindowSettings
from agent.desktop import display, instance, link, presence
from agent.desktop.instance import Instance, SecondStart
from agent.desktop.keys import Keys
from agent.desktop.menu import Act, Menu, menu
from agent.desktop.places import DesktopPlaces
from agent.desktop.tray import tray
from agent.errors import NoConsentError, NoWindowError, SecondStartError
from agent.outset import at_once
from agent.personal.store import usual_folder
from agent.window import texts
from agent.window.shell import Window
from relay import settings

_LOOK_S = 0.5
_END_S = 1.4
"""From being told to stop to the end of the process, whatever still goes on."""
_log = logging.getLogger(__name__)


def run(values: WindowSettings) -> int:
    """Until it is told to quit; returns the exit code. Without a display it goes on in the terminal.

    Raises:
        NoWindowError: there is neither a display nor a terminal.
        SecondStartError: it runs already, and does not answer; or whether it runs can't be known, and it is to pause.
    """
    if values.pause:
        return _pause_the_running()
    if values.invitation == link.STDIN:
        values = msgspec.structs.replace(values, invitation=link.told())
    if problem := display.missing():
        return _in_terminal(values, problem)
    link.hide(values)
    priority.lower()
    with _place() as one:
        is_second = one is not None and not one.is_first
        if one and is_second and not values.background:
            is_second = one.hand_over(SecondStart("show", values.invitation))
        if not is_second:
            _Program(values, one).run()
    # The system ends what still looks up a name, or waits for a keyring, in some thread.
    return 0 if is_second else stopping.leave(0, lambda: None)


def run_alone(values: AgentSettings) -> int:
    """``moodcast agent``: the window, where it was asked for nothing else and there can be one, else the terminal."""
    if values == AgentSettings() and not display.missing():
        return run(WindowSettings())
    with at_once():
        from agent import main  # OpenCV comes with it, which the window's process needs not hold
    return main.run(values)


def _in_terminal(values: WindowSettings, problem: str) -> int:
    if values.background or not sys.stdin.isatty():
        raise NoWindowError(f"{problem}; in a terminal, moodcast agent does without")
    sys.stderr.write(f"moodcast: {problem}, so this goes on in the terminal.\n")
    with at_once():
        from agent import main
    given = argparse.Namespace(relay=values.invitation or None)
    return main.run(settings.load(AgentSettings, given))


def _pause_the_running() -> int:
    with _place() as one:
        if one is None:
            raise SecondStartError(
                f"whether Moodcast runs can't be known, since nothing can be locked in {instance.folder(_folder())}: "
                "pause it in its window or its icon's menu"
            )
        if one.is_first or not one.hand_over(SecondStart("pause")):
            sys.stderr.write("moodcast: it does not run, so nothing is shared.\n")
    return 0


def _folder() -> Path:
    return platformdirs.user_config_path("moodcast")


def _place() -> contextlib.AbstractContextManager[Instance | None]:
    """Of the one that runs. None where no folder can be written for it: then others may run beside it."""
    try:
        return Instance(instance.folder(_folder()))
    except OSError as error:
        _log.debug("whether another runs can't be known: %s", error)
        return contextlib.nullcontext()


class _Program:
    """From the start of the window to the end of all."""

    def __init__(self, values: WindowSettings, one: Instance | None) -> None:
        self._values, self._one = values, one
        self._app = App(_folder(), usual_folder())
        self._keys = Keys(_folder())
        self._closing_app, self._is_closed = threading.Lock(), False
        self._ended = threading.Event()
        self._tasks: list[Future[None]] = []

    def run(self) -> None:
        """Raises NoWindowError where the window can't be opened after all."""
        from agent.desktop.heed import heed

        self._app.start()
        try:
            self._window = Window(self._app, self._keys, self._close)
            self._tray = tray(self._menu, self._clicked)
            heed(self._stop)
            self._tasks = [asyncio.run_coroutine_threadsafe(work, self._app.loop) for work in self._works()]
            if self._one:
                self._listen(self._one)
            if self._values.invitation:
                self._window.open_invitation(self._values.invitation)
            self._window.run(self._values.background and not self._values.invitation)
        finally:
            self._end()
            self._ended.set()

    def _works(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on beside window and sharing, until the end."""
        yield self._tray.run()
        yield self._follow_settings()
        yield self._keep_in_sight()
        if sys.platform.startswith("linux"):
            from agent.desktop.sleep import Sleep

            yield Sleep(self._app.sleep, self._app.wake, lambda: self._app.state().camera == "off").run()

    def _stop(self) -> None:
        """A signal: the camera first, whatever the window is at."""
        until = time.monotonic() + _END_S
        self._end()
        self._window.quit()
        if not self._ended.wait(max(0.0, until - time.monotonic())):
            os._exit(0)

    def _end(self) -> None:
        """The camera is back when it returns, whoever was the first to call it."""
        with self._closing_app:
            if not self._is_closed:
                self._is_closed = True
                if self._one:
                    self._one.hear_no_more()
                for task in self._tasks:
                    task.cancel()
                self._app.close()

    def _menu(self) -> Menu:
        return menu(self._app.state(), texts.window_texts(texts.spoken(self._app.remembered.language, os.environ)))

    def _clicked(self, act: Act) -> None:
        """In the tray's menu."""
        if act == "quit":
            self._window.quit()
        elif act == "show":
            self._window.show()
        else:
            try:
                self._app.share(act)
            except NoConsentError:  # the window is where it is asked for
                self._window.show()

    def _close(self) -> presence.Closing:
        """What becomes of the window that its user closes."""
        state = self._app.state()
        is_on = state.wish != "paused" or state.camera != "off"
        return presence.closing(self._tray.shown, self._app.remembered.close_to_tray, is_on)

    def _listen(self, one: Instance) -> None:
        try:
            one.listen(self._asked)
        except OSError as error:
            _log.debug("later starts can't be heard: %s", error)

    def _asked(self, start: SecondStart) -> None:
        """By a later start."""
        if start.do == "pause":
            self._app.share("paused")
        elif start.invitation:
            self._window.open_invitation(start.invitation)
        else:
            self._window.show()

    async def _follow_settings(self) -> None:
        """Files, and the registry of Windows, take their time: not in the loop."""
        places = await asyncio.to_thread(DesktopPlaces, self._app)
        seen = None
        while True:
            if (now := self._app.remembered) is not seen:
                seen = now
                await asyncio.to_thread(places.follow)
            await asyncio.sleep(_LOOK_S)

    async def _keep_in_sight(self) -> None:
        """A hidden window comes back where no icon tells of it, and begins (to share, perhaps) once one does."""
        hidden_since = untold_since = time.monotonic()
        was_in_tray = False
        while True:
            now = time.monotonic()
            if self._tray.shown:
                untold_since, was_in_tray = now, True
                self._window.begin()
            if not self._window.is_hidden:
                hidden_since = now
            elif presence.must_return(now - hidden_since, now - untold_since, was_in_tray):
                self._window.minimise()
            await asyncio.sleep(_LOOK_S)
