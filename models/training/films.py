"""Films with the moments of what is shown in them, as a recipe names them: opened, cut into faces, dealt into sides."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from models.clips.cutting import Prepare
from models.clips.layouts import long
from models.clips.layouts.entry import Clip, Found, Layout, Listing
from models.clips.layouts.long import Event, LongClip, LongListing
from models.clips.source import Clips, take
from models.errors import TrainingError
from models.training import folds
from models.training.recipe import Recipe


class Films(NamedTuple):
    """N films as aligned faces (``source``, whose labels say nothing).

    Of each, ``counts`` has the number of faces, ``rates`` those a second, and ``events`` what happens in it; their
    moments count from the first of its faces, not from the film's first frame; an onset may come before it.
    """

    source: Clips
    counts: tuple[int, ...]
    rates: tuple[float, ...]
    events: tuple[tuple[Event, ...], ...]

    def take(self, indices: Sequence[int]) -> "Films":
        """Only these films, in this order."""
        return Films(
            take(self.source, indices),
            tuple(self.counts[i] for i in indices),
            tuple(self.rates[i] for i in indices),
            tuple(self.events[i] for i in indices),
        )


class FilmSet(NamedTuple):
    """All films of a set, and the recipe's folds by name."""

    films: Films
    folds: dict[str, folds.Fold]

    def sides(self, fold: str) -> tuple[Films, Films]:
        """The films to learn from and the films to test on."""
        learn, test = self.folds[fold]
        return self.films.take(learn.tolist()), self.films.take(test.tolist())


def opened(recipe: Recipe, folder: Path, size: int, prepare: Prepare, fewest: int = 1) -> FilmSet:
    """A set of ``fewest`` films or more, of faces of ``size`` px; they are cut on first use and kept beside the films.

    Films that are not there, can't be read, show no face or have no known rate, are told of and left out.

    Raises:
        DatasetError: the folder is not laid out as the recipe says, or has no films or too few subjects.
        RecipeError: the recipe names a fold that there is not.
        TrainingError: there are fewer films than ``fewest``.
        MissingVideoError: there are video files to read, and PyAV is not installed.
        ModelError: the face stage's model is missing.
    """
    listing = long.find(folder, recipe.clips.layout)
    if len(listing.clips) < fewest:
        raise TrainingError(f"expected {fewest} films or more in {folder}, got {len(listing.clips)}")
    films, told = cut(folder, listing, size, prepare, recipe.clips.aligned)
    for sentence in (*listing.missing, *listing.remarks, *told):
        tqdm.write(f"{folder}: {sentence}", sys.stderr)
    return FilmSet(films, folds.of_recipe(films.source.subjects, {}, recipe.clips, recipe.data))


def cut(
    folder: Path, listing: LongListing, size: int, prepare: Prepare, aligned: bool
) -> tuple[Films, tuple[str, ...]]:
    """The faces of films, from the cache or cut now; and a sentence for each that is left out or shortened.

    Raises:
        DatasetError: none could be cut; or as ``models.clips.cache.prepare``.
    """
    timed = [film for film in listing.clips if film.fps > 0]
    left_out = [
        f"{film.path} is left out: how many frames a second it has is not known; expected it in the table or its header"
        for film in listing.clips
        if not film.fps > 0
    ]
    clips = tuple(Clip(film.path, 0, film.subject, fps=film.fps) for film in timed)
    layout = Layout(listing.layout.name, listing.layout.title, ("film",), (None,), lambda _: Found(clips))
    prepared = prepare(folder, Listing(layout, layout.classes, clips, {}), size, aligned)
    by_path = {film.path: film for film in timed}
    kept = [by_path[clip.path] for clip in prepared.listing.clips]
    events = tuple(_from(film, first) for film, (first, _) in zip(kept, prepared.spans, strict=True))
    counts = tuple(count for _, count in prepared.spans)
    return Films(prepared.source, counts, tuple(film.fps for film in kept), events), (
        *left_out,
        *prepared.broken,
        *(remark for remark in prepared.remarks if remark not in listing.remarks),  # of rates it has told already
    )


def _from(film: LongClip, first: int) -> tuple[Event, ...]:
    """A film's events, counted from frame ``first``; those that are over before it are none."""
    return tuple(
        replace(
            event,
            onset=event.onset - first,
            apex=event.apex - first if event.apex >= first else -1,
            offset=event.offset - first,
        )
        for event in film.events
        if event.offset >= first
    )
