"""The part of Moodcast's OBS script that makes the relay's session follow the broadcast, and its scenes markers.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import collections
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Deque, List, Optional, Set, Tuple

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_broadcast as broadcast
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_sources as sources
    from obs_plugin.moodcast_parts import Part
    from obs_plugin.moodcast_requests import Answer, Requests
else:
    import moodcast_broadcast as broadcast  # OBS puts this file's folder on the path
    import moodcast_core as core
    import moodcast_sources as sources
    from moodcast_parts import Part
    from moodcast_requests import Requests

_MARKER_S = 5.0  # a marker that reaches the relay later marks another moment
_NOTE_S = 10.0
_BEGUN = {obs.OBS_FRONTEND_EVENT_STREAMING_STARTED: "stream", obs.OBS_FRONTEND_EVENT_RECORDING_STARTED: "recording"}
_OVER = {obs.OBS_FRONTEND_EVENT_STREAMING_STOPPED: "stream", obs.OBS_FRONTEND_EVENT_RECORDING_STOPPED: "recording"}


class Show(Part):
    """Tells the relay, with the admin key, whether a broadcast runs. Without that key it tells nothing.

    Args:
        settings: asked for those that the script follows now.
    """

    def __init__(self, settings: Callable[[], core.Settings]) -> None:
        self._wanted = settings
        self._settings: Optional[core.Settings] = None
        self._requests: Optional[Requests] = None
        self._threads: List[threading.Thread] = []
        self._broadcast = broadcast.Broadcast()
        self._scenes = broadcast.Scenes()
        self._outputs: Set[str] = set()
        self._happened: Deque[Tuple[bool, str]] = collections.deque(maxlen=64)  # on the UI thread, for the tick
        self._note = ("", 0.0)

    def load(self, data: Any) -> None:
        if obs.obs_frontend_streaming_active():
            self._outputs.add("stream")
        if obs.obs_frontend_recording_active():
            self._outputs.add("recording")
        self._happened.append((bool(self._outputs), ""))  # while OBS loads a collection, no scene is shown

    def frontend_event(self, event: int) -> None:
        if event in _BEGUN:
            self._outputs.add(_BEGUN[event])
        elif event in _OVER:
            self._outputs.discard(_OVER[event])
        elif event != obs.OBS_FRONTEND_EVENT_SCENE_CHANGED:
            return
        self._happened.append((bool(self._outputs), sources.program_scene()))

    def tick(self, now: float, messages: List[core.Message]) -> None:
        settings = self._wanted()
        if settings != self._settings:
            self._follow(settings)
        while self._happened:
            self._take(*self._happened.popleft())
        for message in messages:
            if message.kind == "status":
                self._broadcast.status(core.state_of(message.fields))
        if self._requests is None:
            return
        for answer in self._requests.take():
            self._answered(answer, now)
        state = self._broadcast.step(now)
        if state is not None:
            self._requests.put("session", {"state": state}, broadcast.RENEW_S)
        text = self._scenes.due(now) if self._broadcast.follows else ""
        if text:
            self._requests.post("markers", {"text": text}, _MARKER_S)

    def _follow(self, settings: core.Settings) -> None:
        """Other settings: what the relay has said so far was said of another channel."""
        self._settings = settings
        if self._requests is not None:
            self._requests.stop()
        self._requests = Requests(settings) if settings.admin and not settings.problem() else None
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads += [self._requests.thread] if self._requests is not None else []
        running, self._broadcast = self._broadcast.running, broadcast.Broadcast()
        self._broadcast.run(running)

    def _take(self, running: bool, scene: str) -> None:
        if running and self._broadcast.running:
            self._scenes.change(scene)
        else:
            self._scenes.begin(scene)
        self._broadcast.run(running)

    def _answered(self, answer: Answer, now: float) -> None:
        if answer.request.what != "session":
            done, failed = f'Marked "{answer.request.body["text"]}".', f"Not marked. {answer.refused}"
            self._say(failed if answer.refused else done)
        elif not answer.refused:
            self._broadcast.answered(core.state_of(answer.fields), now)
        elif now >= answer.request.until:
            self._broadcast.lost()
        else:
            self._broadcast.refuse(answer.refused, now)

    def _say(self, sentence: str) -> None:
        self._note = (sentence, time.monotonic())

    # --- what hotkeys and buttons do ---

    def pause(self) -> str:
        """Pause collecting, or go on; returns what happens, or what stands in the way."""
        if self._requests is None:
            return "Pausing takes the channel's admin key."
        self._broadcast.pause()
        return "Collecting pauses." if self._broadcast.paused else "Collecting goes on."

    def mark(self) -> str:
        """Mark this moment; returns what stands in the way."""
        if self._requests is None:
            return "Marking a moment takes the channel's admin key."
        self._requests.post("markers", {"text": time.strftime("Marked at %H:%M:%S")}, _MARKER_S)
        return ""

    def lines(self) -> List[str]:
        sentence, since = self._note
        lines = [sentence] if time.monotonic() - since < _NOTE_S else []
        if self._requests is None:
            return lines
        if self._broadcast.refused:
            return [f"The session does not follow the broadcast. {self._broadcast.refused}", *lines]
        if self._broadcast.paused:
            return ["Paused: nothing is counted or stored until you go on.", *lines]
        return ["The session follows the broadcast.", *lines] if self._broadcast.follows else lines

    def stop(self) -> List[threading.Thread]:
        if self._requests is not None:
            self._requests.stop()
        return self._threads
