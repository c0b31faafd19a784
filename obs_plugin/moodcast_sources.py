"""OBS's objects as Moodcast's OBS script uses them, each released: its overlay's sources, and their scenes.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Set, Tuple

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_page as page
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_page as page

_NAME = "Moodcast"
_EVENT = "moodcast"  # a constant: OBS puts the event's name into the page's JavaScript as it is
_LAST = "moodcast_set"  # in the settings of a browser source: what the script last set, as JSON
_CENTER = 0  # OBS_ALIGN_CENTER, which obspython lacks
_HIDDEN = "moodcast_hidden"  # in the private settings of a scene's item that the hotkey hid
BROWSER, IMAGE = "browser_source", "image_source"


@contextlib.contextmanager
def _released(data: Any) -> Iterator[Any]:
    try:
        yield data
    finally:
        obs.obs_data_release(data)


def overlay_kind() -> str:
    """The kind of source that shows the overlay. A missing kind can still be created, but it has no display name."""
    return BROWSER if obs.obs_source_get_display_name(BROWSER) is not None else IMAGE


@contextlib.contextmanager
def our_sources(kind: str) -> Iterator[List[Any]]:
    """The sources that show the overlay: those with our mark, whatever they are called. Not one that was removed, which
    OBS keeps as long as somebody holds it, and takes into no scene."""
    every = obs.obs_enum_sources() or []
    try:
        ours = []
        for source in every:
            if obs.obs_source_get_unversioned_id(source) == kind and not obs.obs_source_removed(source):
                with _released(obs.obs_source_get_settings(source)) as data:
                    if obs.obs_data_get_bool(data, core.MARK):
                        ours.append(source)
        yield ours
    finally:
        obs.source_list_release(every)


@contextlib.contextmanager
def current_scene() -> Iterator[Any]:
    """The scene being edited: in studio mode the preview, so that nothing jumps onto the broadcast."""
    if obs.obs_frontend_preview_program_mode_active():
        scene = obs.obs_frontend_get_current_preview_scene()
    else:
        scene = obs.obs_frontend_get_current_scene()
    try:
        yield scene
    finally:
        obs.obs_source_release(scene)


@contextlib.contextmanager
def new_source(kind: str, settings: core.Settings) -> Iterator[Any]:
    """A new source with our mark, for the overlay; its address has no key yet."""
    wanted: Dict[str, Any] = {core.MARK: True}
    if kind == BROWSER:
        changes, last = page.wanted(settings, {"url": "", "width": 0, "height": 0}, {}, with_key=False)
        wanted.update(changes, **{_LAST: json.dumps(last)})
    with _released(obs.obs_data_create_from_json(json.dumps(wanted))) as data:
        source = obs.obs_source_create(kind, _free_name(), data, None)
    try:
        yield source
    finally:
        obs.obs_source_release(source)


def _free_name() -> str:
    """``Moodcast``, or with a number where a scene or another source is called so."""
    name, number = _NAME, 1
    while True:
        source = obs.obs_get_source_by_name(name)
        if source is None:
            return name
        obs.obs_source_release(source)
        number += 1
        name = f"{_NAME} {number}"


def show_page(source: Any, settings: core.Settings, with_key: bool) -> None:
    """Give a browser source its address and size. Any change but the size reloads the page: only where they differ.

    An address with a key is set as a default, which OBS doesn't save: the scene collection never has the key.
    """
    with _released(obs.obs_source_get_settings(source)) as data:
        found = _page_of(data)
        text = obs.obs_data_get_string(data, _LAST)
        last = core.answer_of(text.encode()) if text else None
        wanted, remembered = page.wanted(settings, found, last, with_key)
        if remembered != last:
            obs.obs_data_set_string(data, _LAST, json.dumps(remembered))
        to_hide = with_key and (found["url"] != wanted["url"] or obs.obs_data_has_user_value(data, "url"))
        if to_hide:
            obs.obs_data_unset_user_value(data, "url")
            obs.obs_data_set_default_string(data, "url", wanted["url"])
    if found != wanted or to_hide:
        _update(source, {name: value for name, value in wanted.items() if name != "url" or not with_key})


def show_elsewhere(source: Any, settings: core.Settings) -> None:
    """Have a browser source load the overlay from another place for a while; its size and options stay."""
    with _released(obs.obs_source_get_settings(source)) as data:
        found = _page_of(data)
    _update(source, {"url": core.overlay_url(settings, found["url"])})


def _page_of(data: Any) -> Dict[str, Any]:
    width, height = (obs.obs_data_get_int(data, name) for name in ("width", "height"))
    return {"url": obs.obs_data_get_string(data, "url"), "width": width, "height": height}


def _update(source: Any, values: Dict[str, Any]) -> None:
    with _released(obs.obs_data_create_from_json(json.dumps(values))) as changes:
        obs.obs_source_update(source, changes)


def push(source: Any, message: core.Message) -> bool:
    """Dispatch a message as an event on the page; False where this OBS has no such procedure (before 29.1)."""
    data = obs.calldata_create()
    try:
        obs.calldata_set_string(data, "eventName", _EVENT)
        obs.calldata_set_string(data, "jsonString", message.text)
        return bool(obs.proc_handler_call(obs.obs_source_get_proc_handler(source), "javascript_event", data))
    finally:
        obs.calldata_destroy(data)


def press(source: Any, button: str) -> None:
    """Press a button of a source's properties. On any thread: the browser source leaves the work to one of its own."""
    properties = obs.obs_source_properties(source)
    try:
        obs.obs_property_button_clicked(obs.obs_properties_get(properties, button), source)
    finally:
        obs.obs_properties_destroy(properties)


