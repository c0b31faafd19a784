"""``moodcast relay --check``: would a relay with these settings start and hold its crowd? Nothing is left behind."""

import asyncio
from collections.abc import Mapping

from relay import machine, settings
from relay.cluster import bus
from relay.config import RelaySettings
from relay.core.tunnels import PROGRAMS
from relay.errors import DatabaseInUseError, RelayError, SettingsError
from relay.store import database
from relay.store.claim import claim_database
from relay.tunnel import keeper
from relay.workers import local_redis, supervisor
from relay.workers.ports import listen


def run(values: RelaySettings, origins: Mapping[str, str]) -> int:
    """Print the settings and what is wrong; returns the exit code, 0 where nothing is.

    ``origins``: where each value comes from, as ``settings.origins``.
    """
    for line in table(values, origins):
        _say(line)
    problems, warnings = _examine(values, origins)
    for warning in warnings:
        _say(f"warning: {warning}")
    for problem in problems:
        _say(f"problem: {problem}")
    if not problems:
        _say("A relay with these settings can start: the port is free, and the database takes changes.")
    return SettingsError.exit_code if problems else 0


def table(values: RelaySettings, origins: Mapping[str, str]) -> list[str]:
    """The settings in force, one a line: option, value, where it comes from. Secrets are not shown."""
    rows = [("option", "value", "from")]
    for option in settings.options(RelaySettings):
        if option.name not in ("check", "backup"):
            rows.append((option.flag, _shown(option, getattr(values, option.name)), origins[option.name]))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{flag:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for flag, value, origin in rows]


def _shown(option: settings.Option, value: object) -> str:
    if value == "":
        return "none"
    if option.secret:
        return "(set)"
    return database.without_password(str(value)) if option.name == "database" else str(value)


def _examine(values: RelaySettings, origins: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Problems, with which a relay does not start or keep its promise, and warnings."""
    problems, warnings = [], values.warnings()
    try:
        listen(values.host, values.port).close()
    except RelayError as error:
        problems.append(str(error))
    try:
        claim_database(values.data, values.database, bool(values.cluster), port=None).release()
    except DatabaseInUseError as error:
        problems.append(str(error))  # what it is to become can be tried all the same
    except RelayError:
        pass  # the same is found next
    try:
        database.try_out(values.data, values.database)
    except RelayError as error:
        problems.append(str(error))
    processes, trouble = _processes(values)
    problems += trouble
    if program := PROGRAMS.get(values.tunnel):
        try:
            keeper.find(program)
        except RelayError as error:
            problems.append(str(error))
    if values.cluster:
        try:
            if away := asyncio.run(bus.try_out(values.cluster)):
                warnings.append(f"{away}: the relay starts, but goes on alone until it does (--cluster).")
        except RelayError as error:
            problems.append(str(error))
    room = machine.room_for(values.max_connections, processes)
    if room < values.max_connections:
        # The default is a number that nobody asked this machine for.
        asked = origins["max_connections"] != "default"
        (problems if asked else warnings).append(machine.shortage(values.max_connections, room))
    return problems, warnings


def _processes(values: RelaySettings) -> tuple[int, list[str]]:
    """How many processes the relay is to be, and what keeps several from being it."""
    count = 1
    try:
        count = supervisor.count_of(values)
        if count > 1 and not values.cluster:
            local_redis.find()
    except RelayError as error:
        return count, [str(error)]
    return count, []


def _say(text: str) -> None:
    print(text)  # noqa: T201 (the program's own output)
