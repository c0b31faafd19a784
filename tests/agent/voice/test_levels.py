"""What the streamer is told of their microphone: once, and only what holds."""

import numpy as np

from agent.voice.levels import CLIPS, NO_SOUND, NO_SPEECH, Levels
from tests.agent.voice.sounds import Sound, noise, spoken

SILENCE = np.zeros(8192, np.float32)
NOISE, SPEECH = noise(0.5), spoken(0.5)
CLIPPED = np.clip(20 * SPEECH, -1, 1)


def told(*sounds: tuple[Sound, bool, float]) -> list[str]:
    """The sentences of sounds, whether each is speech, and for how many seconds it goes on; two a second."""
    levels, time, sentences = Levels(100.0), 100.0, []
    for sound, is_speech, seconds in sounds:
        for _ in range(round(2 * seconds)):
            time += 0.5
            sentences.append(levels.update(time, sound, is_speech))
    return [sentence for sentence in sentences if sentence]


def test_a_muted_microphone_is_told_of_after_a_minute_and_once() -> None:
    assert told((SILENCE, False, 59)) == []
    assert told((SILENCE, False, 400)) == [NO_SOUND]


def test_a_minute_without_speech_is_told_of_once_in_ten() -> None:
    assert told((NOISE, False, 59)) == []
    assert told((NOISE, False, 500)) == [NO_SPEECH]
    assert told((NOISE, False, 700)) == [NO_SPEECH, NO_SPEECH]


def test_who_speaks_now_and_then_is_told_nothing() -> None:
    assert told(*[(NOISE, False, 50), (SPEECH, True, 2), (SILENCE, False, 50), (SPEECH, True, 2)] * 3) == []


def test_sound_that_is_cut_off_is_told_of_and_one_loud_moment_is_not() -> None:
    assert told((CLIPPED, True, 1), (SPEECH, True, 5)) == []
    assert told((CLIPPED, True, 60)) == [CLIPS]
