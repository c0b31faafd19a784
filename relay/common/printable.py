"""Text that strangers wrote, where people read it: what can stand on a line as it is, and the rest as escapes."""

import re
import unicodedata

_INVISIBLE = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,16}\U000e007f|(?<=[^\\s\u200c\u200d])[\u200c\u200d]")
"""What is not printable by itself and yet a part of what people write: the tags after a flag (Scotland's), and a single
joiner or non-joiner behind a visible character (an astronaut of two emoji, Persian)."""
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c\u200d\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
"""What may be part of a name and is not seen: joiners, fillers, variants and tags."""
_MOST_MARKS = 6
"""On one letter; no script piles up more."""


def is_printable(text: str) -> bool:
    """Whether the text can be shown on one line and shows all that it holds: nothing that breaks lines, is hidden or
    turns the text around it (Unicode's bidirectional controls)."""
    return all(character.isprintable() or _is_fine(character) for character in _INVISIBLE.sub("", text))


def is_seen(text: str) -> bool:
    """Whether something of the text is seen, and no marks are piled up so high that they cover the lines above it."""
    kinds = "".join(unicodedata.category(character)[0] for character in UNSEEN.sub("", text).replace("\u2800", " "))
    return "M" * (_MOST_MARKS + 1) not in kinds and bool(kinds.strip("MZ"))


def _is_fine(character: str) -> bool:
    """Of one that Python does not print as it is: blanks of other widths, and emoji that are newer than Python."""
    category, code = unicodedata.category(character), ord(character)
    return category == "Zs" or (category == "Cn" and 0x10000 <= code < 0xE0000 and code & 0xFFFE != 0xFFFE)


def escaped(text: str, most: int = 500) -> str:
    """The text for a terminal or a sentence: on one line, its first ``most`` characters, and what is not printable as
    escapes (``\\n``, ``\\x1b``, ``\\u202e``), so that it can neither steer a terminal nor pass for something else."""
    cut = text if len(text) <= most else text[:most] + "..."
    return cut if is_printable(cut) else "".join(map(_escaped, cut))


def escaped_lines(text: str) -> str:
    """The same of each line of a longer text that has lines of its own."""
    return "\n".join(escaped(line, 4000) for line in text.split("\n"))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
