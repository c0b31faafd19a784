"""The history: what the audience showed in each session, one moment a second, in SQLite.

A thread of its own writes, so that a slow disk never delays a mood event. When the disk refuses, the broadcast goes on
live-only with a warning, up to ``KEPT_ROWS`` rows wait in memory, and they are written when the disk takes them again.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from relay import database
from relay.protocol import EXPRESSIONS, Mood, Reaction

log = logging.getLogger(__name__)

KEPT_ROWS = 20_000
RETRY_S = 2.0

PUT_SESSION = (
    "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel, number) DO UPDATE SET ended = excluded.ended"
)
PUT_MOMENT = f"INSERT OR REPLACE INTO moments VALUES ({', '.join('?' * (7 + len(EXPRESSIONS)))})"  # noqa: S608 (constants)
PUT_REACTION = "INSERT OR REPLACE INTO reactions VALUES (?, ?, ?, ?, ?, ?, ?)"

Row = tuple[str, Sequence[Any]]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One broadcast of a channel. ``started`` and ``ended`` are Unix times; a running session has no end."""

    number: int
    channel: str
    started: float
    ended: float | None
    tick_ms: int
    min_viewers: int


class History:
    """Sessions, moments and reactions of all channels."""

    def __init__(self, path: Path) -> None:
        """``path``: the prepared database. Sessions that a crash left open are closed at their last moment."""
        self._path = path
        self._queue: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self.warning = ""
        """A sentence while the disk refuses, else empty."""
        with database.opened(path) as file:
            file.execute(
                "UPDATE sessions SET ended = max(started, coalesce((SELECT max(time) FROM moments AS m "
                "WHERE m.channel = sessions.channel AND m.session = sessions.number), 0)) WHERE ended IS NULL"
            )
            rows = file.execute(
                "SELECT * FROM sessions AS s "
                "WHERE number = (SELECT max(number) FROM sessions WHERE channel = s.channel)"
            ).fetchall()
        self._last = {row[0]: _session(row) for row in rows}
        self._thread = threading.Thread(target=self._write, name="history", daemon=True)
        self._thread.start()

    def begin(self, channel: str, now: float, gap: float, tick_ms: int, min_viewers: int) -> Session:
        """The session that starts now: the channel's last one goes on if it ended within ``gap`` seconds.

        Nothing is stored until the session has something to tell.
        """
        last = self._last.get(channel)
        if last and last.ended is not None and now - last.ended <= gap:
            return msgspec.structs.replace(last, ended=None)
        number = last.number + 1 if last else 1
        return Session(
            number=number, channel=channel, started=now, ended=None, tick_ms=tick_ms, min_viewers=min_viewers
        )

    def put_session(self, session: Session) -> None:
        """Store a session, or its end."""
        self._last[session.channel] = session
        values = (session.channel, session.number, session.started, session.ended, session.tick_ms, session.min_viewers)
        self._queue.put((PUT_SESSION, values))

    def put_moment(self, session: Session, mood: Mood) -> None:
        """Store a mood as the moment of its second; a later one of the same second replaces it."""
        values = (
            session.channel, session.number, int(mood.time), mood.viewers, mood.sharing, *mood.counts,
            mood.valence, mood.resonance,
        )  # fmt: skip
        self._queue.put((PUT_MOMENT, values))

    def put_reaction(self, session: Session, reaction: Reaction) -> None:
        """Store a reaction."""
        values = (
            session.channel, session.number, reaction.time, reaction.kind, reaction.name, reaction.strength,
            reaction.count,
        )  # fmt: skip
        self._queue.put((PUT_REACTION, values))

    def sessions(self, channel: str) -> list[dict[str, Any]]:
        """The channel's stored sessions, newest first. Blocks: call it off the event loop."""
        with database.opened(self._path) as file:
            rows = file.execute("SELECT * FROM sessions WHERE channel = ? ORDER BY number DESC", (channel,)).fetchall()
        return [
            {
                "number": session.number,
                "started": session.started,
                "ended": session.ended,
                "seconds": round((session.ended or time.time()) - session.started, 1),
            }
            for session in map(_session, rows)
        ]

    def session(self, channel: str, number: int) -> dict[str, Any] | None:
        """All of one stored session, None where there is none. Blocks: call it off the event loop."""
        key = (channel, number)
        with database.opened(self._path) as file:
            file.execute("BEGIN")  # one consistent view for the three reads
            found = file.execute("SELECT * FROM sessions WHERE channel = ? AND number = ?", key).fetchone()
            moments = file.execute(
                f"SELECT time, viewers, sharing, valence, resonance, {database.COUNT_COLUMNS} "  # noqa: S608 (constants)
                "FROM moments WHERE channel = ? AND session = ? ORDER BY time",
                key,
            ).fetchall()
            reactions = file.execute(
                "SELECT time, kind, name, strength, count FROM reactions "
                "WHERE channel = ? AND session = ? ORDER BY time",
                key,
            ).fetchall()
        if found is None:
            return None
        return {
            "session": _session(found),
            "moments": [
                {
                    "time": row[0], "viewers": row[1], "sharing": row[2], "counts": row[5:],
                    "valence": row[3], "resonance": row[4],
                }
                for row in moments
            ],
            "reactions": [
                Reaction(time=row[0], kind=row[1], name=row[2], strength=row[3], count=row[4]) for row in reactions
            ],
        }  # fmt: skip

    def close(self) -> None:
        """Write what waits, then end the thread. Blocks."""
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        """The thread: everything that waits goes into one transaction."""
        waiting: list[Row] = []
        closing = False
        while not closing:
            closing = self._collect(waiting)
            if not waiting:
                continue
            try:
                with database.opened(self._path) as file:
                    for statement, values in waiting:
                        file.execute(statement, values)
            except sqlite3.Error as error:
                self._refused(error, waiting, closing)
            else:
                waiting.clear()
                self.warning = ""

    def _collect(self, waiting: list[Row]) -> bool:
        """Move what is queued to ``waiting``; block for the first row, or, after a refusal, for a while only."""
        try:
            row = self._queue.get(timeout=RETRY_S if waiting else None)
            while row is not None:
                # Sessions are few and give the rest its meaning: they are kept beyond the limit.
                if len(waiting) < KEPT_ROWS or row[0] is PUT_SESSION:
                    waiting.append(row)
                row = self._queue.get_nowait()
        except queue.Empty:
            return False
        return True

    def _refused(self, error: sqlite3.Error, waiting: list[Row], closing: bool) -> None:
        if closing:
            log.error("The history's last %d rows are lost: %s can't be written (%s).", len(waiting), self._path, error)
        elif not self.warning:
            log.warning("The history can't be written to %s: %s", self._path, error)
        self.warning = (
            f"The history is not being stored ({error}): free some space on the relay's disk. "
            "The live mood goes on, and what fits in memory is stored later."
        )


def _session(row: Sequence[Any]) -> Session:
    channel, number, started, ended, tick_ms, min_viewers = row
    return Session(
        number=number, channel=channel, started=started, ended=ended, tick_ms=tick_ms, min_viewers=min_viewers
    )
