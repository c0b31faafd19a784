"""VGG16 and a recurrent network over what changes from frame to frame (He et al. 2019, "Human Emotion Recognition in
Video Using Subtraction Pre-Processing").

An expression is a movement, so each frame is subtracted from the next before anything else: what stays, such as who it
is and where the light comes from, is gone. VGG16 (``models.zoo.vgg``) looks at each difference, an LSTM at the sequence
of what it found. The layers behind VGG16 are ours: the paper's abstract does not give their sizes.
"""

from torch import Tensor, nn

from models.inference.contract import IMAGENET
from models.zoo import vgg
from models.zoo.entry import Architecture

HIDDEN = 256


class VggDifferences(nn.Module):
    """RGB clips (N, 3, T, S, S), ImageNet normalisation, to logits (N, classes); T at least 2, S at least 32.

    ``features`` is named as VGG16's, so that a run of ``vgg16`` may be where it starts.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = vgg.convolutions()
        self.lstm = nn.LSTM(vgg.CONFIGURATION_D[-2], HIDDEN, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(HIDDEN, classes)

    def forward(self, x: Tensor) -> Tensor:
        changes = x[:, :, 1:] - x[:, :, :-1]
        seen = self.features(changes.transpose(1, 2).flatten(0, 1)).mean((2, 3))
        steps, _ = self.lstm(seen.unflatten(0, (-1, changes.shape[2])))
        return self.fc(self.dropout(steps[:, -1]))


ENTRIES = (
    Architecture(
        "vgg16-differences",
        VggDifferences,
        "He et al. 2019",
        224,
        IMAGENET,
        15_504_967,
        frames=16,
        published_accuracy="He et al. 2019 test on RAVDESS' song videos without sound, six classes; the abstract "
        "prints no number, and the paper could not be read here.",
    ),
)
