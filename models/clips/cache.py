"""Clips as aligned faces, cut once and kept in a folder.

For each clip, one file with its faces as JPEGs (quality 95, colour at full resolution: smaller than the pixels by far,
and off by a grey level or two), with their landmarks and blendshapes. Its name comes from the clip's place in the data
folder, size, time of change and frames, so a changed clip is cut anew, and the folder above it from the crop. Files are
written whole or not at all: after a kill or a full disk the next run goes on. That a clip shows no face is noted there
too, and what is derived from its faces (``ClipSource.derived``) lies beside them.
"""

import contextlib
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models import atomic
from models.clips import rates, sound, source, tracks, video
from models.clips.layouts.entry import Clip, Listing
from models.clips.source import Clips, Frames, Make
from models.clips.video import Frame
from models.errors import DatasetError
from models.inference import align
from models.inference.contract import IMAGENET, CropSpec
from models.inference.face_stage import TrackFaces

MARGIN = 1.2
"""Side of the crop relative to the stills' tiles: the jaw of an open mouth stays in it."""
FOLDER = ".moodcast-faces"
"""In the data set's folder, where no other is asked for; hidden, or it would look like a class."""
VERSION = 3
"""Of what is stored; another number cuts everything anew."""
_NO_FACE = ".no-face"
_SOUND = "sound"
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
_FRAME_MS = 40


class CacheError(DatasetError):
    """The cache can't be written: unlike a broken clip, no reason to go on."""


@dataclass(frozen=True)
class Cut:
    """The faces (size, size, 3) of a clip; ``first`` is the frame of the clip that the first of them is from.

    ``length`` is how many frames the clip has, with and without a face; ``rate`` what its file's header says, None for
    a folder of pictures (``rates.settled``). ``signals`` are ``points`` and ``shapes`` (``ClipSource.signal``), where
    faces were looked for; or the ``sound`` (``models.clips.sound.Samples``), where none were and there is no face.
    """

    first: int
    frames: list[Frame]
    length: int
    rate: float | None
    signals: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Prepared:
    """The clips that could be cut: as a listing, as a source of their faces; and a sentence for each of the others.

    ``remarks`` has one for each clip of which not all counts: frames without the face, a moment that is not among the
    frames with it, a header's rate. ``spans`` has, of each clip in the listing, the frame that its first face is from,
    and the number of its faces.
    """

    listing: Listing
    source: Clips
    broken: tuple[str, ...]
    remarks: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def prepare(
    folder: Path,
    listing: Listing,
    size: int,
    look: TrackFaces | None,
    cache: Path | None = None,
    margin: float = MARGIN,
) -> Prepared:
    """All faces of a listing in squares of ``size`` px, from the ``cache`` folder or cut now, with a progress bar.

    Where ``size`` is 0, no faces but the sound of the whole clips, which is then the only signal. ``look`` finds the
    faces, ``margin`` is as in ``CropSpec``. Without ``look``, the clips are taken for faces that are cut already: the
    middle square of each frame is scaled, and no more. ``folder`` is the data set's; the cache lies in it by default.

    Raises:
        DatasetError: the cache can't be written, or no clip could be cut. What was cut before stays and counts.
        MissingVideoError: there are video files to read, and PyAV is not installed.
    """
    place = cache or folder / FOLDER
    shelf = place / ((f"{size}px-margin{margin}" if look else f"{size}px-as-is") if size else _SOUND)
    with _new_only_with_faces(place, shelf):
        files, broken = _cut_all(folder, listing, size, margin, look, shelf)
        if not files:
            what = "faces" if size else "sound"
            raise DatasetError(f"expected {what} in the {len(listing.clips)} clips of {folder}, got none: {broken[0]}")
    few = listing.keep(list(files))
    stored = [_stored(file) for file in files.values()]
    clips, remarks = _source(few, list(files.values()), stored)
    return Prepared(few, clips, tuple(broken), tuple(remarks), tuple((faces.first, faces.count) for faces in stored))


