"""What an adapter found, in words for the terminal."""

import math
from collections import Counter

import numpy as np

from models.clips.cache import Prepared
from models.clips.layouts import LAYOUTS, long
from models.clips.layouts.entry import Listing
from models.inference.sound import RATE

_SHOWN = 5
"""Of clips that are missing or broken, this many are named."""
_SILENT_DB = -60
_SILENT = 10 ** (_SILENT_DB / 20)
_FULL, _CLIPPED = 0.999, 0.001
"""Sound of which more than this share is that loud was recorded too loud."""


def describe_layouts() -> str:
    """The layouts, a line each."""
    return "\n".join(f"{name:<14} {layout.title}" for name, layout in (*LAYOUTS.items(), *long.LAYOUTS.items()))


def describe(listing: Listing) -> str:
    """Clips by class, people, intensities, moments, folds, and what is missing."""
    clips = listing.clips
    people = Counter(clip.subject for clip in clips)
    counts = Counter(clip.label for clip in clips)
    who = "each of somebody else" if len(people) == len(clips) else f"of {len(people)} people"
    lines = [f"{listing.layout.title}: {len(clips)} clips, {who}"]
    lines += [f"  {name:<16}{counts[label]:>7}" for label, name in enumerate(listing.classes)]
    graded = sum(not math.isnan(clip.intensity) for clip in clips)
    timed = sum(clip.apex >= 0 for clip in clips)
    lines.append(f"with an intensity: {graded}; with an apex: {timed}")
    if not listing.recorded:
        lines.append("made by a program: no recordings")
    lines += [
        f"fold {name}: {len(fold.train)} to learn from, {len(fold.test)} to test on"
        for name, fold in listing.folds.items()
    ]
    return "\n".join(lines + _some("missing", listing.missing) + _some("remarks", listing.remarks))


def describe_long(listing: long.LongListing) -> str:
    """Videos, people, minutes, events by class, and what is missing or contradicts itself."""
    clips = listing.clips
    events = [event for clip in clips for event in clip.events]
    micro = [event for event in events if event.micro]
    counts = Counter(event.label for event in micro)
    timed = [clip for clip in clips if clip.frames and not math.isnan(clip.fps)]
    minutes = sum(clip.frames / clip.fps for clip in timed) / 60
    busy = sum(any(event.micro for event in clip.events) for clip in clips)
    unknown = f" ({len(clips) - len(timed)} of unknown length or rate)" if len(timed) < len(clips) else ""
    lines = [
        f"{listing.layout.title}: {len(clips)} long videos of {len({clip.subject for clip in clips})} people",
        f"{minutes:.1f} minutes{unknown}",
        f"micro-expressions: {len(micro)}, in {busy} videos",
        *(f"  {name:<16}{counts[label]:>7}" for label, name in enumerate(listing.classes)),
        f"of these with an apex: {sum(event.apex >= 0 for event in micro)}",
        f"ordinary expressions: {len(events) - len(micro)}",
    ]
    return "\n".join(lines + _some("missing", listing.missing) + _some("remarks", listing.remarks))


def describe_faces(prepared: Prepared) -> str:
    """How many clips have faces, and why the others don't."""
    lines = [f"{len(prepared.source)} clips of faces"]
    return "\n".join(lines + _some("without faces", prepared.broken) + _some("remarks", prepared.remarks))


def describe_sound(prepared: Prepared) -> str:
    """How many clips have sound, how much that is, what is wrong with some, and why the others have none."""
    lengths, silent, clipped = [], [], []
    for i, clip in enumerate(prepared.listing.clips):
        loud = np.abs(prepared.source.signal(i, "sound"))
        lengths.append(len(loud) / RATE)
        if loud.max() < _SILENT:
            silent.append(f"{clip.sound or clip.path} is silent: nothing in it is louder than {_SILENT_DB} dB")
        if (share := float((loud >= _FULL).mean())) > _CLIPPED:
            clipped.append(f"{clip.sound or clip.path} is clipped: {share:.1%} of it is at full scale")
    lines = [
        f"{len(lengths)} clips with sound, {min(lengths):.1f} to {max(lengths):.1f} s, {sum(lengths) / 60:.1f} minutes"
    ]
    remarks = _some("silent", tuple(silent)) + _some("clipped", tuple(clipped))
    return "\n".join(lines + remarks + _some("without sound", prepared.broken))


def _some(what: str, sentences: tuple[str, ...]) -> list[str]:
    """How many, and the first few."""
    if not sentences:
        return []
    rest = [f"  and {len(sentences) - _SHOWN} more"] if len(sentences) > _SHOWN else []
    return [f"{what}: {len(sentences)}", *(f"  {sentence}" for sentence in sentences[:_SHOWN]), *rest]
