"""What a streamer tells who thinks of joining: words of a stranger, beside our own. Pure."""

from relay.common.printable import is_printable, is_seen
from relay.protocol import MOST_NOTICE


def notice_of(text: str) -> str:
    """The text as it can be shown, without blanks around it; empty where there is none.

    Raises:
        ValueError: it is too long, or not plain text on one line; in words for the streamer.
    """
    notice = text.strip()
    if len(notice) > MOST_NOTICE:
        raise ValueError(f"A notice has {MOST_NOTICE} characters at most, not {len(notice)}: shorten it.")
    if notice and not (is_printable(notice) and is_seen(notice)):
        raise ValueError(
            "A notice is plain text in one paragraph, of which something is seen: without line breaks, without "
            "characters that steer or turn text, and without marks piled up."
        )
    return notice
