"""Make overlay/fonts/inter.woff2 anew: ``python -m docs.font inter-ui-4.1.1.tgz``. Needs fonttools and brotli.

``npm pack inter-ui@4.1.1`` fetches the package, of which the variable font is taken: Inter, by Rasmus Andersson, under
the SIL Open Font License. Kept are the weights that the pages use, its optical sizes, and what Latin scripts,
Vietnamese and Cyrillic need. The same bytes come out with fonttools 4.68.0 and brotli 1.2.1.
"""

import hashlib
import io
import sys
import tarfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "overlay" / "fonts"
FONT, LICENCE = "package/variable/InterVariable.woff2", "package/LICENSE.txt"
SHA256 = "693b77d4f32ee9b8bfc995589b5fad5e99adf2832738661f5402f9978429a8e3"
"""Of the package's font."""
WEIGHTS = (400, 750)
FEATURES = ("calt", "case", "ccmp", "kern", "locl", "mark", "mkmk", "tnum")
LETTERS = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x18F, 0x18F), (0x192, 0x192), (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x1CD, 0x1DC),
    (0x1E2, 0x21B), (0x259, 0x259), (0x2BB, 0x2BC), (0x2C6, 0x2DD),  # Latin
    (0x300, 0x304), (0x306, 0x30C), (0x31B, 0x31B), (0x323, 0x323), (0x326, 0x328),  # marks that are put over letters
    (0x400, 0x45F), (0x490, 0x493), (0x496, 0x497), (0x49A, 0x49D), (0x4A2, 0x4A3), (0x4AE, 0x4B3), (0x4B6, 0x4BB),
    (0x4CF, 0x4CF), (0x4D8, 0x4D9), (0x4E2, 0x4E3), (0x4E8, 0x4E9), (0x4EE, 0x4EF),  # Cyrillic
    (0x1E80, 0x1E85), (0x1E9E, 0x1E9E), (0x1EA0, 0x1EF9),  # Vietnamese
    (0x2002, 0x200B), (0x2010, 0x2015), (0x2018, 0x201E), (0x2020, 0x2022), (0x2026, 0x2026), (0x202F, 0x2030),
    (0x2032, 0x2033), (0x2039, 0x203A), (0x2044, 0x2044), (0x20A0, 0x20BF), (0x2116, 0x2116), (0x2122, 0x2122),
    (0x2190, 0x2193), (0x2212, 0x2212), (0x2248, 0x2248), (0x2260, 0x2265), (0x25CF, 0x25CF),
)  # fmt: skip
"""Ranges of code points, both ends included."""


def subset(font: bytes) -> bytes:
    """What we keep of the font, as WOFF2.

    Raises:
        ModuleNotFoundError: fonttools is not installed.
    """
    from fontTools import subset as tools
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    whole: Any = TTFont(io.BytesIO(font), recalcTimestamp=False)
    options = tools.Options(
        layout_features=list(FEATURES), hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14, 25]
    )
    letters = tools.Subsetter(options)
    letters.populate(unicodes=[letter for first, last in LETTERS for letter in range(first, last + 1)])
    letters.subset(whole)
    fewer = instancer.instantiateVariableFont(whole, {"wght": WEIGHTS})
    fewer.flavor = "woff2"
    file = io.BytesIO()
    fewer.save(file)
    return file.getvalue()


def main(package: str) -> int:
    with tarfile.open(package) as files:
        font, licence = (_content(files, name) for name in (FONT, LICENCE))
    found = hashlib.sha256(font).hexdigest()
    if found != SHA256:
        sys.stderr.write(f"{FONT} of {package} has sha256 {found}, not {SHA256}: fetch inter-ui 4.1.1.\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    for name, content in {"inter.woff2": subset(font), "OFL.txt": licence}.items():
        (FOLDER / name).write_bytes(content)
        sys.stdout.write(f"{FOLDER / name}: {len(content)} bytes\n")
    return 0


def _content(files: tarfile.TarFile, name: str) -> bytes:
    file = files.extractfile(name)
    assert file is not None, f"{name} is a folder"
    return file.read()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
