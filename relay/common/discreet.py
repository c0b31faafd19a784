"""Values that hold a password or a key, shown without it: whatever prints them, it is not for logs."""

import msgspec

SECRETS = frozenset({"password", "key", "admin_key", "display_key", "create_key", "ticket", "secret", "invitation"})
"""Names of fields whose text opens a door."""


def shown(value: msgspec.Struct) -> str:
    """For ``__repr__``: all fields, with … in place of what is secret."""
    fields = [
        f"{name}={'…' if name in SECRETS and content else repr(content)}"
        for name, content in msgspec.structs.asdict(value).items()
    ]
    return f"{type(value).__name__}({', '.join(fields)})"
