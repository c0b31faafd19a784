"""MAE-DFER and the CA branch of MMNet as one network (the study's own: https://github.com/drink36/MAE-DFER-CA).

MAE-DFER reads the clip; the CA branch reads how far its mean face is from its first, so subtle motion on a face at
rest. Their features are added or put side by side, with or without the position calibration (PC) of MMNet. The study's
own answers show no gain over MAE-DFER that could be told from chance (docs/networks.md).

Left out of the official build, since no output depends on them: the classifier of the CA branch, and the class token,
classifier and mask of the PC transformer.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.inference.contract import IMAGENET
from models.zoo import mmnet
from models.zoo.entry import Architecture
from models.zoo.layers import quiet_head, start_small
from models.zoo.mae_dfer import DEPTH, WIDTH, LGIFormer
from models.zoo.videomae import drop_paths

SIDE = 10
"""Side of the CA branch's last map, for faces of 160 px."""


class MaeDferCA(nn.Module):
    """RGB clips (N, 3, 16, 160, 160), ImageNet normalisation, to logits (N, classes).

    ``concat``: the two features stand side by side, else they are added. ``calibrated``: with the PC module.
    """

    def __init__(self, classes: int, concat: bool = False, calibrated: bool = False, depth: int = DEPTH) -> None:
        super().__init__()
        self.concat = concat
        self.encoder = LGIFormer(drop_paths(depth))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.motion = mmnet.CABranch()
        self.position = mmnet.PositionCalibration(SIDE, depth=2, ratio=2) if calibrated else None
        self.reduce = nn.Linear(mmnet.WIDTH * SIDE**2, WIDTH)
        for part in (self.encoder, self.reduce):
            part.apply(start_small)
        self.fc = quiet_head(2 * WIDTH if concat else WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        appearance = self.norm(self.encoder(x).mean(1))
        first = x[:, :, 0]
        moved = self.motion(x.mean(2) - first)
        if self.position is not None:
            moved = moved + self.position(first)
        motion = F.relu(self.reduce(moved.flatten(1)))
        return self.fc(torch.cat([appearance, motion], 1) if self.concat else appearance + motion)


def add(classes: int) -> MaeDferCA:
    return MaeDferCA(classes)


def add_calibrated(classes: int) -> MaeDferCA:
    return MaeDferCA(classes, calibrated=True)


def concat(classes: int) -> MaeDferCA:
    return MaeDferCA(classes, concat=True)


def concat_calibrated(classes: int) -> MaeDferCA:
    return MaeDferCA(classes, concat=True, calibrated=True)


MOTION_LEFT_OUT = {"classifier of the CA branch": 702_471}
POSITION_LEFT_OUT = {"class token, classifier and mask of the PC transformer": 3_590}
REMARK = (  # as of MAE-DFER
    "1,052,160 parameters and 2.10 GMAC of the last block change only local tokens, which pre-training draws from and "
    "the classifier does not read; they are kept, as in the official build"
)
ENTRIES = (
    Architecture(
        "mae-dfer-ca",
        add,
        "the study: MAE-DFER + CA",
        160,
        IMAGENET,
        113_622_139,
        published="114 M",
        official=114_324_610,
        left_out=MOTION_LEFT_OUT,
        frames=16,
        official_gmacs=52.69,
        published_gmacs="52 G",
        remark=REMARK,
    ),
    Architecture(
        "mae-dfer-ca-pc",
        add_calibrated,
        "the study: MAE-DFER + CA + PC",
        160,
        IMAGENET,
        117_881_979,
        published="119 M",
        official=118_588_040,
        left_out=MOTION_LEFT_OUT | POSITION_LEFT_OUT,
        frames=16,
        official_gmacs=53.13,
        published_gmacs="53 G",
        remark=REMARK,
    ),
    Architecture(
        "mae-dfer-ca-concat",
        concat,
        "the study: MAE-DFER + CA, side by side",
        160,
        IMAGENET,
        113_625_723,
        official=114_328_194,
        left_out=MOTION_LEFT_OUT,
        frames=16,
        official_gmacs=52.69,
    ),
    Architecture(
        "mae-dfer-ca-pc-concat",
        concat_calibrated,
        "the study: MAE-DFER + CA + PC, side by side",
        160,
        IMAGENET,
        117_885_563,
        official=118_591_624,
        left_out=MOTION_LEFT_OUT | POSITION_LEFT_OUT,
        frames=16,
        official_gmacs=53.13,
    ),
)
