"""What a viewer said of their own face: a label, with the embedding of the moment that it is for. No picture."""

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from relay.protocol import EXPRESSIONS

MOST_ANSWERS = 400
"""Kept of each network; see ``Answers.joined``."""
MOST_ENROLLED = 20
"""Embeddings that tell who is enrolled; see ``Enrolled.joined``."""
MOST_FEATURES = 2048
"""Of an embedding: the widest of the known face networks (EfficientNet-B2) has 1408."""

_YEAR_10000 = 253_402_300_800
"""In Unix seconds; what writes dates knows none after it."""


@dataclass(frozen=True, eq=False)
class Answer:
    """One answer. Two are the same where their ``digest`` is.

    Its ``repr`` has no embedding: whatever prints it, that is not for logs.
    """

    at: float
    """Unix seconds."""
    label: int
    """Index of ``relay.protocol.EXPRESSIONS``."""
    features: NDArray[np.float32] = field(repr=False)
    """Shape (D,): the embedding of the face, by the network of the ``Answers`` that it is in."""
    universal: NDArray[np.float32] = field(repr=False)
    """Shape (7,): what that network said of it, probabilities."""
    corrected: bool
    """Whether the viewer chose the label, and did not confirm what was shown."""

    @property
    def digest(self) -> bytes:
        """Of all fields, 32 bytes."""
        fields = struct.pack("<d?q", self.at, self.corrected, self.label)
        arrays = (np.asarray(one, "<f4").tobytes() for one in (self.features, self.universal))
        return hashlib.sha256(b"".join((fields, *arrays))).digest()


@dataclass(frozen=True, eq=False)
class Enrolled:
    """Whose answers they are: embeddings by which a network tells faces of one person from others'. Biometrics.

    Raises:
        ValueError: they are none, more than ``MOST_ENROLLED``, of another length, or their numbers are not finite.
    """

    network: str
    """The sha256 of the file with that network's numbers, as hex."""
    embeddings: NDArray[np.float32] = field(repr=False)
    """Shape (N, D)."""

    def __post_init__(self) -> None:
        shape = self.embeddings.shape
        if len(shape) != 2 or not (1 <= shape[0] <= MOST_ENROLLED and 1 <= shape[1] <= MOST_FEATURES):
            raise ValueError(f"expected up to {MOST_ENROLLED} embeddings of one length, got {shape}")
        if not np.isfinite(self.embeddings).all():
            raise ValueError("expected finite embeddings")

    def joined(self, more: "Enrolled") -> "Enrolled":
        """With further ones of the same network, each once. Of too many, one of the two most alike goes first."""
        kept = np.unique(np.concatenate([self.embeddings, more.embeddings]), axis=0)
        while len(kept) > MOST_ENROLLED:
            apart = np.linalg.norm(kept[:, None].astype(np.float64) - kept, axis=2)
            np.fill_diagonal(apart, np.inf)
            kept = np.delete(kept, apart.min(1).argmin(), axis=0)
        return Enrolled(self.network, kept)


@dataclass(frozen=True, eq=False)
class Answers:
    """A viewer's answers on faces that one network read, oldest first.

    Raises:
        ValueError: they are more than ``MOST_ANSWERS``, or one of them is none: a label that there is not, numbers that
            are not finite, probabilities outside of 0 to 1, another length than the others' or than 1 to
            ``MOST_FEATURES``.
    """

    network: str
    """The sha256 of the network's file, as hex."""
    answers: tuple[Answer, ...] = ()

    def __post_init__(self) -> None:
        if len(self.answers) > MOST_ANSWERS:
            raise ValueError(f"expected at most {MOST_ANSWERS} answers, got {len(self.answers)}")
        for one in self.answers:
            size = len(self.answers[0].features)
            if one.features.shape != (size,) or not 1 <= size <= MOST_FEATURES:
                raise ValueError(f"expected embeddings of one length up to {MOST_FEATURES}, got {one.features.shape}")
            if one.universal.shape != (len(EXPRESSIONS),) or not 0 <= one.label < len(EXPRESSIONS):
                raise ValueError("expected one of the seven expressions, and seven probabilities")
            if not (0 <= one.at < _YEAR_10000 and np.isfinite(one.features).all()):
                raise ValueError("expected a time of our era, and finite features")
            if not ((one.universal >= 0) & (one.universal <= 1)).all():
                raise ValueError("expected probabilities from 0 to 1")

    @property
    def counts(self) -> tuple[int, ...]:
        """How many there are of each expression, in the order of ``EXPRESSIONS``."""
        found = Counter(one.label for one in self.answers)
        return tuple(found[label] for label in range(len(EXPRESSIONS)))

    def joined(self, more: Iterable[Answer]) -> "Answers":
        """With further ones, each once. Of too many, the oldest of the commonest label goes first."""
        each = {one.digest: one for one in (*self.answers, *more)}
        kept = sorted(each.values(), key=lambda one: one.at)
        left = Counter(one.label for one in kept)
        while len(kept) > MOST_ANSWERS:
            most = max(left.values())
            place = next(number for number, one in enumerate(kept) if left[one.label] == most)
            left[kept.pop(place).label] -= 1
        return Answers(self.network, tuple(kept))
