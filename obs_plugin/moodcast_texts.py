"""What the dialog says, in OBS's language. Sentences about what happened are English, as the relay's are.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_page as page
else:
    import moodcast_page as page  # OBS puts this file's folder on the path

_SAID = page.translations(obs.obs_get_locale() or "")  # OBS takes another language when it starts


def say(english: str) -> str:
    """The text in OBS's language; English where that is none of ours, or the overlay's files are not there."""
    return _SAID.get(english, english)