def show_picture(source: Any, picture: Optional[Path]) -> None:
    """Show a file in an image source, or nothing.

    The path is set as a default: OBS doesn't save defaults, so a scene collection never names a file that is gone, and
    OBS never asks for missing files when it starts.
    """
    path = str(picture or "")
    with _released(obs.obs_source_get_settings(source)) as data:
        if obs.obs_data_get_string(data, "file") == path:
            return
        obs.obs_data_unset_user_value(data, "file")
        obs.obs_data_set_default_string(data, "file", path)
    obs.obs_source_update(source, None)


def sides() -> Dict[str, Tuple[int, int]]:
    """Least and greatest width and height of the overlay."""
    return core.PAGE_SIDES if overlay_kind() == BROWSER else core.PICTURE_SIDES


def canvas() -> Tuple[int, int]:
    """Width and height of what OBS broadcasts, before it is scaled."""
    video = obs.obs_video_info()
    return (video.base_width, video.base_height) if obs.obs_get_video_info(video) else (1920, 1080)


def usual_size() -> Tuple[int, int]:
    """Width and height of an overlay that covers the canvas, as large as this kind of source can be."""
    return core.fitted(*canvas(), (sides()["width"][1], sides()["height"][1]))


def place(scene: Any, source: Any, settings: core.Settings) -> bool:
    """Put the overlay into a scene, locked, so that it takes no clicks meant for what lies below; whether OBS took it.

    One for the whole canvas that is smaller than that, as the relay draws no larger, is scaled to it.
    """
    item = obs.obs_scene_add(scene, source)
    if item is None:
        return False
    obs.obs_sceneitem_set_locked(item, True)
    size = (settings.width, settings.height)
    if size == usual_size() != canvas():
        bounds = obs.vec2()
        bounds.x, bounds.y = canvas()
        obs.obs_sceneitem_set_bounds(item, bounds)
        obs.obs_sceneitem_set_bounds_alignment(item, _CENTER)
        obs.obs_sceneitem_set_bounds_type(item, obs.OBS_BOUNDS_SCALE_INNER)
    return True


@contextlib.contextmanager
def every_scene() -> Iterator[List[Any]]:
    """The sources of all scenes; on OBS's UI thread alone."""
    scenes = obs.obs_frontend_get_scenes() or []
    try:
        yield scenes
    finally:
        obs.source_list_release(scenes)


def scene_names() -> List[str]:
    """The names of all scenes; on OBS's UI thread alone, as its list lives there."""
    with every_scene() as scenes:
        return [obs.obs_source_get_name(scene) for scene in scenes]


def program_scene() -> str:
    """The name of the scene that viewers see; empty where there is none."""
    scene = obs.obs_frontend_get_current_scene()
    try:
        return obs.obs_source_get_name(scene) or "" if scene is not None else ""
    finally:
        obs.obs_source_release(scene)


def toggle(kind: str, scenes: List[str]) -> str:
    """Hide the overlay in these scenes, or show it again where it was hidden so; returns what happened.

    The items are hidden, not the source: then the eye beside each shows it, and whoever has lost the hotkey can click
    there. Which were hidden is saved with the scene collection: one that the streamer hid by hand stays hidden.
    """
    with our_sources(kind) as ours:
        names = {obs.obs_source_get_name(source) for source in ours}
    found = 0
    with contextlib.ExitStack() as held:
        items = []
        for scene in scenes:
            source = obs.obs_get_source_by_name(scene)
            if source is not None:
                held.callback(obs.obs_source_release, source)
                items += _items(obs.obs_scene_from_source(source), names, held)
        found = len(items)
        shown = [item for item in items if obs.obs_sceneitem_visible(item)]
        hidden = [item for item in items if _hidden(item)] or items
        for item in shown or hidden:
            _hide(item, bool(shown))
    if not found:
        return "No scene has the overlay."
    return "The overlay is hidden." if shown else "The overlay is shown."


def _items(scene: Any, names: Set[str], held: contextlib.ExitStack) -> List[Any]:
    """The scene's items of these sources, also those in groups; usable as long as ``held`` is."""
    if scene is None:
        return []
    every = obs.obs_scene_enum_items(scene) or []
    held.callback(obs.sceneitem_list_release, every)
    items = []
    for item in every:
        if obs.obs_sceneitem_is_group(item):
            items += _items(obs.obs_sceneitem_group_get_scene(item), names, held)
        elif obs.obs_source_get_name(obs.obs_sceneitem_get_source(item)) in names:
            items.append(item)
    return items


def _hidden(item: Any) -> bool:
    with _released(obs.obs_sceneitem_get_private_settings(item)) as data:
        return bool(obs.obs_data_get_bool(data, _HIDDEN))


def _hide(item: Any, hidden: bool) -> None:
    obs.obs_sceneitem_set_visible(item, not hidden)
    with _released(obs.obs_sceneitem_get_private_settings(item)) as data:
        obs.obs_data_set_bool(data, _HIDDEN, hidden)
