"""The icon in the tray, on a bus of the test's own: with a watcher that the test plays, and in a real panel."""

import asyncio
import contextlib
import functools
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.app.state import Place, State
from agent.desktop import menu
from tests.agent.desktop.session import bus, homed, need, screen, xdotool
from tests.support import wait_until

pytest.importorskip("dbus_fast", reason="the agent's packages are not installed")
from dbus_fast import BusType, Message, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal
from PIL import Image

from agent.desktop import sni
from agent.desktop.sni import StatusNotifierTray

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
SHARING = State(
    place=Place(relay="http://127.0.0.1:1", channel="x"), link="joined", wish="face", camera="on", label="happy"
)


class Watcher(ServiceInterface):
    """What a panel offers."""

    def __init__(self) -> None:
        super().__init__(WATCHER)
        self.items: list[str] = []
        self.hosts = True
        self.asked = 0

    @dbus_method()
    def RegisterStatusNotifierItem(self, service: DBusStr) -> None:  # noqa: N802
        self.items.append(service)

    @dbus_property()
    def IsStatusNotifierHostRegistered(self) -> DBusBool:  # noqa: N802
        self.asked += 1
        return self.hosts

    @IsStatusNotifierHostRegistered.setter
    def _set(self, value: DBusBool) -> None:
        self.hosts = value

    @dbus_signal()
    def StatusNotifierHostUnregistered(self) -> None:  # noqa: N802
        pass


