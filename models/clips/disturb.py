"""What spoils a streamer's picture and sound: low light, a head that moves, noise, and sound that comes late.

Pure, on the faces (F, S, S, 3) of a clip or its sound (n,) in -1..1, all chance passed in; the shape stays the same. A
study asks with each how far what a network knows from clean clips still holds.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.clips import source, video
from models.clips.source import Clips, ClipSource, Frames
from models.inference.sound import RATE, Sound

LIGHT = 0.2
"""Share of the light that is left."""
_READ_NOISE, _SHOT_NOISE = 3.0, 0.5
"""Standard deviation of a sensor's noise in grey levels, and its variance for each grey level of light."""
_REACH = (20.0, 12.0, 8.0)
"""How far a head turns to either side, nods and tilts, in degrees."""
SWAY = 0.06
"""How far it moves, as a share of the face's width."""
_RHYTHM = (0.3, 0.8)
"""Movements to and fro a second."""
_DISTANCE = 3.0
"""Of the camera, in widths of the picture."""
SNR = 5.0
"""Of speech in a noisy room, in dB."""
_LATE_S = 0.5


class Disturbance(NamedTuple):
    """``told`` says how strong it is; ``frames`` takes faces, frames a second and chance, ``sound`` only two."""

    name: str
    told: str
    frames: Callable[[Frames, float, np.random.Generator], Frames] | None = None
    sound: Callable[[Sound, np.random.Generator], Sound] | None = None


def low_light(frames: Frames, _: float, rng: np.random.Generator) -> Frames:
    """``LIGHT`` of the light, and a sensor's noise, which stays: that of its reading and that of the light itself."""
    dark = frames * LIGHT
    noisy = dark + rng.standard_normal(frames.shape) * np.sqrt(_READ_NOISE**2 + _SHOT_NOISE * dark)
    seen: Frames = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return seen


def head_movement(frames: Frames, fps: float, rng: np.random.Generator) -> Frames:
    """A head that turns, nods, tilts and sways all the time, each at a rhythm of its own.

    The face is a plane that turns before the camera (a homography); what comes in at the sides repeats the border.
    """
    side = frames.shape[1]
    times = np.arange(len(frames)) / fps
    waves = np.sin(2 * np.pi * (np.outer(times, rng.uniform(*_RHYTHM, 5)) + rng.random(5)))  # (F, 5)
    turns, shifts = np.deg2rad(waves[:, :3] * _REACH), waves[:, 3:] * SWAY * side
    moved = [
        cv2.warpPerspective(frame, _turned(turn, shift, side), (side, side), borderMode=cv2.BORDER_REPLICATE)
        for frame, turn, shift in zip(frames, turns, shifts, strict=True)
    ]
    return np.stack([np.asarray(frame, np.uint8) for frame in moved])


def _turned(turn: NDArray[np.float64], shift: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Where a plane's pixels go (3, 3) that is turned, nodded and tilted by these angles and then shifted."""
    away, middle = _DISTANCE * side, (side - 1) / 2
    spin = np.eye(3)
    for axis, angle in zip((1, 0, 2), turn, strict=True):
        spin = cv2.Rodrigues(np.eye(3)[axis] * angle)[0] @ spin
    camera = np.array([[away, 0, middle + shift[0]], [0, away, middle + shift[1]], [0, 0, 1]])
    plane = np.column_stack([spin[:, 0], spin[:, 1], (0, 0, away)])
    return np.asarray(camera @ plane @ np.array([[1, 0, -middle], [0, 1, -middle], [0, 0, 1]]))


def noisy_sound(sound: Sound, rng: np.random.Generator) -> Sound:
    """With pink noise, as fans and rooms make, ``SNR`` dB below the mean power; silence has none and stays."""
    if not sound.any():
        return sound
    spectrum = np.fft.rfft(rng.standard_normal(len(sound)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, len(sound))
    power = np.mean(np.square(sound, dtype=np.float64)) / 10 ** (SNR / 10)
    noise *= np.sqrt(power / np.mean(noise**2))
    return np.clip(sound + noise, -1, 1).astype(np.float32)


def out_of_step(sound: Sound, _: np.random.Generator) -> Sound:
    """``_LATE_S`` seconds late: silence first, and the end is lost."""
    late = min(round(_LATE_S * RATE), len(sound))
    return np.concatenate([np.zeros(late, np.float32), sound[: len(sound) - late]])


DISTURBANCES = (
    Disturbance("low light", f"{LIGHT:.0%} of the light, a sensor's noise", frames=low_light),
    Disturbance(
        "head movement", "turns by {:g}, nods by {:g} and tilts by {:g} degrees".format(*_REACH), frames=head_movement
    ),
    Disturbance("noisy sound", f"pink noise, SNR {SNR:g} dB", sound=noisy_sound),
    Disturbance("out of step", f"sound {_LATE_S:g} s late", sound=out_of_step),
)


def disturbed(clips: ClipSource, how: Disturbance, seed: int) -> Clips:
    """The clips, each disturbed in its own way, always the same for a ``seed``. What was derived from them is not kept.

    Clips whose rate is not known count as 25 frames a second.
    """

    def chance(index: int) -> np.random.Generator:
        return np.random.default_rng((seed, index))

    def read(index: int) -> Frames:
        fps = float(clips.rate[index])
        frames = clips.frames(index)
        return how.frames(frames, video.FPS if np.isnan(fps) else fps, chance(index)) if how.frames else frames

    def tell(index: int, name: str) -> NDArray[np.float32]:
        told = clips.signal(index, name)
        return how.sound(told, chance(index)) if how.sound and name == "sound" else told

    return source.lazy(
        read,
        clips.labels,
        clips.classes,
        clips.subjects,
        clips.intensity,
        clips.moments,
        clips.rate,
        clips.offset,
        tell=tell,
    )
