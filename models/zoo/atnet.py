"""ATNet (Peng et al. 2019, "A Novel Apex-Time Network for Cross-Dataset Micro-Expression Recognition").

What the apex frame shows, and how the face got there and away from it: the ResNet10 of ``models.zoo.micro_attention``
looks at the one, a recurrent network at the optical flow around it. Each branch ends in a vector of length 1, so that
neither can shout the other down.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import Pixels
from models.zoo.entry import Architecture
from models.zoo.micro_attention import WIDTH, ApexTrunk

STEPS = 64
"""From one frame to the next around the apex."""
FEATURES = 128
"""Figures of each step's flow."""
HIDDEN = 512
LAYERS = 2

Branches = Literal["both", "apex", "sequence"]


class OneBiasLSTM(nn.LSTM):
    """torch's LSTM with one bias a gate, as in the equations and in the authors' framework.

    torch adds two of them up. The second is 0 here, for ever, and so no parameter.
    """

    def __init__(self, features: int, hidden: int, layers: int) -> None:
        super().__init__(features, hidden, layers, batch_first=True)
        for layer in range(layers):
            name = f"bias_hh_l{layer}"
            delattr(self, name)
            self.register_buffer(name, torch.zeros(4 * hidden))


class ATNet(nn.Module):
    """A grey apex frame (N, 1, 224, 224) in 0..1 and flow around it (N, 64, 128) to logits (N, classes).

    ``branches`` leaves one of the two out, for comparison: the network then takes both inputs and ignores one.
    """

    def __init__(self, classes: int, branches: Branches = "both") -> None:
        super().__init__()
        self.trunk = ApexTrunk() if branches != "sequence" else None
        self.lstm = OneBiasLSTM(FEATURES, HIDDEN, LAYERS) if branches != "apex" else None
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear((WIDTH if self.trunk else 0) + (HIDDEN if self.lstm else 0), classes)

    def forward(self, faces: Tensor, motion: Tensor) -> Tensor:
        seen = []
        if self.trunk is not None:
            seen.append(F.normalize(self.trunk(faces)))
        if self.lstm is not None:
            seen.append(F.normalize(self.lstm(motion)[0].mean(1)))
        return self.fc(self.dropout(torch.cat(seen, 1)))


ENTRIES = (
    Architecture(
        "atnet",
        ATNet,
        "Peng et al. 2019",
        224,
        Pixels((0.0,), (255.0,)),
        8_312_837,
        classes=3,
        official=8_312_837,
        sight="apex-sequence",
        signals={"motion": (STEPS, FEATURES)},
        micro=True,
    ),
)
