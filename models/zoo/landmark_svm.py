"""Landmark distances and a support vector machine (Alshamsi et al. 2018, "Automated Facial Expression and Speech
Emotion Recognition App Development on Smart Phones using Cloud Computing", its part that looks at faces).

How far each of 68 landmarks is from their centre of gravity, and a linear support vector machine: with
``loss.kind = "hinge"`` the trainer minimises what Crammer and Singer 2001 do ("On the Algorithmic Implementation of
Multiclass Kernel-based Vector Machines", eq. 6), by gradients as Shalev-Shwartz et al. 2007 (Pegasos). Of N examples,
``optimizer.weight_decay`` is 1 / (C N). The paper's text was not at hand: a linear kernel, standardised distances, and
those to the centre alone are ours.
"""

from torch import Tensor, nn

from models.zoo.entry import UNIT, Architecture

DISTANCES = 68


class LandmarkSVM(nn.Module):
    """Distances (N, 68) to margins (N, classes), of which the largest is the answer."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.standardise = nn.BatchNorm1d(DISTANCES, eps=1e-8, momentum=None, affine=False)
        self.fc = nn.Linear(DISTANCES, classes)

    def forward(self, distances: Tensor) -> Tensor:
        return self.fc(self.standardise(distances))


ENTRIES = (
    Architecture(
        "landmark-svm",
        LandmarkSVM,
        "Alshamsi et al. 2018",
        0,
        UNIT,
        483,
        sight="landmark-distances",
        signals={"distances": (DISTANCES,)},
        published_accuracy="97.26 % of instances of RAVDESS and SAVEE, face and speech together (Alshamsi et al. 2018, "
        "abstract); of the face alone 96.3 % on CK+, JAFFE and KDEF, seven expressions (Alshamsi et al. 2017, "
        "abstract). How people were split could not be read here.",
    ),
)
