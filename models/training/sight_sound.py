"""Sound alone, as networks of speech hear it: so many samples of a clip.

Longer sound is cut: anywhere to learn from, and in tests into several parts. Shorter sound lies in silence: anywhere to
learn from, and in tests in the middle.
"""

from typing import NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from models.clips.source import ClipSource
from models.inference.sound import Sound, cleaned
from models.training.augment import mix
from models.training.recipe import AugmentationSection, ClipsSection
from models.training.sight import Views
from models.zoo.entry import Architecture

_GAIN_DB = 12.0
"""Louder or quieter, at a strength of 1."""
_NOISE = 0.02
"""Standard deviation of the noise, at a strength of 1."""


def starts(length: int, samples: int, views: int, rng: np.random.Generator | None) -> NDArray[np.int64]:
    """Where the parts of ``samples`` begin in sound of ``length``, negative where silence comes first.

    One with ``rng``. Without it ``views`` at most, from the beginning to the end of the sound, no more than cover it.
    """
    spare = length - samples
    if rng is not None:
        return np.array([rng.integers(min(spare, 0), max(spare, 0) + 1)])
    if spare <= 0:
        return np.array([spare // 2])
    number = min(views, -(-length // samples))
    return np.linspace(0, spare, number).astype(np.int64) if number > 1 else np.array([spare // 2])


def part(sound: Sound, start: int, samples: int) -> Sound:
    """(samples,) from ``start`` on, silence before and after the sound."""
    out = np.zeros(samples, np.float32)
    there = sound[max(start, 0) : max(start + samples, 0)]
    before = max(-start, 0)
    out[before : before + len(there)] = there
    return out


class HeardSound(NamedTuple):
    """``samples`` of a clip's sound, -1..1; see ``models.training.sight``."""

    samples: int
    parts: int

    @classmethod
    def by(cls, entry: Architecture, how: ClipsSection) -> "HeardSound":
        return cls(entry.signals["sound"][0], how.views)

    def views(self, source: ClipSource, index: int, rng: np.random.Generator | None) -> Views:
        """(V, samples).

        Raises:
            DatasetError: the clip has no sound, or can't be read.
        """
        sound = cleaned(source.signal(index, "sound"))
        cut = [part(sound, int(start), self.samples) for start in starts(len(sound), self.samples, self.parts, rng)]
        return (torch.from_numpy(np.stack(cut)),)

    def varied(self, views: Views, how: AugmentationSection, generator: torch.Generator) -> tuple[Views, float]:
        """Gain and noise, and mixup: the half of one sentence in another is no CutMix that anybody says."""
        mixed, kept = mix(varied(views[0], how, generator), msgspec.structs.replace(how, cutmix_share=0.0), generator)
        return (mixed,), kept

    def ready(self, views: Views) -> Views:
        return views

    def mirrored(self, inputs: Views) -> Views:
        """In a mirror the same is heard."""
        return inputs


def varied(sound: torch.Tensor, how: AugmentationSection, generator: torch.Generator) -> torch.Tensor:
    """Sound (N, samples) nearer to or further from the microphone, which hisses; where there are no operations, as is.

    What becomes louder than the microphone can tell is clipped.
    """
    if not how.operations:
        return sound

    def draw(low: float, high: float) -> torch.Tensor:
        share = torch.rand(len(sound), 1, generator=generator, device=sound.device)
        return share * (high - low) + low

    gain = 10 ** (draw(-_GAIN_DB, _GAIN_DB) * how.strength / 20)
    noise = torch.randn(sound.shape, generator=generator, device=sound.device)
    return (sound * gain + noise * draw(0, _NOISE) * how.strength).clamp(-1, 1)
