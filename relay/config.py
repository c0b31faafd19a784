"""Settings of the relay: one row each, see ``relay.settings``."""

from typing import Annotated

import msgspec
from msgspec import Meta


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Options of ``moodcast relay``."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on; 0.0.0.0 for the whole network.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")] = 8765
    data: Annotated[
        str, Meta(description="Folder of the database (channels, history); empty for the user's data folder.")
    ] = ""
    database: Annotated[
        str,
        Meta(
            pattern=r"^(postgres(ql)?://.+)?$",
            description="PostgreSQL database for channels and history, as in `postgresql://USER@HOST/NAME`, with the "
            "password in PGPASSWORD or ~/.pgpass (extra `postgres`); empty for SQLite in the data folder.",
        ),
    ] = ""
    channel: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,63})?$",
            description="Create this channel if it is missing and print its keys once. "
            "A letter or digit, then up to 63 letters, digits, _ or -.",
        ),
    ] = ""
    tick_ms: Annotated[int, Meta(ge=50, le=5000, description="Milliseconds between two mood events.")] = 250
    min_viewers: Annotated[
        int, Meta(ge=1, le=1000, description="Fewer sharing viewers than this are never shown or stored.")
    ] = 5
    retention_days: Annotated[
        int, Meta(ge=0, le=36500, description="Delete sessions that ended more days ago than this; 0 keeps them all.")
    ] = 0
