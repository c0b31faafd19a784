"""The history: what the audience showed in each session, one moment a second.

A thread of its own writes, so that a slow disk never delays a mood event. When the database refuses, the broadcast
goes on live-only with a warning, up to ``_KEPT_ROWS`` rows wait in memory, written as soon as it takes them.
"""

# ruff: noqa: S608 (statements are put together from constants; values are always bound)

import logging
import math
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import msgspec

from relay.core.clock import STEP_S
from relay.core.timeline import PARTS, Second
from relay.protocol import EXPRESSIONS, Expression, Marker, Reaction, State
from relay.store import database, leases
from relay.store.database import DatabaseError
from relay.store.permits import ChangeOf, Permits

log = logging.getLogger(__name__)

_KEPT_ROWS = 20_000
RETRY_S = 2.0

SESSION_COLUMNS = "channel, number, started, ended, tick_ms, min_viewers, name"

_PUT_SESSION = (
    f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (channel, number) DO UPDATE SET ended = excluded.ended"
)
_MOMENT_COLUMNS = f"viewers, sharing, {database.COUNT_COLUMNS}, valence, resonance"
_PUT_MOMENT = (
    f"INSERT INTO moments (channel, session, time, {_MOMENT_COLUMNS}) "
    f"VALUES ({', '.join('?' * (7 + len(EXPRESSIONS)))}) ON CONFLICT DO NOTHING"
)
_PUT_REACTION = (
    "INSERT INTO reactions (channel, session, time, kind, name, strength, count) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING"
)
_PUT_MARKER = "INSERT INTO markers (channel, session, time, text) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PUT_FACE = "INSERT INTO streamer (channel, session, time, emotion) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

_PUT_COMMAND = (
    "INSERT INTO commands (channel, state, stamp, since, renewed) VALUES (?, ?, ?, ?, ?) ON CONFLICT (channel) "
    "DO UPDATE SET state = excluded.state, stamp = excluded.stamp, since = excluded.since, renewed = excluded.renewed "
    "WHERE excluded.stamp >= commands.stamp"
)
_FORGET_COMMAND = "DELETE FROM commands WHERE channel = ? AND stamp <= ?"

_RENAME = "UPDATE sessions SET name = ? WHERE channel = ? AND number = ?"
_DELETE_SESSION = (  # the session first: see ``permits``
    "DELETE FROM sessions WHERE channel = ? AND number = ?",
    *(f"DELETE FROM {table} WHERE channel = ? AND session = ?" for table in PARTS),
)
_LAST_TOLD = " UNION ALL ".join(
    f"SELECT max(time) AS time FROM {table} AS t WHERE t.channel = sessions.channel AND t.session = sessions.number "
    "AND t.time > sessions.started"
    for table in ("moments", "reactions")  # without cameras there are reactions alone
)
_OFTEN = (_PUT_MOMENT, _PUT_REACTION, _PUT_FACE, _PUT_COMMAND, _FORGET_COMMAND)
_DELETE_CHANNEL = tuple(f"DELETE FROM {table} WHERE channel = ?" for table in ("sessions", *PARTS, "commands"))
_DELETE_BEFORE = (
    *(
        f"DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM sessions AS s WHERE s.channel = {table}.channel "
        f"AND s.number = {table}.session AND s.ended < ?)"
        for table in PARTS
    ),
    "DELETE FROM sessions WHERE ended < ?",
)


class _Change(NamedTuple):
    """Of the database."""

    statement: str
    values: Sequence[Any]
    subject: ChangeOf | None = None
    """What it is about, where another node may have the say."""


class ClosedError(DatabaseError):
    """The history takes no more changes: the relay stops."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One broadcast of a channel. ``started`` and ``ended`` are Unix times; a running session has no end."""

    number: int
    channel: str
    started: float
    ended: float | None
    tick_ms: int
    min_viewers: int
    name: str = ""
    """Given by the streamer; empty until then."""
    created: float = 0.0
    """When its channel was made (Unix time); 0: not known. It is not stored with the session."""


class Commanded(NamedTuple):
    """What a streamer said of a channel's session; see ``core.command``. Times are Unix times."""

    channel: str
    state: State
    stamp: float
    since: float
    renewed: float


