"""QR codes of links: squares of light and dark that a phone's camera reads."""

import io
from typing import NamedTuple

import segno

_BORDER = 4
"""Light squares around it, which readers want."""


class Drawn(NamedTuple):
    """A code, twice."""

    svg: str
    """An SVG document, dark on light, that fills the space it is given."""
    rows: list[str]
    """Its squares, row by row, with its border: 1 is dark, 0 light."""


def drawn(text: str) -> Drawn:
    """The text's code. A long text takes a tenth of a second.

    Raises:
        ValueError: the text has more than about 2,900 bytes.
    """
    code, file = segno.make(text, micro=False), io.BytesIO()
    code.save(file, kind="svg", border=_BORDER, light="#fff", omitsize=True, xmldecl=False)
    squares = code.matrix_iter(border=_BORDER)
    return Drawn(file.getvalue().decode(), ["".join("1" if dark else "0" for dark in row) for row in squares])


def terminal(text: str) -> list[str]:
    """The code as lines of half blocks, each two rows high: what is light is drawn, so that it is right on dark ground.

    Raises:
        ValueError: as ``drawn``.
    """
    file = io.StringIO()
    segno.make(text, micro=False).terminal(file, compact=True, border=_BORDER)
    return file.getvalue().splitlines()
