"""A process that writes history until it is killed. A module of its own, since each process imports all of it."""

import time
from multiprocessing.connection import Connection

from relay.core.mood import Counts
from relay.core.timeline import Second
from relay.store import database
from relay.store.history import History

PACE_S = 0.002
START = 10**9


def write_until_killed(folder: str, told: Connection) -> None:
    """Put one moment after the other; before each, tell the session's number, the moment's number and the time."""
    history = History(database.prepare(folder))
    session = history.begin("demo", START, 0.0, 250, 5)
    history.put_session(session)
    number = 0
    while True:
        told.send((session.number, number, time.monotonic()))
        history.put_moment(session, Second(START + number, 9, Counts((0, 0, 0, 6, 0, 0, 2))))
        number += 1
        time.sleep(PACE_S)
