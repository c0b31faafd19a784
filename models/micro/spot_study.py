"""How well methods spot: MEGC's measures over films with known micro-expressions, and how far off the apex is."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models.clips.cutting import Prepare
from models.clips.layouts import long
from models.clips.layouts.long import Event, LongListing
from models.errors import EvaluationError
from models.micro import megc
from models.micro.common import common
from models.micro.megc import Tally
from models.micro.methods import FilmAnswer, Method
from models.micro.recogniser import ClipRecogniser
from models.micro.spotting import Spotted
from models.training import films
from models.training.films import Films


@dataclass
class _Figures:
    """What is gathered of a method: tallies of all films and of those in which nothing happens, with their seconds."""

    tallies: list[Tally] = field(default_factory=list)
    quiet: list[Tally] = field(default_factory=list)
    quiet_s: float = 0
    off_ms: list[float] = field(default_factory=list)
    named: list[tuple[str, str]] = field(default_factory=list)

    def add(self, answer: FilmAnswer, events: Sequence[Event], rate: float, count: int) -> list[tuple[Spotted, Event]]:
        """Count a film; returns its hits."""
        micro = [event for event in events if event.micro]
        found = [(one.onset, one.offset) for one in answer.spotted]
        pairs = megc.hits(found, [(event.onset, event.offset) for event in micro])
        tally = Tally(len(found), len(micro), len(pairs))
        self.tallies.append(tally)
        if not events:
            self.quiet.append(tally)
            self.quiet_s += count / rate
        if apexes := [event.apex for event in micro if event.apex >= 0]:
            self.off_ms.append(1000 * min(abs(answer.apex - apex) for apex in apexes) / rate)
        return [(answer.spotted[i], micro[j]) for i, j in pairs]

    def summary(self, knows: bool) -> dict[str, Any]:
        """Of all films; ``knows``: what the hits are called counts as well."""
        every = megc.total(self.tallies)
        found: dict[str, Any] = {
            **vars(every),
            "f1": every.f1,
            "precision": every.precision,
            "recall": every.recall,
            "apex_ms": np.percentile(self.off_ms, (25, 50, 75)).tolist() if self.off_ms else None,
            "quiet": {
                "films": len(self.quiet),
                "left_alone": sum(not one.found for one in self.quiet),
                "found_a_minute": 60 * sum(one.found for one in self.quiet) / self.quiet_s if self.quiet else None,
            },
        }
        if knows:
            names = sorted({name for pair in self.named for name in pair})
            labels, answers = ([names.index(pair[side]) for pair in self.named] for side in (0, 1))
            found["recognition_f1"] = megc.recognition_f1(labels, answers, len(names))
            found["strs"] = megc.strs(every.f1, found["recognition_f1"])
        return found


def study(
    folder: Path, layout: str, methods: Sequence[Method], knows: ClipRecogniser | None, prepare: Prepare, aligned: bool
) -> dict[str, Any]:
    """All figures, ready for JSON: ``films``, ``people``, ``micro`` (their number) and ``methods``, by name.

    Of each method there are MEGC's measures; ``apex_ms``, quartiles of the distance from the one frame that it takes
    for the apex to the nearest true one, over films that have one; and ``quiet``, what it does in films in which
    nothing happens but blinks and the like. With a recogniser, also ``recognition_f1`` and ``strs``, 0 without a hit;
    where it has other classes than the films, under those that both have (``models.micro.common``). What is computed
    of a film and worth it is kept beside its faces, so that a study that was stopped goes on.

    Raises:
        DatasetError: the folder is not laid out that way, or no film can be used; or its classes are not the
            recogniser's.
        EvaluationError: no micro-expression is known in it.
    """
    listing = long.find(folder, layout)
    words = _words(listing.classes, knows.classes) if knows else ({}, {})
    cut, told = films.cut(folder, listing, max(method.size for method in methods), prepare, aligned)
    for sentence in (*listing.missing, *listing.remarks, *told):
        tqdm.write(sentence, sys.stderr)
    known = sum(event.micro for events in cut.events for event in events)
    if not known:
        raise EvaluationError(
            f"expected micro-expressions in {folder}, but none is known in its {len(cut.rates)} films"
        )
    larger = films.cut(folder, listing, knows.size, prepare, aligned)[0] if knows else None
    every = {method.name: _Figures() for method in methods}
    for i in tqdm(range(len(cut.rates)), desc="films", unit="film", disable=None):
        for method in methods:
            hits = every[method.name].add(_answer(method, cut, i), cut.events[i], cut.rates[i], cut.counts[i])
            if knows and larger:
                every[method.name].named += _named(knows, larger, i, hits, listing, words)
    return {
        "schema": 1,
        "films": len(cut.rates),
        "people": len(set(cut.source.subjects)),
        "micro": known,
        "methods": {name: figures.summary(knows is not None) for name, figures in every.items()},
    }


def _answer(method: Method, cut: Films, index: int) -> FilmAnswer:
    rate = cut.rates[index]
    if method.kept:
        seen = cut.source.derived(index, method.kept, lambda frames: method.see(frames, rate))
    else:
        seen = method.see(cut.source.frames(index), rate)
    return method.decide(seen, rate, cut.counts[index])


_Words = tuple[Mapping[str, str], Mapping[str, str]]
"""What the films' classes and the recogniser's are called where they are compared; those not in it have no place."""


def _words(films: Sequence[str], answers: Sequence[str]) -> _Words:
    """Raises:
    DatasetError: they share fewer than two classes.
    """
    if set(films) == set(answers):
        return {name: name for name in films}, {name: name for name in answers}
    shared = common(films, answers)
    ours, theirs = (
        {name: shared.classes[k] for name, k in zip(names, places, strict=True) if k >= 0}
        for names, places in ((films, shared.first), (answers, shared.second))
    )
    return ours, theirs


def _named(
    knows: ClipRecogniser,
    larger: Films,
    index: int,
    hits: Sequence[tuple[Spotted, Event]],
    listing: LongListing,
    words: _Words,
) -> list[tuple[str, str]]:
    """The true class and the answered one of each hit whose class is known."""
    asked = [(one, listing.classes[event.label]) for one, event in hits if event.label >= 0]
    asked = [(one, words[0][true]) for one, true in asked if true in words[0]]
    if not asked:
        return []
    frames, rate = larger.source.frames(index), larger.rates[index]
    said = [knows.name(frames[one.onset : one.offset + 1], one, rate) for one, _ in asked]
    return [(true, words[1].get(answer, answer)) for (_, true), answer in zip(asked, said, strict=True)]


def describe(result: Mapping[str, Any]) -> str:
    """The figures in lines for a terminal."""
    lines = [
        f"{result['films']} films of {result['people']} people, {result['micro']} micro-expressions",
        "",
        f"{'method':<12} {'F1':>6} {'precision':>10} {'recall':>7} {'apex off (quartiles)':>21} {'quiet left':>11}",
    ]
    for name, figures in result["methods"].items():
        off = " ".join(f"{value:.0f}" for value in figures["apex_ms"] or ()) + " ms"
        quiet = f"{figures['quiet']['left_alone']} of {figures['quiet']['films']}"
        scores = f"{figures['f1']:>6.3f} {figures['precision']:>10.3f} {figures['recall']:>7.3f}"
        lines.append(f"{name:<12} {scores} {off:>21} {quiet:>11}")
    if any("strs" in figures for figures in result["methods"].values()):
        lines += [""] + [
            f"{name}: F1 of recognition {figures['recognition_f1']:.3f}, STRS {figures['strs']:.3f}"
            for name, figures in result["methods"].items()
            if "strs" in figures
        ]
    return "\n".join(lines)
