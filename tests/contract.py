"""docs/protocol.json, for tests of those that read or write messages without importing the relay's classes."""

import json
from pathlib import Path
from typing import Any

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "docs" / "protocol.json").read_text("utf-8"))


def fields_of(kind: str) -> set[str]:
    """The names of a message's fields, its ``type`` among them."""
    return set(CONTRACT["messages"][kind]["properties"])


def kinds_to_a_subscriber() -> set[str]:
    """What a page or the OBS script may be sent."""
    return set(CONTRACT["directions"]["relay_to_subscriber"])
