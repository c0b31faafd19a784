"""What is wrong with OBS and the script, from what ``obs_plugin.search`` has found: plain functions."""

from collections.abc import Iterator
from typing import NamedTuple

Version = tuple[int, int, int]

_PYTHONS = (((30, 1, 0), 12), ((29, 1, 0), 11), ((0, 0, 0), 10))
"""The newest Python 3 that an OBS from that version on takes on Windows and macOS (docs/obs.md)."""
_OLDEST_PYTHON = 8
_OLDEST_OBS = 28


class Python(NamedTuple):
    """A Python 3 in the folder that OBS was told; ``bits`` is 0 where nobody knows."""

    minor: int
    bits: int = 0


class Studio(NamedTuple):
    """An OBS. ``python_folder``: that it was told; ``scripting``: whether it can run Python at all."""

    kind: str
    where: str
    version: Version | None
    browser: bool
    scripting: bool
    python_folder: str = ""
    pythons: tuple[Python, ...] = ()


class LoadedScript(NamedTuple):
    """The script as a scene collection has it. ``version``: that an installed copy tells; ``has_key``: in there."""

    path: str
    there: bool
    relay: str = ""
    version: str = ""
    has_key: bool = False


class Collection(NamedTuple):
    """A scene collection, or OBS's ``backup`` of one. ``page_key``: an overlay's address in it carries a key;
    ``overlay``: it has a source of the script's.
    """

    name: str
    file: str
    current: bool
    scripts: tuple[LoadedScript, ...]
    page_key: bool = False
    backup: bool = False
    readable: bool = True
    overlay: bool = True


class Answer(NamedTuple):
    """What came of asking a relay; ``trouble`` is empty where one answered."""

    relay: str
    trouble: str
    version: str = ""


class Facts(NamedTuple):
    """All that was found. ``release``: of this Moodcast; ``script``: what to give to OBS, installed or not."""

    system: str
    release: str
    script: str
    studios: tuple[Studio, ...] = ()
    collections: tuple[Collection, ...] = ()
    answers: tuple[Answer, ...] = ()


class Finding(NamedTuple):
    """``kind``: ``ok``, ``note`` (works, but) or ``wrong``; the sentence says what to do as well."""

    kind: str
    sentence: str


def findings(facts: Facts) -> list[Finding]:
    """All that there is to say, in the order in which it is to be put right."""
    found = list(_of_studios(facts))
    if facts.studios:
        found += _of_scripts(facts)
    return [*found, *_of_keys(facts), *_of_relays(facts)]


def newest_python(version: Version | None) -> int:
    """The newest Python 3 that this OBS takes on Windows and macOS; of an unknown one, what the newest takes."""
    return next(minor for since, minor in _PYTHONS if version is None or version >= since)


def _of_studios(facts: Facts) -> Iterator[Finding]:
    if not facts.studios:
        yield Finding("wrong", "No OBS Studio was found: install it from obsproject.com and start it once.")
    for studio in facts.studios:
        number = ".".join(map(str, studio.version)) if studio.version else "of an unknown version"
        where = f"OBS {number} at {studio.where}" + (f" ({studio.kind})" if studio.kind != "program" else "")
        if studio.version and studio.version[0] < _OLDEST_OBS:
            yield Finding("wrong", f"{where} is too old: the script takes OBS {_OLDEST_OBS} or newer.")
        else:
            yield Finding("ok", f"{where}.")
        yield _python_of(facts.system, studio)
        yield _browser_of(studio)


