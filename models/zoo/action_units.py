"""The networks of action units in MMEmotionRecognition (Luna-Jimenez et al. 2022, "A Proposal for Multimodal Emotion
Recognition Using Aural Transformers and Action Units on RAVDESS Dataset").

They look at no picture: OpenFace's 35 columns (``models.clips.action_units``) are all that they are told of a face. The
one sees their mean over a clip, the other their course.
"""

import torch
from torch import Tensor, nn

from models.zoo.entry import UNIT, Architecture

COLUMNS = 35
INTENSITIES, _STRONGEST = 17, 5.0
"""The first columns, and the largest that they can be; the others are 0 or 1."""
HIDDEN = 80
"""Of the network of means."""
FRAMES = 64
"""Of a clip, evenly; the authors' takes all of them, some 105 in RAVDESS."""
WIDTH = 50
"""Of each direction of each layer."""


class UnitsMLP(nn.Module):
    """Means of units over a clip (N, 35) to logits (N, classes): scikit-learn's ``MLPClassifier`` of 80 hidden units.

    The authors scale each column to the range that it has in the folds that are learned from; here it is the range that
    it can have.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("largest", torch.tensor([_STRONGEST] * INTENSITIES + [1.0] * (COLUMNS - INTENSITIES)))
        self.hidden = nn.Linear(COLUMNS, HIDDEN)
        self.fc = nn.Linear(HIDDEN, classes)

    def forward(self, units: Tensor) -> Tensor:
        return self.fc(self.hidden(units / self.largest).relu())


class UnitsBiLSTM(nn.Module):
    """Units of a clip's frames (N, T, 35) to logits (N, classes): two bidirectional LSTM layers, and attention.

    A frame's weight in the sum over the clip comes from its features by two dense layers, both followed by tanh and
    dropout, and a softmax over the frames.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(COLUMNS, WIDTH, 2, batch_first=True, dropout=0.3, bidirectional=True)
        self.attention = nn.Sequential(
            nn.Linear(2 * WIDTH, 2 * WIDTH),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(2 * WIDTH, 1),
            nn.Tanh(),
            nn.Dropout(0.3),
        )
        self.fc = nn.Linear(2 * WIDTH, classes)

    def forward(self, units: Tensor) -> Tensor:
        features, _ = self.lstm(units)
        shares = self.attention(features).softmax(1)
        return self.fc((shares * features).sum(1))


ENTRIES = (
    Architecture(
        "au-mlp",
        UnitsMLP,
        "Luna-Jimenez et al. 2022",
        0,
        UNIT,
        3_528,
        classes=8,
        official=3_528,
        published_accuracy="60.22 % on RAVDESS' speech, 8 classes, 5 folds by actor, on OpenFace's units.",
        sight="unit-means",
        signals={"units": (COLUMNS,)},
    ),
    Architecture(
        "au-bilstm",
        UnitsBiLSTM,
        "Luna-Jimenez et al. 2022",
        0,
        UNIT,
        106_609,
        classes=8,
        official=106_609,
        published_accuracy="62.13 % on RAVDESS' speech, 8 classes, 5 folds by actor, on OpenFace's units.",
        sight="units",
        signals={"units": (FRAMES, COLUMNS)},
    ),
)
