"""Networks that look at a clip: (N, 3, frames, size, size), RGB, normalised."""

from models.zoo.entry import Network

CLIPS: tuple[Network, ...] = ()
