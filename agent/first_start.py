"""The model files that are not here yet: who has them, how much that is, and whether they may be asked."""

import threading
from typing import TextIO

from agent.config import AgentSettings
from agent.errors import NoConsentError
from agent.outset import at_once
from models.inference import bar, fetch, identity, registry
from models.inference.fetch import Missing


def question(needed: Missing) -> str:
    """What would be fetched, and from whom, in the words of someone who is asked to agree to it."""
    files = "".join(f"  {entry.name}: {entry.description}\n" for entry in needed.entries)
    what, they = ("files that are", "they") if len(needed.entries) > 1 else ("a file that is", "it")
    whom = " and ".join(needed.hosts) or "nobody who is known"
    others = ""
    if needed.other_hosts:
        size = _megabytes(needed.other_size)
        others = f"\n  Should that fail, {they} may come from {' or '.join(needed.other_hosts)} ({size})."
    return (
        f"Moodcast needs {what} not here yet:\n"
        f"{files}"
        f"  To be fetched: {_megabytes(needed.size)} from {whom}.{others}\n"
        "  Whoever is asked sees your network address and, where pip asks, the kind of your system; no more of you.\n"
        f"  It is done once: {they} will be in {registry.location(needed.entries[0]).parent}.\n"
        "Nobody was asked for anything so far, the relay neither.\n"
    )


def ensure(settings: AgentSettings, answers: TextIO, out: TextIO) -> None:
    """Fetch what the agent needs and has not, once its user agrees; before that nobody is asked for anything.

    Raises:
        NoConsentError: anything but yes.
        FetchError: no source has it, or there is no room.
    """
    with at_once():
        others = (identity.NETWORK, identity.LAYOUT) if settings.personal_only_me else ()
        needed = fetch.missing((*fetch.agents(settings.model), *others))
    if not needed.entries:
        return
    out.write(question(needed))
    if settings.yes:
        out.write("Consent was given with --yes.\n")
        out.flush()
    else:
        out.write("Fetch now? [y/N] ")
        out.flush()
        if answers.readline().strip().lower() not in ("y", "yes"):
            raise NoConsentError("you did not agree, so nothing was fetched, and nobody was asked for anything")
    try:
        with bar.shown("fetching") as progress:
            fetch.fetch_all(needed, progress, threading.Event())
    except KeyboardInterrupt:
        out.write("\nStopped. What has come is kept: the next start goes on from there.\n")
        raise


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
