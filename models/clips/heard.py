"""What is heard in a clip, in a fixed number of steps: cepstra, pitch and energy. Pure, and numpy alone."""

import numpy as np
from numpy.typing import NDArray

from models.inference import sound
from models.inference.sound import COEFFICIENTS, LOWEST, Sound

WIDTH = COEFFICIENTS + 2
"""Numbers a step: MFCC, pitch, energy."""
VERSION = 1


def features(heard: Sound, steps: int) -> NDArray[np.float32]:
    """Sound (n,) as (steps, ``WIDTH``), evenly over its time; each step has the mean over its windows.

    MFCC as in ``models.inference.sound``; pitch in octaves above ``LOWEST``, of the voiced windows alone, 0 where there
    are none; energy in dB of a full scale of 1. Sound of fewer windows than steps has some of them several times.
    """
    cepstra, hertz, loudness = sound.mfcc(heard), sound.pitch(heard), sound.energy(heard)
    voiced = hertz > 0
    octaves = np.where(voiced, np.log2(np.maximum(hertz, LOWEST) / LOWEST), 0)
    every = np.column_stack([cepstra, octaves, loudness])  # (windows, WIDTH)
    edges = np.arange(steps + 1) * len(every) / steps
    told = np.empty((steps, WIDTH), np.float32)
    for step, (first, last) in enumerate(zip(edges[:-1].astype(int), np.ceil(edges[1:]).astype(int), strict=True)):
        told[step] = every[first:last].mean(0)
        told[step, COEFFICIENTS] = octaves[first:last].sum() / max(voiced[first:last].sum(), 1)
    return told
