"""Whether the desktop that the window opens on is dark or light."""

import contextlib
import logging
import plistlib
import sys
from pathlib import Path
from typing import Literal

Shade = Literal["dark", "light"]

_PORTAL, _PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
_log = logging.getLogger(__name__)


async def preferred() -> Shade | None:
    """As its user has set it now; None where nothing says."""
    try:
        if sys.platform == "win32":
            return _of_windows()
        if sys.platform == "darwin":
            return _of_macos()
        return await _of_the_portal()
    except Exception as error:  # no trouble of a desktop may keep the window from opening
        _log.debug("nothing tells the desktop's theme: %s: %s", type(error).__name__, error)
        return None


if sys.platform == "win32":

    def _of_windows() -> Shade:
        import winreg

        path = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path) as key:
            return "light" if winreg.QueryValueEx(key, "AppsUseLightTheme")[0] else "dark"


def _of_macos() -> Shade:
    with (Path.home() / "Library" / "Preferences" / ".GlobalPreferences.plist").open("rb") as settings:
        return "dark" if plistlib.load(settings).get("AppleInterfaceStyle") == "Dark" else "light"


async def _of_the_portal() -> Shade | None:
    """On Linux: what GNOME, KDE and others tell programs through XDG's portal."""
    from dbus_fast.aio import MessageBus

    from agent.desktop.bus import call

    bus = MessageBus()
    try:
        await bus.connect()
        asked = ["org.freedesktop.appearance", "color-scheme"]
        reply = await call(bus, _PORTAL, _PATH, "Read", "ss", asked, "org.freedesktop.portal.Settings")
    finally:
        with contextlib.suppress(Exception):  # it may never have been connected
            bus.disconnect()
    value = reply.body[0]
    while hasattr(value, "value"):  # a variant, in some versions of one
        value = value.value
    return {1: "dark", 2: "light"}.get(value)  # type: ignore[return-value]
