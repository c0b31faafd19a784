"""A real sound stack on a machine without a microphone: PortAudio, ALSA, and a PulseAudio of the test's own.

What it "hears" comes through a pipe, about nine times as fast as from a microphone.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

_SCRIPT = """
load-module module-native-protocol-unix socket={folder}/native auth-anonymous=1
load-module module-pipe-source source_name=microphone file={folder}/heard format=s16le rate=16000 channels=1
set-default-source microphone
"""
_BY_PULSE = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
_NOTHING = "pcm.nothing { type hw\n card 9 }\n"
_WAIT_S = 30


@contextlib.contextmanager
def with_microphone(monkeypatch: pytest.MonkeyPatch, sound: NDArray[np.float32]) -> Iterator["subprocess.Popen[bytes]"]:
    """Programs that are started meanwhile hear ``sound`` (n,), 16,000 a second, over and over.

    Yields the sound server; killed, the microphone is gone.
    """
    _require_portaudio()
    program = shutil.which("pulseaudio")
    if program is None or not _has_plugin():
        pytest.skip("PulseAudio is not installed (apt packages pulseaudio and libasound2-plugins)")
    folder = Path(tempfile.mkdtemp(prefix="sound"))
    (folder / "script").write_text(_SCRIPT.format(folder=folder))
    own = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PATH": os.environ["PATH"], "LANG": "C"}
    command = [
        program,
        "-n",
        "-F",
        str(folder / "script"),
        "--exit-idle-time=-1",
        "--daemonize=no",
        "--use-pid-file=no",
    ]
    server = subprocess.Popen([*command, "--disable-shm=yes"], env=own, stderr=subprocess.DEVNULL)
    over = threading.Event()
    feeder = threading.Thread(target=_feed, args=(folder / "heard", sound, over), daemon=True)
    try:
        _wait_for(folder / "native", server)
        feeder.start()
        (folder / "client").write_text("enable-shm = no\nautospawn = no\n")
        (folder / "cookie").write_bytes(bytes(256))
        monkeypatch.setenv("PULSE_SERVER", f"unix:{folder}/native")
        monkeypatch.setenv("PULSE_CLIENTCONFIG", str(folder / "client"))
        monkeypatch.setenv("PULSE_COOKIE", str(folder / "cookie"))
        _configure(monkeypatch, folder, _BY_PULSE)
        yield server
    finally:
        over.set()
        server.terminate()
        server.wait(_WAIT_S)
        feeder.join(_WAIT_S)
        shutil.rmtree(folder, ignore_errors=True)


def without_microphone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Programs that are started from now on find a sound stack, and no device."""
    _require_portaudio()
    _configure(monkeypatch, folder, _NOTHING)


def _configure(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    (folder / "asound.conf").write_text(text)
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(folder / "asound.conf"))


def _require_portaudio() -> None:
    if sys.platform != "linux":
        pytest.skip("the sound stack of tests is that of Linux")
    try:
        ctypes.CDLL("libportaudio.so.2")
    except OSError:
        pytest.skip("PortAudio is not installed (apt package libportaudio2)")


def _has_plugin() -> bool:
    return any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))


def _wait_for(socket: Path, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(100 * _WAIT_S):
        if socket.exists():
            return
        if server.poll() is not None:
            pytest.skip(f"PulseAudio does not start here (exit code {server.returncode})")
        threading.Event().wait(0.01)
    pytest.fail("PulseAudio opened no socket")


def _feed(pipe: Path, sound: NDArray[np.float32], over: threading.Event) -> None:
    """Write until told that it is over; the server keeps its end open, and a full pipe is waited for."""
    data = (32767 * sound).astype(np.int16).tobytes()
    descriptor = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        at = 0
        while not over.is_set():
            try:
                at = (at + os.write(descriptor, data[at : at + 4096])) % len(data)
            except BlockingIOError:
                over.wait(0.01)
    finally:
        os.close(descriptor)
