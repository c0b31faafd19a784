"""A session as a table (one row a second, for spreadsheets and data frames) or as JSON, slice by slice. Pure."""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone

from relay.core.timeline import AUDIENCE, Part, Slice
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, encode
from relay.store.history import Session

_BURSTS = tuple(name for index, name in enumerate(EXPRESSIONS) if index != NEUTRAL)
COLUMNS: dict[str, str] = {
    "time": "Unix time in whole seconds.",
    "utc": "The same as ISO 8601 in UTC.",
    "second": "Whole seconds since the session began.",
    "viewers": "Connected viewers. Where only a marker was stored of a second, all from here to `tap_cry` is empty.",
    "sharing": "Viewers with a current label.",
    **{name: f"Viewers who showed {name}." for name in EXPRESSIONS},
    "valence": "Share of happy minus shares of angry, disgust, fear, sad; -1 to 1.",
    "resonance": "Chance-corrected agreement of the expressive viewers; 0 to 1.",
    **{f"burst_{name}": f"Viewers who turned to {name} together in a reaction of this second." for name in _BURSTS},
    **{f"tap_{name}": f"Taps `{name}` in this second." for name in TAPS},
    "markers": "The streamer's markers of this second, `; ` between them, and an apostrophe in front of what a "
    "spreadsheet would run as a formula.",
    "streamer": "The expression that the streamer showed first in this second. The column is there only where one was "
    "stored, because the streamer asked for that; alone in a second, it leaves the audience's columns empty.",
}
"""The columns in their order, and what they mean."""

FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 (Japanese Excel takes the wide ones as well)
"""What makes a spreadsheet run a text as a formula (OWASP, CSV Injection)."""
SEPARATORS = ",;|\t\r\n"
"""What ends a cell in one spreadsheet or another: where a comma is the decimal sign, a semicolon does."""
_FORMULA = re.compile(f'(?:^|[{re.escape(SEPARATORS)}])[\\s"]*(?=[{re.escape("".join(FORMULA_STARTS))}])')


def csv_pieces(session: Session, slices: Iterable[Slice], parts: Sequence[Part] = AUDIENCE) -> Iterator[bytes]:
    """The session as CSV after RFC 4180, in UTF-8: a header, CRLF, quotes where they are needed.

    What a spreadsheet would run as a formula, at the begin of a marker or behind a separator in it, gets an apostrophe
    in front. ``parts``: of which the slices are.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [name for name in COLUMNS if name != "streamer" or name in parts])
    writer.writeheader()
    for part in itertools.chain([Slice()], slices):  # the header goes first, and alone where nothing is stored
        writer.writerows(_rows(int(session.started), part))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def json_pieces(session: Session, parts: Iterable[tuple[Part, Iterable[Slice]]]) -> Iterator[bytes]:
    """The session as JSON: an object with ``session`` and, under its name, a list of all rows of each part.

    ``parts``: each with its slices.
    """
    told = {name: getattr(session, name) for name in session.__struct_fields__ if name != "created"}  # the channel's
    yield b'{"session":' + encode(told)
    for name, slices in parts:
        yield b',"' + name.encode() + b'":['
        comma = b""
        for one in slices:
            if rows := one.part(name):
                yield comma + encode(rows)[1:-1]
                comma = b","
        yield b"]"
    yield b"}"


Cell = str | int | float


def _rows(started: int, part: Slice) -> Iterable[dict[str, Cell]]:
    """The rows of a slice by time; in each, the columns that have a value. ``started``: the session's first second."""
    table: dict[int, dict[str, Cell]] = {}
    marked: dict[int, list[str]] = {}
    for marker in part.markers:
        marked.setdefault(int(marker.time), []).append(marker.text)
    faces = {face.time: face.emotion for face in part.streamer}
    for second in sorted({moment.time for moment in part.moments} | marked.keys() | faces.keys()):
        utc = datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        table[second] = {"time": second, "utc": utc, "second": second - started}
        if second in marked:
            table[second]["markers"] = _harmless("; ".join(marked[second]))
        if second in faces:
            table[second]["streamer"] = faces[second]
    for moment in part.moments:
        row = table[moment.time]
        row |= {"viewers": moment.viewers, "sharing": moment.sharing}
        row |= dict(zip(EXPRESSIONS, moment.counts, strict=True))
        row |= {"valence": moment.valence, "resonance": moment.resonance}
        row |= {f"burst_{name}": 0 for name in _BURSTS} | {f"tap_{name}": 0 for name in TAPS}
    counted: dict[tuple[int, str], int] = {}
    for reaction in part.reactions:
        column = f"{'tap' if reaction.kind == 'tap' else 'burst'}_{reaction.name}"
        key = int(reaction.time), column
        counted[key] = counted.get(key, 0) + reaction.count
    for (second, column), count in counted.items():
        if second in table:
            table[second][column] = count
    return table.values()


def _harmless(text: str) -> str:
    return _FORMULA.sub(r"\g<0>'", text)