def _cut_all(
    folder: Path, listing: Listing, size: int, margin: float, look: TrackFaces | None, shelf: Path
) -> tuple[dict[int, Path], list[str]]:
    """The files of the clips' faces by the clips' numbers, and a sentence for each clip that has none.

    Raises:
        CacheError: one can't be written.
        MissingVideoError: as ``cut``.
    """
    files: dict[int, Path] = {}
    broken: list[str] = []
    for i, clip in enumerate(tqdm(listing.clips, desc="faces" if size else _SOUND, unit="clip", disable=None)):
        try:
            version = "" if size else _version_of_sound(clip)
            file = shelf / f"{key(folder, clip, listing.layout.steady)}{version}.npz"
            stored = file if file.is_file() else file.with_suffix(_NO_FACE)
            if not stored.is_file():
                faces = cut(clip, size, margin, look, listing.layout.steady) if size else _listen(clip)
                stored = _store(faces, file, f"{len(files)} of {len(listing.clips)}")
            if stored != file:
                raise DatasetError(f"expected a face in {clip.path} for {tracks.FEWEST} frames at least, found none")
        except CacheError:
            raise
        except DatasetError as error:
            broken.append(str(error))
            continue
        files[i] = file
    return files, broken


@contextlib.contextmanager
def _new_only_with_faces(place: Path, shelf: Path) -> Iterator[None]:
    """Remove a cache that there was not before, if no face is in it in the end: the folder may have been a mistake."""
    new = [] if place.exists() else [folder for folder in (shelf, place, *place.parents) if not folder.exists()]
    try:
        yield
    except BaseException:  # Ctrl-C as well
        if new and not any(shelf.glob("*.npz")):
            with contextlib.suppress(OSError):  # another program has put something there
                for note in shelf.glob(f"*{_NO_FACE}"):
                    note.unlink()
                for folder in filter(Path.exists, new):
                    folder.rmdir()
        raise


def _source(listing: Listing, files: Sequence[Path], stored: Sequence["_Stored"]) -> tuple[Clips, list[str]]:
    """The clips as a source, and what is to be said of those of which not all counts."""
    clips = listing.clips
    moments = np.full((len(clips), 3), -1, np.int64)
    fps = np.full(len(clips), np.nan, np.float32)
    remarks: list[str] = []
    for i, (faces, clip) in enumerate(zip(stored, clips, strict=True)):
        moments[i], said = _moments(clip, faces)
        fps[i], contradiction = rates.settled(clip.fps, faces.rate, clip.path)
        remarks += said + ([contradiction] if contradiction else [])
    made = source.lazy(
        lambda index: _read(files[index]),
        [clip.label for clip in clips],
        listing.classes,
        [clip.subject for clip in clips],
        [clip.intensity for clip in clips],
        moments[:, :2],
        fps,
        moments[:, 2],
        lambda index, name, make: _derived(files[index], name, make),
        lambda index, name: _signal(files[index], name, clips[index], stored[index]),
    )
    return made, remarks


def _derived(file: Path, name: str, make: Make) -> NDArray[Any]:
    """What ``make`` computes of a stored clip, kept beside it (``_kept``).

    Raises:
        DatasetError: the stored clip can't be read.
        CacheError: the result can't be written.
    """
    return _kept(file, name, lambda: make(_read(file)))


