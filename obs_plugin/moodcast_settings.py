"""OBS's settings of Moodcast's script, read and kept: what goes into the scene collection has no key in it.

The collection names relay and channel. What the dialog shows of keys are defaults, which OBS doesn't save: they come
from the user's own file. So a text of the streamer's stays in these settings only until OBS saves them.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Tuple

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_keys as keys
    from obs_plugin import moodcast_page as page
    from obs_plugin import moodcast_sources as sources
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_keys as keys
    import moodcast_page as page
    import moodcast_sources as sources

RELAY = "http://127.0.0.1:8765"
_NEW_CHANNEL = "live"


def option_name(row: Dict[str, Any]) -> str:
    """The name of the setting for an option of the overlay."""
    return f"page_{row['name']}"


def defaults(data: Any) -> None:
    obs.obs_data_set_default_string(data, "relay", RELAY)
    obs.obs_data_set_default_string(data, "new_channel", _NEW_CHANNEL)
    width, height = sources.usual_size()
    obs.obs_data_set_default_int(data, "width", width)
    obs.obs_data_set_default_int(data, "height", height)
    for row in page.table():
        if row["kind"] == "number":
            obs.obs_data_set_default_double(data, option_name(row), row["default"])
        else:
            obs.obs_data_set_default_string(data, option_name(row), row["default"])


def read(data: Any, kept: keys.Keys) -> core.Settings:
    """What the streamer entered; keys among it are remembered."""
    fault = ""
    if obs.obs_data_has_user_value(data, "address"):
        relay, channel, key, fault = page.pasted(obs.obs_data_get_string(data, "address"))
    else:  # "key" is of scripts that had a field for each
        relay, channel, key = (obs.obs_data_get_string(data, name) for name in ("relay", "channel", "key"))
    width, height = (obs.obs_data_get_int(data, name) for name in ("width", "height"))
    settings = core.Settings.entered(relay, channel, key, width, height)
    found = kept.find(settings.relay, settings.channel)
    admin = found.admin
    if obs.obs_data_has_user_value(data, "admin"):
        admin = obs.obs_data_get_string(data, "admin").strip()
    settings = settings._replace(key=settings.key or found.display, admin=admin, look=_look(data), fault=fault)
    if not settings.problem():
        kept.remember(settings.relay, settings.channel, keys.Pair(settings.key, settings.admin))
    return settings


def _look(data: Any) -> Tuple[Tuple[str, str], ...]:
    """The overlay's options that were chosen in the dialog, each as the page reads it; empty where it is the usual."""
    chosen: List[Tuple[str, str]] = []
    for row in page.table():
        name = option_name(row)
        if obs.obs_data_has_user_value(data, name):
            number = row["kind"] == "number"
            value = obs.obs_data_get_double(data, name) if number else obs.obs_data_get_string(data, name)
            usual = abs(value - row["default"]) < 1e-9 if number else value == row["default"]
            chosen.append((row["name"], "" if usual else f"{value:g}" if number else value))
    return tuple(chosen)


def shown_address(settings: core.Settings) -> str:
    """What the dialog's field has, as dots; empty where something is missing."""
    return page.address(settings) if settings.channel and settings.key else ""


def keep(data: Any, settings: core.Settings) -> None:
    """Make the settings fit to be saved in the scene collection: relay and channel, and no key."""
    if settings.fault:
        settings = settings._replace(relay="", channel="", key="")
    else:
        obs.obs_data_set_string(data, "relay", settings.relay)
        obs.obs_data_set_string(data, "channel", settings.channel)
    for name, text in (("address", shown_address(settings)), ("admin", settings.admin)):
        obs.obs_data_set_default_string(data, name, text)
        obs.obs_data_unset_user_value(data, name)
    obs.obs_data_erase(data, "key")
