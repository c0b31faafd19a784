"""Where the lines of a text end. Pure; for Chinese alone: else Tk breaks lines as it should, at blanks."""

import re
from collections.abc import Callable

_CHINESE = "\u2e80-\u9fff\uff00-\uffef"
_OPENING, _CLOSING = "\u300c\uff08", "\u3001\u3002\u300d\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u2026"
_PIECE = re.compile(f"[{_OPENING}]*(?:[{_CHINESE}]|[^{_CHINESE}\\s]+)[{_CLOSING}]*\\s*")
"""What stays on one line: a sign, or a word of another writing, with the marks that may not be parted from it."""


def laid(text: str, width: int, measure: Callable[[str], int]) -> str:
    """The text with line feeds, so that no line is wider, in pixels, than ``width``; other texts as they are.

    Tk takes Chinese between two blanks for one long word, which begins on a line of its own.
    """
    return "\n".join(_laid(line, width, measure) for line in text.split("\n"))


def _laid(text: str, width: int, measure: Callable[[str], int]) -> str:
    if not re.search(f"[{_CHINESE}]", text):
        return text
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line and measure((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return "\n".join([*lines, line.rstrip()])
