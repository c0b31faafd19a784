"""moodnet-voice: our own small network that hears a streamer's voice beside a game.

Three seconds of sound go in as they are. A mel spectrum in dB is the first layer and learns nothing: it is that of
``models.inference.sound``, so that a file needs no code of features beside it. Its mean is taken off, and with it how
far the microphone is away; what is left is how the voice changes. Residual stages as moodnet's (He et al. 2016), of 16,
8 and 4 bands for 64, look at it as at a picture, and mean and standard deviation over time (statistics pooling, Snyder
et al. 2017) tell a short exclamation from a long complaint.
"""

import itertools
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference import sound
from models.zoo.entry import UNIT, Architecture
from models.zoo.moodnet import Stage, conv_bn

SAMPLES = 48_000
"""3 s at 16 kHz."""
WIDTHS = (16, 32, 64, 128)
_SPREAD_DB = 20.0
"""About one standard deviation of speech in a band."""


class LogMel(nn.Module):
    """Sound (N, samples) in -1..1 to power in mel bands (N, bands, 1 + samples // HOP), in dB: ``sound.log_mel``.

    The Fourier transform of each window is a convolution with its cosines and sines.
    """

    def __init__(self) -> None:
        super().__init__()
        rows = np.fft.rfft(np.eye(sound.WINDOW))  # of the transform: a frequency a column
        basis = np.concatenate([rows.real.T, rows.imag.T]) * sound.hann()
        self.register_buffer("basis", torch.from_numpy(basis).float()[:, None], persistent=False)
        self.register_buffer("filters", torch.from_numpy(sound.mel_filters()).float()[..., None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        # Powers of quiet bands are smaller than what bfloat16 tells apart.
        kind = x.device.type
        with torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext():
            padded = F.pad(x.float()[:, None], (sound.WINDOW // 2, sound.WINDOW // 2))
            real, imaginary = F.conv1d(padded, self.basis, stride=sound.HOP).chunk(2, 1)
            power = F.conv1d(real.square() + imaginary.square(), self.filters)
            return 10 * torch.log10(power.clamp(min=10 ** (sound.FLOOR / 10)))


class MoodnetVoice(nn.Module):
    """Sound (N, ``SAMPLES``) in -1..1 to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.log_mel = LogMel()
        self.stem = conv_bn(1, WIDTHS[0], stride=2)
        self.stages = nn.Sequential(*(Stage(a, b, 1, excite=True) for a, b in itertools.pairwise(WIDTHS)))
        self.dropout = nn.Dropout(0.3)
        self.fc = nn.Linear(2 * WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        bands = self.log_mel(x)
        spectrum = (bands - bands.mean((1, 2), keepdim=True)) / _SPREAD_DB
        course = self.stages(F.relu(self.stem(spectrum[:, None]))).mean(2)  # (N, C, T)
        mean = course.mean(2)
        spread = (course - mean[..., None]).square().mean(2)
        return self.fc(self.dropout(torch.cat([mean, (spread + 1e-5).sqrt()], 1)))


ENTRIES = (
    Architecture(
        "moodnet-voice", MoodnetVoice, "ours", 0, UNIT, 493_044, classes=8, sight="sound", signals={"sound": (SAMPLES,)}
    ),
)
