"""The synthetic set with sound: portraits that play an expression and say a sentence the while.

As ``models.clips.synth``, but longer, and with a voice (``models.clips.voices``) whose manner goes with the expression.
The mouth moves with the sound: the jaw with what is voiced, the corners with what hisses. So the mouth tells less of
the expression than in the silent set, as with people who speak.
"""

import wave
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.clips import motions, synth, video, voices
from models.clips.motions import Points
from models.clips.sound import Samples
from models.clips.styles import SHARED, Style
from models.clips.synth import Role
from models.clips.voices import Prosody, Voice
from models.clips.warp import FaceMesh
from models.inference.sound import RATE

_COLUMNS = (*synth.COLUMNS, "fps", "voice", "sentence", "speed", "pitch", "range", "volume")
_BEFORE_S, _AFTER_S = (0.1, 0.3), (0.1, 0.3)
"""Silence before and after the sentence."""
_NOISE_DB = (-60.0, -42.0)
"""Of the room, in relation to full scale."""
_VOICED_HZ, _HISSING_HZ = (150.0, 1500.0), (3000.0, 7500.0)
_LOUD = 90
"""Percentile of a clip's loudness at which the mouth is open as far as it goes."""
_MOUTH: Mapping[str, float] = MappingProxyType({"jaw drop": 0.4, "lips part": 0.5})
"""What voiced sound does at its loudest."""
_HISS: Mapping[str, float] = MappingProxyType({"lip stretcher": 0.35})
"""What hissing sound does at its loudest."""


@dataclass(frozen=True)
class _Speech:
    """What is said in a clip, and how; ``samples`` are the sound of the whole clip."""

    sentence: str
    voice: Voice
    how: Prosody
    samples: Samples

    @property
    def frames(self) -> int:
        """Of the clip, at ``video.FPS`` a second."""
        return len(self.samples) * video.FPS // RATE


def _speak(role: Role, voice: Voice, rng: np.random.Generator, place: Path) -> _Speech:
    """A sentence that is drawn, in a room that is not quite silent, of whole frames.

    Raises:
        DatasetError, MissingVideoError: as ``models.clips.voices.say``.
    """
    sentence = str(rng.choice(voices.SENTENCES))
    intensity = 0.0 if role.expression == "neutral" else role.intensity
    how = voices.delivery(role.expression, intensity, voice, rng)
    said = voices.say(sentence, voice.variant, how, place)
    before, after = (round(rng.uniform(*span) * RATE) for span in (_BEFORE_S, _AFTER_S))
    frame = RATE // video.FPS
    total = -(-(before + len(said) + after) // frame) * frame
    room = rng.normal(0, 32768 * 10 ** (rng.uniform(*_NOISE_DB) / 20), total)
    room[before : before + len(said)] += said
    return _Speech(sentence, voice, how, np.clip(np.rint(room), -32768, 32767).astype(np.int16))


def mouth(samples: Samples) -> NDArray[np.float64]:
    """How far what is heard moves a mouth in each frame: (F, 2), 0 to 1, by voiced and by hissing sound."""
    frame = RATE // video.FPS
    windows = samples.reshape(-1, frame) * np.hanning(frame)
    power = np.abs(np.fft.rfft(windows)) ** 2
    hertz = np.fft.rfftfreq(frame, 1 / RATE)
    bands = [power[:, (low <= hertz) & (hertz < high)].sum(1) for low, high in (_VOICED_HZ, _HISSING_HZ)]
    loudness = np.sqrt(np.stack(bands, 1))
    opened = np.clip(loudness / np.maximum(np.percentile(loudness, _LOUD, 0), 1), 0, 1)
    around = np.pad(opened, ((1, 1), (0, 0)), "edge")
    smooth: NDArray[np.float64] = (around[:-2] + 2 * around[1:-1] + around[2:]) / 4
    return smooth


def moved_mouth(face: Points, samples: Samples, rng: np.random.Generator) -> NDArray[np.float64]:
    """What speaking adds to a face's mesh in each frame (F, 468, 2); everybody opens the mouth as far as they do."""
    far = rng.uniform(0.7, 1.3)
    pulls = [
        sum((strength * motions.displacement(face, action) for action, strength in actions.items()), np.zeros(1))
        for actions in (_MOUTH, _HISS)
    ]
    moved: NDArray[np.float64] = far * np.tensordot(mouth(samples), np.stack(pulls), 1)
    return moved


def make(
    out: Path,
    people: Mapping[str, FaceMesh],
    count: int,
    seed: int,
    size: int,
    pictures: bool,
    own: Mapping[str, Style] = MappingProxyType({}),
) -> list[Role]:
    """Write ``count`` clips with sound and their table into ``out``; else as ``models.clips.synth.make``.

    The sound is a track of the MP4 files (AAC), or a WAV file beside each folder of ``pictures``.

    Raises:
        DatasetError: as there; or espeak-ng is missing or fails.
        MissingVideoError: PyAV is not installed.
    """
    voices.check()
    video.load_av()
    every = {subject: voices.voice_of(subject, seed) for subject in people}
    played, rows = [], []
    with synth.whole_set(out, synth.TABLE, pictures) as place:
        roles = synth.cast(list(people), count, np.random.default_rng(seed))
        for i, drawn in enumerate(tqdm(roles, desc="synthetic clips", unit="clip", disable=None)):
            speech = _speak(drawn, every[drawn.subject], np.random.default_rng([seed, i, 1]), place)
            role = _as_long(drawn, speech.frames)
            chance, who = np.random.default_rng([seed, i]), people[role.subject]
            speaking = moved_mouth(who.face, speech.samples, chance)
            clip = synth.perform(who, role, size, chance, own.get(role.subject, SHARED), speaking)
            file = Path(role.expression) / f"{role.subject}_{i:05}{'' if pictures else '.mp4'}"
            (place / file).parent.mkdir(exist_ok=True)
            if pictures:
                video.write_pictures(clip, place / file)
                _write_wav(speech.samples, (place / file).with_suffix(".wav"))
            else:
                video.write_mp4(clip, place / file, sound=speech.samples)
            played.append(role)
            rows.append(
                (*synth.row(file, role), video.FPS, speech.voice.variant, speech.sentence, *vars(speech.how).values())
            )
        for folder in {(place / role.expression) for role in played}:
            synth.mark(folder)  # a class that is copied out of the set is still no recording
        synth.write_table(place / synth.TABLE, _COLUMNS, rows)
        if own:
            synth.write_styles(place, own)
    return played


def _as_long(role: Role, frames: int) -> Role:
    """A role that lasts as long as its sentence, with its moments at the same shares of it."""
    longer = frames / role.frames
    moments = (round(at * longer) for at in (role.onset, role.apex, role.release, role.offset))
    onset, apex, release, offset = moments
    return replace(role, frames=frames, onset=onset, apex=apex, release=release, offset=offset)


def _write_wav(samples: Samples, file: Path) -> None:
    """One channel of 16 bits.

    Raises:
        OSError: it can't be written.
    """
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())
