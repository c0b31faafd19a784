"""The method of Churaev and Savchenko 2023: a universal head, and a personal one that goes on from it.

Both learn by cross-entropy with Adam at 1e-4, over features that a face network gave once and for all; the network
itself learns nothing. The universal head sees clips of many people for 20 epochs; the personal one begins as the
universal head and sees a few clips of one person for 70 epochs (linear) or 50 (attention).

A training takes seconds to a minute, so it is not stored on the way: a stopped one begins anew. The same seed gives
the same head on the same machine. It needs torch.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from models.errors import TrainingError
from models.personal import heads
from models.personal.features import FeatureClips
from models.personal.heads import UNIVERSAL_EPOCHS, HeadState
from models.training.trainer import seed_of
from models.zoo import frame_attention
from models.zoo.frame_attention import ClipHead, OverSum

LEARNING_RATE = 1e-4
"""The paper's, for both."""
BATCH = 16
"""Clips a step. The paper does not say; chosen here."""
_CHUNK = 256
"""Clips that are looked at together where nothing is learned."""

Indices = Sequence[int] | NDArray[np.int64]


def train_universal(head: str, clips: FeatureClips, learn: Indices, seed: int, epochs: int | None = None) -> HeadState:
    """A head from random weights, taught on the clips ``learn`` (indices), for 20 epochs unless ``epochs`` says else.

    Raises:
        UnknownModelError: there is no such head.
        TrainingError: there is nothing to learn from, or the loss is no number any more.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, 0))
        net = _built(head, clips.width, len(clips.classes))
    return _taught(net, head, clips, learn, seed, UNIVERSAL_EPOCHS if epochs is None else epochs)


def train_personal(
    state: HeadState, clips: FeatureClips, learn: Indices, seed: int, epochs: int | None = None
) -> HeadState:
    """A head that goes on from ``state`` on the clips ``learn`` (indices) of one person; 70 or 50 epochs by default.

    Raises:
        TrainingError: as ``train_universal``; or ``state`` is of other features or classes than the clips.
    """
    epochs = heads.find(state.head).personal_epochs if epochs is None else epochs
    return _taught(_network(state, clips), state.head, clips, learn, seed, epochs)


def predict(state: HeadState, clips: FeatureClips, indices: Indices) -> NDArray[np.float32]:
    """Probabilities (n, K) of the clips ``indices``, rows summing to 1.

    Raises:
        TrainingError: as ``train_personal``.
    """
    net = _network(state, clips).eval()
    shown = _shown(state.head, clips, indices)
    with torch.inference_mode():
        rows = [net(*_padded(shown[i : i + _CHUNK])).softmax(1) for i in range(0, len(shown), _CHUNK)]
    found: NDArray[np.float32] = torch.cat([torch.empty(0, len(clips.classes)), *rows]).numpy()
    return found


def _built(head: str, width: int, classes: int) -> ClipHead:
    """With random weights.

    Raises:
        UnknownModelError: there is no such head.
    """
    return ClipHead(getattr(frame_attention, heads.find(head).pooling)(width), classes)


def _network(state: HeadState, clips: FeatureClips) -> ClipHead:
    """The head in torch.

    Raises:
        TrainingError: it is of other features or classes than the clips.
    """
    if (state.width, state.classes) != (clips.width, clips.classes):
        raise TrainingError(
            f"expected {state.width} features and the classes {', '.join(state.classes)}, as the head has learned, got "
            f"{clips.width} and {', '.join(clips.classes)}: use the network and the layout that it was trained with"
        )
    net = _built(state.head, state.width, len(state.classes))
    try:
        net.load_state_dict({name: torch.tensor(array) for name, array in state.arrays.items()})
    except RuntimeError as error:
        raise TrainingError(f"this is no head {state.head!r}: its weights are another's ({error})") from error
    return net


def _taught(net: ClipHead, head: str, clips: FeatureClips, learn: Indices, seed: int, epochs: int) -> HeadState:
    """The head after these epochs of Adam on the clips ``learn``."""
    shown, labels = _shown(head, clips, learn), torch.from_numpy(clips.labels[np.asarray(learn, np.int64)])
    if not shown:
        raise TrainingError("expected clips to learn from, got none")
    floored = _Floored(net)
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    net.train()
    for epoch in tqdm(range(epochs), desc=head, unit="epoch", leave=False, disable=None):
        for batch in _batches(len(shown), seed_of(seed, 1, epoch)):
            loss = F.cross_entropy(net(*_padded([shown[i] for i in batch])), labels[batch])
            if not torch.isfinite(loss):
                raise TrainingError(
                    f"the loss of the head {head!r} is no number in epoch {epoch + 1}: are the features?"
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    arrays = {name: tensor.detach().numpy().copy() for name, tensor in net.state_dict().items()}
    return HeadState(head, clips.classes, arrays, floored.count, floored.sums)


def _batches(count: int, seed: int) -> Iterator[list[int]]:
    """Every number below ``count`` once, in an order by the seed, ``BATCH`` at a time; the last batch may be small."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return (order[i : i + BATCH] for i in range(0, count, BATCH))


def _shown(head: str, clips: FeatureClips, indices: Indices) -> list[Tensor]:
    """The clips' frames (T, D). For the maximum over them one frame says all, and is much less to go through."""
    frames = [torch.from_numpy(clips.features[int(i)]) for i in indices]
    return [one.amax(0, keepdim=True) for one in frames] if head == "linear" else frames


def _padded(frames: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Clips (T, D) as one (N, longest T, D), and which of its frames are there (N, longest T)."""
    lengths = torch.tensor([len(one) for one in frames])
    there = torch.arange(int(lengths.max()))[None] < lengths[:, None]
    return pad_sequence(list(frames), batch_first=True), there


class _Floored:
    """Counts how often equation (5) had too small a sum while a head learned."""

    def __init__(self, net: nn.Module) -> None:
        self.count = self.sums = 0
        for part in net.modules():
            if isinstance(part, OverSum):
                part.register_forward_pre_hook(self._look)

    def _look(self, part: nn.Module, inputs: tuple[Tensor]) -> None:
        self.sums += len(inputs[0])
        self.count += int(OverSum.is_floored(inputs[0].detach()).sum())
