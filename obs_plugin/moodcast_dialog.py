"""The dialog of Moodcast's OBS script: fields, buttons and what they answer.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Callable, Optional

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_highlights as highlights
    from obs_plugin import moodcast_sources as sources
    from obs_plugin.moodcast_script import Script
else:
    import moodcast_highlights as highlights  # OBS puts this file's folder on the path
    import moodcast_sources as sources


def properties(script: Optional[Script]) -> Any:
    """The fields and buttons, with the status as it is now. ``script``: None where OBS has unloaded it."""
    # OBS never lets go of what it calls when a button is pressed: that may not keep an unloaded script.
    held = weakref.ref(script) if script is not None else lambda: None

    def button(name: str, text: str, act: Callable[[Script], str]) -> None:
        def pressed(shown: Any, _: Any) -> bool:  # OBS takes plain functions alone
            script = held()
            return _answer(script, shown, act(script) if script is not None else "")

        obs.obs_properties_add_button(fields, name, text, pressed)

    def refresh(shown: Any, _: Any) -> bool:
        script = held()
        drawn = _answer(script, shown, "")
        if script is not None:
            script.connect()  # whoever asks may have mended something; the next answer tells
        return drawn

    fields = obs.obs_properties_create()
    obs.obs_properties_add_text(fields, "status", "", obs.OBS_TEXT_INFO)
    obs.obs_properties_add_button(fields, "refresh", "Refresh status", refresh)
    obs.obs_properties_add_text(fields, "relay", "Relay", obs.OBS_TEXT_DEFAULT)
    obs.obs_properties_add_text(fields, "channel", "Channel", obs.OBS_TEXT_DEFAULT)
    obs.obs_properties_add_text(fields, "key", "Display key", obs.OBS_TEXT_PASSWORD)
    button("add", "Add overlay to current scene", lambda script: script.add())
    button("test", "Send test reaction", lambda script: script.test())
    button("measure", "Measure viewers' delay", lambda script: script.measure())
    for name, limits in sources.sides().items():
        obs.obs_properties_add_int(fields, name, "Overlay " + name, *limits, 1)
    highlights.properties(fields)
    obs.obs_properties_add_text(fields, "limits", "", obs.OBS_TEXT_INFO)
    _answer(script, fields, "")
    return fields


def _answer(script: Optional[Script], fields: Any, note: str) -> bool:
    """Show what a button did; True makes OBS draw the fields anew."""
    if script is not None:
        script.note = note
        status, limits = (obs.obs_properties_get(fields, name) for name in ("status", "limits"))
        obs.obs_property_set_description(status, script.status())
        obs.obs_property_text_set_info_type(
            status, obs.OBS_TEXT_INFO_NORMAL if script.healthy() else obs.OBS_TEXT_INFO_WARNING
        )
        obs.obs_property_set_description(limits, script.limits())
        obs.obs_property_set_visible(limits, bool(script.limits()))
    return True
