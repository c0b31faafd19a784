"""The tray's menu as panels on Linux read it: the interface com.canonical.dbusmenu.

As in libdbusmenu's dbus-menu.xml. Panels ask for the whole of it, for single lines, and one or many at a time.
"""

from collections.abc import Callable
from typing import Annotated, Any

from dbus_fast import PropertyAccess, Variant
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.desktop.menu import Act, Item, Menu

_ROOT = 0
_Numbers = Annotated[list[int], DBusSignature("ai")]
_Names = Annotated[list[str], DBusSignature("as")]
_Properties = dict[str, Variant]
_Lines = Annotated[list[tuple[int, _Properties]], DBusSignature("a(ia{sv})")]


class DbusMenu(ServiceInterface):
    """Its lines are numbered from 1 as they come in ``Menu.items``; ``clicked`` gets what a click asks for."""

    def __init__(self, menu: Menu, clicked: Callable[[Act], None]) -> None:
        super().__init__("com.canonical.dbusmenu")
        self._menu, self._clicked = menu, clicked

    def show(self, menu: Menu) -> None:
        """Say this from now on. The lines are as many as before."""
        before, self._menu = self._menu, menu
        changed = [
            [number, _properties(item)]
            for number, (item, old) in enumerate(zip(menu.items, before.items, strict=True), 1)
            if item != old
        ]
        if changed:
            self.ItemsPropertiesUpdated(changed)

    def _line(self, number: int) -> _Properties:
        if number == _ROOT:
            return {"children-display": Variant("s", "submenu")}
        return _properties(self._menu.items[number - 1]) if 0 < number <= len(self._menu.items) else {}

    def _event(self, number: int, event: str) -> bool:
        """Whether there is such a line."""
        if not 0 <= number <= len(self._menu.items):
            return False
        item = self._menu.items[number - 1] if number else None
        if event == "clicked" and item and item.act and item.enabled:
            self._clicked(item.act)
        return True

    @dbus_method()
    def GetLayout(  # noqa: N802
        self, parent: DBusInt32, depth: DBusInt32, names: _Names
    ) -> Annotated[tuple[int, list[Any]], DBusSignature("u(ia{sv}av)")]:
        numbers = range(1, len(self._menu.items) + 1) if parent == _ROOT and depth != 0 else ()
        children = [Variant("(ia{sv}av)", [number, self._line(number), []]) for number in numbers]
        return 1, [parent, self._line(parent), children]

    @dbus_method()
    def GetGroupProperties(self, numbers: _Numbers, names: _Names) -> _Lines:  # noqa: N802
        asked = numbers or range(len(self._menu.items) + 1)
        return [[number, self._line(number)] for number in asked]  # type: ignore[misc]  # dbus-fast takes lists alone

    @dbus_method()
    def GetProperty(self, number: DBusInt32, name: DBusStr) -> DBusVariant:  # noqa: N802
        return self._line(number).get(name, Variant("s", ""))

    @dbus_method()
    def Event(self, number: DBusInt32, event: DBusStr, data: DBusVariant, time: DBusUInt32) -> None:  # noqa: N802
        self._event(number, event)

    @dbus_method()
    def EventGroup(  # noqa: N802
        self, events: Annotated[list[tuple[int, str, Variant, int]], DBusSignature("a(isvu)")]
    ) -> _Numbers:
        return [number for number, event, *_ in events if not self._event(number, event)]

    @dbus_method()
    def AboutToShow(self, number: DBusInt32) -> DBusBool:  # noqa: N802
        return False

    @dbus_method()
    def AboutToShowGroup(  # noqa: N802
        self, numbers: _Numbers
    ) -> Annotated[tuple[list[int], list[int]], DBusSignature("aiai")]:
        return [], [number for number in numbers if not 0 <= number <= len(self._menu.items)]

    @dbus_signal()
    def ItemsPropertiesUpdated(  # noqa: N802
        self, changed: list[list[Any]]
    ) -> Annotated[tuple[list[Any], list[Any]], DBusSignature("a(ia{sv})a(ias)")]:
        return changed, []  # nothing is ever taken away

    @dbus_property(PropertyAccess.READ)
    def Version(self) -> DBusUInt32:  # noqa: N802
        return 3

    @dbus_property(PropertyAccess.READ)
    def Status(self) -> DBusStr:  # noqa: N802
        return "normal"

    @dbus_property(PropertyAccess.READ)
    def TextDirection(self) -> DBusStr:  # noqa: N802
        return "ltr"

    @dbus_property(PropertyAccess.READ)
    def IconThemePath(self) -> _Names:  # noqa: N802
        return []


def _properties(item: Item | None) -> _Properties:
    if item is None:
        return {"type": Variant("s", "separator")}
    properties = {
        "label": Variant("s", item.text.replace("_", "__")),  # a single one marks the letter that chooses it
        "enabled": Variant("b", item.enabled),
    }
    if item.chosen is not None:
        properties |= {"toggle-type": Variant("s", "radio"), "toggle-state": Variant("i", int(item.chosen))}
    return properties
