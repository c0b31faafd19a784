"""Moodcast for OBS Studio: the audience's mood on the broadcast. Load this file under Tools > Scripts (docs/obs.md).

What OBS calls, and nothing else: the rest lies in the files beside this one.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Optional

import obspython as obs

problem = ""  # why the script can't work as its files are, as a sentence


def misfit(error: Exception) -> str:
    """What an error means that comes of the files beside this one, and what to do."""
    folder = Path(__file__).resolve().parent
    missing = (getattr(error, "name", None) or "").split(".")[0]
    if isinstance(error, ModuleNotFoundError) and missing.startswith("moodcast_"):
        what = f"{missing}.py is missing in {folder}: put all of Moodcast's files there"
    else:
        what = f"The files in {folder} are not of one version of Moodcast ({error}): replace all of them"
    return what + ", or add the script anew from where they are, and start OBS again."


if TYPE_CHECKING:
    from obs_plugin import moodcast_copies as copies
    from obs_plugin import moodcast_dialog as dialog
    from obs_plugin import moodcast_highlights as highlights
    from obs_plugin import moodcast_script as script_module
    from obs_plugin import moodcast_settings as settings
else:
    # A file may be missing, where this one was moved alone, or be of another version.
    try:
        import moodcast_broadcast as broadcast  # OBS puts this file's folder on the path
        import moodcast_clips as clips
        import moodcast_copies as copies
        import moodcast_core as core
        import moodcast_dialog as dialog
        import moodcast_highlights as highlights
        import moodcast_hotkeys as hotkeys
        import moodcast_invite as invite
        import moodcast_keys as keys
        import moodcast_link as link
        import moodcast_lists as lists
        import moodcast_page as page
        import moodcast_parts as parts
        import moodcast_relay as relay
        import moodcast_requests as requests
        import moodcast_script as script_module
        import moodcast_settings as settings
        import moodcast_show as show
        import moodcast_sources as sources
        import moodcast_trial as trial
        import moodcast_wire as wire

        # OBS's "reload scripts" runs this file anew, but not what it imports: those first that others import.
        plain = (core, clips, lists, broadcast, keys, page, trial, wire, link, requests, parts, relay, copies)
        for module in (*plain, sources, settings, show, invite, hotkeys, highlights, script_module, dialog):
            importlib.reload(module)
    except Exception as error:
        problem = misfit(error)

TIMER_MS = 50

DESCRIPTION = "<b>Moodcast</b>: a mood bar of the expressions that your viewers share."

script: Optional[script_module.Script] = None
# OBS has one module for two copies of the script, and runs it anew when one of them is loaded again.
script = globals().get("script")
loaded: List[str] = globals().get("loaded", [])  # the folders of the copies that are loaded
owner = globals().get("owner", 0)  # whose settings are followed


def script_description() -> str:
    return f"{DESCRIPTION}<br>{problem}" if problem else DESCRIPTION


def script_defaults(data: Any) -> None:
    attempt(set_defaults, data)


def set_defaults(data: Any) -> None:
    settings.defaults(data)
    highlights.defaults(data)


def attempt(act: Callable[[Any], None], data: Any) -> None:
    """The first that OBS asks for shows whether the files fit together."""
    global problem
    if not problem:
        try:
            act(data)
        except (AttributeError, ImportError, TypeError) as error:
            problem = misfit(error)


def script_properties() -> Any:
    if problem or (script is None and loaded):
        fields = obs.obs_properties_create()
        obs.obs_properties_add_text(fields, "status", problem or copies.sentence(loaded), obs.OBS_TEXT_INFO)
        return fields
    return dialog.properties(script)


def script_load(data: Any) -> None:
    attempt(load, data)
    if problem:
        obs.script_log(obs.LOG_INFO, problem)


def load(data: Any) -> None:
    global script, owner
    loaded.append(folder())
    if script is not None:
        return  # the first copy goes on, and says so
    owner = int(data)
    script = script_module.Script()
    script.parts.append(copies.Copies(loaded))
    script.read(data)
    settings.keep(data, script.settings)
    script.connect()
    for part in script.parts:
        part.load(data)
    obs.timer_add(on_timer, TIMER_MS)
    obs.obs_frontend_add_event_callback(on_frontend_event)


def folder() -> str:
    """Where the copy lies that is being loaded; this file's own name is that of the first."""
    return str(globals().get("script_path", lambda: "?")())


def is_owner(data: Any) -> bool:
    """Whether settings are those of the copy that works, if any does."""
    return not problem and (len(loaded) < 2 or int(data) == owner)


def script_update(data: Any) -> None:
    if script is not None and is_owner(data):
        script.read(data)
        for part in script.parts:
            part.update(data)


def on_timer() -> None:
    if script is not None:
        script.tick()


def on_frontend_event(event: int) -> None:
    if script is not None:
        for part in script.parts:
            part.frontend_event(event)


def script_save(data: Any) -> None:
    if script is not None and is_owner(data):
        script.save(data)
        for part in script.parts:
            part.save(data)


def script_unload() -> None:
    """Also of one of two copies, as nobody knows whose timers OBS takes away."""
    global script
    if loaded:
        loaded.pop()
    obs.timer_remove(on_timer)
    obs.obs_frontend_remove_event_callback(on_frontend_event)
    if script is not None:
        script.close()
        script = None
