"""Moodcast for OBS Studio: the audience's mood on the broadcast. Load this file under Tools > Scripts (docs/obs.md).

OBS calls everything here, on its UI thread (load, settings, buttons) or in one timer on its graphics thread; the
threads of ``moodcast_link`` only leave things to be taken. So nothing here waits for the network, but the unloading.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_link
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_link

    # OBS's "reload scripts" runs this file anew, but not what it imports.
    importlib.reload(core)
    importlib.reload(moodcast_link)

NAME = "Moodcast"
EVENT = "moodcast"  # a constant: OBS puts the event's name into the page's JavaScript as it is
MARK = "moodcast"  # in the settings of the sources made here, so that a renamed one is still found
BROWSER, IMAGE = "browser_source", "image_source"
TIMER_MS = 50
DEBOUNCE_S = 1.0
LOOK_S = 1.0
CLOSE_S = 0.4  # for all threads together: OBS stands still meanwhile

DESCRIPTION = "<b>Moodcast</b>: a mood bar of the expressions that your viewers share."


class Script:
    """All that lives between two calls of OBS. Made in ``script_load``: OBS loads anew for each scene collection."""

    def __init__(self) -> None:
        self.settings = core.Settings.entered("", "", "", 0, 0)  # as they are typed
        self._rested = self.settings  # what link and pages follow
        self.link: Optional[moodcast_link.Link] = None
        self.note = ""  # what the last button did
        self.kind = overlay_kind()
        self.pushes: Optional[bool] = None  # whether this OBS hands events to pages; None until tried
        self._doubt = core.PageDoubt()
        self._folder = Path(tempfile.mkdtemp(prefix="moodcast-")) if self.kind == IMAGE else None  # mode 0700
        self._links: List[moodcast_link.Link] = []
        self._changed: Optional[float] = None
        self._looked = 0.0
        self._logged: List[str] = []
        self._shown: Optional[Path] = None
        self._sources = 0

    def update(self, settings: core.Settings) -> None:
        """New settings. They come with every key typed, so link and pages wait until they rest."""
        if settings != self.settings:
            self.settings, self._changed = settings, time.monotonic()

    def connect(self) -> None:
        """Follow the current settings and nothing else. A link that was refused gets a new chance."""
        self._changed = None
        wanted = self._rested = self.settings
        if self.kind == BROWSER:
            wanted = wanted._replace(width=0, height=0)  # only pictures are fetched in a size
        if self.link is not None:
            if self.link.settings == wanted and self.link.state != "refused":
                return
            self.link.stop()
        self._links = [link for link in self._links if not link.join(0)]
        self.link = None
        if not self.settings.problem():
            self.link = moodcast_link.Link(wanted, self._folder)
            self._links.append(self.link)

    def close(self) -> None:
        """Stop the threads, and take picture and files away."""
        for link in self._links:
            link.stop()
        if self.kind == IMAGE:
            with our_sources(IMAGE) as sources:
                for source in sources:
                    show_picture(source, None)
        until = time.monotonic() + CLOSE_S
        for link in self._links:
            link.join(max(0.0, until - time.monotonic()))
        if self._folder is not None:
            shutil.rmtree(str(self._folder), ignore_errors=True)

    def tick(self) -> None:
        """Hand over what the link has brought, and look after the sources, which the streamer may change."""
        now = time.monotonic()
        if self._changed is not None and now - self._changed >= DEBOUNCE_S:
            self.connect()
        messages = self.link.take() if self.link is not None else []
        picture = self.link.picture() if self.link is not None else None
        look = now - self._looked >= LOOK_S
        again = self.kind == BROWSER and self._page_failed()
        if messages or look or again or picture != self._shown:
            self._shown = picture
            with our_sources(self.kind) as sources:
                self._sources = len(sources)
                for source in sources:
                    if again:
                        press(source, "refreshnocache")
                    self._serve(source, messages, picture)
        if look:
            self._looked = now
            self._log()

    def _serve(self, source: Any, messages: List[core.Message], picture: Optional[Path]) -> None:
        if self.kind == IMAGE:
            show_picture(source, picture)
        elif not self._rested.problem():
            show_page(source, self._rested, with_key=self.pushes is False)
            for message in messages:
                if self.pushes is not False:
                    self.pushes = push(source, message)

    def _page_failed(self) -> bool:
        """True once, when the relay is there for the first time and was not when the page was loaded."""
        if self.link is None:
            return False
        return self._doubt.settle(core.overlay_url(self.link.settings), self.link.state)

    def _log(self) -> None:
        """What is new, at LOG_INFO whatever it is: from LOG_WARNING on, OBS raises its Script Log over the game, and
        the keys that the streamer types go there."""
        sentences = [self.limits(), self._measuring(), self._connection() if self.link is not None else ""]
        lines = [core.plain(sentence) for sentence in sentences if sentence]
        for line in lines:
            if line not in self._logged:
                obs.script_log(obs.LOG_INFO, line)
        self._logged = lines

    # --- what the streamer reads ---

    def status(self) -> str:
        """The sentences of the status line."""
        lines = [self.note, self._measuring(), self._connection() + self._audience()]
        if not self.settings.problem() and not self._sources:
            lines.append('No scene has the overlay yet: press "Add overlay to current scene".')
        return "\n".join(core.plain(line) for line in lines if line)

    def healthy(self) -> bool:
        return self.link is not None and self.link.state == "connected" and not self.link.picture_problem

    def limits(self) -> str:
        """What this OBS can't do, and what happens instead; empty where it can do everything."""
        if self.kind == IMAGE:
            return (
                "This OBS has no browser sources (the one from obsproject.com does). The overlay is a picture instead, "
                "new up to five times a second."
            )
        if self.pushes is False:
            return (
                f"This OBS ({obs.obs_get_version_string()}) can't hand events to a browser source, that takes OBS 29.1 "
                "or newer. The page fetches them by itself, with the display key in the source's address."
            )
        return ""

    def _connection(self) -> str:
        if self.link is None:
            return self.settings.problem() or "Connecting."
        return (self.link.state == "connected" and self.link.picture_problem) or self.link.sentence

    def _measuring(self) -> str:
        return self.link.measuring if self.link is not None else ""

    def _audience(self) -> str:
        mood = self.link.mood if self.link is not None and self.healthy() else None
        sentence = core.audience(mood) if mood is not None else ""
        return f" {sentence}" if sentence else ""

    # --- what the buttons do ---

    def add(self) -> str:
        """Put the overlay into the scene that the streamer works on; returns what happened."""
        if self.settings.problem():
            return self.settings.problem()
        with current_scene() as scene_source:
            if scene_source is None:
                return "There is no current scene to add the overlay to."
            scene = obs.obs_scene_from_source(scene_source)
            place = f'scene "{obs.obs_source_get_name(scene_source)}"'
            refused = f"OBS did not take the overlay into {place}: try it once more, or in another scene."
            with our_sources(self.kind) as sources:
                for source in sources:
                    item = obs.obs_scene_find_source_recursive(scene, obs.obs_source_get_name(source))
                    if item is not None:
                        obs.obs_sceneitem_set_visible(item, True)
                        return f"The overlay is in {place} already."
                if sources:
                    if obs.obs_scene_add(scene, sources[0]) is None:
                        return refused
                    return f"Added the overlay to {place}; it is the same one as in your other scenes."
            with self._new_source() as source:
                if obs.obs_scene_add(scene, source) is None:
                    return refused
                self._doubt = core.PageDoubt()  # a new page, which may find no relay
                self._page_failed()  # looked at now: the next tick may come after the relay has gone
                self._serve(source, [], self._shown)
            self._sources = 1
            return f"Added the overlay to {place}. Move and scale it there."

    def test(self) -> str:
        """Show a reaction without viewers; returns what happened."""
        if self.settings.problem():
            return self.settings.problem()
        if not self._sources:
            return 'Add the overlay first: press "Add overlay to current scene".'
        if self.pushes is False:
            return "No test reaction: this OBS can't hand events to the page."
        if self.kind == IMAGE:
            if self.link is None or not self.healthy():
                return "No test reaction: the relay draws it, and no picture comes from there."
            self.link.test()
            return "Sent a test reaction to the overlay."
        message = core.test_reaction(time.time())
        with our_sources(self.kind) as sources:
            self.pushes = all([push(source, message) for source in sources])  # noqa: C419 (each gets it)
        return "Sent a test reaction to the overlay." if self.pushes else self.limits()

    def measure(self) -> str:
        """Show a countdown that measures the viewers' delay; returns what happens."""
        if self.settings.problem():
            return self.settings.problem()
        if not self._sources:
            return 'Add the overlay first: press "Add overlay to current scene".'
        if self.link is None or self.link.state != "connected":
            return "No countdown: the relay isn't connected."
        self.link.measure()
        return ""

    @contextlib.contextmanager
    def _new_source(self) -> Iterator[Any]:
        wanted: Dict[str, Any] = {MARK: True}
        if self.kind == BROWSER:
            wanted.update(page(self.settings, "", with_key=self.pushes is False))
        with released(obs.obs_data_create_from_json(json.dumps(wanted))) as data:
            source = obs.obs_source_create(self.kind, free_name(), data, None)
        try:
            yield source
        finally:
            obs.obs_source_release(source)


