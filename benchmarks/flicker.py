"""How much labels flicker, and what accuracy and time that takes: ``python -m benchmarks.flicker --video FILE``.

The models look at the same aligned faces of a video, 5 a second as in the agent, at the video's own time; the tracking
is done once for all. The measures, each the mean over ``PHASES`` starts within the first fifth of a second:

* ``changes/s``: how often a second the most probable label is another than the frame before,
* ``moved/s``: total variation of the probabilities, half the sum of their absolute changes, a second,
* ``shown/s``: changes of the label that the agent would show, after its smoothing,
* for each ``--truth LABEL:FROM-TO`` (seconds): the share of frames with that label as the most probable one, and from
  when on in the video it is shown,
* ``ms``: time of the network for one face or clip, the shortest: other programs can only make it longer.

``--data`` adds FER2013's public test tiles, as still clips (the accuracy: against the label, and against the FER+
majority) and moved as in ``models.training.pseudo``, with another seed than any training (needs torch). ``mean of 8``
is the yardstick: the still default, averaged over as many frames as moodnet-clip sees.

``--clips`` adds clips with a label, onset and apex each, such as those of ``moodcast models synth``: accuracy over the
``AFTER_S`` from the apex on (of a clip without one, such as a neutral one, over all of it), and the time from the
onset, where it is known, to the first frame of that label, where it comes at all.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from agent.clip_buffer import ClipBuffer
from agent.face import FaceFinder
from agent.readers import ClipReader, FaceReader, reader
from agent.smoothing import Smoother
from benchmarks import machine
from models.clips import cache, layouts, video
from models.clips.cache import MARGIN
from models.clips.source import ClipSource
from models.inference import registry
from models.inference.align import aligned_face
from models.inference.contract import ClipSpec, CropSpec
from models.inference.infer import Classifier, ClipClassifier, FaceByFace, load
from models.stills import fer2013
from relay.protocol import EXPRESSIONS

FPS = 5
PHASES = 5
FRAMES = 8
"""Of the yardstick's mean."""
TILES, CLIPS = 100, 100
"""Of the public test that are moved, and of the labelled clips, at most; evenly spread."""
AFTER_S = 0.6
"""Of a labelled clip, how long after its apex it is read."""
CLIP_SIZE = 112
"""Of the faces of labelled clips."""
MOVED_FRAMES = 20
"""Of these, the first ``FRAMES`` fill every window and are not counted."""

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
Sight = tuple[float, Picture, NDArray[np.float64] | None]
"""Time in seconds, the frame, and the face's points in it, if there is one."""


@dataclass(frozen=True)
class Truth:
    """What the face in the video shows, from one second to another."""

    label: str
    start: float
    end: float

    @classmethod
    def parse(cls, text: str) -> "Truth":
        label, _, span = text.partition(":")
        start, _, end = span.partition("-")
        if label not in EXPRESSIONS:
            raise argparse.ArgumentTypeError(f"expected one of {', '.join(EXPRESSIONS)} in front of the colon")
        return cls(label, float(start), float(end))


class MeanReader:
    """The still classifier, averaged over the last ``FRAMES`` faces, as a clip network would be given them."""

    def __init__(self, inner: FaceReader) -> None:
        self.network, self._inner = inner.network, inner
        self._buffer: ClipBuffer[Sequence[float]] = ClipBuffer(ClipSpec(FRAMES, 1 / FPS))

    @property
    def seconds(self) -> float:
        return self._inner.seconds

    @property
    def calls(self) -> int:
        return self._inner.calls

    def miss(self) -> None:
        self._buffer.miss()

    def close(self) -> None:
        self._inner.close()

    def read(self, at: float, face: NDArray[np.uint8]) -> Sequence[float] | None:
        found = self._inner.read(at, face)
        assert found is not None  # a still classifier always answers
        if self._buffer.wants(at):
            self._buffer.add(at, found)
        return np.mean(self._buffer.newest(FRAMES), 0).tolist()


def made(name: str) -> Callable[[], FaceReader]:
    """Makes readers of a model, or of the yardstick; a slow clip network is waited for."""
    mean, name = name.startswith("mean of"), name.split(" of ")[-1] if " of " in name else name
    classifier = load(registry.DEFAULT if mean else name)

    def make() -> FaceReader:
        if isinstance(classifier, ClipClassifier):
            return ClipReader(classifier, patience_s=60)
        return MeanReader(reader(classifier)) if mean else reader(classifier)

    return make


def sights(film: Path, phase: int) -> list[Sight]:
    """The frames of a video, ``FPS`` a second, from the frame ``phase`` on, and the face in each."""
    capture, finder = cv2.VideoCapture(str(film)), FaceFinder(registry.path("face_landmarker"))
    rate, found, due = capture.get(cv2.CAP_PROP_FPS), [], phase / capture.get(cv2.CAP_PROP_FPS)
    for number in itertools.count():
        if not capture.grab():
            break
        if number / rate < due - 1e-6:
            continue
        due += 1 / FPS
        _, picture = capture.retrieve()
        frame = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        face = finder.find(frame, round(1000 * number / rate))
        found.append((number / rate, frame, None if face is None else face.points))
    capture.release()
    finder.close()
    return found


