"""A stacked auto-encoder over action units (Bagheri et al. 2019, "A Novel Model for Emotion Detection from Facial
Muscles Activity").

Auto-encoders upon one another, each of which learns to draw what the one below tells it from fewer figures, and a
softmax layer. First they learn without labels (``loss.label = 0``, ``loss.penalty = 1``), then the whole is fine-tuned
from that run as any other network. Vincent et al. 2010 ("Stacked Denoising Autoencoders", section 3.5) train one after
the other; here all learn at once, each from what the one below answers by then, which none above it changes. Widths are
ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.zoo.entry import UNIT, Architecture

INTENSITIES = 17
PRESENCES = 18
LARGEST = 5.0
"""Of an intensity; a presence is 0 or 1."""
WIDTHS = (24, 16)


class Autoencoder(nn.Module):
    """Figures (N, V), 0..1, to fewer ones (N, H), 0..1."""

    def __init__(self, visible: int, hidden: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(visible, hidden)
        self.decoder = nn.Linear(hidden, visible)

    def forward(self, visible: Tensor) -> Tensor:
        return torch.sigmoid(self.encoder(visible))

    def reconstruction(self, visible: Tensor) -> Tensor:
        """Cross-entropy of figures (N, V) and what is drawn of them, one number: a figure's mean in nats."""
        return F.binary_cross_entropy_with_logits(self.decoder(self(visible)), visible)


class AUAutoencoder(nn.Module):
    """Action units (N, 35), 17 intensities in 0..5 and 18 presences in 0..1, to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        units = INTENSITIES + PRESENCES
        self.register_buffer("largest", torch.tensor([LARGEST] * INTENSITIES + [1.0] * PRESENCES), persistent=False)
        sizes = zip((units, *WIDTHS), WIDTHS, strict=False)
        self.stack = nn.ModuleList(Autoencoder(visible, hidden) for visible, hidden in sizes)
        self.fc = nn.Linear(WIDTHS[-1], classes)

    def _shares(self, units: Tensor) -> Tensor:
        return (units / self.largest).clamp(0, 1)

    def forward(self, units: Tensor) -> Tensor:
        code = self._shares(units)
        for each in self.stack:
            code = each(code)
        return self.fc(code)

    def with_penalty(self, units: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, classes), and the sum of all reconstructions: no auto-encoder's reaches another."""
        with torch.autocast(units.device.type, enabled=False):
            losses, shown = [], self._shares(units.float())
            for each in self.stack:
                losses.append(each.reconstruction(shown))
                shown = each(shown).detach()
        return self(units), torch.stack(losses).sum()


ENTRIES = (
    Architecture(
        "au-autoencoder",
        AUAutoencoder,
        "Bagheri et al. 2019",
        0,
        UNIT,
        2_649,
        classes=6,
        sight="unit-means",
        signals={"units": (INTENSITIES + PRESENCES,)},
        published_accuracy="95.63 % on CK+, 95.58 % on MMI and 84.91 % on RAVDESS, means over six classes, with "
        "OpenFace's units (Bagheri et al. 2019, abstract; how the videos were split could not be read here).",
    ),
)
