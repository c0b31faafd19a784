"""The overlay's addresses and options, as plain functions: what is pasted, and what a browser source gets.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_core as core
else:
    import moodcast_core as core  # OBS puts this file's folder on the path

FOLDER = Path(__file__).resolve().parent.parent / "overlay"
"""The overlay's files lie beside the script's folder, in the project as where ``moodcast obs install`` copies them."""
_LIKE = "http://127.0.0.1:8765/overlay?channel=NAME#key=KEY"
_PAGES = ("/overlay", "/dashboard")  # both addresses are printed, with the same parts
_LONGEST = 4096


class Pasted(NamedTuple):
    """The parts of an overlay's address, and what is wrong with it: a sentence that repeats nothing of it."""

    relay: str = ""
    channel: str = ""
    key: str = ""
    fault: str = ""


def pasted(text: str) -> Pasted:
    """Take the overlay's (or the dashboard's) address apart. Never raises; an empty text has no fault."""
    text = text.strip()
    if not text:
        return Pasted()
    if "://" not in text:
        text = core.Settings.entered(text, "", "", 0, 0).relay
    try:
        parts = urllib.parse.urlsplit(text[:_LONGEST])
        query, fragment = (dict(urllib.parse.parse_qsl(part)) for part in (parts.query, parts.fragment))
    except ValueError:
        return Pasted(fault=f"That is no address: it should be like {_LIKE}.")
    path = parts.path.rstrip("/")
    page = next((page for page in _PAGES if path.endswith(page)), "")
    if not page:
        return Pasted(fault=f"Paste the overlay's whole address, which the relay prints. It is like {_LIKE}.")
    if "key" in query:
        return Pasted(fault=f"The key stands behind a # in the overlay's address, not in its middle, as in {_LIKE}.")
    relay = query.get("relay") or f"{parts.scheme}://{parts.netloc}{path[: -len(page)]}"
    found = core.Settings.entered(relay, query.get("channel", ""), fragment.get("key", ""), 0, 0)
    if not core.is_address(found.relay):
        return Pasted(fault=f"The overlay's address should begin with http:// or https:// and a server, as in {_LIKE}.")
    if core.CHANNEL.fullmatch(found.channel) is None:
        return Pasted(fault=f"The overlay's address lacks a channel's name, as in {_LIKE}.")
    if found.key and core.KEY.fullmatch(found.key) is None:
        return Pasted(fault="The key in the address has characters that no key has: copy the whole address once more.")
    return Pasted(found.relay, found.channel, found.key)


def address(settings: core.Settings, page: str = "overlay") -> str:
    """The address of one of the relay's pages, as the relay prints it; the key in the fragment."""
    key = urllib.parse.quote(settings.key, safe="")
    return f"{settings.relay}/{page}?{urllib.parse.urlencode({'channel': settings.channel})}#key={key}"


def is_typing(before: str, after: str) -> bool:
    """Whether one letter more, less or another makes the one text of the other: not what pasting does."""
    short, long = sorted((before, after), key=len)
    place = next((place for place in range(len(short)) if short[place] != long[place]), len(short))
    rest = short[place + 1 :] if len(short) == len(long) else short[place:]
    return rest == long[place + 1 :]


def table(folder: Path = FOLDER) -> List[Dict[str, Any]]:
    """The overlay's options that say how it looks: the rows of its options.json. None where the file isn't there."""
    try:
        rows = json.loads((folder / "options.json").read_text(encoding="utf-8"))
        return [row for row in rows if row.get("look") and row["kind"] in ("choice", "number", "text")]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []


def translations(locale: str, folder: Path = FOLDER) -> Dict[str, str]:
    """What the dialog says, by its English, in a language that OBS names as in zh-TW or de-DE.

    None where there is no such language, or where the files aren't there.
    """
    said: Dict[str, str] = {}
    try:
        for part in ("obs", "options"):
            for text in json.loads((folder / "texts" / f"{part}.json").read_text(encoding="utf-8")).values():
                said[text["en"]] = text.get(locale) or text.get(locale.partition("-")[0]) or text["en"]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    return said


def wanted(
    settings: core.Settings, found: Dict[str, Any], last: Optional[Dict[str, Any]], with_key: bool
) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """What a browser source should have, and what to remember of it.

    The streamer may change the source's size and the options in its address: both stay until the script's own settings
    change.

    Args:
        found: its ``url``, ``width`` and ``height``; zeros for a new one.
        last: what was remembered the last time; None for a source of an older script.
    """
    size = {"width": settings.width, "height": settings.height}
    look = dict(settings.look)
    before = last or {}
    if last is None and found["width"]:
        before = size
    kept = {name: found[name] if before.get(name) == size[name] else size[name] for name in size}
    looked = before.get("look")
    old: Dict[str, Any] = looked if isinstance(looked, dict) else {}
    changes = {name: value for name, value in look.items() if old.get(name) != value}
    changes.update({name: "" for name in old if name not in look})
    # Of an address with a key nothing is saved: then what was remembered has the streamer's options.
    remembered = before.get("page")
    current = remembered if isinstance(remembered, str) and "/overlay?" not in found["url"] else found["url"]
    url = core.overlay_url(settings, current, with_key, changes)
    remember = {**size, "look": look}
    if with_key:
        remember["page"] = url.partition("#")[0]
    return {"url": url, **kept}, remember
