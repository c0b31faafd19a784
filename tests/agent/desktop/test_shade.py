"""Dark or light, as the desktop tells it: by a portal that the test plays, and by the file that macOS has."""

import plistlib
import sys
from pathlib import Path

import pytest

from tests.agent.desktop.session import bus

pytest.importorskip("dbus_fast", reason="the agent's packages are not installed")
from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusStr, DBusVariant
from dbus_fast.service import ServiceInterface, dbus_method

from agent.desktop import shade

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="XDG's portal is of Linux")


class Settings(ServiceInterface):
    """A portal that answers with ``value``."""

    def __init__(self, value: Variant | None) -> None:
        super().__init__("org.freedesktop.portal.Settings")
        self._value = value

    @dbus_method()
    def Read(self, namespace: DBusStr, key: DBusStr) -> DBusVariant:  # noqa: N802
        if self._value is None or (namespace, key) != ("org.freedesktop.appearance", "color-scheme"):
            raise DBusError("org.freedesktop.portal.Error.NotFound", "there is no such setting")
        return self._value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Variant("v", Variant("u", 1)), "dark"),
        (Variant("u", 2), "light"),
        (Variant("v", Variant("u", 0)), None),
        (Variant("s", "dark"), None),
        (None, None),
    ],
)
async def test_the_portal_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: Variant | None, told: str | None
) -> None:
    with bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        connection = await MessageBus().connect()
        connection.export("/org/freedesktop/portal/desktop", Settings(value))
        await connection.request_name("org.freedesktop.portal.Desktop")
        assert await shade.preferred() == told
        connection.disconnect()


async def test_without_a_bus_nothing_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    assert await shade.preferred() is None


@pytest.mark.parametrize(("kept", "told"), [({"AppleInterfaceStyle": "Dark"}, "dark"), ({}, "light")])
async def test_on_a_mac_its_settings_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: dict[str, str], told: str
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert await shade.preferred() is None
    folder = tmp_path / "Library" / "Preferences"
    folder.mkdir(parents=True)
    (folder / ".GlobalPreferences.plist").write_bytes(plistlib.dumps(kept))
    assert await shade.preferred() == told
