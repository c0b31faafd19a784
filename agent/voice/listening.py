"""The thread that listens, beside the one that looks: what it made of the voice is taken up with the next look."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.files import leave_no_core
from agent.stopping import within
from agent.voice.activity import HOP, SpeechActivity
from agent.voice.levels import Levels
from agent.voice.microphone import Microphone, load_library
from agent.voice.resampling import Resampler
from models.inference import voice
from models.inference.hearing import VoiceNetwork
from models.inference.late_fusion import with_voice

COUNTS_S = 2.0
"""What was heard counts for so long, and so long after a face was read there is somebody to listen to."""
_LEAST_SPEECH_S = 0.4
"""Of speech in what the network is given: a syllable says little."""
_LOOK_S = 0.1
_LAST_LOOK_S = 0.05
_LOST_S = 3.0
"""A microphone from which nothing came for so long is gone."""
OPEN = "The microphone is open, until you stop."
LOST = (
    "The microphone delivers nothing any more, so it is closed: it may be unplugged. From here on your face alone "
    "counts. To be listened to again, start the agent again."
)
FAILED = "Your voice is no longer listened to, and the microphone is closed; your face alone counts"


class _Heard(NamedTuple):
    time: float
    probabilities: NDArray[np.float32]


def load(file: Path) -> VoiceNetwork:
    """The network of a voice file that people may be heard by.

    Raises:
        ModelContractError: see ``VoiceNetwork``; or it learned from synthetic voices.
    """
    network = VoiceNetwork(file)
    voice.require_recorded(network.contract, file)
    return network


class Listener(threading.Thread):
    """Listens from ``start`` on, until told to stop, or until the microphone or the network fails.

    A daemon: a driver that hangs must not keep the program from ending.
    """

    def __init__(self, network: VoiceNetwork, say: Callable[[str], None], failed: Callable[[], None]) -> None:
        """``say`` gets sentences for the streamer; ``failed`` is called where it could not begin, and ``error`` says
        why. Both are called in this thread."""
        super().__init__(name="voice", daemon=True)
        self._network, self._say, self._failed = network, say, failed
        self._stopping = threading.Event()
        self._driver = threading.Lock()
        """Held by who is in the driver's code."""
        self._microphone: Microphone | None = None
        self._heard: _Heard | None = None
        self._face_at = -COUNTS_S
        self.error: Exception | None = None
        self.is_speech = False
        """Whether somebody speaks now."""

    @property
    def is_open(self) -> bool:
        """Whether the microphone is open."""
        return self._microphone is not None

    @property
    def is_held(self) -> bool:
        """Whether it is open, or may be: its driver was told to open it, or to close it, and has not answered."""
        return self.is_open or self._driver.locked()

    def fused(self, now: float, face: Sequence[float] | None) -> Sequence[float] | None:
        """What face and voice together say at ``now`` (seconds, monotonic), where the face alone says ``face``.

        That is the face alone where nobody spoke of late; and nothing where no face is read, whoever speaks there.
        """
        if face is None:
            return None
        self._face_at, heard = now, self._heard
        if heard is None or now - heard.time > COUNTS_S:
            return face
        network = self._network
        both = with_voice(
            np.asarray(face)[None], heard.probabilities[None], network.contract.weight, network.known
        )[0]  # fmt: skip
        return [float(probability) for probability in both]

    def stop(self) -> None:
        """End it, and begin to give the microphone back; it returns at once."""
        self._stopping.set()
        threading.Thread(target=self._close, daemon=True).start()

    def is_released(self, seconds: float) -> bool:
        """After ``stop``: whether the microphone was given back within ``seconds``."""
        return within(max(seconds, _LAST_LOOK_S), self._close)

    def stop_network(self) -> None:
        """End what the network is at: a program can't end in good order while a thread is in ONNX Runtime."""
        self._network.stop()

    def run(self) -> None:
        try:
            self._open()
        except Exception as error:  # the main thread raises it again
            self.error = error
            self._failed()
            return
        try:
            why = self._listen()
        except Exception as error:  # of the driver, or of ONNX Runtime; the face goes on
            why = f"{FAILED}: {error}."
        self._heard, self.is_speech = None, False
        self._close()
        if why is not None and not self._stopping.is_set():  # else it was told to end
            self._say(why)

    def _open(self) -> None:
        leave_no_core()  # it would have the sound
        load_library()
        with self._driver:
            if not self._stopping.is_set():
                self._microphone = Microphone(self._network.contract.seconds + 0.1)

    def _close(self) -> None:
        with self._driver:
            if self._microphone is not None:
                self._microphone.close()
                self._microphone = None

    def _is_lost(self) -> bool:
        with self._driver:  # PortAudio must not be asked of a stream while another thread closes it
            return self._microphone is not None and self._microphone.is_lost

    def _listen(self) -> str | None:
        """Until told to stop; returns the sentence for another end."""
        microphone = self._microphone
        if microphone is None:  # told to stop before
            return None
        self._say(OPEN)
        resampler = Resampler(microphone.rate)
        activity, levels = SpeechActivity(self._network.contract.seconds), Levels(time.monotonic())
        done = seen = looks = 0
        hop = resampler.needed(HOP)
        while not self._stopping.wait(_LOOK_S):
            now, written = time.monotonic(), microphone.ring.written
            looks = looks + 1 if written == seen else 0  # not the time: the whole program may have been halted
            seen = written
            if self._is_lost() or looks * _LOOK_S > _LOST_S:
                return LOST
            if written - done < hop:
                continue
            done = written
            sound = resampler.resampled(microphone.ring.newest(hop), HOP)
            self.is_speech = activity.update(sound)
            if sentence := levels.update(now, sound, self.is_speech):
                self._say(sentence)
            if self.is_speech and activity.spoken_s >= _LEAST_SPEECH_S and now - self._face_at <= COUNTS_S:
                self._hear(now, microphone, resampler)
        return None

    def _hear(self, now: float, microphone: Microphone, resampler: Resampler) -> None:
        samples = self._network.contract.samples
        newest = microphone.ring.newest(resampler.needed(samples))
        self._heard = _Heard(now, self._network.probabilities(resampler.resampled(newest, samples)))
