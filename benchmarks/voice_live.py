"""What hearing costs beside a game: ``python -m benchmarks.voice_live --voice voice.onnx``.

The agent's own thread that listens, with a made microphone in place of PortAudio's that delivers a tenth of a second at
a time, as fast as sound goes, for a minute each:

* ``silence``: noise alone, in which nobody is heard, so that the network does not run,
* ``talk``: somebody speaks half of the time,
* ``speech``: somebody speaks all the time; the same with voice activity off, so that every half second is heard.

Told is the processor time of the whole process as a share of one core, which may be 12 % (``--limit``). At 16,000
samples a second, and at 48,000, where the agent resamples. Without ``--voice`` the network is moodnet-voice as it is
before training, which takes as long (needs ``.[train]``).
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.voice import listening
from agent.voice.activity import SpeechActivity
from agent.voice.listening import Listener
from agent.voice.ring import RingBuffer
from benchmarks import machine
from models.inference.hearing import VoiceNetwork
from relay.protocol import EXPRESSIONS
from tests.agent.voice.sounds import noise, spoken

RATES = (16_000, 48_000)
FACE = (1 / len(EXPRESSIONS),) * len(EXPRESSIONS)
BLOCK_S = 0.1


class Made:
    """In place of ``agent.voice.microphone.Microphone``: delivers ``sound``, over and over."""

    rate = RATES[0]
    sound: NDArray[np.float32] = np.zeros(1, np.float32)
    is_lost = False

    def __init__(self, seconds: float) -> None:
        self.ring = RingBuffer(round(seconds * self.rate))
        self._over = threading.Event()
        threading.Thread(target=self._deliver, daemon=True).start()

    def _deliver(self) -> None:
        began, block, sent = time.monotonic(), round(BLOCK_S * self.rate), 0
        while not self._over.wait(max(0.0, began + sent * BLOCK_S - time.monotonic())):
            self.ring.write(self.sound[np.arange(sent * block, (sent + 1) * block) % len(self.sound)])
            sent += 1

    def close(self) -> None:
        self._over.set()


class Always(SpeechActivity):
    """Voice activity off: there always is some."""

    def update(self, sound: NDArray[np.float32]) -> bool:
        super().update(sound)
        return True

    @property
    def spoken_s(self) -> float:
        return 10.0


def sounds() -> dict[str, NDArray[np.float32]]:
    """Eight seconds of each kind at ``RATES[0]``."""
    return {
        "silence": noise(8, 0.001),
        "talk": np.concatenate([noise(4, 0.001), spoken(4)]),
        "speech": spoken(8),
    }


def measure(network: VoiceNetwork, seconds: float) -> tuple[float, float]:
    """The share of a core, and how often a second the network ran."""
    runs, hear = 0, network.probabilities

    def counted(sound: NDArray[np.float32]) -> NDArray[np.float32]:
        nonlocal runs
        runs += 1
        return hear(sound)

    network.probabilities = counted  # type: ignore[method-assign]
    listener = Listener(network, lambda _: None, lambda: None)
    listener.start()
    began, busy = time.monotonic(), time.process_time()
    while (now := time.monotonic()) < began + seconds:
        listener.fused(now, FACE)  # as often as the agent looks
        time.sleep(0.2)
    share = (time.process_time() - busy) / (now - began)
    listener.stop()
    listener.join()
    network.probabilities = hear  # type: ignore[method-assign]
    return share, runs / (now - began)


def untrained(file: Path) -> Path:
    """moodnet-voice before any training, as a voice file."""
    import msgspec

    from models.export import research  # torch
    from models.inference import voice
    from models.zoo import networks
    from tests.voices import CONTRACT

    entry = networks.get("moodnet-voice")
    contract = msgspec.structs.replace(CONTRACT, samples=entry.signals["sound"][0])
    research.write(networks.build(entry.name).eval(), entry, lambda model: voice.write(model, contract), file)
    return file


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.voice_live", description=__doc__)
    parser.add_argument("--voice", type=Path, help="a voice file")
    parser.add_argument("--seconds", type=float, default=60, help="of each (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=0.12, help="share of a core (default: %(default)s)")
    args = parser.parse_args()
    print(f"Machine: {machine.describe()}")
    listening.Microphone = Made  # type: ignore[assignment,misc]
    listening.load_library = lambda: None
    most = 0.0
    with tempfile.TemporaryDirectory() as folder:
        network = VoiceNetwork(args.voice or untrained(Path(folder) / "voice.onnx"))
        size = network.file.stat().st_size / 1e6
        print(f"{network.file.name}: {size:.1f} MB, {network.contract.seconds:g} s of sound", flush=True)
        for rate in RATES:
            Made.rate = rate
            for kind, sound in sounds().items():
                Made.sound = np.repeat(sound, rate // RATES[0])
                for activity in (SpeechActivity, Always) if kind == "silence" else (SpeechActivity,):
                    listening.SpeechActivity = activity  # type: ignore[misc]
                    share, runs = measure(network, args.seconds)
                    most = max(most, share)
                    off = ", voice activity off" if activity is Always else ""
                    print(f"{rate} Hz, {kind}{off}: {share:6.2%} of one core, {runs:.1f} runs a second", flush=True)
    print(f"most {most:.2%}, limit {args.limit:.0%}")
    return int(most > args.limit)


if __name__ == "__main__":
    sys.exit(main())
