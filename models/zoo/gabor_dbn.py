"""A deep belief network over Gabor jets of landmarks, as papers of 2019 have it (Hinton et al. 2006, "A Fast Learning
Algorithm for Deep Belief Nets").

Restricted Boltzmann machines upon one another, each of which learns to make up what the one below shows it, and a
softmax layer. First they learn without labels (``loss.label = 0``, ``loss.penalty = 1``), then the whole is fine-tuned
from that run as any other network. Hinton trains one machine after the other; here all learn at once, each from what
the one below answers by then, which no machine above it changes. Widths are ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.zoo.entry import UNIT, Architecture

FIGURES = 51 * 18
"""Jets of 18 at 51 landmarks, each figure in 0..1."""
WIDTHS = (256, 128)


class RestrictedBoltzmannMachine(nn.Module):
    """Probabilities of visible units (N, V), 0..1, to those of hidden ones (N, H)."""

    def __init__(self, visible: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(visible, hidden)
        self.visible = nn.Parameter(torch.zeros(visible))

    def forward(self, visible: Tensor) -> Tensor:
        return torch.sigmoid(self.up(visible))

    def made_up(self, hidden: Tensor) -> Tensor:
        """The probabilities of visible units (N, V) that hidden ones (N, H) call for."""
        return torch.sigmoid(F.linear(hidden, self.up.weight.t(), self.visible))

    def free_energy(self, visible: Tensor) -> Tensor:
        """(N,): the lower, the more likely a machine of binary units is to show this."""
        return -(visible @ self.visible) - F.softplus(self.up(visible)).sum(1)

    def contrastive_divergence(self, visible: Tensor) -> Tensor:
        """One number, whose gradient is that of CD-1 (Hinton 2002, "Training Products of Experts by Minimizing
        Contrastive Divergence"): what is shown is to become likelier than what the machine makes of it in one step.

        Hidden units are drawn, from torch's seed; what they call for is taken as probabilities (Hinton 2010, "A
        Practical Guide to Training Restricted Boltzmann Machines", section 3).
        """
        with torch.no_grad():
            again = self.made_up(torch.bernoulli(self(visible)))
        return (self.free_energy(visible) - self.free_energy(again)).mean()


class GaborDBN(nn.Module):
    """Gabor magnitudes (N, 918) in 0..1 to logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        sizes = zip((FIGURES, *WIDTHS), WIDTHS, strict=False)
        self.machines = nn.ModuleList(RestrictedBoltzmannMachine(visible, hidden) for visible, hidden in sizes)
        self.fc = nn.Linear(WIDTHS[-1], classes)

    def forward(self, gabor: Tensor) -> Tensor:
        for machine in self.machines:
            gabor = machine(gabor)
        return self.fc(gabor)

    def with_penalty(self, gabor: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, classes), and the machines' contrastive divergences, one number: no machine's reaches another."""
        with torch.autocast(gabor.device.type, enabled=False):
            divergences, shown = [], gabor.float()
            for machine in self.machines:
                divergences.append(machine.contrastive_divergence(shown))
                shown = machine(shown).detach()
        return self(gabor), torch.stack(divergences).sum()


ENTRIES = (
    Architecture(
        "gabor-dbn",
        GaborDBN,
        "Hinton et al. 2006; Lyons et al. 1998",
        0,
        UNIT,
        270_237,
        sight="landmark-gabor",
        signals={"gabor": (FIGURES,)},
        published_accuracy="the paper of 2019 that the document compares with could not be found here, so none.",
    ),
)
