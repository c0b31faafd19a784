"""The invitation for viewers in the dialog of Moodcast's OBS script: the relay's link and its QR code.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import base64
import html
import re
import struct
import threading
import zlib
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
    from obs_plugin.moodcast_parts import Part
    from obs_plugin.moodcast_requests import Requests
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    from moodcast_parts import Part
    from moodcast_requests import Requests

_LASTS_S = 60.0  # a relay that is away for longer is asked again once it is there
_LINK = re.compile(r"https?://[!-~]{1,4000}")
_LINE = 34  # letters that the window has room for
_PIXELS = 168  # of a side of the code, about
_MOST_ROWS = 185  # of the largest QR code, with its border


class Invite(Part):
    """Asks the relay for the channel's invitation, with the admin key: once for each, and when somebody wants it anew.

    Args:
        settings: asked for those that the script follows now.
    """

    def __init__(self, settings: Callable[[], core.Settings]) -> None:
        self._wanted = settings
        self._settings: Optional[core.Settings] = None
        self._requests: Optional[Requests] = None
        self._threads: List[threading.Thread] = []
        self._renew = False
        self._invited: Dict[str, Any] = {}
        self._refused = ""

    def renew(self) -> None:
        """Ask again: the relay may have got another address, or the channel a password."""
        self._renew = True

    def tick(self, now: float, messages: List[core.Message]) -> None:
        settings = self._wanted()._replace(width=0, height=0, look=())
        if not self._invited and any(message.kind == "status" for message in messages):
            self._renew = True  # the relay has just come, or come back
        if settings != self._settings:
            self._invited, self._refused = {}, ""
            self._settings, self._renew = settings, False
            self._ask(settings)
        elif self._renew and self._requests is None:
            self._renew = False
            self._ask(settings)
        for answer in self._requests.take() if self._requests is not None else []:
            self._invited, self._refused = answer.fields, answer.refused
            self._let_go()

    def _ask(self, settings: core.Settings) -> None:
        self._let_go()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if settings.admin and not settings.problem():
            self._requests = Requests(settings)
            self._threads.append(self._requests.thread)
            self._requests.post("invitation", {}, _LASTS_S)

    def _let_go(self) -> None:
        if self._requests is not None:
            self._requests.stop()
        self._requests = None

    @property
    def link(self) -> str:
        """The address of the page that says how to join; empty while it is not known."""
        link = self._invited.get("link")
        return link if isinstance(link, str) and _LINK.fullmatch(link) else ""

    def text(self) -> str:
        """What the dialog shows, as the rich text of Qt."""
        if not self.link:
            return html.escape(core.plain(self._why()))
        shown = "<br>".join(html.escape(self.link[at : at + _LINE]) for at in range(0, len(self.link), _LINE))
        lines = [f'<a href="{html.escape(self.link)}">{shown}</a>']
        picture = code(self._invited.get("rows"))
        if picture:
            lines.append(f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">')
        lines += [html.escape(core.plain(note)) for note in self._notes()]
        return "<br>".join(lines)

    def _why(self) -> str:
        if self._settings is None or not self._settings.admin:
            return "Takes the channel's admin key. The dashboard makes an invitation, too."
        if self._refused:
            return f"No invitation. {self._refused}"
        return "The relay is asked for it: refresh the status above."

    def _notes(self) -> List[str]:
        note = self._invited.get("note")
        notes = [note] if isinstance(note, str) and note else []
        if self._invited.get("password") is True:
            notes.append("Viewers are asked for the join password. The dashboard puts it into the link.")
        return notes

    def stop(self) -> List[threading.Thread]:
        self._let_go()
        return self._threads


def code(rows: Any) -> bytes:
    """A QR code as a PNG picture, from the relay's rows of 1 (dark) and 0; empty where these are none.

    Only squares come of what a relay says: Qt, which draws it, would do more with a drawing of a stranger's.
    """
    if not isinstance(rows, list) or not 0 < len(rows) <= _MOST_ROWS:
        return b""
    if not all(isinstance(row, str) and re.fullmatch(f"[01]{{{len(rows)}}}", row) for row in rows):
        return b""
    scale = max(1, _PIXELS // len(rows))
    side = scale * len(rows)
    drawn = b""
    for row in rows:
        bits = "".join(("0" if square == "1" else "1") * scale for square in row)
        line = int(bits.ljust(-(-side // 8) * 8, "0"), 2).to_bytes(-(-side // 8), "big")
        drawn += (b"\x00" + line) * scale
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)  # one bit a pixel, grey
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(drawn)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