def _kept(file: Path, name: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """What ``make`` gives, from ``KEY.NAME.npz`` beside a stored clip, where it is kept.

    Raises:
        CacheError: it can't be written.
    """
    kept = file.with_name(f"{file.stem}.{name}.npz")
    if kept.is_file():
        with contextlib.suppress(DatasetError):  # the clip is there, so it can be made anew
            return _load(kept, "derived")[0]
    result = make()
    data = io.BytesIO()
    np.savez(data, derived=result)
    try:
        atomic.write(data.getvalue(), kept)
    except OSError as error:
        raise CacheError(
            f"can't write {file.parent} ({error.strerror or error}): make room and give the command again: it goes on "
            "from there"
        ) from error
    return result


def _signal(file: Path, name: str, clip: Clip, faces: "_Stored") -> NDArray[np.float32]:
    """What is stored of a clip beside its faces, or what is heard meanwhile.

    Raises:
        DatasetError: nothing of that name is, or the file can't be read; or as ``models.clips.sound.heard``.
        CacheError: the sound can't be kept.
    """
    with _open(file) as stored:
        if name in stored:
            told: NDArray[Any] = stored[name]
            return sound.as_float(told) if name == _SOUND else told
    if name != _SOUND:
        raise DatasetError(
            f"expected {name} of {clip.path}, but none were kept: they are found where faces are looked for, so "
            "without clips.aligned in the recipe"
        )
    place = _place_of_sound(clip)
    begin, rate = clip.start + faces.first, _pictures_a_second(clip, faces.rate)
    return sound.as_float(
        _kept(file, f"{_SOUND}{_version_of_sound(clip)}", lambda: sound.heard(place, begin / rate, faces.count / rate))
    )


def _listen(clip: Clip) -> Cut:
    """The whole of a clip's sound.

    Raises:
        DatasetError, MissingVideoError: as ``models.clips.sound.heard``.
    """
    place = _place_of_sound(clip)
    if not clip.start and clip.stop is None:
        return Cut(0, [], 0, None, {_SOUND: sound.heard(place)})
    header = None if clip.path.is_dir() else video.header(clip.path).rate
    rate = _pictures_a_second(clip, header)
    length = None if clip.stop is None else (clip.stop - clip.start) / rate
    return Cut(0, [], 0, header, {_SOUND: sound.heard(place, clip.start / rate, length)})


def _place_of_sound(clip: Clip) -> Path:
    """The file that has a clip's sound.

    Raises:
        DatasetError: there is none.
    """
    if clip.sound is None and clip.path.is_dir():
        raise DatasetError(
            f"expected sound, but {clip.path} is a folder of pictures: put a file of sound beside it, "
            f"{clip.path.name}.wav"
        )
    return clip.sound or clip.path


def _pictures_a_second(clip: Clip, header: float | None) -> float:
    """As the time stamps of a video's sound count them: by its header, be it as slow as a film is to be played.

    Raises:
        DatasetError: it is not known, so that one can't say what was heard when.
    """
    return rates.checked(header if header is not None and rates.plausible(header) else clip.fps, clip.path)


def _version_of_sound(clip: Clip) -> str:
    """A word that changes with a clip's file of sound and with the rate that a table tells; ``""`` without both.

    Raises:
        DatasetError: the file is not there any more.
    """
    facts: tuple[object, ...] = () if np.isnan(clip.fps) else (clip.fps,)
    if clip.sound is not None:
        try:
            state = clip.sound.stat()
        except OSError as error:
            raise DatasetError(f"expected sound, but {clip.sound} can't be read: {error.strerror or error}") from error
        facts += (clip.sound.name, state.st_size, state.st_mtime_ns)
    if not facts:
        return ""
    return "-" + hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _moments(clip: Clip, faces: "_Stored") -> tuple[tuple[int, int, int], list[str]]:
    """Onset, apex and offset among the frames with the face, -1 where they are not known; and what doesn't fit.

    The face must be there at the apex; of an onset or offset that it misses, the nearest frame is close enough.
    """
    said: list[str] = []
    if not faces.count:  # of sound, no frame is known
        return (-1, -1, -1), said
    last = faces.first + faces.count - 1
    if faces.count < faces.length:
        said.append(
            f"of the {faces.length} frames of {clip.path}, only {faces.first} to {last} show the same face: they count"
        )
    every = {"onset": clip.onset, "apex": clip.apex, "offset": clip.offset}
    onset, apex, offset = (moment if moment < faces.length else -1 for moment in every.values())
    for name, told in every.items():
        if told >= faces.length:
            said.append(f"the {name} {told} of {clip.path} comes after its {faces.length} frames: it counts as unknown")
    if apex >= 0 and not faces.first <= apex <= last:
        said.append(f"no face is seen at the apex {apex} of {clip.path}: it counts as unknown")
        apex = -1
    onset, offset = (min(max(at - faces.first, 0), faces.count - 1) if at >= 0 else -1 for at in (onset, offset))
    return (onset, apex - faces.first if apex >= 0 else -1, offset), said


def key(folder: Path, clip: Clip, steady: bool) -> str:
    """A name for what a clip's file holds.

    Raises:
        DatasetError: the clip is not there any more.
    """
    try:
        states = [file.stat() for file in (video.pictures(clip.path) if clip.path.is_dir() else [clip.path])]
    except OSError as error:
        raise DatasetError(f"expected a clip, but {clip.path} can't be read: {error.strerror or error}") from error
    place = clip.path.relative_to(folder) if clip.path.is_relative_to(folder) else clip.path
    facts = (
        VERSION,
        place.as_posix(),
        len(states),
        sum(state.st_size for state in states),
        max((state.st_mtime_ns for state in states), default=0),
        clip.start,
        clip.stop,
        steady,
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def _store(faces: Cut | None, file: Path, done: str) -> Path:
    """Write the faces into ``file``, or a note beside it that there are none; returns what was written.

    Raises:
        CacheError: it can't be written.
    """
    data = io.BytesIO()
    if faces is not None:
        jpegs = [
            cv2.imencode(".jpg", cv2.cvtColor(face, cv2.COLOR_RGB2BGR), JPEG)[1].reshape(-1) for face in faces.frames
        ]
        ends = np.cumsum([len(jpeg) for jpeg in jpegs])
        rate = np.nan if faces.rate is None else faces.rate
        span = {"first": np.int64(faces.first), "length": np.int64(faces.length), "rate": np.float64(rate)}
        pixels = np.concatenate([np.empty(0, np.uint8), *jpegs])
        every: dict[str, Any] = {"ends": ends, "jpegs": pixels, **span, **faces.signals}
        np.savez(data, **every)
    target = file.with_suffix(_NO_FACE) if faces is None else file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(data.getvalue(), target)
    except OSError as error:
        raise CacheError(
            f"can't write {file.parent} ({error.strerror or error}); {done} clips are cut: make room, or name another "
            "folder for the cache, and run it again: it goes on from there"
        ) from error
    return target


@dataclass(frozen=True)
class _Stored:
    """What a stored clip says beside its ``count`` faces; as ``Cut``."""

    first: int
    count: int
    length: int
    rate: float | None


def _stored(file: Path) -> _Stored:
    first, ends, length, rate = _load(file, "first", "ends", "length", "rate")
    return _Stored(int(first), len(ends), int(length), None if np.isnan(rate) else float(rate))


def _read(file: Path) -> Frames:
    jpegs, ends = _load(file, "jpegs", "ends")
    if not len(ends):
        raise DatasetError(f"expected faces, but {file} holds the sound of a clip alone")
    pictures = [cv2.imdecode(part, cv2.IMREAD_COLOR) for part in np.split(jpegs, ends[:-1])]
    return np.stack([np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8) for picture in pictures])


def _load(file: Path, *names: str) -> list[NDArray[Any]]:
    with _open(file) as stored:
        return [stored[name] for name in names]


@contextlib.contextmanager
def _open(file: Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    """A stored file, whose arrays are read when they are asked for.

    Raises:
        DatasetError: it can't be read, or lacks one; from within the context as well.
    """
    try:
        with file.open("rb") as opened, np.load(opened) as stored:
            yield stored
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"the stored clip {file} can't be read ({error}): delete it and run again") from error


def cut(clip: Clip, size: int, margin: float, look: TrackFaces | None, steady: bool) -> Cut | None:
    """The faces of a clip, None where none is seen for long enough; see ``prepare``.

    ``steady``: all frames are cut as the first one.

    Raises:
        DatasetError: the clip can't be read.
        MissingVideoError: as ``models.clips.video.frames``.
    """
    rate = None if clip.path.is_dir() else video.header(clip.path).rate
    if look is None:
        squares = [_square(frame, size) for frame in _frames(clip)]
        return Cut(0, squares, len(squares), rate, {})
    look(np.zeros((64, 64, 3), np.uint8), 0)  # a tracker forgets the clip before
    found = [look(frame, i * _FRAME_MS) for i, frame in enumerate(_frames(clip))]
    track = tracks.largest(found)
    if track is None:
        return None
    spec = CropSpec(size, margin, IMAGENET)
    seen = islice(_frames(clip), track.first, track.first + len(track.points))  # read twice: a film may not fit memory
    where = np.broadcast_to(track.points[0], track.points.shape) if steady else track.points
    faces = [align.aligned_face(frame, points, spec) for frame, points in zip(seen, where, strict=True)]
    signals = {"points": track.points.astype(np.float32), "shapes": track.shapes}
    return Cut(track.first, faces, len(found), rate, signals)


def _frames(clip: Clip) -> Iterator[Frame]:
    """The clip's own frames.

    Raises:
        DatasetError: as ``models.clips.video.frames``, or there are fewer than two from ``start`` on.
    """
    count = 0
    for frame in islice(video.frames(clip.path), clip.start, clip.stop):
        count += 1
        yield frame
    if not count:
        raise DatasetError(f"expected frames from {clip.start} on in {clip.path}, but it is shorter")
    if count == 1:
        raise DatasetError(f"expected a clip, but {clip.path} has one frame, in which nothing can move")


def _square(frame: Frame, size: int) -> Frame:
    """The middle square, scaled."""
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(frame[top : top + side, left : left + side])
    if side == size:
        return square
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (size, size), interpolation=how), np.uint8)
