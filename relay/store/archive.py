"""What is stored of sessions, to read: part by part, since a session of twelve hours has 43,200 moments.

All of it blocks: call it off the event loop.
"""

# ruff: noqa: S608 (statements are put together from constants; values are always bound)

from collections.abc import Iterator, Sequence
from typing import Any

from relay.core.timeline import AUDIENCE, PARTS, Part, Slice, StoredFace, StoredMoment
from relay.protocol import Marker, Reaction
from relay.store import database
from relay.store.history import SESSION_COLUMNS, Session, session_of

SLICE_ROWS = 1000
"""Of each table, unless more of them lie in one second."""
_AFTER_ALL = 2**62
"""Unix time that is later than all others."""

Row = tuple[Any, ...]
"""Of a table, as the database gives it."""

COLUMNS: dict[Part, str] = {
    "moments": f"time, viewers, sharing, valence, resonance, {database.COUNT_COLUMNS}",
    "reactions": "time, kind, name, strength, count",
    "markers": "time, text",
    "streamer": "time, emotion",
}
ORDER: dict[Part, str] = {"moments": "time", "reactions": "time", "markers": "time, text", "streamer": "time"}


class GoneError(Exception):
    """The session was deleted while it was read, or the relay stops: what was read is not the whole."""


class Archive:
    """Reads the history of all channels."""

    def __init__(self, place: database.Place) -> None:
        """``place``: the prepared database."""
        self._place = place
        self._closed = False

    def close(self) -> None:
        """Have those who read slices see a GoneError at the next one."""
        self._closed = True

    def sessions(self, channel: str) -> list[Session]:
        """The channel's stored sessions, newest first.

        Raises:
            DatabaseError: the database can't be read.
        """
        with database.opened(self._place) as file:
            rows = file.execute(
                f"SELECT {SESSION_COLUMNS} FROM sessions WHERE channel = ? ORDER BY number DESC", (channel,)
            ).fetchall()
        return list(map(session_of, rows))

    def find(self, channel: str, number: int) -> Session | None:
        """A stored session, None where there is none.

        Raises:
            DatabaseError: the database can't be read.
        """
        with database.opened(self._place) as file:
            return self._find(file, channel, number)

    def parts(self, session: Session) -> tuple[Part, ...]:
        """What is told of a stored session: all, but of the streamer's face only where something was stored.

        Raises:
            DatabaseError: the database can't be read.
        """
        with database.opened(self._place) as file:
            key = (session.channel, session.number)
            row = file.execute("SELECT 1 FROM streamer WHERE channel = ? AND session = ? LIMIT 1", key).fetchone()
        return PARTS if row else AUDIENCE

    def slices(self, session: Session, parts: Sequence[Part] = PARTS) -> Iterator[Slice]:
        """All of a stored session, or some parts of it alone, in slices by time. Other parts are empty.

        No second is in two slices. Between two the database is left alone, however long that takes.

        Raises:
            GoneError: it is there no more.
            DatabaseError: the database can't be read.
        """
        start = 0
        while start < _AFTER_ALL:
            with database.opened(self._place) as file:
                if self._closed or self._find(file, session.channel, session.number) is None:
                    raise GoneError
                end = min(self._end(file, session, part, start) for part in parts)
                rows = {part: self._rows(file, session, part, start, end) for part in parts}
            yield Slice(
                moments=list(map(_moment, rows.get("moments", ()))),
                reactions=list(map(_reaction, rows.get("reactions", ()))),
                markers=list(map(_marker, rows.get("markers", ()))),
                streamer=list(map(_face, rows.get("streamer", ()))),
            )
            start = end

    @staticmethod
    def _find(file: database.Connection, channel: str, number: int) -> Session | None:
        row = file.execute(
            f"SELECT {SESSION_COLUMNS} FROM sessions WHERE channel = ? AND number = ?", (channel, number)
        ).fetchone()
        return session_of(row) if row else None

    @staticmethod
    def _end(file: database.Connection, session: Session, part: Part, start: int) -> int:
        """The second up to which the slice that begins at ``start`` goes."""
        row = file.execute(
            f"SELECT time FROM {part} WHERE channel = ? AND session = ? AND time >= ? "
            f"ORDER BY time LIMIT 1 OFFSET {SLICE_ROWS}",
            (session.channel, session.number, start),
        ).fetchone()
        return max(start + 1, int(row[0])) if row else _AFTER_ALL

    @staticmethod
    def _rows(file: database.Connection, session: Session, part: Part, start: int, end: int) -> list[Row]:
        rows: list[Row] = file.execute(
            f"SELECT {COLUMNS[part]} FROM {part} WHERE channel = ? AND session = ? AND time >= ? AND time < ? "
            f"ORDER BY {ORDER[part]}",
            (session.channel, session.number, start, end),
        ).fetchall()
        return rows


def _moment(row: Row) -> StoredMoment:
    time, viewers, sharing, valence, resonance, *counts = row
    return StoredMoment(
        time=time, viewers=viewers, sharing=sharing, counts=tuple(counts), valence=valence, resonance=resonance
    )


def _reaction(row: Row) -> Reaction:
    time, kind, name, strength, count = row
    return Reaction(time=time, kind=kind, name=name, strength=strength, count=count)


def _marker(row: Row) -> Marker:
    time, text = row
    return Marker(time=time, text=text)


def _face(row: Row) -> StoredFace:
    time, emotion = row
    return StoredFace(time=time, emotion=emotion)
