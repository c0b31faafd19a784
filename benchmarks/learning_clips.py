"""The clips of ``benchmarks.learning``: played by portraits, with what is told of them beside their faces."""

import dataclasses
import io
import sys
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent import face_stage
from models import atomic
from models.clips import synth, tracks, video
from models.clips.source import Clips, in_memory
from models.inference.sound import RATE
from relay.protocol import EXPRESSIONS


def played(portraits: Path, people: slice, turns: int, size: int, seed: int, cache: Path) -> Clips:
    """Clips of some of the portraits' people, each of whom plays every expression ``turns`` times; rendered once."""
    if not cache.is_file():
        files = dict(list(synth.find_portraits(portraits).items())[people])
        with face_stage.finding("benchmarks.learning") as find:
            found = synth.load_portraits(files, find, size)
        roles = synth.cast(list(found), len(EXPRESSIONS) * turns * len(found), np.random.default_rng(seed))
        shown = [
            np.stack(list(synth.perform(found[role.subject], role, size, np.random.default_rng([seed, i]))))
            for i, role in enumerate(tqdm(roles, desc="clips"))
        ]
        data = io.BytesIO()
        np.savez(
            data,
            frames=np.concatenate(shown),
            lengths=[len(clip) for clip in shown],
            labels=[EXPRESSIONS.index(role.expression) for role in roles],
            subjects=[role.subject for role in roles],
            intensity=[np.nan if role.expression == "neutral" else role.intensity for role in roles],
            moments=[(role.onset, role.apex) for role in roles],
        )
        atomic.write(data.getvalue(), cache)
    with np.load(cache) as kept:
        frames = np.split(kept["frames"], kept["lengths"].cumsum()[:-1])
        told = kept["labels"], EXPRESSIONS, kept["subjects"].tolist(), kept["intensity"], kept["moments"]
        return in_memory(frames, *told, rate=[float(video.FPS)] * len(frames))


def hummed(clips: Clips) -> Clips:
    """The clips with a voice each, that hums a melody of its own while the face is seen; it does not know the label."""

    def tell(index: int, name: str) -> NDArray[np.float32]:
        if name != "sound":
            return clips.signal(index, name)
        rng = np.random.default_rng(index)
        times = np.arange(round(len(clips.frames(index)) / video.FPS * RATE)) / RATE
        octaves = np.interp(times, np.linspace(0, times[-1], 5), rng.uniform(0, 1, 5))
        phase = 2 * np.pi * np.cumsum(110 * 2**octaves) / RATE
        loud = np.interp(times, np.linspace(0, times[-1], 5), rng.uniform(0.02, 0.2, 5))
        return (loud * sum(np.sin(k * phase) / k for k in range(1, 9))).astype(np.float32)

    return dataclasses.replace(clips, tell=tell)


def followed(clips: Clips, cache: Path) -> Clips:
    """The clips with the landmarks and blendshapes of their faces, as the face stage finds them; found once."""
    if not cache.is_file():
        with face_stage.tracking("benchmarks.learning") as look:
            clock = count(0, 1000 // video.FPS)
            found = []
            for i in tqdm(range(len(clips)), desc="faces"):
                look(np.zeros((64, 64, 3), np.uint8), next(clock))  # a tracker forgets the clip before
                found.append(tracks.largest([look(frame, next(clock)) for frame in clips.frames(i)]))
        known = [track for track in found if track is not None]
        if len(known) < len(found):
            sys.exit(f"expected a face in each of {len(found)} clips, found {len(known)}: take larger portraits")
        data = io.BytesIO()
        np.savez(
            data,
            lengths=[len(track.shapes) for track in known],
            points=np.concatenate([track.points for track in known]).astype(np.float32),
            shapes=np.concatenate([track.shapes for track in known]),
        )
        atomic.write(data.getvalue(), cache)
    with np.load(cache) as kept:
        ends = kept["lengths"].cumsum()[:-1]
        each = zip(np.split(kept["points"], ends), np.split(kept["shapes"], ends), strict=True)
        told = [{"points": points, "shapes": shapes} for points, shapes in each]
    return dataclasses.replace(clips, tell=lambda index, name: told[index][name])