def flicker(answers: Array, seconds: float) -> tuple[float, float]:
    """Label changes and total variation a second of answers (F, 7) over this time."""
    labels = answers.argmax(1)
    changes = float((labels[1:] != labels[:-1]).sum()) / seconds
    return changes, float(np.abs(np.diff(answers, axis=0)).sum() / 2 / seconds)


def on_video(
    make: Callable[[], FaceReader], phases: Sequence[list[Sight]], truths: Sequence[Truth]
) -> dict[str, float]:
    """The measures of the module's description, by name."""
    rows = []
    for sight in phases:
        found, shown, spent, smoother = [], [], [0.0], Smoother()
        this = make()
        for at, frame, points in sight:
            answer = None
            if points is None:
                this.miss()
            else:
                answer = this.read(at, aligned_face(frame, points, this.network.contract.crop))
                assert answer is not None  # it was waited for
                found.append(answer)
                spent.append(this.seconds)
            reading = smoother.update(at, answer)
            shown.append((at, reading.emotion if reading else None))
        times, answers = np.array([at for at, _, points in sight if points is not None]), np.array(found)
        seconds = times[-1] - times[0]
        changes, moved = flicker(answers, seconds)
        row = {"changes/s": changes, "moved/s": moved}
        row["shown/s"] = sum(a != b for a, b in itertools.pairwise(label for _, label in shown if label)) / seconds
        for truth in truths:
            within = (times >= truth.start) & (times < truth.end)
            right = answers.argmax(1) == EXPRESSIONS.index(truth.label)
            row[truth.label] = float(right[within].mean())
            first = [at for at, label in shown if label == truth.label]
            row[f"{truth.label} from"] = first[0] if first else float("nan")
        row["ms"] = 1000 * min(took for took in np.diff(spent).tolist() if took > 0)
        rows.append(row)
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def spread(number: int, most: int) -> NDArray[np.int64]:
    """At most so many of the numbers from 0 to below ``number``, evenly spread."""
    return np.unique(np.linspace(0, number - 1, most).astype(np.int64))


def coloured(tiles: NDArray[np.uint8], crop: CropSpec) -> NDArray[np.uint8]:
    """Grey tiles (..., 48, 48) in a network's size and colour."""
    flat = tiles.reshape(-1, *tiles.shape[-2:])
    if crop.size != fer2013.TILE:
        flat = np.stack([cv2.resize(tile, (crop.size, crop.size)) for tile in flat])
    if crop.pixels.channels == 3:
        flat = np.repeat(flat[..., None], 3, 3)
    return flat.reshape(*tiles.shape[:-2], *flat.shape[1:])


def still_answers(classifier: Classifier | ClipClassifier | FaceByFace, tiles: NDArray[np.uint8]) -> Array:
    """Probabilities (N, 7) of tiles (N, 48, 48) that do not move."""
    clip, rows = classifier.network.contract.clip, []
    for i in range(0, len(tiles), 64):
        faces = coloured(tiles[i : i + 64], classifier.network.contract.crop)
        if clip is None:
            rows.append(classifier.batch(faces))
        elif isinstance(classifier, FaceByFace):
            memory = np.repeat(classifier.features(faces)[:, None], clip.frames - 1, 1)
            rows.append(classifier.step(faces, memory)[0])
        else:
            rows.append(classifier.batch(np.repeat(faces[:, None], clip.frames, 1)))
    return np.concatenate(rows).astype(np.float64)


