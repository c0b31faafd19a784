"""Two copies of Moodcast's OBS script in two folders, of which OBS makes one: what to say.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List

if TYPE_CHECKING or __package__:
    from obs_plugin.moodcast_parts import Part
else:
    from moodcast_parts import Part  # OBS puts this file's folder on the path


def sentence(folders: List[str]) -> str:
    """What to do about copies of the script in these folders."""
    return (
        f"OBS has loaded Moodcast more than once (from {' and '.join(folders)}) and can't keep them apart: the first "
        "works. Remove the others under Tools > Scripts and start OBS again."
    )


class Copies(Part):
    """Says that there are others. ``folders``: of all copies that are loaded, as they come and go."""

    def __init__(self, folders: List[str]) -> None:
        self._folders = folders

    def lines(self) -> List[str]:
        return [sentence(self._folders)] if len(self._folders) > 1 else []
