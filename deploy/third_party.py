"""What is built into the packaged program that others made, and under which licences: the text THIRD-PARTY.txt.

``moodcast.spec`` calls it with the files that PyInstaller found. Python packages are told by the metadata that pip
keeps of them, libraries of the system by the copyright file of their Debian package.
"""

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

_HELD = {
    "cryptography": "With OpenSSL (Apache-2.0) and crates of Rust, linked into it.",
    "mediapipe": "libmediapipe.so holds further projects of Google and others, which its wheel does not list.",
    "numpy": "With OpenBLAS and the run-time libraries of GCC.",
    "opencv-python-headless": "LICENSE-3RD-PARTY.txt tells what is in it; in PyPI's wheel FFmpeg (LGPL-2.1), too.",
    "pillow": "With libjpeg-turbo, libpng, libtiff, libwebp, FreeType, HarfBuzz, Little CMS and others.",
}
"""What a wheel holds beside its own code."""
_RULE = "=" * 100


def text(files: Iterable[str]) -> str:
    """The listing, then the licence texts. ``files``: the paths of all that is built in, wherever they came from."""
    real = {str(Path(file).resolve()) for file in files if file}
    packages = [one for one in _packages() if _is_used(one, real)]
    known = {str(path) for one in packages for path in _paths(one)}
    base = str(Path(sys.base_prefix).resolve())
    system = _debian(sorted(file for file in real - known if ".so" in Path(file).name and not file.startswith(base)))
    lines = [
        "This program is made of Moodcast (Apache-2.0, LICENSE) and of what others made, listed here; texts below.",
        "",
        "PyInstaller's loader (GPL-2.0, with an exception for the programs that it loads)",
        f"Python {sys.version.split()[0]} (PSF-2.0), with OpenSSL, Tcl/Tk, SQLite, zlib, xz, bzip2, libffi and expat",
        *map(_line, packages),
        *(
            f"{f'{package} (Debian package)' if package else 'Of this system, from no package that is known'}: "
            f"{' '.join(names)}"
            for package, names in system.items()
        ),
    ]
    texts = [("Python", Path(sysconfig.get_path("stdlib"), "LICENSE.txt"))]
    texts += [(f"{one.metadata['Name']}: {path.name}", path) for one in packages for path in _licences(one)]
    texts += [(package, Path("/usr/share/doc", package, "copyright")) for package in system]
    parts = ["\n".join(lines), *(_part(title, path) for title, path in texts if path.is_file())]
    return f"\n\n{_RULE}\n".join(parts) + "\n"


def _packages() -> list[Distribution]:
    found: dict[str, Distribution] = {}
    for one in distributions():
        found.setdefault((one.metadata["Name"] or "").lower(), one)  # what comes first on the path is what is imported
    return [found[name] for name in sorted(found) if name not in ("", "moodcast")]


def _paths(package: Distribution) -> set[Path]:
    return {Path(str(package.locate_file(file))).resolve() for file in package.files or ()}


def _is_used(package: Distribution, files: set[str]) -> bool:
    return any(str(path) in files for path in _paths(package) if ".dist-info" not in str(path))


def _line(package: Distribution) -> str:
    told = package.metadata
    named = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License")]
    licence = told["License-Expression"] or " / ".join(named) or str(told["License"] or "see below").splitlines()[0]
    held = _HELD.get(told["Name"].lower())
    return f"{told['Name']} {package.version} ({licence})" + (f"\n    {held}" if held else "")


def _licences(package: Distribution) -> list[Path]:
    words = ("license", "licence", "copying", "notice", "authors")
    return sorted(path for path in _paths(package) if path.name.lower().startswith(words) and path.suffix != ".py")


def _debian(libraries: list[str]) -> dict[str, list[str]]:
    """The names of these libraries by the Debian package that they are from; under the empty name those of none."""
    program = shutil.which("dpkg-query")
    found: dict[str, list[str]] = {}
    for file in libraries:
        said = ""
        for path in (file, file.removeprefix("/usr")):  # the two are one folder
            if program and not said:
                said = subprocess.run([program, "-S", path], capture_output=True, text=True).stdout  # noqa: S603
        found.setdefault(said.partition(":")[0], []).append(Path(file).name)
    return found


def _part(title: str, file: Path) -> str:
    return f"{title}\n\n{file.read_text(encoding='utf-8', errors='replace').strip()}"
