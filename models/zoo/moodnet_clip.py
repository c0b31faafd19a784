"""moodnet-clip: our own network for clips, moodnet-small's trunk on each face and a small head over time.

The head starts as the plain mean of the frames and learns when to leave it. From each frame's features and their
difference to the frame before, a temporal convolution makes two things: a gate, which decides how much the frame counts
(a blurred or covered face little, after a change the new ones alone), and a motion vector with a say of its own in the
logits. All that is dear happens face by face, so a face's features can be kept while it is in the window: the agent
then pays for one face a clip (``Remembering``).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import RAW_RGB
from models.zoo.entry import Architecture
from models.zoo.layers import luma
from models.zoo.moodnet import Trunk
from relay.protocol import EXPRESSIONS

FRAMES = 8
FEATURES = 256
HIDDEN = 96


class TemporalHead(nn.Module):
    """Features (N, ``FRAMES``, ``FEATURES``) of a clip's faces, oldest first, to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.project = nn.Linear(2 * FEATURES, HIDDEN)
        self.place = nn.Parameter(torch.zeros(FRAMES, HIDDEN))
        self.mix = nn.Conv1d(HIDDEN, HIDDEN, 3, padding=1)
        self.gate = nn.Linear(HIDDEN, 1, bias=False)
        self.motion = nn.Linear(HIDDEN, classes, bias=False)
        self.classify = nn.Linear(FEATURES, classes)
        nn.init.normal_(self.place, std=0.1)
        with torch.no_grad():  # near the plain mean at first, but not so near that nothing is learned
            self.gate.weight.mul_(0.1)
            self.motion.weight.mul_(0.1)

    def forward(self, features: Tensor) -> Tensor:
        before = torch.cat([features[:, :1], features[:, :-1]], 1)
        hidden = F.relu(self.project(torch.cat([features, features - before], 2)) + self.place)
        hidden = hidden + F.relu(self.mix(hidden.transpose(1, 2)).transpose(1, 2))
        weight = self.gate(hidden).softmax(1)
        return self.classify((weight * features).sum(1)) + self.motion((weight * hidden).sum(1))


class MoodnetClip(nn.Module):
    """RGB clips (N, 3, ``FRAMES``, 48, 48), any range, to logits (N, classes)."""

    def __init__(self, classes: int = len(EXPRESSIONS)) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = TemporalHead(classes)

    def forward(self, clip: Tensor) -> Tensor:
        grey = luma(clip.transpose(1, 2).flatten(0, 1))
        return self.head(self.trunk(grey).unflatten(0, (-1, FRAMES)))


class Remembering(nn.Module):
    """The same network face by face.

    Of the newest face (N, 3, 48, 48) and the features (N, ``FRAMES`` - 1, ``FEATURES``) of those before it, oldest
    first, to the clip's logits and the newest face's features.
    """

    ANSWERS = ("logits", "features")

    def __init__(self, net: MoodnetClip) -> None:
        super().__init__()
        self.net = net

    def forward(self, face: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        features = self.net.trunk(luma(face))
        return self.net.head(torch.cat([memory, features[:, None]], 1)), features


ENTRIES = (
    Architecture(
        "moodnet-clip",
        MoodnetClip,
        "ours; taught on pseudo-clips",
        48,
        RAW_RGB,
        2_018_727,
        frames=8,
        interval_s=0.2,
    ),
)
