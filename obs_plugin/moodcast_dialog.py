"""The dialog of Moodcast's OBS script: fields, buttons and what they answer.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import os
import textwrap
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_highlights as highlights
    from obs_plugin import moodcast_page as page
    from obs_plugin import moodcast_relay as relay
    from obs_plugin import moodcast_settings as settings
    from obs_plugin import moodcast_sources as sources
    from obs_plugin.moodcast_script import Script
    from obs_plugin.moodcast_texts import say
else:
    import moodcast_highlights as highlights  # OBS puts this file's folder on the path
    import moodcast_page as page
    import moodcast_relay as relay
    import moodcast_settings as settings
    import moodcast_sources as sources
    from moodcast_texts import say

_LINE, _LINES = 32, 3  # letters and lines: what the window has room for, so that nothing moves under the pointer
_FOLDER = Path(__file__).resolve().parent


def properties(script: Optional[Script]) -> Any:
    """The fields and buttons, with the status as it is now. ``script``: None where OBS has unloaded it.

    Above the buttons nothing ever changes its height; what is longer than a line stands at the end.
    """
    # OBS never lets go of what it calls when a button is pressed: that may not keep an unloaded script.
    held = weakref.ref(script) if script is not None else lambda: None

    def button(group: Any, name: str, text: str, act: Callable[[Script], str]) -> None:
        def pressed(shown: Any, _: Any) -> bool:  # OBS takes plain functions alone
            script = held()
            return _answer(script, shown, act(script) if script is not None else "")

        obs.obs_properties_add_button(group, name, say(text), pressed)

    def refresh(shown: Any, _: Any) -> bool:
        script = held()
        drawn = _answer(script, shown, "")
        if script is not None:
            script.connect()  # whoever asks may have mended something; the next answer tells
            script.invite.renew()
        return drawn

    seen = [settings.shown_address(script.settings) if script is not None else ""]

    def entered(shown: Any, _: Any, data: Any) -> bool:
        """Drawn anew where an address was pasted. Not while somebody types: the field would lose the keyboard."""
        script = held()
        before, seen[0] = seen[0], obs.obs_data_get_string(data, "address")
        return not page.is_typing(before, seen[0]) and script is not None and _answer(script, shown, "")

    fields = obs.obs_properties_create()
    # A group has the window's whole width for what needs no label, and buttons are cut where they have less.
    status = _group(fields, "state", "Status")
    _text(status, "status")
    obs.obs_properties_add_button(status, "refresh", say("Refresh status"), refresh)
    address = obs.obs_properties_add_text(fields, "address", say("Overlay address"), obs.OBS_TEXT_PASSWORD)
    obs.obs_property_set_modified_callback(address, entered)
    admin = obs.obs_properties_add_text(fields, "admin", say("Admin key"), obs.OBS_TEXT_PASSWORD)
    obs.obs_property_set_long_description(admin, say("Optional: for sessions and markers that follow the broadcast."))
    overlay = _group(fields, "overlay", "Overlay")
    button(overlay, "add", "Add overlay to current scene", lambda script: script.add())
    button(overlay, "add_all", "Add overlay to every scene", lambda script: script.add_everywhere())
    button(overlay, "test", "Send test reaction", lambda script: script.test())
    button(overlay, "trial", "Test everything (10 s)", lambda script: script.try_everything())
    button(overlay, "measure", "Measure viewers' delay", lambda script: script.measure())
    button(overlay, "pause", "Pause collecting, or go on", lambda script: script.pause())
    button(overlay, "dashboard", "Open dashboard", lambda script: script.open_dashboard())
    obs.obs_properties_add_group(fields, "look", say("Look of the overlay"), obs.OBS_GROUP_NORMAL, _look())
    invite = _group(fields, "invite", "Invite viewers")
    _text(invite, "invitation")
    button(invite, "open_invitation", "Open the page for viewers", lambda script: script.open_invitation())
    highlights.properties(fields)
    if relay.command(_FOLDER, os.environ):
        here = _group(fields, "here", "A relay on this machine")
        button(here, "start_relay", "Start a relay here", lambda script: script.start_relay())
        obs.obs_properties_add_text(here, "new_channel", say("Channel"), obs.OBS_TEXT_DEFAULT)
        button(here, "create_channel", "Create channel", lambda script: script.create_channel())
    _text(fields, "limits")
    _answer(script, fields, script.note if script is not None else "")
    return fields


def _group(fields: Any, name: str, title: str) -> Any:
    inner = obs.obs_properties_create()
    obs.obs_properties_add_group(fields, name, say(title), obs.OBS_GROUP_NORMAL, inner)
    return inner


def _text(fields: Any, name: str) -> None:
    obs.obs_properties_add_text(fields, name, "", obs.OBS_TEXT_INFO)


def _look() -> Any:
    """The overlay's options, and its size."""
    look = obs.obs_properties_create()
    for row in page.table() if sources.overlay_kind() == sources.BROWSER else []:
        _option(look, row)
    for name, limits in sources.sides().items():
        obs.obs_properties_add_int(look, name, say(f"Overlay {name} (pixels)"), *limits, 1)
    return look


def _option(look: Any, row: Dict[str, Any]) -> None:
    name, label = settings.option_name(row), say(row["label"])
    if row["kind"] == "choice":
        field = obs.obs_properties_add_list(look, name, label, obs.OBS_COMBO_TYPE_LIST, obs.OBS_COMBO_FORMAT_STRING)
        for value, words in row["values"].items():
            obs.obs_property_list_add_string(field, say(words), value)
    elif row["kind"] == "number":
        field = obs.obs_properties_add_float(look, name, label, row["least"], row["most"], row["step"])
    else:
        field = obs.obs_properties_add_text(look, name, label, obs.OBS_TEXT_DEFAULT)
    obs.obs_property_set_long_description(field, say(row["help"]))


def _answer(script: Optional[Script], fields: Any, note: str) -> bool:
    """Show what a button did; True makes OBS draw the fields anew."""
    if script is not None:
        script.note = note
        status, limits = (obs.obs_properties_get(fields, name) for name in ("status", "limits"))
        state = f"{time.strftime('%H:%M:%S')}  {script.state()}"
        obs.obs_property_set_description(status, _fixed(state) + "\n" + _fixed(note))
        obs.obs_property_text_set_info_type(
            status, obs.OBS_TEXT_INFO_NORMAL if script.healthy() else obs.OBS_TEXT_INFO_WARNING
        )
        obs.obs_property_set_description(obs.obs_properties_get(fields, "invitation"), script.invite.text())
        details = "\n".join(filter(None, [script.status(), script.limits()]))
        obs.obs_property_set_description(limits, details)
        obs.obs_property_set_visible(limits, bool(details))
    return True


def _fixed(text: str) -> str:
    """The text in just so many lines."""
    lines = textwrap.wrap(text, _LINE, max_lines=_LINES, placeholder="...")
    return "\n".join([*lines, *[" "] * (_LINES - len(lines))])
