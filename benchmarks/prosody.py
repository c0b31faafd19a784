"""How the voices of a synthetic set sound, by expression, and how much that gives away.

    moodcast models synth SET --speech --portraits DIR --clips 420 --size 96
    python -m benchmarks.prosody SET

Length, pitch and level are measured in the sound as ``models.inference.sound`` hears it, not taken from the table. Then
a linear discriminant (numpy) says the expression of each person's clips by these four numbers, learned from the clips
of all others: once as they are, once less the person's own means, as somebody would who knows the voice; and once by
what was drawn.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.clips import layouts, sound
from models.clips.layouts.entry import Listing
from models.inference.sound import RATE, energy, pitch

CUES = ("length s", "pitch Hz", "spread st", "level dB")
DRAWN = ("speed", "pitch", "range", "volume")
QUIET_DB = 25
"""So far below the loudest tenth of a second, it is the room."""


def heard(file: Path) -> list[float]:
    """Of a clip: length of the speech in s, median pitch in Hz, its spread in semitones, level of the speech in dB."""
    samples = sound.as_float(sound.heard(file))
    loud = energy(samples)
    speech = loud > np.percentile(loud, 90) - QUIET_DB
    there = np.flatnonzero(speech)
    hertz = pitch(samples)
    voiced = hertz[hertz > 0]
    semitones = 12 * np.log2(voiced / np.median(voiced))
    hop = len(samples) / RATE / len(loud)
    spread = float(np.subtract(*np.percentile(semitones, [84, 16])) / 2)
    return [(there[-1] - there[0] + 1) * hop, float(np.median(voiced)), spread, float(loud[speech].mean())]


def told(cues: NDArray[np.float64], labels: NDArray[np.int64], people: list[str]) -> float:
    """Share of clips whose label a linear discriminant names that learned from everybody else; cues are (N, C)."""
    who = np.array(people)
    right = 0
    for person in set(people):
        learn, test = who != person, who == person
        means = np.stack([cues[learn & (labels == label)].mean(0) for label in range(labels.max() + 1)])
        within = np.cov((cues - means[labels])[learn].T)
        away = cues[test][:, None] - means
        distance = np.einsum("nkc,cd,nkd->nk", away, np.linalg.inv(within), away)
        right += int((distance.argmin(1) == labels[test]).sum())
    return right / len(labels)


def table(listing: Listing, cues: NDArray[np.float64]) -> str:
    """Mean and standard deviation of each cue by expression."""
    labels = np.array([clip.label for clip in listing.clips])
    lines = [f"{'':<10}" + "".join(f"{name:>16}" for name in CUES)]
    for label, name in enumerate(listing.classes):
        these = cues[labels == label]
        cells = (f"{mean:>9.2f} ± {sd:<4.2f}" for mean, sd in zip(these.mean(0), these.std(0), strict=True))
        lines.append(f"{name:<10}" + "".join(cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="SET")
    folder = parser.parse_args().folder
    listing = layouts.find(folder)
    cues = np.array([heard(clip.path) for clip in listing.clips])
    print(table(listing, cues))
    labels, people = np.array([clip.label for clip in listing.clips]), [clip.subject for clip in listing.clips]
    print(f"named by these four, of somebody else's voice: {told(cues, labels, people):.1%}")
    own = np.array([cues[[i for i, who in enumerate(people) if who == person]].mean(0) for person in people])
    print(f"less the person's own means: {told(cues - own, labels, people):.1%}")
    with (folder / "clips.csv").open(encoding="utf-8") as file:
        drawn = np.array([[float(row[name]) for name in DRAWN] for row in csv.DictReader(file)])
    print(f"by what was drawn: {told(drawn, labels, people):.1%} (chance {1 / len(listing.classes):.1%})")


if __name__ == "__main__":
    main()
