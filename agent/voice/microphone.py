"""The default microphone, by PortAudio. Nothing of it is loaded before a microphone is opened."""

import contextlib
import ctypes.util
import itertools
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import MicrophoneBusyError, MissingLibraryError, NoMicrophoneError
from agent.packages import needed_by
from agent.voice.ring import RingBuffer
from models.inference.sound import RATE
from relay.common.printable import escaped

_BLOCKS_PER_S = 10
_WRONG_RATE, _WRONG_CHANNELS = -9997, -9998
_NO_DEVICE = -9996
"""Numbers of PortAudio's errors (portaudio.h, PaErrorCode)."""


class Microphone:
    """Open from the first moment on, until ``close``: the last ``seconds`` of it are in ``ring``, one channel, -1..1.

    ``rate``: samples a second, that of voice networks where the device or its driver has it, else its own.

    Raises:
        NoMicrophoneError: there is none, or one that leaves out what voice networks hear.
        MicrophoneBusyError: it can't be opened.
        MissingLibraryError: PortAudio, or its Python package, is not installed.
    """

    def __init__(self, seconds: float) -> None:
        library = load_library()
        try:
            device = library.query_devices(kind="input")
        except (library.PortAudioError, ValueError) as error:
            raise _none() from error
        self._stream, self.rate = self._opened(library, device, seconds)

    @property
    def is_lost(self) -> bool:
        """Whether the device ended it: it is unplugged, or its driver failed."""
        return not self._stream.active

    def close(self) -> None:
        """Give it back at once; what was heard is overwritten."""
        self._stream.abort()
        self._stream.close()
        self.ring.clear()

    def _opened(self, library: Any, device: Any, seconds: float) -> tuple[Any, int]:
        """The running stream and its rate: one channel at ``RATE`` if that can be had, else what the device has."""
        own = round(device["default_samplerate"])
        channels = [1, 2] if device["max_input_channels"] > 1 else [1]
        failure = None
        for rate, count in itertools.product([RATE, own] if own > RATE else [RATE], channels):
            self.ring = RingBuffer(math.ceil(seconds * rate))
            try:
                return self._started(library, rate, count), rate
            except library.PortAudioError as error:
                failure = error
                if _code(error) not in (_WRONG_RATE, _WRONG_CHANNELS):
                    break
        assert failure is not None
        if _code(failure) == _NO_DEVICE:
            raise _none() from failure
        if own < RATE and _code(failure) == _WRONG_RATE:
            raise NoMicrophoneError(
                f"the microphone {escaped(device['name'])} delivers {own} samples a second, and voice networks hear "
                f"{RATE}: as on the telephone, what they listen for is missing. Make another one the default of your "
                "system; a wireless headset delivers more when it is not in its mode for calls"
            ) from failure
        raise MicrophoneBusyError(
            f"the microphone {escaped(device['name'])} can't be opened ({failure.args[0]}): another program may have "
            "it, or this user may not open it. Close the other one, or leave --voice out, for your face alone"
        ) from failure

    def _started(self, library: Any, rate: int, channels: int) -> Any:
        stream = library.InputStream(
            samplerate=rate, channels=channels, dtype="float32", blocksize=rate // _BLOCKS_PER_S, latency="high",
            callback=self._take,
        )  # fmt: skip
        try:
            stream.start()
        except library.PortAudioError:
            stream.close()
            raise
        return stream

    def _take(self, block: NDArray[np.float32], frames: int, times: object, flags: object) -> None:
        """In PortAudio's thread, for each ``block`` (n, channels)."""
        self.ring.write(np.nan_to_num(np.clip(block.mean(1), -1, 1)))


def _none() -> NoMicrophoneError:
    return NoMicrophoneError(
        "there is no microphone: plug one in, make it the default of your system, and start the agent again; or leave "
        "--voice out, for your face alone"
    )


def _code(error: Exception) -> int:
    """PortAudio's number of an error; 0 where the package found it itself."""
    return int(error.args[1]) if len(error.args) > 1 else 0


def load_library() -> Any:
    """The package ``sounddevice``. The first time it asks every sound system what there is, which may take a while.

    Raises:
        MicrophoneBusyError: PortAudio can't begin.
        MissingLibraryError: PortAudio, or its Python package, is not installed.
    """
    with needed_by("--voice"), _without_search():
        try:
            import sounddevice  # here alone, so that nothing else of the agent can open a microphone
        except OSError as error:
            raise MissingLibraryError(
                f"--voice needs PortAudio, which is not installed ({error}). On Debian and Ubuntu: sudo apt install "
                "libportaudio2"
            ) from error
        except ImportError:
            raise
        except Exception as error:  # PortAudio's own, of a package that is not there to name it by
            raise MicrophoneBusyError(
                f"the sound system does not answer ({error.args[0]}): see whether other programs can record, or leave "
                "--voice out, for your face alone"
            ) from error
    return sounddevice


@contextlib.contextmanager
def _without_search() -> Iterator[None]:
    """On Linux the library is loaded by its name, as any program does it.

    The search for it would run ldconfig, gcc and ld, which write temporary files, and find nothing else.
    """
    search = ctypes.util.find_library
    if sys.platform == "linux":
        ctypes.util.find_library = lambda name: f"lib{name}.so.2"
    try:
        yield
    finally:
        ctypes.util.find_library = search
