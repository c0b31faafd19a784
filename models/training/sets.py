"""Sets of clips as a recipe names them: opened, cut into faces, and dealt into what is learned from and tested on."""

import dataclasses
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from models.clips import layouts, rates
from models.clips.cache import CacheError, Prepared
from models.clips.cutting import Prepare
from models.clips.layouts.entry import Listing
from models.clips.source import Clips, take
from models.errors import DatasetError, TrainingError
from models.training import folds
from models.training.recipe import Recipe
from models.zoo import networks


class Set(NamedTuple):
    """All clips of a set, as aligned faces, the recipe's folds by name, and what the layout tells of these clips.

    ``broken`` has a sentence for each of the others.
    """

    clips: Clips
    folds: dict[str, folds.Fold]
    listing: Listing
    broken: tuple[str, ...]

    def sides(self, fold: str) -> tuple[Clips, Clips]:
        """The clips to learn from and the clips to test on."""
        learn, test = self.folds[fold]
        return take(self.clips, learn), take(self.clips, test)


def opened(recipe: Recipe, folder: Path, size: int, prepare: Prepare, fewest: int = 1) -> Set:
    """A set of ``fewest`` clips or more, of faces of ``size`` px; they are cut on first use and kept beside the clips.

    Clips that are not there, can't be read, or show no face, are told of and left out, and so are those of unknown rate
    where the network needs to know it, and those without sound where it hears. Where ``size`` is 0, the network only
    hears: no faces are looked for.

    Raises:
        DatasetError: the folder is not laid out as the recipe says, has no clips, or too few subjects or classes.
        RecipeError: the recipe names a fold that there is not.
        TrainingError: there are fewer clips than ``fewest``.
        MissingVideoError: there are video files to read, and PyAV is not installed.
        ModelError: the face stage's model is missing.
    """
    how = recipe.clips
    listing = layouts.find(folder, how.layout)
    if how.seven:
        listing = layouts.as_expressions(listing)
    if recipe.network.task == "classify":
        _check_classes(folder, listing)
    if len(listing.clips) < fewest:  # better before they are cut
        raise TrainingError(
            f"expected at least one batch of {fewest} clips (schedule.batch) in {folder}, got {len(listing.clips)}"
        )
    if lost := len(listing.missing):
        every = lost + len(listing.clips)
        tqdm.write(f"{folder}: {lost} of {every} clips are missing, such as: {listing.missing[0]}", sys.stderr)
    prepared = prepare(folder, listing, size, how.aligned)
    network = networks.get(recipe.network.name)
    if network.needs_rate:
        prepared = _with_rates(prepared)
    if network.hears and size:
        prepared = _with_sound(prepared)
    if left_out := len(prepared.broken):
        tqdm.write(
            f"{folder}: {left_out} of {len(listing.clips)} clips are left out, such as: {prepared.broken[0]}",
            sys.stderr,
        )
    if remarks := [*listing.remarks, *prepared.remarks]:
        tqdm.write(f"{folder}: remarks on clips: {len(remarks)}, such as: {remarks[0]}", sys.stderr)
    if recipe.network.task == "classify":
        _check_classes(folder, prepared.listing)
    source = prepared.source
    dealt = folds.of_recipe(source.subjects, prepared.listing.folds, how, recipe.data)
    return Set(source, dealt, prepared.listing, prepared.broken)


def _with_rates(prepared: Prepared) -> Prepared:
    """The clips whose frames a second are known.

    Raises:
        DatasetError: there are none.
    """

    def check(index: int) -> None:
        rates.checked(float(prepared.source.rate[index]), prepared.listing.clips[index].path)

    return _checked(prepared, range(len(prepared.source)), check, "of no clip the rate is known")


def _with_sound(prepared: Prepared) -> Prepared:
    """The clips that have sound while their faces are seen; it is kept, with a progress bar.

    Raises:
        DatasetError: there are none, or the sound can't be kept.
        MissingVideoError: there is sound to read, and PyAV is not installed.
    """
    every = tqdm(range(len(prepared.source)), desc="sound", unit="clip", disable=None)
    return _checked(
        prepared, every, lambda index: prepared.source.signal(index, "sound"), "no clip with a face has sound"
    )


def _checked(prepared: Prepared, every: Iterable[int], check: Callable[[int], object], none: str) -> Prepared:
    """The clips that a check, which raises DatasetError, lets pass.

    Raises:
        DatasetError: it is ``none``; or a CacheError.
    """
    kept, broken = [], []
    for i in every:
        try:
            check(i)
            kept.append(i)
        except CacheError:
            raise
        except DatasetError as error:
            broken.append(str(error))
    if not kept:
        raise DatasetError(f"{none}: {broken[0]}")
    return dataclasses.replace(
        prepared,
        listing=prepared.listing.keep(kept),
        source=take(prepared.source, kept),
        broken=(*prepared.broken, *broken),
        spans=tuple(prepared.spans[i] for i in kept),
    )


def _check_classes(folder: Path, listing: Listing) -> None:
    """Check that there is something to tell apart.

    Raises:
        DatasetError: all clips are of one class.
    """
    if len(there := {clip.label for clip in listing.clips}) < 2:
        name = ", ".join(listing.classes[label] for label in there) or "none"
        raise DatasetError(
            f"expected clips of two classes or more in {folder}, got {name} alone: nothing to tell apart"
        )


def fold_folder(run: Path, fold: str) -> Path:
    """Where a fold's run is: ``fold-NAME`` in the run folder, or the run folder itself for the one without a name."""
    return run / f"fold-{fold}" if fold else run
