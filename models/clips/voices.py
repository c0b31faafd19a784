"""Voices of the synthetic set: espeak-ng says a sentence as somebody would who shows an expression.

espeak-ng (GPL 3) is a program of its own, called where it is installed. What an expression does to a voice is that of
the literature in its direction; how far it goes, and how far people and takes lie apart, is set by ear, so that no one
cue tells the expression.
"""

import hashlib
import html
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from models.clips import sound
from models.clips.sound import Samples
from models.errors import DatasetError

PROGRAM = "espeak-ng"
SENTENCES = (
    "The bus leaves at seven.",
    "The door is still open.",
    "She put it on the table.",
    "They are in the garden.",
    "It was raining all day.",
    "We saw him at the station.",
)
"""Which say nothing about a mood; drawn without regard to the label."""
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5")
_USUAL_SPEED, _USUAL_PITCH = 175, 50
"""Of espeak-ng: words a minute, and 0 to 99."""
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Prosody:
    """How something is said, in relation to how that is said usually.

    ``speed``, pitch ``range`` and ``volume`` are factors, ``pitch`` is added in espeak-ng's points, of which 30 are
    four to five semitones.
    """

    speed: float = 1.0
    pitch: float = 0.0
    range: float = 1.0
    volume: float = 1.0


PROSODY: Mapping[str, Prosody] = MappingProxyType(
    {
        # Juslin & Laukka 2003 (Psychological Bulletin 129), the patterns of cues that they sum up from 104 studies:
        # fast, loud, high, of much variability.
        "angry": Prosody(1.15, 12, 1.4, 1.5),
        # Not among theirs; Banse & Scherer 1996 (JPSP 70): lower and slower than the mean of their fourteen emotions.
        "disgust": Prosody(0.86, -10, 0.9, 0.95),
        # Fast, soft but for panic, high, of little variability.
        "fear": Prosody(1.2, 20, 0.7, 0.85),
        # Fast, medium to loud, high, of much variability.
        "happy": Prosody(1.1, 14, 1.5, 1.25),
        # Slow, soft, low, of little variability.
        "sad": Prosody(0.8, -12, 0.5, 0.65),
        # In neither of the two; set by ear: as high as fear, with the range of joy.
        "surprise": Prosody(1.05, 18, 1.7, 1.1),
        "neutral": Prosody(),
    }
)
"""What the strongest expression does to a voice, by ``relay.protocol.EXPRESSIONS``."""
_FAINTEST = 0.4
"""Of that, the share that is left in the faintest expression."""
_TAKE = Prosody(0.08, 7, 0.2, 0.2)
"""Standard deviations from take to take; of factors, those of their logarithm."""
_PERSON = Prosody(0.06, 8, 0.12, 0.15)
"""From person to person."""


@dataclass(frozen=True)
class Voice:
    """Somebody's voice: a variant of espeak-ng's English one, and how it differs from that."""

    variant: str
    usual: Prosody


def voice_of(subject: str, seed: int) -> Voice:
    """A person's voice, by the person's name: who else is in the set makes no difference."""
    digest = hashlib.sha256(f"voice {seed} {subject}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    return Voice(str(rng.choice(_VARIANTS)), _varied(Prosody(), _PERSON, rng))


def delivery(expression: str, intensity: float, voice: Voice, rng: np.random.Generator) -> Prosody:
    """How somebody says something with an expression of this intensity (0..1) this time."""
    full, share = PROSODY[expression], _FAINTEST + (1 - _FAINTEST) * intensity
    usual = voice.usual
    meant = Prosody(
        usual.speed * full.speed**share,
        usual.pitch + full.pitch * share,
        usual.range * full.range**share,
        usual.volume * full.volume**share,
    )
    return _varied(meant, _TAKE, rng)


def _varied(prosody: Prosody, spread: Prosody, rng: np.random.Generator) -> Prosody:
    speed, pitch, width, volume = rng.normal(0, 1, 4)
    return Prosody(
        round(float(prosody.speed * np.exp(spread.speed * speed)), 3),
        round(float(prosody.pitch + spread.pitch * pitch), 1),
        round(float(prosody.range * np.exp(spread.range * width)), 3),
        round(float(prosody.volume * np.exp(spread.volume * volume)), 3),
    )


def check() -> None:
    """Check that espeak-ng is there.

    Raises:
        DatasetError: it is not.
    """
    if shutil.which(PROGRAM) is None:
        raise DatasetError(
            f"expected the program {PROGRAM}, which speaks for the portraits, but it is not on the PATH: install it "
            "(Debian, Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng), or make clips without --speech"
        )


def say(sentence: str, variant: str, how: Prosody, place: Path) -> Samples:
    """A sentence, spoken; ``place`` is a folder for a file that goes again.

    Raises:
        DatasetError: espeak-ng is missing or fails.
        MissingVideoError: PyAV, which reads what it wrote, is not installed.
    """
    check()
    file = place / "said.wav"
    pitch = int(np.clip(round(_USUAL_PITCH + how.pitch), 0, 99))
    text = f'<prosody range="{round(100 * np.clip(how.range, 0, 2))}%">{html.escape(sentence)}</prosody>'
    options = ["-v", f"en+{variant}", "-s", str(round(_USUAL_SPEED * how.speed)), "-p", str(pitch), "-z", "-m"]
    failed = f"expected {PROGRAM} to say {sentence!r}, but"
    try:
        command = [PROGRAM, *options, "-w", str(file), text]
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)  # noqa: S603 (our own words)
        said = sound.heard(file)
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.decode(errors="replace").split())
        raise DatasetError(f"{failed} it ended with {error.returncode} ({why or 'without a word'})") from error
    except subprocess.TimeoutExpired as error:
        raise DatasetError(f"{failed} it took longer than {_TIMEOUT_S} s") from error
    except OSError as error:
        raise DatasetError(f"{failed} it can't be run: {error.strerror or error}") from error
    finally:
        file.unlink(missing_ok=True)
    return np.asarray(np.clip(np.rint(said * how.volume), -32768, 32767), np.int16)
