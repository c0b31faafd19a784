"""Where the desktop knows the program from, kept as the settings have it: the start at login, and moodcast:// links."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from agent.app.settings import Remembered
from agent.desktop import autostart, scheme


class _Place(NamedTuple):
    setting: str
    enable: Callable[[], None]
    disable: Callable[[], None]
    is_enabled: Callable[[], bool]


_PLACES = (
    _Place("start_at_login", autostart.enable, autostart.disable, autostart.is_enabled),
    _Place("open_links", scheme.register, scheme.unregister, scheme.is_registered),
)


class _Settings(Protocol):
    refused: dict[str, str]

    @property
    def remembered(self) -> Remembered: ...

    def change(self, **values: object) -> None: ...


class DesktopPlaces:
    """Nothing is written before the viewer has switched something on, and what they switch off is gone."""

    def __init__(self, app: _Settings) -> None:
        """What was removed elsewhere, as in the desktop's settings, stays so; what is there gets our path of now."""
        self._app, self._known = app, app.remembered
        for place in _PLACES:
            if self._is_wished(place):
                self._put(place, _there(place))

    def follow(self) -> None:
        """Call it now and then: what has changed in the settings is done."""
        before, self._known = self._known, self._app.remembered
        for place in _PLACES:
            if self._is_wished(place) != getattr(before, place.setting):
                self._put(place, self._is_wished(place))

    def _is_wished(self, place: _Place) -> bool:
        return bool(getattr(self._known, place.setting))

    def _put(self, place: _Place, on: bool) -> None:
        self._app.refused.pop(place.setting, None)
        try:
            (place.enable if on else place.disable)()
        except (OSError, ValueError) as error:
            where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
            self._app.refused[place.setting] = f"{(isinstance(error, OSError) and error.strerror) or error}{where}"
        if self._is_wished(place) != (there := _there(place)):  # the switch says how it is
            self._app.change(**{place.setting: there})
            self._known = self._app.remembered


def _there(place: _Place) -> bool:
    try:
        return place.is_enabled()
    except OSError:
        return False
