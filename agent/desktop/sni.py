"""The icon in the tray of Linux desktops: a StatusNotifierItem, with its menu, on the session's bus.

Panels of KDE, Xfce, LXQt, Cinnamon, MATE and Ubuntu's GNOME show it. Where none does, there is no icon, and that is no
error: it comes when a panel comes, as after the panel's restart.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from typing import Annotated, Any

from dbus_fast import BusType, DBusError, Message, MessageType, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from agent.desktop import pictures
from agent.desktop.bus import call, hear
from agent.desktop.dbusmenu import DbusMenu
from agent.desktop.menu import Act, Menu, Sign
from relay.common.deadline import within

_WATCHER = "org.kde.StatusNotifierWatcher"
_ITEM = "org.kde.StatusNotifierItem"
_ITEM_PATH, _MENU_PATH, _WATCHER_PATH = "/StatusNotifierItem", "/MenuBar", "/StatusNotifierWatcher"
_SIZES = (22, 32, 48)
"""Pixels; a panel takes the next larger one."""
_LOOK_S = 0.5
"""So often the state is looked at."""
_AGAIN_S = 10.0
"""So long after a bus that can't be had, or was lost, it is tried again."""

_Pixmaps = Annotated[list[tuple[int, int, bytes]], DBusSignature("a(iiay)")]
_log = logging.getLogger(__name__)


class StatusNotifierTray:
    """The icon. ``menu`` is asked what to show, ``clicked`` told what is asked for; both in the loop of ``run``."""

    def __init__(self, menu: Callable[[], Menu], clicked: Callable[[Act], None]) -> None:
        self._menu, self._clicked = menu, clicked
        self._is_shown = False
        self._hosts_changed = asyncio.Event()

    @property
    def shown(self) -> bool:
        """Whether a panel shows it, as far as panels tell. From any thread."""
        return self._is_shown

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._on_a_bus()
            except Exception as error:  # no trouble of a bus or a panel may end the agent
                _log.debug("no icon in the tray: %s: %s", type(error).__name__, error)
            self._is_shown = False
            await asyncio.sleep(_AGAIN_S)

    async def _on_a_bus(self) -> None:
        """While the bus is there."""
        bus = MessageBus(bus_type=BusType.SESSION)
        try:
            await bus.connect()
            await self._serve(bus)
        finally:
            self._is_shown = False
            bus.add_message_handler(lambda _: True)  # what lies there unread is passed over: there is no way to answer
            with contextlib.suppress(Exception):  # it may never have been connected
                bus.disconnect()

    async def _serve(self, bus: MessageBus) -> None:
        shown = self._menu()
        item, menu = _Item(shown, self._clicked), DbusMenu(shown, self._clicked)
        bus.export(_ITEM_PATH, item)
        bus.export(_MENU_PATH, menu)
        name = f"{_ITEM}-{os.getpid()}-1"
        await bus.request_name(name)
        bus.add_message_handler(self._hear)
        await hear(bus, f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{_WATCHER}'")
        await hear(bus, f"type='signal',sender='{_WATCHER}',interface='{_WATCHER}'")
        self._hosts_changed.set()
        while bus.connected:
            if self._hosts_changed.is_set():
                self._hosts_changed.clear()
                self._is_shown = await _registered(bus, name)
            now = self._menu()
            if now != shown:
                shown = now
                item.show(bus, now)
                menu.show(now)
            with contextlib.suppress(asyncio.TimeoutError):
                await within(_LOOK_S, self._hosts_changed.wait())

    def _hear(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.member in (
            "NameOwnerChanged", "StatusNotifierHostRegistered", "StatusNotifierHostUnregistered",
        ):  # fmt: skip
            self._hosts_changed.set()


async def _registered(bus: MessageBus, name: str) -> bool:
    """Tell the watcher of the item, again if it knows it already; whether a panel is there to show it."""
    try:
        await call(bus, _WATCHER, _WATCHER_PATH, "RegisterStatusNotifierItem", "s", [name], interface=_WATCHER)
        answer = await call(
            bus, _WATCHER, _WATCHER_PATH, "Get", "ss", [_WATCHER, "IsStatusNotifierHostRegistered"],
            interface="org.freedesktop.DBus.Properties",
        )  # fmt: skip
        return bool(answer.body[0].value)
    except DBusError as error:
        _log.debug("no panel shows icons: %s", error)
        return False


class _Item(ServiceInterface):
    """The icon itself, as the specification of StatusNotifierItem has it."""

    def __init__(self, menu: Menu, clicked: Callable[[Act], None]) -> None:
        super().__init__(_ITEM)
        self._menu, self._clicked = menu, clicked

    def show(self, bus: MessageBus, menu: Menu) -> None:
        """Look like this from now on."""
        before, self._menu = self._menu, menu
        changes = {"NewTitle": menu.title != before.title, "NewToolTip": menu.tooltip != before.tooltip}
        changes["NewIcon"] = menu.sign != before.sign
        for signal in (name for name, changed in changes.items() if changed):
            bus.send(Message.new_signal(_ITEM_PATH, _ITEM, signal))

    @dbus_method()
    def Activate(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: N802
        self._clicked("show")

    @dbus_method()
    def SecondaryActivate(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: N802
        self._clicked("paused")

    @dbus_method()
    def ContextMenu(self, x: DBusInt32, y: DBusInt32) -> None:  # noqa: N802
        self._clicked("show")  # of panels that draw no menus themselves

    @dbus_method()
    def Scroll(self, delta: DBusInt32, orientation: DBusStr) -> None:  # noqa: N802
        pass

    @dbus_property(PropertyAccess.READ)
    def Category(self) -> DBusStr:  # noqa: N802
        return "ApplicationStatus"

    @dbus_property(PropertyAccess.READ)
    def Id(self) -> DBusStr:  # noqa: N802
        return "moodcast"

    @dbus_property(PropertyAccess.READ)
    def Title(self) -> DBusStr:  # noqa: N802
        return self._menu.title

    @dbus_property(PropertyAccess.READ)
    def Status(self) -> DBusStr:  # noqa: N802
        return "Active"

    @dbus_property(PropertyAccess.READ)
    def IconName(self) -> DBusStr:  # noqa: N802
        return ""

    @dbus_property(PropertyAccess.READ)
    def IconPixmap(self) -> _Pixmaps:  # noqa: N802
        return _pixmaps(self._menu.sign)

    @dbus_property(PropertyAccess.READ)
    def ToolTip(self) -> Annotated[tuple[str, list[Any], str, str], DBusSignature("(sa(iiay)ss)")]:  # noqa: N802
        first, _, rest = self._menu.tooltip.partition("\n")
        return ["", [], f"Moodcast: {first}", rest]  # type: ignore[return-value]  # dbus-fast takes lists alone

    @dbus_property(PropertyAccess.READ)
    def ItemIsMenu(self) -> DBusBool:  # noqa: N802
        return False

    @dbus_property(PropertyAccess.READ)
    def Menu(self) -> DBusObjectPath:  # noqa: N802
        return _MENU_PATH


def _pixmaps(sign: Sign) -> list[tuple[int, int, bytes]]:
    return [[size, size, pictures.argb(sign, size)] for size in _SIZES]  # type: ignore[misc]  # lists alone
