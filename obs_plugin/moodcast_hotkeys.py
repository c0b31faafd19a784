"""The hotkeys of Moodcast's OBS script: registered, saved and restored, and what each does.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import collections
import contextlib
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_sources as sources
    from obs_plugin.moodcast_parts import Part
    from obs_plugin.moodcast_texts import say
else:
    import moodcast_sources as sources  # OBS puts this file's folder on the path
    from moodcast_parts import Part
    from moodcast_texts import say

_LABELS = {
    "moodcast_overlay": "Moodcast: show or hide the overlay",
    "moodcast_pause": "Moodcast: pause collecting, or go on",
    "moodcast_mark": "Moodcast: mark this moment",
    "moodcast_save": "Moodcast: save this moment",
    "moodcast_countdown": "Moodcast: measure viewers' delay",
}
_NOTE_S = 10.0
_MOST_PRESSED = 16  # whoever presses faster than OBS draws means no more than this
_SCENES_CHANGED = (
    obs.OBS_FRONTEND_EVENT_FINISHED_LOADING,
    obs.OBS_FRONTEND_EVENT_SCENE_LIST_CHANGED,
    obs.OBS_FRONTEND_EVENT_SCENE_COLLECTION_CHANGED,
)


class Hotkeys(Part):
    """OBS calls hotkeys on a thread of their own: there they are only put down, and the tick does what they ask for.

    Args:
        kind: of the overlay's sources.
        pause, mark, save, countdown: what these hotkeys do; each returns a sentence for the streamer, or nothing.
    """

    def __init__(
        self,
        kind: str,
        pause: Callable[[], str],
        mark: Callable[[], str],
        save: Callable[[], str],
        countdown: Callable[[], str],
    ) -> None:
        self._actions: Dict[str, Callable[[], str]] = {
            "moodcast_overlay": lambda: sources.toggle(kind, self._scenes),
            "moodcast_pause": pause,
            "moodcast_mark": mark,
            "moodcast_save": save,
            "moodcast_countdown": countdown,
        }
        self._pressed: Deque[str] = collections.deque(maxlen=_MOST_PRESSED)
        self._numbers: Dict[str, int] = {}
        self._callbacks: List[Callable[[bool], None]] = []
        self._scenes: List[str] = []
        self._now = 0.0
        self._note, self._noted = "", 0.0

    def load(self, data: Any) -> None:
        self._scenes = sources.scene_names()
        for name, label in _LABELS.items():
            self._callbacks.append(self._callback(name))
            self._numbers[name] = obs.obs_hotkey_register_frontend(name, say(label), self._callbacks[-1])
            keys = obs.obs_data_get_array(data, name)
            obs.obs_hotkey_load(self._numbers[name], keys)
            obs.obs_data_array_release(keys)

    def _callback(self, name: str) -> Callable[[bool], None]:
        names = self._pressed  # not all of ``self``: OBS never lets go of the callback, nor of what it holds

        def pressed(down: bool) -> None:  # OBS takes plain functions alone
            if down:
                names.append(name)

        return pressed

    def frontend_event(self, event: int) -> None:
        if event in _SCENES_CHANGED:
            self._scenes = sources.scene_names()

    def tick(self, now: float, messages: List[core.Message]) -> None:
        self._now = now
        while self._pressed:
            self._note, self._noted = self._actions[self._pressed.popleft()](), now

    def save(self, data: Any) -> None:
        for name, number in self._numbers.items():
            keys = obs.obs_hotkey_save(number)
            obs.obs_data_set_array(data, name, keys)
            obs.obs_data_array_release(keys)

    def lines(self) -> List[str]:
        return [self._note] if self._note and self._now - self._noted < _NOTE_S else []

    def close(self) -> None:
        # While the script waited for its threads, OBS may have run another one, and knows of no active script after
        # that. The hotkeys go with the script all the same.
        with contextlib.suppress(RuntimeError):
            for callback in self._callbacks:
                obs.obs_hotkey_unregister(callback)