def moving_tiles(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Clips (N, F, 48, 48) of tiles (N, 48, 48), moved, lit and disturbed."""
    import torch

    from models.training import pseudo
    from models.training.recipe import AugmentationSection

    generator = torch.Generator().manual_seed(20261122)
    faces = torch.from_numpy(tiles).unsqueeze(1).float()
    still = torch.zeros(len(faces), MOVED_FRAMES)
    clips = pseudo.clips(faces, faces, still, AugmentationSection(operations=0), generator)
    return np.asarray(clips.round().byte().numpy())


def on_tiles(
    make: Callable[[], FaceReader], name: str, faces: fer2013.LabelledFaces, moved: NDArray[np.uint8]
) -> dict[str, float]:
    """Accuracies on still tiles, and accuracies and flicker on moved ones."""
    majority = fer2013.majority(faces.votes)
    row: dict[str, float] = {}
    if not name.startswith("mean of"):
        guess = still_answers(load(name), faces.pixels).argmax(1)
        row = {"label": float((guess == faces.labels).mean()), **votes(guess, majority)}
    else:
        row = {"label": float("nan"), "FER+": float("nan")}
    chosen = spread(len(faces), TILES)
    rows, last = [], []
    for clip in moved:
        this = make()
        crop = this.network.contract.crop
        answers = np.array([this.read(i / FPS, face) for i, face in enumerate(coloured(clip, crop))])[FRAMES:]
        rows.append(flicker(answers, (len(answers) - 1) / FPS))
        last.append(answers.argmax(1))
    guesses = np.stack(last)
    row["moved label"] = float((guesses == faces.labels[chosen, None]).mean())
    counted = majority[chosen] >= 0
    row["moved FER+"] = float((guesses == majority[chosen, None])[counted].mean())
    row["changes/s"], row["moved/s"] = np.mean(rows, 0).tolist()
    return row


def votes(guess: NDArray[np.int64], majority: NDArray[np.int64]) -> dict[str, float]:
    counted = majority >= 0
    return {"FER+": float((guess == majority)[counted].mean())}


def on_clips(make: Callable[[], FaceReader], source: ClipSource) -> dict[str, float]:
    """Accuracy after the apex, delay after the onset, and flicker, of clips with Moodcast's expressions as classes."""
    right, delays, rows = [], [], []
    for index in tqdm(range(len(source)), unit="clip", mininterval=1, leave=False, disable=None):
        frames, (onset, apex) = source.frames(index), source.moments[index].tolist()
        this = make()
        crop = this.network.contract.crop
        # From the apex on a synthetic clip holds still for less than a window: its last frame is repeated.
        last = apex + round(AFTER_S * video.FPS) if apex >= 0 else len(frames) - 1
        times = np.arange(max(onset, 0) % (video.FPS // FPS), last + 1, video.FPS // FPS)
        answers = np.array(
            [this.read(at / video.FPS, middle(frames[min(at, len(frames) - 1)], crop)) for at in times.tolist()]
        )
        found = answers.argmax(1) == source.labels[index]
        right.append(found[times >= apex].mean())
        if onset >= 0 and found[times >= onset].any():
            delays.append(times[(times >= onset) & found][0] / video.FPS - onset / video.FPS)
        rows.append(flicker(answers, (times[-1] - times[0]) / video.FPS))
    changes, moved = np.mean(rows, 0).tolist()
    delay = float(np.mean(delays)) if delays else float("nan")
    return {"right": float(np.mean(right)), "delay s": delay, "changes/s": changes, "moved/s": moved}


def middle(face: NDArray[np.uint8], crop: CropSpec) -> NDArray[np.uint8]:
    """Of a face (S, S, 3) that was cut at the sets' margin, what a network's own margin leaves, in size and colour."""
    side = round(len(face) * crop.margin / MARGIN)
    start = (len(face) - side) // 2
    part = face[start : start + side, start : start + side]
    small = np.asarray(cv2.resize(part, (crop.size, crop.size), interpolation=cv2.INTER_AREA), np.uint8)
    return small if crop.pixels.channels == 3 else np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def table(rows: Iterator[tuple[str, dict[str, float]]]) -> None:
    """Print rows as they come, under a head from the first."""
    for i, (name, row) in enumerate(rows):
        if i == 0:
            print(" " * 24 + "".join(f"{key:>14}" for key in row))
        print(f"{name[-24:]:24}" + "".join(f"{value:14.3f}" for value in row.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flicker", description=__doc__.split("\n")[0])
    yardsticks = [registry.DEFAULT, f"mean of {FRAMES}"]
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="registered names or ONNX files, besides the default"
    )
    parser.add_argument("--video", type=Path, help="a video of one face")
    parser.add_argument("--truth", type=Truth.parse, action="append", default=[], metavar="LABEL:FROM-TO")
    parser.add_argument("--clips", type=Path, help="folder CLASS/CLIP.mp4 with a table clips.csv")
    parser.add_argument("--cache", type=Path, help="where the faces of the clips are kept")
    parser.add_argument("--data", type=Path, help="FER2013 folder")
    args: Any = parser.parse_args()
    makers = {name: made(name) for name in [*yardsticks, *args.models]}
    print(f"Machine: {machine.describe()}")
    if args.video:
        phases = [sights(args.video, phase) for phase in range(PHASES)]
        print(f"\n{args.video.name}, {FPS} frames a second")
        table((name, on_video(make, phases, args.truth)) for name, make in makers.items())
    if args.clips:
        listing = layouts.find(args.clips)
        listing = listing.keep(spread(len(listing.clips), CLIPS).tolist())
        with face_stage.tracking("benchmarks.flicker") as track:
            source = cache.prepare(args.clips, listing, CLIP_SIZE, track, args.cache).source
        print(f"\n{args.clips.name}: {len(source)} clips at {FPS} frames a second")
        table((name, on_clips(make, source)) for name, make in makers.items())
    if args.data:
        faces = fer2013.load(args.data, "PublicTest")
        moved = moving_tiles(faces.pixels[spread(len(faces), TILES)])
        print(f"\nFER2013 public test: {len(faces)} still tiles, {len(moved)} moved ones at {FPS} frames a second")
        table((name, on_tiles(make, name, faces, moved)) for name, make in makers.items())


if __name__ == "__main__":
    main()