def _python_of(system: str, studio: Studio) -> Finding:
    newest = newest_python(studio.version)
    how = f"install Python 3.{newest} from python.org"
    where = "Tools > Scripts > Python Settings"
    if system == "linux":
        if studio.scripting:
            return Finding("ok", "OBS runs Python scripts with the system's Python; there is nothing to set.")
        return Finding("wrong", "This OBS can't run Python scripts: take another build, as that of obsproject.com.")
    if system == "windows":
        how = f"install Python 3.{newest}, 64-bit, from python.org (not the Microsoft Store's)"
    if not studio.python_folder:
        return Finding("wrong", f"OBS was told no Python: {how} and enter its folder in {where}.")
    told = f"OBS was told {studio.python_folder} as its Python"
    if not studio.pythons:
        place = "/Library/Frameworks" if system == "macos" else "the folder that holds python.exe"
        return Finding("wrong", f"{told}, but there is none: {how} and enter {place} in {where}.")
    fitting = [one for one in studio.pythons if _OLDEST_PYTHON <= one.minor <= newest and one.bits in (0, 64)]
    if fitting:
        return Finding("ok", f"{told}, which is Python 3.{max(one.minor for one in fitting)}.")
    one = max(studio.pythons)
    if one.bits == 32:
        return Finding("wrong", f"{told}, which has 32 bits: {how} and enter its folder in {where}.")
    return Finding(
        "wrong",
        f"{told}, which is 3.{one.minor}; this OBS takes 3.{_OLDEST_PYTHON} to 3.{newest}: {how} beside it and enter "
        f"its folder in {where}.",
    )


def _browser_of(studio: Studio) -> Finding:
    if studio.browser:
        return Finding("ok", "It has browser sources.")
    return Finding(
        "note",
        "It has no browser sources: the overlay is a picture, new up to five times a second. The OBS from "
        "obsproject.com has them.",
    )


def _of_scripts(facts: Facts) -> Iterator[Finding]:
    collections = [collection for collection in facts.collections if not collection.backup]
    having = [collection for collection in collections if collection.scripts]
    if not having and all(collection.readable for collection in collections):
        yield Finding("wrong", f"OBS has not loaded the script: Tools > Scripts > + and choose {facts.script}")
    for collection in collections:
        if not collection.readable:
            kind = "wrong" if collection.current else "note"
            yield Finding(
                kind,
                f"{collection.file} can't be read as a scene collection: close OBS and put its backup, "
                f"{collection.file}.bak, in its place if there is one.",
            )
        elif collection.current and having and not collection.scripts:
            yield Finding(
                "wrong",
                f"The scene collection {collection.name!r}, which OBS has open, lacks the script: Tools > Scripts > + "
                f"and choose {facts.script}",
            )
    for collection in having:
        yield from _of_collection(facts, collection)


def _of_collection(facts: Facts, collection: Collection) -> Iterator[Finding]:
    kind = "wrong" if collection.current else "note"
    name = f"The scene collection {collection.name!r}"
    if len(collection.scripts) > 1:
        paths = ", ".join(script.path for script in collection.scripts)
        yield Finding(kind, f"{name} has {len(collection.scripts)} copies of the script: keep one of {paths}")
    for script in collection.scripts:
        if not script.there:
            yield Finding(
                kind,
                f"{name} has the script at {script.path}, where there is none: remove it under Tools > Scripts and add "
                f"{facts.script}",
            )
        elif script.version not in ("", facts.release):
            yield Finding(
                "note",
                f"{name} has the script of Moodcast {script.version}, and this is {facts.release}: run `moodcast obs "
                "install`, then press the reload button under Tools > Scripts.",
            )
        else:
            yield Finding("ok", f"{name} has the script at {script.path}.")
    if collection.current and not collection.overlay:
        yield Finding("note", f'{name} has no overlay: press "Add overlay to current scene" in the script\'s dialog.')


def _of_keys(facts: Facts) -> Iterator[Finding]:
    for collection in facts.collections:
        if not collection.page_key and not any(script.has_key for script in collection.scripts):
            continue
        if collection.backup:
            yield Finding(
                "note",
                f"OBS's backup {collection.file} holds a key of the channel: OBS writes over it when it saves the "
                "scene collection again. Don't give the file away.",
            )
        else:
            yield Finding(
                "note",
                f"The scene collection {collection.name!r} holds a key of the channel: who gets {collection.file} can "
                "use it. Open it in OBS once, so that the script moves the key, before you give the file away.",
            )


def _of_relays(facts: Facts) -> Iterator[Finding]:
    for answer in facts.answers:
        if answer.trouble:
            yield Finding("wrong", answer.trouble)
        elif answer.version not in ("", facts.release):
            yield Finding(
                "note", f"The relay at {answer.relay} is Moodcast {answer.version}, and this is {facts.release}."
            )
        else:
            yield Finding("ok", f"The relay at {answer.relay} answers.")
