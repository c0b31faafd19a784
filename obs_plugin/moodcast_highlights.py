"""Highlights: what the audience reacted to is saved by itself, as the streamer chose.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import collections
import math
import threading
import time
import types
from typing import TYPE_CHECKING, Any, Callable, Deque, List, NamedTuple, Optional, Tuple

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_clips as clips
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_lists
    from obs_plugin.moodcast_parts import Part
    from obs_plugin.moodcast_texts import say
else:
    import moodcast_clips as clips  # OBS puts this file's folder on the path
    import moodcast_core as core
    import moodcast_lists
    from moodcast_parts import Part
    from moodcast_texts import say

_PREFIX = "highlights_"
_LISTS, _REPLAY, _START, _CHAPTER = (_PREFIX + name for name in ("lists", "replay", "start", "chapter"))
_LEAST, _COOLDOWN = _PREFIX + "least", _PREFIX + "cooldown"
_COOLDOWN_S = 30
_MEASURED_S = 10.0  # of the beginning of a recording, see clips.Recording
_LOOK_S = 0.5  # from one look for a new file to the next
_SAVED_WITHIN_S = 15.0
_NOT_ENABLED = "No replay: the replay buffer is not enabled in OBS. Tick it under Settings, Output, Replay Buffer."

# Whether the replay buffer was started here. Kept across a reload of this module: a switch of the scene collection in
# mid-broadcast neither stops the replay buffer nor forgets to stop it later.
_kept: Any = globals().get("_kept") or types.SimpleNamespace(ours=False)


def _name(kind: str, name: str) -> str:
    return f"{_PREFIX}{kind}_{name}"


def defaults(data: Any) -> None:
    """What is chosen before the streamer has: lists alone, which start and change nothing in OBS."""
    obs.obs_data_set_default_bool(data, _LISTS, True)
    obs.obs_data_set_default_int(data, _LEAST, 0)
    obs.obs_data_set_default_int(data, _COOLDOWN, _COOLDOWN_S)
    for key in clips.LABELS:
        obs.obs_data_set_default_bool(data, _name(*key), True)


def properties(fields: Any) -> None:
    """Add the group "Highlights" to the dialog."""
    group = obs.obs_properties_create()
    obs.obs_properties_add_bool(group, _LISTS, say("List them beside the recording (.csv, and chapters as .txt)"))
    obs.obs_properties_add_bool(group, _REPLAY, say("Save the replay buffer"))
    obs.obs_properties_add_bool(group, _START, say("Start the replay buffer with the stream or recording"))
    if hasattr(obs, "obs_frontend_recording_add_chapter"):
        obs.obs_properties_add_bool(group, _CHAPTER, say("Chapter markers (Hybrid MP4 recordings)"))
    obs.obs_properties_add_int(group, _COOLDOWN, say("Seconds between two"), int(clips.LEAST_COOLDOWN_S), 3600, 1)
    obs.obs_properties_add_int_slider(group, _LEAST, say("Least rise of the audience, %"), 0, 100, 1)
    for key, label in clips.LABELS.items():
        obs.obs_properties_add_bool(group, _name(*key), say(label))
    obs.obs_properties_add_group(fields, _PREFIX + "group", say("Highlights"), obs.OBS_GROUP_NORMAL, group)


class _Wishes(NamedTuple):
    """What the streamer chose."""

    lists: bool
    replay: bool
    start: bool
    chapter: bool
    choice: clips.Choice

    @classmethod
    def read(cls, data: Any) -> _Wishes:
        lists, replay, start, chapter = (
            obs.obs_data_get_bool(data, name) for name in (_LISTS, _REPLAY, _START, _CHAPTER)
        )
        wanted = frozenset(key for key in clips.LABELS if obs.obs_data_get_bool(data, _name(*key)))
        least, cooldown = (obs.obs_data_get_int(data, name) for name in (_LEAST, _COOLDOWN))
        return cls(lists, replay, start, chapter, clips.Choice(wanted, least / 100, cooldown))


class Highlights(Part):
    """Takes the relay's moments, and the streamer's own (``save_now``)."""

    def __init__(self) -> None:
        self._wishes: Optional[_Wishes] = None
        self._lists = moodcast_lists.Lists()
        self._events: Deque[Tuple[int, float]] = collections.deque(maxlen=1000)  # of the UI thread, for the tick
        self._asked: Deque[float] = collections.deque(maxlen=100)
        self._recording: Optional[clips.Recording] = None
        self._ended: Optional[clips.Recording] = None  # what viewers saw late may lie in the one before
        self._last = -math.inf
        self._looked = 0.0
        self._began = 0.0
        self._encoder = clips.Encoder()
        self._first: Optional[Tuple[Callable[[], Any], float]] = None  # stream or replay that it began with, and when
        self._splits = False
        self._save_at: Optional[float] = None
        self._saved_by: Optional[float] = None  # when OBS should have saved
        self._replay_since: Optional[float] = None
        self._broadcasting = False
        self._said = ["", ""]  # the last highlight; what became of the replay or chapter

    # --- what OBS and the other parts call ---

    def load(self, data: Any) -> None:
        self.update(data)
        if obs.obs_frontend_replay_buffer_active():
            self._replay_since = -math.inf
        else:
            _kept.ours = False
        if obs.obs_frontend_recording_active():
            self._join()

    def update(self, data: Any) -> None:
        self._wishes = _Wishes.read(data)

    def frontend_event(self, event: int) -> None:
        self._events.append((event, time.monotonic()))

    def save_now(self) -> str:
        """The streamer wants this moment: no cooldown and no least rise. ``lines`` tell what comes of it."""
        self._asked.append(time.monotonic())
        return ""

    def tick(self, now: float, messages: List[core.Message]) -> None:
        wishes = self._wishes
        if wishes is None:
            return
        while self._events:
            self._happened(*self._events.popleft())
        self._measure(now)
        self._keep_replay(wishes, now)
        for message in messages:
            moment = clips.moment_of(message.fields) if message.kind == "moment" else None
            if moment is not None and wishes.choice.takes(moment, now - self._last):
                self._last = now
                self._take(wishes, moment, now)
        while self._asked:
            asked = self._asked.popleft()
            self._take(wishes, clips.Moment(*clips.SAVED, 0.0, 0.0, max(0.0, now - asked)), now, own=True)
        self._replay(now)

    def lines(self) -> List[str]:
        return [line for line in (self._lists.problem, *reversed(self._said)) if line]

    def stop(self) -> List[threading.Thread]:
        self._lists.stop()
        return [self._lists.thread]

    def close(self) -> None:
        if _kept.ours and not _on_air() and obs.obs_frontend_replay_buffer_active():
            obs.obs_frontend_replay_buffer_stop()
        lost = self._lists.lost()
        if lost:
            obs.script_log(obs.LOG_INFO, f"{lost} lines of highlights could not be written. {self._lists.problem}")

    # --- the recording ---

    def _happened(self, event: int, now: float) -> None:
        recording = self._recording
        if event == obs.OBS_FRONTEND_EVENT_RECORDING_STARTED:
            fresh = not (obs.obs_frontend_streaming_active() or obs.obs_frontend_replay_buffer_active())
            if fresh:
                self._encoder, self._first = clips.Encoder(now), None
            path, self._splits = _output()
            self._recording = clips.Recording(path, now, self._encoder, fresh) if path else None
            self._began = now
        elif event == obs.OBS_FRONTEND_EVENT_RECORDING_PAUSED and recording is not None:
            recording.pause(now)
        elif event == obs.OBS_FRONTEND_EVENT_RECORDING_UNPAUSED and recording is not None:
            recording.unpause(now)
        elif event == obs.OBS_FRONTEND_EVENT_RECORDING_STOPPED and recording is not None:
            recording.end(now)
            self._recording, self._ended = None, recording
        elif event == obs.OBS_FRONTEND_EVENT_STREAMING_STARTED:
            if not (obs.obs_frontend_recording_active() or obs.obs_frontend_replay_buffer_active()):
                self._encoder, self._first = clips.Encoder(now), (obs.obs_frontend_get_streaming_output, now)
        elif event == obs.OBS_FRONTEND_EVENT_REPLAY_BUFFER_STARTED:
            self._replay_since = now
            if not (obs.obs_frontend_recording_active() or obs.obs_frontend_streaming_active()):
                self._encoder, self._first = clips.Encoder(now), (obs.obs_frontend_get_replay_buffer_output, now)
        elif event == obs.OBS_FRONTEND_EVENT_REPLAY_BUFFER_STOPPED:
            self._replay_since, _kept.ours = None, False
        elif event == obs.OBS_FRONTEND_EVENT_REPLAY_BUFFER_SAVED and self._saved_by is not None:
            self._saved_by = None

    def _join(self) -> None:
        """Loaded while OBS records: the pictures that the file has tell when it began."""
        path, self._splits = _output()
        if self._splits and _current_file() != path:
            self._said[1] = "The list of highlights begins with the next recording: this one was split before."
            return
        now = time.monotonic()
        self._recording, self._began = clips.Recording(path, now, self._encoder, fresh=False), now
        seconds = _seconds_of(obs.obs_frontend_get_recording_output)
        self._recording.frames(now, seconds)
        self._lists.resume(path, seconds)
        if obs.obs_frontend_recording_paused():
            self._recording.pause(now)

    def _measure(self, now: float) -> None:
        if self._first is not None:
            output, began = self._first
            self._encoder.frames(now, _seconds_of(output))
            if now - began >= _MEASURED_S:
                self._first = None
        if self._recording is None:
            return
        if now - self._began < _MEASURED_S:
            self._recording.frames(now, _seconds_of(obs.obs_frontend_get_recording_output))
        if self._splits and now - self._looked >= _LOOK_S:
            self._recording.split(_current_file(), now - min(_LOOK_S, now - self._looked) / 2)
            self._looked = now

    # --- a moment ---

    def _take(self, wishes: _Wishes, moment: clips.Moment, now: float, own: bool = False) -> None:
        self._said = [f"Highlight: {moment.label}.", ""]
        at = now - moment.ago
        books = [book for book in (self._recording, self._ended) if book is not None]
        place = next((found for found in (book.place(at) for book in books) if found is not None), None)
        if place is not None:
            self._said[0] = f"Highlight: {moment.label} at {clips.time_code(place.seconds)} of the recording."
            if wishes.lists:
                self._lists.add(place.path, moment, place.seconds, time.time() - moment.ago)
            if wishes.chapter and self._recording is not None:
                self._chapter(moment, place)
        if (wishes.replay or own) and self._save_at is None:
            self._ask_for_replay(moment, now)

    def _chapter(self, moment: clips.Moment, place: clips.Place) -> None:
        if not hasattr(obs, "obs_frontend_recording_add_chapter"):
            self._said[1] = "No chapter marker: that takes OBS 30.2 or newer. The list beside the recording has it."
        elif place.split:
            self._said[1] = "No chapter marker: OBS puts them at wrong times in split files. The list has it."
        elif not obs.obs_frontend_recording_add_chapter(clips.chapter_name(moment, moment.ago)):
            self._said[1] = 'No chapter marker: OBS makes them in recordings of the format "Hybrid MP4" alone.'

    # --- the replay ---

    def _ask_for_replay(self, moment: clips.Moment, now: float) -> None:
        if not obs.obs_frontend_replay_buffer_active():
            self._said[1] = self._not_running()
            return
        self._save_at = clips.save_at(now, moment.ago)
        age = moment.ago + self._save_at - now
        running = math.inf if self._replay_since is None else self._save_at - self._replay_since
        self._said[1] = clips.young_replay(running, age) or clips.short_replay(_kept_s(), age)

    def _not_running(self) -> str:
        if not _enabled():
            return _NOT_ENABLED
        if self._wishes is not None and self._wishes.start and _has_pictures():
            self._start_replay()
            return "No replay: the replay buffer did not run. It is started now, for the next moment."
        return "No replay: start the replay buffer, or let it be started here with the stream or recording."

    def _replay(self, now: float) -> None:
        if self._save_at is not None and now >= self._save_at:
            self._save_at = None
            obs.obs_frontend_replay_buffer_save()
            self._saved_by = now + _SAVED_WITHIN_S
        if self._saved_by is not None and now > self._saved_by:
            self._saved_by = None
            self._said[1] = "OBS did not save the replay; its log says why."

    def _keep_replay(self, wishes: _Wishes, now: float) -> None:
        """Start the replay buffer once a broadcast, where that is wished, and stop after it what was started here: a
        streamer who stops it meanwhile means it."""
        on = _on_air()
        wanted = on and wishes.replay and wishes.start and (self._broadcasting or _has_pictures())
        if wanted and not self._broadcasting and not obs.obs_frontend_replay_buffer_active():
            if _enabled():
                self._start_replay()
            else:
                self._said[1] = _NOT_ENABLED
        if not on and _kept.ours and obs.obs_frontend_replay_buffer_active() and self._save_at is None:
            _kept.ours = False
            obs.obs_frontend_replay_buffer_stop()
        self._broadcasting = wanted

    def _start_replay(self) -> None:
        _kept.ours = True
        obs.obs_frontend_replay_buffer_start()


def _on_air() -> bool:
    return bool(obs.obs_frontend_streaming_active() or obs.obs_frontend_recording_active())


def _enabled() -> bool:
    """Whether OBS has a replay buffer: it is off in its output settings at first."""
    output = obs.obs_frontend_get_replay_buffer_output()
    obs.obs_output_release(output)
    return output is not None


def _has_pictures() -> bool:
    """Whether there is any source of pictures: without, OBS asks in a window whether to start a replay buffer."""
    every = obs.obs_enum_sources() or []
    found = any(obs.obs_source_get_output_flags(source) & obs.OBS_SOURCE_VIDEO for source in every)
    obs.source_list_release(every)
    return found


def _kept_s() -> float:
    """Seconds that the running replay buffer keeps; 0 where OBS does not tell."""
    output = obs.obs_frontend_get_replay_buffer_output()
    data = obs.obs_output_get_settings(output)
    kept = obs.obs_data_get_int(data, "max_time_sec")
    obs.obs_data_release(data)
    obs.obs_output_release(output)
    return float(kept)


def _output() -> Tuple[str, bool]:
    """The file that the recording began with, and whether OBS may go on in another one."""
    output = obs.obs_frontend_get_recording_output()
    data = obs.obs_output_get_settings(output)
    path = obs.obs_data_get_string(data, "path") or obs.obs_data_get_string(data, "url")
    splits = obs.obs_data_get_bool(data, "split_file")
    obs.obs_data_release(data)
    obs.obs_output_release(output)
    return path or "", bool(splits)


def _current_file() -> str:
    """The file that is being written. OBS's Python never frees the text (some 100 bytes): asked for only where files
    are split, as a signal of OBS would run in the thread that writes the recording, and wait for Python there."""
    return obs.obs_frontend_get_last_recording() or ""


def _seconds_of(get: Callable[[], Any]) -> float:
    """Seconds of pictures that have come out of the encoder to the output that OBS has there, if any."""
    output = get()
    frames = obs.obs_output_get_total_frames(output)
    obs.obs_output_release(output)
    video = obs.obs_video_info()
    return frames * video.fps_den / video.fps_num if obs.obs_get_video_info(video) else 0.0
