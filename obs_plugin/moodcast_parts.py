"""What a part of the OBS script may do: what follows the broadcast, saves highlights or takes hotkeys is one.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
else:
    import moodcast_core as core  # OBS puts this file's folder on the path


class Part:
    """A part of the script; what it does not need it leaves as it is here.

    OBS takes plain functions and closures as callbacks, and no bound methods. ``tick`` runs on OBS's graphics thread,
    where nothing may wait; all else runs on its UI thread, but for hotkeys, which have a thread of their own.
    """

    def load(self, data: Any) -> None:
        """The script was loaded with these settings (``obs_data``); the one place to register hotkeys and the like."""

    def update(self, data: Any) -> None:
        """The settings (``obs_data``) changed. They come with every key typed."""

    def tick(self, now: float, messages: List[core.Message]) -> None:
        """20 times a second: ``now`` of a steady clock in seconds, and what the relay has said since the last time."""

    def frontend_event(self, event: int) -> None:
        """Something happened in OBS: one of its ``OBS_FRONTEND_EVENT_...``."""

    def save(self, data: Any) -> None:
        """OBS saves the settings (``obs_data``): the place for hotkeys."""

    def lines(self) -> List[str]:
        """Short sentences for the status line, the most important first."""
        return []

    def stop(self) -> List[threading.Thread]:
        """The script will be unloaded: threads of the part are asked to end now, and all together are waited for."""
        return []

    def close(self) -> None:
        """The script is unloaded: in no more than some milliseconds."""
