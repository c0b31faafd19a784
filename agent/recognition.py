"""From a frame to seven probabilities: face, aligned crop, network. Everything stays in this process."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.errors import NoFeaturesError
from agent.face import FaceFinder
from agent.pace import Box
from agent.personal.answers import MOST_FEATURES
from agent.personal.key import DesktopVault
from agent.personal.store import Store
from agent.personal.teacher import Teacher
from agent.proportions import Proportions
from agent.readable import Readability, unsure
from agent.resting import RestingFace
from agent.search import OTHERS_S
from agent.smoothing import Reading
from agent.unread import Unread
from models.inference import identity, registry, smile
from models.inference.align import aligned_face
from models.inference.contract import Contract
from relay.protocol import EXPRESSIONS


class Look(NamedTuple):
    """What is seen in a frame: whether a face, and its seven probabilities, in the order of ``EXPRESSIONS``.

    ``probabilities`` are None without a face, where it can't be read, and while a clip network has not answered for the
    first time.
    """

    has_face: bool
    probabilities: Sequence[float] | None
    unread: Unread | None = None
    """Why there is nothing to read, though the face may be there."""
    box: Box | None = None
    """Where the face is."""
    still: bool = False
    """Whether it has not moved for a while, as in a picture of a face, so that a blink is worth a look."""


class Recogniser:
    """The pictures' way through the agent; use it from one thread at a time, but for ``stop`` and ``forget``.

    ``model`` is a name of the weights registry or an ONNX file. ``live``: the frames come from a camera or screen, in
    which a picture that stands still shows nobody. ``others_s`` as ``FaceFinder``.

    Raises:
        models.errors.ModelError: unknown model, file missing, damaged, or not a classifier.
        MissingLibraryError: see ``FaceFinder``.
    """

    def __init__(self, model: str, live: bool = False, others_s: float = OTHERS_S) -> None:
        from agent.readers import reader  # imports ONNX Runtime
        from models.inference.infer import load

        self.model = model
        landmarker = registry.path(registry.LANDMARKER)
        self._reader = reader(load(model))
        self._crop = self._reader.network.contract.crop
        self._smile_rule = registry.smile_rule(model)
        self._faces = FaceFinder(landmarker, others_s)
        self._proportions = Proportions()
        self._readability = Readability(live, self._crop)
        self._resting = RestingFace()
        self._teacher: Teacher | None = None
        self._embedder: identity.FaceEmbedder | None = None
        self._revision = 0
        self._face_seconds, self._frames = 0.0, 0

    @property
    def seconds(self) -> dict[str, float]:
        """Time spent in each stage, summed over ``calls``."""
        return {"face": self._face_seconds, "classify": self._reader.seconds}

    @property
    def calls(self) -> dict[str, int]:
        return {"face": self._frames, "classify": self._reader.calls}

    @property
    def contract(self) -> Contract:
        """What the network sees and answers."""
        return self._reader.network.contract

    @property
    def device(self) -> str:
        """What the network runs on: ``cpu`` or ``gpu``."""
        return "cpu" if self._reader.network.on_processor else "gpu"

    @property
    def missed_card(self) -> bool:
        """Whether a graphics card was to be used and could not be."""
        return self._reader.network.missed_card

    @property
    def stretch(self) -> float:
        """How wide the pictures come, against how wide they should be; undone before they are looked at."""
        return self._proportions.stretch

    def look(self, frame: NDArray[np.uint8], time_ms: int) -> Look:
        """What the largest face of a frame shows, or the clip that ends with it.

        ``frame`` is RGB (H, W, 3); ``time_ms`` grows from frame to frame of one video.
        """
        began = time.perf_counter()
        seconds = time_ms / 1000
        frame = self._proportions.undone(frame)
        face = self._faces.find(frame, time_ms)
        self._face_seconds, self._frames = self._face_seconds + time.perf_counter() - began, self._frames + 1
        box = None if face is None else _box(face.points, frame)
        unread = self._readability.of_frame(frame, seconds)
        if face is not None:
            crop = aligned_face(frame, face.points, self._crop)
            unread = unread or self._readability.of_face(face, frame, crop, seconds)
        still = face is not None and self._readability.is_still
        if face is None or not unread:
            self._recognise(frame, None if face is None else face.points, box)
        if face is None or unread:
            self._reader.miss()
            return Look(face is not None, None, unread, box, still)
        stretch = self.stretch
        self._proportions.learn(seconds, face.points)
        if self.stretch != stretch:
            self.forget()  # how a squeezed face looks at rest
        answer = self._reader.read(seconds, crop)
        if answer is None:
            return Look(True, None, None, box, still)
        answer = self._personal(answer)
        if unread := unsure(answer):
            return Look(True, None, unread, box, still)
        # A clip network's answer may be of a moment ago; the mouth is that of now, as the viewer would have it.
        seen = smile.decided(self._smile_rule, answer, face.shapes).tolist()
        return Look(True, self._resting.read(seconds, seen), None, box, still)

    def require_features(self) -> None:
        """Raises NoFeaturesError: the network tells no features to learn from, or more than an answer can have."""
        if not 0 < self.contract.features <= MOST_FEATURES:
            told = f"{self.contract.features}, and {MOST_FEATURES} are the most" if self.contract.features else "none"
            raise NoFeaturesError(
                f"the model {self.model!r} can't be taught a face: of features to fit a head of your own to, it tells "
                f"{told}. Choose moodnet or moodnet-tiny, or turn teaching off"
            )

    def taught_in(self, folder: Path, only_me: bool = False) -> Teacher:
        """From now on this teacher is told what the network answers, and answers in its place what it has learned.

        ``folder``: of the viewer's answers (``agent.personal.store.usual_folder``). Who calls closes the teacher.
        ``only_me``: it is told, too, whose face it is, every few seconds.

        Raises:
            NoFeaturesError: see ``require_features``.
            MissingLibraryError: what encrypts the answers is not installed.
            models.errors.ModelError: ``only_me``, and the network that tells whose face it is is missing or damaged.
        """
        self.require_features()
        network = registry.checksum(self._reader.network.file)
        self._embedder = identity.load() if only_me else None
        only = registry.get(identity.NETWORK).sha256 if only_me else ""
        self._teacher = Teacher(Store(folder, DesktopVault(folder)), network, only)
        return self._teacher

    def _recognise(self, frame: NDArray[np.uint8], points: NDArray[np.float64] | None, box: Box | None) -> None:
        """Tell the teacher whose face it is, if that is due: 25 ms."""
        if self._teacher is None or self._embedder is None:
            return
        if self._teacher.comes(time.monotonic(), box) and points is not None:
            self._teacher.recognise(time.monotonic(), self._embedder.embed(identity.aligned(frame, points)[None])[0])

    def _personal(self, answer: Sequence[float]) -> Sequence[float]:
        """What the network's answer is on this viewer's face."""
        teacher, features = self._teacher, self._reader.features
        if teacher is None or features is None:
            return answer
        teacher.saw(time.monotonic(), features, answer)
        if teacher.revision != self._revision:
            self._revision = teacher.revision
            self.forget()  # how the face looks at rest to another head
        return teacher.refine(features, answer)

    def shown(self, reading: Reading | None) -> None:
        """What the viewer is shown after a look, which they may confirm."""
        if self._teacher is not None and reading is not None:
            self._teacher.shown(time.monotonic(), EXPRESSIONS.index(reading.emotion))

    def forget(self) -> None:
        """Learn anew what the face looks like at rest; any thread may call it."""
        self._resting = RestingFace()

    def stop(self) -> None:
        """End the ``look`` that another thread may be in, with an error there; there is no other look after this.

        A network can take seconds, and a program can't end in good order while a thread is in ONNX Runtime.
        """
        self._reader.network.stop()

    def close(self) -> None:
        """Free the face landmarker, and end what the network is at."""
        self._reader.close()
        self._faces.close()


def _box(points: NDArray[np.float64], frame: NDArray[np.uint8]) -> Box:
    size = frame.shape[1::-1]
    (left, top), (right, bottom) = (points.min(0) / size).tolist(), (points.max(0) / size).tolist()
    return left, top, right, bottom
