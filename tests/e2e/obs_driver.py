"""A second script for the OBS under test. It does with the Moodcast script what OBS's dialog does, on the UI thread.

A call is a file ``call.json`` with a number, the name of a function here and its argument; the answer goes to
``NUMBER.json``. Standard library only, as OBS gives it a bare Python.
"""

import contextlib
import gc
import json
import threading
import time
from pathlib import Path

import moodcast_obs
import obspython as obs

folder = Path()


def script_load(settings):
    global folder
    folder = Path(obs.obs_data_get_string(settings, "folder"))
    obs.obs_frontend_add_event_callback(on_event)


def on_event(event):
    if event == obs.OBS_FRONTEND_EVENT_TRANSITION_DURATION_CHANGED:
        call = json.loads((folder / "call.json").read_text(encoding="utf-8"))
        part = folder / "answer.part"
        part.write_text(json.dumps(CALLS[call["function"]](call["argument"])), encoding="utf-8")
        part.rename(folder / f"{call['number']}.json")


def press(button):
    """Press a button of the dialog; its sentences after it."""
    properties = moodcast_obs.script_properties()
    try:
        obs.obs_property_button_clicked(obs.obs_properties_get(properties, button), None)
        fields = [obs.obs_properties_get(properties, name) for name in ("status", "limits")]
        return "\n".join(obs.obs_property_description(field) or "" for field in fields)
    finally:
        obs.obs_properties_destroy(properties)


def sentences(_):
    """Description and status, as the dialog of a script shows them that can't work."""
    properties = moodcast_obs.script_properties()
    try:
        status = obs.obs_property_description(obs.obs_properties_get(properties, "status"))
        return f"{moodcast_obs.script_description()}\n{status}"
    finally:
        obs.obs_properties_destroy(properties)


def group(name):
    """Put a scene's first item into a new group of the scene; the group's name."""
    source = obs.obs_get_source_by_name(name)
    scene = obs.obs_scene_from_source(source)
    items = obs.obs_scene_enum_items(scene)
    made = obs.obs_scene_add_group(scene, "Group of " + name)
    obs.obs_sceneitem_group_add_item(made, items[0])
    obs.sceneitem_list_release(items)
    obs.obs_source_release(source)
    return "Group of " + name


def update(settings):
    """Change the settings, all of them."""
    data = obs.obs_data_create_from_json(json.dumps(settings))
    moodcast_obs.script_update(data)
    obs.obs_data_release(data)


def describe(name):
    """Label and kind of a field; None where the dialog has no such field."""
    properties = moodcast_obs.script_properties()
    try:
        field = obs.obs_properties_get(properties, name)
        if field is None:
            return None
        password = obs.obs_property_text_type(field) == obs.OBS_TEXT_PASSWORD
        return [obs.obs_property_description(field), "password" if password else "plain"]
    finally:
        obs.obs_properties_destroy(properties)


def census(_):
    """What the process holds now: names of Python's threads, open sockets, objects of Python, and of
    them the scripts: one that was unloaded is gone."""
    gc.collect()
    sockets = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            sockets += str(descriptor.readlink()).startswith("socket:")
    names = sorted(thread.name for thread in threading.enumerate())
    objects = gc.get_objects()
    scripts = sum(type(one).__name__ == "Script" for one in objects)
    return {"threads": names, "sockets": sockets, "objects": len(objects), "scripts": scripts}


durations = []


def ticks(_):
    """Seconds that each call of the script's timer took since the last call of this, the first of which begins it:
    on the clock, and of the processor."""
    script = moodcast_obs.script
    tick = type(script).tick

    def timed():
        began, used = time.perf_counter(), time.thread_time()
        tick(script)
        durations.append((time.perf_counter() - began, time.thread_time() - used))

    if "tick" not in vars(script):
        script.tick = timed
    taken = list(durations)
    durations.clear()
    return taken


CALLS = {
    "press": press,
    "update": update,
    "describe": describe,
    "sentences": sentences,
    "group": group,
    "census": census,
    "ticks": ticks,
}
