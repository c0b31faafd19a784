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


class Asked(dict[str, Any]):
    """A message's fields that notes which are asked for."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)
