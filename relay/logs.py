"""The relay's log: what an operator needs, as text or as JSON, one line each. Nothing in it tells who a client is.

A message names the event, its values come as ``extra``: ``log.info("session begins", extra={"channel": name})``.
"""

import json
import logging
import time
from collections import Counter
from typing import Any, Literal

Format = Literal["text", "json"]

AT_ONCE = 10
"""Times that the same complaint is written in a minute."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; the rest came as ``extra``."""


def configure(kind: Format, worker: int | None = None) -> None:
    """Log everything from INFO on to standard error. ``worker``: the number of this process, told in each line, where
    several are one relay."""
    handler = logging.StreamHandler()
    handler.addFilter(Seldom())
    if worker is not None:
        handler.addFilter(_OfWorker(worker))
    handler.setFormatter(JsonFormatter() if kind == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def keep_addresses_out() -> None:
    """Have aiohttp be silent about subprotocols of WebSockets: they mean nothing here, and it names who asks."""
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)


class Seldom(logging.Filter):
    """Lets the same complaint pass ``AT_ONCE`` times a minute, so that nobody fills the disk by causing it.

    The first one of a later minute tells as ``unsaid`` how many were kept back. Complaints are warnings and errors; the
    same are those of one logger whose message begins with the same line before its values are filled in.
    """

    def __init__(self) -> None:
        super().__init__()
        self._minute = 0.0
        self._said: Counter[tuple[str, str]] = Counter()
        self._unsaid: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.WARNING:
            return True
        if record.created // 60 != self._minute:
            self._minute = record.created // 60
            self._unsaid = self._said - Counter(dict.fromkeys(self._said, AT_ONCE))
            self._said.clear()
        complaint = record.name, str(record.msg).partition("\n")[0]
        self._said[complaint] += 1
        if unsaid := self._unsaid.pop(complaint, 0):
            record.unsaid = unsaid
        return self._said[complaint] <= AT_ONCE


class _OfWorker(logging.Filter):
    """Tells in each record which worker's it is."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def filter(self, record: logging.LogRecord) -> bool:
        record.worker = self._number
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``event``, then the extras."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": f"{_utc(record.created)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **extras(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, logger, event, and the extras as ``name=value``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """The line without an exception, which follows below it."""
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in extras(record).items())])


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """The values that came with a record."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