class History:
    """Sessions, moments and reactions of all channels."""

    def __init__(self, place: database.Place, holder: str = "") -> None:
        """``place``: the prepared database. Sessions that a crash left open are closed at their last moment or
        reaction, unless another node holds their lease. ``holder``: whose leases allow to write (see
        ``store.leases``); empty: there is one node alone."""
        self._place = place
        self._holder = holder
        self._queue: queue.SimpleQueue[_Change | Future[None] | None] = queue.SimpleQueue()
        self.warning = ""
        """A sentence while the database refuses, else empty."""
        self.written = 0
        """Changes of the database, and ..."""
        self.dropped = 0
        """... those that were given up, since the start: the database refused, or another node holds the lease."""
        self._refused_rows = 0
        self._gone: set[tuple[str, int, float]] = set()
        """Sessions that could not be written on: see ``is_gone``."""
        self._closed = False
        with database.opened(place) as file:
            file.execute(
                f"UPDATE sessions SET ended = coalesce((SELECT max(time) FROM ({_LAST_TOLD}) AS told), started) "
                "WHERE ended IS NULL AND channel NOT IN (SELECT channel FROM leases WHERE expires >= "
                f"{file.clock})"
            )
            rows = file.execute(
                f"SELECT {SESSION_COLUMNS} FROM sessions AS s "
                "WHERE number = (SELECT max(number) FROM sessions WHERE channel = s.channel)"
            ).fetchall()
            self.commands = _commands(file)
            """What the streamers had said when the relay started."""
        self._last = {row[0]: session_of(row) for row in rows}
        self._thread = threading.Thread(target=self._write, name="history", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """About how many changes wait to be written."""
        return self._queue.qsize() + self._refused_rows

    def is_gone(self, session: Session) -> bool:
        """Whether another node has deleted the session, or its channel, so that it can't be written on. This is known
        once something of it was to be written."""
        return _key(session) in self._gone

    def give_up(self, session: Session) -> None:
        """A session that ``is_gone``: it never goes on, and its number is not used again while this relay runs."""
        self._gone.discard(_key(session))
        self._bury(session.channel, session.number)

    def _bury(self, channel: str, number: int) -> None:
        last = self._last.get(channel)
        if last and last.number == number:
            self._last[channel] = msgspec.structs.replace(last, ended=-math.inf)

    def begin(
        self, channel: str, now: float, gap: float, tick_ms: int, min_viewers: int, since: float = 0.0
    ) -> Session:
        """The session that starts now, or the channel's last one where that is to be taken up.

        Nothing is stored until the session has something to tell.
        """
        if taken_up := self.take_up(channel, now, gap, since):
            return taken_up
        last = self._last.get(channel)
        number = last.number + 1 if last else 1
        started = max(now, since)
        return Session(
            number=number, channel=channel, started=started, ended=None, tick_ms=tick_ms, min_viewers=min_viewers
        )

    def take_up(self, channel: str, now: float, gap: float, since: float) -> Session | None:
        """The channel's last session, if it ended within ``gap`` seconds and did not begin before ``since``.

        It does not go on if it began or ended in the future, as by a clock that was wrong: it would come to seconds
        that it has already told.
        """
        last = self._last.get(channel)
        if not last or last.ended is None or now - last.ended > gap or last.started < since:
            return None
        return None if self.ahead(channel, now) else msgspec.structs.replace(last, ended=None)

    def ahead(self, channel: str, now: float) -> float:
        """Seconds by which the channel's last session began or ended in the future; 0 where it did not."""
        last = self._last.get(channel)
        latest = max(last.started, last.ended or 0.0) if last else 0.0
        return latest - now if latest - now > STEP_S else 0.0

    def learn(self, connection: database.Connection, channel: str, alive: float) -> None:
        """This node now writes the channel's history: see in the database what the one before it wrote.

        ``alive``: until when (Unix time) that node had the lease, if it did not give it back. Blocks.
        """
        row = connection.execute(
            f"SELECT {SESSION_COLUMNS} FROM sessions WHERE channel = ? ORDER BY number DESC LIMIT 1", (channel,)
        ).fetchone()
        last = self._last.get(channel)
        if row is None or (last and last.number > row[1]):  # the newest one was deleted
            return
        session = session_of(row)
        if session.ended is None or alive:
            key = (channel, session.number)
            newest = connection.execute(
                "SELECT max(time) FROM moments WHERE channel = ? AND session = ?", key
            ).fetchone()
            ended = max(session.started, session.ended or 0.0, newest[0] or 0.0, alive)
            session = msgspec.structs.replace(session, ended=ended)
        self._last[channel] = session

    def release(self, channel: str) -> None:
        """Give the channel's lease back, after all that was put before."""
        if self._holder:
            self._queue.put(_Change(leases.RELEASE, (channel, self._holder)))

    def _about(self, session: Session, is_led: bool = True) -> ChangeOf:
        last = self._last.get(session.channel)
        is_new = last is None or _key(last) != _key(session)
        return ChangeOf(session.channel, session.created, session.number, session.started, is_new, is_led)

    def put_session(self, session: Session) -> None:
        """Store a session, or its end."""
        values = (
            session.channel, session.number, session.started, session.ended, session.tick_ms, session.min_viewers,
            session.name,
        )  # fmt: skip
        self._queue.put(_Change(_PUT_SESSION, values, self._about(session)))
        self._last[session.channel] = session

    def put_moment(self, session: Session, moment: Second) -> None:
        """Store a moment. What is stored of the same second, as by the relay before a restart, stays as it is: two
        answers for one second would tell by how much it grew."""
        counts = moment.counts
        values = (
            session.channel, session.number, moment.time, moment.viewers, counts.sharing, *counts.values,
            round(counts.valence, 4), round(counts.resonance, 4),
        )  # fmt: skip
        self._queue.put(_Change(_PUT_MOMENT, values, self._about(session)))

    def put_reaction(self, session: Session, reaction: Reaction) -> None:
        """Store a reaction."""
        values = (
            session.channel, session.number, reaction.time, reaction.kind, reaction.name, reaction.strength,
            reaction.count,
        )  # fmt: skip
        self._queue.put(_Change(_PUT_REACTION, values, self._about(session)))

    def put_marker(self, session: Session, marker: Marker) -> None:
        """Store a marker, which any node may."""
        values = (session.channel, session.number, marker.time, marker.text)
        self._queue.put(_Change(_PUT_MARKER, values, self._about(session, is_led=False)))

    def put_command(self, command: Commanded, created: float) -> None:
        """Store what the streamer says, so that it holds after a restart, too. `auto` needs no row.

        ``created``: when the channel was made (Unix time).
        """
        if command.state == "auto":
            self.forget_command(command.channel, command.stamp)
        else:
            self._queue.put(_Change(_PUT_COMMAND, command, ChangeOf(command.channel, created)))

    def read_commands(self) -> list[Commanded]:
        """What streamers have said of any channel, to this node or another. Blocks for a read of the database.

        Raises:
            DatabaseError: the database can't be read.
        """
        with database.opened(self._place) as file:
            return _commands(file)

    def forget_command(self, channel: str, stamp: float) -> None:
        """It holds no more, and neither does an older one."""
        self._queue.put(_Change(_FORGET_COMMAND, (channel, stamp)))

    def put_face(self, session: Session, second: int, emotion: Expression) -> None:
        """Store what the streamer showed in a second (Unix time), who asked for that."""
        values = (session.channel, session.number, second, emotion)
        self._queue.put(_Change(_PUT_FACE, values, self._about(session)))

    def rename(self, channel: str, number: int, name: str) -> "Future[None]":
        """Give a stored session a name. The future is done when it is stored."""
        last = self._last.get(channel)
        if last and last.number == number:
            self._last[channel] = msgspec.structs.replace(last, name=name)
        return self._change([_Change(_RENAME, (name, channel, number))])

    def delete_session(self, channel: str, number: int) -> "Future[None]":
        """Delete all of a session. The future is done when it is gone."""
        self._bury(channel, number)
        return self._change([_Change(statement, (channel, number)) for statement in _DELETE_SESSION])

    def delete_channel(self, channel: str) -> "Future[None]":
        """Delete all sessions of a channel. The future is done when they are gone."""
        self.forget(channel)
        return self._change([_Change(statement, (channel,)) for statement in _DELETE_CHANNEL])

    def forget(self, channel: str) -> None:
        """The channel was deleted: none of its sessions goes on."""
        self._last.pop(channel, None)

    def delete_before(self, time: float) -> "Future[None]":
        """Delete all sessions that ended before a Unix time. The future is done when they are gone."""
        return self._change([_Change(statement, (time,)) for statement in _DELETE_BEFORE])

    def settled(self) -> "Future[None]":
        """A future that is done when all that was put so far is written."""
        return self._change([])

    def _change(self, rows: list[_Change]) -> "Future[None]":
        """Queue changes behind what was put before them, so that nothing comes after its own deletion."""
        done: Future[None] = Future()
        if self._closed:
            done.set_exception(ClosedError("The relay stops.", "The relay stops."))
            return done
        for row in rows:
            self._queue.put(row)
        self._queue.put(done)
        return done

    def close(self) -> None:
        """Write what waits, then end the thread. Blocks."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _write(self) -> None:
        """The thread: everything that waits goes into one transaction."""
        waiting: list[_Change] = []
        promises: list[Future[None]] = []
        connection: database.Connection | None = None
        closing = False
        while not closing:
            closing = self._collect(waiting, promises)
            allowed = 0
            try:
                if waiting:
                    connection = connection or database.connect(self._place)
                    with connection.transaction():
                        allowed, gone = self._write_all(connection, waiting)
                    self._gone |= gone
            except DatabaseError as error:
                if connection:
                    connection.close()  # it may be what broke: the next attempt makes a new one
                    connection = None
                self._refused(error, waiting, closing)
                for promise in promises:
                    promise.set_exception(error)
            else:
                self.written += allowed
                self.dropped += len(waiting) - allowed
                waiting.clear()
                if self.warning:
                    log.info("history is stored again")
                self.warning = ""
                for promise in promises:
                    promise.set_result(None)
            promises.clear()
            self._refused_rows = len(waiting)
        if connection:
            connection.close()

    def _write_all(
        self, connection: database.Connection, changes: list[_Change]
    ) -> tuple[int, set[tuple[str, int, float]]]:
        """In a transaction: returns how many were written, and the sessions that are gone.

        Left out is what another node writes by now, as when this one was stopped or cut off for long, and what is of a
        session or a channel that another one has deleted.
        """
        if not self._holder:
            for change in changes:
                connection.execute(change.statement, change.values)
            return len(changes), set()
        permits, written = Permits(connection, self._holder), 0
        for change in changes:
            if change.subject is None:
                permits.forget()
            elif not permits.allows(change.subject):
                continue
            connection.execute(change.statement, change.values)
            written += 1
        return written, {(gone.channel, gone.number, gone.started) for gone in permits.gone}

    def _collect(self, waiting: list[_Change], promises: list["Future[None]"]) -> bool:
        """Move what is queued to the lists; block for the first of it, or, after a refusal, for a while only."""
        try:
            item = self._queue.get(timeout=RETRY_S if waiting else None)
            while item is not None:
                if isinstance(item, Future):
                    promises.append(item)
                # All but what comes often is kept beyond the limit: it gives the moments their meaning.
                elif len(waiting) < _KEPT_ROWS or item.statement not in _OFTEN:
                    waiting.append(item)
                else:
                    self.dropped += 1
                item = self._queue.get_nowait()
        except queue.Empty:
            return False
        return True

    def _refused(self, error: DatabaseError, waiting: list[_Change], closing: bool) -> None:
        if closing:
            self.dropped += len(waiting)
            log.error("The history's last %d rows are lost: %s", len(waiting), error)
        elif not self.warning:
            log.warning("The history can't be written: %s", error)
        self.warning = (
            f"The history is not being stored. {error.sentence} "
            "The live mood goes on, and what fits in memory is stored later."
        )


def _key(session: Session) -> tuple[str, int, float]:
    """By which a session is known on all nodes, also from one of a channel that was made anew under the same name."""
    return session.channel, session.number, session.started


def _commands(file: database.Connection) -> list[Commanded]:
    rows = file.execute("SELECT channel, state, stamp, since, renewed FROM commands").fetchall()
    return [Commanded(*row) for row in rows]


def session_of(row: Sequence[Any]) -> Session:
    """A session from a row of ``SESSION_COLUMNS``."""
    return Session(**dict(zip(SESSION_COLUMNS.split(", "), row, strict=True)))