# --- OBS's objects, each released -------------------------------------------------------------------------------------


@contextlib.contextmanager
def released(data: Any) -> Iterator[Any]:
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
                with released(obs.obs_source_get_settings(source)) as data:
                    if obs.obs_data_get_bool(data, MARK):
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


def free_name() -> str:
    """``Moodcast``, or with a number where a scene or another source is called so."""
    name, number = NAME, 1
    while True:
        source = obs.obs_get_source_by_name(name)
        if source is None:
            return name
        obs.obs_source_release(source)
        number += 1
        name = f"{NAME} {number}"


def page(settings: core.Settings, current: str, with_key: bool) -> Dict[str, Any]:
    """A browser source's settings for the overlay. ``current`` is its address so far."""
    url = core.overlay_url(settings, current, with_key)
    return {"url": url, "width": settings.width, "height": settings.height}


def show_page(source: Any, settings: core.Settings, with_key: bool) -> None:
    """Give a browser source its address and size. Any change but the size reloads the page: only where they differ."""
    with released(obs.obs_source_get_settings(source)) as data:
        width, height = (obs.obs_data_get_int(data, name) for name in ("width", "height"))
        found: Dict[str, Any] = {"url": obs.obs_data_get_string(data, "url"), "width": width, "height": height}
    wanted = page(settings, found["url"], with_key)
    if found != wanted:
        with released(obs.obs_data_create_from_json(json.dumps(wanted))) as changes:
            obs.obs_source_update(source, changes)


