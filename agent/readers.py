"""What a network says of the faces that come by: of each, or of the clip that it ends."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.clip_buffer import ClipBuffer
from models.inference.infer import Classifier, ClipClassifier, FaceByFace, OnnxNetwork

Crop = NDArray[np.uint8]

PATIENCE_S = 0.1
"""A clip's answer that takes longer is fetched with a later face, so that no frame is missed meanwhile."""


class FaceReader(Protocol):
    """Made for one network; used from one thread at a time."""

    network: OnnxNetwork
    seconds: float
    """Time the network has taken, summed over ``calls``."""
    calls: int
    features: NDArray[np.float32] | None
    """(D,), of the face that was read last; None of a network that tells none of a face by itself."""

    def read(self, at: float, face: Crop) -> Sequence[float] | None:
        """Seven probabilities, in the order of ``EXPRESSIONS``, of what is seen at ``at`` (seconds); None for not yet.

        ``face`` is cut out as the network's contract says.
        """

    def miss(self) -> None:
        """A frame had no face."""

    def close(self) -> None:
        """Leave nothing at work."""


class StillReader:
    """Each face by itself."""

    def __init__(self, classifier: Classifier) -> None:
        self.network, self._classifier = classifier.network, classifier
        self.seconds, self.calls = 0.0, 0
        self.features: NDArray[np.float32] | None = None

    def read(self, at: float, face: Crop) -> Sequence[float] | None:
        began = time.perf_counter()
        probabilities, features = self._classifier.read(face[None])
        self.features = None if features is None else features[0]
        found: list[float] = probabilities[0].tolist()
        self.seconds, self.calls = self.seconds + time.perf_counter() - began, self.calls + 1
        return found

    def miss(self) -> None:
        """Each face is looked at by itself."""

    def close(self) -> None:
        """There is nothing to end."""


class MemoryReader:
    """A clip for each face that is due, of which only this face is new to the network."""

    features: NDArray[np.float32] | None = None

    def __init__(self, classifier: FaceByFace) -> None:
        self.network, self._classifier = classifier.network, classifier
        clip = self.network.contract.clip
        assert clip is not None  # a FaceByFace has one
        self._frames = clip.frames
        self._buffer: ClipBuffer[NDArray[np.float32]] = ClipBuffer(clip)
        self._answer: list[float] | None = None
        self.seconds, self.calls = 0.0, 0

    def read(self, at: float, face: Crop) -> Sequence[float] | None:
        if not self._buffer.wants(at):
            return self._answer
        began = time.perf_counter()
        earlier = self._buffer.newest(self._frames - 1)
        if self._buffer.empty:
            earlier = [self._classifier.features(face[None])[0]] * (self._frames - 1)
        probabilities, features = self._classifier.step(face[None], np.stack(earlier)[None])
        self._buffer.add(at, features[0])
        self._answer = probabilities[0].tolist()
        self.seconds, self.calls = self.seconds + time.perf_counter() - began, self.calls + 1
        return self._answer

    def miss(self) -> None:
        self._buffer.miss()

    def close(self) -> None:
        """There is nothing to end."""


class ClipReader:
    """All faces of the newest clip each time, in a thread beside: the large networks take longer than a frame lasts.

    While one clip is worked on, those that become due are left out. Between two answers the older one counts.
    """

    features: NDArray[np.float32] | None = None

    def __init__(self, classifier: ClipClassifier, patience_s: float = PATIENCE_S) -> None:
        self.network, self._classifier, self._patience_s = classifier.network, classifier, patience_s
        clip = self.network.contract.clip
        assert clip is not None  # a ClipClassifier has one
        self._buffer: ClipBuffer[Crop] = ClipBuffer(clip)
        self._sight = 0
        self._pending: tuple[int, Future[list[float]]] | None = None
        self._answer: list[float] | None = None
        self.seconds, self.calls = 0.0, 0

    def read(self, at: float, face: Crop) -> Sequence[float] | None:
        patience = 0.0
        if self._buffer.wants(at):
            if self._buffer.empty:  # another sight: what was found out about the last one is of no use
                self._sight, self._answer = self._sight + 1, None
            clip = self._buffer.add(at, face)
            if clip is not None and self._pending is None:
                self._pending, patience = (self._sight, _beside(lambda: self._classify(clip))), self._patience_s
        if self._pending is not None:
            sight, future = self._pending
            if wait([future], patience).done:
                self._pending = None
                self._answer = future.result() if sight == self._sight else None
        return self._answer

    def miss(self) -> None:
        self._buffer.miss()

    def close(self) -> None:
        """End the clip that is worked on: a program can't end in good order while a thread is in ONNX Runtime."""
        self.network.stop()
        if self._pending is not None:
            wait([self._pending[1]])

    def _classify(self, clip: list[Crop]) -> list[float]:
        began = time.perf_counter()
        found: list[float] = self._classifier.batch(np.stack(clip)[None])[0].tolist()
        self.seconds, self.calls = self.seconds + time.perf_counter() - began, self.calls + 1
        return found


def _beside(work: Callable[[], list[float]]) -> "Future[list[float]]":
    """Do it in a thread that keeps nobody from ending the program."""
    future: Future[list[float]] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # raised again where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, name="clip", daemon=True).start()
    return future


def reader(classifier: Classifier | ClipClassifier | FaceByFace) -> FaceReader:
    """The reader for that kind of network."""
    if isinstance(classifier, Classifier):
        return StillReader(classifier)
    return MemoryReader(classifier) if isinstance(classifier, FaceByFace) else ClipReader(classifier)