class Panel:
    """A watcher on a connection of its own, and what its panel asks of the icon."""

    def __init__(self, connection: MessageBus, watcher: Watcher) -> None:
        self.connection, self.watcher = connection, watcher

    @classmethod
    @contextlib.asynccontextmanager
    async def there(cls) -> AsyncIterator["Panel"]:
        connection, watcher = await MessageBus(bus_type=BusType.SESSION).connect(), Watcher()
        connection.export("/StatusNotifierWatcher", watcher)
        await connection.request_name(WATCHER)
        try:
            yield cls(connection, watcher)
        finally:
            connection.disconnect()

    async def shows(self) -> None:
        """Wait until the icon's owner knows that it is seen."""
        await wait_until(lambda: self.watcher.asked and self.watcher.items)
        await self.look("Title")  # answered after the answer to that was read

    async def ask(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        reply = await self.connection.call(
            Message(
                destination=self.watcher.items[-1], path=path, interface=interface, member=member,
                signature=signature, body=list(body),
            )
        )  # fmt: skip
        assert reply
        assert reply.error_name is None, reply.body
        return list(reply.body)

    async def look(self, name: str) -> Any:
        (value,) = await self.ask("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "Get", "ss", ITEM, name)
        return value.value

    async def click(self, number: int) -> None:
        event = [number, "clicked", Variant("i", 0), 0]
        await self.ask("/MenuBar", MENU, "Event", "isvu", *event)

    async def lines(self) -> list[tuple[int, dict[str, Any]]]:
        _, (_, _, children) = await self.ask("/MenuBar", MENU, "GetLayout", "iias", 0, -1, [])
        return [(line.value[0], {name: value.value for name, value in line.value[1].items()}) for line in children]


def say(key: str, **values: object) -> str:
    return " ".join([key, *(str(value) for value in values.values() if value)])


class Viewer:
    """Whose tray it is: the state that it shows, and what was clicked."""

    def __init__(self) -> None:
        self.state = State()
        self.clicked: list[str] = []
        self.tray = StatusNotifierTray(lambda: menu.menu(self.state, say), self.clicked.append)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Viewer"]:
        running = asyncio.create_task(self.tray.run())
        try:
            yield self
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address


@pytest.mark.usefixtures("session")
async def test_a_panel_gets_icon_and_menu_and_its_clicks_are_heard() -> None:
    async with Panel.there() as panel, Viewer().running() as viewer:
        await wait_until(lambda: viewer.tray.shown)
        assert await panel.look("Title") == "tray.is_paused"
        assert await panel.look("Menu") == "/MenuBar"
        sizes = [(wide, high, len(pixels)) for wide, high, pixels in await panel.look("IconPixmap")]
        assert sizes == [(size, size, size * size * 4) for size in (22, 32, 48)]
        lines = dict(await panel.lines())
        assert [lines[number].get("label") for number in (1, 3, 8)] == ["tray.is__paused", "tray.pause", "tray.quit"]
        assert lines[2] == {"type": "separator"}
        assert [lines[number]["enabled"] for number in (1, 3, 4, 5)] == [False, True, False, False]
        await panel.click(3)
        await panel.click(4)  # can't be shared without a channel
        await panel.ask("/StatusNotifierItem", ITEM, "Activate", "ii", 1, 1)
        await panel.ask("/StatusNotifierItem", ITEM, "SecondaryActivate", "ii", 1, 1)
        assert viewer.clicked == ["paused", "show", "paused"]


@pytest.mark.usefixtures("session")
async def test_a_panel_that_asks_for_groups_is_answered_too() -> None:
    """Clicks of Xfce's panel come so: with Event alone they were lost."""
    async with Panel.there() as panel, Viewer().running() as viewer:
        await wait_until(lambda: viewer.tray.shown)
        events = [
            [3, "clicked", Variant("i", 0), 0],
            [99, "clicked", Variant("i", 0), 0],
            [1, "hovered", Variant("i", 0), 0],
        ]
        assert await panel.ask("/MenuBar", MENU, "EventGroup", "a(isvu)", events) == [[99]]
        assert viewer.clicked == ["paused"]
        assert await panel.ask("/MenuBar", MENU, "AboutToShow", "i", 0) == [False]
        assert await panel.ask("/MenuBar", MENU, "AboutToShowGroup", "ai", [0, 99]) == [[], [99]]
        ((number, line),) = (await panel.ask("/MenuBar", MENU, "GetGroupProperties", "aias", [8], []))[0]
        assert (number, line["label"].value) == (8, "tray.quit")
        (label,) = await panel.ask("/MenuBar", MENU, "GetProperty", "is", 8, "label")
        assert label.value == "tray.quit"


@pytest.mark.usefixtures("session")
async def test_a_new_state_is_told_to_the_panel() -> None:
    async with Panel.there() as panel, Viewer().running() as viewer:
        await wait_until(lambda: viewer.tray.shown)
        before = await panel.look("IconPixmap")
        told: list[str] = []
        panel.connection.add_message_handler(lambda message: told.append(message.member or ""))
        await panel.connection.call(
            Message(
                destination="org.freedesktop.DBus", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus",
                member="AddMatch", signature="s", body=["type='signal'"],
            )
        )  # fmt: skip
        viewer.state = SHARING
        await wait_until(lambda: {"NewTitle", "NewToolTip", "NewIcon", "ItemsPropertiesUpdated"} <= set(told))
        assert await panel.look("Title") == "tray.is_sharing label.happy"
        assert await panel.look("IconPixmap") != before
        assert list(await panel.look("ToolTip"))[2:] == ["Moodcast: tray.is_sharing label.happy", "x"]
        assert dict(await panel.lines())[5]["toggle-state"] == 1


@pytest.mark.usefixtures("session")
async def test_the_icon_comes_with_a_panel_and_again_after_its_restart() -> None:
    async with Viewer().running() as viewer:
        for _ in range(2):
            async with Panel.there() as panel:
                await wait_until(lambda: viewer.tray.shown)
                assert panel.watcher.items
            await wait_until(lambda: not viewer.tray.shown)


@pytest.mark.usefixtures("session")
async def test_a_watcher_without_a_panel_shows_nothing() -> None:
    async with Panel.there() as panel, Viewer().running() as viewer:
        await wait_until(lambda: viewer.tray.shown)
        panel.watcher.hosts = False
        panel.watcher.StatusNotifierHostUnregistered()
        await wait_until(lambda: not viewer.tray.shown)


@pytest.mark.parametrize("address", ["", "nonsense", "unix:path=/nowhere/bus"])
async def test_without_a_bus_there_is_no_icon_and_no_trouble(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    monkeypatch.delenv("DISPLAY", raising=False)
    caplog.set_level("DEBUG", "agent.desktop.sni")
    async with Viewer().running() as viewer:
        await wait_until(lambda: "no icon in the tray" in caplog.text)
        assert not viewer.tray.shown


async def test_a_bus_that_goes_and_comes_back_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sni, "_AGAIN_S", 0.05)
    async with Viewer().running() as viewer:
        for run in ("one", "two"):
            (tmp_path / run).mkdir()
            with bus(tmp_path / run) as address:
                monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
                async with Panel.there():
                    await wait_until(lambda: viewer.tray.shown)
            await wait_until(lambda: not viewer.tray.shown)


PANEL_XML = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="40"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty"><property name="plugin-1" type="string" value="systray"/></property>
</channel>
"""


@contextlib.contextmanager
def xfce_panel(display: str, folder: Path) -> Iterator[None]:
    """Xfce's panel with nothing in it but a tray, at the left of the top edge; ended on leaving."""
    place = folder / "config" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    place.mkdir(parents=True, exist_ok=True)
    (place / "xfce4-panel.xml").write_text(PANEL_XML)
    environment = {**homed(folder), "DISPLAY": display}
    panel = subprocess.Popen(
        ["xfce4-panel", "--disable-wm-check"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        panel.terminate()
        panel.wait(30)


async def paused(viewer: Viewer, display: str, left: int, top: int) -> bool:
    """Whether the menu's first line that can be chosen was: the menu comes some time after the click, so try again."""
    await xdotool(display, "mousemove", str(left), str(top), "click", "3", "sleep", "0.5", "key", "Down", "Return")
    return "paused" in viewer.clicked


@pytest.mark.slow
async def test_in_the_panel_of_a_desktop_it_is_seen_and_its_menu_is_clicked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("xfce4-panel", "xdotool", "import")
    with screen() as display, bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        async with Viewer().running() as viewer:
            for _ in ("at first", "after the panel's restart"):
                with xfce_panel(display, tmp_path):
                    await wait_until(lambda: viewer.tray.shown)
                    grey = functools.partial(coloured, display, tmp_path, (139, 147, 161))
                    left, top = await wait_until(grey)
                    viewer.state = SHARING
                    await wait_until(lambda: coloured(display, tmp_path, (255, 200, 61)))
                    await xdotool(display, "mousemove", str(left), str(top), "click", "1")
                    await wait_until(lambda: viewer.clicked == ["show"])

                    await wait_until(functools.partial(paused, viewer, display, left, top))
                    viewer.state = State()
                    viewer.clicked.clear()
                await wait_until(lambda: not viewer.tray.shown)


def coloured(display: str, folder: Path, colour: tuple[int, int, int]) -> tuple[int, int] | None:
    """Where on the screen a pixel has a colour."""
    file = folder / "screen.png"
    subprocess.run(["import", "-display", display, "-window", "root", str(file)], check=True, timeout=60)
    picture = Image.open(file).convert("RGB")
    pixels = picture.get_flattened_data() if hasattr(picture, "get_flattened_data") else picture.getdata()
    found = next((index for index, pixel in enumerate(pixels) if pixel == colour), None)
    return None if found is None else (found % picture.width + 3, found // picture.width + 3)
