"""What went wrong, in the window's words: those of the errors themselves speak of options of the command line."""

from relay.common.texts import Texts
from relay.errors import (
    MoodcastError,
    RedirectedError,
    RelayUnreachableError,
    UnknownChannelError,
    WrongKeyError,
)


def explained(texts: Texts, error: BaseException, relay: str, channel: str = "") -> str:
    """A sentence on what a request to a relay, for a channel, came to."""
    if isinstance(error, RelayUnreachableError):
        return texts("trouble.unreachable", relay=relay, why=error.reason or error)
    if isinstance(error, UnknownChannelError):
        return texts("trouble.unknown_channel", relay=relay, channel=channel)
    if isinstance(error, RedirectedError):
        return texts("trouble.redirected", relay=relay)
    if isinstance(error, WrongKeyError):
        return texts("trouble.key", relay=relay)
    why = error.sentence() if isinstance(error, MoodcastError) else f"{type(error).__name__}: {error}"
    return texts("trouble.other", why=why)
