"""``moodcast models personal-report DIR``: the study of persons on a set of clips, with a page and pictures.

The folder of the report has ``report.md`` and its pictures, ``results.json``, and what a run that was stopped goes on
from: ``cells.jsonl`` and the universal heads. It needs torch.
"""

import dataclasses
import io
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models import atomic
from models.clips import layouts
from models.clips.layouts import Listing
from models.errors import DatasetError, EvaluationError
from models.evaluation import cost
from models.inference.face_stage import FaceStage
from models.personal import curves, face_networks, features, heads, page, protocols, results, study
from models.personal.cells import Cells
from models.personal.features import FeatureClips
from models.personal.study import Design

COMMAND = "models personal-report"


@dataclass(frozen=True)
class Wanted:
    """What is asked for. ``networks`` are names, or ``NAME=WEIGHTS`` of networks to train; ``out`` is the report's."""

    folder: Path
    layout: str
    networks: tuple[str, ...]
    heads: tuple[str, ...]
    held_out: tuple[str, ...]
    draws: int
    seed: int
    seven: bool
    aligned: bool
    out: Path


def report(wanted: Wanted, faces: FaceStage) -> dict[str, Any]:
    """Run the study, or go on with it, and write the report; returns its figures (docs/personal.md lists the keys).

    Raises:
        DatasetError: the set is not laid out so, or has too few people, classes or clips; or no clip shows a face.
        EvaluationError: the report can't be written; what was measured before stays.
        ModelError: a network or a head is not there, or of no use.
    """
    for head in wanted.heads:
        heads.find(head)
    listing = _listing(wanted)
    held_out = protocols.held_out_users([clip.subject for clip in listing.clips], wanted.held_out)
    networks = [_network(name) for name in wanted.networks]
    if len({network.name for network in networks}) < len(networks):
        raise EvaluationError(
            f"expected networks of different names, got {', '.join(wanted.networks)}: report them apart"
        )
    try:
        wanted.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvaluationError(f"can't write {wanted.out}: {error.strerror or error}") from error
    cells = Cells(wanted.out / "cells.jsonl")
    rows, left_out = [], dict.fromkeys(listing.missing)
    for network in networks:
        clips = _occurring(features.of_folder(wanted.folder, listing, network, faces, COMMAND, wanted.aligned))
        design = Design(_still_seen(held_out, clips), wanted.draws, wanted.seed)
        left_out |= dict.fromkeys(_remarks(clips, listing, held_out, design.held_out))
        for head in wanted.heads:
            found = study.measure(clips, network.name, head, design, cells, wanted.out)
            figures = results.summarise(found, clips.labels, clips.subjects, clips.classes)
            rows.append({"network": network.name, "head": head, "classes": list(clips.classes), **figures})
    result = {
        "schema": 1,
        "set": _about(wanted, clips),
        "held_out": list(design.held_out),
        "draws": wanted.draws,
        "seed": wanted.seed,
        "machine": f"{cost.processor()}, {os.cpu_count()} cores, {platform.system()}",
        "left_out": list(left_out),
        "rows": rows,
    }
    write(result, wanted.out)
    return result


def _network(named: str) -> face_networks.FaceNetwork:
    name, equals, weights = named.partition("=")
    return face_networks.find(name, Path(weights) if equals else None)


def _listing(wanted: Wanted) -> Listing:
    """The clips that there are.

    Raises:
        DatasetError: there is no such folder or layout, or all clips are of one class.
    """
    listing = layouts.find(wanted.folder, wanted.layout)
    if wanted.seven:
        listing = layouts.as_expressions(listing)
    if len(shown := {listing.classes[clip.label] for clip in listing.clips}) < 2:
        raise DatasetError(
            f"expected clips of two classes at least in {wanted.folder}, got {', '.join(shown) or 'none'} alone: there "
            "is nothing to tell apart"
        )
    return listing


def _occurring(clips: FeatureClips) -> FeatureClips:
    """Without the classes that no clip is of."""
    there, labels = np.unique(clips.labels, return_inverse=True)
    if len(there) < 2:
        raise DatasetError(f"of one class alone, {clips.classes[there[0]]}, clips show a face: nothing to tell apart")
    classes = tuple(clips.classes[label] for label in there)
    return dataclasses.replace(clips, labels=labels.reshape(-1).astype(np.int64), classes=classes)


def _still_seen(held_out: Sequence[str], clips: FeatureClips) -> tuple[str, ...]:
    """Those who are held out and of whom a clip shows a face.

    Raises:
        DatasetError: there is nobody, or nobody else.
    """
    if seen := [user for user in held_out if user in clips.subjects]:
        return protocols.held_out_users(clips.subjects, seen)
    raise DatasetError(f"no clip of {', '.join(held_out)} shows a face: hold out others (--held-out)")


def _remarks(clips: FeatureClips, listing: Listing, held_out: Sequence[str], still_seen: Sequence[str]) -> list[str]:
    """A sentence for all that could not be done."""
    found = []
    if lost := len(listing.clips) - len(clips.clips):
        found.append(f"{lost} of {len(listing.clips)} clips, which show no face or can't be read.")
    found += [f"{user}: no clip shows a face." for user in held_out if user not in still_seen]
    found += protocols.remarks(
        clips.labels, clips.subjects, protocols.actor_split(clips.subjects, still_seen), clips.classes
    )
    if len(still_seen) == 1:
        found.append("the common head and all intervals, since one person alone is held out.")
    return found


def _about(wanted: Wanted, clips: FeatureClips) -> dict[str, Any]:
    return {
        "name": wanted.folder.resolve().name,
        "layout": wanted.layout,
        "clips": len(clips.clips),
        "people": len(set(clips.subjects)),
        "classes": list(clips.classes),
    }


def write(result: dict[str, Any], folder: Path) -> None:
    """The page, its pictures, and the figures as JSON.

    Raises:
        EvaluationError: one can't be written.
    """
    try:
        for network, rows in page.by_network(result["rows"]).items():
            panels = [(heads.HEADS[row["head"]].title, row) for row in rows]
            _save(curves.curves(network, panels, page.bands(result)), folder / page.curves_name(network))
        for row in result["rows"]:
            picture = curves.confusions(f"{row['network']}, {row['head']} head", row, row["classes"])
            _save(picture, folder / page.confusion_name(row))
        atomic.write((json.dumps(result, indent=2) + "\n").encode(), folder / "results.json")
        atomic.write(page.markdown(result).encode(), folder / "report.md")
    except OSError as error:
        raise EvaluationError(
            f"can't write the report into {folder} ({error.strerror or error}); what was measured is kept: make room "
            "and give the command again"
        ) from error


def _save(picture: Image.Image, file: Path) -> None:
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    atomic.write(data.getvalue(), file)
