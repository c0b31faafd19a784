"""What the trainer asks of what is learned, be it faces, clips or clips without labels."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Task(Protocol):
    """Examples, a network, and what the network is to make of them; the trainer knows no more of either.

    ``net`` is fresh and on the device. ``examples`` counts those to learn from. ``classes`` names the network's
    outputs, ``scores`` what ``validate`` gives. A batch, and an answer to it, are the task's own affair. All chance in
    ``batch`` comes from its generator.
    """

    net: nn.Module
    examples: int
    classes: tuple[str, ...]
    scores: tuple[str, ...]

    def batch(self, index: Tensor, epoch: int, generator: torch.Generator) -> Any:
        """The examples of these numbers (B,), augmented, with what is to be learned of them."""

    def answer(self, net: nn.Module, batch: Any) -> Any:
        """What a network makes of a batch; called where its arithmetic is set (``Trainer.autocast``)."""

    def loss(self, answer: Any, batch: Any) -> Tensor:
        """One number."""

    def validate(self, net: nn.Module) -> dict[str, float]:
        """Scores, under the names ``scores``, of a network in evaluation mode on examples it does not learn from."""

    def start_from(self, source: str) -> None:
        """Give ``net`` the weights that ``network.start`` of a recipe names.

        Raises:
            ModelError: there are none, or they are of another network.
        """