def push(source: Any, message: core.Message) -> bool:
    """Dispatch a message as an event on the page; False where this OBS has no such procedure (before 29.1)."""
    data = obs.calldata_create()
    try:
        obs.calldata_set_string(data, "eventName", EVENT)
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
    with released(obs.obs_source_get_settings(source)) as data:
        if obs.obs_data_get_string(data, "file") == path:
            return
        obs.obs_data_unset_user_value(data, "file")
        obs.obs_data_set_default_string(data, "file", path)
    obs.obs_source_update(source, None)


# --- what OBS calls ---------------------------------------------------------------------------------------------------

script: Optional[Script] = None


def script_description() -> str:
    return DESCRIPTION


def script_defaults(data: Any) -> None:
    video = obs.obs_video_info()
    known = obs.obs_get_video_info(video)
    canvas = {"width": video.base_width if known else 1920, "height": video.base_height if known else 1080}
    obs.obs_data_set_default_string(data, "relay", "http://127.0.0.1:8765")
    for name, (_, most) in sides().items():
        obs.obs_data_set_default_int(data, name, min(canvas[name], most))


def sides() -> Dict[str, Tuple[int, int]]:
    """Least and greatest width and height of the overlay."""
    return core.PAGE_SIDES if overlay_kind() == BROWSER else core.PICTURE_SIDES


def script_properties() -> Any:
    properties = obs.obs_properties_create()
    obs.obs_properties_add_text(properties, "status", "", obs.OBS_TEXT_INFO)
    obs.obs_properties_add_button(properties, "refresh", "Refresh status", on_refresh)
    obs.obs_properties_add_text(properties, "relay", "Relay", obs.OBS_TEXT_DEFAULT)
    obs.obs_properties_add_text(properties, "channel", "Channel", obs.OBS_TEXT_DEFAULT)
    obs.obs_properties_add_text(properties, "key", "Display key", obs.OBS_TEXT_PASSWORD)
    obs.obs_properties_add_button(properties, "add", "Add overlay to current scene", on_add)
    obs.obs_properties_add_button(properties, "test", "Send test reaction", on_test)
    obs.obs_properties_add_button(properties, "measure", "Measure viewers' delay", on_measure)
    for name, limits in sides().items():
        obs.obs_properties_add_int(properties, name, "Overlay " + name, *limits, 1)
    obs.obs_properties_add_text(properties, "limits", "", obs.OBS_TEXT_INFO)
    answer(properties, "")
    return properties


def on_refresh(properties: Any, button: Any) -> bool:
    drawn = answer(properties, "")
    if script is not None:
        script.connect()  # whoever asks may have mended something; the next answer tells
    return drawn


def on_add(properties: Any, button: Any) -> bool:
    return answer(properties, script.add() if script is not None else "")


def on_test(properties: Any, button: Any) -> bool:
    return answer(properties, script.test() if script is not None else "")


def on_measure(properties: Any, button: Any) -> bool:
    return answer(properties, script.measure() if script is not None else "")


def answer(properties: Any, note: str) -> bool:
    """Show what a button did; True makes OBS draw the properties anew."""
    if script is not None:
        script.note = note
        status, limits = (obs.obs_properties_get(properties, name) for name in ("status", "limits"))
        obs.obs_property_set_description(status, script.status())
        obs.obs_property_text_set_info_type(
            status, obs.OBS_TEXT_INFO_NORMAL if script.healthy() else obs.OBS_TEXT_INFO_WARNING
        )
        obs.obs_property_set_description(limits, script.limits())
        obs.obs_property_set_visible(limits, bool(script.limits()))
    return True


def script_load(data: Any) -> None:
    global script
    script = Script()
    script.update(read(data))
    script.connect()
    obs.timer_add(on_timer, TIMER_MS)


def script_update(data: Any) -> None:
    if script is not None:
        script.update(read(data))


def read(data: Any) -> core.Settings:
    relay, channel, key = (obs.obs_data_get_string(data, name) for name in ("relay", "channel", "key"))
    width, height = (obs.obs_data_get_int(data, name) for name in ("width", "height"))
    return core.Settings.entered(relay, channel, key, width, height)


def on_timer() -> None:
    if script is not None:
        script.tick()


def script_unload() -> None:
    global script
    obs.timer_remove(on_timer)
    if script is not None:
        script.close()
        script = None
