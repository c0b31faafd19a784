"""AKMNet (Peng et al. 2021, "Recognizing Micro-expression in Video Clip with Adaptive Key-frame Mining").

A micro-expression fills few frames of its clip. Each frame is weighed by itself (local attention), the weighted sum
stands for the whole clip, and the frames that are like the whole, at least as much as the mean frame, are its key
frames. They alone go on to a GRU. Nobody says which frames those are: the label's error reaches the choice through the
mask, as if that were the likeness (straight-through estimator, Bengio et al. 2013), and two losses of the network's own
ask for a clear choice of few frames.

As in the official code, the GRU sees the chosen frames as if there were no others. There, a batch is one clip, whose
other frames are cut out; here, in a batch of clips each with its own choice, the state passes the other frames
unchanged, which gives the same numbers, and a graph of one shape for ONNX.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import Pixels
from models.zoo.entry import Architecture
from models.zoo.resnet import BasicBlock, Trunk

SIZE = 128
FRAMES = 16
SHRUNK = 32
"""How much smaller the last map's side is than the frames'. Each of its places is a sequence for the GRU."""
HIDDEN = 32
GREY = Pixels((0.0,), (255.0,))
"""0 to 1."""


class KeyFrames(NamedTuple):
    """``likeness`` (N, T): cosine of each frame and its whole clip, -1..1. ``mask`` (N, T): 1 a key frame, else 0; its
    gradient is taken for that of the likeness."""

    likeness: Tensor
    mask: Tensor


def choose(likeness: Tensor) -> KeyFrames:
    """The frames of clips (N, T) that are at least as like their whole as the mean frame; one of each clip or more."""
    # Of equal numbers, the mean may come out above all of them by rounding: the largest is always chosen.
    least = torch.minimum(likeness.mean(1, keepdim=True), likeness.amax(1, keepdim=True))
    mask = (likeness >= least).to(likeness.dtype)
    return KeyFrames(likeness, mask + (likeness - likeness.detach()))


def unclear(frames: KeyFrames) -> Tensor:
    """Mean over clips of 2 - (mean likeness of key frames - mean likeness of the others), 0..2.

    Where all are key frames, the difference is that to 0, the likeness of frames that have nothing to do with the clip.
    """
    kept = frames.mask.detach()
    others = 1 - kept
    above = (frames.likeness * kept).sum(1) / kept.sum(1)
    below = (frames.likeness * others).sum(1) / others.sum(1).clamp(min=1)
    return (2 - (above - below)).mean()


def many(frames: KeyFrames) -> Tensor:
    """Mean over clips of how many key frames there are beyond one."""
    return F.relu(frames.mask.sum(1) - 1).mean()


class PassingGRU(nn.Module):
    """torch's two-layer bidirectional GRU, (N, T, C) to (N, T, 2 * ``HIDDEN``), that passes frames unchanged.

    Where the mask (N, T) is 0, the state is that of the step before and the output means nothing; elsewhere both are
    what ``nn.GRU`` makes of the sequence without those frames.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, HIDDEN, 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        keep = mask.unsqueeze(2) > 0
        layers = self.gru.all_weights  # forward and backward of the first layer, then of the second
        for forward, backward in (layers[:2], layers[2:]):
            there, back = _passed(x, keep, *forward), _passed(x.flip(1), keep.flip(1), *backward)
            x = torch.cat([there, back.flip(1)], 2)
        return x


def _passed(x: Tensor, keep: Tensor, into: Tensor, over: Tensor, bias: Tensor, bias_over: Tensor) -> Tensor:
    """One direction of one layer: (N, T, C), and which steps count (N, T, 1), to the states (N, T, ``HIDDEN``)."""
    given = F.linear(x, into, bias)
    state, states = given.new_zeros(given.shape[0], HIDDEN), []
    for step in range(x.shape[1]):
        reset, update, new = given[:, step].chunk(3, 1)
        reset_over, update_over, new_over = F.linear(state, over, bias_over).chunk(3, 1)
        fresh = torch.tanh(new + torch.sigmoid(reset + reset_over) * new_over)
        update = torch.sigmoid(update + update_over)
        state = torch.where(keep[:, step], (1 - update) * fresh + update * state, state)
        states.append(state)
    return torch.stack(states, 1)


class AKMNet(nn.Module):
    """Grey magnified clips (N, 1, T, size, size) in 0..1, T any number, to logits (N, classes).

    ``size`` is a multiple of 32. For the ablation, ``mining`` False takes every frame for a key frame. The losses of
    ``with_penalty`` weigh ``clarity`` and ``sparsity``, by default as published.
    """

    def __init__(
        self, classes: int, size: int = SIZE, mining: bool = True, clarity: float = 1.0, sparsity: float = 0.1
    ) -> None:
        super().__init__()
        self.mining, self.clarity, self.sparsity = mining, clarity, sparsity
        self.places = (size // SHRUNK) ** 2
        self.trunk = Trunk(BasicBlock, (2, 2, 2, 2))
        self.trunk.stem[0] = nn.Conv2d(1, self.trunk.stem[0].out_channels, 5, 2, 2, bias=False)
        self.attention = nn.Linear(self.trunk.channels, 1)
        self.gru = PassingGRU(self.trunk.channels)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(self.places * 2 * HIDDEN, classes)

    def forward(self, clips: Tensor) -> Tensor:
        return self.with_key_frames(clips)[0]

    def with_penalty(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, classes), and what the choice of frames costs, one number."""
        logits, frames = self.with_key_frames(clips)
        return logits, self.clarity * unclear(frames) + self.sparsity * many(frames)

    def with_key_frames(self, clips: Tensor) -> tuple[Tensor, KeyFrames]:
        """Logits (N, classes), and which frames they come from."""
        count = clips.shape[2]
        maps = self.trunk(clips.transpose(1, 2).flatten(0, 1)).unflatten(0, (-1, count))  # (N, T, C, S, S)
        frames = self._key_frames(maps.mean((3, 4)))
        places = (maps * frames.mask[:, :, None, None, None]).flatten(3).permute(0, 3, 1, 2)  # (N, S * S, T, C)
        mask = frames.mask[:, None].expand(-1, self.places, -1).flatten(0, 1)
        states = self.gru(places.flatten(0, 1), mask)
        kept = (mask > 0).unsqueeze(2).to(states.dtype)
        mean = (states * kept).sum(1) / kept.sum(1)
        return self.fc(self.dropout(mean.unflatten(0, (-1, self.places)).flatten(1))), frames

    def _key_frames(self, features: Tensor) -> KeyFrames:
        """Of features (N, T, C), one a frame; in float32, since frames of one face differ in little."""
        whole = (features * torch.sigmoid(self.attention(features))).float().sum(1, keepdim=True)
        likeness = F.cosine_similarity(features.float(), whole, dim=2)
        return choose(likeness) if self.mining else KeyFrames(likeness, torch.ones_like(likeness))


ENTRIES = (
    Architecture(
        "akmnet",
        AKMNet,
        "Peng et al. 2021",
        SIZE,
        GREY,
        11_296_965,
        classes=4,
        official=11_296_965,
        frames=FRAMES,
        official_gmacs=8.98,
        sight="magnified",
        micro=True,
    ),
)
