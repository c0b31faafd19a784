"""The icon in the tray, as this system has one."""

import sys
from collections.abc import Callable
from typing import Protocol

from agent.desktop.menu import Act, Menu


class Tray(Protocol):
    """Make it in the main thread; then ``run`` it in the event loop until it is cancelled."""

    @property
    def shown(self) -> bool:
        """Whether it is seen, as far as that can be known. From any thread."""

    async def run(self) -> None:
        """``menu`` is asked what to show twice a second, ``clicked`` told what is asked for, in whichever thread."""


def tray(menu: Callable[[], Menu], clicked: Callable[[Act], None]) -> Tray:
    """A new one."""
    if sys.platform in ("win32", "darwin"):
        from agent.desktop.icon import PystrayTray

        return PystrayTray(menu, clicked)
    from agent.desktop.sni import StatusNotifierTray

    return StatusNotifierTray(menu, clicked)
