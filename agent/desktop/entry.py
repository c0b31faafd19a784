"""Desktop entries: the files that tell Linux desktops how to start a program. Pure text.

As the Desktop Entry Specification 1.5 has it.
"""

from collections.abc import Mapping, Sequence

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def entry(name: str, command: Sequence[str], more: Mapping[str, str], link: bool = False) -> str:
    """The file's text. ``more``: further keys and their values; ``link``: the command takes a link as its last word.

    Raises:
        ValueError: the command's words can't be told, since there is a control character in one.
    """
    words = [_word(word) for word in command]
    if link:
        words[-1] += "%u"
    values = {"Type": "Application", "Name": name, "Exec": " ".join(words), "Terminal": "false", **more}
    lines = [f"{key}={''.join(_ESCAPES.get(letter, letter) for letter in text)}" for key, text in values.items()]
    return "\n".join(["[Desktop Entry]", *lines, ""])


def _word(text: str) -> str:
    """A word of ``Exec``, in quotes where it needs them."""
    if not text.isprintable():
        raise ValueError(f"expected a path without control characters, got {text!r}")
    text = text.replace("%", "%%")
    if text and not set(text) & set(" \"'\\><~|&;$*?#()`"):
        return text
    for letter in '\\"`$':
        text = text.replace(letter, f"\\{letter}")
    return f'"{text}"'
