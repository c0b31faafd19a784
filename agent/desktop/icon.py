"""The icon in the tray of Windows and in the menu bar of macOS, by pystray."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from agent.desktop import pictures
from agent.desktop.menu import Act, Item, Menu

_LOOK_S = 0.5
_SIZE = 64
_log = logging.getLogger(__name__)


class PystrayTray:
    """As ``agent.desktop.tray.Tray``."""

    def __init__(self, menu: Callable[[], Menu], clicked: Callable[[Act], None]) -> None:
        import pystray

        self._menu, self._clicked, self._shown = menu, clicked, menu()
        self._icon: Any = pystray.Icon(
            "moodcast", pictures.draw(self._shown.sign, _SIZE), "Moodcast", pystray.Menu(lambda: self._lines(pystray))
        )

    @property
    def shown(self) -> bool:
        return bool(self._icon.visible)

    async def run(self) -> None:
        try:
            self._icon.run_detached()
            while True:
                self._show(self._menu())
                await asyncio.sleep(_LOOK_S)
        except Exception as error:  # no trouble of a tray may end the agent
            _log.debug("no icon in the tray: %s: %s", type(error).__name__, error)
        finally:
            with contextlib.suppress(Exception):  # as above
                self._icon.stop()

    def _show(self, menu: Menu) -> None:
        before, self._shown = self._shown, menu
        if menu.sign != before.sign:
            self._icon.icon = pictures.draw(menu.sign, _SIZE)
        if menu.tooltip != before.tooltip:
            self._icon.title = f"Moodcast: {menu.tooltip}"[:127]  # Windows takes no more
        if menu.items != before.items:
            self._icon.update_menu()

    def _lines(self, pystray: Any) -> Iterator[Any]:
        for item in self._shown.items:
            yield pystray.Menu.SEPARATOR if item is None else self._line(pystray, item)

    def _line(self, pystray: Any, item: Item) -> Any:
        def pressed() -> None:
            if item.act:
                self._clicked(item.act)

        chosen = None if item.chosen is None else lambda _: bool(item.chosen)
        return pystray.MenuItem(
            item.text, pressed, checked=chosen, radio=item.chosen is not None, enabled=item.enabled,
            default=item.act == "show",
        )  # fmt: skip
