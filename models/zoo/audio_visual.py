"""A network that sees and hears, after an article on audio-visual representations of emotions.

Each frame of a clip goes through one ResNet50 (what Keras calls TimeDistributed) and global average pooling; a GRU or
an LSTM reads the frames' features in their order. A recurrent layer of the same kind reads what was heard at the same
time, MFCC, pitch and energy (``models.inference.sound``); the mean of its states is joined by mean and spread of what
was heard. Both are projected into one joint space and added with
learned weights, or put side by side; a joint layer and three dense ones answer. The article then puts a support vector
machine on the fused features, and so does ``models.audio_visual.ablation_study``.

How wide the layers are is ours, and so are dropout and batch norm, which standardises what is heard and gives sight and
sound the same say before they are weighed. The transcript, the article's third source, is left out: a live stream has
none.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo.entry import Architecture
from models.zoo.resnet import Bottleneck, Trunk

FRAMES = 8
STEPS = 64
"""Of what is heard, evenly over the same time as the frames."""
HEARD = 22
"""Numbers a step: 20 MFCC, pitch and energy."""
HIDDEN, SOUND_HIDDEN = 256, 64
"""Widths of the recurrent layers."""
JOINT = 128
"""Of the joint space and of the dense layers."""
TOLD = 256
"""Features of a frame by moodnet, the network that is shipped."""
SIGHT = "faces-and-sound"

Parts = Literal["static", "dynamic", "audio", "sum", "concat"]
"""What answers: single frames, frames in their order, sound; the last two together, added or side by side."""
Cell = type[nn.GRU] | type[nn.LSTM]


class Projection(nn.Sequential):
    """Features (N, width) into the joint space (N, ``JOINT``), where each number has the same spread over clips."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, JOINT), nn.BatchNorm1d(JOINT))


class Seeing(nn.Module):
    """Clips (N, 3, T, S, S) to (N, ``JOINT``); without a ``cell`` each frame by itself, (N, T, ``JOINT``).

    Without a ``trunk``, what each frame is told of by another network, (N, T, ``TOLD``), takes the clips' place.
    """

    def __init__(self, trunk: Trunk | None, cell: Cell | None) -> None:
        super().__init__()
        width = trunk.channels if trunk else TOLD
        self.trunk = trunk
        self.order = cell(width, HIDDEN, batch_first=True) if cell else None
        self.projection = Projection(HIDDEN if cell else width)

    def forward(self, clips: Tensor) -> Tensor:
        frames = self.features(clips)
        if self.order is None:
            return self.projection(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        return self.projection(self.order(frames)[0][:, -1])

    def features(self, clips: Tensor) -> Tensor:
        """Of each frame (N, T, C)."""
        if self.trunk is None:
            return clips
        maps = self.trunk(clips.transpose(1, 2).flatten(0, 1))
        return maps.mean((2, 3)).unflatten(0, (-1, clips.shape[2]))


class Hearing(nn.Module):
    """What is heard (N, T, ``HEARD``) to (N, ``JOINT``)."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(HEARD)
        self.order = cell(HEARD, SOUND_HIDDEN, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.projection = Projection(SOUND_HIDDEN + 2 * HEARD)

    def forward(self, heard: Tensor) -> Tensor:
        standardised = self.norm(heard.transpose(1, 2)).transpose(1, 2)
        moments = torch.cat([standardised.mean(1), standardised.std(1)], 1)
        return self.projection(self.dropout(torch.cat([self.order(standardised)[0].mean(1), moments], 1)))


class AudioVisual(nn.Module):
    """Clips (N, 3, T, S, S), or features of their frames, and what is heard (N, ``STEPS``, ``HEARD``) to logits.

    For the ablation, ``parts`` may be one of them alone; it is still given both. That of single frames answers with the
    mean over frames.
    """

    def __init__(self, classes: int, trunk: Trunk | None, cell: Cell, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        if parts != "audio":
            self.sight = Seeing(trunk, None if parts == "static" else cell)
        if parts in ("audio", "sum", "concat"):
            self.hearing = Hearing(cell)
        if parts == "sum":
            self.weights = nn.Parameter(torch.zeros(2))
        self.joint = nn.Linear(2 * JOINT if parts == "concat" else JOINT, JOINT)
        self.dense = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(JOINT, JOINT), nn.ReLU(), nn.Dropout(0.3), nn.Linear(JOINT, JOINT), nn.ReLU()
        )
        self.fc = nn.Linear(JOINT, classes)

    def forward(self, clips: Tensor, heard: Tensor) -> Tensor:
        logits = self.fc(self.dense(F.relu(self.joint(self.fused(clips, heard)))))
        return logits.mean(1) if self.parts == "static" else logits

    def fused(self, clips: Tensor, heard: Tensor) -> Tensor:
        """What the joint layer is given."""
        if self.parts == "audio":
            return self.hearing(heard)
        if self.parts in ("static", "dynamic"):
            return self.sight(clips)
        both = self.sight(clips), self.hearing(heard)
        if self.parts == "concat":
            return torch.cat(both, 1)
        return (torch.softmax(self.weights, 0)[:, None, None] * torch.stack(both)).sum(0)


def gru(classes: int, parts: Parts = "concat") -> AudioVisual:
    return AudioVisual(classes, Trunk(Bottleneck, (3, 4, 6, 3)), nn.GRU, parts)


def lstm(classes: int, parts: Parts = "concat") -> AudioVisual:
    return AudioVisual(classes, Trunk(Bottleneck, (3, 4, 6, 3)), nn.LSTM, parts)


def added(classes: int, parts: Parts = "sum") -> AudioVisual:
    return gru(classes, parts)


def small(classes: int, parts: Parts = "concat") -> AudioVisual:
    """On features of moodnet, which has learned faces already: for two cores, and for few clips."""
    return AudioVisual(classes, None, nn.GRU, parts)


ENTRIES = (
    Architecture(
        "av-gru",
        gru,
        "the article on sight and sound; GRU",
        224,
        IMAGENET,
        25_410_163,
        frames=FRAMES,
        sight=SIGHT,
        signals={"mfcc": (STEPS, HEARD)},
    ),
    Architecture(
        "av-lstm",
        lstm,
        "the article on sight and sound; LSTM",
        224,
        IMAGENET,
        26_006_131,
        frames=FRAMES,
        sight=SIGHT,
        signals={"mfcc": (STEPS, HEARD)},
    ),
    Architecture(
        "av-sum",
        added,
        "the article on sight and sound; GRU, weighted sum",
        224,
        IMAGENET,
        25_393_781,
        frames=FRAMES,
        sight=SIGHT,
        signals={"mfcc": (STEPS, HEARD)},
    ),
    Architecture(
        "av-small",
        small,
        "ours: av-gru on moodnet's features",
        0,
        IMAGENET,
        525_875,
        sight="features-and-sound",
        signals={"features": (FRAMES, TOLD), "mfcc": (STEPS, HEARD)},
    ),
)
