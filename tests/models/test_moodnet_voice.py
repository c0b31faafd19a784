"""The small network that hears: its spectrum is that of ``models.inference.sound``, and it hears no distance."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="networks need torch: make test TRAIN=1, or pip install '.[train]'")

from models.inference import sound  # noqa: E402
from models.zoo import networks  # noqa: E402
from models.zoo.moodnet_voice import SAMPLES, LogMel, MoodnetVoice  # noqa: E402
from tests import sounds  # noqa: E402


@pytest.mark.parametrize("name", sounds.EVERY)
def test_its_first_layer_is_the_log_mel_of_the_features(name: str) -> None:
    heard = sounds.EVERY[name]()
    found = LogMel()(torch.from_numpy(heard)[None])[0].T.numpy()
    expected = sound.log_mel(heard)
    # Single precision loses what is 80 dB below the rest of a window.
    np.testing.assert_allclose(found, expected, atol=0.05)
    loud = expected > expected.max(1, keepdims=True) - 60
    np.testing.assert_allclose(found[loud], expected[loud], atol=2e-3)


def answered(heard: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    torch.manual_seed(0)
    network = networks.build("moodnet-voice").eval()
    with torch.inference_mode():
        return network(torch.from_numpy(heard)[None]).numpy()[0]  # type: ignore[no-any-return]


def voice() -> np.ndarray:  # type: ignore[type-arg]
    return np.resize(sounds.vowel(), SAMPLES).astype(np.float32)


def test_a_microphone_further_away_changes_nothing() -> None:
    np.testing.assert_allclose(answered(0.3 * voice()), answered(voice()), atol=1e-3)


def test_another_pitch_changes_the_answer() -> None:
    higher = np.resize(sounds.voiced(1.3 * sounds.melody()), SAMPLES).astype(np.float32)
    assert np.abs(answered(higher) - answered(voice())).max() > 1e-3


@pytest.mark.parametrize("heard", [np.zeros(SAMPLES), np.ones(SAMPLES), np.resize([1.0, -1.0], SAMPLES)])
def test_silence_and_clipping_have_answers(heard: np.ndarray) -> None:  # type: ignore[type-arg]
    assert np.isfinite(answered(heard.astype(np.float32))).all()


def test_its_spectrum_is_no_weight_that_is_learned_or_stored() -> None:
    network = MoodnetVoice(8)
    assert not any("log_mel" in name for name in [*network.state_dict(), *dict(network.named_parameters())])
