"""Moodcast for OBS Studio: the audience's mood on the broadcast. Load this file under Tools > Scripts (docs/obs.md).

What OBS calls, and nothing else: the rest lies in the files beside this one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Optional

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_dialog as dialog
    from obs_plugin import moodcast_script as script_module
    from obs_plugin import moodcast_sources as sources
else:
    import moodcast_broadcast as broadcast
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_dialog as dialog
    import moodcast_hotkeys as hotkeys
    import moodcast_link as link
    import moodcast_parts as parts
    import moodcast_relay as relay
    import moodcast_requests as requests
    import moodcast_script as script_module
    import moodcast_show as show
    import moodcast_sources as sources
    import moodcast_wire as wire

    # OBS's "reload scripts" runs this file anew, but not what it imports: those first that others import.
    for module in (core, broadcast, wire, link, requests, parts, relay, sources, show, hotkeys, script_module, dialog):
        importlib.reload(module)

TIMER_MS = 50

DESCRIPTION = "<b>Moodcast</b>: a mood bar of the expressions that your viewers share."

script: Optional[script_module.Script] = None


def script_description() -> str:
    return DESCRIPTION


def script_defaults(data: Any) -> None:
    video = obs.obs_video_info()
    known = obs.obs_get_video_info(video)
    canvas = {"width": video.base_width if known else 1920, "height": video.base_height if known else 1080}
    obs.obs_data_set_default_string(data, "relay", "http://127.0.0.1:8765")
    for name, (_, most) in sources.sides().items():
        obs.obs_data_set_default_int(data, name, min(canvas[name], most))


def script_properties() -> Any:
    return dialog.properties(script)


def script_load(data: Any) -> None:
    global script
    script = script_module.Script()
    script.update(read(data))
    script.connect()
    for part in script.parts:
        part.load(data)
    obs.timer_add(on_timer, TIMER_MS)
    obs.obs_frontend_add_event_callback(on_frontend_event)


def script_update(data: Any) -> None:
    if script is not None:
        script.update(read(data))
        for part in script.parts:
            part.update(data)


def read(data: Any) -> core.Settings:
    relay, channel, key, admin = (obs.obs_data_get_string(data, name) for name in ("relay", "channel", "key", "admin"))
    width, height = (obs.obs_data_get_int(data, name) for name in ("width", "height"))
    return core.Settings.entered(relay, channel, key, width, height)._replace(admin=admin.strip())


def on_timer() -> None:
    if script is not None:
        script.tick()


def on_frontend_event(event: int) -> None:
    if script is not None:
        for part in script.parts:
            part.frontend_event(event)


def script_save(data: Any) -> None:
    if script is not None:
        for part in script.parts:
            part.save(data)


def script_unload() -> None:
    global script
    obs.timer_remove(on_timer)
    obs.obs_frontend_remove_event_callback(on_frontend_event)
    if script is not None:
        script.close()
        script = None
