"""Networks that look at a clip: (N, 3, frames, size, size), RGB, normalised."""

from models.registry import Pixels
from models.zoo.entry import Network

CLIPS: tuple[Network, ...] = (
    Network(
        "moodnet-clip",
        "moodnet_clip:MoodnetClip",
        "ours; taught on pseudo-clips",
        48,
        Pixels((0.0,) * 3, (1.0,) * 3),
        2_018_727,
        frames=8,
        interval_s=0.2,
    ),
)
